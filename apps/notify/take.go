package notify

import (
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

var (
	takeDelivery = storage.Lookup([]storage.Column{storage.Col("ref", storage.UUID), storage.Col("token", storage.UUID)}, `
		SELECT d.id, d.tenant_id, d.channel_id, d.message_id, d.kind, d.state, d.reason, d.attempts, d.created_at, d.expires_at, {now} AS at, d.sending_since,
		       EXISTS (SELECT 1 FROM deliveries o WHERE o.incident_id = d.incident_id AND o.channel_id = d.channel_id
		               AND o.event_seq < d.event_seq AND o.state IN ('pending', 'sending')) AS behind,
		       EXISTS (SELECT 1 FROM channels c WHERE c.id = d.channel_id AND c.is_active) AS open,
		       CASE WHEN d.cause IN ('acknowledged', 'analysis', 'reopened') THEN EXISTS (SELECT 1 FROM deliveries o WHERE o.incident_id = d.incident_id
		               AND o.channel_id = d.channel_id AND o.event_seq < d.event_seq AND (o.state = 'delivered' OR o.reason = 'unknown_outcome'
		                    OR o.state = 'dead' AND EXISTS (SELECT 1 FROM messages m WHERE m.id = o.message_id AND m.sent > 0)))
		            ELSE true END AS follows
		FROM deliveries d WHERE d.id = v.ref
		  AND EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'deliver' AND j.ref = v.ref AND j.node = '' AND j.lease_token = v.token) {skip locked}`)

	takeMessage = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT m.id, m.idem_key, m.title, m.encoding, m.body, m.parts, m.sent, d.trace_id, d.kind, d.severity, d.incident_id, d.id AS delivery_id
		FROM messages m JOIN deliveries d ON d.message_id = m.id WHERE d.id = v.id`)

	// takeThread is the receiver's name for the first message about the incident in the channel.
	takeThread = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT d.id AS delivery_id, m.provider_ref FROM deliveries d
		JOIN deliveries o ON o.incident_id = d.incident_id AND o.channel_id = d.channel_id AND o.event_seq <= d.event_seq
		JOIN messages m ON m.id = o.message_id
		WHERE d.id = v.id AND m.provider_ref <> '' ORDER BY o.event_seq LIMIT 1`)

	markSending = storage.Update("deliveries", []storage.Column{storage.Col("id", storage.UUID), storage.Col("since", storage.Time)},
		"state = 'sending', sending_since = v.since, next_at = NULL", "t.id = v.id", "")
)

// unheard is how long a delivery waits whose channel another process has made or activated, and this one has not heard of yet.
const unheard = time.Second

// locked is how long a delivery waits that a transaction of others holds: to wait for that here, with other deliveries locked, might be
// to wait in a circle.
const locked = 20 * time.Millisecond

// yield is how long a delivery waits that was claimed too early. The one before it may be over at this very moment, and wake nobody: the job
// is held here. So it is looked at again, ever later.
func yield(j queue.Job) time.Duration {
	return min(blocked, time.Second/4<<min(j.Attempt, 8))
}

// take is a claimed delivery on its way to the wire.
type take struct {
	job   queue.Job
	send  *sending // set: send it
	book  *outcome // set: nothing to send, only books to settle
	found bool
}

// do starts what the poller claimed.
func (s *Sender) do(jobs []queue.Job) {
	s.mu.Lock()
	s.got = len(jobs)
	s.mu.Unlock()
	for _, j := range jobs {
		if again, known := s.unbooked.claimed(j); known {
			s.book(again)
			continue
		}
		t := &take{job: j}
		s.wg.Add(1)
		s.takes.Submit(t, func(err error) {
			defer s.wg.Done()
			switch {
			case err != nil:
				if t.send != nil {
					s.cancel(t.send.live.ID, t.send.pass)
				}
				s.log.Warn("take a delivery", "delivery_id", j.Ref, "error", err)
			case t.send != nil:
				s.recall.forget(j.Ref)
				s.send(t.send)
			case t.book != nil:
				if t.book.state == event.StateDead && s.channels.ByID(t.book.channel) != nil { // one that is gone does not fail
					s.health.gaveUp(j.Tenant, t.book)
				}
				s.book(t.book)
			}
		})
	}
}

