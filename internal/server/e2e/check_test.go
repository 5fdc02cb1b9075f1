package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestChecks: what checks find becomes alerts by the same way as what others send.
func TestChecks(t *testing.T) {
	t.Parallel()
	inBothForms(t, map[string]feature{
		"life of an alert":     checkAlerts,
		"without incidents":    checksAlone,
		"cannot be found out":  checkUnknown,
		"taken in again":       checksAgain,
		"addresses of callers": checkGuarded,
		"all at once":          checksAtOnce,
	})
}

// machine is a host whose memory is used as far as the test wants.
type machine struct {
	checkertest.Host

	percent atomic.Int64 // below 0: it cannot be read
}

// Sample implements host.Probe.
func (m *machine) Sample(context.Context) (*host.Sample, error) {
	const gb = 1 << 30
	s := &host.Sample{Hostname: "web-01", OS: "linux", TakenAt: time.Now()}
	if p := m.percent.Load(); p >= 0 {
		s.Memory = host.Memory{Total: 100 * gb, Available: uint64(100-p) * gb}
	}
	return s, nil
}

// checked is the answer of a hub that ran the check of the memory.
type checked struct {
	Results []struct {
		ID      string  `json:"check_run_id"`
		Status  string  `json:"status"`
		Message string  `json:"message"`
		Alert   *string `json:"alert_id"`
	} `json:"results"`
	Errors []string `json:"errors"`
	Alerts struct {
		servertest.Accepted
	} `json:"alerts"`
}

func (m *machine) check(t *testing.T, h hub, percent int64, more obj) checked {
	t.Helper()
	m.percent.Store(percent)
	in := obj{"checkers": []any{"memory"}, "create_alerts": true}
	maps.Copy(in, more)
	status, raw := h.Do(http.MethodPost, "/api/v1/checks/run", in)
	var out checked
	if err := json.Unmarshal(raw, &out); err != nil || status != http.StatusOK || len(out.Results) != 1 || len(out.Errors) > 0 {
		t.Fatalf("run: %d %s", status, raw)
	}
	h.Rest()
	return out
}

// onChecks is a hub on a machine whose checks are told to "ops".
func onChecks(t *testing.T, begin func(setup) hub) (*machine, hub, *servertest.Receiver) {
	t.Helper()
	m := &machine{}
	h := begin(setup{Probe: m})
	r := servertest.NewReceiver(t)
	h.Tell("ops", r)
	h.Only("hosts", pipeline(obj{"on": "check"}, ingest("n"), notify("n", "ops")), "tools", pipeline(obj{}, ingest("n"), notify("n", "ops")))
	return m, h, r
}

func checkAlerts(t *testing.T, begin func(setup) hub) {
	m, h, r := onChecks(t, begin)
	if got := m.check(t, h, 50, nil); got.Results[0].Status != "ok" || got.Alerts.ReceiptID != "" || len(h.Alerts()) != 0 {
		t.Fatalf("fine, and an alert: %+v", got)
	}
	began := m.check(t, h, 95, obj{"labels": obj{"team": "a", "checker": "mine", "hostname": "mine"}})
	if a := began.Alerts; a.AlertsCreated != 1 || a.IncidentsCreated != 1 || len(a.RunIDs) != 1 || began.Results[0].Alert == nil {
		t.Fatalf("critical: %+v", began)
	}
	alert := h.Alerts()[0]
	want(t, "labels", alert.Labels, map[string]string{
		"team": "a", "hostname": "web-01", "checker": "memory", "metric_memory_percent": "95", "metric_memory_total_gb": "100",
		"metric_memory_used_gb": "95", "metric_memory_available_gb": "5",
	})
	want(t, "annotations", alert.Annotations, map[string]string{
		"memory_percent": "95", "memory_total_gb": "100", "memory_used_gb": "95", "memory_available_gb": "5",
	})
	if alert.Name != "MEMORY Check Alert" || alert.Source != "server-checkers" || alert.Fingerprint != checkers.Fingerprint("memory", "web-01") ||
		alert.Severity != "critical" || alert.Status != "firing" || alert.Description != began.Results[0].Message {
		t.Errorf("alert %+v", alert)
	}
	if again := m.check(t, h, 96, nil); again.Alerts.AlertsUpdated != 1 || *again.Results[0].Alert != *began.Results[0].Alert {
		t.Errorf("still critical: %+v", again)
	}
	m.check(t, h, 75, nil)
	if i := h.Incident(); i.Status != "open" || i.Firing != 1 || h.Alerts()[0].Severity != "warning" {
		t.Errorf("warning: %+v", i)
	}
	over := m.check(t, h, 20, nil)
	if over.Alerts.AlertsResolved != 1 || over.Alerts.IncidentsUpdated != 1 || h.Incident().Status != "resolved" || h.Alerts()[0].Severity != "warning" {
		t.Errorf("fine again: %+v", over)
	}
	if quiet := m.check(t, h, 20, nil); quiet.Alerts.ReceiptID != "" || *quiet.Results[0].Alert != *began.Results[0].Alert {
		t.Errorf("still fine: %+v", quiet)
	}
	told(t, r, "firing", "updated", "resolved")
	var row struct {
		AlertID string `json:"alert_id"`
		Created bool   `json:"created_alert"`
	}
	h.Get("/api/v1/checks/"+began.Results[0].ID, &row)
	if row.AlertID != *began.Results[0].Alert || !row.Created {
		t.Errorf("the row says %+v", row)
	}
	var past struct {
		History []struct {
			Event   string         `json:"event"`
			Details map[string]any `json:"details"`
		} `json:"history"`
	}
	h.Get("/api/v1/alerts/"+row.AlertID, &past)
	first, last := past.History[len(past.History)-1], past.History[0]
	if first.Details["checker"] != "memory" || first.Details["source"] != "server-checkers" || last.Event != "resolved" || last.Details["resolved_by"] != "check" {
		t.Errorf("history %+v", past.History)
	}
	if again := m.check(t, h, 99, nil); again.Alerts.AlertsUpdated != 1 || h.Incident().Status != "open" {
		t.Errorf("again: %+v", again)
	}
	run := h.Runs("")[0]
	if run.Origin != "checker_generated" || run.Definition != "hosts" {
		t.Errorf("run %+v", run)
	}
	books(t, h, nil)
}

