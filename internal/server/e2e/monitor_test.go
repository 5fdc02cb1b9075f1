package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// box is a whole machine, web-01: its processors idle, and its memory and disk are as full as the test wants.
type box struct {
	checkertest.Host

	memory, disk atomic.Int64                    // percent
	look         func(ctx context.Context) error // before each look; nil: at once

	mu    sync.Mutex
	looks int
}

func newBox(memory, disk int64) *box {
	b := &box{}
	b.memory.Store(memory)
	b.disk.Store(disk)
	return b
}

// Sample implements host.Probe.
func (b *box) Sample(ctx context.Context) (*host.Sample, error) {
	if b.look != nil {
		if err := b.look(ctx); err != nil {
			return nil, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	const gb = 1 << 30
	n := float64(b.looks)
	all := host.CPUTimes{User: n, Idle: 9 * n}
	return &host.Sample{
		Hostname: "web-01", OS: "linux", TakenAt: time.Unix(1790000000, 0).Add(time.Duration(b.looks) * 5 * time.Second), Root: true,
		CPU:    host.CPU{Count: 2, Cores: 2, Total: all, PerCPU: []host.CPUTimes{all, all}},
		Memory: host.Memory{Total: 100 * gb, Available: uint64(100-b.memory.Load()) * gb, Used: uint64(b.memory.Load()) * gb},
		Mounts: []host.Mount{{
			Path: "/", Device: "/dev/vda1", Type: "ext4", Dev: 1, Total: 100 * gb, Free: uint64(100-b.disk.Load()) * gb,
			Available: uint64(100-b.disk.Load()) * gb, Inodes: 1000, InodesFree: 900,
		}},
	}, nil
}

// often makes a preset whose schedule fires every ten seconds the only active pipeline. All else of it stays.
func often(t *testing.T, h hub, preset string) {
	t.Helper()
	var d struct {
		Config obj `json:"config"`
	}
	h.Get("/api/v1/definitions/"+preset, &d)
	d.Config["trigger"] = obj{"on": "schedule", "cron": "@every 10s"}
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/"+preset, obj{"config": d.Config})
	activate(t, h, preset)
}

// fired waits until the schedule has fired so many times and those runs have ended, and returns them.
func fired(t *testing.T, h hub, n int) (runs []servertest.Run) {
	t.Helper()
	testkit.Eventually(t, 3*time.Minute, func() bool {
		runs = nil
		for _, r := range h.Runs("") {
			if r.Origin == "schedule" && r.State == "succeeded" {
				runs = append(runs, r)
			}
		}
		return len(runs) >= n
	}, "the schedule does not fire")
	return runs
}

// TestLocalPresets: on one server whose disk fills up, people are told once, and once more when it is over.
func TestLocalPresets(t *testing.T) {
	t.Parallel()
	features := map[string]feature{}
	for _, preset := range []string{"local-monitor", "local-smart"} {
		features[preset] = func(t *testing.T, begin func(setup) hub) {
			b := newBox(40, 97)
			h := begin(setup{Probe: b})
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			often(t, h, preset)

			m := r.Waits(1)[0]
			if m.Title != "[CRITICAL] DISK Check Alert" || m.Severity != "critical" || m.Event != "firing" || m.IncidentID == "" {
				t.Errorf("message %q %s %s", m.Title, m.Severity, m.Event)
			}
			says := []string{"/ 97.0% used", "Where: web-01", "\nChecks on web-01: 2 of 3 passed\n- [CRITICAL] disk: / 97.0% used", "\n- OK: cpu, memory\n"}
			if preset == "local-smart" {
				says = append(says, "\nAnalysis by the local analyzer:\n")
			}
			reads(t, m, says...)
			fired(t, h, 3)
			if got := r.Told(); !slices.Equal(got, []string{"firing"}) {
				t.Fatalf("the disk stays full, and people were told %v", got)
			}
			if i := h.Incident(); i.Status != "open" || i.Firing != 1 {
				t.Errorf("incident %+v", i)
			}

			b.disk.Store(50)
			if m = r.Waits(2)[1]; m.Title != "Resolved: DISK Check Alert" || m.Severity != "success" || m.Event != "resolved" {
				t.Errorf("message %q %s %s", m.Title, m.Severity, m.Event)
			}
			reads(t, m, "Resolved after ", "Where: web-01") // at once: it waits for no look at the machine
			n := len(fired(t, h, 1))
			runs := fired(t, h, n+2)
			told(t, r, "firing", "resolved")
			if s := states(h.Run(runs[len(runs)-1].ID)); s["notify_channels"] != "skipped: when" || s["check_health"] != "succeeded" {
				t.Errorf("all is well, and: %v", s)
			}
			if i := h.Incident(); i.Status != "resolved" || len(h.Alerts()) != 1 {
				t.Errorf("incident %+v, alerts %+v", i, h.Alerts())
			}
			noLoop(t, h, preset)
			if l := h.Rest(); !l.Balanced || l.Counts["no_route"] > 0 || l.Counts["dead"] > 0 {
				t.Errorf("books: %+v", l)
			}
		}
	}
	inBothForms(t, features)
}

// noLoop checks that no run which a check's alert began made alerts of checks.
func noLoop(t *testing.T, h hub, definition string) {
	t.Helper()
	began := 0
	for _, r := range h.Runs("") {
		if r.Origin != "checker_generated" {
			continue
		}
		began++
		if r.Definition != definition {
			t.Errorf("%s took the alert of a check, want %s", r.Definition, definition)
		}
		if out := output(t, h.Run(r.ID), "check_health"); out["alerts"] != nil {
			t.Errorf("a run that a check began made alerts: %v", out["alerts"])
		}
	}
	if began == 0 {
		t.Error("no run was begun by a check")
	}
}

// reads checks that a message has these texts in it, and nothing that is empty.
func reads(t *testing.T, m servertest.Message, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(m.Text+"\n", want) {
			t.Errorf("%q is not in the message %q:\n%s", want, m.Title, m.Text)
		}
	}
	for _, bad := range []string{"<no value>", "<nil>", "\n- \n", "OK: \n", "by :", ": \n", "\n\n\n"} {
		if strings.Contains(m.Text+"\n", bad) {
			t.Errorf("%q is in the message %q:\n%s", bad, m.Title, m.Text)
		}
	}
}

// TestCheckAlertsOfPresets: presets for webhooks take alerts of checks as well, tell of them once and when they are over, and a run of them
// makes no alerts itself, even if its step is told to.
func TestCheckAlertsOfPresets(t *testing.T) {
	t.Parallel()
	features := map[string]feature{}
	for preset, says := range map[string][]string{
		"direct":         nil,
		"health-checked": {"\nChecks on web-01: 1 of 3 passed\n", "- [CRITICAL] disk: / 97.0% used", "- [CRITICAL] memory: ", "- OK: cpu\n"},
		"ai-analyzed":    {"\nAnalysis by the local analyzer:\n"},
		"full":           {"\nChecks on web-01: 1 of 3 passed\n", "- OK: cpu\n", "\nAnalysis by the local analyzer:\n"},
	} {
		features[preset] = func(t *testing.T, begin func(setup) hub) {
			b := newBox(96, 97)
			h := begin(setup{Probe: b})
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			if preset == "full" || preset == "health-checked" {
				var d struct {
					Config obj `json:"config"`
				}
				h.Get("/api/v1/definitions/"+preset, &d)
				look := d.Config["nodes"].([]any)[1].(obj)
				look["config"].(obj)["create_alerts"] = true
				h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/"+preset, obj{"config": d.Config})
			}
			activate(t, h, preset)
			all := obj{"checkers": []any{"cpu", "memory", "disk"}, "create_alerts": true}
			h.Want(http.StatusOK, http.MethodPost, "/api/v1/checks/run", all)
			titles := []string{}
			for _, m := range r.Waits(2) {
				titles = append(titles, m.Title)
				reads(t, m, append([]string{"Where: web-01", "Source: server-checkers"}, says...)...)
			}
			slices.Sort(titles)
			want(t, "titles", titles, []string{"[CRITICAL] DISK Check Alert", "[CRITICAL] MEMORY Check Alert"})
			h.Rest()
			h.Want(http.StatusOK, http.MethodPost, "/api/v1/checks/run", all)
			h.Rest()
			b.memory.Store(30)
			b.disk.Store(30)
			h.Want(http.StatusOK, http.MethodPost, "/api/v1/checks/run", all)
			r.Waits(4)
			h.Rest()
			told(t, r, "firing", "firing", "resolved", "resolved")
			if len(h.Alerts()) != 2 || len(h.Incidents()) != 2 {
				t.Errorf("alerts %+v", h.Alerts())
			}
			for _, run := range h.Runs("") {
				if run.Origin != "checker_generated" || run.Definition != preset {
					t.Errorf("run of %s by %s", run.Definition, run.Origin)
				}
			}
			noLoop(t, h, preset)
			if l := h.Rest(); !l.Balanced || l.Counts["no_route"] > 0 {
				t.Errorf("books: %+v", l)
			}
		}
	}
	inBothForms(t, features)
}

// TestReports: a run without an incident reports what its checks found, by the titles of the contract.
func TestReports(t *testing.T) {
	t.Parallel()
	inBothForms(t, map[string]feature{"report": func(t *testing.T, begin func(setup) hub) {
		b := newBox(40, 40)
		h := begin(setup{Probe: b})
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		for i, tt := range []struct {
			disk            int64
			title, severity string
			says            []string
		}{
			{40, "Health Check Report", "info", []string{"Checks on web-01: 3 of 3 passed\n- OK: cpu, disk, memory\n"}},
			{85, "Health Check Alert — Warning", "warning", []string{"Checks on web-01: 2 of 3 passed\n- [WARNING] disk: / 85.0% used", "- OK: cpu, memory\n", "Analysis by the local analyzer:"}},
			{97, "Health Check Alert — Critical", "critical", []string{"- [CRITICAL] disk: / 97.0% used", "- OK: cpu, memory\n", "Analysis by the local analyzer:"}},
		} {
			b.disk.Store(tt.disk)
			nodes := []any{
				obj{"id": "look", "type": "context", "next": "think", "config": obj{
					"checker_names": []any{"cpu", "memory", "disk"}, "checker_configs": obj{"__all__": obj{"timeout": 5 + i}}, // words of their own: nothing is shared
				}},
				obj{"id": "think", "type": "intelligence", "config": obj{"provider": "local"}, "when": "look.checks_failed > 0", "next": "tell"},
				notify("tell", "ops"),
			}
			status, raw := h.Do(http.MethodPost, "/api/v1/definitions/execute", obj{"config": obj{"version": "1.0", "trigger": obj{"on": "manual"}, "nodes": nodes}})
			if status != http.StatusOK {
				t.Fatalf("execute: %d %s", status, raw)
			}
			m := r.Waits(i + 1)[i]
			if m.Title != tt.title || m.Severity != tt.severity {
				t.Errorf("%q %s, want %q %s", m.Title, m.Severity, tt.title, tt.severity)
			}
			reads(t, m, tt.says...)
		}
	}})
}

// TestFullIsNeverSlow: whatever looking at the machine takes, the message of the preset full is out when the time for it is up. It is not
// parallel to other tests, because it measures that time.
func TestFullIsNeverSlow(t *testing.T) { //nolint:tparallel // see above
	const deadline, slack = 5 * time.Second, 4 * time.Second // of a busy test machine
	features := map[string]feature{}
	for name, tt := range map[string]struct {
		look  func(ctx context.Context) error
		least time.Duration
	}{
		"hangs": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, deadline},
		"slow": {func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(4 * time.Second): // cpu takes two looks
				return nil
			}
		}, deadline},
		"at once": {nil, 0},
	} {
		features[name] = func(t *testing.T, begin func(setup) hub) {
			b := newBox(40, 97)
			b.look = tt.look
			h := begin(setup{Probe: b})
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			activate(t, h, "full")
			from := time.Now()
			h.Send(servertest.Push(servertest.Alert{Name: "Disk full"}))
			m := r.Waits(1)[0]
			if took := time.Since(from); took > deadline+slack || took < tt.least-time.Second {
				t.Errorf("told after %s", took)
			}
			if m.Title != "[CRITICAL] Disk full" || m.Event != "firing" || m.Severity != "critical" {
				t.Errorf("message %q: %s", m.Title, m.Raw)
			}
			reads(t, m, "Severity: critical", "Where: web-01")
			if tt.look != nil {
				if strings.Contains(m.Text, "Analysis") {
					t.Errorf("an analysis of what, so soon?\n%s", m.Text)
				}
				return
			}
			reads(t, m, "Checks on web-01: 2 of 3 passed\n- [CRITICAL] disk: / 97.0% used", "- OK: cpu, memory\n", "Analysis by the local analyzer:\n")
			var list struct {
				Items []json.RawMessage `json:"items"`
			}
			if h.Get("/api/v1/analyses", &list); len(list.Items) != 1 {
				t.Errorf("%d analyses", len(list.Items))
			}
		}
	}
	inBothForms(t, features)
}
