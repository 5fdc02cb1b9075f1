package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/apps/retention"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const day = 24 * time.Hour

// archive is a database with a past, made of rows.
type archive struct {
	t     *testing.T
	db    *storage.DB
	books *ledger.Checker
	now   time.Time
}

func newArchive(t *testing.T, db *storage.DB) *archive {
	t.Helper()
	books, err := ledger.NewChecker(db)
	if err != nil {
		t.Fatal(err)
	}
	return &archive{t: t, db: db, books: books, now: db.Now()}
}

func (a *archive) exec(sql string, args ...any) {
	a.t.Helper()
	if err := a.db.From(a.t.Context()).Exec(sql, args...).Error; err != nil {
		a.t.Fatalf("%s: %v", sql, err)
	}
}

// idAt is an id of a row that was made days ago.
func idAt(at time.Time) id.ID {
	i := id.Before(at)
	_, _ = rand.Read(i[9:])
	return i
}

// push is what came in once, and what became of it.
type push struct {
	age                             float64 // days since it came in
	ended                           float64 // days since its run ended; 0: age
	observations                    int     // 1
	definitions                     int     // rows of each observation, 1
	state, run, delivery            string  // delivered, succeeded, delivered; "-": there is none
	incident, alert                 string  // resolved, resolved
	unfolded, foldJob, nodeJob, own bool    // own: the delivery is nobody's run's
	joins                           id.ID   // a delivery of another run that this one waits for
}

type stored struct{ receipt, run, delivery, message, incident, alert id.ID }

