package notify

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// A fold plans more deliveries at once than a channel has slots. Those of a channel that answers quickly are leased all the same and wait
// here in line: a slot will be free within milliseconds, and to claim them from the table would cost more than to send them.
const (
	lineMax     = 512                   // that wait in this process
	quickAnswer = 30 * time.Millisecond // of a channel that may have a line
)

// lines are the deliveries that wait for a slot. The sender's lock guards them.
type lines struct {
	n    int // places given away, of deliveries that wait or will when their transaction has committed
	of   map[id.ID][]*sending
	pace map[id.ID]time.Duration // of answers lately
}

// quick reports whether a channel answers fast enough for a line.
func (l *lines) quick(ch id.ID) bool {
	p, known := l.pace[ch]
	return known && p <= quickAnswer
}

// answered notes how long an answer took.
func (l *lines) answered(ch id.ID, took time.Duration, v channel.Verdict) {
	if v != channel.Done {
		delete(l.pace, ch)
		return
	}
	if l.pace == nil {
		l.pace = map[id.ID]time.Duration{}
	}
	if p, known := l.pace[ch]; known {
		took = (7*p + took) / 8
	}
	l.pace[ch] = took
}

// reserveBorn takes a slot, or else a place in line, for a delivery that is being planned.
func (s *Sender) reserveBorn(ch id.ID) (pass httpclient.Pass, lined, ok bool) {
	if pass, _, ok = s.reserve(ch); ok {
		return pass, false, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || s.lines.n >= lineMax || !s.lines.quick(ch) {
		return httpclient.Pass{}, false, false
	}
	s.lines.n++
	return httpclient.Pass{}, true, true
}

// unreserve gives a slot or a place in line back unused.
func (s *Sender) unreserve(ch id.ID, pass httpclient.Pass, lined bool) {
	if !lined {
		s.cancel(ch, pass)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.n--
}

// stand puts a delivery in line, or sends it when a slot is free.
func (s *Sender) stand(x *sending) {
	s.wg.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := x.live.ID
	if s.lines.of == nil {
		s.lines.of = map[id.ID][]*sending{}
	}
	s.lines.of[ch] = append(s.lines.of[ch], x)
	s.callNext()
}

// callNext gives free slots to those who wait; the lock is held.
func (s *Sender) callNext() {
	for ch, waiting := range s.lines.of {
		for len(waiting) > 0 && s.used < s.slots && s.per[ch] < s.channelSlots {
			x := waiting[0]
			waiting[0] = nil
			waiting = waiting[1:]
			s.lines.n--
			s.used++
			s.per[ch]++
			go s.called(x)
		}
		if s.lines.of[ch] = waiting; len(waiting) == 0 {
			delete(s.lines.of, ch)
		}
	}
}

// called sends a delivery that has stood in line. When its channel is in trouble by now it goes back to the queue.
func (s *Sender) called(x *sending) {
	defer s.wg.Done()
	pass, wait, ok := s.breaker.Enter(x.live.ID.String())
	if !ok || s.life.Err() != nil {
		pass.Abandon()
		s.release(x.live.ID)
		s.book(&outcome{
			job: x.job, channel: x.live.ID, message: x.message, n: x.attempts, at: s.clock.Now(), state: event.StatePending, after: wait,
			unsent: true, returned: true, undo: true,
		})
		return
	}
	x.pass = pass
	s.try(x)
}
