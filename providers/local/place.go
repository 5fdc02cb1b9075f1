package local

import (
	"context"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// placeKeys are labels that say which machine an alert is about. host, port and url are not among them: they are what was asked there.
var placeKeys = []string{"instance", "hostname", "instance_id", "host_name"}

// target is something that the incident says was asked: an address, a port, a URL.
type target struct {
	host string // "" when only a port is named
	port int
	url  string
	from string // the label, or "text"
}

// targets are what the incident points at.
type targets struct {
	endpoints []target
	paths     []string // absolute: mountpoint, path, file, directory, volume, and those in texts
	names     []string // process, service, unit, container, job, app
	pids      []int
}

var (
	urlPattern  = regexp.MustCompile(`(?i)\bhttps?://[^\s"'<>\\)\]]+`)
	portPattern = regexp.MustCompile(`(?i)\bport[ :=]+(\d{1,5})\b`)
	addrPattern = regexp.MustCompile(`\b((?:\d{1,3}\.){3}\d{1,3}|localhost|[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*):(\d{2,5})\b`)
	pathPattern = regexp.MustCompile(`(?:^|[\s"'=(\[])(/[A-Za-z0-9._@+-]+(?:/[A-Za-z0-9._@+-]+)*)`)
)

// aim reads the targets out of labels, metadata and texts of a request.
func aim(r *providers.Request) targets {
	var t targets
	for _, l := range labelSets(r) {
		t.labels(l)
	}
	var texts []string
	if r.Incident != nil {
		texts = append(texts, r.Incident.Title, r.Incident.Description)
	}
	for _, a := range r.Evidence.Alerts {
		texts = append(texts, a.Name, a.Description)
	}
	s := strings.Join(texts, "\n")
	if len(s) > 20000 {
		s = s[:20000]
	}
	for _, u := range urlPattern.FindAllString(s, 10) {
		t.addURL(strings.TrimRight(u, ".,;:"), "text")
	}
	s = urlPattern.ReplaceAllString(s, " ")
	for _, m := range addrPattern.FindAllStringSubmatch(strings.ToLower(s), 10) {
		t.add(target{host: m[1], port: portOf(m[2]), from: "text"})
	}
	for _, m := range portPattern.FindAllStringSubmatch(s, 10) {
		t.add(target{port: portOf(m[1]), from: "text"})
	}
	for _, m := range pathPattern.FindAllStringSubmatch(s, 10) {
		t.path(strings.TrimRight(m[1], "."))
	}
	return t
}

func (t *targets) labels(l map[string]string) {
	for _, k := range sorted(l) {
		v := strings.TrimSpace(l[k])
		if v == "" || len(v) > 1000 {
			continue
		}
		switch strings.ToLower(k) {
		case "url", "target", "endpoint", "address", "addr", "instance", "server", "uri":
			if strings.Contains(v, "://") {
				t.addURL(v, k)
			} else if h, p, err := net.SplitHostPort(v); err == nil {
				t.add(target{host: h, port: portOf(p), from: k})
			}
		case "port", "listen_port":
			t.add(target{host: l["host"], port: portOf(v), from: k})
		case "mountpoint", "mount", "path", "file", "filename", "directory", "dir", "volume", "pidfile", "filesystem":
			t.path(v)
		case "process", "process_name", "service", "service_name", "unit", "name", "container", "app", "job", "program", "daemon", "groupname":
			if !slices.Contains(t.names, v) {
				t.names = append(t.names, v)
			}
		case "pid":
			if n, err := strconv.Atoi(v); err == nil && n > 0 {
				t.pids = append(t.pids, n)
			}
		}
	}
}

func (t *targets) addURL(s, from string) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return
	}
	port := portOf(u.Port())
	switch {
	case port > 0:
	case u.Scheme == "https":
		port = 443
	case u.Scheme == "http":
		port = 80
	}
	t.add(target{host: u.Hostname(), port: port, url: s, from: from})
}

