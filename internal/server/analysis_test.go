package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// broken is a machine that cannot be looked at: how says in what way.
type broken struct {
	host.Probe
	how string
	end chan struct{} // of the test, for what hangs longer than anything
}

func (b broken) Sample(ctx context.Context) (*host.Sample, error) {
	switch b.how {
	case "hangs":
		<-ctx.Done()
		return nil, ctx.Err()
	case "hangs for ever":
		<-b.end
		return nil, errors.New("at last")
	case "panics":
		panic("password=hunter2-hunter2")
	default:
		return nil, errors.New("password=hunter2-hunter2")
	}
}

type analysisList struct {
	Items []struct {
		ID           string         `json:"id"`
		RunID        string         `json:"pipeline_run_id"`
		IncidentID   string         `json:"incident_id"`
		Provider     string         `json:"provider"`
		Status       string         `json:"status"`
		Rung         string         `json:"rung"`
		ErrorClass   string         `json:"error_class"`
		ErrorMessage string         `json:"error_message"`
		Fallback     bool           `json:"fallback_used"`
		Grounded     bool           `json:"grounded"`
		Input        map[string]any `json:"input_summary"`
		Count        int            `json:"recommendations_count"`
		DurationMS   *int64         `json:"duration_ms"`
	} `json:"items"`
}

// preset makes one preset the only active pipeline.
func preset(t *testing.T, h *servertest.Hub, name string) {
	t.Helper()
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/direct", map[string]any{"is_active": false})
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/"+name, map[string]any{"is_active": true})
}

// hereFires is an alert about this machine.
func hereFires(t *testing.T, name string) string {
	t.Helper()
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return servertest.Push(servertest.Alert{Name: name, Labels: map[string]string{"instance": own}})
}

// TestAnalysisInMessage: an alert about this machine is analysed by looking at it, and the message says what was found.
func TestAnalysisInMessage(t *testing.T) {
	t.Parallel()
	onQuiet(t, func(t *testing.T, h *servertest.Hub) {
		r := servertest.NewReceiver(t)
		h = h.With(t)
		h.Tell("ops", r)
		preset(t, h, "ai-analyzed")
		got := h.Send(servertest.Fire("HostUnhealthy"))
		m := r.Waits(1)[0]
		if !strings.Contains(m.Text, "Analysis by the local analyzer:") || m.Title != "[CRITICAL] HostUnhealthy" || m.Severity != "critical" {
			t.Errorf("message %q\n%s", m.Title, m.Text)
		}
		h.Rest()
		var list analysisList
		h.Get("/api/v1/analyses?run_id="+*got.RunID, &list)
		if len(list.Items) != 1 {
			t.Fatalf("%d analyses", len(list.Items))
		}
		a := list.Items[0]
		if a.Rung != "local" || a.Status != "succeeded" || a.Provider != "local" || a.Fallback || !a.Grounded || a.IncidentID != m.IncidentID || a.ErrorClass != "" ||
			a.DurationMS == nil || a.Input["alerts"] != 1.0 || a.Count == 0 {
			t.Errorf("analysis %+v", a)
		}
		var output struct {
			Analysis string `json:"analysis_id"`
			Provider string `json:"provider"`
			Count    int    `json:"count"`
			Summary  string `json:"summary"`
			Items    []struct {
				Title, Description string
			} `json:"recommendations"`
			Description string `json:"description"`
			Fallback    *bool  `json:"fallback_used"`
		}
		for _, n := range h.Run(*got.RunID).Nodes {
			if n.Node == "analyze_incident" && json.Unmarshal(n.Output, &output) != nil {
				t.Errorf("output %s", n.Output)
			}
		}
		if output.Analysis != a.ID || output.Provider != "local" || output.Count != a.Count || output.Count != len(output.Items) || output.Summary != output.Items[0].Title ||
			output.Description != output.Items[0].Description || output.Fallback == nil || *output.Fallback {
			t.Errorf("output %+v", output)
		}
		var timeline struct {
			Items []struct {
				Event   string         `json:"event"`
				Details map[string]any `json:"details"`
			} `json:"items"`
		}
		h.Get("/api/v1/incidents/"+m.IncidentID+"/timeline", &timeline)
		found := 0
		for _, e := range timeline.Items {
			if e.Event == "analysis" && e.Details["analysis_id"] == a.ID && e.Details["rung"] == "local" {
				found++
			}
		}
		if found != 1 {
			t.Errorf("timeline %+v", timeline.Items)
		}
		h.Send(servertest.Push(servertest.Alert{Name: "HostUnhealthy", Instance: "web-02", Status: "resolved"})) // another one: nothing was told of it
		h.Rest()
		before := len(r.All())
		h.Send(servertest.Resolve("HostUnhealthy"))
		testkit.Eventually(t, time.Minute, func() bool { return len(r.All()) == before+1 }, "the end is told after an analysis as before one")
		if l := h.Rest(); !l.Balanced && l.Problem != "" {
			t.Errorf("ledger %+v", l)
		}
	})
}

