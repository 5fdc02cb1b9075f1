//go:build unix

package crashtest

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// pastEvery is how many pushes of the past there are to each one that has to stay: half of these failed, half are of an open incident.
const pastEvery = 500

// TestPrune removes a past of many pushes while new ones come in: those are answered as quickly as before, the books stay right, and what is
// not over stays (C23).
func TestPrune(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	alone(t, engines, func(t *testing.T, engine, url string) {
		c := row(t, "C23", engine, "prune under load")
		past := pick(1500, 220_000) // a million rows
		h := newHub(t, url, map[string]string{"HUB_KEEP_DEAD_DAYS": "0"})
		h.start()
		h.terminate(nil)
		kept := seedPast(t, h.database(), past)
		h.start()
		var books ledger
		if err := h.get("/api/v1/ledger", &books); err != nil || !books.Balanced {
			t.Fatalf("the books of the past: %+v %v", books, err)
		}
		l := newLoad(h, rate())
		quick := &waits{}
		quick.run(t, l, func() { time.Sleep(pick(3*time.Second, 30*time.Second)) })
		slow := &waits{}
		began := time.Now()
		ended := false
		slow.run(t, l, func() {
			h.must(http.StatusAccepted, http.MethodPost, "/api/v1/retention/prune", map[string]any{})
			for !ended && time.Since(began) < pick(patience, 2*time.Minute) {
				time.Sleep(pick(100*time.Millisecond, time.Second))
				ended = pruning(t, h).EndedAt != nil
			}
		})
		took := time.Since(began)
		if !ended { // a large past takes longer than anybody wants to wait here; so much more is it a good moment for a crash
			h.kill()
			h.start()
		}
		db := h.open(t)
		pass := pruning(t, h)
		if pass.Problem != "" {
			t.Errorf("pruning: %s", pass.Problem)
		}
		for table, key := range map[string]string{"receipts": "id", "observations": "receipt_id", "ledger": "receipt_id"} {
			left := number(t, db, "SELECT count(*) FROM "+table+" WHERE "+key+" < ?", beforeDays(90))
			if want := int64(past) - pass.Removed[table]; left != want || ended && left != int64(kept) {
				t.Errorf("%d rows of the past are left in %s, want %d: %d were removed", left, table, want, pass.Removed[table])
			}
		}
		if n := number(t, db, `SELECT count(*) FROM ledger l JOIN receipts r ON r.id = l.receipt_id JOIN observations o ON o.receipt_id = l.receipt_id
			WHERE l.receipt_id < ? AND (l.state = 'dead' OR l.incident_id = (SELECT id FROM incidents WHERE group_key = 'the open one'))`, beforeDays(90)); n != int64(kept) {
			t.Errorf("%d pushes that are not over are whole, want %d", n, kept)
		}
		accepted := int64(quick.n() + slow.n())
		testkit.Eventually(t, patience, func() bool {
			return h.get("/api/v1/ledger", &books) == nil && books.Counts["pending"] == 0
		}, "what came in meanwhile does not end")
		sum := int64(0)
		for _, n := range books.Counts {
			sum += n
		}
		if !books.Balanced || sum != int64(past)+accepted || books.Counts["dead"] != int64(past/pastEvery) {
			t.Errorf("%d pushes of the past, %d of now, and the books have %d: %+v", past, accepted, sum, books)
		}
		before, during := quick.p99(), slow.p99()
		c.faults(int(pass.Removed["receipts"]))
		// What is quick anyway may be slower than twice by what one transaction, or one turn of a busy machine, takes.
		c.within("an answer while pruning (p99)", during, max(2*before, 20*time.Millisecond))
		c.say("accept p99 %s before, %s while pruning; worst %s and %s; %.0f pushes/s pruned", before.Round(100*time.Microsecond), during.Round(100*time.Microsecond),
			quick.worst().Round(time.Millisecond), slow.worst().Round(time.Millisecond),
			float64(pass.Removed["receipts"])/took.Seconds())
	})
}

