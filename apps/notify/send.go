package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Limits of sending.
const (
	slots       = 96               // sends under way at once, half of them to one channel
	claimMax    = 16               // deliveries claimed at once
	maxAttempts = 20               // per message
	maxRescues  = 10               // leases that ran out
	sendTimeout = 20 * time.Second // of one attempt; shorter than the lease
)

// Sender sends deliveries: those born leased in this process and those it claims from the queue.
type Sender struct {
	db       *storage.DB
	clock    clock.Clock
	log      *slog.Logger
	bell     queue.Bell
	lease    time.Duration
	channels *Channels
	breaker  *httpclient.Breaker
	random   func() float64
	takes    *storage.Queue[*take]
	outcomes *storage.Queue[*outcome]
	poller   *queue.Poller

	health   *health
	recall   recall
	unbooked unbooked
	life     context.Context // of sends; it ends when stopping takes too long
	cut      context.CancelFunc

	mu                  sync.Mutex
	slots, channelSlots int

	open   bool // this process sends
	used   int
	per    map[id.ID]int
	freed  map[id.ID]clock.Stopwatch // since the channel's last slot was given back
	probed clock.Stopwatch           // since the last claim beside a channel that is stuck
	lines  lines
	looked clock.Stopwatch // since the last look beside channels that are shut
	wanted int             // deliveries in it
	got    int
	wg     sync.WaitGroup
}

// sending is one message on its way.
type sending struct {
	job      queue.Job
	live     *Live
	message  id.ID
	parts    int
	attempts int       // before this one
	expires  time.Time // by this process' clock
	pass     httpclient.Pass
	lined    bool // it has a place in line instead of a slot
	out      channel.Outgoing
}

// busy is how long a delivery waits for a slot of its channel.
const busy = 2 * time.Second

// reserve takes a slot for a channel. When there is none, or the channel's breaker is open, it says when to ask again.
func (s *Sender) reserve(ch id.ID) (pass httpclient.Pass, wait time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || s.used >= s.slots || s.per[ch] >= s.channelSlots {
		return httpclient.Pass{}, busy, false
	}
	if pass, wait, ok = s.breaker.Enter(ch.String()); !ok {
		return pass, wait, false
	}
	s.used++
	s.per[ch]++
	return pass, 0, true
}

// cancel gives a slot back unused.
func (s *Sender) cancel(ch id.ID, pass httpclient.Pass) {
	pass.Abandon()
	s.release(ch)
}

func (s *Sender) release(ch id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used--
	s.freed[ch] = clock.Start()
	if s.per[ch]--; s.per[ch] <= 0 {
		delete(s.per, ch)
		delete(s.freed, ch)
	}
	s.callNext()
}

// A channel all of whose slots are taken is busy, and its next deliveries are best left in the table for a moment; one that has
// given no slot back for stuckAfter is stuck, and then the others' deliveries are looked for every probeEvery.
const (
	stuckAfter = 200 * time.Millisecond
	probeEvery = 50 * time.Millisecond
	lookEvery  = 250 * time.Millisecond // beside channels that are shut: it reads past all that waits for them
)

// room is how many deliveries to claim now: no more than the busiest channel has slots for, since they may all be its own.
func (s *Sender) room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got < s.wanted && s.looked.Elapsed() < lookEvery {
		return 0 // there was no more a moment ago
	}
	room, stuck := min(s.slots-s.used, claimMax), false
	for ch, n := range s.per {
		switch {
		case n < s.channelSlots:
			room = min(room, s.channelSlots-n)
		case s.freed[ch] != (clock.Stopwatch{}) && s.freed[ch].Elapsed() < stuckAfter:
			return 0
		default:
			stuck = true
		}
	}
	if !stuck {
		return room
	}
	if s.probed != (clock.Stopwatch{}) && s.probed.Elapsed() < probeEvery {
		return 0
	}
	s.probed = clock.Start()
	return min(s.slots-s.used, claimMax)
}

// firstGo is how long other processes may take due deliveries that this one could only give back.
const firstGo = 10 * time.Second

// leaveToOthers finds due jobs but those of channels that this process cannot send to now: its slots are taken, or it has not reached them
// for some time. Another process may be better off. What nobody has taken in firstGo is claimed all the same, to be given back for longer.
var leaveToOthers = storage.Lookup([]storage.Column{
	storage.Col("queue", storage.Text), storage.Col("n", storage.Int), storage.Col("channels", storage.Text), storage.Col("since", storage.After),
}, `
	SELECT t.kind, t.ref, t.node, t.tenant_id, t.attempt, t.failures, t.rescues, t.lease_token FROM jobs t
	WHERE t.queue = v.queue AND t.due_at <= {now} AND (t.due_at <= v.since OR NOT EXISTS (
		SELECT 1 FROM deliveries d WHERE d.id = t.ref AND strpos(v.channels, d.channel_id::text) > 0))
	ORDER BY t.due_at LIMIT v.n {skip locked}`)

// choose looks for deliveries to claim; nil: the oldest.
func (s *Sender) choose(n int) (*storage.Statement, *storage.Rows) {
	if s.db.Engine() != storage.Postgres { // nobody else is there
		return nil, nil
	}
	shut := s.shut()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted, s.got = 0, 0; len(shut) == 0 {
		return nil, nil
	}
	s.wanted, s.looked = n, clock.Start()
	rows := leaveToOthers.Rows()
	rows.Add(QueueNotify, n, strings.Join(shut, " "), -firstGo)
	return leaveToOthers, rows
}

