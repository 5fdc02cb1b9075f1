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

// TestEndOfWhatArrivedInPart: who has seen the beginning of a long message hears of the end.
func TestEndOfWhatArrivedInPart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			first channel.Result
			want  []channel.Kind
		}{
			"and goes on":   {channel.Result{Verdict: channel.Retry, Status: 503, Class: "http_503", Sent: 1, RetryAfter: time.Minute}, []channel.Kind{fired, fired, ended}},
			"nothing of it": {channel.Result{Verdict: channel.Retry, Status: 503, Class: "http_503", RetryAfter: time.Minute}, []channel.Kind{fired}},
			"and died":      {channel.Result{Verdict: channel.Permanent, Status: 404, Class: "http_404", Sent: 1}, []channel.Kind{fired, ended}},
		} {
			t.Run(name, func(t *testing.T) {
				o := place("chat", channel.Spec{})
				o.parts = 3
				o.say = func(n int, _ channel.Outgoing) channel.Result {
					if n == 1 {
						return tt.first
					}
					return channel.Result{Verdict: channel.Done, Status: 200}
				}
				e := startEngine(t, db, nil, o)
				x := e.about()
				e.tell(x)
				e.triedOnce(o)
				e.resolve(next(x, 2, event.EventResolved))
				e.dueNow()
				pause(t, time.Second)
				r := e.rests(o)
				if diff := cmp.Diff(tt.want, o.kinds()); diff != "" {
					t.Errorf("sent (-want +got):\n%s\n%+v", diff, r)
				}
			})
		}
	})
}
