package notify

import s "github.com/incidenthub/incidenthub/internal/platform/storage"

// lateState is the state of a delivery d, or of the one that told later what a throttle held back.
const lateState = `CASE WHEN d.reason = 'throttled' AND d.instead_id IS NOT NULL
			THEN COALESCE((SELECT o.state FROM deliveries o WHERE o.id = d.instead_id), d.state) ELSE d.state END`

// seen is of a delivery d that its receiver has, or may have: also one that died when parts of it were there.
const seen = `(d.state = 'delivered' OR d.state = 'suppressed' AND d.reason = 'unknown_outcome'
			OR d.state = 'dead' AND EXISTS (SELECT 1 FROM messages m WHERE m.id = d.message_id AND m.sent > 0))`

// Statements of planning: what an incident's deliveries are like, and new ones.
var (
	// liveDeliveries are those that may still go out. Outcomes lock deliveries of several incidents in the same order.
	liveDeliveries = s.LookupInOrder([]s.Column{s.Col("incident_id", s.UUID)},
		"t.id, t.incident_id, t.channel_id, t.kind, t.event_seq, t.state, t.reason, t.attempts", "deliveries",
		"t.incident_id = v.incident_id AND t.state IN ('pending', 'sending')", "t.id")

	// toldChannels are the last words that the channels of an incident got: that it is on, and that it is over.
	toldChannels = s.Lookup([]s.Column{s.Col("incident_id", s.UUID)}, `
		SELECT v.incident_id AS incident_id, d.channel_id AS channel_id, max(CASE WHEN d.kind = 'resolved' THEN 0 ELSE d.event_seq END) AS said_on,
		       max(CASE WHEN d.kind = 'resolved' THEN d.event_seq ELSE 0 END) AS said_over
		FROM deliveries d WHERE d.incident_id = v.incident_id
			AND `+seen+` GROUP BY d.channel_id`)

	// routeTold says what became of the last event that a route told of an incident, by channel, newest event first. What a throttle held back
	// and was told later is what became of that.
	routeTold = s.Lookup([]s.Column{s.Col("incident_id", s.UUID), s.Col("definition_id", s.Key)}, `
		SELECT d.incident_id, d.definition_id, d.channel_id, d.event_seq, `+lateState+` AS state, d.reason FROM deliveries d
		WHERE d.incident_id = v.incident_id AND d.definition_id = v.definition_id AND d.kind <> 'resolved' AND d.idem_key NOT LIKE 'dry:%'
		UNION ALL SELECT d.incident_id, r.definition_id, d.channel_id, d.event_seq, `+lateState+` AS state, d.reason
		FROM deliveries d JOIN delivery_routes r ON r.delivery_id = d.id
		WHERE d.incident_id = v.incident_id AND r.definition_id = v.definition_id AND d.kind <> 'resolved' AND d.idem_key NOT LIKE 'dry:%'
		ORDER BY event_seq DESC LIMIT 50`)

	sameKey = s.Lookup([]s.Column{s.Col("idem_key", s.Text)}, `
		SELECT t.id, t.idem_key, t.channel_id, t.state, t.reason, t.detail, t.attempts FROM deliveries t WHERE t.idem_key = v.idem_key LIMIT 1`)

	// lockLeft is a delivery that was held back, as it is now.
	lockLeft = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `SELECT t.state, t.reason, t.detail, t.attempts FROM deliveries t WHERE t.id = v.id LIMIT 1 {lock}`)

	runDeliveries = s.Lookup([]s.Column{s.Col("run_id", s.UUID)}, `
		SELECT d.run_id, d.node, d.id, d.channel_id, d.state, d.reason, d.detail, d.attempts, d.instead_id,
		       CASE WHEN d.state = 'dead' THEN COALESCE((SELECT true FROM jobs j WHERE j.kind = 'fallback' AND j.ref = d.id AND j.node = '' LIMIT 1), false)
		            ELSE false END AS owed,
		       EXISTS (SELECT 1 FROM delivery_routes o WHERE o.delivery_id = d.id) AS shared FROM deliveries d WHERE d.run_id = v.run_id
		UNION ALL SELECT r.run_id, r.node, d.id, d.channel_id, d.state, d.reason, d.detail, d.attempts, d.instead_id,
		       CASE WHEN d.state = 'dead' THEN COALESCE((SELECT true FROM jobs j WHERE j.kind = 'fallback' AND j.ref = d.id AND j.node = '' LIMIT 1), false)
		            ELSE false END AS owed, true
		FROM delivery_routes r JOIN deliveries d ON d.id = r.delivery_id WHERE r.run_id = v.run_id`)

	insertDelivery = s.Insert("deliveries", []s.Column{
		s.Col("id", s.UUID), s.Col("tenant_id", s.Text), s.Col("idem_key", s.Text), s.Col("incident_id", s.UUID), s.Col("run_id", s.UUID),
		s.Col("definition_id", s.UUID), s.Col("node", s.Text), s.Col("event_seq", s.Int), s.Col("step", s.Int), s.Col("channel_id", s.UUID), s.Col("kind", s.Text), s.Col("severity", s.Text), s.Col("message_id", s.UUID),
		s.Col("state", s.Text), s.Col("reason", s.Text), s.Col("attempts", s.Int), s.Col("trace_id", s.Text), s.Col("created_at", s.Time),
		s.Col("expires_at", s.After), s.Col("sending_since", s.Time), s.Col("finished_at", s.Time), s.Col("cause", s.Text), s.Col("detail", s.Text), s.Col("held_by", s.UUID),
	}, "")

	reviveDelivery = s.Update("deliveries", []s.Column{
		s.Col("id", s.UUID), s.Col("severity", s.Text), s.Col("message_id", s.UUID), s.Col("state", s.Text), s.Col("reason", s.Text),
		s.Col("attempts", s.Int), s.Col("expires_at", s.After), s.Col("sending_since", s.Time), s.Col("finished_at", s.Time), s.Col("detail", s.Text), s.Col("held_by", s.UUID),
	}, `severity = v.severity, message_id = v.message_id, state = v.state, reason = v.reason, attempts = v.attempts, expires_at = v.expires_at,
		sending_since = v.sending_since, finished_at = v.finished_at, detail = v.detail, held_by = v.held_by`, "t.id = v.id AND t.state = 'suppressed'", "")

	insertMessage = s.Insert("messages", []s.Column{
		s.Col("id", s.UUID), s.Col("tenant_id", s.Text), s.Col("channel_id", s.UUID), s.Col("driver", s.Text), s.Col("idem_key", s.Text),
		s.Col("incident_id", s.UUID), s.Col("severity", s.Text), s.Col("title", s.Text), s.Col("encoding", s.Int), s.Col("body", s.Bytes), s.Col("parts", s.Int),
		s.Col("remark", s.Text), s.Col("created_at", s.Time),
	}, "")

	insertRoute = s.Insert("delivery_routes", []s.Column{
		s.Col("run_id", s.UUID), s.Col("delivery_id", s.UUID), s.Col("tenant_id", s.Text), s.Col("definition_id", s.Key), s.Col("node", s.Text),
	}, "ON CONFLICT (run_id, delivery_id) DO NOTHING")

	// insertHold notes that a silence has kept somebody from hearing of an alert. One row does, however often.
	insertHold = s.Insert("holds", []s.Column{
		s.Col("incident_id", s.UUID), s.Col("alert_id", s.Key), s.Col("tenant_id", s.Text), s.Col("silence_id", s.Key), s.Col("held_at", s.Time),
	}, "ON CONFLICT (incident_id, alert_id) DO NOTHING")

	suppressDelivery = s.Update("deliveries", []s.Column{s.Col("id", s.UUID), s.Col("reason", s.Text), s.Col("finished_at", s.Time)},
		"state = 'suppressed', reason = v.reason, next_at = NULL, finished_at = v.finished_at", "t.id = v.id AND t.state = 'pending'", "")
)
