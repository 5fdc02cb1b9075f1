package notify_test

import (
	"strings"
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

// byState tells what goes by state, with the deliveries looked up as acts and analyses do.
func (e *engine) byState(t *event.Tell, tell func(b *notify.Batch, t *event.Tell) int) (n int) {
	e.t.Helper()
	e.in(func(tx *storage.Tx, b *notify.Batch) error {
		ids := []id.ID{t.Incident.ID}
		b.WantIncidents(ids, ids)
		if !t.RunID.IsZero() {
			b.WantRuns([]id.ID{t.RunID})
		}
		if err := tx.Flush(); err != nil {
			return err
		}
		n = tell(b, t)
		return nil
	})
	return n
}

func (e *engine) acknowledge(t *event.Tell) int {
	e.t.Helper()
	t.Incident.Status = event.IncidentAcknowledged
	return e.byState(t, (*notify.Batch).Acknowledge)
}

func (e *engine) resolve(t *event.Tell) int {
	e.t.Helper()
	t.Incident.Status = event.IncidentResolved
	return e.byState(t, func(b *notify.Batch, t *event.Tell) int { return b.Resolve(t, nil) })
}

const (
	fired   = channel.KindFiring
	acked   = channel.KindAcknowledged
	ended   = channel.KindResolved
	changed = channel.KindUpdated
)

// TestAcknowledged: who was told, and wants to know, hears that somebody takes care of it; nobody else does.
func TestAcknowledged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		follows := func(o *outlet) *outlet { o.follows = channel.Follows{Acknowledged: true}; return o }
		pager := follows(place("pager", channel.Spec{Repeatable: true}))
		chat := follows(place("chat", channel.Spec{Threads: true}))
		plain := place("plain", channel.Spec{Repeatable: true})
		picky := follows(place("picky", channel.Spec{Repeatable: true})) // its least severity forbids what it once heard
		untold := follows(place("untold", channel.Spec{Repeatable: true}))
		broken := follows(place("broken", channel.Spec{Repeatable: true}))
		broken.say = func(int, channel.Outgoing) channel.Result {
			return channel.Result{Verdict: channel.Permanent, Status: 404, Class: "http_404"}
		}
		e := startEngine(t, db, quietly{id.New()}, pager, chat, plain, picky, untold, broken)
		x := e.about("loud")
		x.Channels = []string{"pager", "chat", "plain", "picky", "broken"}
		e.tell(x)
		for _, o := range []*outlet{pager, chat, plain, picky, broken} {
			e.rests(o)
		}
		picky.live.MinSeverity = "emergency"
		ack := next(x, 2, event.EventAcknowledged)
		ack.By, ack.Alerts[0].Name = "ada", "quiet" // silenced meanwhile
		if n := e.acknowledge(ack); n != 3 {
			t.Errorf("%d are told, want three", n)
		}
		for _, o := range []*outlet{pager, chat, picky} {
			r := e.rests(o)
			if diff := cmp.Diff([]channel.Kind{fired, acked}, o.kinds()); diff != "" || r[1].Cause != "acknowledged" || r[1].State != event.StateDelivered {
				t.Errorf("%s: %+v\n%s", o.live.Name, r, diff)
			}
		}
		if m := chat.all()[1]; !strings.Contains(string(m.Body), "Acknowledged by ada") {
			t.Errorf("told %s", m.Body)
		}
		for _, o := range []*outlet{plain, broken} {
			if len(e.rests(o)) != 1 {
				t.Errorf("%s heard %v", o.live.Name, o.kinds())
			}
		}
		if len(e.rests(untold)) != 0 {
			t.Error("somebody was told who was never told")
		}
		// The end goes to those who were told; after it there is nobody to tell of an acknowledgement.
		if n := e.resolve(next(x, 3, event.EventResolved)); n != 4 {
			t.Errorf("%d are told of the end, want four", n)
		}
		e.rests(pager)
		if n := e.acknowledge(next(x, 5, event.EventAcknowledged)); n != 0 {
			t.Errorf("%d are told of what they do not know", n)
		}
	})
}

