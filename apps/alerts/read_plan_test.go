package alerts_test

import (
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// planRows fill a table enough for the planner to tell a scan from an index.
const planRows = 20_000

// TestListsUseAnIndex fills the tables and asks Postgres, with its usual settings, how it runs what the reader runs.
func TestListsUseAnIndex(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *alerts.Reader) {
		if db.Engine() != storage.Postgres {
			t.Skip("plans are those of Postgres")
		}
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
		statements := record(t, db)
		ctx := t.Context()
		page := storage.Paging{Before: one.ID}
		for name, call := range map[string]func() error{
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
		} {
			*statements = nil
			if err := call(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(*statements) == 0 {
				t.Fatalf("%s ran no statement", name)
			}
			for _, s := range slices.Clone(*statements) {
				if plan := explain(t, db, s); strings.Contains(plan, "Seq Scan") {
					t.Errorf("%s reads the whole table:\n%s\n%s", name, s.sql, plan)
				}
			}
		}
	})
}

type statement struct {
	sql  string
	vars []any
}

// record collects the queries that run from now on.
func record(t *testing.T, db *storage.DB) *[]statement {
	t.Helper()
	var statements []statement
	conn := db.Read(t.Context())
	add := func(tx *gorm.DB) {
		statements = append(statements, statement{tx.Statement.SQL.String(), tx.Statement.Vars})
	}
	for _, err := range []error{
		conn.Callback().Query().After("gorm:query").Register("record", add),
		conn.Callback().Row().After("gorm:row").Register("record", add),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return &statements
}

// explain asks for the plan by the pool itself: gorm would count the placeholders anew.
func explain(t *testing.T, db *storage.DB, s statement) string {
	t.Helper()
	rows, err := db.Read(t.Context()).Statement.ConnPool.QueryContext(t.Context(), "EXPLAIN "+s.sql, s.vars...)
	if err != nil {
		t.Fatalf("explain %s: %v", s.sql, err)
	}
	defer func() { _ = rows.Close() }()
	var plan []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}
