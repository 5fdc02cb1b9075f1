package notify

import s "github.com/incidenthub/incidenthub/internal/platform/storage"

// Statements of telling by the clock.
var (
	// reminded is what a channel wants now, whatever is remembered of it.
	reminded = s.Lookup([]s.Column{s.Col("id", s.UUID), s.Col("tenant_id", s.Text)}, `
		SELECT c.renotify_s FROM channels c WHERE c.id = v.id AND c.tenant_id || '' = v.tenant_id AND c.is_active`)

	// lastTold is when a channel last heard that an incident is on.
	lastTold = s.Lookup([]s.Column{s.Col("incident_id", s.UUID), s.Col("channel_id", s.UUID)}, `
		SELECT max(d.finished_at) AS at FROM deliveries d WHERE d.incident_id = v.incident_id AND d.channel_id = v.channel_id
			AND d.state = 'delivered' AND d.kind IN ('firing', 'updated', 'reminder')`)

	// remindable are the deliveries that begin a wait for a reminder.
	remindable = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `
		SELECT d.incident_id, d.channel_id, d.tenant_id FROM deliveries d
		WHERE d.id = v.id AND d.kind IN ('firing', 'updated', 'reminder')`)

	// replaceable are the deliveries that another channel may be told instead of.
	replaceable = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `
		SELECT d.id, d.tenant_id FROM deliveries d JOIN channels c ON c.id = d.channel_id
		WHERE d.id = v.id AND c.fallback_id IS NOT NULL AND d.instead_id IS NULL AND d.kind IN ('firing', 'updated', 'reminder')
			AND d.cause NOT IN ('analysis', 'reopened')`)

	// failing is a delivery, its channel and the channel to tell instead, as they are now.
	failing = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `
		SELECT d.tenant_id, d.incident_id, d.event_seq, d.channel_id, d.state, d.reason, d.detail, d.created_at, d.instead_id, d.trace_id, d.kind, d.severity, d.message_id,
		       COALESCE(c.name, '') AS name, c.fallback_id, COALESCE(c.fallback_after_s, 0) AS after_s, COALESCE(o.is_active, false) AS other_open
		FROM deliveries d LEFT JOIN channels c ON c.id = d.channel_id LEFT JOIN channels o ON o.id = c.fallback_id WHERE d.id = v.id`)

	// whoWaits are the runs that wait for a delivery, with the nodes that asked for it.
	whoWaits = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `
		SELECT d.run_id, d.definition_id, d.node FROM deliveries d WHERE d.id = v.id AND d.run_id IS NOT NULL
		UNION ALL SELECT r.run_id, r.definition_id, r.node FROM delivery_routes r WHERE r.delivery_id = v.id`)

	markInstead = s.Update("deliveries", []s.Column{s.Col("id", s.UUID), s.Col("instead_id", s.UUID)}, "instead_id = v.instead_id", "t.id = v.id", "")

	// windowPage are open incidents that a channel has heard of, by id, and when it last did.
	windowPage = s.Lookup([]s.Column{s.Col("tenant_id", s.Text), s.Col("channel_id", s.UUID), s.Col("after", s.Key), s.Col("n", s.Int)}, `
		SELECT i.id, (SELECT max(d.finished_at) FROM deliveries d WHERE d.incident_id = i.id AND d.channel_id = v.channel_id
			AND d.state = 'delivered' AND d.kind IN ('firing', 'updated', 'reminder')) AS at
		FROM incidents i WHERE i.tenant_id = v.tenant_id AND i.status = 'open' AND i.id > v.after ORDER BY i.id LIMIT v.n`)

	// everTold are the channels that have heard of an incident.
	everTold = s.Lookup([]s.Column{s.Col("incident_id", s.UUID)}, `
		SELECT DISTINCT d.channel_id FROM deliveries d WHERE d.incident_id = v.incident_id AND d.state = 'delivered' AND d.kind IN ('firing', 'updated', 'reminder')`)

	// abandonHand ends what nobody will speak of any more.
	abandonHand = s.Update("deliveries", []s.Column{s.Col("id", s.UUID), s.Col("at", s.Time), s.Col("detail", s.Text)},
		"state = 'dead', reason = 'interrupted', detail = v.detail, sending_since = NULL, finished_at = v.at", "t.id = v.id AND t.state || '' = 'sending'", "")
)
