// Package scorecard measures who analyses: it reads sets of past incidents whose cause is known, has answers to them given again as they
// were recorded, and counts what an analysis got right, what it claimed without evidence, and what it cost. It asks nobody itself.
package scorecard

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/providers"
)

// Case is a past incident with what was the matter with it.
type Case struct {
	ID       string
	Line     int // in the file, from 1
	Source   json.RawMessage
	Incident *providers.Incident
	Evidence providers.Evidence
	Label    Label
	Answers  []Recorded
}

// Label is what a good analysis says. Healthy excludes the others but Evidence; of the others one at least is there.
type Label struct {
	Types    List     `json:"type,omitempty"`     // any of them is right
	Culprit  *Culprit `json:"culprit,omitempty"`  // what is to blame
	Keywords List     `json:"keywords,omitempty"` // any of them names the cause
	Evidence List     `json:"evidence,omitempty"` // ids that have to be cited
	Healthy  bool     `json:"healthy,omitempty"`  // nothing was wrong: an alarm is a false one
}

// Culprit is what is to blame. In a set it may be a text, which is Name. Whoever names one of its fields names it.
type Culprit struct {
	Kind    string `json:"kind,omitempty"`
	PID     int    `json:"pid,omitempty"`
	Name    string `json:"name,omitempty"`
	Path    string `json:"path,omitempty"`
	Address string `json:"address,omitempty"`
}

// UnmarshalJSON takes a text too.
func (c *Culprit) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &c.Name)
	}
	type plain Culprit
	return strict(raw, (*plain)(c))
}

// List is a list of texts. In a set it may be a text.
type List []string

// UnmarshalJSON takes a text too.
func (l *List) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		*l = make(List, 1)
		return json.Unmarshal(raw, &(*l)[0])
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// Recorded is an answer as it came: a text, or of who reasons by itself a result, or the class of an error.
type Recorded struct {
	Provider         string            `json:"provider"`
	Model            string            `json:"model,omitempty"` // that was asked
	PromptVersion    string            `json:"prompt_version,omitempty"`
	Text             string            `json:"text,omitempty"`
	Result           *providers.Result `json:"result,omitempty"`
	Cut              bool              `json:"cut,omitempty"`
	ErrorClass       string            `json:"error_class,omitempty"`
	AnsweredBy       string            `json:"answered_by,omitempty"` // the model, as the answer named it
	PromptTokens     *int64            `json:"prompt_tokens,omitempty"`
	CompletionTokens *int64            `json:"completion_tokens,omitempty"`
	TotalTokens      *int64            `json:"total_tokens,omitempty"`
	Seconds          float64           `json:"seconds,omitempty"`
}

// Contestant is who is measured: a provider with a model and a version of the prompt. Empty ones are the provider's own.
type Contestant struct {
	Provider      string `json:"provider"`
	Model         string `json:"model"`
	PromptVersion string `json:"prompt_version"`
}

// String names a contestant for people.
func (c Contestant) String() string {
	s := c.Provider
	if s == "" {
		s = "anybody"
	}
	if c.Model != "" {
		s += " " + c.Model
	}
	if c.PromptVersion != "" {
		s += " (prompt " + c.PromptVersion + ")"
	}
	return s
}

// of is who gave an answer.
func (r *Recorded) of() Contestant { return Contestant{r.Provider, r.Model, r.PromptVersion} }

// fits reports whether somebody is who is looked for; what is empty in want is any.
func (c Contestant) fits(want Contestant) bool {
	return (want.Provider == "" || c.Provider == want.Provider) && (want.Model == "" || c.Model == want.Model) &&
		(want.PromptVersion == "" || c.PromptVersion == want.PromptVersion)
}

// Contestants are those of whom the set has answers and who fit, in the order of the set.
func Contestants(set []Case, want Contestant) []Contestant {
	var out []Contestant
	seen := map[Contestant]bool{}
	for i := range set {
		for j := range set[i].Answers {
			c := set[i].Answers[j].of()
			if c.fits(want) && !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// Answer is what somebody said of the incident, nil when that was not recorded.
func (c *Case) Answer(of Contestant) *Recorded {
	for i := range c.Answers {
		if c.Answers[i].of() == of {
			return &c.Answers[i]
		}
	}
	return nil
}

// Record keeps an answer, in the place of one that the same one gave before.
func (c *Case) Record(r Recorded) {
	if was := c.Answer(r.of()); was != nil {
		*was = r
		return
	}
	c.Answers = append(c.Answers, r)
}
