package notify

import s "github.com/incidenthub/incidenthub/internal/platform/storage"

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
		FROM deliveries d WHERE d.incident_id = v.incident_id AND d.state = 'delivered' GROUP BY d.channel_id`)

	// routeTold says what became of the last event that a route told of an incident, by channel, newest event first.
	routeTold = s.Lookup([]s.Column{s.Col("incident_id", s.UUID), s.Col("definition_id", s.Key)}, `
		SELECT d.incident_id, d.definition_id, d.channel_id, d.event_seq, d.state, d.reason FROM deliveries d
		WHERE d.incident_id = v.incident_id AND d.definition_id = v.definition_id AND d.kind <> 'resolved' AND d.reason <> 'dry_run'
		UNION ALL SELECT d.incident_id, r.definition_id, d.channel_id, d.event_seq, d.state, d.reason
		FROM deliveries d JOIN delivery_routes r ON r.delivery_id = d.id
		WHERE d.incident_id = v.incident_id AND r.definition_id = v.definition_id AND d.kind <> 'resolved' AND d.reason <> 'dry_run'
		ORDER BY event_seq DESC LIMIT 50`)

	sameKey = s.Lookup([]s.Column{s.Col("idem_key", s.Text)}, `
		SELECT t.id, t.idem_key, t.channel_id, t.state, t.reason, t.attempts FROM deliveries t WHERE t.idem_key = v.idem_key LIMIT 1`)

	runDeliveries = s.Lookup([]s.Column{s.Col("run_id", s.UUID)}, `
		SELECT d.run_id, d.node, d.id, d.channel_id, d.state, d.reason, d.attempts,
		       EXISTS (SELECT 1 FROM delivery_routes o WHERE o.delivery_id = d.id) AS shared FROM deliveries d WHERE d.run_id = v.run_id
		UNION ALL SELECT r.run_id, r.node, d.id, d.channel_id, d.state, d.reason, d.attempts, true
		FROM delivery_routes r JOIN deliveries d ON d.id = r.delivery_id WHERE r.run_id = v.run_id`)

	insertDelivery = s.Insert("deliveries", []s.Column{
		s.Col("id", s.UUID), s.Col("tenant_id", s.Text), s.Col("idem_key", s.Text), s.Col("incident_id", s.UUID), s.Col("run_id", s.UUID),
		s.Col("definition_id", s.UUID), s.Col("node", s.Text), s.Col("event_seq", s.Int), s.Col("step", s.Int), s.Col("channel_id", s.UUID), s.Col("kind", s.Text), s.Col("severity", s.Text), s.Col("message_id", s.UUID),
		s.Col("state", s.Text), s.Col("reason", s.Text), s.Col("attempts", s.Int), s.Col("trace_id", s.Text), s.Col("created_at", s.Time),
		s.Col("expires_at", s.Time), s.Col("sending_since", s.Time), s.Col("finished_at", s.Time),
	}, "")

	reviveDelivery = s.Update("deliveries", []s.Column{
		s.Col("id", s.UUID), s.Col("severity", s.Text), s.Col("message_id", s.UUID), s.Col("state", s.Text), s.Col("reason", s.Text),
		s.Col("attempts", s.Int), s.Col("expires_at", s.Time), s.Col("sending_since", s.Time), s.Col("finished_at", s.Time),
	}, `severity = v.severity, message_id = v.message_id, state = v.state, reason = v.reason, attempts = v.attempts, expires_at = v.expires_at,
		sending_since = v.sending_since, finished_at = v.finished_at`, "t.id = v.id AND t.state = 'suppressed'", "")

	insertMessage = s.Insert("messages", []s.Column{
		s.Col("id", s.UUID), s.Col("tenant_id", s.Text), s.Col("channel_id", s.UUID), s.Col("driver", s.Text), s.Col("idem_key", s.Text),
		s.Col("incident_id", s.UUID), s.Col("severity", s.Text), s.Col("title", s.Text), s.Col("encoding", s.Int), s.Col("body", s.Bytes),
		s.Col("created_at", s.Time),
	}, "")

	insertRoute = s.Insert("delivery_routes", []s.Column{
		s.Col("run_id", s.UUID), s.Col("delivery_id", s.UUID), s.Col("tenant_id", s.Text), s.Col("definition_id", s.Key), s.Col("node", s.Text),
	}, "ON CONFLICT (run_id, delivery_id) DO NOTHING")

	suppressDelivery = s.Update("deliveries", []s.Column{s.Col("id", s.UUID), s.Col("reason", s.Text), s.Col("finished_at", s.Time)},
		"state = 'suppressed', reason = v.reason, next_at = NULL, finished_at = v.finished_at", "t.id = v.id AND t.state = 'pending'", "")
)
