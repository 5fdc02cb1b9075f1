// Package config reads the process settings: once, at start, from flags and environment variables. What an operator
// changes while the hub runs (channels, routes, sources, …) is a row in the database and not here.
//
// Config is made of plain sections, passed by value to whoever needs one. Each field's tags hold all there is to know
// about it, for the loader, for `incidenthub doctor` and for the generated page (Docs):
//
//	env         the variable's name; flags override it under the same name
//	envDefault  used when the variable is unset or empty; such a field's zero value never reaches anybody
//	unit        what the text looks like
//	doc         what it does
//
// Secrets are secret.String and print as ***. An unset or empty variable is the same thing.
package config

import (
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Config holds all process settings. Load makes one; it does not change afterwards.
type Config struct {
	Server   Server
	Storage  Storage
	Secrets  Secrets
	Access   Access
	Webhook  Webhook
	Intake   Intake
	Egress   Egress
	Models   Models
	Checks   Checks
	Jobs     Jobs
	Keep     Keep
	Pipeline Pipeline
	Signals  Signals
	Startup  Startup
	Log      Log

	from map[string]string // variable name: flag or env; not listed: default
}

// Server is where the hub listens and what it is called from outside.
type Server struct {
	Listen         string   `env:"HUB_LISTEN" envDefault:"127.0.0.1:8080" unit:"host:port" doc:"Address of UI, API and webhooks; \":8080\" for all interfaces, port 0 for any free one. The worker command does not use it."`
	PublicURL      string   `env:"HUB_PUBLIC_URL" unit:"URL" doc:"Where people and senders reach the hub, for links in notifications and printed commands. Empty: notifications carry no links to the hub."`
	TrustedProxies Prefixes `env:"HUB_TRUSTED_PROXIES" unit:"addresses or CIDRs, comma separated" doc:"Peers whose X-Forwarded-For and X-Forwarded-Proto are believed. Empty: none, the peer's own address counts."`
}

// Storage is where the hub keeps its rows, its files and its doorbell.
type Storage struct {
	DataDir     string        `env:"HUB_DATA_DIR" unit:"folder" doc:"The SQLite file and the generated secret key live here; made (0700) if missing. Empty: $XDG_DATA_HOME/incidenthub; else for root /var/lib/incidenthub if that exists; else ~/.local/share/incidenthub."`
	RedisURL    secret.String `env:"HUB_REDIS_URL" unit:"URL" doc:"redis:// or rediss://: wakes workers of other processes. Needs Postgres; a hub of one process leaves it empty."`
	DatabaseURL secret.String `env:"HUB_DATABASE_URL" unit:"URL" doc:"postgres://user:password@host/name, or sqlite:/path/to/file.db. Empty: incidenthub.db in the data folder."`
}

// Secrets says where the key for stored secrets comes from; see platform/secret for its forms.
type Secrets struct {
	Key     secret.String `env:"HUB_SECRET_KEY" unit:"key or keys, comma separated" doc:"Encrypts stored secrets: 32 bytes as hex or base64, or a passphrase of at least 32 characters. The first encrypts, all decrypt. Empty: HUB_SECRET_KEY_FILE, else secret.key in the data folder, made at the first start."`
	KeyFile string        `env:"HUB_SECRET_KEY_FILE" unit:"file" doc:"File with what HUB_SECRET_KEY would hold, one key a line. Not together with HUB_SECRET_KEY."`
}

// Access is who may come in.
type Access struct {
	AdminKey secret.String `env:"HUB_ADMIN_KEY" unit:"text" doc:"Key with all rights. Empty: an owner token is made at the first start and printed once."`
}

// Webhook holds the senders' signing secrets by environment; sources may have their own. The other senders cannot sign
// and use their source's key (contract 3.4).
type Webhook struct {
	Grafana   secret.String `env:"WEBHOOK_SECRET_GRAFANA" unit:"text" doc:"HMAC-SHA256 secret of Grafana's webhooks. Set: unsigned ones are refused."`
	PagerDuty secret.String `env:"WEBHOOK_SECRET_PAGERDUTY" unit:"text" doc:"The same for PagerDuty."`
	NewRelic  secret.String `env:"WEBHOOK_SECRET_NEWRELIC" unit:"text" doc:"The same for New Relic."`
	Generic   secret.String `env:"WEBHOOK_SECRET_GENERIC" unit:"text" doc:"The same for the generic format."`
}

// Secret returns the secret of a driver by its name, unset for those that have none.
func (w Webhook) Secret(driver string) secret.String {
	switch driver {
	case "grafana":
		return w.Grafana
	case "pagerduty":
		return w.PagerDuty
	case "newrelic":
		return w.NewRelic
	case "generic":
		return w.Generic
	default:
		return secret.String{}
	}
}

// Intake bounds what a webhook call may bring.
type Intake struct {
	MaxBody          Bytes `env:"HUB_MAX_BODY" envDefault:"8MiB" unit:"bytes, or with KiB, MiB, GiB" doc:"Largest webhook body, as sent and unpacked. More is answered 413."`
	MaxAlerts        int   `env:"HUB_MAX_ALERTS" envDefault:"10000" unit:"number" doc:"Most alerts in one call. More is answered 400."`
	MaxDepth         int   `env:"HUB_MAX_DEPTH" envDefault:"64" unit:"number" doc:"Deepest nesting of a JSON body. More is answered 400."`
	MaxInflightBytes Bytes `env:"HUB_MAX_INFLIGHT_BYTES" envDefault:"16MiB" unit:"bytes, or with KiB, MiB, GiB" doc:"Bodies being received and stored at one time, in all. Beyond it the hub answers 503 with Retry-After."`
}

// Egress is where the hub may call.
type Egress struct {
	Allow        []string `env:"HUB_EGRESS_ALLOW" unit:"host[:port] or CIDR[:port], comma separated" doc:"Private and loopback addresses that channels, providers and data sources may call, such as receiver.lan:9000 or 10.1.0.0/16. Public ones need no entry; link-local, metadata and the hub's own address are refused even when listed."`
	AllowedHosts []string `env:"SSRF_ALLOWED_HOSTS" unit:"host[:port] or CIDR[:port], comma separated" doc:"Added to HUB_EGRESS_ALLOW; the name that other tools use."`
	Links        []string `env:"HUB_LINK_HOSTS" unit:"hosts, or .domain for all below it, comma separated" doc:"Where analyses of language models may link to, such as wiki.example.com or .docs.example.com. The hub's own address and names that only exist inside, such as wiki.lan, need no entry; all other links are taken out."`
}

// All returns both lists as one.
func (e Egress) All() []string {
	return append(append(make([]string, 0, len(e.Allow)+len(e.AllowedHosts)), e.Allow...), e.AllowedHosts...)
}

// Checks sets defaults of checks of the host.
type Checks struct {
	ListeningPorts []string `env:"LISTENING_PORTS_ALLOWLIST" unit:"ports, such as 22, 8000-8100 or 127.0.0.1:5432, comma separated" doc:"TCP ports that may listen on the hub's host: the check listening_ports warns of every other one. Empty: it warns of those that other hosts can reach."`
}

// Jobs times the work queue.
type Jobs struct {
	Lease time.Duration `env:"HUB_LEASE" envDefault:"30s" unit:"duration such as 30s or 5m" doc:"How long a worker holds work without a sign of life. After a crash its work comes back when that time is over."`

	Queues      []string `env:"HUB_QUEUES" unit:"ingest, notify, timers, context, intelligence, maintenance; comma separated" doc:"What this process works on, with Postgres and Redis: the rest is left to other processes. A server without ingest only takes alerts in. Empty: everything."`
	Concurrency int      `env:"HUB_CONCURRENCY" unit:"number, at most 1000" doc:"Slow pieces of work that this process has under way at once: sends, and nodes of each of the queues context and intelligence. Empty: 96 sends, 128 nodes of each."`
}

// Keep is how long what is over is kept, in days. 0 is for ever.
type Keep struct {
	Days         int `env:"HUB_KEEP_DAYS" envDefault:"90" unit:"days" doc:"How long alerts, incidents, runs and deliveries that are over are kept; the totals of the ledger stay. What is not over stays however old it is. 0: for ever."`
	DeadDays     int `env:"HUB_KEEP_DEAD_DAYS" envDefault:"90" unit:"days" doc:"How long what failed is kept, and what belongs to it: at least HUB_KEEP_DAYS. 0: for ever."`
	BodyDays     int `env:"HUB_KEEP_BODY_DAYS" envDefault:"30" unit:"days" doc:"How long raw bodies of pushes are kept; without its body a push cannot be reprocessed. 0: as long as the push."`
	SnapshotDays int `env:"HUB_KEEP_SNAPSHOT_DAYS" envDefault:"30" unit:"days" doc:"How long is kept what the nodes of a run got and gave out; without it a run cannot be resumed or replayed. 0: as long as the run."`
}

// Pipeline sets defaults of pipeline runs.
type Pipeline struct {
	Default string `env:"DEFAULT_PIPELINE" unit:"definition name" doc:"Definition that runs for alerts no trigger matches. Empty: they end as no_route."`

	// The built-in pipeline of /orchestration/pipeline and of the command run-pipeline.
	MaxRetries int     `env:"ORCHESTRATION_MAX_RETRIES_PER_STAGE" envDefault:"3" unit:"number, from 1 on" doc:"Tries in all of a stage of the built-in pipeline (POST /orchestration/pipeline/) that fails. Other pipelines say it themselves, in max_retries."`
	Backoff    float64 `env:"ORCHESTRATION_BACKOFF_FACTOR" envDefault:"2.0" unit:"number, from 1 on" doc:"The wait before its try n+1 is about factor^n seconds, at most 10 minutes."`
	Fallback   bool    `env:"ORCHESTRATION_INTELLIGENCE_FALLBACK_ENABLED" envDefault:"true" unit:"true or false" doc:"Whether the built-in pipeline goes on without an analysis when that fails; false: the run fails. Who is told is told either way."`
}

// Signals is where runs tell what they do, besides /metrics.
type Signals struct {
	Backend      string `env:"ORCHESTRATION_METRICS_BACKEND" envDefault:"logging" unit:"logging, statsd or both, comma separated" doc:"What pipelines signal (started, completed, each stage, retries, durations) goes there. Prometheus has it in any case."`
	StatsdHost   string `env:"STATSD_HOST" envDefault:"localhost" unit:"host" doc:"The statsd daemon, by UDP."`
	StatsdPort   int    `env:"STATSD_PORT" envDefault:"8125" unit:"port" doc:"Its port."`
	StatsdPrefix string `env:"STATSD_PREFIX" envDefault:"pipeline" unit:"text" doc:"First part of every statsd name."`
	Endpoint     string `env:"HUB_OTLP_ENDPOINT" unit:"URL" doc:"OpenTelemetry collector that takes spans by OTLP over HTTP, such as http://collector:4318. Empty: no spans. OTEL_EXPORTER_OTLP_HEADERS and the like are read too."`
}

// Startup is what the hub does before it accepts work.
type Startup struct {
	Apply string `env:"HUB_APPLY" unit:"file" doc:"YAML file of sources, channels, providers, silences and pipelines that is applied at each start (as incidenthub apply -f)."`
}

// Log is how the hub logs to standard error.
type Log struct {
	Format string     `env:"HUB_LOG_FORMAT" envDefault:"text" unit:"text or json" doc:"Form of log lines."`
	Level  slog.Level `env:"HUB_LOG_LEVEL" envDefault:"info" unit:"debug, info, warn or error" doc:"Least level that is logged."`
}

// BaseURL returns the public URL without a trailing slash; without HUB_PUBLIC_URL it is made from addr, where the hub
// really listens (HUB_LISTEN may name port 0 or all interfaces).
func (s Server) BaseURL(addr string) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
