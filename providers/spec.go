package providers

import (
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Spec is what a kind of provider says of itself, for forms, docs and the API.
type Spec struct {
	Name         string // as Provider.Name
	Label        string // for people: "OpenAI"
	Description  string
	Experimental bool   // it speaks to something that its vendor has not published
	KeyEnv       string // the environment variable that has the key when the settings have none; "": there is none
	ModelEnv     string
	Fields       []settings.Field // none: there is nothing to set, and nothing leaves this machine
}

// Asked is implemented by providers that are asked in words, by Request.Prompt.
type Asked interface {
	Provider
	Terms() Terms
}

// Terms are what a model can take, what it costs and how far it may be used, by its table and its settings.
type Terms struct {
	Kind, Model string
	Params      string        // whatever else changes its answers, for keys of caches; no secrets
	Window      int           // tokens of input and output together; 0: unknown
	MaxInput    int           // tokens of a prompt at most, as the operator wants it
	MaxOutput   int           // tokens of an answer, those that it thinks in included
	Timeout     time.Duration // of a whole analysis, tries and waits included
	Warning     string        // of an operator's concern: the model has ended, or will soon

	PriceInput, PriceOutput float64 // money per million tokens; 0: not set

	CallsPerHour, TokensPerDay, CallsPerIncident int     // 0: no limit
	MoneyPerDay                                  float64 // 0: no limit
	RedactEmails, StorePrompts                   bool
}
