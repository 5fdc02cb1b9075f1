package notify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// timed is a place whose channel is stored with what the clock goes by.
func timed(t *testing.T, db *storage.DB, name string, renotify, after time.Duration, fallback *outlet) *outlet {
	t.Helper()
	o := place(name, channel.Spec{Repeatable: true})
	o.live.Renotify, o.live.FallbackAfter = renotify, after
	if fallback != nil {
		o.live.Fallback = fallback.live.ID
	}
	run(t, db, `INSERT INTO channels (id, tenant_id, name, driver, renotify_s, fallback_id, fallback_after_s, created_at, updated_at) VALUES (?, ?, ?, 'fake', ?, ?, ?, ?, ?)`,
		o.live.ID, tenant, name, int(renotify/time.Second), o.live.Fallback, int(after/time.Second), started, started)
	return o
}

// fires is about with the incident's alert and event in the tables.
func (e *engine) fires(channels ...string) *event.Tell {
	e.t.Helper()
	x := e.about()
	for _, a := range x.Alerts {
		run(e.t, e.db, `INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key, vendor_group_key,
			incident_id, trace_id, last_seq, occurrences, started_at, received_at, updated_at) VALUES (?, ?, 'test', ?, ?, 'critical', 'firing', '', '{}', '{}', '', '', ?, '', 1, 1, ?, ?, ?)`,
			a.ID, tenant, a.ID.String(), a.Name, x.Incident.ID, started, started, started)
	}
	run(e.t, e.db, `INSERT INTO incident_events (incident_id, seq, tenant_id, kind, actor, details, trace_id, created_at) VALUES (?, 1, ?, 'opened', '', '{}', '', ?)`,
		x.Incident.ID, tenant, started)
	x.Channels = channels
	return x
}

// clocked starts an engine whose timers run.
func clocked(t *testing.T, db *storage.DB, hush notify.Hush, outlets ...*outlet) *engine {
	t.Helper()
	e := startEngine(t, db, hush, outlets...)
	e.service.Timers.Start()
	return e
}

// kindsOf counts the events of an incident by kind.
func (e *engine) kindsOf(incident id.ID) map[string]int {
	e.t.Helper()
	var rows []struct {
		Kind string
		N    int
	}
	if err := e.db.Read(e.t.Context()).Raw(`SELECT kind, count(*) AS n FROM incident_events WHERE incident_id = ? GROUP BY kind`, incident).Scan(&rows).Error; err != nil {
		e.t.Fatal(err)
	}
	out := map[string]int{}
	for _, r := range rows {
		out[r.Kind] = r.N
	}
	return out
}

// jobs are the keys of the timers' jobs that there are.
func (e *engine) jobs(kind string) (n int) {
	e.t.Helper()
	if err := e.db.Read(e.t.Context()).Raw(`SELECT count(*) FROM jobs WHERE queue = 'timers' AND kind = ?`, kind).Scan(&n).Error; err != nil {
		e.t.Fatal(err)
	}
	return n
}

func pause(t *testing.T, d time.Duration) {
	t.Helper()
	if err := clock.Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// TestReminders: each channel is reminded when its own window is over, as an event of the incident, until somebody takes care of it.
func TestReminders(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		fast, slow, never := timed(t, db, "fast", time.Second, 0, nil), timed(t, db, "slow", 3*time.Second, 0, nil), timed(t, db, "never", 0, 0, nil)
		e, other := clocked(t, db, nil, fast, slow, never), clocked(t, db, nil, fast, slow, never)
		begin := time.Now()
		x := e.fires("*")
		e.tell(x)
		testkit.Eventually(t, time.Minute, func() bool { return len(slow.all()) >= 2 && len(fast.all()) >= 4 }, "nobody is reminded")
		run(t, db, `UPDATE incidents SET status = 'acknowledged' WHERE id = ?`, x.Incident.ID)
		took := time.Since(begin)
		e.rests(fast)
		e.rests(slow)
		n, s := len(fast.all()), len(slow.all())
		if most := int(took/time.Second) + 1; n > most {
			t.Errorf("%d messages with a window of a second in %s", n, took)
		}
		if most := int(took/(3*time.Second)) + 1; s > most {
			t.Errorf("%d messages with a window of three seconds in %s", s, took)
		}
		if got := never.kinds(); !slices.Equal(got, []channel.Kind{channel.KindFiring}) {
			t.Errorf("a channel without a window got %v", got)
		}
		for i, m := range fast.all() {
			if want := channel.KindReminder; i > 0 && m.Kind != want {
				t.Errorf("message %d is of kind %s", i, m.Kind)
			}
		}
		testkit.Eventually(t, time.Minute, func() bool { return e.jobs(notify.JobRemind) == 0 }, "jobs stay for an incident that somebody takes care of")
		if len(fast.all()) != n || len(slow.all()) != s {
			t.Errorf("reminded after the acknowledgement: %d and %d, then %d and %d", n, s, len(fast.all()), len(slow.all()))
		}
		if got := e.kindsOf(x.Incident.ID)["reminder"]; got != n+s-2 {
			t.Errorf("%d events for %d reminders", got, n+s-2)
		}
		for _, r := range other.rows(fast)[1:] {
			if r.State != event.StateDelivered || r.Cause != "reminder" {
				t.Errorf("%+v", r)
			}
		}
	})
}