// TestAcknowledgedInOrder: it waits for the message that says what it is about, and is of no use when that never arrives.
func TestAcknowledgedInOrder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			last  channel.Result
			kinds []channel.Kind
			want  string
		}{
			"after all": {channel.Result{Verdict: channel.Done, Status: 200}, []channel.Kind{fired, fired, acked}, "delivered()"},
			"never":     {channel.Result{Verdict: channel.Permanent, Status: 404, Class: "http_404"}, []channel.Kind{fired, fired}, "suppressed(nobody_was_told)"},
		} {
			t.Run(name, func(t *testing.T) {
				o := place("pager", channel.Spec{Repeatable: true})
				o.follows.Acknowledged = true
				o.say = func(n int, m channel.Outgoing) channel.Result {
					switch {
					case m.Kind == acked:
						return channel.Result{Verdict: channel.Done, Status: 202}
					case n == 1:
						r := busy()
						r.RetryAfter = time.Minute
						return r
					}
					return tt.last
				}
				e := startEngine(t, db, nil, o)
				x := e.about()
				e.tell(x)
				e.triedOnce(o)
				if n := e.acknowledge(next(x, 2, event.EventAcknowledged)); n != 1 {
					t.Errorf("%d are told", n)
				}
				e.dueNow()
				r := e.rests(o)
				if got := r[1].State + "(" + r[1].Reason + ")"; got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				if diff := cmp.Diff(tt.kinds, o.kinds()); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// TestAcknowledgedTooLate: what was not sent when the incident ends is not sent.
func TestAcknowledgedTooLate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("pager", channel.Spec{Repeatable: true})
		o.follows.Acknowledged = true
		hold := make(chan struct{})
		o.say = func(n int, _ channel.Outgoing) channel.Result {
			if n == 1 {
				<-hold
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		e := startEngine(t, db, nil, o)
		x := e.about()
		e.tell(x)
		testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) == 1 }, "nothing was sent")
		e.acknowledge(next(x, 2, event.EventAcknowledged))
		e.resolve(next(x, 3, event.EventResolved))
		close(hold)
		r := e.rests(o)
		if diff := cmp.Diff([]channel.Kind{fired, ended}, o.kinds()); diff != "" || r[1].Reason != event.ReasonResolvedFirst {
			t.Errorf("%+v\n%s", r, diff)
		}
	})
}

// TestLateAnalysis: it follows in place where the message went out without it, and nowhere else.
func TestLateAnalysis(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		edits := func(o *outlet) *outlet { o.follows = channel.Follows{Analysis: true}; return o }
		chat, other := edits(place("chat", channel.Spec{Threads: true})), edits(place("other", channel.Spec{Threads: true}))
		pager := place("pager", channel.Spec{Repeatable: true})
		e := startEngine(t, db, quietly{id.New()}, chat, other, pager)
		x := e.about("quiet")
		x.Alerts[0].Name = "loud"
		x.Channels = []string{"chat", "pager"}
		e.tell(x)
		theRun := x.RunID
		second := next(x, 2, event.EventRetold)
		second.Channels = []string{"other"}
		e.tell(second)
		for _, o := range []*outlet{chat, other, pager} {
			e.rests(o)
		}
		late := next(x, 3, event.EventAnalysis)
		late.RunID, late.Alerts[0].Name = theRun, "quiet"
		late.Outputs = map[string]any{"intelligence": analysis(false)}
		if n := e.byState(late, (*notify.Batch).Analysis); n != 1 {
			t.Errorf("%d are told of the run's analysis, want the one channel that it told and that can change its message", n)
		}
		r := e.rests(chat)
		if diff := cmp.Diff([]channel.Kind{fired, changed}, chat.kinds()); diff != "" || r[1].Cause != "analysis" {
			t.Errorf("%+v\n%s", r, diff)
		}
		if m := chat.all()[1]; !strings.Contains(string(m.Body), "The journal grows") || !strings.Contains(string(m.Body), "the analysis is ready") {
			t.Errorf("told %s", m.Body)
		}
		byHand := next(x, 4, event.EventAnalysis)
		if n := e.byState(byHand, (*notify.Batch).Analysis); n != 2 {
			t.Errorf("%d are told of an analysis that no run asked for, want both that can change their message", n)
		}
		e.rests(other)
		e.rests(pager)
		if diff := cmp.Diff([]channel.Kind{fired}, pager.kinds()); diff != "" {
			t.Errorf("the pager was called again:\n%s", diff)
		}
		if !e.service.Planner.Follows(tenant) || e.service.Planner.Follows("other") {
			t.Error("who follows analyses?")
		}
	})
}