func (a *archive) add(p push) stored {
	a.t.Helper()
	set := func(s *string, usual string) {
		if *s == "" {
			*s = usual
		}
	}
	set(&p.state, "delivered")
	set(&p.run, "succeeded")
	set(&p.delivery, "delivered")
	set(&p.incident, "resolved")
	set(&p.alert, "resolved")
	if p.ended == 0 {
		p.ended = p.age
	}
	p.observations, p.definitions = max(1, p.observations), max(1, p.definitions)
	began, ended := a.now.Add(-time.Duration(p.age*float64(day))), a.now.Add(-time.Duration(p.ended*float64(day)))
	s := stored{receipt: idAt(began), incident: idAt(began), alert: idAt(began)}
	var folded any = began
	if p.unfolded {
		folded = nil
	}
	a.exec(`INSERT INTO receipts (id, tenant_id, source_id, driver, trace_id, origin, outcome, n, received_at, folded_at)
		VALUES (?, 'default', ?, 'd', 't', 'o', 'queued', ?, ?, ?)`, s.receipt, id.New(), p.observations, began, folded)
	a.exec(`INSERT INTO receipt_bodies (receipt_id, tenant_id, encoding, body) VALUES (?, 'default', 0, ?)`, s.receipt, []byte("{}"))
	a.exec(`INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, event_seq, trace_id, created_at, updated_at)
		VALUES (?, 'default', ?, 't', '', ?, 'info', 2, 't', ?, ?)`, s.incident, s.incident.String(), p.incident, began, ended)
	for seq := range 2 {
		a.exec(`INSERT INTO incident_events (incident_id, seq, tenant_id, kind, details, created_at) VALUES (?, ?, 'default', 'opened', '{}', ?)`, s.incident, seq, began)
	}
	a.exec(`INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key, vendor_group_key,
		incident_id, receipt_id, trace_id, last_seq, occurrences, started_at, received_at, updated_at)
		VALUES (?, 'default', 's', ?, 'n', 'info', ?, '', '{}', '{}', '', '', ?, ?, 't', 1, 1, ?, ?, ?)`,
		s.alert, s.alert.String(), p.alert, s.incident, s.receipt, began, began, ended)
	a.exec(`INSERT INTO alert_history (alert_id, id, tenant_id, incident_id, receipt_id, event, old_status, new_status, details, created_at)
		VALUES (?, ?, 'default', ?, ?, 'created', '', 'firing', '{}', ?)`, s.alert, idAt(began), s.incident, s.receipt, began)
	definition := id.New()
	if p.run != "-" {
		s.run = idAt(began)
		a.exec(`INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, receipt_id, incident_id, state, status, source,
			environment, origin, created_at, updated_at, finished_at) VALUES (?, 'default', 't', ?, 'd', 1, ?, ?, ?, 's', 's', 'e', 'o', ?, ?, ?)`,
			s.run, definition, s.receipt, s.incident, p.run, began, ended, ended)
		for _, node := range []string{"in", "tell"} {
			a.exec(`INSERT INTO node_runs (run_id, node, tenant_id, type, state, attempt, input, output, finished_at)
				VALUES (?, ?, 'default', 't', 'succeeded', 1, '{}', '{"a":1}', ?)`, s.run, node, ended)
		}
		a.exec(`INSERT INTO node_attempts (run_id, node, attempt, tenant_id, state, input, started_at) VALUES (?, 'tell', 1, 'default', 'failed', '{}', ?)`, s.run, began)
	}
	if p.delivery != "-" {
		s.delivery, s.message = idAt(began), idAt(began)
		var of any = s.run
		if p.own || p.run == "-" {
			of = nil
		}
		a.exec(`INSERT INTO messages (id, tenant_id, channel_id, driver, idem_key, incident_id, severity, title, encoding, body, created_at)
			VALUES (?, 'default', ?, 'd', ?, ?, 'info', 't', 0, ?, ?)`, s.message, id.New(), s.delivery.String(), s.incident, []byte("x"), began)
		a.exec(`INSERT INTO message_attempts (message_id, n, tenant_id, at, status, latency_us, verdict) VALUES (?, 1, 'default', ?, 200, 1, 'done')`, s.message, began)
		a.exec(`INSERT INTO deliveries (id, tenant_id, idem_key, incident_id, run_id, event_seq, step, channel_id, kind, severity, message_id, state, trace_id,
			created_at, expires_at, finished_at) VALUES (?, 'default', ?, ?, ?, 1, 0, ?, 'firing', 'info', ?, ?, 't', ?, ?, ?)`,
			s.delivery, s.delivery.String(), s.incident, of, id.New(), s.message, p.delivery, began, began, ended)
	}
	if !p.joins.IsZero() {
		a.exec(`INSERT INTO delivery_routes (run_id, delivery_id, tenant_id, definition_id, node) VALUES (?, ?, 'default', ?, 'tell')`, s.run, p.joins, definition)
	}
	for i := range p.observations {
		a.exec(`INSERT INTO observations (receipt_id, idx, tenant_id, source_id, source, fingerprint, name, status, severity, passive, group_key,
			vendor_group_key, description, labels, annotations) VALUES (?, ?, 'default', ?, 's', 'f', 'n', 'firing', '', false, '', '', '', '{}', '{}')`,
			s.receipt, i, id.New())
		for range p.definitions {
			var settled any = ended
			if p.state == "pending" {
				settled = nil
			}
			a.exec(`INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, run_id, incident_id, alert_id, state, trace, created_at, settled_at)
				VALUES (?, ?, ?, 'default', ?, ?, ?, ?, '[]', ?, ?)`, s.receipt, i, id.New(), s.run, s.incident, s.alert, p.state, began, settled)
		}
	}
	job := func(kind string, ref id.ID) {
		a.exec(`INSERT INTO jobs (kind, ref, tenant_id, queue, due_at, created_at) VALUES (?, ?, 'default', 'ingest', ?, ?)`, kind, ref, began, began)
	}
	if p.foldJob {
		job("fold", s.receipt)
	}
	if p.nodeJob {
		job("node", s.run)
	}
	return s
}

func (a *archive) service(keep retention.Keep, books retention.Books) *retention.Service {
	a.t.Helper()
	s, err := retention.New(retention.Config{DB: a.db, Log: testkit.Logger(a.t), Books: books, Tenant: tenant, Keep: keep})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(s.Stop)
	return s
}

// balanced checks the books and returns the sum of all rows, pruned ones too.
func (a *archive) balanced() (rows, accepted int64) {
	a.t.Helper()
	r, err := a.books.Check(a.t.Context(), tenant)
	if err != nil || !r.Balanced {
		a.t.Errorf("the books: %+v %v", r, err)
	}
	return a.sum(), r.Accepted
}

func (a *archive) sum() int64 {
	a.t.Helper()
	totals, err := ledger.NewReader(a.db)
	if err != nil {
		a.t.Fatal(err)
	}
	all, err := totals.Totals(a.t.Context(), tenant)
	if err != nil {
		a.t.Fatal(err)
	}
	c := all.Counts
	return c.Pending + c.Delivered + c.Suppressed + c.Dead + c.NoRoute + c.Rejected
}

