package notify

import (
	"fmt"
	"time"

	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Statements of throttles.
var (
	// freeSlot is a message that a channel may have now. One that another transaction is about to take is no longer free; nobody waits for
	// it. It is left to those that were held back when there are any, unless first.
	freeSlot = s.Lookup([]s.Column{s.Col("channel_id", s.UUID), s.Col("before", s.After), s.Col("first", s.Bool)}, `
		SELECT t.slot FROM throttle_slots t WHERE t.channel_id = v.channel_id AND t.used_at <= v.before
			AND (v.first OR NOT EXISTS (SELECT 1 FROM throttle_holds h WHERE h.channel_id = v.channel_id AND h.look_at <= {now}))
		ORDER BY t.used_at LIMIT 1 {skip locked}`)

	// oldestSlot is when the message was planned whose end makes room for the next, and what the time is now.
	oldestSlot = s.Lookup([]s.Column{s.Col("channel_id", s.UUID)}, `
		SELECT t.used_at, {now} AS at FROM throttle_slots t WHERE t.channel_id = v.channel_id ORDER BY t.used_at LIMIT 1`)

	useSlot = s.Update("throttle_slots", []s.Column{s.Col("channel_id", s.UUID), s.Col("slot", s.Int)}, "used_at = {now}",
		"t.channel_id = v.channel_id AND t.slot = v.slot", "")

	// isLate finds out whether a channel is not told of an incident yet.
	isLate = s.Lookup([]s.Column{s.Col("channel_id", s.UUID), s.Col("incident_id", s.UUID)}, `
		SELECT h.event_seq FROM throttle_holds h WHERE h.channel_id = v.channel_id AND h.incident_id = v.incident_id LIMIT 1`)

	// insertLate notes what a channel is not told yet. It waits since the first time, and is looked at again. Of the events the newest counts, though
	// a slow run may tell of an older one after it.
	insertLate = s.Insert("throttle_holds", []s.Column{
		s.Col("channel_id", s.UUID), s.Col("incident_id", s.UUID), s.Col("tenant_id", s.Text), s.Col("event_seq", s.Int), s.Col("held_at", s.After), s.Col("look_at", s.After),
	}, `ON CONFLICT (channel_id, incident_id) DO UPDATE SET
		event_seq = CASE WHEN excluded.event_seq > t.event_seq THEN excluded.event_seq ELSE t.event_seq END, look_at = excluded.look_at`)

	// throttleOf is what a channel wants now, whatever is remembered of it.
	throttleOf = s.Lookup([]s.Column{s.Col("id", s.UUID), s.Col("tenant_id", s.Text)}, `
		SELECT c.throttle_messages, c.throttle_per_s FROM channels c WHERE c.id = v.id AND c.tenant_id || '' = v.tenant_id AND c.is_active`)

	// nextLate is what a channel is told next: the most severe first, of those alike what has waited longest.
	nextLate = s.Lookup([]s.Column{s.Col("channel_id", s.UUID)}, `
		SELECT h.incident_id, h.event_seq, h.held_at FROM throttle_holds h JOIN incidents i ON i.id = h.incident_id
		WHERE h.channel_id = v.channel_id AND h.look_at <= {now} AND i.status || '' = 'open'
		ORDER BY CASE i.severity WHEN 'critical' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END, h.held_at, h.incident_id LIMIT 1`)

	// overLate are incidents that nobody needs to hear of any more. One that others have locked is looked at another time.
	overLate = s.Lookup([]s.Column{s.Col("channel_id", s.UUID), s.Col("n", s.Int)}, `
		SELECT h.channel_id, h.incident_id, h.event_seq FROM throttle_holds h WHERE h.channel_id = v.channel_id
			AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = h.incident_id AND i.status || '' = 'open') LIMIT v.n {skip locked}`)

	// leftLate is when a channel's next is looked at, and what the time is now.
	leftLate = s.Lookup([]s.Column{s.Col("channel_id", s.UUID)}, `
		SELECT h.look_at, {now} AS at FROM throttle_holds h WHERE h.channel_id = v.channel_id ORDER BY h.look_at LIMIT 1`)

	// heardSince finds out whether a channel was told of an incident otherwise, or is about to be. What somebody has sent again says no more than it
	// said before.
	heardSince = s.Lookup([]s.Column{s.Col("incident_id", s.UUID), s.Col("channel_id", s.UUID), s.Col("seq", s.Int)}, `
		SELECT d.event_seq FROM deliveries d WHERE d.incident_id = v.incident_id AND d.channel_id = v.channel_id AND d.event_seq >= v.seq
			AND d.kind IN ('firing', 'updated', 'reminder') AND d.cause <> 'resend'
			AND (d.state IN ('pending', 'sending', 'delivered') OR d.reason = 'unknown_outcome') LIMIT 1`)

	// quietLate are alerts of an incident that a silence holds back, with what became of each event that told of them to a channel, the newest
	// first: those whose last was silenced are told at the end of the silence. As in orchestration's heldWords, a run that no push is behind
	// spoke of an alert only when that was not held yet.
	quietLate = s.Lookup([]s.Column{s.Col("incident_id", s.UUID), s.Col("channel_id", s.UUID)}, `
		WITH w AS (
			SELECT t.event_seq, t.held, r.id AS run_id, r.receipt_id, r.created_at FROM (
				SELECT d.run_id, d.event_seq, CASE WHEN d.reason IN ('silenced', 'maintenance') THEN 1 ELSE 0 END AS held FROM deliveries d
				WHERE d.incident_id = v.incident_id AND d.channel_id = v.channel_id AND d.run_id IS NOT NULL AND d.kind <> 'resolved' AND d.idem_key NOT LIKE 'dry:%'
				UNION ALL SELECT x.run_id, d.event_seq, CASE WHEN d.reason IN ('silenced', 'maintenance') THEN 1 ELSE 0 END AS held FROM deliveries d
				JOIN delivery_routes x ON x.delivery_id = d.id
				WHERE d.incident_id = v.incident_id AND d.channel_id = v.channel_id AND d.kind <> 'resolved' AND d.idem_key NOT LIKE 'dry:%'
			) t JOIN runs r ON r.id = t.run_id WHERE EXISTS (SELECT 1 FROM holds h WHERE h.incident_id = v.incident_id) ORDER BY t.event_seq DESC LIMIT 1000
		)
		SELECT h.alert_id, w.held, w.event_seq FROM w JOIN ledger l ON l.receipt_id = w.receipt_id AND l.run_id = w.run_id
		JOIN holds h ON h.incident_id = v.incident_id AND h.alert_id = l.alert_id
		UNION ALL SELECT h.alert_id, w.held, w.event_seq FROM w JOIN holds h ON h.incident_id = v.incident_id AND w.created_at <= h.held_at WHERE w.receipt_id IS NULL
		ORDER BY event_seq DESC LIMIT 50000`)

	// dropLate is for rows as they were read: an event that was held back since keeps its own.
	dropLate = s.Delete("throttle_holds", []s.Column{s.Col("channel_id", s.UUID), s.Col("incident_id", s.UUID), s.Col("event_seq", s.Int)},
		"t.channel_id = v.channel_id AND t.incident_id = v.incident_id AND t.event_seq = v.event_seq", "")

	putOffLate = s.Update("throttle_holds", []s.Column{s.Col("channel_id", s.UUID), s.Col("incident_id", s.UUID), s.Col("look_at", s.After)},
		"look_at = v.look_at", "t.channel_id = v.channel_id AND t.incident_id = v.incident_id", "")

	// markLate names the delivery that tells what earlier ones did not.
	markLate = s.Update("deliveries", []s.Column{s.Col("incident_id", s.UUID), s.Col("channel_id", s.UUID), s.Col("instead_id", s.UUID)}, "instead_id = v.instead_id",
		"t.incident_id = v.incident_id AND t.channel_id = v.channel_id AND t.state || '' = 'suppressed' AND t.reason = 'throttled' AND t.instead_id IS NULL", "")
)

// scanHere reads a time of the database's clock as what this process' clock shows then: nobody else has that.
func scanHere(tx *s.Tx, to *time.Time) func(s.Row) error {
	return func(r s.Row) error {
		var t, now time.Time
		if err := r.Scan(&t, &now); err != nil {
			return fmt.Errorf("read a throttle: %w", err)
		}
		*to = tx.Now().Add(t.Sub(now))
		return nil
	}
}

// scanOne reads the one column of a row.
func scanOne(to any) func(s.Row) error {
	return func(r s.Row) error {
		if err := r.Scan(to); err != nil {
			return fmt.Errorf("read a throttle: %w", err)
		}
		return nil
	}
}
