package orchestration_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestListsUseAnIndex fills the tables and asks Postgres, with its usual settings, how it runs what the reader runs.
func TestListsUseAnIndex(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.Postgres)
	r := reader(t, db)
	const rows = 20_000
	exec(t, db, `INSERT INTO receipts (id, tenant_id, source_id, driver, trace_id, origin, outcome, n, received_at)
		SELECT gen_random_uuid(), 'a', gen_random_uuid(), 'grafana', 't', 'o', 'queued', 1, now() FROM generate_series(1, ?)`, rows)
	exec(t, db, `INSERT INTO receipt_bodies (receipt_id, tenant_id, encoding, body) SELECT id, 'a', 0, '{}' FROM receipts`)
	exec(t, db, `INSERT INTO observations (receipt_id, idx, tenant_id, source_id, source, fingerprint, name, status, severity, passive, group_key,
		vendor_group_key, description, labels, annotations)
		SELECT id, 0, 'a', source_id, 's', 'f', 'n', 'firing', '', false, '', '', '', '{}', '{}' FROM receipts`)
	exec(t, db, `INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, receipt_id, incident_id, state, status,
		source, environment, origin, created_at, updated_at)
		SELECT gen_random_uuid(), 'a', 't', ?, 'd', 1, id, gen_random_uuid(), 'succeeded', 'notified', 's', 'production', 'o', now(), now() FROM receipts`, definition)
	exec(t, db, `INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, run_id, state, trace, created_at)
		SELECT receipt_id, 0, definition_id, 'a', id, 'delivered', '{}', now() FROM runs`)
	exec(t, db, `INSERT INTO node_runs (run_id, node, tenant_id, type, state, attempt) SELECT id, 'n', 'a', 't', 's', 1 FROM runs`)
	exec(t, db, `INSERT INTO node_attempts (run_id, node, attempt, tenant_id, state, started_at) SELECT id, 'n', 1, 'a', 's', now() FROM runs`)
	exec(t, db, `INSERT INTO delivery_routes (run_id, delivery_id, tenant_id, definition_id, node) SELECT id, gen_random_uuid(), 'a', definition_id, 'n' FROM runs`)
	exec(t, db, `INSERT INTO deliveries (id, tenant_id, idem_key, run_id, event_seq, step, channel_id, kind, severity, state, trace_id, created_at, expires_at)
		SELECT gen_random_uuid(), 'a', id, id, 1, 0, id, 'firing', 'info', 'delivered', 't', now(), now() FROM runs`)
	exec(t, db, `INSERT INTO definition_versions (definition_id, version, tenant_id, config, created_at)
		SELECT gen_random_uuid(), 1, 'a', '{}', now() FROM generate_series(1, 2000)`)
	exec(t, db, "ANALYZE")
	var one struct{ ID, ReceiptID, IncidentID id.ID }
	if err := db.Read(t.Context()).Raw("SELECT id, receipt_id, incident_id FROM runs LIMIT 1").Scan(&one).Error; err != nil {
		t.Fatal(err)
	}
	ctx, page := t.Context(), storage.Paging{Before: one.ID}
	dbtest.NoScans(t, db, map[string]func() error{
		"receipts": func() error { _, err := r.Receipts(ctx, "a", orchestration.ReceiptFilter{}, page); return err },
		"by driver": func() error {
			_, err := r.Receipts(ctx, "a", orchestration.ReceiptFilter{Driver: "grafana"}, page)
			return err
		},
		"receipt": func() error { _, err := r.Receipt(ctx, "a", one.ReceiptID); return err },
		"runs":    func() error { _, err := r.Runs(ctx, "a", orchestration.RunFilter{}, page); return err },
		"succeeded": func() error {
			_, err := r.Runs(ctx, "a", orchestration.RunFilter{State: "succeeded"}, page)
			return err
		},
		"of a receipt": func() error {
			_, err := r.Runs(ctx, "a", orchestration.RunFilter{Receipt: one.ReceiptID}, page)
			return err
		},
		"of an incident": func() error {
			_, err := r.Runs(ctx, "a", orchestration.RunFilter{Incident: one.IncidentID}, page)
			return err
		},
		"run": func() error { _, err := r.Run(ctx, "a", one.ID); return err },
	})
}