func (a *archive) count(table, where string, args ...any) (n int64) {
	a.t.Helper()
	if err := a.db.Read(a.t.Context()).Raw("SELECT count(*) FROM "+table+" WHERE "+where, args...).Scan(&n).Error; err != nil {
		a.t.Fatal(err)
	}
	return n
}

// parts counts what is there of a push, by table.
func (a *archive) parts(s stored) map[string]int64 {
	a.t.Helper()
	all := map[string]int64{
		"receipts": a.count("receipts", "id = ?", s.receipt), "receipt_bodies": a.count("receipt_bodies", "receipt_id = ?", s.receipt),
		"observations": a.count("observations", "receipt_id = ?", s.receipt), "ledger": a.count("ledger", "receipt_id = ?", s.receipt),
		"runs": a.count("runs", "id = ?", s.run), "node_runs": a.count("node_runs", "run_id = ?", s.run),
		"node_attempts": a.count("node_attempts", "run_id = ?", s.run), "delivery_routes": a.count("delivery_routes", "run_id = ?", s.run),
		"deliveries": a.count("deliveries", "id = ?", s.delivery), "messages": a.count("messages", "id = ?", s.message),
		"message_attempts": a.count("message_attempts", "message_id = ?", s.message), "incidents": a.count("incidents", "id = ?", s.incident),
		"incident_events": a.count("incident_events", "incident_id = ?", s.incident), "alerts": a.count("alerts", "id = ?", s.alert),
		"alert_history": a.count("alert_history", "alert_id = ?", s.alert),
	}
	maps.DeleteFunc(all, func(_ string, n int64) bool { return n == 0 })
	return all
}

var usual = retention.Keep{All: 30 * day, Bodies: 30 * day, Snapshots: 30 * day, Dead: 90 * day}

// TestPrune goes through what may go and what must stay, by whether anything of it is left: what is not over stays as a whole.
func TestPrune(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		push
		gone bool
	}{
		"over":                       {push{age: 40}, true},
		"young":                      {push{age: 20}, false},
		"of several":                 {push{age: 40, observations: 3, definitions: 2}, true},
		"nobody's":                   {push{age: 40, run: "-", delivery: "-", state: "no_route"}, true},
		"delivery without a run":     {push{age: 40, own: true}, true},
		"pending row":                {push{age: 400, state: "pending"}, false},
		"run at work":                {push{age: 400, run: "running"}, false},
		"run that waits":             {push{age: 400, run: "retrying"}, false},
		"run with a job":             {push{age: 400, nodeJob: true}, false},
		"delivery that waits":        {push{age: 400, delivery: "pending"}, false},
		"delivery on the wire":       {push{age: 400, delivery: "sending"}, false},
		"open incident":              {push{age: 400, incident: "open"}, false},
		"acknowledged incident":      {push{age: 400, incident: "acknowledged"}, false},
		"not folded":                 {push{age: 400, unfolded: true}, false},
		"fold to come":               {push{age: 400, foldJob: true}, false},
		"resumed of late":            {push{age: 40, ended: 5}, false},
		"dead, younger than 90 days": {push{age: 60, state: "dead", run: "failed", delivery: "dead"}, false},
		"dead row only":              {push{age: 60, state: "dead"}, false},
		"dead delivery only":         {push{age: 60, delivery: "dead"}, false},
		"dead long since":            {push{age: 100, state: "dead", run: "failed", delivery: "dead"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *storage.DB) {
				a := newArchive(t, db)
				s := a.add(tt.push)
				other := a.add(push{age: 3})
				was, others := a.parts(s), a.parts(other)
				// Rows that are pending without a job are a fault that the check finds; they are to stay all the same.
				if _, err := a.books.Check(t.Context(), tenant); err != nil {
					t.Fatal(err)
				}
				sum := a.sum()
				keep := usual
				keep.Bodies, keep.Snapshots = 0, 0
				p := a.service(keep, a.books)
				if err := p.Prune(t.Context(), retention.Options{}); err != nil {
					t.Fatal(err)
				}
				now := a.parts(s)
				switch {
				case tt.gone && len(now) != 0:
					t.Errorf("left: %v", now)
				case !tt.gone && !cmp.Equal(was, now):
					t.Errorf("(-before +after):\n%s", cmp.Diff(was, now))
				}
				if got := a.parts(other); !cmp.Equal(others, got) {
					t.Errorf("another push: %v, was %v", got, others)
				}
				if got := a.sum(); got != sum {
					t.Errorf("the ledger has %d rows in all, had %d", got, sum)
				}
				if r, err := a.books.Check(t.Context(), tenant); err != nil || r.Accepted != r.Recorded || strings.Contains(r.Problem, "accepted") {
					t.Errorf("the books: %+v %v", r, err)
				}
				st, err := p.State(t.Context())
				if err != nil || st.EndedAt == nil || st.Problem != "" || (len(st.Removed) != 0) != tt.gone {
					t.Errorf("state %+v %v", st, err)
				}
				if tt.gone && st.Removed["receipts"] != 1 {
					t.Errorf("removed %v", st.Removed)
				}
			})
		})
	}
}

