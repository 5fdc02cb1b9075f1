package notify_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// outlet is a channel that notes what it is given and answers by a script.
type outlet struct {
	live    *notify.Live
	parts   int
	follows channel.Follows
	say     func(n int, o channel.Outgoing) channel.Result // n from 1; nil: done

	mu  sync.Mutex
	got []channel.Outgoing
}

// place makes a channel with what its driver says of itself.
func place(name string, spec channel.Spec) *outlet {
	o := &outlet{parts: 1}
	o.live = &notify.Live{ID: id.New(), Tenant: tenant, Name: name, Driver: "fake", Spec: spec, Channel: o}
	return o
}

func (o *outlet) Render(n channel.Notice) (channel.Rendered, error) {
	body, err := json.Marshal(map[string]any{"kind": n.Kind, "title": n.Title, "text": n.Text})
	return channel.Rendered{Body: body, Parts: o.parts}, err
}

func (o *outlet) Send(_ context.Context, out channel.Outgoing) channel.Result {
	o.mu.Lock()
	o.got = append(o.got, out)
	n, say := len(o.got), o.say
	o.mu.Unlock()
	if say == nil {
		return channel.Result{Verdict: channel.Done, Status: 200}
	}
	return say(n, out)
}

func (o *outlet) Follows() channel.Follows { return o.follows }

// all are the messages so far.
func (o *outlet) all() []channel.Outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]channel.Outgoing{}, o.got...)
}

// kinds are the kinds of the messages so far.
func (o *outlet) kinds() []channel.Kind {
	out := []channel.Kind{}
	for _, m := range o.all() {
		out = append(out, m.Kind)
	}
	return out
}

// engine is the delivery engine alone, on a real database.
type engine struct {
	t       *testing.T
	db      *storage.DB
	service *notify.Service
	plans   *storage.Queue[*plan]
	stop    func()
}

type plan struct {
	do    func(tx *storage.Tx, b *notify.Batch) error
	batch *notify.Batch
}

const engineLease = 10 * time.Second

func startEngine(t *testing.T, db *storage.DB, hush notify.Hush, outlets ...*outlet) *engine {
	t.Helper()
	return startWith(t, db, setup{hush: hush}, outlets...)
}

// setup is what an engine may have of its own.
type setup struct {
	hush      notify.Hush
	incidents notify.Incidents // nil: a desk
	clock     clock.Clock      // nil: the system's
	runs      notify.Runs      // nil: nobody waits
	idle      bool             // it plans, and leaves sending to others
}

