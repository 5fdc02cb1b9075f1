package orchestration

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// LedgerBatch writes ledger rows in the caller's transaction; internal/server fits apps/ledger to it.
type LedgerBatch interface {
	Open(r *event.LedgerRow)
	Update(r *event.LedgerRow)
	Settle(receipt, run id.ID, state, reason string)
	Reopen(receipt, run id.ID)
	Retry(receipt, run id.ID)
	Write()
}

var (
	readGeneration = s.Lookup([]s.Column{s.Col("id", s.Int)}, `SELECT t.generation FROM config_generation t WHERE t.id = v.id`)

	findDelivery = s.Lookup([]s.Column{s.Col("tenant_id", s.Text), s.Col("source_id", s.UUID), s.Col("delivery_key", s.Text)}, `
		SELECT t.id, t.source_id, t.delivery_key, t.trace_id, t.outcome, t.reason FROM receipts t
		WHERE t.tenant_id = v.tenant_id AND t.source_id = v.source_id AND t.delivery_key = v.delivery_key`)

	// findRuns are the runs that a receipt was accepted with; the fold may have given their rows to runs of further incidents.
	findRuns = s.Lookup([]s.Column{s.Col("receipt_id", s.UUID)}, `
		SELECT DISTINCT t.receipt_id, COALESCE(r.parent_run_id, t.run_id) AS run_id
		FROM ledger t JOIN runs r ON r.id = t.run_id WHERE t.receipt_id = v.receipt_id AND r.origin <> 'shadow'`)

	insertReceipt = s.Insert("receipts", []s.Column{
		s.Col("id", s.UUID), s.Col("tenant_id", s.Text), s.Col("source_id", s.UUID), s.Col("driver", s.Text), s.Col("delivery_key", s.TextNull),
		s.Col("trace_id", s.Text), s.Col("origin", s.Text), s.Col("outcome", s.Text), s.Col("reason", s.Text), s.Col("n", s.Int),
		s.Col("truncated", s.Int), s.Col("headers", s.Document), s.Col("reprocess_of", s.UUID), s.Col("received_at", s.Time),
	}, "")

	insertBody = s.Insert("receipt_bodies", []s.Column{
		s.Col("receipt_id", s.UUID), s.Col("tenant_id", s.Text), s.Col("encoding", s.Int), s.Col("body", s.Bytes),
	}, "")

	insertObservation = s.Insert("observations", []s.Column{
		s.Col("receipt_id", s.UUID), s.Col("idx", s.Int), s.Col("tenant_id", s.Text), s.Col("source_id", s.UUID), s.Col("source", s.Text),
		s.Col("fingerprint", s.Text), s.Col("name", s.Text), s.Col("status", s.Text), s.Col("severity", s.Text), s.Col("passive", s.Bool),
		s.Col("group_key", s.Text), s.Col("vendor_group_key", s.Text), s.Col("description", s.Text), s.Col("labels", s.Document),
		s.Col("annotations", s.Document), s.Col("started_at", s.Time), s.Col("ended_at", s.Time), s.Col("rejected", s.Text),
	}, "RETURNING receipt_id, idx, seq")

	insertRun = s.Insert("runs", []s.Column{
		s.Col("id", s.UUID), s.Col("tenant_id", s.Text), s.Col("trace_id", s.Text), s.Col("definition_id", s.UUID), s.Col("definition_name", s.Text),
		s.Col("definition_version", s.Int), s.Col("receipt_id", s.UUID), s.Col("parent_run_id", s.UUID), s.Col("incident_id", s.UUID),
		s.Col("event_seq", s.Int), s.Col("event_kind", s.Text), s.Col("state", s.Text), s.Col("status", s.Text), s.Col("current_node", s.Text),
		s.Col("source", s.Text), s.Col("alert_fingerprint", s.Text), s.Col("environment", s.Text), s.Col("origin", s.Text),
		s.Col("created_at", s.Time), s.Col("updated_at", s.Time), s.Col("started_at", s.Time),
	}, "")
)

// applyAccepts stores a batch of pushes: one round trip, or two when a sender's delivery id asks for a look first.
func (i *Intake) applyAccepts(tx *s.Tx, items []*acceptance) error {
	generation := int64(0)
	one := readGeneration.Rows()
	one.Add(1)
	tx.Query(readGeneration, one, func(r s.Row) error { return r.Scan(&generation) })
	firsts, err := findFirsts(tx, items)
	if err != nil {
		return err
	}
	w := newAcceptRows(tx, i)
	seqs := map[obsKey]*event.Stored{}
	for _, a := range items {
		if a.existing = firsts[keyOf(a)]; a.existing != nil {
			continue
		}
		a.name()
		if a.push.DeliveryKey != "" {
			firsts[keyOf(a)] = a.answer()
		}
		w.add(a, seqs)
	}
	tx.Exec(insertReceipt, w.receipts)
	tx.Exec(insertBody, w.bodies)
	tx.Query(insertObservation, w.observations, func(r s.Row) error {
		var k obsKey
		var seq int64
		if err := r.Scan(&k.receipt, &k.index, &seq); err != nil {
			return fmt.Errorf("read an observation's number: %w", err)
		}
		seqs[k].Seq = seq
		return nil
	})
	tx.Exec(insertRun, w.runs)
	w.ledger.Write()
	w.jobs.Queue(tx)
	if err := tx.Flush(); err != nil {
		return err
	}
	for _, a := range items {
		if a.existing == nil && a.routes.generation != generation {
			return errStale // the batch is done again one by one, and whoever is outdated routes again
		}
	}
	return nil
}