// TestPruneEnd: the news of an end that has not gone out stays, and its incident with it.
func TestPruneEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		a := newArchive(t, db)
		s := a.add(push{age: 400, delivery: "pending", own: true})
		a.balanced()
		if err := a.service(usual, a.books).Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"deliveries": 1, "messages": 1, "message_attempts": 1, "incidents": 1, "incident_events": 2}
		if diff := cmp.Diff(want, a.parts(s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		a.balanced()
	})
}

// TestPruneShared: a delivery that another run waits for stays with its own run until the other one is over.
func TestPruneShared(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		a := newArchive(t, db)
		first := a.add(push{age: 60})
		second := a.add(push{age: 60, run: "running", state: "delivered", joins: first.delivery})
		was := a.parts(first)
		if _, err := a.books.Check(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		p := a.service(retention.Keep{All: 30 * day, Dead: 90 * day}, a.books)
		if err := p.Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, a.parts(first)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		a.exec("UPDATE runs SET state = 'succeeded' WHERE id = ?", second.run)
		if err := p.Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		if left := append(slices.Collect(maps.Keys(a.parts(first))), slices.Collect(maps.Keys(a.parts(second)))...); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// TestPruneBodiesAndSnapshots go before the rest, and leave a mark.
func TestPruneBodiesAndSnapshots(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		a := newArchive(t, db)
		old, open, running := a.add(push{age: 40}), a.add(push{age: 40, incident: "open"}), a.add(push{age: 40, run: "running", state: "pending"})
		young := a.add(push{age: 20})
		a.balanceUnchecked()
		if err := a.service(retention.Keep{Bodies: 30 * day, Snapshots: 30 * day}, a.books).Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		type left struct{ Bodies, Inputs, Outputs, Attempts, Marked int64 }
		of := func(s stored) left {
			return left{
				a.count("receipt_bodies", "receipt_id = ?", s.receipt), a.count("node_runs", "run_id = ? AND input IS NOT NULL", s.run),
				a.count("node_runs", "run_id = ? AND output IS NOT NULL", s.run), a.count("node_attempts", "run_id = ? AND input IS NOT NULL", s.run),
				a.count("node_runs", "run_id = ? AND pruned", s.run) + a.count("node_attempts", "run_id = ? AND pruned", s.run),
			}
		}
		got := map[string]left{"old": of(old), "open": of(open), "running": of(running), "young": of(young)}
		all := left{1, 2, 2, 1, 0}
		want := map[string]left{"old": {Marked: 3}, "open": {Marked: 3}, "running": all, "young": all}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := a.count("receipts", "true") + a.count("runs", "true"); n != 8 {
			t.Errorf("%d receipts and runs, want 8", n)
		}
	})
}

func (a *archive) balanceUnchecked() {
	a.t.Helper()
	if _, err := a.books.Check(a.t.Context(), tenant); err != nil {
		a.t.Fatal(err)
	}
}

