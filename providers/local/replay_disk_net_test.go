package local

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// replayed is the answer about a recorded host. The recordings were made by a live probe while the fault was there; other processes were
// taken out of them, and paths and names changed.
func replayed(t *testing.T, file string, r *providers.Request) *providers.Result {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := host.ReadRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	return analyzed(t, rec, r)
}

func analyzed(t *testing.T, rec *host.Recording, r *providers.Request) *providers.Result {
	t.Helper()
	z, err := New(Config{Probe: host.Replay(rec)})
	if err != nil {
		t.Fatal(err)
	}
	a, err := z.Analyze(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a.Result
}

// incidentOf is a request about an incident with a title and, in pairs, labels.
func incidentOf(title string, labels ...string) *providers.Request {
	i := &providers.Incident{Title: title, Labels: map[string]string{}}
	for k := 0; k < len(labels); k += 2 {
		i.Labels[labels[k]] = labels[k+1]
	}
	return &providers.Request{Incident: i}
}

func culpritOf(t *testing.T, r *providers.Recommendation) providers.Culprit {
	t.Helper()
	c, ok := r.Details["culprit"].(providers.Culprit)
	if !ok {
		t.Fatalf("%q blames nobody", r.Title)
	}
	return c
}

func TestDiskAndNetworkFaults(t *testing.T) {
	t.Parallel()
	vague := incidentOf("host unhealthy")
	for name, tt := range map[string]struct {
		file    string
		request *providers.Request
		kind    string
		word    string // in title or description
		culprit providers.Culprit
		command string // part of an action
	}{
		"full, vague": {"disk_full", vague, "disk", "full", providers.Culprit{Kind: "path", Path: "/srv/shop/data/app/cache"}, "/srv/shop/data/app/cache"},
		"full": {
			"disk_full", incidentOf("Disk space low", "mountpoint", "/srv/shop/data"), "disk", "full",
			providers.Culprit{Kind: "path", Path: "/srv/shop/data/app/cache"},
			"du -xh --max-depth=1 /srv/shop/data/app/cache",
		},
		"full, by the words of another kind": {
			"disk_full", incidentOf("API slow"), "disk", "full", providers.Culprit{Kind: "path", Path: "/srv/shop/data/app/cache"}, "/srv/shop/data/app/cache",
		},
		"tmpfs filling": {
			"disk_full_tmpfs", incidentOf("Filesystem usage high"), "disk", "full", providers.Culprit{Kind: "path", Path: "/srv/shop/data/app/cache"}, "/srv/shop/data",
		},
		"old logs": {
			"disk_old_logs", incidentOf("Disk usage: logs are not rotated"), "disk", "old logs",
			providers.Culprit{Kind: "path", Path: "/tmp/shop/var/log/shipper"},
			"find /tmp/shop/var/log/shipper -xdev -type f -mtime +30",
		},
		"old small logs": {
			"disk_old_small_logs", incidentOf("Disk usage high"), "disk", "old logs", providers.Culprit{Kind: "path", Path: "/tmp/shop/logs/ledger"}, "/tmp/shop/logs/ledger",
		},
		"old logs, vague": {"disk_old_logs", vague, "disk", "old logs", providers.Culprit{Kind: "path", Path: "/tmp/shop/var/log/shipper"}, "/tmp/shop/var/log"},
		"deleted":         {"disk_deleted", incidentOf("df and du differ"), "disk", "deleted but open", providers.Culprit{Kind: "process", PID: 9303}, "lsof -a +L1 -p 9303"},
		"deleted, vague":  {"disk_deleted", vague, "disk", "deleted but open", providers.Culprit{Kind: "process", PID: 9303}, "/proc/9303/fd/3"},
		"deleted, no root": {
			"disk_deleted_no_root", vague, "disk", "deleted but open", providers.Culprit{Kind: "process"}, "lsof +L1 /srv/shop/data",
		},
		"inodes":             {"disk_inodes", incidentOf("No space left on device"), "disk", "inodes", providers.Culprit{Kind: "path", Path: "/srv/shop/data/sess/q"}, "du -x --inodes --max-depth=1 /srv/shop/data/sess/q"},
		"inodes, vague":      {"disk_inodes", vague, "disk", "inodes", providers.Culprit{Kind: "path", Path: "/srv/shop/data/sess/q"}, "/srv/shop/data/sess/q"},
		"read-only":          {"disk_read_only", incidentOf("Writes fail"), "disk", "read-only", providers.Culprit{Kind: "mount", Path: "/srv/shop/data"}, "findmnt /srv/shop/data"},
		"read-only, vague":   {"disk_read_only", vague, "disk", "read-only", providers.Culprit{Kind: "mount", Path: "/srv/shop/data"}, "/srv/shop/data"},
		"read-only device":   {"disk_read_only_device", incidentOf("Writes fail: read-only file system"), "disk", "read-only", providers.Culprit{Kind: "mount", Path: "/srv/shop/data"}, "/srv/shop/data"},
		"growth":             {"disk_growth", incidentOf("Disk is filling"), "disk", "growing", providers.Culprit{Kind: "path", Path: "/srv/shop/data/app/chatty.log"}, "/srv/shop/data/app/chatty.log"},
		"growth, vague":      {"disk_growth", vague, "disk", "growing", providers.Culprit{Kind: "path", Path: "/srv/shop/data/app/chatty.log"}, "/srv/shop/data/app/chatty.log"},
		"growth by a loop":   {"disk_growth_shell", incidentOf("Disk is filling"), "disk", "growing", providers.Culprit{Kind: "path", Path: "/srv/shop/app/burst.log"}, "/srv/shop/app/burst.log"},
		"slow writes":        {"disk_slow_writes", incidentOf("Disk slow, high iowait"), "disk", "i/o wait", providers.Culprit{Kind: "process", PID: 11714}, "/proc/11714/io"},
		"slow writes, vague": {"disk_slow_writes", vague, "disk", "slow writes", providers.Culprit{Kind: "process", PID: 11714}, "11714"},
		"refused": {
			"net_refused", incidentOf("Endpoint down", "url", "http://127.0.0.1:18999/health"), "network", "nothing listens",
			providers.Culprit{Kind: "endpoint", Address: "127.0.0.1:18999"},
			"ss -ltnp 'sport = :18999'",
		},
		"on loopback only": {
			"net_elsewhere_address", incidentOf("Port 18998 refused on 192.0.2.2:18998"), "network", "listens elsewhere",
			providers.Culprit{Kind: "process", PID: 12058, Address: "127.0.0.1:18998"},
			"-p 12058",
		},
		"on another port": {
			"net_elsewhere_port", incidentOf("ledger-api is down: connection refused", "port", "18997", "service", "ledger-api"), "network", "listens elsewhere",
			providers.Culprit{Kind: "process", PID: 12211, Address: "127.0.0.1:18996"},
			"18997",
		},
		"accept queue":        {"net_accept_queue", incidentOf("Connections time out"), "network", "accept queue", providers.Culprit{Kind: "process", PID: 12368, Address: "127.0.0.1:18995"}, "18995"},
		"accept queue, vague": {"net_accept_queue", vague, "network", "accept queue", providers.Culprit{Kind: "process", PID: 12368}, "12368"},
		"close wait":          {"net_close_wait", incidentOf("Too many sockets"), "network", "close_wait", providers.Culprit{Kind: "process", PID: 12812}, "pid=12812,"},
		"close wait, vague":   {"net_close_wait", vague, "network", "close_wait", providers.Culprit{Kind: "process", PID: 12812}, "/proc/12812/fd"},
		"slow answer": {
			"net_slow_answer", incidentOf("API slow", "url", "http://127.0.0.1:18993/api/v1/orders"), "network", "slow answer",
			providers.Culprit{Kind: "process", PID: 13003, Address: "127.0.0.1:18993"},
			"http://127.0.0.1:18993/",
		},
		"no carrier":        {"net_link_carrier", vague, "network", "link down", providers.Culprit{Kind: "interface", Name: "v0"}, "ip -s link show dev v0"},
		"switched off":      {"net_link_off", incidentOf("Network unreachable"), "network", "link down", providers.Culprit{Kind: "interface", Name: "v0"}, "dev v0"},
		"resolver, vague":   {"net_resolver_timeout", vague, "network", "resolver", providers.Culprit{Kind: "resolver", Address: "192.0.2.53"}, "@192.0.2.53"},
		"resolver, refused": {"net_resolver_refused", incidentOf("DNS lookups fail"), "network", "resolver", providers.Culprit{Kind: "resolver", Address: "127.0.0.1"}, "@127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := replayed(t, tt.file, tt.request).Recommendations[0]
			if first.Type != tt.kind {
				t.Errorf("type = %q, want %q: %s", first.Type, tt.kind, first.Title)
			}
			if !strings.Contains(strings.ToLower(first.Title+first.Description), tt.word) {
				t.Errorf("%q is not said:\n%s\n%s", tt.word, first.Title, first.Description)
			}
			got := culpritOf(t, &first)
			if got.Kind != tt.culprit.Kind || tt.culprit.PID > 0 && got.PID != tt.culprit.PID || tt.culprit.Path != "" && got.Path != tt.culprit.Path ||
				tt.culprit.Address != "" && got.Address != tt.culprit.Address || tt.culprit.Name != "" && got.Name != tt.culprit.Name {
				t.Errorf("culprit = %+v, want %+v", got, tt.culprit)
			}
			if !strings.Contains(strings.Join(first.Actions, "\n"), tt.command) {
				t.Errorf("no action has %q:\n%s", tt.command, strings.Join(first.Actions, "\n"))
			}
			inert(t, first.Actions)
		})
	}
}

// inert fails when actions change something before they look, or destroy anything at all.
func inert(t *testing.T, actions []string) {
	t.Helper()
	for i, a := range actions {
		for _, word := range []string{"rm -", " rm ", "kill", "mkfs", "dd of=", "dd if=", "truncate -s", "> /", "umount", "shutdown", "-delete", "xargs", "fuser -k"} {
			if strings.Contains(a, word) {
				t.Errorf("action %d has %q: %s", i, word, a)
			}
		}
		changes := strings.Contains(a, "remount,rw") || strings.Contains(a, " up") || strings.Contains(a, "ionice") || strings.Contains(a, "touch ")
		if changes && i < 2 {
			t.Errorf("action %d changes before there were two looks: %s", i, a)
		}
	}
}
