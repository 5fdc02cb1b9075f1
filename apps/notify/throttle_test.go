package notify_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestThrottle: a channel is told no more than it takes in a time; the rest is told later, by events of their own, the most severe first and
// of those alike the oldest.
func TestThrottle(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		const per = 2 * time.Second
		o, free := narrow(t, db, "narrow", 2, time.Hour), timed(t, db, "free", 0, 0, nil)
		e := startEngine(t, db, nil, o, free)
		begin := time.Now()
		var want []id.ID
		var tells []*event.Tell
		for _, s := range []event.Severity{"info", "info", "warning", "info", "critical", "critical"} {
			x := e.worth(s, "*")
			tells = append(tells, x)
			told := e.tell(x)
			if got := told[slices.IndexFunc(told, func(d event.Told) bool { return d.Channel == "free" })]; got.Status == event.StateSuppressed {
				t.Errorf("a channel without a throttle: %+v", got)
			}
			if d := told[slices.IndexFunc(told, func(d event.Told) bool { return d.Channel == "narrow" })]; len(tells) > 2 {
				if d.Status != event.StateSuppressed || d.Reason != event.ReasonThrottled || !strings.Contains(d.Detail, "at most 2 messages in 1h") || !strings.Contains(d.Detail, " UTC") {
					t.Errorf("number %d: %+v", len(tells), d)
				}
			}
		}
		for _, n := range []int{0, 1, 4, 5, 2, 3} {
			want = append(want, tells[n].Incident.ID)
		}
		if n := e.held(); n != 4 || e.jobs(notify.JobThrottle) != 1 {
			t.Fatalf("%d held, %d jobs", n, e.jobs(notify.JobThrottle))
		}
		e.rests(o)
		e.briefly(o, per)
		e.service.Timers.Start()
		e.settled()
		rows := e.rests(o)
		if took := time.Since(begin); took < 2*per {
			t.Errorf("six messages at two in %s took %s", per, took)
		}
		if diff := cmp.Diff(want, e.sent(o)); diff != "" {
			t.Errorf("told in another order:\n%s", diff)
		}
		late := 0
		for _, r := range rows {
			if r.Cause == "throttle" {
				late++
			}
			if r.State == event.StateDead || r.Cause == "throttle" && (r.State != event.StateDelivered || r.Kind != "firing") {
				t.Errorf("%+v", r)
			}
		}
		if late != 4 || len(o.all()) != 6 || len(free.all()) != 6 {
			t.Errorf("%d late, %d sent, %d sent without a throttle", late, len(o.all()), len(free.all()))
		}
		for _, m := range o.all()[2:] {
			if !strings.Contains(string(m.Body), "This was held back for") {
				t.Errorf("it does not say that it is late: %s", m.Body)
			}
		}
		for n, x := range tells {
			if got, want := e.kindsOf(x.Incident.ID)["retold"], min(n/2, 1); got != want {
				t.Errorf("incident %d has %d events, want %d", n, got, want)
			}
		}
		var unlinked int
		if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM deliveries d WHERE d.reason = 'throttled' AND NOT EXISTS (
			SELECT 1 FROM deliveries o WHERE o.id = d.instead_id AND o.state = 'delivered' AND o.incident_id = d.incident_id)`).Scan(&unlinked).Error; err != nil || unlinked != 0 {
			t.Errorf("%d do not say what told them; %v", unlinked, err)
		}
	})
}

// TestThrottleOfSeveralProcesses: whoever plans and whoever tells later, nothing is told twice and nothing is forgotten.
func TestThrottleOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		const processes, each, most = 3, 12, 7
		o, other := narrow(t, db, "narrow", most, time.Second), narrow(t, db, "other", 2*most, time.Second)
		var engines []*engine
		for range processes {
			engines = append(engines, clocked(t, db, nil, o, other))
		}
		var wg sync.WaitGroup
		all := make([][]*event.Tell, processes)
		for n, e := range engines {
			for range each {
				all[n] = append(all[n], e.fires("*"))
			}
		}
		begin := time.Now()
		for n, e := range engines {
			wg.Go(func() {
				for _, x := range all[n] {
					e.tell(x)
				}
			})
		}
		wg.Wait()
		e := engines[0]
		e.settled()
		e.rests(o)
		e.rests(other)
		if least, took := time.Duration((processes*each-1)/most)*time.Second, time.Since(begin); took < least {
			t.Errorf("it took %s, less than %s", took, least)
		}
		for _, place := range []*outlet{o, other} {
			count := map[string]int{}
			for _, m := range place.all() {
				count[m.IncidentID]++
			}
			for _, list := range all {
				for _, x := range list {
					if n := count[x.Incident.ID.String()]; n != 1 {
						t.Errorf("%s: incident %s was told %d times", place.live.Name, x.Incident.ID, n)
					}
				}
			}
		}
	})
}

// TestThrottlePasses: what does not say that something is on passes, and what a throttle could not tell later.
func TestThrottlePasses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			change func(x *event.Tell)
			want   string // state(reason)
		}{
			"firing":          {func(*event.Tell) {}, "suppressed(throttled)"},
			"again":           {func(x *event.Tell) { x.Event = event.EventRetold }, "suppressed(throttled)"},
			"an update":       {func(x *event.Tell) { x.Event = event.EventSeverityRaised }, "suppressed(throttled)"},
			"a fallback":      {func(x *event.Tell) { x.Cause = "fallback" }, "suppressed(throttled)"},
			"not severe":      {func(x *event.Tell) { x.MinSeverity, x.Incident.Severity = "critical", "info" }, "suppressed(below_min_severity)"},
			"a condition":     {func(x *event.Tell) { x.Suppress = event.ReasonWhen }, "suppressed(when)"},
			"dry":             {func(x *event.Tell) { x.Dry = true }, "suppressed(dry_run)"},
			"the end":         {func(x *event.Tell) { x.Event = event.EventResolved }, "delivered()"},
			"somebody has it": {func(x *event.Tell) { x.Event = event.EventAcknowledged }, "delivered()"},
			"sent again":      {func(x *event.Tell) { x.Event, x.Cause = event.EventRetold, "resend" }, "delivered()"},
			"no incident":     {func(x *event.Tell) { x.Incident, x.Event = nil, "" }, "delivered()"},
		} {
			t.Run(name, func(t *testing.T) {
				o := narrow(t, db, name, 1, time.Hour)
				e := startEngine(t, db, nil, o)
				e.tell(e.fires(name))
				x := e.fires(name)
				x.Seq = 2
				tt.change(x)
				e.tell(x)
				rows := e.rests(o)
				if got := rows[1].State + "(" + rows[1].Reason + ")"; got != tt.want || (rows[1].Detail != "") != (rows[1].Reason == event.ReasonThrottled) {
					t.Errorf("got %s %q, want %s", got, rows[1].Detail, tt.want)
				}
				var held int
				if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM throttle_holds WHERE channel_id = ?`, o.live.ID).Scan(&held).Error; err != nil {
					t.Fatal(err)
				}
				if (held == 1) != (rows[1].Reason == event.ReasonThrottled) {
					t.Errorf("%d held", held)
				}
			})
		}
	})
}

