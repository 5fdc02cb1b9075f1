package notify_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestUnknownOutcome: after an attempt that may have arrived the driver is told so, unless a repeat would be no more than noise.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			spec   channel.Spec
			event  event.EventKind
			first  channel.Result
			second channel.Result
			want   string // state(reason) at the end
			sent   []bool // of each attempt, whether an earlier one may have arrived
		}{
			"repeatable":          {channel.Spec{Repeatable: true}, event.EventAlertAdded, unsure(), channel.Result{}, "delivered()", []bool{false, true}},
			"finds":               {channel.Spec{Finds: true, Threads: true}, event.EventAlertAdded, unsure(), channel.Result{}, "delivered()", []bool{false, true}},
			"blind, an update":    {channel.Spec{}, event.EventAlertAdded, unsure(), channel.Result{}, "suppressed(unknown_outcome)", []bool{false}},
			"blind, a reminder":   {channel.Spec{}, event.EventReminder, unsure(), channel.Result{}, "suppressed(unknown_outcome)", []bool{false}},
			"blind, the firing":   {channel.Spec{}, event.EventOpened, unsure(), channel.Result{}, "delivered()", []bool{false, true}},
			"blind, the end":      {channel.Spec{}, event.EventResolved, unsure(), channel.Result{}, "delivered()", []bool{false, true}},
			"it is known not to":  {channel.Spec{}, event.EventAlertAdded, refused(), channel.Result{}, "delivered()", []bool{false, false}},
			"an answer afterward": {channel.Spec{}, event.EventOpened, unsure(), busy(), "delivered()", []bool{false, true, true}},
			"the driver drops it": {channel.Spec{Finds: true}, event.EventAlertAdded, unsure(), channel.Result{Verdict: channel.Dropped, Error: "no history"}, "suppressed(unknown_outcome)", []bool{false, true}},
		} {
			t.Run(name, func(t *testing.T) {
				o := place("ops", tt.spec)
				o.say = func(n int, _ channel.Outgoing) channel.Result {
					switch {
					case n == 1:
						return tt.first
					case n == 2 && tt.second.Verdict != "":
						return tt.second
					}
					return channel.Result{Verdict: channel.Done, Status: 200}
				}
				e := startEngine(t, db, nil, o)
				x := e.about()
				x.Event = tt.event
				before := time.Now()
				e.tell(x)
				r := e.rests(o)
				if got := r[0].State + "(" + r[0].Reason + ")"; got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				if r[0].State == event.StateSuppressed && r[0].Detail == "" {
					t.Error("it does not say why")
				}
				var sent []bool
				for _, m := range o.all() {
					sent = append(sent, m.Unknown)
					if m.Unknown != !m.Since.IsZero() || m.Unknown && (m.Since.Before(before.Add(-time.Second)) || m.Since.After(time.Now())) {
						t.Errorf("may have arrived since %s", m.Since)
					}
				}
				if diff := cmp.Diff(tt.sent, sent); diff != "" {
					t.Errorf("unknown (-want +got):\n%s", diff)
				}
			})
		}
	})
}

// refused is a receiver that nobody listens at.
func refused() channel.Result {
	return channel.Result{Verdict: channel.Retry, Class: "refused", Error: "refused", RetryAfter: 20 * time.Millisecond}
}

// busy is a receiver that says so.
func busy() channel.Result {
	return channel.Result{Verdict: channel.Retry, Status: 503, Class: "http_503", Error: "busy", RetryAfter: 20 * time.Millisecond}
}

// TestLostProcess: what another process had on the wire when it died may have arrived.
func TestLostProcess(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		blind, sure := place("blind", channel.Spec{}), place("sure", channel.Spec{Repeatable: true})
		first := startEngine(t, db, nil, blind, sure)
		x := first.about()
		x.Event = event.EventAlertAdded
		since := time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)
		blind.say, sure.say = away, away
		first.tell(x)
		first.triedOnce(blind)
		first.triedOnce(sure)
		first.stop()
		run(t, db, `UPDATE deliveries SET state = 'sending', reason = '', sending_since = ?, next_at = NULL`, since)
		run(t, db, `UPDATE jobs SET due_at = ? WHERE kind = 'deliver'`, since)
		n := len(sure.all())
		blind.say, sure.say = nil, nil
		second := startEngine(t, db, nil, blind, sure)
		if r := second.rests(blind); r[0].State != event.StateSuppressed || r[0].Reason != event.ReasonUnknown || r[0].Detail == "" {
			t.Errorf("blind: %+v", r)
		}
		if r := second.rests(sure); r[0].State != event.StateDelivered {
			t.Errorf("sure: %+v", r)
		}
		if last := sure.all()[n:]; len(last) != 1 || !last[0].Unknown || !last[0].Since.Equal(since) {
			t.Errorf("sent again as %+v, since %s", last, since)
		}
	})
}

