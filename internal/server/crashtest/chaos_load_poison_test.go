//go:build unix

package crashtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// Pipelines of poison: one whose slow node breaks or never ends, one whose condition is too much work.
const (
	poisoned = `{"version":"1.0","defaults":{"max_retries":2,"backoff_factor":1},"nodes":[
		{"id":"in","type":"ingest","config":{},"next":"look"},
		{"id":"look","type":"context","config":{},"timeout_seconds":2,"next":"tell"},
		{"id":"tell","type":"notify","config":{"channels":["ops"]}}]}`
	heavy = `{"version":"1.0","trigger":{"on":"webhook","priority":50,"match":[{"field":"label:kind","op":"is","value":"heavy"}]},"nodes":[
		{"id":"in","type":"ingest","config":{},"next":"choose"},
		{"id":"choose","type":"condition","required":false,"config":{"expression":"all(1..100000, all(1..100000, # > 0))","then":["tell"]}},
		{"id":"tell","type":"notify","config":{"channels":["ops"]}}]}`
)

// TestPoison sends alerts whose nodes panic, never end, or compute for ever, and damages a delivery and a receipt in the database: each
// hurts only itself and comes to an end that can be seen; others are told as fast as before.
func TestPoison(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C19", engine, "panic, endless node and condition, bad rows")
		h, r := newHub(t, url, map[string]string{"HUB_LEASE": "3s"}), newReceiver(t)
		checked(t, h)
		h.start()
		h.tell(r)
		h.only("poisoned", poisoned, "heavy", heavy)
		n, rate := pick(60, 600), 20
		before := newPulse("Before", h)
		before.run(n, rate)
		calm := before.heard(t, r)

		// A delivery that waits for its next try, and a receipt that waits to be folded, are damaged while they wait.
		r.mu.Lock()
		r.refuse = func(_ int, key string) bool {
			return len(r.keysOf["BadRow"]) > 0 && r.keysOf["BadRow"][0] == key
		}
		r.mu.Unlock()
		if _, ok := h.deliver(push(alert{name: "BadRow"})); !ok {
			t.Fatal("the alert whose delivery is to be damaged was not taken")
		}
		db := h.open(t)
		testkit.Eventually(t, patience, func() bool {
			return number(t, db, `SELECT count(*) FROM deliveries WHERE state = 'pending' AND attempts > 0`) == 1
		}, "the delivery that is to be damaged was not refused")
		bad := r.keys()["BadRow"][0]
		write := func(q string) { // by its key: it may be on its way once more by now
			t.Helper()
			testkit.Eventually(t, patience, func() bool {
				done := db.From(context.WithoutCancel(t.Context())).Exec(q, bad)
				return done.Error == nil && done.RowsAffected == 1
			}, q)
		}
		write(`UPDATE messages SET encoding = 77 WHERE id = (SELECT message_id FROM deliveries WHERE idem_key = ?)`)
		if !long() { // it has had most of its chances
			write(`UPDATE jobs SET rescues = 9 WHERE kind = 'deliver' AND ref = (SELECT id FROM deliveries WHERE idem_key = ?)`)
		}

		var poison []string
		for i := range pick(3, 10) {
			for _, a := range []alert{{name: fmt.Sprintf(panics+"%d", i)}, {name: fmt.Sprintf("Heavy%d", i), kind: "heavy"}} {
				h.deliver(push(a))
				poison = append(poison, a.name)
			}
			if i < 3 { // fewer than there are slots for slow nodes
				h.deliver(push(alert{name: fmt.Sprintf(endless+"%d", i)}))
				poison = append(poison, fmt.Sprintf(endless+"%d", i))
			}
		}
		beside := newPulse("Beside", h)
		beside.run(n, rate)
		ill := beside.heard(t, r)
		l, rest := settle(t, h, db, time.Now())

		var end string
		if err := db.Read(t.Context()).Raw(`SELECT d.state || '(' || d.reason || ')' FROM deliveries d JOIN messages m ON m.id = d.message_id WHERE m.encoding = 77`).Scan(&end).Error; err != nil {
			t.Fatal(err)
		}
		if end != "dead(poison)" {
			t.Errorf("the damaged delivery is %s", end)
		}
		keys := r.keys()
		for _, name := range poison {
			if len(keys[name]) != 1 && !strings.HasPrefix(name, "Heavy") { // a condition that fails chooses nothing
				t.Errorf("%s was told %d times: a node that is not required stops nobody", name, len(keys[name]))
			}
		}
		if broken := number(t, db, `SELECT count(*) FROM node_runs WHERE node = 'look' AND error_type = 'panic'`); broken == 0 {
			t.Error("nothing has panicked")
		}
		if stuck := number(t, db, `SELECT count(*) FROM node_runs WHERE node = 'choose' AND state = 'failed'`); stuck == 0 {
			t.Error("no condition was too much work")
		}
		// 50 ms are nothing that anybody would notice.
		c.within("p99 of others", ill.at(0.99), max(2*calm.at(0.99), calm.at(0.99)+50*time.Millisecond))
		testkit.Eventually(t, patience, h.healthy, "the hub is not ready")
		c.faults(len(poison) + 1)
		c.count(found(l, 2*n+len(poison)+1))
		c.within("p99 of others before", calm.at(0.99), 0)
		c.within("at rest", rest, 0)
		c.say("a damaged delivery is %s", end)
	})
}
