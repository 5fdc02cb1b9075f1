package retention

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestStatementsUseAKey fills the tables and asks both engines how they run each statement: none reads a whole table.
func TestStatementsUseAKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		fill(t, db, 10_000)
		s, err := New(Config{DB: db, Log: slog.New(slog.DiscardHandler), Books: noBooks{}, Tenant: "a"})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().Add(time.Hour)
		p := &pass{s: s, lim: limits{old: now, dead: now, bodies: now, snapshots: now, checks: now}}
		var some []id.ID
		if err := db.Read(t.Context()).Raw("SELECT id FROM receipts ORDER BY id LIMIT 50 OFFSET 1000").Scan(&some).Error; err != nil {
			t.Fatal(err)
		}
		args := p.args(some)
		args["after"], args["bound"], args["most"] = some[0][:], before(now), 50
		args["from"], args["to"], args["incident"] = 0, 10, some[0]
		asked := 0
		ask := func(name, sql string) {
			asked++
			plan := explain(t, db, sql, args)
			for line := range strings.SplitSeq(plan, "\n") {
				if strings.Contains(line, "Seq Scan") || strings.Contains(line, "hashed") || strings.HasPrefix(line, "SCAN ") && line != "SCAN c" { // c: rows that were counted
					t.Errorf("%s reads a whole table (%s):\n%s\n%s", name, line, sql, plan)
				}
			}
		}
		for _, sw := range sweeps {
			for _, dry := range []bool{false, true} {
				ask(sw.name+" page", sw.pageSQL(dry))
			}
			ask(sw.name+" lock", sw.lockSQL(db.Engine()))
		}
		ask("oldest push", oldestPush)
		ask("deliveries of runs lock", told.lockSQL(db.Engine()))
		list := append([]removal{removeBodies, removeReceipts, removeObservations, removeHistory, removeEvents, removeVectors, removeAnalyses, {"incident_events", removeSomeEvents}}, removeSnapshots...)
		for _, more := range [][]removal{ofRuns, ofDeliveries, ofMessages, ofAlerts} {
			list = append(list, more...)
		}
		for _, r := range list {
			ask("removal from "+r.table, r.sql)
		}
		if asked < 3*len(sweeps)+len(list) {
			t.Errorf("only %d statements were asked about", asked)
		}
	})
}

type noBooks struct{ Books }

func explain(t *testing.T, db *storage.DB, sql string, args map[string]any) string {
	t.Helper()
	verb := "EXPLAIN "
	if db.Engine() == storage.SQLite {
		verb = "EXPLAIN QUERY PLAN "
	}
	rows, err := db.Read(t.Context()).Raw(verb+sql, args).Rows()
	if err != nil {
		t.Fatalf("explain %s: %v", sql, err)
	}
	return dbtest.ReadPlan(t, rows)
}

