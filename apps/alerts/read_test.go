package alerts_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

var readNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// onEngines runs a test on a fresh database of each engine, at readNow.
func onEngines(t *testing.T, fn func(t *testing.T, db *storage.DB, r *alerts.Reader)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) { fn(t, db, reader(t, db)) },
		func(c *storage.Config) { c.Clock = clock.At(readNow) })
}

func reader(t *testing.T, db *storage.DB) *alerts.Reader {
	t.Helper()
	r, err := alerts.NewReader(db)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func run(t *testing.T, db *storage.DB, sql string, args ...any) {
	t.Helper()
	if err := db.From(t.Context()).Exec(sql, args...).Error; err != nil {
		t.Fatal(err)
	}
}

func addIncident(t *testing.T, db *storage.DB, tenant, title string, status event.IncidentStatus, severity event.Severity) id.ID {
	t.Helper()
	key := id.New()
	run(t, db, `INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, metadata, event_seq, trace_id, created_at, updated_at)
		VALUES (?, ?, ?, ?, '', ?, ?, ?, 1, 'trace', ?, ?)`, key, tenant, key.String(), title, status, severity, storage.Doc(map[string]any{"n": 1}), readNow, readNow)
	return key
}

func addAlert(t *testing.T, db *storage.DB, tenant, name string, incident id.ID, status event.Status, labels map[string]string) id.ID {
	t.Helper()
	key := id.New()
	var ended any
	if status == event.StatusResolved {
		ended = readNow.Add(-time.Minute)
	}
	run(t, db, `INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key,
		vendor_group_key, incident_id, trace_id, last_seq, occurrences, started_at, ended_at, received_at, updated_at)
		VALUES (?, ?, 'grafana', ?, ?, 'critical', ?, '', ?, ?, 'g', '', ?, 'trace', 1, 1, ?, ?, ?, ?)`,
		key, tenant, key.String(), name, status, storage.Doc(labels), storage.Doc(map[string]string{}), incident,
		readNow.Add(-time.Hour), ended, readNow, readNow)
	return key
}

func addHistory(t *testing.T, db *storage.DB, tenant string, alert, incident id.ID, what string, at time.Time) {
	t.Helper()
	run(t, db, `INSERT INTO alert_history (alert_id, id, tenant_id, incident_id, event, old_status, new_status, details, created_at)
		VALUES (?, ?, ?, ?, ?, '', 'firing', ?, ?)`, alert, id.New(), tenant, incident, what, storage.Doc(map[string]string{"source": "x"}), at)
}

func names(page storage.Page[alerts.Alert]) []string {
	out := []string{}
	for _, a := range page.Items {
		out = append(out, a.Name)
	}
	return out
}

func TestListAlerts(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *alerts.Reader) {
		incident := addIncident(t, db, "a", "one", event.IncidentOpen, event.SeverityCritical)
		first := addAlert(t, db, "a", "CPU high", incident, event.StatusFiring, map[string]string{"host": "db-1"})
		addAlert(t, db, "a", "Disk full", id.ID{}, event.StatusResolved, map[string]string{"host": "web_9"})
		addAlert(t, db, "b", "CPU high", id.ID{}, event.StatusFiring, nil)
		for name, tt := range map[string]struct {
			filter alerts.AlertFilter
			want   []string
		}{
			"all of the tenant":         {alerts.AlertFilter{}, []string{"Disk full", "CPU high"}},
			"status":                    {alerts.AlertFilter{Status: "resolved"}, []string{"Disk full"}},
			"severity":                  {alerts.AlertFilter{Severity: "info"}, []string{}},
			"name":                      {alerts.AlertFilter{Name: "CPU high"}, []string{"CPU high"}},
			"incident":                  {alerts.AlertFilter{Incident: incident}, []string{"CPU high"}},
			"key":                       {alerts.AlertFilter{Source: "grafana", Fingerprint: first.String()}, []string{"CPU high"}},
			"text in name":              {alerts.AlertFilter{Text: "cpu"}, []string{"CPU high"}},
			"text in labels":            {alerts.AlertFilter{Text: "web_"}, []string{"Disk full"}},
			"underscore is no wildcard": {alerts.AlertFilter{Text: "db_1"}, []string{}},
		} {
			page, err := r.Alerts(t.Context(), "a", tt.filter, storage.Paging{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(tt.want, names(page)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestOneAlert(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *alerts.Reader) {
		alert := addAlert(t, db, "a", "x", id.ID{}, event.StatusFiring, map[string]string{"k": "v"})
		addHistory(t, db, "a", alert, id.ID{}, "created", readNow)
		addHistory(t, db, "a", alert, id.ID{}, "updated", readNow)
		got, err := r.Alert(t.Context(), "a", alert)
		if err != nil {
			t.Fatal(err)
		}
		if !got.IsFiring || got.DurationMS != float64(time.Hour.Milliseconds()) || got.Labels["k"] != "v" || got.EndedAt != nil || got.IncidentID != nil {
			t.Errorf("alert %+v", got)
		}
		if !got.StartedAt.Equal(readNow.Add(-time.Hour)) {
			t.Errorf("started %v, want %v", got.StartedAt, readNow.Add(-time.Hour))
		}
		if len(got.History) != 2 || got.History[0].Event != "updated" || string(got.History[0].Details) == "" {
			t.Errorf("history %+v, want updated before created", got.History)
		}
		for name, miss := range map[string]func() error{
			"other tenant": func() error { _, err := r.Alert(t.Context(), "b", alert); return err },
			"unknown":      func() error { _, err := r.Alert(t.Context(), "a", id.New()); return err },
			"incident":     func() error { _, err := r.Incident(t.Context(), "a", id.New()); return err },
			"timeline":     func() error { _, err := r.Timeline(t.Context(), "a", id.New()); return err },
		} {
			if err := miss(); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
	})
}

func TestListIncidentsMergesStatuses(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *alerts.Reader) {
		statuses := []event.IncidentStatus{event.IncidentOpen, event.IncidentResolved, event.IncidentAcknowledged, event.IncidentClosed}
		var all, active []string
		for i := range 12 {
			status := statuses[i%4]
			title := fmt.Sprintf("%s %d", status, i)
			incident := addIncident(t, db, "a", title, status, event.SeverityWarning)
			addAlert(t, db, "a", "n", incident, event.StatusFiring, nil)
			addAlert(t, db, "a", "n", incident, event.StatusResolved, nil)
			all = append([]string{title}, all...)
			if status.Active() {
				active = append([]string{title}, active...)
			}
		}
		addIncident(t, db, "b", "foreign", event.IncidentOpen, event.SeverityCritical)
		walk := func(f alerts.IncidentFilter) (got []string) {
			p := storage.Paging{Limit: 5}
			for {
				page, err := r.Incidents(t.Context(), "a", f, p)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range page.Items {
					got = append(got, i.Title)
					if i.AlertCount != 2 || i.FiringAlertCount != 1 || !slices.Equal(i.Sources, []string{"grafana"}) {
						t.Errorf("%s: %d alerts, %d firing, from %v; want 2, 1, grafana", i.Title, i.AlertCount, i.FiringAlertCount, i.Sources)
					}
				}
				if page.NextCursor == "" {
					return got
				}
				p.Before, _ = storage.ParseCursor(page.NextCursor)
			}
		}
		if diff := cmp.Diff(all, walk(alerts.IncidentFilter{})); diff != "" {
			t.Errorf("all (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(active, walk(alerts.IncidentFilter{Statuses: []string{"active"}})); diff != "" {
			t.Errorf("active (-want +got):\n%s", diff)
		}
		if got := walk(alerts.IncidentFilter{Statuses: []string{"nonsense"}}); len(got) != 0 {
			t.Errorf("an unknown status found %v", got)
		}
		if got := walk(alerts.IncidentFilter{Text: "CLOSED 11", Severity: "warning"}); !slices.Equal(got, []string{"closed 11"}) {
			t.Errorf("text: %v", got)
		}
		counts, err := r.Counts(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		want := alerts.IncidentCounts{Open: 3, Acknowledged: 3, Resolved: 3, Closed: 3, Active: map[event.Severity]int64{event.SeverityWarning: 6}}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	})
}

func TestTimelineMergesBothHistories(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *alerts.Reader) {
		incident := addIncident(t, db, "a", "one", event.IncidentOpen, event.SeverityCritical)
		other := addIncident(t, db, "a", "before", event.IncidentClosed, event.SeverityCritical)
		alert := addAlert(t, db, "a", "CPU", incident, event.StatusFiring, nil)
		at := func(n int) time.Time { return readNow.Add(time.Duration(n) * time.Second) }
		moved := addAlert(t, db, "a", "RAM", other, event.StatusFiring, nil) // it was in the incident and fires in another now
		run(t, db, `INSERT INTO incident_events (incident_id, seq, tenant_id, kind, details, created_at) VALUES (?, 3, 'a', 'alert_added', ?, ?)`,
			incident, storage.Doc(map[string]string{"source": "grafana", "fingerprint": moved.String()}), at(4))
		addHistory(t, db, "a", moved, incident, "created", at(3))
		addHistory(t, db, "a", moved, other, "refired", at(9))
		for i, kind := range []string{"opened", "acknowledged"} {
			run(t, db, `INSERT INTO incident_events (incident_id, seq, tenant_id, kind, actor, details, trace_id, created_at)
				VALUES (?, ?, 'a', ?, 'ann', ?, 'trace', ?)`, incident, i+1, kind, storage.Doc(map[string]int{"i": i}), at(2*i))
		}
		addHistory(t, db, "a", alert, other, "created", at(-5))
		addHistory(t, db, "a", alert, incident, "refired", at(0))
		addHistory(t, db, "a", alert, incident, "updated", at(1))
		got, err := r.Timeline(t.Context(), "a", incident)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, e := range got {
			order = append(order, e.Kind+" "+e.Event)
		}
		want := []string{"incident alert_added", "alert created", "incident acknowledged", "alert updated", "incident opened", "alert refired"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if got[2].Actor != "ann" || got[2].Seq != 2 || got[3].AlertName != "CPU" || *got[3].AlertID != alert || got[1].AlertName != "RAM" {
			t.Errorf("entries %+v", got)
		}
		detail, err := r.Incident(t.Context(), "a", incident)
		if err != nil {
			t.Fatal(err)
		}
		if len(detail.Alerts) != 1 || !detail.IsOpen || detail.IsResolved || detail.FiringAlertCount != 1 {
			t.Errorf("incident %+v", detail)
		}
	})
}
