//go:build unix

package crashtest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// every is the time between two slots of the schedule.
const every = 10 * time.Second

// TestSchedule kills the process that has just fired a slot, again and again: each slot has one run and one message, and none is left out
// while a process is there. Wrong clocks, daylight saving and leap days are tests of internal/server and apps/orchestration.
func TestSchedule(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	for engine, url := range map[string]func() string{
		"SQLite": func() string { return "" }, "Postgres": func() string { return testkit.DurablePostgres(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := row(t, "C22", engine, "kill -9 of who fired a slot")
			hubs, r := serversOn(t, url(), nil), newReceiver(t) // with Postgres another process is there meanwhile
			startAll(hubs)
			hubs[0].tell(r)
			config := json.RawMessage(`{"version":"1.0","trigger":{"on":"schedule","cron":"@every 10s"},"nodes":[{"id":"tell","type":"notify","config":{"drivers":["generic"]}}]}`)
			hubs[0].must(http.StatusCreated, http.MethodPost, "/api/v1/definitions", map[string]any{"name": "tick", "config": config})
			db := hubs[0].open(t)
			fired := func() int64 { return number(t, db, `SELECT count(*) FROM schedule_slots WHERE run_id IS NOT NULL`) }
			kills := pick(2, 12)
			for n := range kills {
				for before, began := fired(), time.Now(); fired() == before; time.Sleep(5 * time.Millisecond) {
					if time.Since(began) > 3*every+patience {
						t.Fatal("the schedule does not fire")
					}
				}
				h := hubs[n%len(hubs)]
				h.kill()
				h.start()
			}
			c.faults(kills)
			slots, runs := fired(), number(t, db, `SELECT count(*) FROM runs WHERE origin = 'schedule'`)
			testkit.Eventually(t, patience, func() bool {
				return number(t, db, `SELECT count(*) FROM runs WHERE origin = 'schedule' AND state = 'succeeded'`) >= runs
			}, "a run does not end")
			if n := number(t, db, `SELECT count(*) FROM schedule_slots s WHERE s.run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = s.run_id)`); n != 0 {
				t.Errorf("%d slots without a run", n)
			}
			if n := number(t, db, `SELECT count(*) FROM runs r WHERE r.origin = 'schedule' AND NOT EXISTS (SELECT 1 FROM schedule_slots s WHERE s.run_id = r.id)`); n != 0 {
				t.Errorf("%d runs without a slot", n)
			}
			if n := number(t, db, `SELECT count(*) FROM messages m JOIN deliveries d ON d.message_id = m.id WHERE d.state <> 'delivered' AND d.run_id IN (SELECT id FROM runs WHERE state = 'succeeded')`); n != 0 {
				t.Errorf("%d messages of ended runs were not delivered", n)
			}
			c.say("%d slots, %d runs", slots, runs)
		})
	}
}