func startWith(t *testing.T, db *storage.DB, set setup, outlets ...*outlet) *engine {
	t.Helper()
	if set.incidents == nil {
		set.incidents = desk{}
	}
	if set.runs == nil {
		set.runs = noRuns{}
	}
	if set.clock == nil {
		set.clock = clock.System()
	}
	live := notify.NewChannels(func(context.Context) ([]*notify.Live, error) {
		var out []*notify.Live
		for _, o := range outlets {
			out = append(out, o.live)
		}
		return out, nil
	})
	if err := live.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	notices, err := notify.NewNotices(redact.New())
	if err != nil {
		t.Fatal(err)
	}
	claims := queue.NewClaims(db, set.clock)
	s, err := notify.New(notify.Config{
		DB: db, Log: slog.New(slog.DiscardHandler), Bell: queue.NewLocal(), Claims: claims, Channels: live, Notices: notices,
		Lease: engineLease, Hush: set.hush, Incidents: set.incidents, Clock: set.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Attach(set.runs)
	e := &engine{t: t, db: db, service: s}
	e.plans = storage.NewQueue(db, storage.QueueOptions{Name: "plan", Max: 1, Workers: 1}, func(tx *storage.Tx, items []*plan) error {
		for _, p := range items {
			jobs := queue.NewWrites(engineLease)
			p.batch = s.Planner.Begin(tx, jobs)
			if err := p.do(tx, p.batch); err != nil {
				return err
			}
			p.batch.Write()
			jobs.Queue(tx)
		}
		return nil
	})
	if !set.idle {
		s.Start()
	}
	e.stop = sync.OnceFunc(func() {
		e.plans.Stop()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
		claims.Stop()
	})
	t.Cleanup(e.stop)
	return e
}

// noRuns is nobody who waits for deliveries.
type noRuns struct{}

func (noRuns) BeginOutcomes(*storage.Tx, *notify.Batch, *queue.Writes) notify.RunBatch {
	return noRuns{}
}
func (noRuns) Load([]id.ID)                                   {}
func (noRuns) Delivered(id.ID, map[string][]event.Told) error { return nil }
func (noRuns) Tell(id.ID, string) (*event.Tell, error)        { return nil, nil }
func (noRuns) Again(id.ID)                                    {}
func (noRuns) Write()                                         {}
func (noRuns) Committed()                                     {}
func (noRuns) Dropped()                                       {}

// in plans something in one transaction.
func (e *engine) in(do func(tx *storage.Tx, b *notify.Batch) error) {
	e.t.Helper()
	p := &plan{do: do}
	if err := e.plans.DoThen(e.t.Context(), p, func(err error) {
		if err == nil {
			p.batch.Committed()
		}
	}); err != nil {
		e.t.Fatal(err)
	}
}

// tell plans an event to all channels, as a notify node does.
func (e *engine) tell(t *event.Tell) (told []event.Told) {
	e.t.Helper()
	if t.RunID.IsZero() {
		t.RunID = id.New()
	}
	if t.Channels == nil {
		t.Channels = []string{"*"}
	}
	e.in(func(tx *storage.Tx, b *notify.Batch) (err error) {
		if t.Incident != nil {
			b.WantIncidents([]id.ID{t.Incident.ID}, nil)
		}
		b.WantKeys([]*event.Tell{t})
		if err := tx.Flush(); err != nil {
			return err
		}
		told, err = b.Tell(t)
		return err
	})
	return told
}

// about is a new incident with one firing alert.
func (e *engine) about(names ...string) *event.Tell {
	e.t.Helper()
	i := incident(e.t, e.db, "Disk full")
	t := &event.Tell{
		Tenant: tenant, TraceID: "trace-1", Event: event.EventOpened, Seq: 1,
		Incident: &event.Incident{ID: i, Title: "Disk full", Status: event.IncidentOpen, Severity: event.SeverityCritical, CreatedAt: started},
	}
	for _, n := range append(names, "Disk full")[:max(1, len(names))] {
		t.Alerts = append(t.Alerts, &event.Alert{ID: id.New(), Name: n, Status: event.StatusFiring, Severity: event.SeverityCritical, Labels: map[string]string{"instance": "web-1"}})
	}
	return t
}

// next is a later event of the same incident.
func next(t *event.Tell, seq int64, kind event.EventKind) *event.Tell {
	one, i := *t, *t.Incident
	one.Incident, one.RunID, one.Seq, one.Event = &i, id.ID{}, seq, kind
	return &one
}

// row is a delivery with its message.
type row struct {
	Kind, State, Reason, Detail, Cause, ProviderRef string
	Attempts, Parts, Sent                           int
	HeldBy                                          id.ID
}

// rows are the deliveries to a channel, by event.
func (e *engine) rows(o *outlet) []row {
	e.t.Helper()
	var out []row
	err := e.db.Read(e.t.Context()).Raw(`SELECT d.kind, d.state, d.reason, d.detail, d.cause, d.attempts, d.held_by, COALESCE(m.provider_ref, '') AS provider_ref,
			COALESCE(m.parts, 0) AS parts, COALESCE(m.sent, 0) AS sent
		FROM deliveries d LEFT JOIN messages m ON m.id = d.message_id WHERE d.channel_id = ? ORDER BY d.event_seq`, o.live.ID).Scan(&out).Error
	if err != nil {
		e.t.Fatal(err)
	}
	return out
}

// rests waits until the channel's deliveries are over, and returns them.
func (e *engine) rests(o *outlet) (out []row) {
	e.t.Helper()
	testkit.Eventually(e.t, time.Minute, func() bool {
		out = e.rows(o)
		for _, r := range out {
			if r.State == event.StatePending || r.State == event.StateSending {
				return false
			}
		}
		return true
	}, "deliveries are not over")
	return out
}

// triedOnce waits until the first try of what the channel is told first is on record.
func (e *engine) triedOnce(o *outlet) {
	e.t.Helper()
	testkit.Eventually(e.t, time.Minute, func() bool { r := e.rows(o); return r[0].Attempts == 1 && r[0].State != event.StateSending }, "no first try")
}

// dueNow makes what waits for its next try due.
func (e *engine) dueNow() {
	e.t.Helper()
	run(e.t, e.db, `UPDATE jobs SET due_at = ? WHERE kind = 'deliver'`, started)
}

// unsure is the answer of a receiver that may have taken it.
func unsure() channel.Result {
	return channel.Result{Verdict: channel.Retry, Class: "timeout", Error: "no answer", RetryAfter: 20 * time.Millisecond}
}
