package alerts

import s "github.com/incidenthub/incidenthub/internal/platform/storage"

// Statements of the fold. Keys come sorted, so that parallel folders lock rows in one order.
var (
	lockAlerts = s.Lookup(s.Cols(s.Text, "tenant_id", "source", "fingerprint"), `
		SELECT t.id, t.tenant_id, t.source, t.fingerprint, t.name, t.severity, t.status, t.description, t.labels, t.annotations, t.group_key,
		       t.vendor_group_key, t.incident_id, t.last_seq, t.occurrences, t.started_at, t.ended_at, t.received_at
		FROM alerts t WHERE t.tenant_id = v.tenant_id AND t.source = v.source AND t.fingerprint = v.fingerprint LIMIT 1 {lock}`)

	incidentColumns = `t.id, t.tenant_id, t.group_key, t.title, t.description, t.summary, t.status, t.severity, t.event_seq, t.created_at, t.resolved_at`

	// The tenant is compared in a way that no index serves: only the unique index by group key is left to look up with, whatever
	// plan was cached while the table was empty.
	lockOpen = s.Lookup(s.Cols(s.Text, "tenant_id", "group_key"), `
		SELECT `+incidentColumns+` FROM incidents t
		WHERE t.group_key = v.group_key AND t.tenant_id || '' = v.tenant_id AND t.status IN ('open', 'acknowledged') LIMIT 1 {lock}`)

	lockIncidents = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `
		SELECT `+incidentColumns+` FROM incidents t WHERE t.id = v.id LIMIT 1 {lock}`)

	// The state is compared in a way that no index serves: the rows are found by their incident.
	countFiring = s.Lookup([]s.Column{s.Col("incident_id", s.UUID)}, `
		SELECT v.incident_id AS incident_id, count(*) AS n FROM alerts t WHERE t.incident_id = v.incident_id AND t.status || '' = 'firing'`)

	insertAlert = s.Insert("alerts", append(alertColumns(), s.Cols(s.Text, "tenant_id", "source", "fingerprint")...), "")

	updateAlert = s.Update("alerts", alertColumns(), `
		name = v.name, severity = v.severity, status = v.status, description = v.description, labels = v.labels, annotations = v.annotations,
		group_key = v.group_key, vendor_group_key = v.vendor_group_key, incident_id = v.incident_id, receipt_id = v.receipt_id,
		trace_id = v.trace_id, last_seq = v.last_seq, occurrences = v.occurrences, started_at = v.started_at, ended_at = v.ended_at,
		received_at = v.received_at, updated_at = v.updated_at`, "t.id = v.id", "")

	insertIncident = s.Insert("incidents", append(incidentWrites(), s.Col("tenant_id", s.Text), s.Col("group_key", s.Text)), "")

	updateIncident = s.Update("incidents", incidentWrites(), `
		title = v.title, description = v.description, summary = v.summary, status = v.status, severity = v.severity,
		event_seq = v.event_seq, version = t.version + 1, updated_at = v.updated_at, trace_id = v.trace_id,
		acknowledged_at = CASE WHEN v.status = 'open' THEN NULL ELSE t.acknowledged_at END,
		resolved_at = v.resolved_at, closed_at = CASE WHEN v.status = 'closed' THEN t.closed_at ELSE NULL END`, "t.id = v.id", "")

	insertEvent = s.Insert("incident_events", []s.Column{
		s.Col("incident_id", s.UUID), s.Col("seq", s.Int), s.Col("tenant_id", s.Text), s.Col("kind", s.Text), s.Col("actor", s.Text),
		s.Col("details", s.Document), s.Col("trace_id", s.Text), s.Col("created_at", s.Time),
	}, "")

	insertHistory = s.Insert("alert_history", []s.Column{
		s.Col("alert_id", s.UUID), s.Col("id", s.UUID), s.Col("tenant_id", s.Text), s.Col("incident_id", s.UUID), s.Col("receipt_id", s.UUID),
		s.Col("idx", s.Int), s.Col("event", s.Text), s.Col("old_status", s.Text), s.Col("new_status", s.Text), s.Col("details", s.Document),
		s.Col("created_at", s.Time),
	}, "")
)

func alertColumns() []s.Column {
	return []s.Column{
		s.Col("id", s.UUID), s.Col("name", s.Text), s.Col("severity", s.Text), s.Col("status", s.Text), s.Col("description", s.Text),
		s.Col("labels", s.Document), s.Col("annotations", s.Document), s.Col("group_key", s.Text), s.Col("vendor_group_key", s.Text),
		s.Col("incident_id", s.UUID), s.Col("receipt_id", s.UUID), s.Col("trace_id", s.Text), s.Col("last_seq", s.Int), s.Col("occurrences", s.Int),
		s.Col("started_at", s.Time), s.Col("ended_at", s.Time), s.Col("received_at", s.Time), s.Col("updated_at", s.Time),
	}
}

func incidentWrites() []s.Column {
	return []s.Column{
		s.Col("id", s.UUID), s.Col("title", s.Text), s.Col("description", s.Text), s.Col("summary", s.Text), s.Col("status", s.Text),
		s.Col("severity", s.Text), s.Col("event_seq", s.Int), s.Col("trace_id", s.Text), s.Col("created_at", s.Time),
		s.Col("updated_at", s.Time), s.Col("resolved_at", s.Time),
	}
}