func checksAlone(t *testing.T, begin func(setup) hub) {
	m, h, r := onChecks(t, begin)
	for range 2 {
		if got := m.check(t, h, 95, obj{"no_incidents": true}); got.Alerts.IncidentsCreated != 0 || h.Became(got.Alerts.ReceiptID) != "suppressed(no_incident)" {
			t.Fatalf("without: %+v", got)
		}
	}
	if a := h.Alerts(); len(a) != 1 || a[0].Status != "firing" || a[0].IncidentID != nil || len(h.Incidents()) != 0 {
		t.Fatalf("without: %+v, %+v", a, h.Incidents())
	}
	if got := m.check(t, h, 95, nil); got.Alerts.IncidentsCreated != 1 || h.Incident().Firing != 1 {
		t.Errorf("with: %+v", got)
	}
	m.check(t, h, 20, obj{"no_incidents": true})
	if i := h.Incident(); i.Status != "resolved" {
		t.Errorf("the end: %+v", i)
	}
	if got := m.check(t, h, 95, obj{"no_incidents": true}); got.Alerts.IncidentsUpdated != 0 || h.Incident().Status != "resolved" {
		t.Errorf("again without: %+v", got)
	}
	told(t, r, "firing", "resolved")
	books(t, h, map[string]int64{"delivered": 2, "suppressed": 3, "(no_incident)": 3})
}

func checkUnknown(t *testing.T, begin func(setup) hub) {
	m, h, r := onChecks(t, begin)
	m.check(t, h, -1, obj{"hostname": "web-02"})
	m.check(t, h, 95, nil)
	alerts := h.Alerts()
	if len(alerts) != 2 || len(h.Incidents()) != 2 || alerts[0].Severity != "warning" || alerts[0].Labels["hostname"] != "web-02" ||
		alerts[0].Description != "Check failed: the size of the memory cannot be read\nthe size of the memory cannot be read" {
		t.Errorf("alerts %+v", alerts)
	}
	told(t, r, "firing", "firing")
	books(t, h, map[string]int64{"delivered": 2})
}

// checksAgain: a push of checks can be taken in again as one of tools can.
func checksAgain(t *testing.T, begin func(setup) hub) {
	m, h, r := onChecks(t, begin)
	first := m.check(t, h, 95, obj{"labels": obj{"team": "a"}})
	m.check(t, h, 20, nil)
	status, raw := h.Do(http.MethodPost, "/api/v1/receipts/"+first.Alerts.ReceiptID+"/reprocess", nil)
	if status/100 != 2 {
		t.Fatalf("reprocess: %d %s", status, raw)
	}
	h.Rest()
	if a := h.Alerts(); len(a) != 1 || a[0].Status != "firing" || a[0].Labels["team"] != "a" || h.Incident().Status != "open" {
		t.Errorf("again: %+v", a)
	}
	told(t, r, "firing", "resolved", "firing")
}

// checkGuarded: addresses that come over the API are looked at.
func checkGuarded(t *testing.T, begin func(setup) hub) {
	h := begin(setup{Probe: &machine{}, Env: map[string]string{"HUB_EGRESS_ALLOW": "127.0.0.2:9"}})
	status, raw := h.Do(http.MethodPost, "/api/v1/checks/run", obj{"checkers": []any{"network"}, "checker_configs": obj{"network": obj{"hosts": "127.0.0.1", "timeout": 2}}})
	if status != http.StatusOK || !strings.Contains(string(raw), "HUB_EGRESS_ALLOW=127.0.0.1:443") || !strings.Contains(string(raw), `"status":"unknown"`) {
		t.Errorf("%d %s", status, raw)
	}
}