// TestPruneBooks prunes while the books are checked all the time, and breaks off now and then: whoever looks, at any moment, finds every
// row and every observation once.
func TestPruneBooks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		a := newArchive(t, db)
		for range 60 {
			a.add(push{age: 40, observations: 2})
		}
		a.add(push{age: 41, observations: 700, definitions: 2}) // more than fits into a transaction
		for range 5 {
			a.add(push{age: 2})
		}
		sum, accepted := a.balanced()
		if sum != 60*2+1400+5 || accepted != 60*2+700+5 {
			t.Fatalf("%d rows, %d accepted", sum, accepted)
		}
		var over atomic.Bool
		looked := make(chan int, 1)
		var looking sync.WaitGroup
		defer looking.Wait()
		defer over.Store(true)
		looking.Go(func() {
			n := 0
			for !over.Load() {
				if rows, of := a.balanced(); rows != sum || of != accepted {
					t.Errorf("%d rows of %d, %d accepted of %d", rows, sum, of, accepted)
				}
				n++
			}
			looked <- n
		})
		// Every third transaction is given up in its middle, as by a crash.
		books := &brittle{Checker: a.books, every: 3}
		p := a.service(usual, books)
		broken := 0
		for {
			err := p.Prune(t.Context(), retention.Options{})
			if err == nil {
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			broken++
		}
		over.Store(true)
		n := <-looked
		if broken == 0 || n == 0 {
			t.Errorf("broken off %d times, looked %d times", broken, n)
		}
		if rows, of := a.balanced(); rows != sum || of != accepted {
			t.Errorf("%d rows of %d, %d accepted of %d", rows, sum, of, accepted)
		}
		if n := a.count("ledger", "true"); n != 5 {
			t.Errorf("%d live rows, want 5", n)
		}
		if err := a.books.Audit(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		a.balanced()
		// An observation that is gone without having been pruned is found.
		a.exec("DELETE FROM observations WHERE receipt_id = ?", a.anyReceipt())
		if err := a.books.Audit(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		r, err := a.books.Check(t.Context(), tenant)
		if err != nil || r.Balanced || !strings.Contains(r.Problem, "825 observations were accepted") {
			t.Errorf("a lost observation: %+v %v", r, err)
		}
	})
}

func (a *archive) anyReceipt() id.ID {
	a.t.Helper()
	var ids []id.ID
	if err := a.db.Read(a.t.Context()).Raw("SELECT id FROM receipts ORDER BY id LIMIT 1").Scan(&ids).Error; err != nil || len(ids) == 0 {
		a.t.Fatal(err, "no receipts")
	}
	return ids[0]
}

var errCrash = errors.New("broken off")

// brittle breaks transactions off behind the roll-up.
type brittle struct {
	*ledger.Checker
	every, calls int
}

// Pruned implements retention.Books.
func (b *brittle) Pruned(ctx context.Context, tenant string, n int64) error {
	if err := b.Checker.Pruned(ctx, tenant, n); err != nil {
		return err
	}
	if b.calls++; b.calls%b.every == 0 {
		return fmt.Errorf("after %d: %w", b.calls, errCrash)
	}
	return nil
}

// TestPruneUnchecked: what the check of the books has not counted does not go.
func TestPruneUnchecked(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		a := newArchive(t, db)
		s := a.add(push{age: 400})
		was := a.parts(s)
		p := a.service(usual, a.books)
		if err := p.Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, a.parts(s)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		a.balanced()
		if err := p.Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		if left := a.parts(s); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		a.balanced()
	})
}

// TestPruneForEver: a time of 0 keeps everything; a person's wish goes over it, but not over what failed.
func TestPruneForEver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		a := newArchive(t, db)
		done, dead := a.add(push{age: 4000}), a.add(push{age: 4000, state: "dead", run: "failed", delivery: "dead"})
		was := a.parts(dead)
		a.balanced()
		p := a.service(retention.Keep{}, a.books)
		if err := p.Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		if got := a.parts(done); !cmp.Equal(was, got) {
			t.Errorf("removed: %s", cmp.Diff(was, got))
		}
		counts, err := p.Preview(t.Context(), retention.Options{OlderThan: 365 * day})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int64{"runs": 1, "receipts": 1, "alerts": 2, "incidents": 2, "alert_history": 2}, counts); diff != "" {
			t.Errorf("preview (-want +got):\n%s", diff)
		}
		if err := p.Begin(t.Context(), retention.Options{OlderThan: 365 * day}); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, time.Minute, func() bool { st, err := p.State(t.Context()); return err == nil && st.EndedAt != nil }, "it does not end")
		if left := a.parts(done); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if diff := cmp.Diff(was, a.parts(dead)); diff != "" {
			t.Errorf("what failed (-before +after):\n%s", diff)
		}
		a.balanced()
	})
}

