package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// book fills a tenant's tables with an alert that fired n times: it was told once and is repeated since.
type book struct {
	alert, incident, definition, source, channel, run, delivery, message id.ID
	receipts                                                             []id.ID
}

func fill(t *testing.T, db *storage.DB, n int) book {
	t.Helper()
	b := book{
		alert: id.New(), incident: id.New(), definition: id.New(), source: id.New(), channel: id.New(), run: id.New(), delivery: id.New(), message: id.New(),
	}
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	exec(t, db, `INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key, vendor_group_key,
		incident_id, trace_id, last_seq, occurrences, started_at, received_at, updated_at)
		VALUES (?, 'a', 's', 'f', 'Disk', 'critical', 'firing', '', '{}', '{}', 'g', '', ?, 't', 1, ?, ?, ?, ?)`, b.alert, b.incident, n, at, at, at)
	exec(t, db, `INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, event_seq, trace_id, created_at, updated_at)
		VALUES (?, 'a', 'g', 'Disk', '', 'open', 'critical', 1, 't', ?, ?)`, b.incident, at, at)
	exec(t, db, `INSERT INTO sources (id, tenant_id, name, created_at, updated_at) VALUES (?, 'a', 'prod', ?, ?)`, b.source, at, at)
	exec(t, db, `INSERT INTO channels (id, tenant_id, name, driver, created_at, updated_at) VALUES (?, 'a', 'ops', 'generic', ?, ?)`, b.channel, at, at)
	exec(t, db, `INSERT INTO incident_events (incident_id, seq, tenant_id, kind, details, trace_id, created_at) VALUES (?, 1, 'a', 'opened', '{}', 't', ?)`, b.incident, at)
	exec(t, db, `INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, receipt_id, incident_id, state, status, source,
		environment, origin, created_at, updated_at, finished_at) VALUES (?, 'a', 't', ?, 'page', 3, ?, ?, 'succeeded', 'notified', 's', 'p', 'o', ?, ?, ?)`,
		b.run, b.definition, b.receipt(), b.incident, at, at, at)
	for i := range n {
		r, when := id.New(), at.Add(time.Duration(i)*time.Minute)
		b.receipts = append(b.receipts, r)
		state, reason, run := "suppressed", "duplicate", id.ID{}
		trace := `[{"what":"route","name":"page","result":"match"},{"what":"fold","result":"updated","values":{"material":false}}]`
		if i == 0 {
			state, reason, run = "delivered", "", b.run
			exec(t, db, "UPDATE runs SET receipt_id = ? WHERE id = ?", r, b.run)
		}
		exec(t, db, `INSERT INTO receipts (id, tenant_id, source_id, driver, trace_id, origin, outcome, n, received_at, folded_at)
			VALUES (?, 'a', ?, 'generic', 't', 'o', 'queued', 1, ?, ?)`, r, b.source, when, when.Add(time.Second))
		exec(t, db, `INSERT INTO observations (receipt_id, idx, tenant_id, source_id, source, fingerprint, name, status, severity, passive, group_key,
			vendor_group_key, description, labels, annotations) VALUES (?, 0, 'a', ?, 's', 'f', 'Disk', 'firing', '', false, '', '', '', '{}', '{}')`, r, b.source)
		exec(t, db, `INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, run_id, incident_id, alert_id, state, reason, trace, created_at, settled_at)
			VALUES (?, 0, ?, 'a', ?, ?, ?, ?, ?, ?, ?, ?)`, r, b.definition, run, b.incident, b.alert, state, reason, trace, when, when.Add(2*time.Second))
		exec(t, db, `INSERT INTO alert_history (alert_id, id, tenant_id, incident_id, receipt_id, idx, event, old_status, new_status, details, created_at)
			VALUES (?, ?, 'a', ?, ?, 0, 'updated', 'firing', 'firing', '{}', ?)`, b.alert, id.New(), b.incident, r, when)
	}
	told := at.Add(11 * time.Second)
	exec(t, db, `INSERT INTO deliveries (id, tenant_id, idem_key, incident_id, run_id, definition_id, node, event_seq, step, channel_id, kind, severity, message_id,
		state, attempts, trace_id, created_at, expires_at, finished_at)
		VALUES (?, 'a', 'k', ?, ?, ?, 'n', 1, 0, ?, 'firing', 'critical', ?, 'delivered', 2, 't', ?, ?, ?)`,
		b.delivery, b.incident, b.run, b.definition, b.channel, b.message, at, at.Add(time.Hour), told)
	exec(t, db, `INSERT INTO messages (id, tenant_id, channel_id, driver, idem_key, incident_id, severity, title, encoding, body, created_at)
		VALUES (?, 'a', ?, 'generic', 'k', ?, 'critical', 'Disk full', 0, '{}', ?)`, b.message, b.channel, b.incident, at)
	exec(t, db, `INSERT INTO message_attempts (message_id, n, tenant_id, at, status, latency_us, verdict, error) VALUES
		(?, 1, 'a', ?, 0, 10000000, 'retry', 'no answer within 10 s'), (?, 2, 'a', ?, 200, 1500, 'done', '')`, b.message, at, b.message, told)
	return b
}

