package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

const canary = "canary-4711"

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func mustLoad(t *testing.T, pairs, flags map[string]string) config.Config {
	t.Helper()
	c, err := config.Load(env(pairs), flags)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func diff(want, got config.Config) string {
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(config.Config{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }))
}

func TestDefaults(t *testing.T) {
	t.Setenv("HUB_LISTEN", "6.6.6.6:6") // not parallel: the real environment must not be read past getenv
	want := config.Config{
		Server: config.Server{Listen: "127.0.0.1:8080"},
		Storage: config.Storage{
			DataDir: "/x/incidenthub", DatabaseURL: secret.NewString("sqlite:/x/incidenthub/incidenthub.db"),
		},
		Intake:   config.Intake{MaxBody: 8 << 20, MaxAlerts: 10000, MaxDepth: 64, MaxInflightBytes: 16 << 20},
		Jobs:     config.Jobs{Lease: 30 * time.Second},
		Keep:     config.Keep{Days: 90, DeadDays: 90, BodyDays: 30, SnapshotDays: 30},
		Pipeline: config.Pipeline{MaxRetries: 3, Backoff: 2, Fallback: true},
		Signals:  config.Signals{Backend: "logging", StatsdHost: "localhost", StatsdPort: 8125, StatsdPrefix: "pipeline"},
		Log:      config.Log{Format: "text", Level: slog.LevelInfo},
	}
	for name, pairs := range map[string]map[string]string{
		"nothing set": {"XDG_DATA_HOME": "/x"},
		"set but empty": {
			"XDG_DATA_HOME": "/x", "HUB_LISTEN": "", "HUB_DATA_DIR": " ", "HUB_MAX_BODY": "",
		},
	} {
		if d := diff(want, mustLoad(t, pairs, nil)); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
}

// everything sets each variable to something that is not its default.
func everything() map[string]string {
	return map[string]string{
		"HUB_LISTEN": ":9090", "HUB_PUBLIC_URL": "https://hub.example/base/", "HUB_TRUSTED_PROXIES": "10.0.0.1, 10.1.2.3/16",
		"HUB_DATA_DIR": "/data", "HUB_DATABASE_URL": "postgres://hub:" + canary + "@db/hub?sslpassword=" + canary,
		"HUB_REDIS_URL":  "redis://:" + canary + "@cache:6379/1",
		"HUB_SECRET_KEY": canary + strings.Repeat("x", 32), "HUB_ADMIN_KEY": canary + "-more-than-twenty",
		"WEBHOOK_SECRET_GRAFANA": canary + "g", "WEBHOOK_SECRET_PAGERDUTY": canary + "p",
		"WEBHOOK_SECRET_NEWRELIC": canary + "n", "WEBHOOK_SECRET_GENERIC": canary + "w",
		"HUB_MAX_BODY": "1 MiB", "HUB_MAX_ALERTS": "5", "HUB_MAX_DEPTH": "10", "HUB_MAX_INFLIGHT_BYTES": "2097152",
		"HUB_EGRESS_ALLOW": "127.0.0.1:9000,receiver.lan", "SSRF_ALLOWED_HOSTS": "10.0.0.0/8", "HUB_LINK_HOSTS": "wiki.acme.com,.docs.acme.com", "HUB_LEASE": "3s",
		"HUB_QUEUES": "ingest,notify", "HUB_CONCURRENCY": "12",
		"HUB_KEEP_DAYS": "7", "HUB_KEEP_DEAD_DAYS": "0", "HUB_KEEP_BODY_DAYS": "1", "HUB_KEEP_SNAPSHOT_DAYS": "2",
		"ORCHESTRATION_MAX_RETRIES_PER_STAGE": "5", "ORCHESTRATION_BACKOFF_FACTOR": "1.5", "ORCHESTRATION_INTELLIGENCE_FALLBACK_ENABLED": "false",
		"DEFAULT_PIPELINE": "direct", "ORCHESTRATION_METRICS_BACKEND": "statsd", "STATSD_HOST": "stats", "STATSD_PORT": "9125", "STATSD_PREFIX": "hub",
		"HUB_OTLP_ENDPOINT": "http://collector:4318", "LISTENING_PORTS_ALLOWLIST": "22,127.0.0.1:5432",
		"OPENAI_API_KEY": canary + "1", "OPENAI_MODEL": "m1", "ANTHROPIC_API_KEY": canary + "2", "ANTHROPIC_MODEL": "m2",
		"GEMINI_API_KEY": canary + "3", "GOOGLE_API_KEY": canary + "4", "GEMINI_MODEL": "m3", "XAI_API_KEY": canary + "5", "GROK_API_KEY": canary + "6",
		"XAI_MODEL": "m4", "MISTRAL_API_KEY": canary + "7", "MISTRAL_MODEL": "m5", "COPILOT_API_KEY": canary + "8", "COPILOT_MODEL": "m6",
		"OLLAMA_API_KEY": canary + "9", "OLLAMA_MODEL": "m7",
		"HUB_APPLY": "hub.yaml", "HUB_LOG_FORMAT": "json", "HUB_LOG_LEVEL": "DEBUG",
	}
}

func TestEverything(t *testing.T) {
	t.Parallel()
	pairs := everything()
	got := mustLoad(t, pairs, nil)
	s := secret.NewString
	want := config.Config{
		Server: config.Server{
			Listen: ":9090", PublicURL: "https://hub.example/base",
			TrustedProxies: config.Prefixes{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.1.0.0/16")},
		},
		Storage: config.Storage{DataDir: "/data", DatabaseURL: s(pairs["HUB_DATABASE_URL"]), RedisURL: s(pairs["HUB_REDIS_URL"])},
		Secrets: config.Secrets{Key: s(pairs["HUB_SECRET_KEY"])},
		Access:  config.Access{AdminKey: s(pairs["HUB_ADMIN_KEY"])},
		Webhook: config.Webhook{Grafana: s(canary + "g"), PagerDuty: s(canary + "p"), NewRelic: s(canary + "n"), Generic: s(canary + "w")},
		Intake:  config.Intake{MaxBody: 1 << 20, MaxAlerts: 5, MaxDepth: 10, MaxInflightBytes: 2 << 20},
		Egress: config.Egress{
			Allow: []string{"127.0.0.1:9000", "receiver.lan"}, AllowedHosts: []string{"10.0.0.0/8"}, Links: []string{"wiki.acme.com", ".docs.acme.com"},
		},
		Models: config.Models{
			OpenAIKey: s(canary + "1"), OpenAIModel: "m1", AnthropicKey: s(canary + "2"), AnthropicModel: "m2", GeminiKey: s(canary + "3"),
			GoogleKey: s(canary + "4"), GeminiModel: "m3", XAIKey: s(canary + "5"), GrokKey: s(canary + "6"), XAIModel: "m4",
			MistralKey: s(canary + "7"), MistralModel: "m5", CopilotKey: s(canary + "8"), CopilotModel: "m6", OllamaKey: s(canary + "9"), OllamaModel: "m7",
		},
		Checks:   config.Checks{ListeningPorts: []string{"22", "127.0.0.1:5432"}},
		Jobs:     config.Jobs{Lease: 3 * time.Second, Queues: []string{"ingest", "notify"}, Concurrency: 12},
		Keep:     config.Keep{Days: 7, DeadDays: 0, BodyDays: 1, SnapshotDays: 2},
		Pipeline: config.Pipeline{Default: "direct", MaxRetries: 5, Backoff: 1.5},
		Signals:  config.Signals{Backend: "statsd", StatsdHost: "stats", StatsdPort: 9125, StatsdPrefix: "hub", Endpoint: "http://collector:4318"},
		Startup:  config.Startup{Apply: "hub.yaml"},
		Log:      config.Log{Format: "json", Level: slog.LevelDebug},
	}
	if d := diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff([]string{"127.0.0.1:9000", "receiver.lan", "10.0.0.0/8"}, got.Egress.All()); d != "" {
		t.Errorf("Egress.All -want +got:\n%s", d)
	}
	for driver, want := range map[string]string{"grafana": "g", "pagerduty": "p", "newrelic": "n", "generic": "w", "zabbix": ""} {
		if got := strings.TrimPrefix(got.Webhook.Secret(driver).Reveal(), canary); got != want {
			t.Errorf("Webhook.Secret(%q) ends in %q, want %q", driver, got, want)
		}
	}
	for _, set := range got.Redacted() {
		if _, ok := pairs[set.Name]; ok != (set.From == config.FromEnv) {
			t.Errorf("%s is from %s", set.Name, set.From)
		}
		if set.Name != "HUB_SECRET_KEY_FILE" && set.From != config.FromEnv {
			t.Errorf("%s is not covered by this test", set.Name)
		}
	}
}

func TestFlagsWin(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, map[string]string{"HOME": "/h", "HUB_LISTEN": ":1", "HUB_LEASE": "20s"},
		map[string]string{"HUB_LISTEN": ":2", "HUB_LEASE": ""})
	if c.Server.Listen != ":2" || c.Jobs.Lease != 20*time.Second {
		t.Errorf("listen %q, lease %v; want the flag's :2 and, the flag being empty, the variable's 20s", c.Server.Listen, c.Jobs.Lease)
	}
	from := map[string]string{}
	for _, s := range c.Redacted() {
		from[s.Name] = s.From
	}
	if from["HUB_LISTEN"] != config.FromFlag || from["HUB_LEASE"] != config.FromEnv {
		t.Errorf("origins: %v", from)
	}
	if _, err := config.Load(env(map[string]string{"HOME": "/h"}), map[string]string{"HUB_LISTN": ":2"}); !errors.Is(err, config.ErrInvalid) {
		t.Errorf("a flag for no setting: %v, want ErrInvalid", err)
	}
}

func TestRelativeDataDir(t *testing.T) {
	t.Parallel()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, map[string]string{"HUB_DATA_DIR": "data"}, nil)
	if want := filepath.Join(wd, "data"); c.Storage.DataDir != want || c.Storage.DatabaseURL.Reveal() != "sqlite:"+want+"/incidenthub.db" {
		t.Errorf("data folder %q, database %q; want both under %q", c.Storage.DataDir, c.Storage.DatabaseURL.Reveal(), want)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ variable, value, want string }{
		"listen without port":       {"HUB_LISTEN", "localhost", `HUB_LISTEN="localhost" must be host:port`},
		"listen port":               {"HUB_LISTEN", ":http", `HUB_LISTEN=":http" must be host:port`},
		"public URL":                {"HUB_PUBLIC_URL", "hub.example", "HUB_PUBLIC_URL=\"***\" must be a URL"},
		"public URL with password":  {"HUB_PUBLIC_URL", "https://u:" + canary + "@hub.example", `HUB_PUBLIC_URL="https://hub.example" must have no user`},
		"trusted proxies":           {"HUB_TRUSTED_PROXIES", "10.0.0.1,proxy.lan", `HUB_TRUSTED_PROXIES="10.0.0.1,proxy.lan" cannot be read; it takes: addresses or CIDRs`},
		"trusted proxies with zone": {"HUB_TRUSTED_PROXIES", "fe80::1%eth0", `HUB_TRUSTED_PROXIES="fe80::1%eth0" cannot be read; it takes: addresses`},
		"database: other":           {"HUB_DATABASE_URL", "mysql://u:" + canary + "@db/x", `HUB_DATABASE_URL="mysql://db/x" must be postgres://`},
		"database: malformed":       {"HUB_DATABASE_URL", "postgres://u:" + canary + "%@db/x", `HUB_DATABASE_URL="postgres://…" must be postgres://`},
		"database: bare path":       {"HUB_DATABASE_URL", canary + "/x.db", `HUB_DATABASE_URL="***" must be postgres://`},
		"database: no host":         {"HUB_DATABASE_URL", "postgres:///x", `HUB_DATABASE_URL="postgres://…" must be postgres://user:password@host/name`},
		"database: in memory":       {"HUB_DATABASE_URL", "sqlite::memory:", `HUB_DATABASE_URL="sqlite::memory:" must name a plain file`},
		"database: with options":    {"HUB_DATABASE_URL", "sqlite:x.db?mode=ro", `must name a plain file`},
		"database: a folder":        {"HUB_DATABASE_URL", "sqlite:/data/", `HUB_DATABASE_URL="sqlite:/data/" must be postgres://`},
		"redis":                     {"HUB_REDIS_URL", "cache:6379", `HUB_REDIS_URL="***" must be a URL such as redis://`},
		"redis scheme":              {"HUB_REDIS_URL", "http://:" + canary + "@cache", `HUB_REDIS_URL="http://cache" must be a URL`},
		"secret key":                {"HUB_SECRET_KEY", canary, `HUB_SECRET_KEY="***" cannot be used: key 1: want 32 bytes`},
		"admin key":                 {"HUB_ADMIN_KEY", canary + " x", `HUB_ADMIN_KEY="***" must be printable ASCII`},
		"size":                      {"HUB_MAX_BODY", "8 megs", `HUB_MAX_BODY="8 megs" cannot be read; it takes: bytes, or with KiB, MiB, GiB`},
		"size: overflow":            {"HUB_MAX_BODY", "99999999999GiB", `HUB_MAX_BODY="99999999999GiB" cannot be read; it takes: bytes`},
		"size: negative":            {"HUB_MAX_BODY", "-1", `HUB_MAX_BODY="-1" cannot be read; it takes: bytes`},
		"size: small":               {"HUB_MAX_BODY", "10", `HUB_MAX_BODY="10" must be from 1KiB to 1GiB`},
		"number":                    {"HUB_MAX_ALERTS", "many", `HUB_MAX_ALERTS="many" cannot be read; it takes: number`},
		"number: zero":              {"HUB_MAX_ALERTS", "0", `HUB_MAX_ALERTS="0" must be from 1 to 1000000`},
		"depth":                     {"HUB_MAX_DEPTH", "2", `HUB_MAX_DEPTH="2" must be from 8 to`},
		"in flight below body":      {"HUB_MAX_INFLIGHT_BYTES", "1MiB", `HUB_MAX_INFLIGHT_BYTES="1MiB" must be at least HUB_MAX_BODY (8MiB)`},
		"allow-list":                {"HUB_EGRESS_ALLOW", "ok.lan,http://x", `HUB_EGRESS_ALLOW="ok.lan,http://x" cannot be used: "http://x": want host[:port] or CIDR[:port]`},
		"a link":                    {"HUB_LINK_HOSTS", "ok.acme.com,https://acme.com", `HUB_LINK_HOSTS="https://acme.com" must be a host such as wiki.example.com, or .example.com for all below it`},
		"the other allow-list":      {"SSRF_ALLOWED_HOSTS", "*.lan", `SSRF_ALLOWED_HOSTS="*.lan" cannot be used`},
		"duration":                  {"HUB_LEASE", "30", `HUB_LEASE="30" cannot be read; it takes: duration such as 30s`},
		"no tries":                  {"ORCHESTRATION_MAX_RETRIES_PER_STAGE", "0", `ORCHESTRATION_MAX_RETRIES_PER_STAGE="0" must be a number from 1 to 100`},
		"backoff: no number":        {"ORCHESTRATION_BACKOFF_FACTOR", "NaN", `ORCHESTRATION_BACKOFF_FACTOR="NaN" must be a number from 1 to 60`},
		"keep: negative":            {"HUB_KEEP_DAYS", "-1", `HUB_KEEP_DAYS="-1" must be from 0 to 36500`},
		"keep: long":                {"HUB_KEEP_BODY_DAYS", "40000", `HUB_KEEP_BODY_DAYS="40000" must be from 0 to 36500`},
		"keep: words":               {"HUB_KEEP_DEAD_DAYS", "90d", `HUB_KEEP_DEAD_DAYS="90d" cannot be read; it takes: days`},
		"concurrency: much":         {"HUB_CONCURRENCY", "1001", `HUB_CONCURRENCY="1001" must be from 0 to 1000`},
		"lease: short":              {"HUB_LEASE", "1s", `HUB_LEASE="1s" must be from 2s to 1h0m0s`},
		"listening port":            {"LISTENING_PORTS_ALLOWLIST", "22,ssh", `LISTENING_PORTS_ALLOWLIST="ssh" must be ports such as 22, 8000-8100 or 127.0.0.1:5432`},
		"log format":                {"HUB_LOG_FORMAT", "xml\n", `HUB_LOG_FORMAT="xml" must be text or json`},
		"log level":                 {"HUB_LOG_LEVEL", "loud", `HUB_LOG_LEVEL="loud" cannot be read; it takes: debug, info, warn or error`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(env(map[string]string{"HOME": "/h", tt.variable: tt.value}), nil)
			if !errors.Is(err, config.ErrInvalid) {
				t.Fatalf("Load = %v, want ErrInvalid", err)
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "\n") != 1 {
				t.Errorf("Load = %v\nwant the one line %s", err, tt.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load(env(map[string]string{
		"HUB_LISTEN": "x", "HUB_LEASE": "x", "HUB_MAX_BODY": "x", "HUB_DATABASE_URL": "x", "HUB_LOG_FORMAT": "x",
		"HUB_SECRET_KEY": strings.Repeat(canary, 4), "HUB_SECRET_KEY_FILE": "/k",
	}), nil)
	if !errors.Is(err, config.ErrInvalid) {
		t.Fatal(err)
	}
	// No HOME either, so that HUB_DATA_DIR is missing.
	for _, name := range []string{
		"HUB_LISTEN=", "HUB_LEASE=", "HUB_MAX_BODY=", "HUB_DATABASE_URL=", "HUB_LOG_FORMAT=", "HUB_DATA_DIR is needed",
		`HUB_SECRET_KEY_FILE="/k" must not be set together`,
	} {
		if strings.Count(err.Error(), name) != 1 {
			t.Errorf("want %s once in:\n%v", name, err)
		}
	}
}

func TestValidateByHand(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, map[string]string{"HOME": "/h"}, nil)
	if err := c.Validate(); err != nil {
		t.Errorf("what Load gave is invalid: %v", err)
	}
	c.Log.Format = "xml"
	if err := c.Validate(); !errors.Is(err, config.ErrInvalid) {
		t.Errorf("Validate = %v, want ErrInvalid", err)
	}
}

func TestGoodURLs(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"postgres://hub:p%40ss@db:5432/hub?sslmode=disable", "postgresql://db/hub", "postgres:///hub?host=/run/postgresql",
		"sqlite:/data/x.db", "sqlite:///data/x.db", "sqlite://x.db", "sqlite:x.db",
	} {
		if _, err := config.Load(env(map[string]string{"HOME": "/h", "HUB_DATABASE_URL": raw}), nil); err != nil {
			t.Errorf("HUB_DATABASE_URL=%s: %v", raw, err)
		}
	}
}

func TestNothingSecretComesOut(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, everything(), nil)
	var out strings.Builder
	fmt.Fprintf(&out, "%v %+v %#v\n%v\n%v", c, c, c, c.Redacted(), c.Warnings())
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(asJSON)
	slog.New(slog.NewTextHandler(&out, nil)).InfoContext(t.Context(), "m", "config", c, "settings", c.Redacted())
	if strings.Contains(out.String(), canary) {
		t.Errorf("a secret came out:\n%s", out.String())
	}
	shown := map[string]string{}
	for _, s := range c.Redacted() {
		shown[s.Name] = s.Value
	}
	for name, want := range map[string]string{
		"HUB_DATABASE_URL": "postgres://db/hub", "HUB_REDIS_URL": "redis://cache:6379/1", "HUB_ADMIN_KEY": "***", "HUB_SECRET_KEY_FILE": "",
		"HUB_MAX_BODY": "1MiB", "HUB_LEASE": "3s", "HUB_EGRESS_ALLOW": "127.0.0.1:9000,receiver.lan", "HUB_LOG_LEVEL": "DEBUG",
		"HUB_TRUSTED_PROXIES": "10.0.0.1/32,10.1.0.0/16",
	} {
		if shown[name] != want {
			t.Errorf("Redacted %s = %q, want %q", name, shown[name], want)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pairs map[string]string
		want  []string
	}{
		"none":      {map[string]string{"HUB_ADMIN_KEY": strings.Repeat("x", 20)}, nil},
		"short key": {map[string]string{"HUB_ADMIN_KEY": "short"}, []string{"HUB_ADMIN_KEY"}},
	} {
		tt.pairs["HOME"] = "/h"
		got := mustLoad(t, tt.pairs, nil).Warnings()
		if len(got) != len(tt.want) {
			t.Errorf("%s: Warnings = %q", name, got)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], tt.want[i]) {
				t.Errorf("%s: warning %q, want one about %s", name, got[i], tt.want[i])
			}
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	got := config.Unknown([]string{
		"PATH=/bin", "HUB_LISTEN=:1", "HUB_LISTN=:1", "HUB_KEY=x", "HUB_TOKEN=x", "HUB_SERVER=x", "HUB_TEST_REDIS_URL=x", "WEBHOOK_SECRET_ZABBIX=x", "WEBHOOK_SECRET_GRAFANA=x",
		"GITHUB_TOKEN=x", "hub_listen=x", "HUB_", "=", "",
	})
	if d := cmp.Diff([]string{"HUB_LISTN", "WEBHOOK_SECRET_ZABBIX"}, got); d != "" {
		t.Errorf("Unknown -want +got:\n%s", d)
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ public, addr, want string }{
		"public":         {"https://hub.example", ":8080", "https://hub.example"},
		"loopback":       {"", "127.0.0.1:8080", "http://127.0.0.1:8080"},
		"all interfaces": {"", ":8080", "http://localhost:8080"},
		"all, v4":        {"", "0.0.0.0:8080", "http://localhost:8080"},
		"all, v6":        {"", "[::]:8080", "http://localhost:8080"},
		"v6":             {"", "[::1]:8080", "http://[::1]:8080"},
		"name":           {"", "hub.lan:80", "http://hub.lan:80"},
	} {
		if got := (config.Server{PublicURL: tt.public}).BaseURL(tt.addr); got != tt.want {
			t.Errorf("%s: BaseURL = %q, want %q", name, got, tt.want)
		}
	}
}
