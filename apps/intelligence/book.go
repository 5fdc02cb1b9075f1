package intelligence

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// booking is what is written down of a call. The zero question: old rows are removed.
type booking struct {
	q      *question
	claim  id.ID
	key    string // of the answer, or failedKey and the class; "": the claim is still held
	answer []byte // nil: there is none to keep
	model  string
	cut    bool
	hour   time.Time
	add    hourRow
}

// book writes down what came of a call. What cannot be written is logged: claims end by themselves, and what was reserved counts as spent.
func (s *Service) book(ctx context.Context, t *turn, got *attempt, why string, took time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, bookTime)
	defer cancel()
	q := t.q
	b := &booking{q: q, claim: t.claim, key: failedKey + why, hour: t.spend.hour, add: q.spent(t.spend, got, why)}
	b.add.ms = took.Milliseconds()
	switch {
	case got.err == nil:
		b.key, b.answer, b.model, b.cut = q.key(), s.keeps(q, got), got.answer.Model, got.answer.Cut
	case why == providers.ErrTooLarge && !q.last:
		b.key = "" // it is asked once more
	}
	if err := s.books.Do(ctx, b); err != nil {
		s.log.WarnContext(ctx, "write down what a call took", "provider", q.who.Name, "incident_id", q.request.IncidentID, "error", err)
	}
}

func (s *Service) applyBooks(tx *storage.Tx, list []*booking) error {
	for _, b := range list {
		if b.q == nil {
			s.prune(tx)
			continue
		}
		q := b.q
		if b.key != "" {
			rows := leavePlace.Rows()
			rows.Add(q.place(), q.who.Name, b.claim, b.key)
			tx.Exec(leavePlace, rows)
		}
		if b.answer != nil {
			now := s.clock.Now()
			rows := keepAnswer.Rows()
			rows.Add(b.key, q.request.Tenant, q.who.Name, b.model, string(b.answer), b.cut, now, now.Add(keptFor))
			tx.Exec(keepAnswer, rows)
		}
		s.add(tx, q, b.hour, b.add)
		if err := tx.Flush(); err != nil {
			return err //nolint:wrapcheck // of the queue
		}
	}
	return nil
}

// spent is what a call took, in the place of its estimate. What is not known stays as it was estimated, as far as the provider may have
// worked on it.
func (q *question) spent(sp spend, got *attempt, why string) hourRow {
	out := hourRow{reserved: -sp.tokens, reservedCost: -sp.micros}
	if why != "" {
		out.failed = 1
	}
	switch {
	case got.answer != nil:
		out.prompt, out.completion = int64(q.built.Tokens), sp.tokens-int64(q.built.Tokens)
		if n := got.answer.Usage.Prompt; n != nil {
			out.prompt = *n
		}
		if n := got.answer.Usage.Completion; n != nil {
			out.completion = *n
		}
	case why == providers.ErrTimeout, why == providers.ErrRefusal, why == providers.ErrMalformed, why == providers.ErrInternal:
		out.prompt = int64(q.built.Tokens)
	}
	out.cost = price(q.terms, out.prompt, out.completion)
	return out
}

// Times that rows of calls are kept for.
const (
	callsKept  = 30 * day
	usageKept  = 400 * day
	pruneEvery = 10 * time.Minute
)

// prunes removes old rows from time to time, until the service ends.
func (s *Service) prunes() {
	for clock.Sleep(s.life, pruneEvery) == nil {
		if err := s.books.Do(s.life, &booking{}); err != nil && s.life.Err() == nil {
			s.log.WarnContext(s.life, "remove old answers of providers", "error", fmt.Errorf("prune: %w", err))
		}
	}
}

// prune removes answers that are over and counts of incidents that are old. All of them go by an index, and few are there: budgets bound the calls.
func (s *Service) prune(tx *storage.Tx) {
	now := s.clock.Now()
	for _, one := range []struct {
		delete *storage.Statement
		until  time.Time
	}{{pruneAnswers, now}, {prunePlaces, now.Add(-callsKept)}} {
		rows := one.delete.Rows()
		rows.Add(one.until)
		tx.Exec(one.delete, rows)
	}
}