type obsKey struct {
	receipt id.ID
	index   int
}

type deliveryKey struct {
	source id.ID
	key    string
}

func keyOf(a *acceptance) deliveryKey {
	if a.push.DeliveryKey == "" {
		return deliveryKey{}
	}
	return deliveryKey{a.push.Entry.ID, a.push.DeliveryKey}
}

// name gives the receipt its id here, in the transaction that stores it: ids are in the order of time, and whoever counts up to a point in
// time must not miss one that waited long for its turn.
func (a *acceptance) name() {
	i := a.push.Receipt
	if i.IsZero() {
		i = id.New()
	}
	a.item.receipt.ID = i
	for _, row := range a.item.rows {
		row.ReceiptID = i
	}
	if !a.item.job.Ref.IsZero() {
		a.item.job.Ref = i
	}
}

func (a *acceptance) answer() *Accepted {
	return &Accepted{ReceiptID: a.item.receipt.ID, TraceID: a.push.TraceID, Outcome: a.outcome, Reason: a.reason, Duplicate: true, RunIDs: a.runs()}
}

// findFirsts looks up the receipts of delivery ids that were seen before.
func findFirsts(tx *s.Tx, items []*acceptance) (map[deliveryKey]*Accepted, error) {
	firsts := map[deliveryKey]*Accepted{}
	rows := findDelivery.Rows()
	for _, a := range items {
		if a.push.DeliveryKey != "" {
			rows.Add(a.push.Tenant, a.push.Entry.ID, a.push.DeliveryKey)
		}
	}
	if rows.Len() == 0 {
		return firsts, nil
	}
	byID := map[id.ID]*Accepted{}
	runs := findRuns.Rows()
	tx.Query(findDelivery, rows, func(r s.Row) error {
		f := &Accepted{Duplicate: true, RunIDs: []id.ID{}}
		k := deliveryKey{}
		if err := r.Scan(&f.ReceiptID, &k.source, &k.key, &f.TraceID, &f.Outcome, &f.Reason); err != nil {
			return fmt.Errorf("read a receipt: %w", err)
		}
		if byID[f.ReceiptID] == nil {
			byID[f.ReceiptID] = f
			firsts[k] = f
			runs.Add(f.ReceiptID)
		}
		return nil
	})
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	tx.Query(findRuns, runs, func(r s.Row) error {
		var receipt, run id.ID
		if err := r.Scan(&receipt, &run); err != nil {
			return fmt.Errorf("read a run: %w", err)
		}
		f := byID[receipt]
		f.RunIDs = append(f.RunIDs, run)
		slices.SortFunc(f.RunIDs, compareID) // as they were made
		return nil
	})
	return firsts, nil
}

type acceptRows struct {
	receipts, bodies, observations, runs *s.Rows
	jobs                                 *queue.Writes
	ledger                               LedgerBatch
	tx                                   *s.Tx
}

func newAcceptRows(tx *s.Tx, i *Intake) *acceptRows {
	return &acceptRows{
		receipts: insertReceipt.Rows(), bodies: insertBody.Rows(), observations: insertObservation.Rows(), runs: insertRun.Rows(),
		jobs: queue.NewWrites(i.lease), ledger: i.ledger(tx), tx: tx,
	}
}

func (w *acceptRows) add(a *acceptance, seqs map[obsKey]*event.Stored) {
	p, r := a.push, a.item.receipt
	w.receipts.Add(r.ID, p.Tenant, p.Entry.ID, p.Driver, p.DeliveryKey, p.TraceID, p.Origin, a.outcome, a.reason, len(r.Observations),
		p.Parsed.Truncated, a.headers, p.ReprocessOf, a.at)
	w.bodies.Add(r.ID, p.Tenant, a.encoding, a.body)
	for n := range r.Observations {
		o := &r.Observations[n]
		seqs[obsKey{r.ID, o.Index}] = o
		w.observations.Add(r.ID, o.Index, p.Tenant, p.Entry.ID, o.Source, o.Fingerprint, o.Name, string(o.Status), string(o.Severity), o.Passive,
			o.GroupKey, o.VendorGroupKey, o.Description, doc.Texts(o.Labels), doc.Texts(o.Annotations), o.StartedAt, o.EndedAt, o.Rejected)
	}
	for _, run := range a.item.runs {
		w.runs.Add(run.id, p.Tenant, p.TraceID, run.route.ID, run.route.Name, run.route.Version, r.ID, id.ID{}, id.ID{}, 0, "", "pending", "pending", "",
			p.runSource(), "", environment(p.Environment), run.origin(p.Origin), a.at, a.at, time.Time{})
	}
	for _, row := range a.item.rows {
		w.ledger.Open(row)
	}
	if !a.item.job.Ref.IsZero() {
		w.jobs.Insert(w.tx, queue.New{Kind: JobFold, Ref: r.ID, Tenant: p.Tenant, Queue: QueueIngest, Token: a.item.job.Token})
	}
}

func (fr *foldRun) origin(of string) string {
	if fr.route.Shadow {
		return OriginShadow
	}
	return of
}

func (p *Push) runSource() string { return cmp.Or(p.Source, p.Entry.SourceName, p.Driver) }

func environment(e string) string {
	if e == "" {
		return "production"
	}
	return e
}
