package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

// quiet is a machine, web-01, on which nothing is wrong, and that is looked at in no time.
type quiet struct {
	checkertest.Host

	looks atomic.Int64
}

// Sample implements host.Probe.
func (q *quiet) Sample(context.Context) (*host.Sample, error) {
	const gb = 1 << 30
	n := q.looks.Add(1)
	all := host.CPUTimes{User: float64(n), Idle: 9 * float64(n)}
	return &host.Sample{
		Hostname: "web-01", OS: "linux", TakenAt: time.Unix(1790000000, 0).Add(time.Duration(n) * 5 * time.Second), Root: true,
		CPU:    host.CPU{Count: 2, Cores: 2, Total: all, PerCPU: []host.CPUTimes{all, all}},
		Memory: host.Memory{Total: 100 * gb, Available: 80 * gb, Used: 20 * gb},
		Mounts: []host.Mount{{Path: "/", Device: "/dev/vda1", Type: "ext4", Dev: 1, Total: 100 * gb, Free: 80 * gb, Available: 80 * gb, Inodes: 1000, InodesFree: 900}},
	}, nil
}

// onQuiet runs fn against a hub on each database, on a quiet machine: there an analysis is over long before nobody waits for it any more,
// however slow the real one is.
func onQuiet(t *testing.T, fn func(t *testing.T, h hub)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, servertest.StartOn(t, nil, &quiet{}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, servertest.StartOn(t, map[string]string{"HUB_DATABASE_URL": servertest.Postgres(t)}, &quiet{}))
	})
}

// beginsToThink is a hub on a quiet machine whose pipeline asks a fake server, and a receiver.
func beginsToThink(t *testing.T, env map[string]string, model *providertest.Server, more obj) (hub, *servertest.Receiver) {
	t.Helper()
	h, r := servertest.StartOn(t, env, &quiet{}), servertest.NewReceiver(t)
	h.Tell("ops", r)
	h.Asks(model, more)
	preset(t, h, "ai-analyzed")
	return h, r
}

// fault is what may be wrong with a provider.
type fault struct {
	script providertest.Script
	class  string
	calls  int  // at the provider
	late   bool // the time for enrichment passes
	bare   bool // it answers in plain words: that is an analysis, of which nobody is sure
}

func faultsOf(model *providertest.Server, elsewhere string) map[string]fault {
	const wait = "7200"
	return map[string]fault{
		"hangs":             {script: providertest.Script{Hang: true}, class: "timeout", calls: 1, late: true},
		"stops in between":  {script: providertest.Script{Body: model.Says(providertest.Analysis).Body, Stall: true}, class: "timeout", calls: 1, late: true},
		"is cut off":        {script: providertest.Script{Body: model.Says(providertest.Analysis).Body, Cut: true}, class: "network", calls: 2},
		"resets":            {script: providertest.Script{Reset: true}, class: "network", calls: 2},
		"no JSON":           {script: providertest.Script{Body: "<html>It works!</html>"}, class: "malformed", calls: 1},
		"garbage":           {script: model.Says("%$ 12 \x00"), class: "malformed", calls: 1},
		"plain words":       {script: model.Says("I think that something on this machine is busy."), calls: 1, bare: true},
		"nothing":           {script: providertest.Script{}, class: "malformed", calls: 1},
		"5 MB":              {script: providertest.Script{Huge: 5 << 20}, class: "malformed", calls: 1},
		"5 MB of an answer": {script: model.Says(strings.Repeat("7", 5<<20)), class: "malformed", calls: 1},
		"429":               {script: providertest.Script{Status: 429, Header: map[string]string{"Retry-After": wait}, Body: `{"error":{"message":"slow down"}}`}, class: "rate_limit", calls: 1},
		"500":               {script: providertest.Script{Status: 500, Body: "it broke"}, class: "server", calls: 2},
		"redirect":          {script: providertest.Script{Redirect: elsewhere}, class: "network", calls: 1},
	}
}

// TestProviderFaults: whatever a provider does, the notification leaves when the time for enrichment is up, at the latest. It has what the local
// analyzer says, and says why; the run records the class. It is not parallel to other tests, because it measures that time.
func TestProviderFaults(t *testing.T) { //nolint:tparallel // see above
	const deadline = 20 * time.Second // of enrichment, with a provider; without it the analysis would have 30 s
	for _, kind := range []string{"openai", "claude", "gemini", "ollama"} {
		for name := range faultsOf(providertest.New(t, kind), "") {
			if kind != "openai" && name != "hangs" && name != "5 MB" && name != "redirect" {
				continue // what is common to all is tested with one
			}
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				model := providertest.New(t, kind)
				var called atomic.Int64
				other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }))
				t.Cleanup(other.Close)
				f := faultsOf(model, strings.Replace(other.URL, "127.0.0.1", "127.0.0.2", 1)+"/v1/chat/completions")[name]
				model.Answer(f.script)
				h, r := beginsToThink(t, nil, model, nil)
				got := h.Send(servertest.Fire("Disk"))
				began := time.Now() // the alert is taken in: from here on the enrichment has its time
				testkit.Eventually(t, 2*time.Minute, func() bool { return len(r.All()) == 1 }, "the message leaves")
				took := time.Since(began)
				if took > deadline+time.Second || !f.late && took > deadline/2 {
					t.Errorf("the message left after %s", took)
				}
				m := r.All()[0]
				says := "Analysis by the local analyzer (" + kind + ": "
				if f.bare {
					says = "Analysis by " + kind + " (fake-model-1), low confidence:\n"
				}
				if m.Title != "[CRITICAL] Disk" || m.Severity != "critical" || !strings.Contains(m.Text, says) || len(m.Raw) > 64<<10 {
					t.Errorf("message %q, no %q:\n%.3000s", m.Title, says, m.Text)
				}
				var a servertest.Analysis
				testkit.Eventually(t, time.Minute, func() bool {
					list := h.Analyses("run_id=" + *got.RunID)
					if len(list) == 1 {
						a = list[0]
					}
					return len(list) == 1 && a.Status != "running"
				}, "the analysis is over")
				status, rung := "failed", "local"
				if f.bare {
					status, rung = "succeeded", "provider"
				}
				if a.Status != status || a.Rung != rung || a.ErrorClass != f.class || a.Fallback == f.bare || a.Provider != kind || a.Grounded == f.bare {
					t.Errorf("analysis %+v", a)
				}
				if n := len(model.Requests()); n != f.calls || called.Load() != 0 {
					t.Errorf("the model was asked %d times, want %d; somebody else %d times", n, f.calls, called.Load())
				}
				testkit.Eventually(t, time.Minute, func() bool { return h.Run(*got.RunID).State == "succeeded" }, "the run ends well")
				if l := h.Rest(); l.Counts["delivered"] != 1 {
					t.Errorf("ledger %+v", l)
				}
			})
		}
	}
}
