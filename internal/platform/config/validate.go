package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Bounds of a stage's tries and of the base of its waits.
const (
	maxTries   = 100
	maxBackoff = 60
)

// ErrInvalid is what Load's error is when a setting cannot be used.
var ErrInvalid = errors.New("settings cannot be used")

// problems collects what is wrong, at most one line for each variable.
type problems struct {
	names []string
	lines []string
}

// add notes that the variable, which holds shown, must be changed: what says how, as the end of a sentence about it.
func (p *problems) add(name, shown, what string) {
	if p.has(name) {
		return // the first problem is the cause
	}
	p.names = append(p.names, name)
	if shown != "" {
		name += "=" + strconv.Quote(shown)
	}
	p.lines = append(p.lines, name+" "+what)
}

func (p *problems) has(name string) bool { return slices.Contains(p.names, name) }

func (p *problems) err() error {
	if len(p.lines) == 0 {
		return nil
	}
	return fmt.Errorf("%w:\n  %s", ErrInvalid, strings.Join(p.lines, "\n  "))
}

// Validate reports all problems at once; the error wraps ErrInvalid and has a line for each. Load has done it already: it
// is for tests and programs that put a Config together themselves.
func (c Config) Validate() error {
	var p problems
	c.validate(&p)
	return p.err()
}

func (c Config) validate(p *problems) {
	c.Server.validate(p)
	c.Storage.validate(p)
	c.Secrets.validate(p)
	c.Access.validate(p)
	c.Intake.validate(p)
	p.allowList("HUB_EGRESS_ALLOW", c.Egress.Allow)
	p.allowList("SSRF_ALLOWED_HOSTS", c.Egress.AllowedHosts)
	for _, host := range c.Egress.Links {
		if !linkHost.MatchString(strings.TrimSpace(host)) {
			p.add("HUB_LINK_HOSTS", host, "must be a host such as wiki.example.com, or .example.com for all below it")
		}
	}
	for _, rule := range c.Checks.ListeningPorts {
		if !portRule.MatchString(strings.TrimSpace(rule)) {
			p.add("LISTENING_PORTS_ALLOWLIST", rule, "must be ports such as 22, 8000-8100 or 127.0.0.1:5432")
		}
	}
	c.Jobs.validate(p)
	c.Keep.validate(p)
	if n := c.Pipeline.MaxRetries; n < 1 || n > maxTries {
		p.add("ORCHESTRATION_MAX_RETRIES_PER_STAGE", strconv.Itoa(n), "must be a number from 1 to "+strconv.Itoa(maxTries))
	}
	if f := c.Pipeline.Backoff; !(f >= 1 && f <= maxBackoff) { // NaN is neither
		p.add("ORCHESTRATION_BACKOFF_FACTOR", strconv.FormatFloat(f, 'g', -1, 64), "must be a number from 1 to "+strconv.Itoa(maxBackoff))
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		p.add("HUB_LOG_FORMAT", c.Log.Format, "must be text or json")
	}
}

