package host_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func portsHost() *checkertest.Host {
	listen := func(local string, port, pid, uid int) host.Socket {
		return host.Socket{State: "LISTEN", Local: local, Port: port, PID: pid, UID: uid}
	}
	return &checkertest.Host{
		Samples: []*host.Sample{{
			Processes: []host.Process{
				{PID: 1, Name: "sshd", User: "root", Cmdline: "sshd --password=hunter2"},
				{PID: 2, Name: "postgres", User: "postgres", Cmdline: "postgres --password=hunter2"},
			},
			Sockets: []host.Socket{
				listen("0.0.0.0", 22, 1, 0), listen("::", 22, 1, 0), listen("127.0.0.1", 5432, 2, 70), listen("::1", 5432, 2, 70),
				listen("10.0.0.5", 9000, 0, 33), listen("127.0.0.53", 53, 0, 999), listen("*", 8080, 0, 999),
				{State: "ESTABLISHED", Local: "10.0.0.5", Port: 50000, PID: 2},
			},
		}},
		Files: map[string]string{"/etc/passwd": "root:x:0:0::/root:/bin/sh\nbroken\nwww-data:x:33:33::/:/bin/false\n"},
	}
}

func TestListeningPorts(t *testing.T) {
	t.Parallel()
	const all = "listening beyond loopback: 22 (sshd, root), 8080 (process not readable, user 999), 9000 (process not readable, www-data)"
	for name, tt := range map[string]struct {
		allow   []string
		config  string
		status  checkers.Status
		message string
	}{
		"beyond loopback":     {nil, "", checkers.Warning, all},
		"an empty list":       {[]string{"22"}, `{"allowlist": []}`, checkers.Warning, all},
		"all on the list":     {nil, `{"allowlist": [22, 53, "5432", "8000-9000"]}`, checkers.OK, "nothing listens that is not on the list (ports in all: 5)"},
		"loopback counts too": {nil, `{"allowlist": [22, 8080, 9000, 53]}`, checkers.Warning, "listening, but not on the list: 5432 (postgres, postgres)"},
		"one text":            {nil, `{"allowlist": "22, 53,5432 ,8000-9000"}`, checkers.OK, "nothing listens that is not on the list (ports in all: 5)"},
		"by address":          {nil, `{"allowlist": [22, 53, "127.0.0.1:5432", "[::1]:5432", "8000-9000"]}`, checkers.OK, "nothing listens that is not on the list (ports in all: 5)"},
		"one address of two":  {nil, `{"allowlist": [22, 53, "127.0.0.1:5432", "8000-9000"]}`, checkers.Warning, "listening, but not on the list: 5432 (postgres, postgres)"},
		"another address":     {nil, `{"allowlist": ["127.0.0.1:22", 53, 5432, "8000-9000"]}`, checkers.Warning, "listening, but not on the list: 22 (sshd, root)"},
		"of the process":      {[]string{"22", "53", "5432", "8000-9000"}, "", checkers.OK, "nothing listens that is not on the list (ports in all: 5)"},
		"no port":             {nil, `{"allowlist": ["ssh"]}`, checkers.Unknown, `Check failed: allowlist: "ssh": want a port such as 22, 8000-8100 or 127.0.0.1:5432`},
		"port 0":              {nil, `{"allowlist": [0]}`, checkers.Unknown, `Check failed: allowlist: "0": want a port such as 22, 8000-8100 or 127.0.0.1:5432`},
		"half a port":         {nil, `{"allowlist": [22.5]}`, checkers.Unknown, `Check failed: allowlist: "22.5": want a port such as 22, 8000-8100 or 127.0.0.1:5432`},
		"backwards":           {nil, `{"allowlist": ["9-8"]}`, checkers.Unknown, `Check failed: allowlist: "9-8": want a port such as 22, 8000-8100 or 127.0.0.1:5432`},
		"a name":              {nil, `{"allowlist": ["host:22"]}`, checkers.Unknown, `Check failed: allowlist: "host:22": want a port such as 22, 8000-8100 or 127.0.0.1:5432`},
		"an object":           {nil, `{"allowlist": [{}]}`, checkers.Unknown, "Check failed: allowlist: want a list of ports"},
		"a number":            {nil, `{"allowlist": 22}`, checkers.Unknown, "Check failed: allowlist: want a list of ports"},
		"wrong in process":    {[]string{"x"}, "", checkers.Unknown, `Check failed: allowlist: "x": want a port such as 22, 8000-8100 or 127.0.0.1:5432`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, hostchecks.ListeningPorts{Allow: tt.allow}, portsHost(), tt.config)
			if r.Status != tt.status || r.Message != tt.message {
				t.Errorf("%s: %q\nwant %s: %q", r.Status, r.Message, tt.status, tt.message)
			}
			if raw, err := json.Marshal(r); err != nil || strings.Contains(string(raw), "hunter2") {
				t.Errorf("a command line is told: %v: %s", err, raw)
			}
		})
	}
}

func TestListeningPortsMetrics(t *testing.T) {
	t.Parallel()
	m := checkertest.Run(t, hostchecks.ListeningPorts{}, portsHost(), "").Metrics
	want := list{
		{"port": 22, "addresses": []string{"0.0.0.0", "::"}, "process": "sshd", "pid": 1, "user": "root", "loopback": false},
		{"port": 53, "addresses": []string{"127.0.0.53"}, "process": "", "pid": 0, "user": "user 999", "loopback": true},
		{"port": 5432, "addresses": []string{"127.0.0.1", "::1"}, "process": "postgres", "pid": 2, "user": "postgres", "loopback": true},
		{"port": 8080, "addresses": []string{"::"}, "process": "", "pid": 0, "user": "user 999", "loopback": false},
		{"port": 9000, "addresses": []string{"10.0.0.5"}, "process": "", "pid": 0, "user": "www-data", "loopback": false},
	}
	if diff := cmp.Diff(want, m["ports"]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if m["listening_count"] != 5 || m["unexpected_count"] != 3 {
		t.Errorf("%v listen, %v unexpected", m["listening_count"], m["unexpected_count"])
	}
	h := &checkertest.Host{Samples: []*host.Sample{{}}}
	for i := range 300 {
		h.Samples[0].Sockets = append(h.Samples[0].Sockets, host.Socket{State: "LISTEN", Local: "::", Port: 1000 + i})
	}
	r := checkertest.Run(t, hostchecks.ListeningPorts{}, h, "")
	if n := len(r.Metrics["unexpected"].(list)); n != 100 || r.Metrics["unexpected_count"] != 300 || !strings.HasSuffix(r.Message, fmt.Sprintf("and %d more", 290)) {
		t.Errorf("%d listed, %s", n, r.Message)
	}
}