// TestPruneAlone: one process prunes at a time.
func TestPruneAlone(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.Postgres)
	a := newArchive(t, db)
	a.add(push{age: 40})
	a.balanced()
	books := &slow{Checker: a.books, in: make(chan struct{}), out: make(chan struct{})}
	first, second := a.service(usual, books), a.service(usual, a.books)
	ended := make(chan error, 1)
	go func() { ended <- first.Prune(t.Context(), retention.Options{}) }()
	<-books.in
	for name, s := range map[string]*retention.Service{"the same process": first, "another one": second} {
		if err := s.Prune(t.Context(), retention.Options{}); !errors.Is(err, retention.ErrBusy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	close(books.out)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := second.Prune(t.Context(), retention.Options{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// slow waits in the middle of a pass.
type slow struct {
	*ledger.Checker
	in, out chan struct{}
}

// RollUp implements retention.Books.
func (s *slow) RollUp(ctx context.Context, tenant string, receipts []id.ID, from, to int64) (int64, error) {
	close(s.in)
	<-s.out
	return s.Checker.RollUp(ctx, tenant, receipts, from, to)
}

// TestPruneByAge: what nothing else leads to goes by its age alone; what an incident was about goes with it.
func TestPruneByAge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		a := newArchive(t, db)
		gone, stays := a.add(push{age: 40}), a.add(push{age: 3})
		for _, s := range []stored{gone, stays} {
			a.exec(`INSERT INTO incident_vectors (incident_id, tenant_id, event_seq, vector, made_at) VALUES (?, 'default', 1, ?, ?)`, s.incident, []byte("x"), a.now)
		}
		unlike := a.add(push{age: 40, incident: "open"})
		old, fresh := a.now.Add(-100*day), a.now.Add(-3*day)
		analysis := func(at time.Time, status string, incident, run id.ID) {
			t.Helper()
			a.exec(`INSERT INTO analyses (id, tenant_id, incident_id, run_id, provider, status, created_at) VALUES (?, 'default', ?, ?, 'local', ?, ?)`,
				idAt(at), incident, run, status, at)
		}
		analysis(old, "succeeded", gone.incident, gone.run)
		analysis(old, "failed", id.ID{}, id.ID{})
		analysis(old, "running", id.ID{}, id.ID{})
		analysis(old, "succeeded", unlike.incident, id.ID{}) // its incident stays
		analysis(old, "succeeded", id.ID{}, stays.run)       // its run stays
		analysis(fresh, "succeeded", id.ID{}, id.ID{})
		for _, age := range []float64{100, 31, 3} { // checks are kept for 30 days at most
			at := a.now.Add(-time.Duration(age * float64(day)))
			a.exec(`INSERT INTO check_runs (id, tenant_id, checker_name, hostname, status, message, origin, duration_ms, executed_at)
				VALUES (?, 'default', 'cpu', 'h', 'ok', 'm', 'api', 1, ?)`, idAt(at), at)
		}
		for _, age := range []float64{100, 3} {
			at := a.now.Add(-time.Duration(age * float64(day)))
			a.exec(`INSERT INTO changes (id, tenant_id, title, kind, at, created_at) VALUES (?, 'default', 't', 'deploy', ?, ?)`, idAt(at), at, at)
			a.exec(`INSERT INTO preflight_runs (id, tenant_id, instance_id, passed, warnings, errors, overall_status, triggered_by, checks, created_at)
				VALUES (?, 'default', 'i', 1, 0, 0, 'ok', 't', '[]', ?)`, idAt(at), at)
		}
		if _, err := a.books.Check(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		if err := a.service(retention.Keep{}, a.books).Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		if a.count("changes", "tenant_id = 'default'") != 2 || a.count("check_runs", "tenant_id = 'default'") != 1 {
			t.Error("where all is kept for ever, only checks go")
		}
		if err := a.service(usual, a.books).Prune(t.Context(), retention.Options{}); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"changes", "preflight_runs", "check_runs", "incident_vectors"} {
			if n := a.count(table, "tenant_id = 'default'"); n != 1 {
				t.Errorf("%d rows of %s are left, want 1", n, table)
			}
		}
		if a.count("incident_vectors", "incident_id = ?", stays.incident) != 1 {
			t.Error("the vector of an incident that stays is gone")
		}
		if a.count("analyses", "tenant_id = 'default'") != 4 || a.count("analyses", "status = 'running'") != 1 || a.count("analyses", "incident_id = ?", unlike.incident) != 1 ||
			a.count("analyses", "run_id = ?", stays.run) != 1 || a.count("analyses", "incident_id = ?", gone.incident) != 0 {
			t.Error("analyses go with what they belong to, else by their age")
		}
	})
}
