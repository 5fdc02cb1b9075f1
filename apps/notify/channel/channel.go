// Package channel is the contract between notify and its channel drivers: what a driver says of itself, how it renders what
// must be told, and how it sends what was rendered.
package channel

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Kind says why something is told.
type Kind string

// The kinds of notifications.
const (
	KindFiring       Kind = "firing"
	KindUpdated      Kind = "updated"
	KindReminder     Kind = "reminder"
	KindAcknowledged Kind = "acknowledged"
	KindResolved     Kind = "resolved"
	KindTest         Kind = "test"
	KindSent         Kind = "sent" // a message that a caller wrote: no incident is behind it
)

// Notice is what must be told, before rendering. It holds plain data only.
type Notice struct {
	Kind       Kind
	Event      string // of the incident, that is told: opened, alert_added, severity_raised, retold, analysis …; "" when there is none
	Title      string // one line, without markup
	Text       string // plain text body, several lines
	LeftOut    string // what Title and Text have no room for, in a sentence; "" is nothing. It is a remark about every message of it
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
	By         string    // who did what is told, such as acknowledging it; "" when nobody did
	At         time.Time
	URL        string // of the incident's page, "" when the hub has no public address
	Links      []Link // http and https only: incident, runbook, dashboard and so on
	Alerts     []Alert
	Labels     map[string]string // common to all alerts
	Tags       map[string]string // trace_id, run_id, idempotency_key, fingerprint
	Context    map[string]any    // outputs of earlier nodes: ingest, check, intelligence
}

// Heading is the title in one line that is safe to show; never "".
func (n *Notice) Heading() string {
	return cmp.Or(strings.TrimSpace(VisibleLine(n.Title)), "Notification")
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

// Loud reports whether somebody must hear of it even at the risk of hearing twice: the beginning and the end. The rest is dropped
// when an earlier attempt may have arrived and a repeat could not be told from it.
func (k Kind) Loud() bool {
	return k == KindFiring || k == KindResolved || k == KindTest || k == KindSent
}

// Rendered is a notice in the form of a channel.
type Rendered struct {
	Body []byte
	// Parts is how many calls it takes to send it, 1 unless it is longer than the receiver takes at once; 0 counts as 1.
	Parts int
	// Remark says in a sentence what went wrong without stopping the message, such as a template that failed; "" is nothing.
	Remark string
	// Missing are the variables that the channel's own templates asked for and the notice has not, for previews.
	Missing []string
}

// Outgoing is a rendered message on its way; every attempt sends the same one.
type Outgoing struct {
	IdemKey    string
	TraceID    string
	Title      string
	Kind       Kind
	Severity   string
	IncidentID string // "" when there is none
	Body       []byte // what Render made, to the byte
	// Sent is how many parts have arrived at earlier attempts: those are not sent again.
	Sent int
	// Thread is the receiver's id (Result.ProviderRef) of the first message about the incident in this channel, "" for the first one
	// and for drivers without Spec.Threads.
	Thread string
	// Unknown: an earlier attempt, since Since, may have arrived.
	Unknown bool
	Since   time.Time
	// Anyway: somebody has asked for it again by hand, so that it is repeated, marked, whatever its kind.
	Anyway bool
}

// Drops reports whether a message that may have arrived is dropped where the receiver cannot tell a repeat: it is not worth that.
func (o Outgoing) Drops() bool { return o.Unknown && !o.Anyway && !o.Kind.Loud() }

// MayRepeat marks a message that may be there already, where the receiver cannot tell.
const MayRepeat = "(may repeat)"

// Verdict is what an attempt means for the message.
type Verdict string

// The verdicts.
const (
	Done      Verdict = "done"      // the receiver has it
	Retry     Verdict = "retry"     // worth another try; the outcome may be unknown
	Permanent Verdict = "permanent" // no second try can mend it
	// Dropped: not sent on purpose, since it may have arrived already and the receiver could not tell a repeat.
	Dropped Verdict = "dropped"
)

// Result is one attempt, as the delivery log shows it.
type Result struct {
	Verdict     Verdict
	Status      int           // the protocol's status, 0 when there was no answer
	RetryAfter  time.Duration // the receiver said when, 0: the hub's backoff
	Response    string        // trimmed and free of secrets
	Error       string        // "" when done; free of secrets
	Class       string        // short word for the kind of error: timeout, refused, http_500, blocked_address …
	ProviderRef string        // the receiver's own id; of several parts the first one's
	Method      string        // of the call, for protocols that have methods
	Endpoint    string        // what was called, without secrets; for whoever sends by hand
	Sent        int           // parts that have arrived by now, with those of earlier attempts; only where a message has several
}

// Channel is a configured channel. It is safe for concurrent use.
type Channel interface {
	// Render makes the stored body of a notice. It does no I/O.
	Render(n Notice) (Rendered, error)
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
	// Threads: Outgoing.Thread is of use, so messages are not sent before it is known.
	Threads bool
	// Finds: Send looks for a message whose Outgoing says Unknown before it sends it again.
	Finds bool
}

// Follower is implemented by channels that want to hear of more than the beginning, changes and the end.
type Follower interface {
	Follows() Follows
}

// Follows says what else a channel tells to those who were told of an incident.
type Follows struct {
	Acknowledged bool // that somebody took care of it
	Analysis     bool // that an analysis is ready, which changes a message in place and wakes nobody
	Reopened     bool // that somebody has opened again what its message shows as over: another change in place that wakes nobody
}

// Shower is implemented by channels whose stored bodies can be shown as the receiver sees them.
type Shower interface {
	// Show takes any bytes. Texts of other people's making are inert: whoever shows them escapes or sandboxes by Media.
	Show(body []byte) []Shown
}

// Shown is one piece of a message.
type Shown struct {
	Name  string // subject, text, html, json, buttons …
	Media string // text/plain, text/markdown, text/html, application/json
	Text  string
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

	FieldTemplate = settings.TemplateText
	FieldList     = settings.List
)

// Fields returns all settings, the required ones first.
func (s Spec) Fields() []Field { return append(slices.Clone(s.Required), s.Optional...) }

// Switch is implemented by drivers whose settings can say that nothing is sent. The hub then plans nothing on the wire and books what was
// to be told as held back.
type Switch interface {
	// Off says in a few words why a channel with these settings sends nothing, "" when it sends. Secrets may be masked or left out.
	Off(config json.RawMessage) string
}

// ClassDisabled is the Result.Class of what was not sent because the channel's settings say so.
const ClassDisabled = "disabled"

// Normalizer is implemented by drivers that bring settings into one form before they are stored, for example moving a password
// out of an address into a setting of its own. It checks nothing that New would not.
type Normalizer interface {
	Normalize(config json.RawMessage) (json.RawMessage, error)
}
