package orchestration

import "github.com/incidenthub/incidenthub/internal/platform/storage"

// toldLater is the state of a delivery d, or of the one that told later what a channel's throttle held back.
const toldLater = `CASE WHEN d.reason = 'throttled' AND d.instead_id IS NOT NULL
				THEN COALESCE((SELECT o.state FROM deliveries o WHERE o.id = d.instead_id), d.state) ELSE d.state END`

// Statements about what silences hold. Everybody who writes holds has locked deliveries before, and whoever takes them away has the
// incident too: so nobody waits in a circle.
var (
	// lockHeld does not wait for folds: what one works on is looked at again a moment later.
	lockHeld = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT t.id, t.tenant_id, t.status FROM incidents t WHERE t.id = v.id LIMIT 1 {skip locked}`)

	// knownHeld are those that there are, locked or not.
	knownHeld = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `SELECT t.id FROM incidents t WHERE t.id = v.id LIMIT 1`)

	lockHolds = storage.LookupInOrder([]storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("alert_id", storage.UUID)}, "t.incident_id, t.alert_id", "holds",
		"t.incident_id = v.incident_id AND t.alert_id = v.alert_id", "t.incident_id, t.alert_id")

	heldAlerts = storage.Lookup([]storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("alert_id", storage.UUID)}, `
		SELECT h.incident_id AS held_in, a.incident_id, a.id, a.source, a.fingerprint, a.name, a.severity, a.status, a.description,
		       CAST(a.labels AS text) AS labels, CAST(a.annotations AS text) AS annotations, a.occurrences, a.started_at, a.ended_at,
		       COALESCE(r.origin, '') AS origin, r.source_id
		FROM holds h JOIN alerts a ON a.id = h.alert_id LEFT JOIN receipts r ON r.id = a.receipt_id
		WHERE h.incident_id = v.incident_id AND h.alert_id = v.alert_id LIMIT 1`)

	// heldWords are what pipelines said of held alerts, the last first, and whose run it was. It goes from the runs to the lines of their
	// pushes: an incident may hold thousands. A run that no push is behind spoke of an alert only when that was not held yet: what is held
	// when it begins is not what it tells. As in Batch.Told a word that a condition or a severity held back counts as said: it was meant so.
	heldWords = storage.Lookup([]storage.Column{storage.Col("incident_id", storage.UUID)}, `
		WITH w AS (
			SELECT t.incident_id, t.definition_id, t.event_seq, r.id AS run_id, r.receipt_id, r.created_at, r.source, r.environment,
			       max(CASE WHEN t.state = 'suppressed' AND t.reason IN ('silenced', 'maintenance') THEN 1 ELSE 0 END) AS held,
			       max(CASE WHEN t.state NOT IN ('suppressed', 'dead') OR t.reason IN ('when', 'below_min_severity') THEN 1 ELSE 0 END) AS told
			FROM (
				SELECT d.incident_id, d.run_id, d.definition_id, d.event_seq, `+toldLater+` AS state, d.reason FROM deliveries d
				WHERE d.incident_id = v.incident_id AND d.run_id IS NOT NULL AND d.definition_id IS NOT NULL AND d.kind <> 'resolved' AND d.idem_key NOT LIKE 'dry:%'
				UNION ALL SELECT d.incident_id, x.run_id, x.definition_id, d.event_seq, `+toldLater+` AS state, d.reason FROM deliveries d
				JOIN delivery_routes x ON x.delivery_id = d.id WHERE d.incident_id = v.incident_id AND d.kind <> 'resolved' AND d.idem_key NOT LIKE 'dry:%'
			) t JOIN runs r ON r.id = t.run_id
			GROUP BY t.incident_id, t.definition_id, t.event_seq, r.id, r.receipt_id, r.created_at, r.source, r.environment ORDER BY t.event_seq DESC LIMIT 1000
		)
		SELECT w.incident_id, h.alert_id, w.definition_id, w.event_seq, w.told, w.held, w.source, w.environment
		FROM w JOIN ledger l ON l.receipt_id = w.receipt_id AND l.run_id = w.run_id JOIN holds h ON h.incident_id = w.incident_id AND h.alert_id = l.alert_id
		UNION ALL SELECT w.incident_id, h.alert_id, w.definition_id, w.event_seq, w.told, w.held, w.source, w.environment
		FROM w JOIN holds h ON h.incident_id = w.incident_id AND w.created_at <= h.held_at WHERE w.receipt_id IS NULL
		ORDER BY event_seq DESC LIMIT 50000`)

	takeHold = storage.Delete("holds", []storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("alert_id", storage.UUID)},
		"t.incident_id = v.incident_id AND t.alert_id = v.alert_id", "")
)
