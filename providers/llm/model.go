package llm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

// Model is what is known of a model.
type Model struct {
	Kind, Name  string
	Ends        time.Time // when its vendor stops serving it; zero: nothing is announced
	Replacement string
	Window      int // tokens of input and output together; 0: unknown
	MaxOutput   int // tokens of an answer at most; 0: unknown
	// Temperature: it takes one. Sending it to others is an error of theirs.
	Temperature bool
	Reasoning   bool     // it thinks before it answers
	Efforts     []string // what it takes as its effort; none: it takes none
	Effort      string   // what is asked for when the settings say nothing

	PriceIn, PriceOut float64 // US dollars per million tokens; 0: unknown, or nothing to pay
}

// warnBefore is how long before the end of a model its users are warned.
const warnBefore = 60 * 24 * time.Hour

// Find looks a model up: by its name, as a dated edition of it, or as one of a family whose parameters are known. false: nothing is known.
func Find(kind, name string) (Model, bool) {
	rows := table()
	if i := slices.IndexFunc(rows, func(m Model) bool { return m.Kind == kind && m.Name == name }); i >= 0 {
		return rows[i], true
	}
	var found Model
	for _, m := range rows {
		if m.Kind != kind {
			continue
		}
		family, more := strings.CutSuffix(m.Name, "*")
		fits := more && strings.HasPrefix(name, family) || !more && edition(name, m.Name)
		if fits && len(m.Name) > len(found.Name) {
			found = m
		}
	}
	if found.Name == "" {
		return Model{Kind: kind, Name: name}, false
	}
	found.Name = name
	return found, true
}

// edition tells "gpt-4o-2024-08-06", "claude-sonnet-4-5-20250929" and "llama3.1:8b" as editions of the name before them.
func edition(name, base string) bool {
	rest, ok := strings.CutPrefix(name, base)
	if !ok || rest == "" {
		return false
	}
	if rest[0] == ':' || rest == "-latest" {
		return true
	}
	digits := strings.ReplaceAll(rest, "-", "")
	return rest[0] == '-' && len(digits) >= 4 && strings.Trim(digits, "0123456789") == ""
}

// Default is the model of a kind when nothing is set.
func Default(kind string) Model {
	rows := table()
	if i := slices.IndexFunc(rows, func(m Model) bool { return m.Kind == kind }); i >= 0 {
		return rows[i]
	}
	return Model{Kind: kind}
}

// Warning is for an operator: the model has ended, or will soon. "": neither.
func (m Model) Warning(now time.Time) string {
	if m.Ends.IsZero() || m.Ends.Sub(now) > warnBefore {
		return ""
	}
	day := m.Ends.Format(time.DateOnly)
	instead := ""
	if m.Replacement != "" {
		instead = ": set model to " + m.Replacement
	}
	if now.Before(m.Ends) {
		return fmt.Sprintf("the model %s ends on %s%s", m.Name, day, instead)
	}
	return fmt.Sprintf("the model %s ended on %s%s", m.Name, day, instead)
}

// For is the configuration of one analysis: the model and what its caller chose, within what the model can. Its Temperature and Effort are
// to be sent as they are, or not at all.
func (c Config) For(o providers.Options) (Config, Model) {
	c.Model = or(o.Model, c.Model)
	m, known := Find(c.Kind, c.Model)
	if o.MaxTokens > 0 {
		c.MaxTokens = min(o.MaxTokens, maxTokens)
	}
	if m.MaxOutput > 0 {
		c.MaxTokens = min(c.MaxTokens, m.MaxOutput)
	}
	if c.ContextTokens == 0 {
		c.ContextTokens = m.Window
	}
	if c.ContextTokens > 0 { // half of a small window is for the question
		c.MaxTokens = max(min(c.MaxTokens, c.ContextTokens/2), 1)
		c.InputTokens = max(min(c.InputTokens, c.ContextTokens-c.MaxTokens), 1)
	}
	if o.Temperature != nil {
		c.Temperature = o.Temperature
	}
	switch {
	case known && !m.Temperature:
		c.Temperature = nil
	case known && c.Temperature == nil:
		standard := 0.3
		c.Temperature = &standard
	}
	switch {
	case !known, slices.Contains(m.Efforts, c.Effort):
	case slices.Contains(m.Efforts, anyEffort):
		c.Effort = or(c.Effort, m.Effort)
	default:
		c.Effort = m.Effort
	}
	return c, m
}

// Terms are those of a model under these settings. kind is the provider's name.
func (c Config) Terms(kind string, m Model) providers.Terms {
	used, _ := c.For(providers.Options{Model: m.Name})
	t := providers.Terms{
		Kind: kind, Model: used.Model, Params: used.params(), Window: used.ContextTokens, MaxInput: used.InputTokens, MaxOutput: used.MaxTokens, Timeout: c.Timeout,
		Warning: c.warning(used, m), PriceInput: m.PriceIn, PriceOutput: m.PriceOut,
		CallsPerHour: c.CallsPerHour, TokensPerDay: c.TokensPerDay, CallsPerIncident: c.CallsPerIncident, MoneyPerDay: c.MoneyPerDay,
		RedactEmails: c.RedactEmails, StorePrompts: c.StorePrompts,
	}
	if c.PriceInput != nil {
		t.PriceInput = *c.PriceInput
	}
	if c.PriceOutput != nil {
		t.PriceOutput = *c.PriceOutput
	}
	return t
}

// params is whatever changes the answers but the model and the question.
func (c Config) params() string {
	temperature := "-"
	if c.Temperature != nil {
		temperature = fmt.Sprintf("%g", *c.Temperature)
	}
	return fmt.Sprintf("base=%s max=%d temperature=%s effort=%s structured=%s", c.BaseURL, c.MaxTokens, temperature, c.Effort, c.Structured)
}

// warning says what an operator should know of the settings: what they ask for and do not get.
func (c Config) warning(used Config, m Model) string {
	var told []string
	if text := m.Warning(c.now()); text != "" {
		told = append(told, text)
	}
	if c.Temperature != nil && used.Temperature == nil {
		told = append(told, fmt.Sprintf("temperature is not sent: %s takes none", m.Name))
	}
	if c.Effort != "" && c.Effort != used.Effort {
		told = append(told, fmt.Sprintf("effort %s is not sent: %s takes %s", c.Effort, m.Name, or(strings.Join(m.Efforts, ", "), "no effort")))
	}
	if c.MaxTokens > used.MaxTokens {
		told = append(told, fmt.Sprintf("max_tokens is %d: %s has room for no more", used.MaxTokens, m.Name))
	}
	return strings.Join(told, "; ")
}

func (c Config) now() time.Time {
	if c.clock == nil {
		return time.Time{}
	}
	return c.clock.Now()
}
