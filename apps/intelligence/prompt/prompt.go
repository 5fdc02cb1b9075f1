// Package prompt puts into words what a language model is asked about an incident: one fixed text with the rules, and one JSON document
// with what is known. The document is hostile: all of it that comes from outside stands in JSON strings between two lines that nobody
// could know beforehand, without secrets, without what hides or steers, and within a budget.
package prompt

import (
	"errors"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// Version is of the fixed text, the schema and the form of the document. Whoever changes one of them changes it too: answers are kept by
// it.
const Version = "1"

// ErrBudget is wrapped when a budget has no room for the rules, the incident and the checks that failed.
var ErrBudget = errors.New("the budget of the prompt is too small")

// Input is what a prompt is made of.
type Input struct {
	// Request has evidence as Prepare gives it, with its ids. It stays as it is.
	Request *providers.Request
	// Kept is what Prepare counted: the document says how much there was in all.
	Kept Counts
	// Budget is the most tokens, system text and schema included; 0: DefaultBudget.
	Budget int
	// Redactor takes secrets out once more, e-mail addresses too if they are to go; nil: one that knows no secrets of the hub.
	Redactor     *redact.Redactor
	RedactEmails bool
	// Marker draws the line around the document: "data-" and 16 hexadecimal digits. Nil: at random.
	Marker func() string
}

// Built is what there is to say of a prompt.
type Built struct {
	// Document is what is asked, without what differs from call to call though nothing happened: the marker, ids, times, and how often
	// exactly an alert came. Keys of caches are made of it.
	Document []byte
	Tokens   int    // at most about so many
	Input    Counts // what is in it
	Cut      bool   // something was left out or shortened
	Canary   string // a sentence of the system text that no answer has a reason to repeat
}
