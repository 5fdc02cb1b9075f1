package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// jobAfter brings what waits for a channel (ref) in step with the time after which another one is told; node is the last delivery that was
// looked at.
const jobAfter = "after"

var (
	// impatience is after which time a channel has another one told now; a row only when it has.
	impatience = s.Lookup([]s.Column{s.Col("id", s.UUID), s.Col("tenant_id", s.Text)}, `
		SELECT c.fallback_after_s FROM channels c WHERE c.id = v.id AND c.tenant_id || '' = v.tenant_id AND c.is_active AND c.fallback_id IS NOT NULL`)

	// waitingPage are deliveries that are not over, by id; at is when one was made, of those of the channel that another one may be told
	// instead of. There is no index for the channel's own: the jobs are few, and this is not done often.
	waitingPage = s.Lookup([]s.Column{s.Col("tenant_id", s.Text), s.Col("channel_id", s.Key), s.Col("after", s.Key), s.Col("n", s.Int)}, `
		SELECT j.ref, (SELECT d.created_at FROM deliveries d WHERE d.id = j.ref AND d.channel_id = v.channel_id AND d.state IN ('pending', 'sending')
			AND d.kind IN ('firing', 'updated', 'reminder') AND d.instead_id IS NULL AND d.cause NOT IN ('analysis', 'reopened')) AS at
		FROM jobs j WHERE j.kind = 'deliver' AND j.ref > v.after AND j.tenant_id = v.tenant_id ORDER BY j.ref LIMIT v.n`)
)

// after brings what waits for a channel in step with what it wants now, page by page. A longer time needs nothing: whoever looks too early
// looks again. Neither does a channel that wants no other any more: there will be nothing to tell.
func (w *Timers) after(tx *s.Tx, it *timed) error {
	j := it.job
	last, err := id.Parse(j.Node)
	if err != nil {
		last = id.ID{}
	}
	var after int64
	rows := impatience.Rows()
	rows.Add(j.Ref, j.Tenant)
	tx.Query(impatience, rows, func(r s.Row) error { return r.Scan(&after) })
	held, err := it.fence(tx)
	if err != nil || !held {
		return err
	}
	it.done(tx)
	if after <= 0 || j.Rescues > maxRescues {
		return nil
	}
	n := 0
	rows = waitingPage.Rows()
	rows.Add(j.Tenant, j.Ref, last, windowSize)
	tx.Query(waitingPage, rows, func(r s.Row) error {
		var at time.Time
		if err := r.Scan(&last, &at); err != nil {
			return fmt.Errorf("read what waits: %w", err)
		}
		if n++; !at.IsZero() {
			it.tell.jobs.Ring(tx, queue.New{
				Kind: JobFallback, Ref: last, Tenant: j.Tenant, Queue: QueueTimers, After: max(at.Add(seconds(after)).Sub(tx.Now()), 0),
			})
		}
		return nil
	})
	if err := tx.Flush(); err != nil {
		return err
	}
	if n == windowSize {
		it.tell.jobs.Insert(tx, queue.New{Kind: jobAfter, Ref: j.Ref, Node: last.String(), Tenant: j.Tenant, Queue: QueueTimers})
	}
	return nil
}

// fallbackChanged has what waits for a channel looked at when another one is told instead, or sooner, in the transaction that changes it.
func (s *ChannelService) fallbackChanged(ctx context.Context, was, c Channel) error {
	if !c.IsActive || c.FallbackID.IsZero() || c.FallbackAfterS == 0 ||
		was.IsActive && was.FallbackID == c.FallbackID && was.FallbackAfterS == c.FallbackAfterS {
		return nil
	}
	return s.lookAgain(ctx, jobAfter, c)
}
