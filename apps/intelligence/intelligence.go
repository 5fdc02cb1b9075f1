// Package intelligence says what may be wrong, and keeps what was said. It asks whoever is to analyse (the local analyzer, later language
// models), falls back to what checks and alerts say, and trusts no answer. It has no handle on anything that can change an incident, a
// route or a silence: what it gives out is text.
package intelligence

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

// Words for Request.Provider with a meaning of their own.
const (
	Active = "active" // the active provider; local while there is none
	Local  = "local"  // the local analyzer
)

// ErrUnknownProvider is wrapped by errors that name the providers there are.
var ErrUnknownProvider = errors.New("unknown provider")

// Providers are those who can be asked. internal/server passes providers/registry.
type Providers interface {
	// Names are sorted.
	Names() []string
	// Make returns a provider with its settings, which only it decodes; nil settings are its own defaults.
	Make(name string, config json.RawMessage) (providers.Provider, error)
}

// Request asks for one analysis.
type Request struct {
	Tenant, TraceID string
	RunID           id.ID // zero: no run asked
	IncidentID      id.ID // zero: it is not about a stored incident
	Provider        string
	Config          json.RawMessage // of the provider; stored and command line only, never from callers
	Kind            string          // as providers.Request.Kind
	Incident        *providers.Incident
	Evidence        providers.Evidence // ids are given by Analyze
	Hint, Context   string
	Options         providers.Options
	Timeout         time.Duration // of the whole analysis; 0: the provider's own, 30 s if it has none
	// Patience is how long the asker waits for the provider: after that it takes what the local analyzer says. What comes later is stored
	// as an analysis of its own. 0: as long as it takes.
	Patience   time.Duration
	NoFallback bool   // an error instead of a lower rung
	FactsOnly  bool   // nobody is asked and nothing is looked at
	CheckRef   string // the output of checks that went in
	// Gather: evidence about the stored incident is looked for first, as a context node does for runs.
	Gather bool

	configured *Configured // who is asked, whatever Provider says
}

// Analysis is what came of it.
type Analysis struct {
	providers.Result

	ID            id.ID
	Provider      string // the kind of who was asked
	Record        string // the name of who was asked, "" when that is not stored
	Rung          string // who answered: see providers.RungProvider
	FallbackUsed  bool
	Grounded      bool // its claims stand on something
	Truncated     bool
	Cached        bool // it was made for somebody else, a moment ago
	ErrorClass    string
	Hint          string // what an operator can do about the error, "" when there is nothing to say but its class
	Model         string
	PromptVersion string
	Usage         providers.Usage
	Cost          *int64             // in millionths of money; nil: unknown, or there are no prices
	AnswerHash    string             // sha256 of the answer's text
	Prompt        string             // redacted; "" when it is not to be stored
	RawAnswer     string             // as Prompt
	Evidence      providers.Evidence // what went in, with its ids
	Input         InputSummary
	StartedAt     time.Time
	Took          time.Duration
}

// unknown says which providers there are.
func unknown(name string, names []string) error {
	return fmt.Errorf("%w %q; there are: %s", ErrUnknownProvider, name, strings.Join(append([]string{Active}, names...), ", "))
}
