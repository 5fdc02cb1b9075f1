package server_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/apps/alerts"
	notices "github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestListsOfTheFew: what is asked for at night (what fires, failed, died, was refused) is found without walking through the many.
func TestListsOfTheFew(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		now := db.Now()
		in := func(sql string, args ...any) {
			if err := db.From(t.Context()).Exec(sql, args...).Error; err != nil {
				t.Fatal(err)
			}
		}
		for n := range 1500 {
			status, state, run, outcome := "resolved", "delivered", "succeeded", "queued"
			if n%300 == 0 {
				status, state, run, outcome = "firing", "dead", "failed", "rejected"
			}
			i := id.New()
			in(`INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key,
				vendor_group_key, trace_id, last_seq, occurrences, started_at, received_at, updated_at)
				VALUES (?, 'a', 's', ?, 'n', 'info', ?, '', '{}', '{}', 'g', '', 't', 1, 1, ?, ?, ?)`, i, i.String(), status, now, now, now)
			in(`INSERT INTO deliveries (id, tenant_id, idem_key, event_seq, step, channel_id, kind, severity, state, trace_id, created_at, expires_at)
				VALUES (?, 'a', ?, 1, 0, ?, 'firing', 'info', ?, 't', ?, ?)`, i, i.String(), i, state, now, now)
			in(`INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, state, status, source, environment,
				origin, created_at, updated_at) VALUES (?, 'a', 't', ?, 'd', 1, ?, 'notified', 's', 'production', 'o', ?, ?)`, i, i, run, now, now)
			in(`INSERT INTO receipts (id, tenant_id, source_id, driver, trace_id, origin, outcome, n, received_at)
				VALUES (?, 'a', ?, 'd', 't', 'o', ?, 1, ?)`, i, i, outcome, now)
		}
		if db.Engine() == storage.Postgres {
			in("ANALYZE")
		}
		a, flow, told := must(alerts.NewReader(db))(t), must(orchestration.NewReader(db))(t), must(notices.NewReader(db))(t)
		ctx, page := t.Context(), storage.Paging{}
		five := func(n int, err error) error {
			if n != 5 && err == nil {
				t.Errorf("%d rows, want 5", n)
			}
			return err
		}
		dbtest.Uses(t, db, map[string]func() error{
			"alerts_firing": func() error {
				got, err := a.Alerts(ctx, "a", alerts.AlertFilter{Status: "firing"}, page)
				return five(len(got.Items), err)
			},
			"deliveries_dead": func() error {
				got, err := told.Deliveries(ctx, "a", notices.DeliveryFilter{States: []string{"dead"}}, page)
				return five(len(got.Items), err)
			},
			"runs_failed": func() error {
				got, err := flow.Runs(ctx, "a", orchestration.RunFilter{State: "failed"}, page)
				return five(len(got.Items), err)
			},
			"receipts_odd": func() error {
				got, err := flow.Receipts(ctx, "a", orchestration.ReceiptFilter{Outcome: "rejected"}, page)
				return five(len(got.Items), err)
			},
		})
	})
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
