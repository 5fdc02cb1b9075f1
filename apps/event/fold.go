package event

import (
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Stored is an accepted observation.
type Stored struct {
	Observation
	Seq      int64  // given by the database at accept: the only order there is
	Source   string // of the alert key
	GroupKey string // of the incident that it would open, "" when it is to have none
	Rejected string // why it could not be used; nothing else is set then
}

// Receipt is one accepted push as the fold sees it.
type Receipt struct {
	ID           id.ID
	Tenant       string
	TraceID      string
	Driver       string
	ReceivedAt   time.Time
	Observations []Stored
}

// Alert is the state of one alert.
type Alert struct {
	ID             id.ID
	Source         string
	Fingerprint    string
	Name           string
	Severity       Severity
	Status         Status
	Description    string
	Labels         map[string]string
	Annotations    map[string]string
	GroupKey       string
	VendorGroupKey string
	IncidentID     id.ID
	LastSeq        int64
	Occurrences    int64
	StartedAt      time.Time
	EndedAt        time.Time // zero while firing
	ReceivedAt     time.Time
}

// IncidentStatus is where an incident stands.
type IncidentStatus string

// The walk of an incident.
const (
	IncidentOpen         IncidentStatus = "open"
	IncidentAcknowledged IncidentStatus = "acknowledged"
	IncidentResolved     IncidentStatus = "resolved"
	IncidentClosed       IncidentStatus = "closed"
)

// Active reports whether the incident still needs somebody.
func (s IncidentStatus) Active() bool { return s == IncidentOpen || s == IncidentAcknowledged }

// Incident is the state of one incident.
type Incident struct {
	ID          id.ID
	GroupKey    string
	Title       string
	Description string
	Summary     string
	Status      IncidentStatus
	Severity    Severity
	EventSeq    int64 // number of its last event
	CreatedAt   time.Time
	ResolvedAt  time.Time
}

// EventKind names what happened to an incident.
type EventKind string //nolint:revive // Kind alone would not say of what: alerts change in kinds too

// The kinds of incident events.
const (
	EventOpened         EventKind = "opened"
	EventAlertAdded     EventKind = "alert_added"
	EventSeverityRaised EventKind = "severity_raised"
	// EventSeverityChanged is an alert's new severity that does not raise the incident's.
	EventSeverityChanged EventKind = "severity_changed"
	EventRetold          EventKind = "retold"
	// EventReminder tells of an incident that nobody has taken care of for a while.
	EventReminder     EventKind = "reminder"
	EventAcknowledged EventKind = "acknowledged"
	EventResolved     EventKind = "resolved"
	EventReopened     EventKind = "reopened"
	EventClosed       EventKind = "closed"
	EventNote         EventKind = "note"
	// EventAnalysis is an analysis that was written: it changes nothing and is told with whatever else is told.
	EventAnalysis EventKind = "analysis"
)

// ChangeKind says what an observation did to its alert.
type ChangeKind string

// The kinds of changes, which are the events of an alert's history too.
const (
	ChangeCreated    ChangeKind = "created"
	ChangeUpdated    ChangeKind = "updated"
	ChangeResolved   ChangeKind = "resolved"
	ChangeRefired    ChangeKind = "refired"
	ChangeRepeated   ChangeKind = "repeated"   // resolved pushed again: no effect at all
	ChangeSuperseded ChangeKind = "superseded" // a later observation was folded before this one
	ChangeRejected   ChangeKind = "rejected"
)

// Change is what one observation did.
type Change struct {
	Index    int
	Kind     ChangeKind
	Material bool      // new, or severity, status or context key changed
	Alert    *Alert    // nil when rejected
	Incident *Incident // nil when none is concerned
	Fields   []string  // which fields of the alert changed
}

// IncidentChange is what one push did to one incident.
type IncidentChange struct {
	Incident *Incident
	// Kind and Seq name the first event of this push, which is what notifications tell; Seq 0: nothing that is told.
	Kind EventKind
	Seq  int64
	// ResolvedSeq is the event that resolved it at the end of this push, 0 when it goes on.
	ResolvedSeq int64
}

// Folded is what one push did.
type Folded struct {
	Changes   []Change // one per observation, in body order
	Incidents []*IncidentChange
	Counters  Counters
}

// Counters is the summary of a push, in the words of the webhook's synchronous answer.
type Counters struct {
	AlertsCreated    int      `json:"alerts_created"`
	AlertsUpdated    int      `json:"alerts_updated"`
	AlertsResolved   int      `json:"alerts_resolved"`
	IncidentsCreated int      `json:"incidents_created"`
	IncidentsUpdated int      `json:"incidents_updated"`
	Errors           []string `json:"errors,omitempty"`
}