// pruned is the answer of GET /api/v1/retention.
type pruned struct {
	EndedAt *time.Time       `json:"ended_at"`
	Problem string           `json:"problem"`
	Removed map[string]int64 `json:"removed"`
}

func pruning(t *testing.T, h *hub) (p pruned) {
	t.Helper()
	if err := h.get("/api/v1/retention", &p); err != nil {
		t.Error(err)
	}
	return p
}

// waits are how long senders waited for their answers.
type waits struct {
	mu   sync.Mutex
	took []time.Duration
}

// run sends distinct alerts at l's rate for as long as fn takes; each has to be accepted.
func (w *waits) run(t *testing.T, l *load, fn func()) {
	t.Helper()
	over := make(chan struct{})
	go func() { defer close(over); fn() }()
	tick := time.NewTicker(time.Second / time.Duration(l.rate))
	defer tick.Stop()
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		n := l.sent.Add(1)
		sending.Go(func() {
			began := time.Now()
			a, err := l.hub.do(http.MethodPost, "/alerts/webhook/", alertmanager(fmt.Sprintf("Alert%06d", n)))
			took := time.Since(began)
			if err != nil || a.status/100 != 2 {
				t.Errorf("answered %d %v", a.status, err)
				return
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.took = append(w.took, took)
		})
	}
}

func (w *waits) n() int { return len(w.took) }

func (w *waits) p99() time.Duration {
	sorted := slices.Sorted(slices.Values(w.took))
	return sorted[len(sorted)*99/100]
}

func (w *waits) worst() time.Duration { return slices.Max(w.took) }

func beforeDays(n int) []byte {
	i := id.Before(time.Now().Add(-time.Duration(n) * 24 * time.Hour))
	return i[:]
}

