// Package channel is the contract between notify and its channel drivers: what a driver says of itself, how it renders what
// must be told, and how it sends what was rendered.
package channel

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Kind says why something is told.
type Kind string

// The kinds of notifications.
const (
	KindFiring   Kind = "firing"
	KindUpdated  Kind = "updated"
	KindResolved Kind = "resolved"
	KindTest     Kind = "test"
)

// Notice is what must be told, before rendering. It holds plain data only.
type Notice struct {
	Kind       Kind
	Title      string // one line, without markup
	Text       string // plain text body, several lines
	Severity   string // critical, warning, info, or success when resolved
	Channel    string // the channel's name
	Source     string
	IdemKey    string
	TraceID    string
	RunID      string
	IncidentID string    // "" when nothing but a run is behind it
	Incident   *Incident // nil when there is none
	Status     string    // of the incident
	StartedAt  time.Time // zero when not known
	EndedAt    time.Time // zero while it lasts
	At         time.Time
	URL        string // of the incident's page, "" when the hub has no public address
	Links      []Link // http and https only: incident, runbook, dashboard and so on
	Alerts     []Alert
	Labels     map[string]string // common to all alerts
	Tags       map[string]string // trace_id, run_id, idempotency_key, fingerprint
	Context    map[string]any    // outputs of earlier nodes: ingest, check, intelligence
}

// Incident is the incident behind a notice, in its own words: Title without the severity in front, Severity as it was while it
// lasted.
type Incident struct {
	Title       string
	Description string
	Severity    string
	Environment string
}

// Link is one address that helps whoever is told.
type Link struct {
	Name string // a word for JSON keys: incident, runbook, dashboard, panel, generator …
	URL  string
}

// Alert is one alert of a notice.
type Alert struct {
	Name        string            `json:"name"`
	Status      event.Status      `json:"status"`
	Severity    event.Severity    `json:"severity"`
	Description string            `json:"description,omitempty"`
	Source      string            `json:"source"`
	Fingerprint string            `json:"fingerprint"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	StartedAt   time.Time         `json:"started_at,omitzero"`
	EndedAt     *time.Time        `json:"ended_at,omitempty"`
}

// Outgoing is a rendered message on its way; every attempt sends the same one.
type Outgoing struct {
	IdemKey string
	TraceID string
	Title   string
	Body    []byte // what Render made, to the byte
}

// Verdict is what an attempt means for the message.
type Verdict string

// The verdicts.
const (
	Done      Verdict = "done"      // the receiver has it
	Retry     Verdict = "retry"     // worth another try; the outcome may be unknown
	Permanent Verdict = "permanent" // no second try can mend it
)

// Result is one attempt, as the delivery log shows it.
type Result struct {
	Verdict     Verdict
	Status      int           // the protocol's status, 0 when there was no answer
	RetryAfter  time.Duration // the receiver said when, 0: the hub's backoff
	Response    string        // trimmed and free of secrets
	Error       string        // "" when done; free of secrets
	Class       string        // short word for the kind of error: timeout, refused, http_500, blocked_address …
	ProviderRef string        // the receiver's own id
}

// Channel is a configured channel. It is safe for concurrent use.
type Channel interface {
	// Render makes the stored body of a notice. It does no I/O.
	Render(n Notice) ([]byte, error)
	// Send makes one attempt and never more.
	Send(ctx context.Context, o Outgoing) Result
}

// Driver makes channels of one kind.
type Driver interface {
	Spec() Spec
	// New checks the settings strictly and opens nothing.
	New(config json.RawMessage) (Channel, error)
}

// Spec is what a driver says of itself, for forms, docs and the API.
type Spec struct {
	Name        string
	Description string
	Required    []Field
	Optional    []Field
	// Repeatable: a repeat under the same idempotency key is harmless, so a message may be marked as sending before its first
	// attempt is claimed.
	Repeatable bool
	// Local: Send is not called; storing the message is the delivery.
	Local bool
}

// Field is one setting.
type Field = settings.Field

// The types of settings.
const (
	FieldText   = settings.Text
	FieldURL    = settings.URL
	FieldNumber = settings.Number
	FieldBool   = settings.Bool
	FieldMap    = settings.Map
)

// Fields returns all settings, the required ones first.
func (s Spec) Fields() []Field { return append(slices.Clone(s.Required), s.Optional...) }

// Normalizer is implemented by drivers that bring settings into one form before they are stored, for example moving a password
// out of an address into a setting of its own. It checks nothing that New would not.
type Normalizer interface {
	Normalize(config json.RawMessage) (json.RawMessage, error)
}
