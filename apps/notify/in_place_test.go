package notify_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestNoFallbackInPlace: what changes a message in place, and wakes nobody, wakes nobody elsewhere when it cannot be shown.
func TestNoFallbackInPlace(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		phone := timed(t, db, "phone", 0, 0, nil)
		chat, slow := timed(t, db, "chat", 0, 0, phone), timed(t, db, "slow", 0, time.Second, phone)
		for _, o := range []*outlet{chat, slow} {
			o.follows = channel.Follows{Analysis: true, Reopened: true}
		}
		chat.say = func(_ int, m channel.Outgoing) channel.Result {
			if m.Kind == changed {
				return gone(0, m)
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		slow.say = func(_ int, m channel.Outgoing) channel.Result {
			if m.Kind == changed {
				return away(0, m)
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		e := clocked(t, db, nil, chat, slow, phone)
		x := e.fires("chat", "slow")
		e.tell(x)
		e.rests(chat)
		e.rests(slow)
		late := next(x, 2, event.EventAnalysis)
		late.Outputs = map[string]any{"intelligence": analysis(false)}
		if n := e.byState(late, (*notify.Batch).Analysis); n != 2 {
			t.Fatalf("%d are told", n)
		}
		testkit.Eventually(t, time.Minute, func() bool { return len(chat.all()) == 2 && len(slow.all()) == 2 }, "no analysis")
		if r := e.rests(chat); r[1].State != event.StateDead {
			t.Fatalf("%+v", r)
		}
		pause(t, 1500*time.Millisecond)
		testkit.Eventually(t, time.Minute, func() bool { return e.jobs(notify.JobFallback) == 0 }, "a job is left")
		if n := len(phone.all()) + len(e.rows(phone)); n != 0 {
			t.Errorf("the phone was told %v: %s", phone.kinds(), phone.bodies())
		}
	})
}