// shut are the channels that this process cannot send to now.
func (s *Sender) shut() []string {
	var out []string
	for _, c := range s.breaker.States() {
		if c.State == httpclient.StateOpen {
			out = append(out, c.Destination)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch, n := range s.per {
		if n >= s.channelSlots {
			out = append(out, ch.String())
		}
	}
	return out
}

// send starts an attempt in the slot, or the place in line, that was reserved for it.
func (s *Sender) send(x *sending) {
	if x.lined {
		s.stand(x)
		return
	}
	s.wg.Go(func() { s.try(x) })
}

// try makes an attempt and books it.
func (s *Sender) try(x *sending) {
	o := s.attempt(x)
	if o != nil {
		s.mu.Lock()
		s.lines.answered(x.live.ID, o.latency, o.result.Verdict)
		s.mu.Unlock()
	}
	s.release(x.live.ID)
	s.book(o)
}

func (s *Sender) attempt(x *sending) *outcome {
	o := &outcome{job: x.job, channel: x.live.ID, message: x.message, n: x.attempts + 1, at: s.clock.Now()}
	left := x.job.Until.Sub(o.at)
	if left < time.Second {
		x.pass.Abandon()
		return nil // too late to be sure that nobody else sends it: the queue has it
	}
	ctx, cancel := context.WithTimeout(trace.With(s.life, x.out.TraceID), min(sendTimeout, left-time.Second/2))
	defer cancel()
	failpoint.Hit(failpoint.BeforeSend)
	watch := clock.Start()
	o.result = x.live.Channel.Send(ctx, x.out)
	o.latency = watch.Elapsed()
	o.inParts(x)
	failpoint.Hit(failpoint.AfterSend)
	if s.life.Err() != nil && o.result.Status == 0 && o.result.Verdict != channel.Done {
		x.pass.Abandon()
		o.unsure, o.returned = true, true
		o.state, o.reason = event.StatePending, unsureOf(x)
		return o
	}
	if o.result.Verdict == channel.Retry {
		x.pass.Failure()
	} else {
		x.pass.Success()
	}
	s.judge(o, x)
	s.health.tried(x.live.Tenant, o)
	return o
}

// judge turns an attempt's verdict into the delivery's next state.
func (s *Sender) judge(o *outcome, x *sending) {
	// What may have arrived at one attempt may have so for good, whatever the next ones say.
	o.unsure = x.out.Unknown || o.result.Verdict == channel.Retry && o.result.Status == 0 && !arrivedNowhere(o.result.Class)
	switch o.result.Verdict {
	case channel.Done:
		o.state = event.StateDelivered
		return
	case channel.Permanent:
		o.state, o.reason = event.StateDead, reasonOf(o.result)
		return
	case channel.Dropped:
		if o.result.Class == channel.ClassDisabled {
			o.state, o.reason, o.detail = event.StateSuppressed, event.ReasonChannelOff, o.result.Error
			return
		}
		o.state, o.reason, o.detail = event.StateSuppressed, unknownOutcome, firstOf(o.result.Error, mayBeThere)
		return
	case channel.Retry:
	}
	tries := x.job.Failures + 1 // with this one, since it was made or sent again
	d := min(10*time.Minute, time.Second<<min(tries, 12))
	o.after = d/2 + time.Duration(s.random()*float64(d/2))
	if o.result.RetryAfter > 0 {
		o.after = o.result.RetryAfter
	}
	if tries >= maxAttempts || s.clock.Now().Add(o.after).After(x.expires) {
		o.state, o.reason = event.StateDead, "expired: "+reasonOf(o.result)
		return
	}
	switch o.state = event.StatePending; {
	case o.unsure:
		o.reason = unsureOf(x)
	case o.result.Sent > 0:
		o.reason = event.ReasonInPart
	}
}

// unsureOf is the reason of what waits although it may have arrived.
func unsureOf(x *sending) string {
	if x.out.Anyway {
		return event.ReasonMayRepeat
	}
	return unknownOutcome
}

// inParts brings what a driver says of a long message's parts into bounds, and into what is shown of the attempt.
func (o *outcome) inParts(x *sending) {
	r := &o.result
	if x.parts <= 1 {
		r.Sent = 0
		return
	}
	if r.Sent = min(max(r.Sent, x.out.Sent), x.parts); r.Verdict == channel.Done {
		r.Sent = x.parts
	} else if r.Sent > 0 {
		r.Error = fmt.Sprintf("%d of %d parts have arrived; %s", r.Sent, x.parts, r.Error)
	}
}

// arrivedNowhere lists the errors after which the receiver cannot have the message.
func arrivedNowhere(class string) bool {
	switch class {
	case "refused", "dns", "blocked_address", "tls", "unreachable":
		return true
	default:
		return false
	}
}

func reasonOf(r channel.Result) string {
	if r.Class != "" {
		return r.Class
	}
	return "refused_by_receiver"
}

// Start begins to send: what this process plans, and what is due. Without it all of that is left to other processes.
func (s *Sender) Start() {
	s.mu.Lock()
	s.open = true
	s.mu.Unlock()
	s.health.start()
	s.poller.Start()
}

// handBack is what of the time to stop is kept for handing back what is still on the wire.
const handBack = 4 * time.Second

// Stop ends claiming, waits for sends under way, and books their outcomes. Shortly before ctx ends it cuts off what is still on the
// wire and hands it back to the queue.
func (s *Sender) Stop(ctx context.Context) error {
	s.poller.Stop()
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	late := ctx
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		late, cancel = context.WithDeadline(ctx, end.Add(-handBack))
		defer cancel()
	}
	var err error
	select {
	case <-done:
	case <-late.Done():
		s.cut()
		select {
		case <-done:
		case <-ctx.Done():
			err = fmt.Errorf("wait for outcomes to be stored: %w", ctx.Err())
		}
	}
	s.cut()
	s.takes.Stop()
	s.outcomes.Stop()
	s.health.stop(ctx)
	return err
}
