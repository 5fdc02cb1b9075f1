//go:build unix

package crashtest

import (
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// ledger is the answer of GET /api/v1/ledger.
type ledger struct {
	Counts   map[string]int64 `json:"counts"`
	ByReason map[string]int64 `json:"by_reason"`
	Balanced bool             `json:"balanced"`
	Problem  string           `json:"problem"`
}

// audit says what to find when a hub is at rest.
type audit struct {
	hub      *hub
	load     *load
	receiver *receiver
	witness  *witness  // of its deaths, nil when it did not die
	idle     time.Time // found: when no work was left
}

// outcome is what an audit found.
type outcome struct {
	accepted, lost int
	onWay          int // deliveries that were on their way when the hub died
	repeats        int
	unexplained    int // keys that came more often than there is a reason for, or were lost on the way
	counts         map[string]int64
	rest           time.Duration
}

// check waits for rest and compares what was promised with what is stored and what was delivered.
func (a *audit) check(t *testing.T) outcome {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Config{URL: a.hub.database(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	began := time.Now()
	l := a.rest(t, db)
	o := outcome{accepted: len(a.load.promises()), counts: l.Counts, rest: max(0, a.idle.Sub(began))}
	o.lost = a.stored(t, db, l) + a.delivered(t, db)
	if a.witness == nil {
		a.witness = newWitness(a.hub, a.load, a.receiver)
	}
	o.onWay, o.repeats = a.witness.onWay, a.explain(t, db)
	o.unexplained = len(a.witness.odd)
	return o
}

// rest waits until no work is left and the hub's own check has seen everything. It gives up when nothing has got done for long.
func (a *audit) rest(t *testing.T, db *storage.DB) ledger {
	t.Helper()
	var l ledger
	var jobs, observations, checked int64
	least, most, moved := int64(math.MaxInt64), int64(0), time.Now()
	for {
		l = ledger{}
		err := a.hub.get("/api/v1/ledger", &l)
		if err == nil {
			err = db.Read(t.Context()).Raw(`SELECT (SELECT count(*) FROM jobs) AS jobs, (SELECT count(*) FROM observations) AS observations,
				(SELECT coalesce(sum(accepted), 0) FROM ledger_checks) AS checked`).Row().Scan(&jobs, &observations, &checked)
		}
		if err == nil && jobs == 0 && a.idle.IsZero() {
			a.idle = time.Now()
		}
		if err == nil && jobs == 0 && l.Counts["pending"] == 0 && checked == observations {
			break
		}
		if err == nil && (jobs < least || checked > most) {
			least, most, moved = min(least, jobs), max(most, checked), time.Now()
		}
		if time.Since(moved) > patience {
			t.Fatalf("not at rest, and nothing has got done for %s: %d jobs, ledger %+v, %d of %d observations checked, last error %v\n%s",
				patience, jobs, l, checked, observations, err, dump(t, db))
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !l.Balanced {
		t.Errorf("the books do not balance: %s", l.Problem)
	}
	sum := int64(0)
	for _, n := range l.Counts {
		sum += n
	}
	// One definition takes everything, so there is one row for each observation.
	if sum != observations {
		t.Errorf("%d observations were stored, the ledger has %d: %+v", observations, sum, l.Counts)
	}
	if l.Counts["dead"]+l.Counts["rejected"]+l.Counts["no_route"] != 0 {
		t.Errorf("the ledger has %+v, by reason %+v", l.Counts, l.ByReason)
	}
	return l
}

// stored looks every promise up, and for whatever is left half done. It returns how many promises were broken.
func (a *audit) stored(t *testing.T, db *storage.DB, l ledger) (lost int) {
	t.Helper()
	var rows []struct {
		ID     id.ID
		Folded bool
		Name   string
		Alert  bool
		State  string
	}
	if err := db.Read(t.Context()).Raw(`SELECT r.id, r.folded_at IS NOT NULL AS folded, o.name, coalesce(l.state, '') AS state,
		EXISTS (SELECT 1 FROM alerts a WHERE a.fingerprint = o.fingerprint AND a.source = o.source AND a.incident_id IS NOT NULL) AS alert
		FROM receipts r JOIN observations o ON o.receipt_id = r.id
		LEFT JOIN ledger l ON l.receipt_id = o.receipt_id AND l.idx = o.idx`).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	type found struct {
		name                      string
		folded, alert, hasReached bool
	}
	byID := map[string]found{}
	for _, r := range rows {
		byID[r.ID.String()] = found{r.Name, r.Folded, r.Alert, r.State == "delivered"}
	}
	for _, p := range a.load.promises() {
		if f := byID[p.receipt]; f != (found{p.alert, true, true, true}) {
			if lost++; lost < 10 {
				t.Errorf("%s was accepted as receipt %s and is now %+v", p.alert, p.receipt, f)
			}
		}
	}
	for name, q := range map[string]string{
		"deliveries that are not over": `SELECT count(*) FROM deliveries WHERE state NOT IN ('delivered', 'suppressed')`,
		"runs that are not over":       `SELECT count(*) FROM runs WHERE state <> 'succeeded'`,
		"receipts without a body":      `SELECT count(*) FROM receipts r WHERE NOT EXISTS (SELECT 1 FROM receipt_bodies b WHERE b.receipt_id = r.id)`,
		"alerts about the hub itself":  `SELECT count(*) FROM alerts WHERE source = 'incidenthub'`,
		"incidents twice":              `SELECT count(*) - count(DISTINCT group_key) FROM incidents`,
		"messages nobody sent":         `SELECT count(*) FROM messages m WHERE m.driver <> 'inbox' AND NOT EXISTS (SELECT 1 FROM message_attempts a WHERE a.message_id = m.id AND a.verdict = 'done')`,
	} {
		var n int64
		if err := db.Read(t.Context()).Raw(q).Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			t.Errorf("%d %s", n, name)
		}
	}
	intact(t, db)
	if got := l.Counts["delivered"] + l.Counts["suppressed"]; got < int64(len(a.load.promises())) {
		t.Errorf("%d accepted, %d delivered or suppressed", len(a.load.promises()), got)
	}
	return lost
}

// delivered checks that the receiver has every promised alert, under one key, and has said so. It returns how many it has not.
func (a *audit) delivered(t *testing.T, db *storage.DB) (lost int) {
	t.Helper()
	keysOf, arrived := a.receiver.keys(), a.receiver.arrivals()
	for _, p := range a.load.promises() {
		switch keys := keysOf[p.alert]; {
		case len(keys) == 0:
			if lost++; lost < 10 {
				t.Errorf("%s was accepted and never delivered:\n%s", p.alert, story(t, db, p.alert))
			}
		case len(keys) > 1:
			t.Errorf("%s was told under several keys: %q", p.alert, keys)
		case arrived[keys[0]].answered == 0:
			t.Errorf("%s is delivered, but never got an answer", p.alert)
		}
	}
	return lost
}

// explain finds a reason for every repeat: an attempt whose outcome was unknown, or a death while it was on its way. It returns the
// number of repeats.
func (a *audit) explain(t *testing.T, db *storage.DB) (repeats int) {
	t.Helper()
	var rows []struct {
		IdemKey  string
		Attempts int
	}
	if err := db.Read(t.Context()).Raw(`SELECT d.idem_key, (SELECT count(*) FROM message_attempts a WHERE a.message_id = d.message_id) AS attempts
		FROM` + toldElsewhere).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	arrived, trails := a.receiver.arrivals(), a.receiver.came()
	for _, r := range rows {
		n := arrived[r.IdemKey].came
		delete(arrived, r.IdemKey)
		repeats += again(trails[r.IdemKey])
		a.witness.judge(t, r.IdemKey, n, r.Attempts)
	}
	for key, n := range arrived {
		a.witness.repeated(t, key, "it came %d times, and the database does not know it", n.came)
	}
	return repeats
}

// again counts how often a key came that the receiver had taken before.
func again(trail []visit) (n int) {
	taken := false
	for _, v := range trail {
		if taken {
			n++
		}
		taken = taken || !v.refused
	}
	return n
}

// story tells what the database has about an alert.
func story(t *testing.T, db *storage.DB, alert string) string {
	t.Helper()
	var lines []string
	if err := db.Read(t.Context()).Raw(`SELECT 'ledger ' || l.state || ' ' || l.reason || ', run ' || coalesce(r.state, 'none') || ', made ' || r.created_at ||
			', incident ' || coalesce(CAST(r.incident_id AS text), 'none') || ', deliveries: ' || (SELECT coalesce(string_agg(c.driver || ' ' || d.state || ' ' ||
			d.reason || ' ' || d.attempts || ' at ' || d.created_at, '; '), 'none') FROM deliveries d JOIN channels c ON c.id = d.channel_id WHERE d.run_id = r.id) ||
			', trace ' || CAST(l.trace AS text)
		FROM observations o JOIN ledger l ON l.receipt_id = o.receipt_id AND l.idx = o.idx LEFT JOIN runs r ON r.id = l.run_id WHERE o.name = ?`, alert).
		Scan(&lines).Error; err != nil {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

// dump shows what keeps a hub from coming to rest.
func dump(t *testing.T, db *storage.DB) string {
	t.Helper()
	var out strings.Builder
	for _, q := range []string{
		`SELECT 'job ' || kind || ' attempt ' || attempt || ' failures ' || failures || ' rescues ' || rescues || CASE WHEN lease_token IS NULL THEN '' ELSE ' held' END || ' due ' || due_at FROM jobs LIMIT 20`,
		`SELECT 'delivery ' || state || ' ' || reason || ' attempts ' || attempts FROM deliveries WHERE state IN ('pending', 'sending') LIMIT 20`,
		`SELECT 'ledger ' || state || ' ' || reason FROM ledger WHERE state = 'pending' LIMIT 20`,
	} {
		var lines []string
		if err := db.Read(t.Context()).Raw(q).Scan(&lines).Error; err != nil {
			lines = append(lines, err.Error())
		}
		for _, l := range lines {
			out.WriteString(l + "\n")
		}
	}
	return out.String()
}

// engines runs fn on SQLite and on a Postgres that keeps fsync on, at the same time.
func engines(t *testing.T, fn func(t *testing.T, engine, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, "SQLite", "") })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); fn(t, "Postgres", testkit.DurablePostgres(t)) })
}

// alone is for tests whose bars are for a machine with nothing else to do: in the long form they have it to themselves, one engine after the
// other. The short form has them on the engines that short says.
func alone(t *testing.T, short func(*testing.T, func(t *testing.T, engine, url string)), fn func(t *testing.T, engine, url string)) {
	t.Helper()
	if !long() {
		t.Parallel()
		short(t, fn)
		return
	}
	t.Run("sqlite", func(t *testing.T) { fn(t, "SQLite", "") })
	t.Run("postgres", func(t *testing.T) { fn(t, "Postgres", testkit.DurablePostgres(t)) })
}

// slowly is engines for tests that mostly wait: the short form has them on SQLite only.
func slowly(t *testing.T, fn func(t *testing.T, engine, url string)) {
	t.Helper()
	if long() {
		engines(t, fn)
		return
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, "SQLite", "") })
}
