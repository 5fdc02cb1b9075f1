// Package event holds the words that every part of the hub shares: what a sender reported (Observation), how bad it is
// (Severity), and what became of it. It knows no storage and no transport.
package event

import "time"

// Severity is how bad an alert is. The empty value means "not carried by the sender".
type Severity string

// The severities, worst first.
const (
	SeverityCritical Severity = "critical"
	SeverityWarning  Severity = "warning"
	SeverityInfo     Severity = "info"
)

// Rank orders severities: critical 3, warning 2, info 1, not carried 0.
func (s Severity) Rank() int {
	switch s {
	case SeverityCritical:
		return 3
	case SeverityWarning:
		return 2
	case SeverityInfo:
		return 1
	default:
		return 0
	}
}

// Status says whether the trouble is on.
type Status string

// The two states of an alert.
const (
	StatusFiring   Status = "firing"
	StatusResolved Status = "resolved"
)

// Observation is one alert as a sender reported it, once. Zero fields are "not carried": the fold then keeps what it knows.
type Observation struct {
	Index       int // position in the body, from 0
	Fingerprint string
	Name        string
	Status      Status
	Severity    Severity
	Description string
	Labels      map[string]string
	Annotations map[string]string
	StartedAt   time.Time // UTC
	EndedAt     time.Time // UTC, only with StatusResolved
	// Source replaces the driver's name as the alert's source (generic and cluster payloads name their own).
	Source string
	// VendorGroupKey is the sender's own grouping of this alert, if it has one.
	VendorGroupKey string
	// Passive marks a note, an acknowledgement or a tag change: it may create or update an alert, never refire a resolved one.
	Passive bool
}

// SourceChecks is the source of alerts that the hub's own checks make. Their label checker names the check.
const SourceChecks = "server-checkers"

// FallbackName is given to alerts whose sender names them nowhere.
const FallbackName = "Unknown Alert"

// FirstSight fills what was not carried as a new alert would store it: warning, received as start, and the fallback name.
func (o Observation) FirstSight(received time.Time) Observation {
	if o.Name == "" {
		o.Name = FallbackName
	}
	if o.Severity == "" {
		o.Severity = SeverityWarning
	}
	if o.StartedAt.IsZero() {
		o.StartedAt = received
	}
	if o.Status == StatusResolved {
		o.EndedAt = o.EndOr(received)
	}
	return o
}

// EndOr returns when the alert ended: what the sender said, or received if it said nothing or a year beyond the next one
// (senders write a far year for "not yet").
func (o Observation) EndOr(received time.Time) time.Time {
	if o.EndedAt.IsZero() || o.EndedAt.Year() > received.Year()+1 {
		return received
	}
	return o.EndedAt
}

// Rejected is one item of a body that could not be used; its neighbours are unaffected.
type Rejected struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

// Parsed is what a driver made of one body.
type Parsed struct {
	Observations []Observation // in body order
	Rejected     []Rejected
	Source       string // the payload's own source, "" for the driver's name
	Version      string
	GroupKey     string
	Receiver     string
	ExternalURL  string
	Truncated    int    // alerts that the sender says it left out
	Ignored      string // why a good body holds no observation (ping, note, service event)
	DeliveryKey  string // the sender's own id of this delivery, the same when it is sent again
}

// instanceLabels name the thing an alert is about, most specific first.
var instanceLabels = [...]string{"instance_id", "instance", "hostname", "host_name", "host", "entity", "service_id"}

// Instance returns the thing that the labels are about, or "".
func Instance(labels map[string]string) string {
	for _, k := range instanceLabels {
		if v := labels[k]; v != "" {
			return v
		}
	}
	return ""
}