// receipt stands for the first receipt until there is one.
func (b book) receipt() id.ID { return b.run }

func TestWhyIsBounded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *ledger.Reader) {
		b := fill(t, db, ledger.WhyReceipts+5)
		for kind, about := range map[string]id.ID{
			"alert": b.alert, "incident": b.incident, "run": b.run, "receipt": b.receipts[0], "delivery": b.delivery,
		} {
			got, err := r.Why(t.Context(), "a", about)
			if err != nil {
				t.Fatal(kind, err)
			}
			if got.Subject.Kind != kind || got.Subject.ID != about.String() || got.Subject.Title == "" {
				t.Errorf("%s: subject %+v", kind, got.Subject)
			}
			want := "Channel ops was told of the firing at 2026-03-01 10:00:11Z, at try 2"
			if kind == "alert" {
				want = "Nobody was told: the alert repeats a firing that channel ops was told of at 2026-03-01 10:00:11Z"
			}
			if got.Verdict != want {
				t.Errorf("%s: %s", kind, got.Verdict)
			}
			receipts := 0
			for _, s := range got.Steps {
				if s.What == "receipt" {
					receipts++
				}
			}
			covered := map[string]int{"alert": ledger.WhyReceipts, "incident": ledger.WhyReceipts + 1, "run": 1, "receipt": 1, "delivery": 1}[kind] // an incident: also of its runs
			if receipts != covered {
				t.Errorf("%s: %d receipts, want %d", kind, receipts, covered)
			}
			said := strings.Contains(strings.Join(got.Left, " "), "Only the newest 50 receipts")
			if many := kind == "alert" || kind == "incident"; said != many {
				t.Errorf("%s: left out %q", kind, got.Left)
			}
			if _, err := r.Why(t.Context(), "b", about); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s of another tenant: %v", kind, err)
			}
		}
		if got, err := r.Why(t.Context(), "a", b.message); err != nil || got.Subject.Kind != "delivery" || got.Subject.ID != b.delivery.String() {
			t.Errorf("a message: %+v %v", got.Subject, err)
		}
	})
}

// TestWhyOfRemains: a trace that this release cannot read, and rows that others pruned, cost no answer.
func TestWhyOfRemains(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *ledger.Reader) {
		b := fill(t, db, 2)
		exec(t, db, `UPDATE ledger SET trace = '{"of":"later"}'`)
		for _, table := range []string{"runs", "observations", "sources", "channels", "deliveries", "messages", "receipts"} {
			exec(t, db, "DELETE FROM "+table)
			got, err := r.Why(t.Context(), "a", b.alert)
			if err != nil || got.Verdict == "" {
				t.Fatalf("without %s: %+v %v", table, got, err)
			}
		}
		got, err := r.Why(t.Context(), "a", b.alert)
		if err != nil || got.Verdict != "Nobody was told: it repeats what was told before" {
			t.Errorf("%q %v", got.Verdict, err)
		}
		exec(t, db, "DELETE FROM alert_history")
		exec(t, db, "DELETE FROM ledger")
		if got, err = r.Why(t.Context(), "a", b.alert); err != nil || !strings.Contains(got.Verdict, "no longer has") {
			t.Errorf("%q %v", got.Verdict, err)
		}
	})
}

