package alerts_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// planRows fill a table enough for the planner to tell a scan from an index.
const planRows = 20_000

// TestListsUseAnIndex fills the tables and asks Postgres, with its usual settings, how it runs what the reader runs.
func TestListsUseAnIndex(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.Postgres)
	r := reader(t, db)
	run(t, db, `INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, event_seq, trace_id, created_at, updated_at)
		SELECT gen_random_uuid(), 'a', g::text, 'title ' || g, 'd', CASE WHEN g % 200 = 0 THEN 'open' ELSE 'closed' END, 'warning', 1, 't', now(), now()
		FROM generate_series(1, ?) g`, planRows)
	run(t, db, `INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key,
		vendor_group_key, incident_id, trace_id, last_seq, occurrences, started_at, received_at, updated_at)
		SELECT gen_random_uuid(), 'a', 's', g::text, 'name', 'warning', CASE WHEN g % 5 = 0 THEN 'firing' ELSE 'resolved' END, '', '{}', '{}', g::text,
		'', i.id, 't', g, 1, now(), now(), now() FROM generate_series(1, ?) g JOIN incidents i ON i.group_key = g::text`, planRows)
	run(t, db, `INSERT INTO alert_history (alert_id, id, tenant_id, incident_id, event, old_status, new_status, details, created_at)
		SELECT a.id, gen_random_uuid(), 'a', a.incident_id, 'created', '', 'firing', '{}', now() FROM alerts a`)
	run(t, db, `INSERT INTO incident_events (incident_id, seq, tenant_id, kind, details, created_at)
		SELECT id, 1, 'a', 'opened', jsonb_build_object('source', 's', 'fingerprint', group_key), now() FROM incidents`)
	run(t, db, "ANALYZE")
	var one struct{ ID, IncidentID id.ID }
	if err := db.Read(t.Context()).Raw("SELECT id, incident_id FROM alerts LIMIT 1").Scan(&one).Error; err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	page := storage.Paging{Before: one.ID}
	dbtest.NoScans(t, db, map[string]func() error{
		"alerts":        func() error { _, err := r.Alerts(ctx, "a", alerts.AlertFilter{}, page); return err },
		"firing alerts": func() error { _, err := r.Alerts(ctx, "a", alerts.AlertFilter{Status: "firing"}, page); return err },
		"of an incident": func() error {
			_, err := r.Alerts(ctx, "a", alerts.AlertFilter{Incident: one.IncidentID}, page)
			return err
		},
		"by key": func() error {
			_, err := r.Alerts(ctx, "a", alerts.AlertFilter{Source: "s", Fingerprint: "7"}, page)
			return err
		},
		"alert":     func() error { _, err := r.Alert(ctx, "a", one.ID); return err },
		"incidents": func() error { _, err := r.Incidents(ctx, "a", alerts.IncidentFilter{}, page); return err },
		"active incidents": func() error {
			_, err := r.Incidents(ctx, "a", alerts.IncidentFilter{Statuses: []string{"active"}}, page)
			return err
		},
		"incident": func() error { _, err := r.Incident(ctx, "a", one.IncidentID); return err },
		"timeline": func() error { _, err := r.Timeline(ctx, "a", one.IncidentID); return err },
	})
}