// TestRemindersSayWhatIsKnown: a reminder carries the last analysis of its incident, and so does what is told elsewhere in its place.
func TestRemindersSayWhatIsKnown(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		phone := timed(t, db, "phone", 0, 0, nil)
		ops := timed(t, db, "ops", time.Second, 0, phone)
		analysedAgain := make(chan struct{})
		ops.say = func(n int, _ channel.Outgoing) channel.Result {
			switch {
			case n == 2:
				<-analysedAgain // the next window begins with the end of this one
			case n > 2:
				return channel.Result{Verdict: channel.Permanent, Status: 404, Class: "http_404"}
			}
			return channel.Result{Verdict: channel.Done}
		}
		e := startEngine(t, db, nil, ops, phone)
		x := e.fires("ops")
		analysed := func(summary string) {
			run(t, db, `INSERT INTO analyses (id, tenant_id, incident_id, provider, status, rung, summary, created_at) VALUES (?, ?, ?, 'local', 'succeeded', 'local', ?, ?)`,
				id.New(), tenant, x.Incident.ID, summary, time.Now().UTC())
		}
		e.tell(x)
		analysed("The journal fills the disk.")
		e.service.Timers.Start()
		testkit.Eventually(t, time.Minute, func() bool { return len(ops.all()) == 2 }, "nobody is reminded")
		analysed("The backups fill the disk.")
		close(analysedAgain)
		testkit.Eventually(t, time.Minute, func() bool { return len(phone.all()) >= 1 }, "nobody is told instead")
		for what, of := range map[string]struct {
			body []byte
			want string
		}{
			"beginning":    {ops.all()[0].Body, ""},
			"reminder":     {ops.all()[1].Body, "The journal fills the disk."},
			"next":         {ops.all()[2].Body, "The backups fill the disk."},
			"in its place": {phone.all()[0].Body, "The backups fill the disk."},
		} {
			if said := strings.Contains(string(of.body), "Analysis by"); said != (of.want != "") || !strings.Contains(string(of.body), of.want) {
				t.Errorf("the %s says %s", what, of.body)
			}
		}
	})
}

