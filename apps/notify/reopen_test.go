package notify_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestReopened: messages that say that it is over are changed when somebody opens it again, by state; and then they hear of its next end.
func TestReopened(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		shows := func(name string) *outlet {
			o := place(name, channel.Spec{Threads: true, Finds: true})
			o.follows = channel.Follows{Reopened: true}
			return o
		}
		chat, untold, deaf := shows("chat"), shows("untold"), shows("deaf")
		mail := place("mail", channel.Spec{Repeatable: true})
		deaf.say = func(n int, _ channel.Outgoing) channel.Result {
			if n == 2 { // it has not heard of the end
				return gone(0, channel.Outgoing{})
			}
			return channel.Result{Verdict: channel.Done}
		}
		e := startEngine(t, db, quietly{id.New()}, chat, untold, deaf, mail)
		reopen := func(x *event.Tell, seq int64) int {
			y := next(x, seq, event.EventReopened)
			y.Incident.Status, y.By, y.Alerts[0].Name = event.IncidentOpen, "ada", "quiet" // silences do not apply
			return e.byState(y, (*notify.Batch).Reopen)
		}
		x := e.about("loud")
		x.Channels = []string{"chat", "deaf", "mail"}
		e.tell(x)
		for _, o := range []*outlet{chat, deaf, mail} {
			e.rests(o)
		}
		if n := reopen(x, 2); n != 0 {
			t.Errorf("%d are told that what was never over is open", n)
		}
		if n := e.resolve(next(x, 3, event.EventResolved)); n != 3 {
			t.Errorf("%d are told of the end", n)
		}
		for _, o := range []*outlet{chat, deaf, mail} {
			e.rests(o)
		}
		if n := reopen(x, 4); n != 1 {
			t.Errorf("%d are told that it is open again, want one", n)
		}
		if r := e.rests(chat); len(r) != 3 || r[2].Cause != "reopened" || r[2].State != event.StateDelivered {
			t.Errorf("%+v", r)
		}
		if m := chat.all()[2]; !strings.Contains(string(m.Body), "Update: the incident was reopened.") {
			t.Errorf("told %s", m.Body)
		}
		if n := reopen(x, 5); n != 0 {
			t.Errorf("%d are told what they know", n)
		}
		if n := e.resolve(next(x, 6, event.EventResolved)); n != 2 { // chat, and deaf which has not heard of the first end
			t.Errorf("%d are told of the second end", n)
		}
		e.rests(chat)
		for o, want := range map[*outlet][]channel.Kind{
			chat: {fired, ended, changed, ended}, mail: {fired, ended}, untold: {},
		} {
			if diff := cmp.Diff(want, o.kinds()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", o.live.Name, diff)
			}
		}
	})
}
