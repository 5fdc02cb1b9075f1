package notify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestResendUnsure: what is sent again by hand is marked as a repeat when any attempt at it may have arrived, whatever its kind and whatever
// the last one said; and else it is not.
func TestResendUnsure(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		hopeless := unsure() // the next try would be too late
		hopeless.RetryAfter = 2 * time.Hour
		type marked struct{ unknown, anyway bool }
		for name, tt := range map[string]struct {
			spec  channel.Spec
			event event.EventKind
			says  []channel.Result // until it is dead, and then of the attempts after it was sent again; after those: done
			dead  int              // how many of says end it
			want  []marked         // of the attempts after it was sent again
		}{
			"no answer":             {channel.Spec{}, event.EventOpened, []channel.Result{hopeless}, 1, []marked{{true, true}}},
			"no answer, an update":  {channel.Spec{}, event.EventAlertAdded, []channel.Result{hopeless}, 1, []marked{{true, true}}},
			"no answer, looks":      {channel.Spec{Finds: true, Threads: true}, event.EventAlertAdded, []channel.Result{hopeless}, 1, []marked{{true, true}}},
			"no answer, has a key":  {channel.Spec{Repeatable: true}, event.EventAlertAdded, []channel.Result{hopeless}, 1, []marked{{true, true}}},
			"no answer before a no": {channel.Spec{}, event.EventOpened, []channel.Result{unsure(), gone(0, channel.Outgoing{})}, 2, []marked{{true, true}}},
			"again and again":       {channel.Spec{}, event.EventAlertAdded, []channel.Result{hopeless, unsure(), busy()}, 1, []marked{{true, true}, {true, true}, {true, true}}},
			"a no":                  {channel.Spec{}, event.EventOpened, []channel.Result{gone(0, channel.Outgoing{})}, 1, []marked{{}}},
			"nobody was there":      {channel.Spec{}, event.EventOpened, []channel.Result{refused(), gone(0, channel.Outgoing{})}, 2, []marked{{}}},
			"a no, then no answer":  {channel.Spec{}, event.EventOpened, []channel.Result{gone(0, channel.Outgoing{}), unsure()}, 1, []marked{{}, {true, false}}},
		} {
			t.Run(name, func(t *testing.T) {
				o := timed(t, db, name, 0, 0, nil)
				o.live.Spec = tt.spec
				o.say = func(n int, _ channel.Outgoing) channel.Result {
					if n <= len(tt.says) {
						return tt.says[n-1]
					}
					return channel.Result{Verdict: channel.Done, Status: 200}
				}
				e := clocked(t, db, nil, o)
				x := e.fires("*")
				x.Event = tt.event
				told := e.tell(x)
				if r := e.rests(o); r[0].State != event.StateDead {
					t.Fatalf("%+v", r)
				}
				if _, err := e.service.Resend(t.Context(), tenant, told[0].DeliveryID, "", "ann"); err != nil {
					t.Fatal(err)
				}
				if r := e.rests(o); len(r) != 1 || r[0].State != event.StateDelivered || r[0].Reason != "" {
					t.Errorf("%+v", r)
				}
				var got []marked
				for _, m := range o.all()[tt.dead:] {
					got = append(got, marked{m.Unknown, m.Anyway})
				}
				if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(marked{})); diff != "" {
					t.Errorf("may be there already (-want +got):\n%s", diff)
				}
			})
		}
	})
}

// TestResendOfLost: what a process that died had on the wire may have arrived, also when its time is over since.
func TestResendOfLost(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := timed(t, db, "ops", 0, 0, nil)
		o.live.Spec = channel.Spec{}
		o.say = away
		first := startEngine(t, db, nil, o)
		told := first.tell(first.fires("*"))
		first.triedOnce(o)
		first.stop()
		long := time.Now().Add(-2 * time.Hour).UTC()
		run(t, db, `UPDATE deliveries SET state = 'sending', reason = '', sending_since = ?, next_at = NULL, expires_at = ?`, long, long)
		run(t, db, `UPDATE jobs SET due_at = ? WHERE kind = 'deliver'`, long)
		o.mu.Lock()
		o.say, o.got = nil, nil
		o.mu.Unlock()
		second := startEngine(t, db, nil, o)
		if r := second.rests(o); r[0].State != event.StateDead || r[0].Reason != "expired" {
			t.Fatalf("%+v", r)
		}
		if _, err := second.service.Resend(t.Context(), tenant, told[0].DeliveryID, "", "ann"); err != nil {
			t.Fatal(err)
		}
		second.rests(o)
		if all := o.all(); len(all) != 1 || !all[0].Unknown || !all[0].Anyway || all[0].Since.IsZero() {
			t.Errorf("sent %+v", all)
		}
	})
}
