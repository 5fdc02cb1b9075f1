package intelligence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// Times of calls that several share.
const (
	shareFor = 10 * time.Second       // so old an answer about an incident may be, for who asks the same of a little more
	lookAt   = 200 * time.Millisecond // how often those who wait for somebody else's call look
	grace    = 5 * time.Second        // a claim is held longer than its call may take
	bookTime = 5 * time.Second        // to write down what came of a call
)

// turn is what a question gets when it comes to be asked: an answer from before, a reason why nobody is asked, somebody else's call to
// wait for, or leave.
type turn struct {
	q     *question
	seen  id.ID         // the claim that it has waited for
	whole time.Duration // that a call may take from now on

	hit    *kept
	class  string
	why    string
	wait   id.ID // the claim of whoever calls now
	claim  id.ID // its own
	calls  int64 // about the incident, so far
	pass   pass
	spend  spend
	notice *Notice
}

// through asks a question as a service does: at most one call is under way about an incident, whichever process makes it.
func (s *Service) through(ctx context.Context, q *question, call func(context.Context) attempt) attempt {
	none := heard{asked: true, prompt: q.in.Prompt.Version, input: q.built.Input, trimmed: q.built.Cut}
	var seen id.ID
	for {
		t, err := s.turn(ctx, q, seen)
		switch {
		case err != nil:
			return attempt{err: &providers.Error{Class: providers.ErrInternal, Err: err}, heard: none}
		case t.hit != nil:
			s.stats.cached(q.who.Name)
			return s.again(q, t.hit, none)
		case t.class != "":
			s.stats.refused(q.who.Name, t.class)
			s.tell(t.notice) //nolint:contextcheck // it outlives who found out
			return attempt{err: &providers.Error{Class: t.class, Err: errors.New(t.why)}, heard: none}
		case t.wait.IsZero():
			q.claim = t.claim
			return s.counted(ctx, q, t, call)
		}
		seen = t.wait
		if err := s.awaits(ctx, q, seen); err != nil {
			return attempt{err: &providers.Error{Class: providers.ErrTimeout, Err: err}, heard: none}
		}
	}
}

// turn decides what a question gets, in one transaction.
func (s *Service) turn(ctx context.Context, q *question, seen id.ID) (*turn, error) {
	t := &turn{q: q, seen: seen, whole: longest}
	if left, limited := clock.Left(ctx); limited {
		t.whole = left
	}
	done := make(chan error, 1)
	s.turns.Submit(t, func(err error) { done <- err })
	select {
	case err := <-done:
		if err != nil {
			t.drop()
			return nil, fmt.Errorf("take a turn at a provider: %w", err)
		}
		return t, nil
	case <-ctx.Done(): // what it gets is given back
		go func() {
			if <-done == nil {
				s.giveBack(t)
			}
			t.drop()
		}()
		return nil, fmt.Errorf("take a turn at a provider: %w", ctx.Err())
	}
}

// giveBack undoes a turn that nobody waited for.
func (s *Service) giveBack(t *turn) {
	if t.claim.IsZero() {
		return
	}
	b := &booking{q: t.q, claim: t.claim, hour: t.spend.hour, key: failedKey + providers.ErrTimeout, add: hourRow{
		calls: -1, reserved: -t.spend.tokens, reservedCost: -t.spend.micros,
	}}
	s.books.Submit(b, func(err error) {
		if err != nil {
			s.log.Warn("give a call back that was not made", "provider", t.q.who.Name, "error", err)
		}
	})
}

func (t *turn) drop() {
	if t.pass.b != nil {
		t.pass.drop()
		t.pass = pass{}
	}
}

// place is what calls are counted by: the incident, or the question where there is none.
func (q *question) place() id.ID {
	if !q.request.IncidentID.IsZero() {
		return q.request.IncidentID
	}
	if q.own.IsZero() { // the first of its tries decides
		copy(q.own[:], q.key())
	}
	return q.own
}

// placeRow is a row of analysis_calls.
type placeRow struct {
	calls              int64
	state              string
	claim              id.ID
	claimedTo          time.Time
	answer             string
	answeredAt, nowish time.Time
}

// failedKey begins the key of an answer that there is none of: a class of errors follows.
const failedKey = "!"

// applyTurns decides what questions get, one after the other.
func (s *Service) applyTurns(tx *storage.Tx, list []*turn) error {
	for _, t := range list {
		t.drop() // of a transaction that is done again
		*t = turn{q: t.q, seen: t.seen, whole: t.whole}
		if err := s.applyTurn(tx, t); err != nil {
			return err
		}
		if err := tx.Flush(); err != nil {
			return err //nolint:wrapcheck // of the queue
		}
	}
	return nil
}

