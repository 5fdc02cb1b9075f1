package notify_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestThrottleChanges: what is told when there is room is decided then.
func TestThrottleChanges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			change string
			told   int
			stays  bool // held back
		}{
			"still on":       {`UPDATE incidents SET summary = '' WHERE id = ?`, 1, false},
			"resolved":       {`UPDATE incidents SET status = 'resolved' WHERE id = ?`, 0, false},
			"acknowledged":   {`UPDATE incidents SET status = 'acknowledged' WHERE id = ?`, 0, false},
			"closed":         {`UPDATE incidents SET status = 'closed' WHERE id = ?`, 0, false},
			"nothing fires":  {`UPDATE alerts SET status = 'resolved' WHERE incident_id = ?`, 0, false},
			"pruned":         {`DELETE FROM incidents WHERE id = ?`, 0, false},
			"not severe":     {`UPDATE incidents SET severity = 'info' WHERE id = ?`, 0, false},
			"told otherwise": {`UPDATE deliveries SET state = 'delivered', reason = '' WHERE incident_id = ?`, 0, false},
			"the try died":   {`UPDATE deliveries SET state = 'dead', reason = 'http_404' WHERE incident_id = ?`, 1, false},
			"channel is off": {`UPDATE channels SET is_active = false WHERE id IN (SELECT channel_id FROM deliveries WHERE incident_id = ?)`, 0, true},
			"silenced":       {`UPDATE incidents SET summary = '' WHERE id = ?`, 0, true},
		} {
			t.Run(name, func(t *testing.T) {
				o := narrow(t, db, name, 1, time.Hour)
				o.live.MinSeverity = "warning"
				quiet := &switchHush{}
				e := startEngine(t, db, quiet, o)
				first, x := e.fires(name), e.fires(name)
				e.tell(first)
				e.tell(x)
				e.rests(o)
				run(t, db, tt.change, x.Incident.ID)
				quiet.on.Store(name == "silenced")
				e.briefly(o, time.Second)
				e.service.Timers.Start()
				held := func() (n int) {
					if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM throttle_holds WHERE channel_id = ?`, o.live.ID).Scan(&n).Error; err != nil {
						t.Fatal(err)
					}
					return n
				}
				jobs := func() (n int) {
					if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM jobs WHERE kind = 'throttle' AND ref = ?`, o.live.ID).Scan(&n).Error; err != nil {
						t.Fatal(err)
					}
					return n
				}
				switch {
				case name == "silenced":
					testkit.Eventually(t, time.Minute, func() bool {
						var off int
						if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM throttle_holds WHERE channel_id = ? AND look_at > held_at`, o.live.ID).Scan(&off).Error; err != nil {
							t.Fatal(err)
						}
						return off == 1
					}, "it is not put off")
				case tt.stays:
					testkit.Eventually(t, time.Minute, func() bool { return jobs() == 0 }, "the job of a channel that is off stays")
				default:
					testkit.Eventually(t, time.Minute, func() bool { return held() == 0 && jobs() == 0 }, "it is held back for ever")
				}
				e.rests(o)
				if got := len(o.all()) - 1; got != tt.told || (held() == 1) != tt.stays || e.kindsOf(x.Incident.ID)["retold"] != tt.told {
					t.Errorf("told %d, %d held, events %v", got, held(), e.kindsOf(x.Incident.ID))
				}
				if name == "silenced" {
					second := e.fires(name) // whoever is silenced is in nobody's way
					quiet.on.Store(false)
					testkit.Eventually(t, time.Minute, func() bool {
						return e.tell(next(second, int64(2+len(e.rows(o))), event.EventRetold))[0].Status != event.StateSuppressed
					}, "one that is silenced keeps others waiting")
					run(t, db, `UPDATE throttle_holds SET look_at = held_at`)
					run(t, db, `UPDATE jobs SET due_at = created_at WHERE kind = 'throttle'`)
					testkit.Eventually(t, time.Minute, func() bool { return e.kindsOf(x.Incident.ID)["retold"] == 1 }, "the end of the silence does not tell it")
				}
			})
		}
	})
}

// TestThrottleTakenAway: without a throttle all is told at once, with a wider one as much as that takes.
func TestThrottleTakenAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			messages int
			per      time.Duration
			told     int
		}{"taken away": {0, 0, 5}, "wider": {4, time.Hour, 4}, "narrower": {1, time.Hour, 2}} {
			t.Run(name, func(t *testing.T) {
				o := narrow(t, db, name, 2, time.Hour)
				e := startEngine(t, db, nil, o)
				for range 5 {
					e.tell(e.fires(name))
				}
				o.limit(t, db, tt.messages, tt.per)
				run(t, db, `UPDATE jobs SET due_at = created_at WHERE kind = 'throttle' AND ref = ?`, o.live.ID)
				clocked(t, db, nil, o)
				var left int
				testkit.Eventually(t, time.Minute, func() bool {
					if len(e.sent(o)) != tt.told {
						return false
					}
					if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM throttle_holds WHERE channel_id = ?`, o.live.ID).Scan(&left).Error; err != nil {
						t.Fatal(err)
					}
					var waits int
					if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM jobs WHERE kind = 'throttle' AND ref = ? AND due_at > created_at`, o.live.ID).Scan(&waits).Error; err != nil {
						t.Fatal(err)
					}
					return left == 0 || waits == 1
				}, "not told by the new throttle")
				e.rests(o)
				if got := len(o.all()); got != tt.told || left != 5-tt.told {
					t.Errorf("%d told, %d held; want %d", got, left, tt.told)
				}
			})
		}
	})
}

// TestThrottledRoute: while it is held back a repeat is news; once it was told later it is none.
func TestThrottledRoute(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := narrow(t, db, "narrow", 1, time.Hour)
		e := startEngine(t, db, nil, o)
		e.tell(e.fires("*"))
		x := e.fires("*")
		x.DefinitionID = id.New()
		e.tell(x)
		told := func() (yes bool) {
			e.in(func(tx *storage.Tx, b *notify.Batch) error {
				b.WantTold([][2]id.ID{{x.Incident.ID, x.DefinitionID}})
				if err := tx.Flush(); err != nil {
					return err
				}
				yes = b.Told(x.Incident.ID, x.DefinitionID)
				return nil
			})
			return yes
		}
		if told() {
			t.Error("it counts as told while it is held back")
		}
		e.rests(o)
		e.briefly(o, time.Second)
		e.service.Timers.Start()
		e.settled()
		e.rests(o)
		if !told() {
			t.Error("told later, it does not count as told")
		}
	})
}

// TestThrottleAndReminders: reminders are messages like others, and wait for room without an event.
func TestThrottleAndReminders(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := timed(t, db, "ops", time.Second, 0, nil)
		o.limit(t, db, 2, time.Hour)
		e := clocked(t, db, nil, o)
		x := e.fires("*")
		e.tell(x)
		testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) == 2 }, "there is room for a reminder")
		testkit.Eventually(t, time.Minute, func() bool {
			var off int
			if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM jobs WHERE kind = 'remind' AND lease_token IS NULL AND due_at > ?`, time.Now().Add(30*time.Minute).UTC()).Scan(&off).Error; err != nil {
				t.Fatal(err)
			}
			return off == 1
		}, "the next reminder does not wait for room")
		if n := e.kindsOf(x.Incident.ID)["reminder"]; n != 1 || len(o.all()) != 2 || e.held() != 0 {
			t.Errorf("%d events, %d messages, %d held", n, len(o.all()), e.held())
		}
	})
}

