package ledger

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

var rowKey = []s.Column{s.Col("receipt_id", s.UUID), s.Col("idx", s.Int), s.Col("definition_id", s.Key)}

var rowValues = []s.Column{
	s.Col("run_id", s.UUID), s.Col("incident_id", s.UUID), s.Col("alert_id", s.UUID), s.Col("state", s.Text), s.Col("reason", s.Text),
	s.Col("trace", s.Document), s.Col("settled_at", s.Time),
}

var (
	insertRow = s.Insert("ledger", append(append(rowKey[:3:3], rowValues...), s.Col("tenant_id", s.Text), s.Col("created_at", s.Time)), "")

	updateRow = s.Update("ledger", append(rowKey[:3:3], rowValues...),
		`run_id = v.run_id, incident_id = v.incident_id, alert_id = v.alert_id, state = v.state, reason = v.reason, trace = v.trace,
		settled_at = v.settled_at`,
		"t.receipt_id = v.receipt_id AND t.idx = v.idx AND t.definition_id = v.definition_id", "")

	// The state is compared in a way that no index serves: the rows are found by their receipt.
	settleRun = s.Update("ledger", []s.Column{s.Col("receipt_id", s.UUID), s.Col("run_id", s.UUID), s.Col("state", s.Text), s.Col("reason", s.Text), s.Col("settled_at", s.Time)},
		"state = v.state, reason = v.reason, settled_at = v.settled_at", "t.receipt_id = v.receipt_id AND t.run_id = v.run_id AND t.state || '' = 'pending'", "")
)

var reopenRun = s.Update("ledger", []s.Column{s.Col("receipt_id", s.UUID), s.Col("run_id", s.UUID)},
	"state = 'pending', reason = '', settled_at = NULL",
	"t.receipt_id = v.receipt_id AND t.run_id = v.run_id AND t.reason IN ('run_failed', 'canceled')", "")

var retryRun = s.Update("ledger", []s.Column{s.Col("receipt_id", s.UUID), s.Col("run_id", s.UUID)},
	"state = 'pending', reason = '', settled_at = NULL",
	"t.receipt_id = v.receipt_id AND t.run_id = v.run_id AND t.state || '' = 'dead'", "")

// Batch writes ledger rows within somebody else's transaction.
type Batch struct {
	tx                                           *s.Tx
	inserts, updates, settled, reopened, retried *s.Rows
}

// Begin starts a collection for tx.
func Begin(tx *s.Tx) *Batch {
	return &Batch{tx: tx, inserts: insertRow.Rows(), updates: updateRow.Rows(), settled: settleRun.Rows(), reopened: reopenRun.Rows(), retried: retryRun.Rows()}
}

// Open adds the row of an accepted observation.
func (b *Batch) Open(r *event.LedgerRow) {
	b.inserts.Add(append(b.values(r), r.Tenant, b.tx.Now())...)
}

// Update writes what the fold found out.
func (b *Batch) Update(r *event.LedgerRow) { b.updates.Add(b.values(r)...) }

// Settle gives the pending rows of a receipt's run their end.
func (b *Batch) Settle(receipt, run id.ID, state, reason string) {
	b.settled.Add(receipt, run, state, reason, b.tx.Now())
}

// Reopen takes back the end of rows whose run is resumed: those that ended without anybody being told.
func (b *Batch) Reopen(receipt, run id.ID) { b.reopened.Add(receipt, run) }

// Retry takes back the end of rows that are dead: a delivery of their run is tried again.
func (b *Batch) Retry(receipt, run id.ID) { b.retried.Add(receipt, run) }

// Write queues the statements.
func (b *Batch) Write() {
	b.tx.Exec(insertRow, b.inserts)
	b.tx.Exec(updateRow, b.updates)
	b.tx.Exec(reopenRun, b.reopened)
	b.tx.Exec(retryRun, b.retried)
	b.tx.Exec(settleRun, b.settled)
}

func (b *Batch) values(r *event.LedgerRow) []any {
	raw, err := json.Marshal(r.Trace)
	if err != nil { // decisions hold texts and numbers
		raw = []byte(`[]`)
	}
	var settled time.Time
	if r.State != event.StatePending {
		settled = b.tx.Now()
	}
	return []any{r.ReceiptID, r.Index, r.DefinitionID, r.RunID, r.IncidentID, r.AlertID, r.State, r.Reason, json.RawMessage(raw), settled}
}