// TestAnalysisBreaks: whatever the analyzer does, the notification leaves in its time, and the row says what happened. It is not parallel to
// other tests, because it measures that time.
func TestAnalysisBreaks(t *testing.T) { //nolint:tparallel // see above
	const deadline = 5 * time.Second // of enrichment, with the local analyzer; it gives up by itself after 10 s
	for how, want := range map[string]struct {
		class string
		soon  bool // it is over before the deadline
	}{
		"fails": {"server", true}, "panics": {"internal", true}, "hangs": {"timeout", false}, "hangs for ever": {"timeout", false},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			end := make(chan struct{})
			t.Cleanup(func() { close(end) })
			h := servertest.StartOn(t, nil, broken{how: how, end: end})
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			// The active provider is the local analyzer while there is none.
			h.Only("ai", servertest.Pipeline(nil, servertest.Ingest("think"),
				servertest.Map{"id": "think", "type": "intelligence", "config": servertest.Map{"provider": "active"}, "next": "tell"}, servertest.Notify("tell", "*")))
			got := h.Send(hereFires(t, "Disk"))
			began := time.Now() // the alert is taken in: from here on the enrichment has its time
			testkit.Eventually(t, time.Minute, func() bool {
				h.Server.Look(orchestration.QueueIngest) // when the next look comes is not the question
				return len(r.All()) == 1
			}, "the message leaves")
			if took := time.Since(began); took > deadline+time.Second {
				t.Errorf("the message left after %s", took)
			}
			m := r.All()[0]
			if m.Title != "[CRITICAL] Disk" || strings.Contains(m.Text, "hunter2") || want.soon != strings.Contains(m.Text, "The facts, without an analysis (the local analyzer: ") {
				t.Errorf("message %q\n%s", m.Title, m.Text)
			}
			var list analysisList
			testkit.Eventually(t, time.Minute, func() bool {
				list = analysisList{}
				h.Get("/api/v1/analyses?run_id="+*got.RunID, &list)
				return len(list.Items) == 1 && list.Items[0].Status == "failed"
			}, "the analysis is over")
			if a := list.Items[0]; a.Rung != "facts" || a.ErrorClass != want.class || a.ErrorMessage == "" || !a.Fallback || strings.Contains(fmt.Sprint(a), "hunter2") {
				t.Errorf("analysis %+v", a)
			}
			if run := h.Run(*got.RunID); run.State == "failed" {
				t.Errorf("run %+v", run)
			}
		})
	}
}