// TestParts: a retry goes on after the last part that arrived, also in another process, and the books show how far it is.
func TestParts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{})
		o.parts = 3
		var marks []row
		e := &engine{}
		o.say = func(n int, m channel.Outgoing) channel.Result {
			marks = append(marks, e.rows(o)...)
			switch n {
			case 1:
				r := busy()
				r.Sent, r.ProviderRef = 1, "first"
				return r
			case 2:
				r := busy()
				r.Sent, r.ProviderRef = 2, "second"
				return r
			case 3: // a driver that forgets what it was told
				return busy()
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		*e = *startEngine(t, db, nil, o)
		e.tell(e.about())
		r := e.rests(o)
		if want := (row{Kind: "firing", State: "delivered", ProviderRef: "first", Attempts: 4, Parts: 3, Sent: 3}); len(r) != 1 || r[0] != want {
			t.Errorf("got %+v, want %+v", r, want)
		}
		var sent, stored []int
		for _, m := range o.all() {
			sent = append(sent, m.Sent)
		}
		for _, m := range marks {
			stored = append(stored, m.Sent)
		}
		if want := []int{0, 1, 2, 2}; !slices.Equal(sent, want) || !slices.Equal(stored, want) {
			t.Errorf("sent from %v, stored %v, want %v", sent, stored, want)
		}
		var errs []string
		if err := db.Read(t.Context()).Raw(`SELECT error FROM message_attempts ORDER BY n`).Scan(&errs).Error; err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"1 of 3 parts have arrived; busy", "2 of 3 parts have arrived; busy", "2 of 3 parts have arrived; busy", ""}, errs); diff != "" {
			t.Errorf("attempts:\n%s", diff)
		}
		view, err := reader(t, db).Deliveries(t.Context(), tenant, notify.DeliveryFilter{Channel: o.live.ID}, storage.Paging{})
		if err != nil || len(view.Items) != 1 || view.Items[0].Parts != 3 || view.Items[0].Sent != 3 {
			t.Errorf("shown as %+v, %v", view.Items, err)
		}
	})
}

// TestThread: what follows names the first message about its incident in its channel, and only that; it is looked up when it goes out.
func TestThread(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		planned := make(chan struct{})
		threads, flat := place("threads", channel.Spec{Threads: true, Repeatable: true}), place("flat", channel.Spec{Repeatable: true})
		for _, o := range []*outlet{threads, flat} {
			o.say = func(n int, m channel.Outgoing) channel.Result {
				if n == 1 {
					<-planned // what follows is planned before this one has a name
				}
				return channel.Result{Verdict: channel.Done, Status: 200, ProviderRef: fmt.Sprintf("%s/%s", m.IncidentID, m.Kind)}
			}
		}
		e := startEngine(t, db, nil, threads, flat)
		one, two := e.about(), e.about()
		for _, x := range []*event.Tell{one, two} {
			e.tell(x)
			e.tell(next(x, 2, event.EventAlertAdded))
			e.tell(next(x, 3, event.EventResolved))
		}
		close(planned)
		e.rests(threads)
		e.rests(flat)
		var got []string
		for _, m := range threads.all() {
			got = append(got, m.IncidentID+" "+string(m.Kind)+" in "+m.Thread)
		}
		slices.Sort(got)
		var want []string
		for _, x := range []*event.Tell{one, two} {
			i := x.Incident.ID.String()
			want = append(want, i+" firing in ", i+" resolved in "+i+"/firing", i+" updated in "+i+"/firing")
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("threads (-want +got):\n%s", diff)
		}
		for _, m := range flat.all() {
			if m.Thread != "" {
				t.Errorf("a channel without threads got %q", m.Thread)
			}
		}
	})
}

// TestThreadOfParts: a message that arrived in part is its own thread.
func TestThreadOfParts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{Threads: true})
		o.parts = 2
		o.say = func(n int, _ channel.Outgoing) channel.Result {
			if n == 1 {
				r := busy()
				r.Sent, r.ProviderRef = 1, "root"
				return r
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		e := startEngine(t, db, nil, o)
		e.tell(e.about())
		e.rests(o)
		if all := o.all(); len(all) != 2 || all[1].Thread != "root" || all[1].Sent != 1 {
			t.Errorf("sent %+v", all)
		}
	})
}

// TestNeverBegan: what waited in line for a channel that then failed was never on the wire, and the books do not say that it was.
func TestNeverBegan(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{Repeatable: true})
		e := startEngine(t, db, nil, o)
		for range 4 { // how quick it is must be known
			e.tell(e.about())
		}
		e.rests(o)
		o.mu.Lock()
		o.say = func(int, channel.Outgoing) channel.Result {
			time.Sleep(5 * time.Millisecond)
			return channel.Result{Verdict: channel.Retry, Status: 503, Class: "http_503", Error: "busy", RetryAfter: time.Hour / 2}
		}
		o.mu.Unlock()
		later := make([]*event.Tell, 300)
		for n := range later {
			later[n] = e.about()
			later[n].RunID, later[n].Channels = id.New(), []string{"*"}
		}
		e.in(func(_ *storage.Tx, b *notify.Batch) error {
			for n := range later {
				x := later[n]
				if _, err := b.Tell(x); err != nil {
					return err
				}
			}
			return nil
		})
		testkit.Eventually(t, time.Minute, func() bool {
			var n int64
			err := db.Read(t.Context()).Table("deliveries").Where("state = 'sending'").Count(&n).Error
			return err == nil && n == 0
		}, "deliveries that were never sent say that they are on the wire")
		var tried, untried int64
		if err := db.Read(t.Context()).Table("deliveries").Where("state = 'pending' AND attempts = 0 AND reason = ''").Count(&untried).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Read(t.Context()).Table("deliveries").Where("state = 'pending' AND attempts > 0").Count(&tried).Error; err != nil {
			t.Fatal(err)
		}
		if untried == 0 || tried == 0 {
			t.Errorf("%d were tried, %d were not", tried, untried)
		}
	})
}