func (s *Service) applyTurn(tx *storage.Tx, t *turn) error {
	done, err := s.shared(tx, t)
	if err != nil {
		return err
	}
	q, add := t.q, hourRow{}
	var ok bool
	switch {
	case done && !t.wait.IsZero():
		return nil
	case t.hit != nil:
		add.cached = 1
	case done:
		add.refused = 1
	default:
		if t.pass, t.class, ok = s.breaker.enter(q.request.Tenant, &q.who); !ok {
			t.why, add.refused = "it failed before, and is left alone for a while", 1
			break
		}
		if err := s.reserve(tx, t); err != nil {
			return err
		}
		if t.why != "" {
			t.drop()
			t.class, add.refused = providers.ErrBudget, 1
			break
		}
		t.claim = q.claim
		if t.claim.IsZero() {
			t.claim = id.New()
		}
		rows := claimPlace.Rows()
		rows.Add(q.place(), q.who.Name, q.state(), t.claim, t.whole+grace, tx.Now())
		tx.Exec(claimPlace, rows)
		return nil
	}
	hour := s.clock.Now().Truncate(time.Hour)
	s.hour(tx, q, hour)
	s.add(tx, q, hour, add)
	return nil
}

// shared finds an answer from before, or somebody who is about to get one. The row of the incident is locked afterwards.
func (s *Service) shared(tx *storage.Tx, t *turn) (done bool, err error) {
	q := t.q
	if t.hit, err = s.kept(tx, q.key()); err != nil || t.hit != nil {
		return true, err
	}
	rows := insertPlace.Rows()
	rows.Add(q.request.Tenant, q.place(), q.who.Name, tx.Now())
	tx.Exec(insertPlace, rows)
	row, err := s.lockPlace(tx, q)
	t.calls = row.calls
	if err != nil || row.state != q.state() || !q.claim.IsZero() && row.claim == q.claim {
		return false, err
	}
	switch {
	case row.claimedTo.After(row.nowish):
		t.wait = row.claim
		return true, nil
	case row.answeredAt.IsZero() || row.answer == "":
		return false, nil
	case row.answer[:1] == failedKey:
		if row.claim == t.seen && !t.seen.IsZero() { // what came to whom it waited for
			t.class, t.why = row.answer[1:], "another call about this incident failed a moment ago"
			return true, nil
		}
		return false, nil
	case row.nowish.Sub(row.answeredAt) > shareFor:
		return false, nil
	}
	t.hit, err = s.kept(tx, row.answer)
	return t.hit != nil, err
}

func (s *Service) lockPlace(tx *storage.Tx, q *question) (placeRow, error) {
	var row placeRow
	rows := lockPlace.Rows()
	rows.Add(q.place(), q.who.Name)
	tx.Query(lockPlace, rows, func(r storage.Row) error {
		return r.Scan(&row.calls, &row.state, &row.claim, &row.claimedTo, &row.answer, &row.answeredAt, &row.nowish)
	})
	return row, tx.Flush()
}

// awaits returns when somebody else's call is over, or ctx is.
func (s *Service) awaits(ctx context.Context, q *question, claim id.ID) error {
	for range 10 { // then the database's clock decides
		if err := clock.Sleep(ctx, lookAt); err != nil {
			return err //nolint:wrapcheck // the time is up
		}
		var row struct {
			Claim     id.ID
			ClaimedTo *time.Time
		}
		if err := s.db.Read(ctx).Raw(seenPlace, q.place(), q.who.Name).Scan(&row).Error; err != nil {
			return fmt.Errorf("look whether a call is over: %w", storage.Classify(err))
		}
		if row.Claim != claim || row.ClaimedTo == nil || !row.ClaimedTo.After(s.db.Now()) {
			return nil
		}
	}
	return nil
}

// counted makes a call that was given leave, and writes down what came of it, whatever happens.
func (s *Service) counted(ctx context.Context, q *question, t *turn, call func(context.Context) attempt) (got attempt) {
	got.err = &providers.Error{Class: providers.ErrInternal, Err: errors.New("it panicked")}
	watch := clock.Start()
	s.busy.Add(1)
	defer s.busy.Add(-1)
	defer func() {
		took := watch.Elapsed()
		why, wait := class(got.err), time.Duration(0)
		if own := (*providers.Error)(nil); errors.As(got.err, &own) {
			wait = own.Wait
		}
		if got.err != nil && ctx.Err() != nil {
			why = providers.ErrTimeout
		}
		if s.life.Err() != nil && got.err != nil {
			t.pass.drop() // this process ends: that says nothing of the provider
		} else {
			t.pass.report(why, wait)
		}
		s.stats.called(q.who.Name, why, took, got.answer, got.cost)
		s.book(context.WithoutCancel(ctx), t, &got, why, took)
	}()
	got = call(ctx)
	return got
}