func (t *targets) add(e target) {
	if e.port <= 0 || len(t.endpoints) >= 10 {
		return
	}
	for i, have := range t.endpoints {
		if have.port == e.port && (e.host == "" || have.host == "" || have.host == e.host) {
			if have.host == "" {
				t.endpoints[i].host = e.host
			}
			if have.url == "" {
				t.endpoints[i].url = e.url
			}
			return
		}
	}
	t.endpoints = append(t.endpoints, e)
}

func (t *targets) path(s string) {
	if strings.HasPrefix(s, "/") && !slices.Contains(t.paths, s) && len(t.paths) < 10 {
		t.paths = append(t.paths, s)
	}
}

func portOf(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > 65535 {
		return 0
	}
	return n
}

// labelSets are all labels of a request: of the incident, of its metadata, of its alerts.
func labelSets(r *providers.Request) []map[string]string {
	var sets []map[string]string
	if i := r.Incident; i != nil {
		sets = append(sets, i.Labels)
		meta := map[string]string{}
		for k, v := range i.Metadata {
			switch v := v.(type) {
			case string:
				meta[k] = v
			case float64:
				meta[k] = strconv.FormatFloat(v, 'f', -1, 64)
			case map[string]any: // metadata.labels
				inner := map[string]string{}
				for k, v := range v {
					if s, ok := v.(string); ok {
						inner[k] = s
					}
				}
				sets = append(sets, inner)
			}
		}
		sets = append(sets, meta)
	}
	for _, a := range r.Evidence.Alerts {
		sets = append(sets, a.Labels)
	}
	return sets
}

// elsewhere names the machine that the incident is about when it is not the one that was looked at, or "". An incident of several machines
// is ours when one of them is.
func elsewhere(ctx context.Context, l *look) string {
	var foreign string
	for _, set := range labelSets(l.req) {
		for _, k := range placeKeys {
			v := machine(set[k])
			if v == "" {
				continue
			}
			if ours(v, l.b) || k == "instance_id" && v == cloudID(ctx, l.probe) {
				return ""
			}
			if foreign == "" {
				foreign = v
			}
		}
	}
	return clean(foreign, 120)
}

// machine is the host in a label that may be an address with a port, or a URL.
func machine(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if u, err := url.Parse(s); err == nil && strings.Contains(s, "://") {
		return u.Hostname()
	}
	if h, _, err := net.SplitHostPort(s); err == nil {
		s = h
	}
	return strings.TrimSuffix(strings.Trim(s, "[]"), ".")
}

// ours reports whether name is this host: its name, its full name, one of its addresses, or loopback.
func ours(name string, s *host.Sample) bool {
	if ip := net.ParseIP(strings.SplitN(name, "%", 2)[0]); ip != nil {
		if ip.IsLoopback() || ip.IsUnspecified() {
			return true
		}
		return slices.ContainsFunc(s.Addresses, func(a string) bool {
			own := net.ParseIP(strings.SplitN(strings.SplitN(a, "/", 2)[0], "%", 2)[0])
			return own != nil && own.Equal(ip)
		})
	}
	if name == "localhost" || strings.HasPrefix(name, "localhost.") {
		return true
	}
	own, full := strings.ToLower(s.Hostname), strings.ToLower(strings.TrimSuffix(s.FQDN, "."))
	if name == own || name == full {
		return true
	}
	short, _, dotted := strings.Cut(name, ".")
	ownShort, _, ownDotted := strings.Cut(own, ".")
	switch {
	case own == "" || short != ownShort:
		return false
	case !dotted: // web1 is web1.example.com
		return true
	default: // web1.example.com is web1 unless web1 is known to be web1.example.org
		return !ownDotted && !strings.Contains(full, ".")
	}
}

// cloudID is what a cloud calls this machine, where cloud-init has noted it.
func cloudID(ctx context.Context, p host.Probe) string {
	b, err := p.Read(ctx, "/var/lib/cloud/data/instance-id")
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(string(b)))
}