// TestThrottleAndEnds: the end of what was never told is told to nobody, that of what was told passes.
func TestThrottleAndEnds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := narrow(t, db, "narrow", 1, time.Hour)
		e := startEngine(t, db, nil, o)
		told, untold := e.fires("*"), e.fires("*")
		e.tell(told)
		e.tell(untold)
		e.rests(o)
		for n, x := range []*event.Tell{told, untold} {
			run(t, db, `UPDATE incidents SET status = 'resolved' WHERE id = ?`, x.Incident.ID)
			end := next(x, 2, event.EventResolved)
			end.Incident.Status = event.IncidentResolved
			e.in(func(tx *storage.Tx, b *notify.Batch) error {
				b.WantIncidents([]id.ID{x.Incident.ID}, []id.ID{x.Incident.ID})
				if err := tx.Flush(); err != nil {
					return err
				}
				if got := b.Resolve(end, nil); got != 1-n {
					t.Errorf("the end of incident %d is told to %d channels", n, got)
				}
				return nil
			})
		}
		e.rests(o)
		e.briefly(o, time.Second)
		e.service.Timers.Start()
		e.settled()
		e.rests(o)
		if got := o.kinds(); !slices.Equal(got, []channel.Kind{channel.KindFiring, channel.KindResolved}) || e.kindsOf(untold.Incident.ID)["retold"] != 0 {
			t.Errorf("told %v", got)
		}
	})
}