// TestAnalysisTogether: those who ask about one incident at the same time share one analysis.
func TestAnalysisTogether(t *testing.T) {
	t.Parallel()
	looks := &counted{broken: broken{how: "fails"}, gate: make(chan struct{})}
	h := servertest.StartOn(t, nil, looks)
	h.Send(hereFires(t, "Disk"))
	var incidents struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	h.Get("/api/v1/incidents", &incidents)
	const asked = 20
	done := make(chan error, asked)
	// Who sends no body is not cut off after the time that bodies have to arrive in, 5 s.
	long := time.After(6 * time.Second)
	for range asked {
		go func() {
			a, err := h.Try(http.MethodPost, "/api/v1/incidents/"+incidents.Items[0].ID+"/analyze", nil)
			if err == nil && a.Status != http.StatusOK {
				err = fmt.Errorf("%d %s", a.Status, a.Body)
			}
			done <- err
		}()
	}
	testkit.Eventually(t, time.Minute, func() bool {
		var list analysisList
		h.Get("/api/v1/analyses?status=running", &list)
		return len(list.Items) == asked
	}, "all of them wait, and are shown so")
	<-long
	close(looks.gate)
	for range asked {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := looks.calls.Load(); n != 2 { // by the checks that are evidence, and by the analyzer: this machine shares nothing itself
		t.Errorf("the machine was looked at %d times", n)
	}
	var list analysisList
	h.Get("/api/v1/analyses?incident_id="+incidents.Items[0].ID+"&status=failed", &list)
	if len(list.Items) != asked {
		t.Errorf("%d rows", len(list.Items))
	}
}

// TestAnalysisByHand: an analysis by hand knows what a run's would: checks, what was there before, changes and runbooks.
func TestAnalysisByHand(t *testing.T) {
	t.Parallel()
	servertest.Engines(t, nil, func(t *testing.T, h *servertest.Hub) {
		h = h.With(t)
		h.Send(servertest.Fire("Slow"))
		h.Rest()
		h.Send(servertest.Resolve("Slow"))
		h.Rest()
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/changes", servertest.Map{"title": "api 2.4.1", "kind": "deploy", "labels": servertest.Map{}})
		h.Send(servertest.Push(servertest.Alert{Name: "Slow", Labels: map[string]string{"region": "eu", "runbook_url": "https://wiki.example.com/slow"}}))
		h.Rest()
		all := h.Incidents()
		incident := all[len(all)-1].ID
		kinds := func(analysis string) map[string]int {
			t.Helper()
			var d struct {
				Rung     string `json:"rung"`
				Status   string `json:"status"`
				Evidence []struct {
					ID, Kind, Title string
					Status          string
				} `json:"evidence"`
			}
			h.Get("/api/v1/analyses/"+analysis, &d)
			out := map[string]int{}
			for _, e := range d.Evidence {
				out[e.Kind]++
				if e.Kind == "check" && (e.Status == "" || e.ID == "") {
					t.Errorf("%+v", e)
				}
			}
			return out
		}
		want := map[string]int{"alert": 1, "check": 3, "history": 1, "change": 1, "runbook": 1}
		made := h.Want(http.StatusOK, http.MethodPost, "/api/v1/incidents/"+incident+"/analyze", nil)
		if diff := cmp.Diff(want, kinds(made["id"].(string))); diff != "" {
			t.Errorf("evidence (-want +got):\n%s", diff)
		}
		h.Want(http.StatusOK, http.MethodGet, "/intelligence/recommendations/?incident_id="+incident, nil)
		var list analysisList
		h.Get("/api/v1/analyses?incident_id="+incident, &list)
		if len(list.Items) != 2 {
			t.Fatalf("%d analyses", len(list.Items))
		}
		if diff := cmp.Diff(want, kinds(list.Items[0].ID)); diff != "" {
			t.Errorf("evidence of recommendations (-want +got):\n%s", diff)
		}
		var checks struct{ Items []any }
		if h.Get("/api/v1/checks?limit=100", &checks); len(checks.Items) != 3 {
			t.Errorf("%d checks were run for two analyses at once", len(checks.Items))
		}
	})
}

// counted waits at its gate and remembers its calls.
type counted struct {
	broken
	gate  chan struct{}
	calls atomic.Int64
}

func (c *counted) Sample(ctx context.Context) (*host.Sample, error) {
	c.calls.Add(1)
	select {
	case <-c.gate:
	case <-ctx.Done():
	}
	return c.broken.Sample(ctx)
}
