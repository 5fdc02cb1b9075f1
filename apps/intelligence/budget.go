package intelligence

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// spend is what a call has reserved.
type spend struct {
	hour           time.Time
	tokens, micros int64
}

// Notice tells an operator, once a day, that a provider's budget is spent.
type Notice struct {
	Tenant   string
	Provider string
	Limit    string // "60 calls an hour"
	Setting  string // where it is set: "calls_per_hour"
	Until    time.Time
}

const day = 24 * time.Hour

// sums are what a provider has taken.
type sums struct{ calls, tokens, micros int64 }

// reserve counts a call with its estimate, before it is made; why says that there is no room for it. All who reserve for one provider on one
// day wait for each other, so that together they keep to it. The row of the incident is locked before.
func (s *Service) reserve(tx *storage.Tx, t *turn) error {
	q := t.q
	if limit := int64(q.terms.CallsPerIncident); limit > 0 && !q.request.IncidentID.IsZero() && t.calls >= limit {
		t.why = fmt.Sprintf("there were %d calls about this incident: calls_per_incident", t.calls)
		return nil
	}
	now := s.clock.Now()
	hour, today := now.Truncate(time.Hour), now.Truncate(day)
	s.hour(tx, q, today)
	s.hour(tx, q, hour)
	s.forget(tx, q, today)
	var noticed bool
	rows := lockDay.Rows()
	rows.Add(q.request.Tenant, q.who.Name, today)
	tx.Query(lockDay, rows, func(r storage.Row) error { return r.Scan(&noticed) })
	if err := tx.Flush(); err != nil { // what others reserved meanwhile is seen only by statements that begin now
		return err //nolint:wrapcheck // of the queue
	}
	var have sums
	rows = sumDay.Rows()
	rows.Add(q.request.Tenant, q.who.Name, today, today.Add(day), hour)
	tx.Query(sumDay, rows, func(r storage.Row) error { return r.Scan(&have.calls, &have.tokens, &have.micros) })
	if err := tx.Flush(); err != nil {
		return err //nolint:wrapcheck // of the queue
	}
	t.spend = spend{hour: hour}
	t.spend.tokens, t.spend.micros = q.estimate()
	if n := q.over(have, t.spend, now); n != nil {
		t.why = "its limit is reached: " + n.Setting
		if !noticed {
			t.notice = n
			rows = noticeDay.Rows()
			rows.Add(q.request.Tenant, q.who.Name, today)
			tx.Exec(noticeDay, rows)
		}
		return nil
	}
	s.add(tx, q, hour, hourRow{calls: 1, reserved: t.spend.tokens, reservedCost: t.spend.micros})
	return nil
}

// over is the limit that a call would pass, nil for none.
func (q *question) over(have sums, sp spend, now time.Time) *Notice {
	n := &Notice{Tenant: q.request.Tenant, Provider: q.who.Name, Until: now.Truncate(day).Add(day)}
	t := q.terms
	switch {
	case t.CallsPerHour > 0 && have.calls >= int64(t.CallsPerHour):
		n.Limit, n.Setting, n.Until = fmt.Sprintf("%d calls an hour", t.CallsPerHour), "calls_per_hour", now.Truncate(time.Hour).Add(time.Hour)
	case t.TokensPerDay > 0 && have.tokens+sp.tokens > int64(t.TokensPerDay):
		n.Limit, n.Setting = fmt.Sprintf("%d tokens a day", t.TokensPerDay), "tokens_per_day"
	case t.MoneyPerDay > 0 && float64(have.micros+sp.micros) > t.MoneyPerDay*1e6:
		n.Limit, n.Setting = fmt.Sprintf("%g of money a day", t.MoneyPerDay), "money_per_day"
	default:
		return nil
	}
	return n
}

// hour makes the row of an hour.
func (s *Service) hour(tx *storage.Tx, q *question, hour time.Time) {
	rows := insertHour.Rows()
	rows.Add(q.request.Tenant, q.who.Name, hour)
	tx.Exec(insertHour, rows)
}

// forget removes the old hours of a provider, once a day.
func (s *Service) forget(tx *storage.Tx, q *question, today time.Time) {
	key := keyOf(q.request.Tenant, &q.who)
	s.mu.Lock()
	done := s.forgot[key].Equal(today)
	s.forgot[key] = today
	s.mu.Unlock()
	if done {
		return
	}
	rows := pruneHours.Rows()
	rows.Add(q.request.Tenant, q.who.Name, today.Add(-usageKept))
	tx.Exec(pruneHours, rows)
}

// add adds to the counts of an hour.
func (s *Service) add(tx *storage.Tx, q *question, hour time.Time, a hourRow) {
	rows := countHour.Rows()
	rows.Add(q.request.Tenant, q.who.Name, hour, a.calls, a.failed, a.cached, a.refused, a.prompt, a.completion, a.reserved, a.cost, a.reservedCost, a.ms)
	tx.Exec(countHour, rows)
}

// tell passes a notice on.
func (s *Service) tell(n *Notice) {
	if n == nil {
		return
	}
	s.log.WarnContext(s.life, "the budget of a provider is spent: the local analyzer answers", "provider", n.Provider, "limit", n.Limit, "until", n.Until)
	if s.notice == nil {
		return
	}
	s.busy.Add(1)
	go func() {
		defer s.busy.Add(-1)
		ctx, cancel := context.WithTimeout(s.life, bookTime)
		defer cancel()
		if err := s.notice(ctx, *n); err != nil && s.life.Err() == nil {
			s.log.WarnContext(ctx, "tell that a budget is spent", "provider", n.Provider, "error", err)
		}
	}()
}
