package event

import (
	"errors"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Act is what a person does to an incident: acknowledge, resolve, close, reopen, note.
type Act struct {
	Tenant   string
	Incident id.ID
	Kind     EventKind // acknowledged, resolved, closed, reopened, retold, reminder, note
	Actor    string
	Text     string // the resolution's summary, the note, why it is told again, or the channel that is reminded
	TraceID  string
	Alerts   []id.ID // that are told again; nil: no matter which
}

// ErrRefused is wrapped by acts that the incident's state does not allow; the text before it says why.
var ErrRefused = errors.New("refused")

// OpenBesideError refuses to reopen an incident beside one that is open for the same thing.
type OpenBesideError struct{ Open id.ID }

// Error implements error.
func (e *OpenBesideError) Error() string {
	return "incident " + e.Open.String() + " is open for the same thing; work on that one"
}

// Unwrap makes it a refusal.
func (e *OpenBesideError) Unwrap() error { return ErrRefused }
