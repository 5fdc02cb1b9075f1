// Package queue is the hub's one queue: the jobs table. A row's due_at is the time to start while it waits and the end of the
// lease while it is held, so claiming and rescuing are the same statement. Whoever holds a job proves it by its lease token
// in the transaction that ends it; a token that is no longer there means that somebody else has the job, and the
// work is dropped. Bells only wake pollers and may be lost without harm.
package queue

import (
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Job is one row of the queue as its holder knows it.
type Job struct {
	Kind     string
	Ref      id.ID
	Node     string
	Tenant   string
	Queue    string
	Attempt  int // executions begun
	Failures int // executions that ended in an error
	Rescues  int // leases that ran out
	Token    id.ID
	Until    time.Time // end of the lease by this process' clock
}

// Key names the row.
func (j Job) Key() Key { return Key{j.Kind, j.Ref, j.Node} }

// Key is the unique key of a job.
type Key struct {
	Kind string
	Ref  id.ID
	Node string
}

// Held reports whether the lease has at least slack left.
func (j Job) Held(now time.Time, slack time.Duration) bool {
	return j.Until.Sub(now) > slack
}

var keyColumns = []s.Column{s.Col("kind", s.Text), s.Col("ref", s.UUID), s.Col("node", s.Text)}

const sameKey = "t.kind = v.kind AND t.ref = v.ref AND t.node = v.node"

var (
	insert = s.Insert("jobs", append(keyColumns[:3:3], s.Col("tenant_id", s.Text), s.Col("queue", s.Text), s.Col("attempt", s.Int),
		s.Col("due_at", s.After), s.Col("lease_token", s.UUID), s.Col("created_at", s.Time)),
		`ON CONFLICT (kind, ref, node) DO NOTHING`)

	// ring locks the row in any case: whoever is about to end the job either sees what this transaction adds to its work, or is waited for and the
	// job made anew.
	ring = s.Insert("jobs", append(keyColumns[:3:3], s.Col("tenant_id", s.Text), s.Col("queue", s.Text), s.Col("attempt", s.Int), s.Col("due_at", s.After),
		s.Col("created_at", s.Time)), `ON CONFLICT (kind, ref, node) DO UPDATE SET
		due_at = CASE WHEN t.lease_token IS NULL AND excluded.due_at < t.due_at THEN excluded.due_at ELSE t.due_at END`)

	finish = s.Delete("jobs", append(keyColumns[:3:3], s.Col("token", s.UUID)),
		sameKey+" AND t.lease_token = v.token", "RETURNING t.kind, t.ref, t.node")

	remove = s.Delete("jobs", keyColumns, sameKey, "")

	giveBack = s.Update("jobs", append(keyColumns[:3:3], s.Col("token", s.UUID), s.Col("due_at", s.After), s.Col("failures", s.Int)),
		"lease_token = NULL, due_at = v.due_at, failures = t.failures + v.failures", sameKey+" AND t.lease_token = v.token", "RETURNING t.kind, t.ref, t.node")

	wake = s.Update("jobs", append(keyColumns[:3:3], s.Col("due_at", s.After)), "due_at = v.due_at", sameKey+" AND t.lease_token IS NULL", "")

	// wakeAll wakes the jobs of a ref that went back to wait; those that were never claimed keep their time.
	wakeAll = s.Update("jobs", []s.Column{s.Col("kind", s.Text), s.Col("ref", s.UUID), s.Col("due_at", s.After)}, "due_at = v.due_at",
		"t.kind = v.kind AND t.ref = v.ref AND t.lease_token IS NULL AND t.attempt > 0", "")

	// hold finds a job that is still held by its token, and keeps it so until the transaction ends.
	hold = s.Lookup(append(keyColumns[:3:3], s.Col("token", s.UUID)), `
		SELECT t.kind, t.ref, t.node FROM jobs t
		WHERE t.kind = v.kind AND t.ref = v.ref AND t.node = v.node AND t.lease_token = v.token LIMIT 1 {lock}`)

	extend = s.Update("jobs", append(keyColumns[:3:3], s.Col("token", s.UUID), s.Col("due_at", s.After)),
		"due_at = v.due_at", sameKey+" AND t.lease_token = v.token", "RETURNING t.kind, t.ref, t.node")

	findDue = s.Lookup([]s.Column{s.Col("queue", s.Text), s.Col("n", s.Int)}, `
		SELECT t.kind, t.ref, t.node, t.tenant_id, t.attempt, t.failures, t.rescues, t.lease_token FROM jobs t
		WHERE t.queue = v.queue AND t.due_at <= {now} ORDER BY t.due_at LIMIT v.n {skip locked}`)

	lease = s.Update("jobs", append(keyColumns[:3:3], s.Col("token", s.UUID), s.Col("due_at", s.After), s.Col("rescued", s.Int)),
		"lease_token = v.token, due_at = v.due_at, attempt = t.attempt + 1, rescues = t.rescues + v.rescued", sameKey, "")
)

// New describes a job to insert.
type New struct {
	Kind   string
	Ref    id.ID
	Node   string
	Tenant string
	Queue  string
	After  time.Duration // until it is due; ignored when leased
	Token  id.ID         // set: born leased by this process
}

// Writes collects the queue's part of a transaction.
type Writes struct {
	lease                               time.Duration
	inserts, removes, wakeUp, wakenings *s.Rows
	rings                               *s.Rows
}

// NewWrites starts a collection; lease is how long born-leased jobs are held.
func NewWrites(lease time.Duration) *Writes {
	return &Writes{lease: lease, inserts: insert.Rows(), removes: remove.Rows(), wakeUp: wake.Rows(), wakenings: wakeAll.Rows(), rings: ring.Rows()}
}

// Insert adds a job; a row that is there already stays as it is.
func (w *Writes) Insert(tx *s.Tx, n New) {
	after, attempt := n.After, 0
	if !n.Token.IsZero() {
		after, attempt = w.lease, 1
	}
	w.inserts.Add(n.Kind, n.Ref, n.Node, n.Tenant, n.Queue, attempt, after, n.Token, tx.Now())
}

// Ring is for a job that works off what the tables hold for it: it makes the job, or has one that waits look earlier. One that is being done ends
// before this transaction, or sees what this one has written if it looks after its fence. Rings come last in a transaction; those who ring
// for several jobs do it in the order of their keys, and each once.
func (w *Writes) Ring(tx *s.Tx, n New) {
	w.rings.Add(n.Kind, n.Ref, n.Node, n.Tenant, n.Queue, 0, n.After, tx.Now())
}

// Remove deletes jobs whoever holds them.
func (w *Writes) Remove(k Key) { w.removes.Add(k.Kind, k.Ref, k.Node) }

// Wake makes a waiting job due after d.
func (w *Writes) Wake(k Key, d time.Duration) { w.wakeUp.Add(k.Kind, k.Ref, k.Node, d) }

// WakeAll makes the jobs of a ref due that a claimer has given back.
func (w *Writes) WakeAll(kind string, ref id.ID) { w.wakenings.Add(kind, ref, time.Duration(0)) }

// Queue queues the statements.
func (w *Writes) Queue(tx *s.Tx) {
	tx.Exec(remove, w.removes)
	tx.Exec(wake, w.wakeUp)
	tx.Exec(wakeAll, w.wakenings)
	tx.Exec(insert, w.inserts)
	tx.Exec(ring, w.rings)
}

// Finish queues the fence: the deletion of jobs by key and token. held is called for each that was still ours.
func Finish(tx *s.Tx, jobs []Job, held func(Key)) {
	rows := finish.Rows()
	for _, j := range jobs {
		rows.Add(j.Kind, j.Ref, j.Node, j.Token)
	}
	tx.Query(finish, rows, scanKey(held))
}

// Hold queues the question which jobs are still ours; held is called for each that is.
func Hold(tx *s.Tx, jobs []Job, held func(Key)) {
	rows := hold.Rows()
	for _, j := range jobs {
		rows.Add(j.Kind, j.Ref, j.Node, j.Token)
	}
	tx.Query(hold, rows, scanKey(held))
}

// Extend queues the renewal of leases: work goes on. held is called for each that was still ours.
func Extend(tx *s.Tx, jobs []Job, lease time.Duration, held func(Key)) {
	rows := extend.Rows()
	for _, j := range jobs {
		rows.Add(j.Kind, j.Ref, j.Node, j.Token, lease)
	}
	tx.Query(extend, rows, scanKey(held))
}

// Back is a job that goes back to the queue.
type Back struct {
	Job    Job
	After  time.Duration
	Failed bool // counts as a failure
}

// GiveBack queues the fence of jobs that go back. held is called for each that was still ours.
func GiveBack(tx *s.Tx, backs []Back, held func(Key)) {
	rows := giveBack.Rows()
	for _, b := range backs {
		failed := 0
		if b.Failed {
			failed = 1
		}
		rows.Add(b.Job.Kind, b.Job.Ref, b.Job.Node, b.Job.Token, b.After, failed)
	}
	tx.Query(giveBack, rows, scanKey(held))
}

func scanKey(held func(Key)) func(s.Row) error {
	return func(r s.Row) error {
		var k Key
		if err := r.Scan(&k.Kind, &k.Ref, &k.Node); err != nil {
			return fmt.Errorf("read a job: %w", err)
		}
		if held != nil {
			held(k)
		}
		return nil
	}
}

// Claim is a request for due jobs of one queue.
type Claim struct {
	Queue string
	Max   int
	Lease time.Duration
	// Find, when set, looks with Rows for due jobs instead of the queue's own statement, and returns what that returns.
	Find *s.Statement
	Rows *s.Rows
	Jobs []Job // the answer
}

// NewClaims starts the claiming class on db.
func NewClaims(db *s.DB, c clock.Clock) *s.Queue[*Claim] {
	return s.NewQueue(db, s.QueueOptions{Name: "claim", Max: 8, Workers: 2}, func(tx *s.Tx, claims []*Claim) error {
		leases := lease.Rows()
		for _, cl := range claims { // one by one: two claims of one batch must not see the same rows
			cl.Jobs = nil
			find, rows := cl.Find, cl.Rows
			if find == nil {
				find, rows = findDue, findDue.Rows()
				rows.Add(cl.Queue, cl.Max)
			}
			until := c.Now().Add(cl.Lease)
			tx.Query(find, rows, func(r s.Row) error {
				j := Job{Queue: cl.Queue, Token: id.New(), Until: until}
				var held id.ID
				if err := r.Scan(&j.Kind, &j.Ref, &j.Node, &j.Tenant, &j.Attempt, &j.Failures, &j.Rescues, &held); err != nil {
					return fmt.Errorf("read a due job: %w", err)
				}
				rescued := 0
				if !held.IsZero() {
					rescued = 1
				}
				j.Attempt++
				j.Rescues += rescued
				leases.Add(j.Kind, j.Ref, j.Node, j.Token, cl.Lease, rescued)
				cl.Jobs = append(cl.Jobs, j)
				return nil
			})
			if err := tx.Flush(); err != nil {
				return err
			}
			tx.Exec(lease, leases)
			leases = lease.Rows()
			if err := tx.Flush(); err != nil {
				return err
			}
		}
		return nil
	})
}