// fill writes n rows into every table; rows of the same number belong together.
func fill(t *testing.T, db *storage.DB, n int) {
	t.Helper()
	key, series, text := "unhex(printf('0199%028x', g))", fmt.Sprintf("WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < %d)", n), "CAST(g AS TEXT)"
	if db.Engine() == storage.Postgres {
		key, series, text = "('0199' || lpad(to_hex(g), 28, '0'))::uuid", fmt.Sprintf("WITH s AS (SELECT generate_series(1, %d) AS g)", n), "g::text"
	}
	at := time.Now().Add(-time.Hour)
	for table, columns := range map[string]string{
		"receipts":         "id K, tenant_id 'a', source_id K, driver 'd', trace_id 't', origin 'o', outcome 'queued', n 1, received_at ?, folded_at ?",
		"receipt_bodies":   "receipt_id K, tenant_id 'a', encoding 0, body 'x'",
		"observations":     "receipt_id K, idx 0, tenant_id 'a', source_id K, source 's', fingerprint 'f', name 'n', status 'firing', severity '', passive false, group_key '', vendor_group_key '', description '', labels '{}', annotations '{}'",
		"ledger":           "receipt_id K, idx 0, definition_id K, tenant_id 'a', run_id K, incident_id K, alert_id K, state CASE WHEN g % 50 = 0 THEN 'dead' ELSE 'delivered' END, trace '[]', created_at ?, settled_at ?",
		"runs":             "id K, tenant_id 'a', trace_id 't', definition_id K, definition_name 'd', definition_version 1, receipt_id K, incident_id K, state 'succeeded', status 's', source 's', environment 'e', origin 'o', created_at ?, updated_at ?, finished_at ?",
		"node_runs":        "run_id K, node 'n', tenant_id 'a', type 't', state 's', attempt 1, input '{}', output '{}'",
		"node_attempts":    "run_id K, node 'n', attempt 1, tenant_id 'a', state 's', input '{}', started_at ?",
		"deliveries":       "id K, tenant_id 'a', idem_key TEXT, incident_id K, run_id K, event_seq 1, step 0, channel_id K, kind 'firing', severity 'info', message_id K, state 'delivered', trace_id 't', created_at ?, expires_at ?, finished_at ?",
		"delivery_routes":  "run_id K, delivery_id K, tenant_id 'a', definition_id K, node 'n'",
		"messages":         "id K, tenant_id 'a', channel_id K, driver 'd', idem_key TEXT, incident_id K, severity 'info', title 't', encoding 0, body 'x', created_at ?",
		"message_attempts": "message_id K, n 1, tenant_id 'a', at ?, status 200, latency_us 1, verdict 'done'",
		"alerts":           "id K, tenant_id 'a', source 's', fingerprint TEXT, name 'n', severity 'info', status 'resolved', description '', labels '{}', annotations '{}', group_key '', vendor_group_key '', incident_id K, receipt_id K, trace_id 't', last_seq 1, occurrences 1, started_at ?, received_at ?, updated_at ?",
		"alert_history":    "alert_id K, id K, tenant_id 'a', incident_id K, receipt_id K, event 'created', old_status '', new_status 'firing', details '{}', created_at ?",
		"incidents":        "id K, tenant_id 'a', group_key TEXT, title 't', description '', status 'resolved', severity 'info', event_seq 1, trace_id 't', created_at ?, updated_at ?",
		"changes":          "id K, tenant_id 'a', title 't', kind 'deploy', at ?, created_at ?",
		"preflight_runs":   "id K, tenant_id 'a', instance_id 'i', passed 1, warnings 0, errors 0, overall_status 'ok', triggered_by 't', checks '[]', created_at ?",
		"check_runs":       "id K, tenant_id 'a', checker_name 'cpu', hostname 'h', status 'ok', message 'm', origin 'api', duration_ms 1, executed_at ?",
		"analyses":         "id K, tenant_id 'a', run_id K, incident_id K, provider 'local', status 'succeeded', created_at ?",
		"incident_vectors": "incident_id K, tenant_id 'a', event_seq 1, vector 'x', made_at ?",
		"incident_events":  "incident_id K, seq 1, tenant_id 'a', kind 'opened', details '{}', created_at ?",
		"jobs":             "kind CASE WHEN g % 2 = 0 THEN 'fold' ELSE 'node' END, ref K, tenant_id 'a', queue 'q', due_at ?, created_at ?",
	} {
		var names, values []string
		var args []any
		for c := range strings.SplitSeq(columns, ", ") {
			name, value, _ := strings.Cut(c, " ")
			switch value {
			case "K":
				value = key
			case "TEXT":
				value = text
			case "?":
				args = append(args, at)
			}
			names, values = append(names, name), append(values, value)
		}
		sql := fmt.Sprintf("INSERT INTO %s (%s) %s SELECT %s FROM s", table, strings.Join(names, ", "), series, strings.Join(values, ", "))
		if err := db.From(context.WithoutCancel(t.Context())).Exec(sql, args...).Error; err != nil {
			t.Fatalf("fill %s: %v", table, err)
		}
	}
	if err := db.From(t.Context()).Exec("ANALYZE").Error; err != nil {
		t.Fatal(err)
	}
}
