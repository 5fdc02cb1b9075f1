package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestPresets sends each preset what a vendor sends. Whatever its checks and its analysis come to, people hear of the alert.
func TestPresets(t *testing.T) {
	t.Parallel()
	features := map[string]feature{}
	for preset, tt := range map[string]struct{ payload, title string }{
		"direct":         {"alertmanager/testdata/v4_offset_no_fingerprint", "thing_dead"},
		"health-checked": {"zabbix/testdata/official_problem", "MySQL: Service is down"},
		"ai-analyzed":    {"pagerduty/testdata/v2_trigger", "Disk of db1 is full"},
		"full":           {"newrelic/testdata/workflow_activated_minimal_no_title", "Server Down"},
	} {
		features[preset] = func(t *testing.T, begin func(setup) hub) {
			h := begin(setup{})
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			activate(t, h, preset)
			run := ran(t, h, payload(t, tt.payload))
			notified(t, h, r, run, preset, tt.title)
		}
	}
	// Those that look at this host by schedule take no webhooks, but whoever names one gets it. By hand they tell what failed if it could not
	// become an alert.
	for preset, tt := range map[string]struct{ payload, title string }{
		"local-monitor": {"datadog/testdata/documented_variables_triggered", "Disk of {{host.name}} is full"},
		"local-smart":   {"opsgenie/testdata/create_numeric_priority_ns_times", "another alert"},
	} {
		features[preset] = func(t *testing.T, begin func(setup) hub) {
			out := make(chan obj, 3) // what checks gave, run by run
			h := begin(contexts(func(*orchestration.NodeContext) orchestration.Result { return gives(<-out) }))
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			activate(t, h, preset)
			out <- obj{"checks_run": 3, "checks_failed": 0}
			got := h.SendTo("?sync=1&pipeline="+preset, payload(t, tt.payload))
			notified(t, h, r, ended(t, h, got.RunIDs[0]), preset, tt.title)
			disk := obj{"disk": obj{"status": "critical", "message": "full"}}
			for _, one := range []struct {
				gives obj
				tells string
			}{
				{obj{"checks_run": 1, "checks_failed": 0, "results": obj{"disk": obj{"status": "ok"}}, "alerts": obj{}}, "skipped: when"},
				{obj{"checks_run": 1, "checks_failed": 1, "results": disk, "alerts": obj{"alerts_created": 1}}, "skipped: when"},
				{obj{"checks_run": 1, "checks_failed": 1, "results": disk}, "succeeded"},
			} {
				out <- one.gives
				a := h.Want(http.StatusOK, http.MethodPost, "/api/v1/definitions/"+preset+"/execute", obj{})
				if s := states(h.Run(a["run_id"].(string))); s["notify_channels"] != one.tells {
					t.Errorf("%v: %v", one.gives, s)
				}
			}
			if m := r.Waits(2)[1]; len(r.All()) != 2 || m.Title != "Health Check Alert — Critical" || m.Severity != "critical" {
				t.Errorf("%d messages, the last: %q", len(r.All()), m.Title)
			}
		}
	}
	inBothForms(t, features)
}

// activate makes one preset the only active definition.
func activate(t *testing.T, h hub, preset string) {
	t.Helper()
	if preset == "direct" {
		return
	}
	for name, active := range map[string]bool{"direct": false, preset: true} {
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/"+name, obj{"is_active": active})
	}
}

// payload is one of the drivers' cases.
func payload(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "drivers", filepath.FromSlash(name), "input.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// notified checks that a run told the receiver of one incident.
func notified(t *testing.T, h hub, r *servertest.Receiver, run servertest.Run, definition, title string) {
	t.Helper()
	h.Rest()
	if run.Definition != definition || run.State != "succeeded" || run.Status != "notified" {
		t.Errorf("run of %s: %s %s %+v", run.Definition, run.State, run.Status, run.LastError)
	}
	told(t, r, "firing")
	m := r.Last()
	if run.IncidentID == nil || m.IncidentID != *run.IncidentID || !strings.Contains(m.Title, title) || len(m.Alerts) != 1 || m.Alerts[0].Name != title || m.Key == "" {
		t.Errorf("message %q of incident %s: %+v", m.Title, m.IncidentID, m.Alerts)
	}
	books(t, h, map[string]int64{"delivered": 1})
}