// linkHost is the form of a host that may be linked to.
var linkHost = regexp.MustCompile(`^\.?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// portRule is the form of a port that may listen; the check itself looks closer.
var portRule = regexp.MustCompile(`^([0-9.]+:|\[[0-9A-Fa-f:.]+\]:)?[0-9]{1,5}(-[0-9]{1,5})?$`)

func (s Server) validate(p *problems) {
	_, port, err := net.SplitHostPort(s.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		p.add("HUB_LISTEN", s.Listen, "must be host:port, such as 127.0.0.1:8080 or :8080")
	}
	if s.PublicURL == "" {
		return
	}
	u, err := url.Parse(s.PublicURL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		p.add("HUB_PUBLIC_URL", bareURL(s.PublicURL), "must be a URL such as https://hub.example.org")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		p.add("HUB_PUBLIC_URL", bareURL(s.PublicURL), "must have no user, query or fragment: it begins links that others see")
	}
}

func (s Storage) validate(p *problems) {
	if raw := s.DatabaseURL.Reveal(); raw != "" && raw != s.ownFile() {
		if what := databaseProblem(raw); what != "" {
			p.add("HUB_DATABASE_URL", bareURL(raw), what)
		}
	}
	if raw := s.RedisURL.Reveal(); raw != "" {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || (u.Scheme != "redis" && u.Scheme != "rediss") {
			p.add("HUB_REDIS_URL", bareURL(raw), "must be a URL such as redis://127.0.0.1:6379/0; special characters in a password are percent-encoded")
		}
	}
}

func databaseProblem(raw string) string {
	const want = "must be postgres://user:password@host/name or sqlite:/path/to/file.db" //nolint:gosec // G101: a pattern, no password
	if path, ok := sqlitePath(raw); ok {
		switch {
		case path == "" || strings.HasSuffix(path, "/"):
			return want
		case strings.ContainsAny(path, "?#") || strings.Contains(path, ":memory:"):
			return "must name a plain file: how it is opened is not for the URL to say, and nothing may live in memory only"
		}
		return ""
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return want + "; special characters in the password are percent-encoded"
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return want
	case u.Host == "" && u.Query().Get("host") == "":
		return want + ": there is no host in it"
	}
	return ""
}

func sqlitePath(raw string) (string, bool) {
	rest, ok := strings.CutPrefix(raw, "sqlite:")
	return strings.TrimPrefix(rest, "//"), ok
}

func (s Secrets) validate(p *problems) {
	if s.Key.IsZero() {
		return
	}
	if s.KeyFile != "" {
		p.add("HUB_SECRET_KEY_FILE", s.KeyFile, "must not be set together with HUB_SECRET_KEY: keep one of them")
	}
	if _, err := secret.NewKeyring(s.Key); err != nil {
		p.add("HUB_SECRET_KEY", s.Key.String(), "cannot be used: "+err.Error())
	}
}

func (a Access) validate(p *problems) {
	if strings.ContainsFunc(a.AdminKey.Reveal(), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		p.add("HUB_ADMIN_KEY", a.AdminKey.String(), "must be printable ASCII without spaces: it is sent in a header")
	}
}

func (i Intake) validate(p *problems) {
	between(p, "HUB_MAX_BODY", i.MaxBody, 1<<10, 1<<30)
	between(p, "HUB_MAX_ALERTS", i.MaxAlerts, 1, 1_000_000)
	between(p, "HUB_MAX_DEPTH", i.MaxDepth, 8, 10_000)
	if i.MaxInflightBytes < i.MaxBody && !p.has("HUB_MAX_BODY") {
		p.add("HUB_MAX_INFLIGHT_BYTES", i.MaxInflightBytes.String(), "must be at least HUB_MAX_BODY ("+i.MaxBody.String()+"), or the largest body never gets in")
	}
}

// leastLease leaves time to send: nobody begins to in the last second of a lease.
const leastLease = 2 * time.Second

// maxConcurrency bounds what one process does at once: each piece holds a connection.
const maxConcurrency = 1000

func (j Jobs) validate(p *problems) {
	between(p, "HUB_LEASE", j.Lease, leastLease, time.Hour)
	between(p, "HUB_CONCURRENCY", j.Concurrency, 0, maxConcurrency)
}

func (k Keep) validate(p *problems) {
	const century = 36500
	for name, days := range map[string]int{
		"HUB_KEEP_DAYS": k.Days, "HUB_KEEP_DEAD_DAYS": k.DeadDays, "HUB_KEEP_BODY_DAYS": k.BodyDays, "HUB_KEEP_SNAPSHOT_DAYS": k.SnapshotDays,
	} {
		between(p, name, days, 0, century)
	}
}

func between[T int | Bytes | time.Duration](p *problems, name string, v, least, most T) {
	if v < least || v > most {
		p.add(name, fmt.Sprint(v), fmt.Sprintf("must be from %v to %v", least, most))
	}
}

func (p *problems) allowList(name string, entries []string) {
	if err := httpclient.CheckAllow(entries); err != nil {
		p.add(name, strings.Join(entries, ","), "cannot be used: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
