package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
)

// Booking while the database is away.
const (
	bookRetry = 250 * time.Millisecond
	bookLimit = 5 * time.Minute // then the outcome is forgotten, and the delivery goes by what the queue knows
)

// unbooked are the outcomes that this process knows and the database does not. An outage may be longer than a lease: the queue
// then hands a delivery out again that has been sent. Within this process it goes to the outcome that waits for it instead of to
// the wire.
type unbooked struct {
	mu   sync.Mutex
	byID map[id.ID]*unbookedOutcome // by delivery
}

type unbookedOutcome struct {
	outcome *outcome
	flying  bool       // handed to the writer, or about to be
	renewed *queue.Job // the job as it was claimed anew meanwhile
}

// begin notes an outcome that is about to be booked.
func (u *unbooked) begin(o *outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID == nil {
		u.byID = map[id.ID]*unbookedOutcome{}
	}
	e := u.byID[o.job.Ref]
	if e == nil || e.outcome != o {
		e = &unbookedOutcome{outcome: o}
		u.byID[o.job.Ref] = e
	}
	e.flying = true
	if e.renewed != nil {
		o.job, e.renewed = *e.renewed, nil
	}
}

// claimed looks for the outcome of a delivery that was claimed. known: it must not be sent; again is set when the outcome has to be
// booked once more, by the new job.
func (u *unbooked) claimed(j queue.Job) (again *outcome, known bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	e := u.byID[j.Ref]
	switch {
	case e == nil:
		return nil, false
	case e.flying:
		e.renewed = &j
		return nil, true
	default:
		e.outcome.job = j
		return e.outcome, true
	}
}

// committed is called after a commit. When the fence had held the outcome is stored, and a job that was claimed since is a new
// attempt (take). When it had not, somebody claimed the delivery before: if it was this process the outcome is booked again by the
// new job, else the entry stays for as long as the claim may take to get here.
func (u *unbooked) committed(o *outcome, keep func(func())) (again *outcome, take *queue.Job) {
	u.mu.Lock()
	defer u.mu.Unlock()
	e := u.byID[o.job.Ref]
	if e == nil || e.outcome != o {
		return nil, nil
	}
	switch {
	case o.held:
		delete(u.byID, o.job.Ref)
		return nil, e.renewed
	case e.renewed != nil:
		return o, nil
	default:
		e.flying = false
		keep(func() { u.forget(o) })
		return nil, nil
	}
}

func (u *unbooked) forget(o *outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if e := u.byID[o.job.Ref]; e != nil && e.outcome == o {
		delete(u.byID, o.job.Ref)
	}
}

// book stores what became of an attempt; while the database is away it keeps trying, so that what was sent is not sent again.
func (s *Sender) book(o *outcome) {
	if o == nil {
		return
	}
	s.unbooked.begin(o)
	s.wg.Add(1)
	s.outcomes.Submit(o, func(err error) {
		if err != nil {
			o.batch.dropped()
			go s.bookLater(o, err)
			return
		}
		defer s.wg.Done()
		o.batch.committed()
		again, take := s.unbooked.committed(o, func(forget func()) { time.AfterFunc(s.lease, forget) })
		if again != nil {
			s.book(again)
		}
		if take != nil {
			s.do([]queue.Job{*take})
		}
	})
}

func (s *Sender) bookLater(o *outcome, err error) {
	defer s.wg.Done()
	level := slog.LevelWarn
	if o.tries++; o.tries > 1 { // once is enough to say it
		level = slog.LevelDebug
	}
	s.log.Log(context.Background(), level, "book a delivery's outcome", "delivery_id", o.job.Ref, "error", err, "tries", o.tries)
	if s.clock.Now().Sub(o.at) < bookLimit && clock.Sleep(context.Background(), bookRetry) == nil {
		s.book(o)
		return
	}
	s.unbooked.forget(o)
}