func TestWhyUsesIndexes(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.Postgres)
	r, err := ledger.NewReader(db)
	if err != nil {
		t.Fatal(err)
	}
	b := fill(t, db, 60)
	const rows = 20_000
	for _, sql := range []string{
		`INSERT INTO receipts (id, tenant_id, source_id, driver, trace_id, origin, outcome, n, received_at)
			SELECT gen_random_uuid(), 'a', gen_random_uuid(), 'grafana', 't', 'o', 'queued', 1, now() FROM generate_series(1, @n)`,
		`INSERT INTO observations (receipt_id, idx, tenant_id, source_id, source, fingerprint, name, status, severity, passive, group_key, vendor_group_key,
			description, labels, annotations) SELECT id, 0, 'a', source_id, 's', 'f', 'n', 'firing', '', false, '', '', '', '{}', '{}' FROM receipts
			ON CONFLICT DO NOTHING`,
		`INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, receipt_id, incident_id, state, status, source,
			environment, origin, created_at, updated_at) SELECT gen_random_uuid(), 'a', 't', @definition, 'd', 1, id, gen_random_uuid(), 'succeeded',
			'notified', 's', 'production', 'o', now(), now() FROM receipts`,
		`INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, run_id, state, trace, created_at)
			SELECT receipt_id, 0, definition_id, 'a', id, 'delivered', '[]', now() FROM runs ON CONFLICT DO NOTHING`,
		`INSERT INTO node_runs (run_id, node, tenant_id, type, state, attempt) SELECT id, 'n', 'a', 't', 's', 1 FROM runs`,
		`INSERT INTO node_attempts (run_id, node, attempt, tenant_id, state, started_at) SELECT id, 'n', 1, 'a', 's', now() FROM runs`,
		`INSERT INTO delivery_routes (run_id, delivery_id, tenant_id, definition_id, node) SELECT id, gen_random_uuid(), 'a', definition_id, 'n' FROM runs`,
		`INSERT INTO deliveries (id, tenant_id, idem_key, incident_id, run_id, event_seq, step, channel_id, kind, severity, state, trace_id, created_at, expires_at)
			SELECT gen_random_uuid(), 'a', id, incident_id, id, 1, 0, id, 'firing', 'info', 'delivered', 't', now(), now() FROM runs`,
		`INSERT INTO messages (id, tenant_id, channel_id, driver, idem_key, severity, title, encoding, body, created_at)
			SELECT gen_random_uuid(), 'a', id, 'generic', id::text, 'info', '', 0, '{}', now() FROM runs`,
		`INSERT INTO message_attempts (message_id, n, tenant_id, at, status, latency_us, verdict) SELECT id, 1, 'a', now(), 200, 1, 'done' FROM messages
			ON CONFLICT DO NOTHING`,
		`INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key, vendor_group_key, incident_id,
			trace_id, last_seq, occurrences, started_at, received_at, updated_at) SELECT gen_random_uuid(), 'a', 's', id::text, 'n', 'info', 'firing', '', '{}',
			'{}', 'g', '', gen_random_uuid(), 't', 1, 1, now(), now(), now() FROM receipts`,
		`INSERT INTO alert_history (alert_id, id, tenant_id, receipt_id, event, old_status, new_status, details, created_at)
			SELECT id, gen_random_uuid(), 'a', gen_random_uuid(), 'created', '', 'firing', '{}', now() FROM alerts`,
		`INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, event_seq, trace_id, created_at, updated_at)
			SELECT incident_id, 'a', id::text, 'n', '', 'open', 'info', 1, 't', now(), now() FROM alerts WHERE incident_id <> @incident`,
		`INSERT INTO incident_events (incident_id, seq, tenant_id, kind, details, created_at) SELECT id, 2, 'a', 'note', '{}', now() FROM incidents`,
		`INSERT INTO definitions (id, tenant_id, name, config, created_at, updated_at)
			SELECT gen_random_uuid(), 'a', g::text, '{}', now(), now() FROM generate_series(1, 5000) g`,
		`INSERT INTO sources (id, tenant_id, name, created_at, updated_at) SELECT gen_random_uuid(), 'a', g::text, now(), now() FROM generate_series(1, 5000) g`,
		`INSERT INTO channels (id, tenant_id, name, driver, created_at, updated_at)
			SELECT gen_random_uuid(), 'a', g::text, 'generic', now(), now() FROM generate_series(1, 5000) g`,
		`INSERT INTO former_channels (channel_id, tenant_id, name, driver, deleted_at) SELECT gen_random_uuid(), 'a', name, driver, now() FROM channels`,
		`INSERT INTO channel_troubles (channel_id, tenant_id, since, last_at, tries, dead, error) SELECT id, 'a', now(), now(), 1, 0, '' FROM channels`,
		`INSERT INTO definition_versions (definition_id, version, tenant_id, config, created_at)
			SELECT gen_random_uuid(), 1, 'a', '{}', now() FROM generate_series(1, 2000)`,
	} {
		var args []any
		if strings.Contains(sql, "@") {
			args = []any{map[string]any{"n": rows, "incident": b.incident, "definition": b.definition}}
		}
		exec(t, db, sql, args...)
	}
	exec(t, db, "ANALYZE")
	asks := map[string]func() error{}
	for name, about := range map[string]id.ID{
		"alert": b.alert, "incident": b.incident, "run": b.run, "receipt": b.receipts[3], "delivery": b.delivery, "message": b.message,
	} {
		asks[name] = func() error { _, err := r.Why(t.Context(), "a", about); return err }
	}
	dbtest.NoScans(t, db, asks)
}