// seedPast writes n pushes that came in 100 to 300 days ago into the database of a hub that is not there, each with a body, an observation, a
// row in the ledger, and every tenth with a run, its nodes and a delivery. It returns how many are not over.
func seedPast(t *testing.T, database string, n int) (kept int) {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Config{URL: database, Log: slog.New(slog.DiscardHandler), Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	open, now := id.New(), time.Now()
	oldest := now.Add(-300 * 24 * time.Hour)
	// Ids of kind k are made of the time and the number, so that statements find each other's.
	makeID := func(k int) string {
		ms := fmt.Sprintf("(%d + g * %d)", oldest.UnixMilli(), (200*24*time.Hour).Milliseconds()/int64(n))
		return fmt.Sprintf("unhex(printf('%%012x7%%03x8%%015x', %s, %d, g))", ms, k)
	}
	series := `WITH RECURSIVE s(g) AS (SELECT ? UNION ALL SELECT g + 1 FROM s WHERE g < ?)`
	at := fmt.Sprintf("((%d + g * %d) * 1000)", oldest.UnixMilli(), (200*24*time.Hour).Milliseconds()/int64(n))
	blob := "zeroblob(600)"
	if db.Engine() == storage.Postgres {
		ms := fmt.Sprintf("(%d + g::bigint * %d)", oldest.UnixMilli(), (200*24*time.Hour).Milliseconds()/int64(n))
		makeID = func(k int) string {
			return fmt.Sprintf("(lpad(to_hex(%s), 12, '0') || '7' || lpad(to_hex(%d), 3, '0') || '8' || lpad(to_hex(g), 15, '0'))::uuid", ms, k)
		}
		series = `WITH s AS (SELECT generate_series(?::bigint, ?::bigint) AS g)`
		at = "to_timestamp(" + ms + " / 1000.0)"
		blob = "decode(repeat('00', 600), 'hex')"
	}
	stays := fmt.Sprintf("g %% %d IN (0, %d)", pastEvery, pastEvery/2)
	state := fmt.Sprintf("CASE WHEN g %% %d = 0 THEN 'dead' ELSE 'delivered' END", pastEvery)
	incident := fmt.Sprintf("CASE WHEN g %% %d = %d THEN i.id END", pastEvery, pastEvery/2)
	opened := " FROM s CROSS JOIN (SELECT id FROM incidents WHERE group_key = 'the open one') i"
	some := " FROM s WHERE g % 10 = 0 AND NOT " + "(" + stays + ")"
	exec := func(sql string, args ...any) {
		t.Helper()
		if err := db.From(t.Context()).Exec(sql, args...).Error; err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(`INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, event_seq, trace_id, created_at, updated_at)
		VALUES (?, 'default', 'the open one', 't', '', 'open', 'info', 1, 't', ?, ?)`, open, now, now)
	r, u, d, m := makeID(1), makeID(2), makeID(3), makeID(4)
	const step = 50_000
	for from := 1; from <= n; from += step {
		to := min(n, from+step-1)
		for _, sql := range []string{
			`INSERT INTO receipts (id, tenant_id, source_id, driver, trace_id, origin, outcome, n, received_at, folded_at)
				` + series + ` SELECT ` + r + `, 'default', ` + r + `, 'alertmanager', 't', 'webhook', 'queued', 1, ` + at + `, ` + at + ` FROM s`,
			`INSERT INTO receipt_bodies (receipt_id, tenant_id, encoding, body) ` + series + ` SELECT ` + r + `, 'default', 0, ` + blob + ` FROM s`,
			`INSERT INTO observations (receipt_id, idx, tenant_id, source_id, source, fingerprint, name, status, severity, passive, group_key, vendor_group_key,
				description, labels, annotations) ` + series + ` SELECT ` + r + `, 0, 'default', ` + r + `, 'alertmanager', 'fingerprint', 'name', 'firing', 'info',
				false, 'group', '', '', '{"alertname":"name","instance":"web-01","job":"node"}', '{}' FROM s`,
			`INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, run_id, incident_id, state, trace, created_at, settled_at) ` + series + `
				SELECT ` + r + `, 0, ` + r + `, 'default', CASE WHEN g % 10 = 0 THEN ` + u + ` END, ` + incident + `, ` + state + `, '[]', ` + at + `, ` + at + opened,
			`INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, receipt_id, state, status, source, environment,
				origin, created_at, updated_at, finished_at) ` + series + ` SELECT ` + u + `, 'default', 't', ` + r + `, 'd', 1, ` + r + `, 'succeeded', 'notified', 's',
				'production', 'webhook', ` + at + `, ` + at + `, ` + at + some,
			`INSERT INTO node_runs (run_id, node, tenant_id, type, state, attempt, input, output, finished_at) ` + series + ` SELECT ` + u + `, 'in', 'default', 'ingest',
				'succeeded', 1, '{}', '{"a":1}', ` + at + some,
			`INSERT INTO node_runs (run_id, node, tenant_id, type, state, attempt, input, output, finished_at) ` + series + ` SELECT ` + u + `, 'tell', 'default', 'notify',
				'succeeded', 1, '{}', '{"a":1}', ` + at + some,
			`INSERT INTO messages (id, tenant_id, channel_id, driver, idem_key, severity, title, encoding, body, created_at) ` + series + ` SELECT ` + m + `, 'default', ` + r + `,
				'inbox', 'key ' || g, 'info', 't', 0, ` + blob + `, ` + at + some,
			`INSERT INTO deliveries (id, tenant_id, idem_key, run_id, event_seq, step, channel_id, kind, severity, message_id, state, trace_id, created_at, expires_at,
				finished_at) ` + series + ` SELECT ` + d + `, 'default', 'key ' || g, ` + u + `, 1, 0, ` + r + `, 'firing', 'info', ` + m + `, 'delivered', 't', ` + at + `, ` + at + `, ` + at + some,
		} {
			exec(sql, from, to)
		}
	}
	if db.Engine() == storage.Postgres {
		exec("ANALYZE")
	}
	return n/pastEvery + (n+pastEvery/2)/pastEvery
}