// applyTakes marks claimed deliveries as being on the wire, in the order rules' favour: none before an earlier one of its
// incident and channel.
func (s *Sender) applyTakes(tx *storage.Tx, takes []*take) error {
	byID := map[id.ID]*take{}
	rows := takeDelivery.Rows()
	for _, t := range takes {
		if t.send != nil { // this batch is done again
			s.cancel(t.send.live.ID, t.send.pass)
		}
		t.send, t.book, t.found = nil, nil, false
		byID[t.job.Ref] = t
		rows.Add(t.job.Ref, t.job.Token)
	}
	var back []queue.Back
	tx.Query(takeDelivery, rows, func(r storage.Row) error {
		b, err := s.consider(r, byID)
		if b != nil {
			back = append(back, *b)
		}
		return err
	})
	if err := tx.Flush(); err != nil {
		return err
	}
	for _, t := range takes {
		if !t.found { // somebody plans around it, or it is not ours any more
			back = append(back, queue.Back{Job: t.job, After: locked})
		}
	}
	marks, bodies, threads := markSending.Rows(), takeMessage.Rows(), takeThread.Rows()
	var late []queue.Job
	for _, t := range takes {
		if t.send == nil {
			continue
		}
		if now := s.clock.Now(); !t.job.Held(now, s.lease*2/3) { // commits are slow: the rest of its lease may not do for a send
			late = append(late, t.job)
			t.send.job.Until = now.Add(s.lease)
		}
		marks.Add(t.job.Ref, tx.Now())
		if t.send.live.Spec.Threads {
			threads.Add(t.job.Ref)
		}
		// What was tried before may have arrived in part, and what is remembered does not say so.
		if m, ok := s.recall.find(t.job.Ref); ok && t.send.attempts == 0 && !t.send.out.Unknown {
			t.send.tell(m)
		} else {
			bodies.Add(t.job.Ref)
		}
	}
	queue.GiveBack(tx, back, nil)
	queue.Extend(tx, late, s.lease, nil)
	tx.Exec(markSending, marks)
	tx.Query(takeMessage, bodies, func(r storage.Row) error {
		var delivery, incident id.ID
		var encoding int
		var body []byte
		var m recalled
		out := &m.out
		if err := r.Scan(&m.message, &out.IdemKey, &out.Title, &encoding, &body, &m.parts, &out.Sent, &out.TraceID, &out.Kind, &out.Severity, &incident,
			&delivery); err != nil {
			return fmt.Errorf("read a message: %w", err)
		}
		var err error
		if out.Body, err = pack.Unpack(encoding, body); err != nil {
			return fmt.Errorf("body of message %s: %w", m.message, err)
		}
		if !incident.IsZero() {
			out.IncidentID = incident.String()
		}
		byID[delivery].send.tell(m)
		return nil
	})
	tx.Query(takeThread, threads, func(r storage.Row) error {
		var delivery id.ID
		var ref string
		if err := r.Scan(&delivery, &ref); err != nil {
			return fmt.Errorf("read a thread: %w", err)
		}
		byID[delivery].send.out.Thread = ref
		return nil
	})
	return nil
}

// tell puts a message on its way; what is known of earlier attempts stays.
func (x *sending) tell(m recalled) {
	m.out.Unknown, m.out.Since, m.out.Anyway, m.out.Thread = x.out.Unknown, x.out.Since, x.out.Anyway, x.out.Thread
	x.message, x.parts, x.out = m.message, m.parts, m.out
}

// consider decides about one claimed delivery: send it, settle it, or give it back for later.
func (s *Sender) consider(r storage.Row, byID map[id.ID]*take) (*queue.Back, error) {
	var delivery, ch, message id.ID
	var tenant, state, reason string
	var kind channel.Kind
	var attempts int
	var created, expires, at, since time.Time
	var behind, open, follows bool
	if err := r.Scan(&delivery, &tenant, &ch, &message, &kind, &state, &reason, &attempts, &created, &expires, &at, &since, &behind, &open, &follows); err != nil {
		return nil, fmt.Errorf("read a delivery: %w", err)
	}
	earlier := channel.Outgoing{Kind: kind}
	switch {
	case reason == unknownOutcome, reason == event.ReasonMayRepeat: // of any attempt
		earlier.Unknown, earlier.Since, earlier.Anyway = true, created, reason == event.ReasonMayRepeat
	case state == event.StateSending: // its lease ran out, or was given back before it was sent
		earlier.Unknown, earlier.Since = true, since
	}
	t := byID[delivery]
	t.found = true
	settle := func(state, reason, detail string) {
		t.book = &outcome{
			job: t.job, channel: ch, message: message, n: attempts, at: s.clock.Now(), state: state, reason: reason, detail: detail, unsent: true,
			unsure: earlier.Unknown,
		}
	}
	left := expires.Sub(at) // by the database's clock: others may have another one
	live := s.channels.ByID(ch)
	switch {
	case state != event.StatePending && state != event.StateSending:
		settle(state, "", "")
	case t.job.Rescues > maxRescues:
		settle(event.StateDead, event.ReasonPoison, "")
	case live == nil && open:
		return &queue.Back{Job: t.job, After: unheard}, nil
	case live == nil:
		settle(event.StateDead, "channel_gone", "")
	case live.Off != "":
		settle(event.StateSuppressed, event.ReasonChannelOff, live.Off)
	case left < 0:
		settle(event.StateDead, "expired", "")
	case behind:
		return &queue.Back{Job: t.job, After: yield(t.job)}, nil
	case !follows:
		settle(event.StateSuppressed, event.ReasonNobodyTold, "the channel never heard that the incident is on")
	case mute(earlier, live.Spec):
		settle(event.StateSuppressed, unknownOutcome, mayBeThere)
	default:
		pass, wait, ok := s.reserve(ch)
		if !ok {
			return &queue.Back{Job: t.job, After: wait}, nil
		}
		t.send = &sending{job: t.job, live: live, attempts: attempts, expires: s.clock.Now().Add(left), pass: pass, out: earlier}
	}
	return nil, nil //nolint:nilnil // nothing goes back
}

// mayBeThere explains a delivery that is dropped.
const mayBeThere = "an earlier attempt may have arrived, and the channel cannot tell a repeat from news"

// mute reports whether a message is dropped rather than sent again: it may be there already, the receiver would show it twice, and it
// is not worth that.
func mute(o channel.Outgoing, spec channel.Spec) bool {
	return o.Drops() && !spec.Repeatable && !spec.Finds
}