// TestThrottleOfProcessThatDied: the job of a process that did not come back is taken up, and tells once.
func TestThrottleOfProcessThatDied(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := narrow(t, db, "narrow", 1, time.Hour)
		e := startEngine(t, db, nil, o)
		e.tell(e.fires("*"))
		x := e.fires("*")
		e.tell(x)
		e.rests(o)
		long := time.Now().Add(-2 * time.Hour).UTC()
		run(t, db, `UPDATE throttle_slots SET used_at = ?`, long)
		run(t, db, `UPDATE jobs SET lease_token = ?, attempt = 1, due_at = ? WHERE kind = 'throttle'`, id.New(), long)
		e.service.Timers.Start()
		clocked(t, db, nil, o)
		e.settled()
		e.rests(o)
		if n := len(o.all()); n != 2 || e.kindsOf(x.Incident.ID)["retold"] != 1 {
			t.Errorf("%d messages, events %v", n, e.kindsOf(x.Incident.ID))
		}
	})
}

// TestHeldBackWhileTheJobEnds: what is held back at the moment in which a job finds nothing left is told as well.
func TestHeldBackWhileTheJobEnds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := narrow(t, db, "narrow", 1, time.Second)
		e := clocked(t, db, nil, o)
		e.tell(e.fires("*"))
		var wg sync.WaitGroup
		writers := []*engine{startEngine(t, db, nil, o), startEngine(t, db, nil, o)}
		tells := make([][]*event.Tell, len(writers))
		for n, w := range writers {
			for range 40 {
				tells[n] = append(tells[n], w.fires("*"))
			}
		}
		for n, w := range writers {
			wg.Go(func() {
				for _, x := range tells[n] {
					w.tell(x)
					run(t, db, `UPDATE incidents SET status = 'acknowledged' WHERE id = ?`, x.Incident.ID)
					run(t, db, `UPDATE jobs SET due_at = ? WHERE kind = 'throttle' AND lease_token IS NULL`, time.Now().Add(-time.Second).UTC())
				}
			})
		}
		wg.Wait()
		e.settled()
		if got := fmt.Sprint(e.held(), e.jobs(notify.JobThrottle)); got != "0 0" {
			t.Error(got)
		}
	})
}