// TestRemindersThatAreNotDue: what is over, resolved, silenced or not wanted any more is not reminded of.
func TestRemindersThatAreNotDue(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			before string // what happens to the tables after the message
			hush   bool
			stays  int // jobs
		}{
			"resolved":        {`UPDATE incidents SET status = 'resolved' WHERE id = ?`, false, 0},
			"nothing fires":   {`UPDATE alerts SET status = 'resolved' WHERE incident_id = ?`, false, 0},
			"not wanted":      {`UPDATE channels SET renotify_s = 0 WHERE id IN (SELECT channel_id FROM deliveries WHERE incident_id = ?)`, false, 0},
			"channel is off":  {`UPDATE channels SET is_active = false WHERE id IN (SELECT channel_id FROM deliveries WHERE incident_id = ?)`, false, 0},
			"longer window":   {`UPDATE channels SET renotify_s = 3600 WHERE id IN (SELECT channel_id FROM deliveries WHERE incident_id = ?)`, false, 1},
			"silenced":        {`UPDATE incidents SET summary = '' WHERE id = ?`, true, 1},
			"incident pruned": {`DELETE FROM incidents WHERE id = ?`, false, 0},
		} {
			t.Run(name, func(t *testing.T) {
				o := timed(t, db, name, time.Second, 0, nil)
				quiet := &switchHush{}
				e := startEngine(t, db, quiet, o)
				x := e.fires("*")
				e.tell(x)
				e.rests(o)
				quiet.on.Store(tt.hush)
				run(t, db, tt.before, x.Incident.ID)
				e.service.Timers.Start()
				left := func() (n int) {
					if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM jobs WHERE kind = 'remind' AND ref = ?`, x.Incident.ID).Scan(&n).Error; err != nil {
						t.Fatal(err)
					}
					return n
				}
				if tt.stays == 0 {
					testkit.Eventually(t, time.Minute, func() bool { return left() == 0 }, "the job stays")
				} else {
					pause(t, 2500*time.Millisecond)
				}
				if got := o.kinds(); !slices.Equal(got, []channel.Kind{channel.KindFiring}) || left() != tt.stays {
					t.Errorf("told %v, %d jobs", got, left())
				}
				if n := e.kindsOf(x.Incident.ID)["reminder"]; n != 0 {
					t.Errorf("%d events", n)
				}
				if name == "silenced" {
					quiet.on.Store(false)
					testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) > 1 }, "the end of the silence ends the reminders")
				}
			})
		}
	})
}

// TestRemindersGoOnAfterOneThatDied: a reminder that cannot be delivered is not the last, and the next comes a window later.
func TestRemindersGoOnAfterOneThatDied(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	o := timed(t, db, "ops", time.Second, 0, nil)
	o.say = func(n int, _ channel.Outgoing) channel.Result {
		if n == 2 {
			return channel.Result{Verdict: channel.Permanent, Status: 404, Class: "http_404"}
		}
		return channel.Result{Verdict: channel.Done}
	}
	e := clocked(t, db, nil, o)
	e.tell(e.fires("*"))
	testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) >= 3 }, "no reminder after one that died")
	var states []string
	for _, r := range e.rests(o)[:3] {
		states = append(states, r.State)
	}
	if diff := cmp.Diff([]string{"delivered", "dead", "delivered"}, states); diff != "" {
		t.Error(diff)
	}
}

// TestRemindersGoOnAfterManyDeaths: processes that died in windows long past do not add up to a job that nobody can do.
func TestRemindersGoOnAfterManyDeaths(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := timed(t, db, "ops", time.Second, 0, nil)
		e := startEngine(t, db, nil, o)
		x := e.fires("*")
		e.tell(x)
		e.rests(o)
		run(t, db, `UPDATE jobs SET rescues = 10, attempt = 11 WHERE kind = 'remind'`)
		e.service.Timers.Start()
		testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) >= 2 }, "nobody is reminded")
		testkit.Eventually(t, time.Minute, func() bool {
			var n int
			err := db.Read(t.Context()).Raw(`SELECT rescues FROM jobs WHERE kind = 'remind' AND lease_token IS NULL`).Scan(&n).Error
			return err == nil && n == 0 && e.jobs(notify.JobRemind) == 1
		}, "what a reminder survived is held against the next one")
	})
}

// TestAbandonedTimer: the job of a process that died is taken up again, and what it had not committed is told once.
func TestAbandonedTimer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := timed(t, db, "ops", time.Hour, 0, nil)
		e := startEngine(t, db, nil, o)
		x := e.fires("*")
		e.tell(x)
		e.rests(o)
		long := time.Now().Add(-2 * time.Hour).UTC()
		run(t, db, `UPDATE deliveries SET finished_at = ? WHERE incident_id = ?`, long, x.Incident.ID)
		run(t, db, `UPDATE jobs SET lease_token = ?, attempt = 1, due_at = ? WHERE kind = 'remind'`, id.New(), long.Add(time.Hour))
		e.service.Timers.Start()
		second := clocked(t, db, nil, o)
		testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) == 2 }, "nobody took it up again")
		pause(t, 300*time.Millisecond)
		second.rests(o)
		if n := len(o.all()); n != 2 || e.kindsOf(x.Incident.ID)["reminder"] != 1 {
			t.Errorf("%d messages, events %v", n, e.kindsOf(x.Incident.ID))
		}
	})
}

// TestWindowChanges: another window of a channel moves its reminders, and makes those that there are none of yet.
func TestWindowChanges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		none, hours := generic("none", `{"endpoint":"https://a.example"}`), generic("hours", `{"endpoint":"https://b.example"}`)
		hours.Renotify = 4 * time.Hour
		var places []*outlet
		for _, in := range []notify.ChannelInput{none, hours} {
			c := create(t, s, in)
			o := place(in.Name, channel.Spec{Repeatable: true})
			o.live.ID, o.live.Renotify = c.ID, in.Renotify
			places = append(places, o)
		}
		e := startEngine(t, db, nil, places...)
		x := e.fires("*")
		e.tell(x)
		for _, o := range places {
			e.rests(o)
		}
		run(t, db, `UPDATE deliveries SET finished_at = ?`, time.Now().Add(-2*time.Minute).UTC())
		for _, name := range []string{"none", "hours"} {
			c, err := s.Get(t.Context(), tenant, name)
			if err != nil {
				t.Fatal(err)
			}
			in := notify.InputOf(c)
			in.Renotify = time.Minute
			if _, err := s.Update(t.Context(), tenant, name, 0, in); err != nil {
				t.Fatal(err)
			}
			in.Description = "again"
			if _, err := s.Update(t.Context(), tenant, name, 0, in); err != nil {
				t.Fatal(err)
			}
		}
		if n := e.jobs("window"); n != 2 {
			t.Errorf("%d jobs for two changed windows", n)
		}
		e.service.Timers.Start()
		testkit.Eventually(t, time.Minute, func() bool { return len(places[0].all()) == 2 && len(places[1].all()) == 2 }, "the new windows are not kept")
		testkit.Eventually(t, time.Minute, func() bool { return e.jobs("window") == 0 && e.jobs(notify.JobRemind) == 2 }, "changed windows are not forgotten, or their reminders are")
	})
}
