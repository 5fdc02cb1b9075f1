package local

import (
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// TestSocketsOfOthers: without root a socket has no process; the only one of the same user that names the port is most likely its holder.
func TestSocketsOfOthers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cmdlines []string
		want     providers.Culprit
	}{
		"one names the port": {[]string{"/opt/shop/api --listen :8080", "/opt/shop/worker"}, providers.Culprit{Kind: "process", PID: 50, Address: "0.0.0.0:8080"}},
		"two name it":        {[]string{"/opt/shop/api --listen :8080", "/opt/shop/tail --of 8080"}, providers.Culprit{Kind: "endpoint", Address: "0.0.0.0:8080"}},
		"none names it":      {[]string{"/opt/shop/api", "/opt/x --port 18080"}, providers.Culprit{Kind: "endpoint", Address: "0.0.0.0:8080"}},
		"part of a number":   {[]string{"/opt/shop/api --seed 80801"}, providers.Culprit{Kind: "endpoint", Address: "0.0.0.0:8080"}},
		"of somebody else":   {nil, providers.Culprit{Kind: "endpoint", Address: "0.0.0.0:8080"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := madeUp(func(s *host.Sample, _ bool) {
				s.Root = false
				for i, c := range tt.cmdlines {
					withProcess(s, host.Process{PID: 50 + i, Name: "app", Cmdline: c, UID: 33})
				}
				withProcess(s, host.Process{PID: 70, Name: "other", Cmdline: "proxy 8080", UID: 34})
				s.Sockets = append(s.Sockets, host.Socket{State: "LISTEN", Local: "0.0.0.0", Port: 8080, Receive: 9, Send: 8, UID: 33, Inode: 99})
			})
			x := analyzed(t, rec, incidentOf("host unhealthy")).Recommendations[0]
			c := culpritOf(t, &x)
			if x.Details["fault"] != "accept_queue" || c.Kind != tt.want.Kind || c.PID != tt.want.PID || c.Address != tt.want.Address {
				t.Errorf("%v: culprit %+v, want %+v", x.Details["fault"], c, tt.want)
			}
		})
	}
}

// TestResolvers: which name server is blamed, and how bad it is.
func TestResolvers(t *testing.T) {
	t.Parallel()
	link := func(s *host.Sample, _ bool) {
		s.Interfaces[1].Carrier, s.Interfaces[1].Up = false, false
	}
	for name, tt := range map[string]struct {
		servers  []string
		broken   map[string]string
		change   func(s *host.Sample, second bool)
		priority string // of the first finding of the resolver
		address  string
		leads    bool // it stands first
	}{
		"the only one":             {[]string{"192.0.2.1"}, map[string]string{"192.0.2.1": "timeout"}, nil, providers.High, "192.0.2.1", true},
		"refuses":                  {[]string{"127.0.0.53"}, map[string]string{"127.0.0.53": "refused"}, nil, providers.High, "127.0.0.53", true},
		"server failure":           {[]string{"192.0.2.1"}, map[string]string{"192.0.2.1": "server failure"}, nil, providers.High, "192.0.2.1", true},
		"both":                     {[]string{"192.0.2.1", "192.0.2.2"}, map[string]string{"192.0.2.1": "timeout", "192.0.2.2": "timeout"}, nil, providers.High, "192.0.2.1", true},
		"the first of two":         {[]string{"192.0.2.1", "192.0.2.2"}, map[string]string{"192.0.2.1": "timeout"}, nil, providers.Medium, "192.0.2.1", true},
		"because the link is down": {[]string{"192.0.2.1"}, map[string]string{"192.0.2.1": "unreachable"}, link, providers.Medium, "192.0.2.1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := madeUp(func(s *host.Sample, second bool) {
				s.Resolvers = tt.servers
				if tt.change != nil {
					tt.change(s, second)
				}
			})
			rec.Answers = nil
			for _, s := range tt.servers {
				rec.Answers = append(rec.Answers, host.Answer{Server: s, Name: "localhost", Error: tt.broken[s]})
			}
			r := analyzed(t, rec, incidentOf("host unhealthy"))
			for i, x := range r.Recommendations {
				if x.Details["fault"] != "resolver" {
					continue
				}
				if c := culpritOf(t, &x); c.Kind != "resolver" || c.Address != tt.address || x.Priority != tt.priority || (i == 0) != tt.leads {
					t.Errorf("place %d, %s, culprit %+v", i, x.Priority, c)
				}
				return
			}
			t.Errorf("not found: %+v", r.Recommendations)
		})
	}
}

// TestWhatIsSent: a stranger's URL makes the hub send nothing but a GET for a path that is made for it.
func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request *providers.Request
		want    string // the request line; "": nothing is sent
	}{
		"a health check":       {incidentOf("slow", "url", "http://localhost:8080/healthz"), "GET /healthz HTTP/1.1"},
		"any other path":       {incidentOf("slow", "url", "http://localhost:8080/admin/delete?id=1"), "GET / HTTP/1.1"},
		"a smuggled request":   {incidentOf("slow", "url", "http://localhost:8080/health%0d%0aDELETE%20/x"), "GET / HTTP/1.1"},
		"tls":                  {incidentOf("slow", "url", "https://localhost:8080/"), ""},
		"a port, and slowness": {incidentOf("API slow on port 8080"), "GET / HTTP/1.1"},
		"a port, no slowness":  {incidentOf("port 8080 closed"), ""},
		"a database":           {incidentOf("slow queries on port 5432"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := madeUp(nil)
			l := newLook(newView(rec.Samples[0], rec.Samples[1], host.Replay(rec)), tt.request)
			if len(l.targets.endpoints) != 1 {
				t.Fatalf("targets = %+v", l.targets.endpoints)
			}
			got := question(l, l.targets.endpoints[0], "127.0.0.1:8080")
			line, _, _ := strings.Cut(got, "\r\n")
			if line != tt.want || strings.Contains(got, "DELETE") {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSlowFrom: late is late, and what is closed at once is not slow.
func TestSlowFrom(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		c    host.Connection
		want bool
	}{
		"fast": {host.Connection{Connected: 1, FirstByte: 20 * time.Millisecond}, false}, "late": {host.Connection{Connected: 1, FirstByte: 2 * time.Second}, true},
		"never": {host.Connection{Connected: 1, Error: "timeout"}, true}, "closed": {host.Connection{Connected: 1, Error: "closed without an answer"}, false},
	} {
		if got := slow(tt.c); got != tt.want {
			t.Errorf("%s: slow = %v, want %v", name, got, tt.want)
		}
	}
}
