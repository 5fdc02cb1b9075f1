package orchestration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

var readNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// onEngines runs a test on a fresh database of each engine.
func onEngines(t *testing.T, fn func(t *testing.T, db *storage.DB, r *orchestration.Reader)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) { fn(t, db, reader(t, db)) })
}

func reader(t *testing.T, db *storage.DB) *orchestration.Reader {
	t.Helper()
	r, err := orchestration.NewReader(db)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func exec(t *testing.T, db *storage.DB, sql string, args ...any) {
	t.Helper()
	if err := db.From(t.Context()).Exec(sql, args...).Error; err != nil {
		t.Fatal(err)
	}
}

// nilKey is the nil UUID as a column that is part of a key holds it.
var nilKey = make([]byte, 16)

func addReceipt(t *testing.T, db *storage.DB, tenant, driver string, body []byte, encoding int) id.ID {
	t.Helper()
	key := id.New()
	exec(t, db, `INSERT INTO receipts (id, tenant_id, source_id, driver, trace_id, origin, outcome, n, headers, received_at)
		VALUES (?, ?, ?, ?, 'trace', 'incoming_webhook', 'queued', 2, ?, ?)`,
		key, tenant, id.New(), driver, storage.Doc(map[string]string{"User-Agent": "x"}), readNow)
	if body != nil {
		exec(t, db, "INSERT INTO receipt_bodies (receipt_id, tenant_id, encoding, body) VALUES (?, ?, ?, ?)", key, tenant, encoding, body)
	}
	return key
}

func addObservation(t *testing.T, db *storage.DB, tenant string, receipt id.ID, idx int, name string) {
	t.Helper()
	exec(t, db, `INSERT INTO observations (receipt_id, idx, tenant_id, source_id, source, fingerprint, name, status, severity, passive, group_key,
		vendor_group_key, description, labels, annotations) VALUES (?, ?, ?, ?, 'grafana', 'f', ?, 'firing', '', false, 'g', '', '', ?, ?)`,
		receipt, idx, tenant, id.New(), name, storage.Doc(map[string]string{"i": name}), storage.Doc(map[string]string{}))
}

func addRun(t *testing.T, db *storage.DB, tenant string, receipt, parent, incident id.ID, state string) id.ID {
	t.Helper()
	key := id.New()
	var finished any
	if state == "failed" {
		finished = readNow.Add(1500 * time.Millisecond)
	}
	exec(t, db, `INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, receipt_id, parent_run_id, incident_id,
		state, status, source, environment, origin, error_type, error_message, error_retryable, created_at, updated_at, finished_at)
		VALUES (?, ?, 'trace', ?, 'direct', 2, ?, ?, ?, ?, 'pending', 'grafana', 'production', 'incoming_webhook', ?, ?, true, ?, ?, ?)`,
		key, tenant, definition, receipt, parent, incident, state, map[bool]string{true: "timeout"}[state == "failed"],
		map[bool]string{true: "took too long"}[state == "failed"], readNow, readNow, finished)
	return key
}

var definition = id.New()

func addLedger(t *testing.T, db *storage.DB, tenant string, receipt id.ID, idx int, definition any, run id.ID, state, reason string) {
	t.Helper()
	exec(t, db, `INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, run_id, state, reason, trace, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, receipt, idx, definition, tenant, run, state, reason, storage.Doc(map[string]int{"n": idx}), readNow)
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *orchestration.Reader) {
		body := []byte(`{"alerts":[` + strings.Repeat(`{"a":1},`, 20_000) + `{}]}`)
		one := addReceipt(t, db, "a", "grafana", s2.Encode(nil, body), 1)
		two := addReceipt(t, db, "a", "zabbix", []byte("{\xff}"), 0)
		addReceipt(t, db, "b", "grafana", nil, 0)
		addObservation(t, db, "a", one, 0, "first")
		addObservation(t, db, "a", one, 1, "second")
		run := addRun(t, db, "a", one, id.ID{}, id.ID{}, "running")
		addLedger(t, db, "a", one, 0, definition, run, "pending", "")
		addLedger(t, db, "a", one, 1, nilKey, id.ID{}, "no_route", "")

		page, err := r.Receipts(t.Context(), "a", orchestration.ReceiptFilter{}, storage.Paging{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) != 1 || page.Items[0].ID != two || page.NextCursor != two.String() {
			t.Errorf("first page %+v, want the newest receipt of the tenant and a cursor", page)
		}
		page, err = r.Receipts(t.Context(), "a", orchestration.ReceiptFilter{Driver: "grafana", Outcome: "queued"}, storage.Paging{})
		if err != nil || len(page.Items) != 1 || page.Items[0].ID != one {
			t.Errorf("by driver: %+v, %v", page, err)
		}

		got, err := r.Receipt(t.Context(), "a", one)
		if err != nil {
			t.Fatal(err)
		}
		if got.Headers["User-Agent"] != "x" || got.Result != nil || got.FoldedAt != nil {
			t.Errorf("receipt %+v", got.Receipt)
		}
		if !got.BodyTruncated || got.BodySize != int64(len(body)) || got.Body != string(body[:orchestration.BodyPreview]) {
			t.Errorf("body of %d bytes, truncated %t, preview of %d", got.BodySize, got.BodyTruncated, len(got.Body))
		}
		var outcomes []string
		for _, o := range got.Items {
			for _, l := range o.Outcomes {
				outcomes = append(outcomes, o.Name+" "+l.State)
				if (l.DefinitionID == nil) != (l.State == "no_route") {
					t.Errorf("%s: definition %v", l.State, l.DefinitionID)
				}
			}
		}
		if diff := cmp.Diff([]string{"first pending", "second no_route"}, outcomes); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		if len(got.Runs) != 1 || got.Runs[0].ID != run {
			t.Errorf("runs %+v", got.Runs)
		}
		raw, err := r.Body(t.Context(), "a", one)
		if err != nil || !bytes.Equal(raw, body) {
			t.Errorf("body of %d bytes, %v; want %d", len(raw), err, len(body))
		}
		if got, err := r.Receipt(t.Context(), "a", two); err != nil || got.Body != "{\uFFFD}" || got.BodyTruncated {
			t.Errorf("broken UTF-8: %q, %v", got.Body, err)
		}
		for name, miss := range map[string]func() error{
			"other tenant":      func() error { _, err := r.Receipt(t.Context(), "b", one); return err },
			"other tenant body": func() error { _, err := r.Body(t.Context(), "b", one); return err },
			"unknown":           func() error { _, err := r.Receipt(t.Context(), "a", id.New()); return err },
			"unknown run":       func() error { _, err := r.Run(t.Context(), "a", id.New()); return err },
			"other tenant run":  func() error { _, err := r.Run(t.Context(), "b", run); return err },
		} {
			if err := miss(); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
	})
}

func TestPrunedAndDamagedBodies(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *orchestration.Reader) {
		pruned := addReceipt(t, db, "a", "grafana", nil, 0)
		if got, err := r.Receipt(t.Context(), "a", pruned); err != nil || got.BodySize != 0 {
			t.Errorf("without a body: %+v, %v", got, err)
		}
		bomb := append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, 1, 2, 3) // says that it unpacks to 4 GiB
		for name, d := range map[string]struct {
			body     []byte
			encoding int
		}{"cut": {s2.Encode(nil, bytes.Repeat([]byte("x"), 1000))[:8], 1}, "bomb": {bomb, 1}, "encoding": {[]byte("x"), 7}} {
			damaged := addReceipt(t, db, "a", "grafana", d.body, d.encoding)
			if _, err := r.Body(t.Context(), "a", damaged); !errors.Is(err, pack.ErrDamaged) {
				t.Errorf("%s: %v, want ErrDamaged", name, err)
			}
		}
	})
}

func TestRuns(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *orchestration.Reader) {
		receipt, incident, delivery := addReceipt(t, db, "a", "grafana", nil, 0), id.New(), id.New()
		run := addRun(t, db, "a", receipt, id.ID{}, incident, "failed")
		child := addRun(t, db, "a", receipt, run, id.ID{}, "running")
		addLedger(t, db, "a", receipt, 0, definition, run, "dead", "run_failed")
		addLedger(t, db, "a", receipt, 1, definition, child, "pending", "")
		exec(t, db, "INSERT INTO definition_versions (definition_id, version, tenant_id, config, created_at) VALUES (?, 2, 'a', ?, ?)",
			definition, storage.Doc(json.RawMessage(`{"version":"1.0","nodes":[{"id":"in","type":"ingest","next":"out"},{"id":"out","type":"notify","config":{"channels":["*"]}}]}`)), readNow)
		for i, n := range []struct {
			node    string
			started any
		}{{"z_first", readNow}, {"b_second", readNow.Add(time.Second)}, {"a_later", nil}} {
			exec(t, db, `INSERT INTO node_runs (run_id, node, tenant_id, type, state, attempt, output, started_at, finished_at)
				VALUES (?, ?, 'a', 'notify', 'x', ?, ?, ?, ?)`, run, n.node, i, storage.Doc(map[string]json.Number{"n": "12345678901234567890"}),
				n.started, n.started)
		}
		for n := range 2 {
			exec(t, db, `INSERT INTO node_attempts (run_id, node, attempt, tenant_id, state, input, error, started_at, duration_us)
				VALUES (?, 'b_second', ?, 'a', 'failed', ?, 'refused', ?, 2500)`, run, n+1, storage.Doc(map[string]int{"try": n + 1}), readNow)
		}
		exec(t, db, "INSERT INTO delivery_routes (run_id, delivery_id, tenant_id, definition_id, node) VALUES (?, ?, 'a', ?, 'b_second')",
			run, delivery, definition)

		got, err := r.Run(t.Context(), "a", run)
		if err != nil {
			t.Fatal(err)
		}
		want := &orchestration.RunError{Type: "timeout", Message: "took too long", Retryable: true}
		if diff := cmp.Diff(want, got.LastError); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		if got.TotalDurationMS == nil || *got.TotalDurationMS != 1500 {
			t.Errorf("duration %v, want 1500", got.TotalDurationMS)
		}
		var order []string
		for _, n := range got.Nodes {
			order = append(order, n.Node)
		}
		if diff := cmp.Diff([]string{"z_first", "b_second", "a_later"}, order); diff != "" {
			t.Fatalf("nodes (-want +got):\n%s", diff)
		}
		second := got.Nodes[1]
		if len(second.Attempts) != 2 || second.Attempts[1].Attempt != 2 || second.Attempts[0].DurationMS != 2.5 ||
			!second.Attempts[0].CompletedAt.Equal(readNow.Add(2500*time.Microsecond)) || second.Attempts[0].Output != nil {
			t.Errorf("attempts %+v", second.Attempts)
		}
		if !bytes.Contains(second.Output, []byte("12345678901234567890")) {
			t.Errorf("output %s lost a digit", second.Output)
		}
		if !json.Valid(got.Config) || got.Config == nil {
			t.Errorf("config %q", got.Config)
		}
		if got.Graph == nil || len(got.Graph.Nodes) != 2 || len(got.Graph.Edges) != 1 {
			t.Errorf("picture %+v", got.Graph)
		}
		if len(got.Deliveries) != 1 || got.Deliveries[0].DeliveryID != delivery || !slices.Equal(got.Children, []id.ID{child}) {
			t.Errorf("deliveries %+v, children %v", got.Deliveries, got.Children)
		}
		for name, f := range map[string]orchestration.RunFilter{
			"incident": {Incident: incident}, "state": {State: "failed"}, "both": {Receipt: receipt, State: "failed", DefinitionName: "direct"},
		} {
			page, err := r.Runs(t.Context(), "a", f, storage.Paging{})
			if err != nil || len(page.Items) != 1 || page.Items[0].ID != run {
				t.Errorf("%s: %+v, %v", name, page.Items, err)
			}
		}
		if page, err := r.Runs(t.Context(), "b", orchestration.RunFilter{Receipt: receipt}, storage.Paging{}); err != nil || len(page.Items) != 0 {
			t.Errorf("another tenant sees %+v, %v", page.Items, err)
		}
	})
}
