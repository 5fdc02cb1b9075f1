package intelligence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/incidenthub/incidenthub/apps/intelligence/prompt"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

// question is what one language model is asked in one analysis.
type question struct {
	request  *Request
	who      Configured
	provider providers.Provider
	terms    providers.Terms
	in       *providers.Request // with the prompt
	counts   prompt.Counts
	built    prompt.Built
	claim    id.ID // of the service: this analysis may call about the incident
	own      id.ID // of the service: what calls are counted by without an incident
	last     bool  // there is no further try when the answer is an error
}

// attempt is one try with one provider.
type attempt struct {
	answer *providers.Answer
	err    error
	heard
}

// heard is what is known of an answer in words.
type heard struct {
	asked   bool   // in words
	prompt  string // version
	cached  bool
	hash    string // of the text
	cost    *int64
	sent    string // the prompt, and what came, when they are to be stored
	came    string
	input   prompt.Counts
	trimmed bool
}

// way is how a service has a question asked: it may answer itself, refuse, or call once and look at what came.
type way func(ctx context.Context, q *question, call func(context.Context) attempt) attempt

// ready is implemented by providers that know without a call that they would be refused.
type ready interface{ Ready() error }

// inWords asks a language model. What is too large for it is asked once more, with half of the context.
func (a *Analyzer) inWords(ctx context.Context, q *question, through way) attempt {
	if q.in.Incident == nil {
		return attempt{answer: &providers.Answer{Result: &providers.Result{}}, heard: heard{asked: true, prompt: prompt.Version}} // there is nothing to ask about
	}
	if r, ok := q.provider.(ready); ok {
		if err := r.Ready(); err != nil {
			return attempt{err: err, heard: heard{asked: true, prompt: prompt.Version}}
		}
	}
	budget := prompt.Budget(q.terms)
	for q.last = false; ; q.last = true {
		if err := a.word(q, budget); err != nil {
			return attempt{err: &providers.Error{Class: providers.ErrTooLarge, Err: err}, heard: heard{asked: true, prompt: prompt.Version}}
		}
		call := func(ctx context.Context) attempt { return a.call(ctx, q) }
		var got attempt
		if through == nil {
			got = call(ctx)
		} else {
			got = through(ctx, q, call)
		}
		if class(got.err) != providers.ErrTooLarge || q.last {
			return got
		}
		budget = q.built.Half()
	}
}

// word puts the question into words.
func (a *Analyzer) word(q *question, budget int) error {
	p, built, err := prompt.Build(prompt.Input{
		Request: q.in, Kept: q.counts, Budget: budget, Redactor: a.redact, RedactEmails: q.terms.RedactEmails,
	})
	if err != nil {
		return fmt.Errorf("put it into words: %w", err)
	}
	q.in.Prompt, q.built = p, built
	return nil
}

// call calls the provider and reads its answer.
func (a *Analyzer) call(ctx context.Context, q *question) attempt {
	out := attempt{heard: heard{asked: true, prompt: q.in.Prompt.Version, input: q.built.Input, trimmed: q.built.Cut}}
	if q.terms.StorePrompts {
		out.sent = a.redact.Text(q.in.Prompt.System + "\n\n" + q.in.Prompt.User)
	}
	out.answer, out.err = q.provider.Analyze(ctx, q.in)
	if out.answer == nil {
		if out.err == nil {
			out.err = errNothing
		}
		return out
	}
	text := out.answer.Text
	out.cost = costOf(q.terms, out.answer.Usage)
	if sum := sha256.Sum256([]byte(text)); text != "" {
		out.hash = hex.EncodeToString(sum[:])
	}
	if q.terms.StorePrompts {
		out.came = shorten(a.redact.Text(text), maxRaw)
	}
	if out.err == nil {
		out.err = understand(q.in, out.answer, q.built.Canary)
	}
	return out
}

// maxRaw is the most of an answer that is stored as it came, in bytes.
const maxRaw = 256 << 10

// key names answers to this question, whoever asks it about whatever moment of an incident.
func (q *question) key() string {
	raw, err := json.Marshal([]any{
		q.in.Prompt.Version, q.request.Tenant, q.who.Name, q.terms.Kind, q.terms.Model, q.terms.Params, string(q.built.Document),
	})
	if err != nil { // texts and numbers
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// state is the same as long as an answer about an incident may be shared for a moment, though there are more alerts now.
func (q *question) state() string {
	r := q.request
	raw, err := json.Marshal([]any{
		q.in.Prompt.Version, q.who.Version, q.terms.Kind, q.terms.Model, q.terms.Params, q.in.Incident.Severity, q.in.Incident.Status, r.Kind, r.Hint, r.Context, r.Options,
	})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// usualAnswer is how long an answer is expected to be, in tokens.
const usualAnswer = 1024

// estimate is what a call will take, in tokens and in millionths of money.
func (q *question) estimate() (tokens, micros int64) {
	in, out := int64(q.built.Tokens), int64(usualAnswer)
	if q.terms.MaxOutput > 0 {
		out = min(out, int64(q.terms.MaxOutput))
	}
	return in + out, price(q.terms, in, out)
}

// price is in millionths of money: prices are for a million tokens.
func price(t providers.Terms, in, out int64) int64 {
	return int64(math.Round(float64(in)*t.PriceInput + float64(out)*t.PriceOutput))
}

// costOf is nil when it is not known.
func costOf(t providers.Terms, u providers.Usage) *int64 {
	if t.PriceInput == 0 && t.PriceOutput == 0 || u.Prompt == nil || u.Completion == nil {
		return nil
	}
	n := price(t, *u.Prompt, *u.Completion)
	return &n
}

// settingsOf are the settings that a provider is made with: the stored ones, and over them what the request chose.
func settingsOf(stored json.RawMessage, r *Request) (json.RawMessage, error) {
	m := map[string]any{}
	for _, raw := range []json.RawMessage{stored, r.Config} {
		if len(raw) == 0 {
			continue
		}
		var one map[string]any
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, errors.New("the settings are no JSON object")
		}
		maps.Copy(m, one)
	}
	if r.Options.Model != "" {
		m["model"] = r.Options.Model
	}
	if r.Options.MaxTokens > 0 {
		m["max_tokens"] = r.Options.MaxTokens
	}
	if r.Options.Temperature != nil {
		m["temperature"] = *r.Options.Temperature
	}
	if r.Timeout > 0 {
		m["timeout_s"] = min(max(r.Timeout.Seconds(), 0.1), longest.Seconds())
	}
	if len(m) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, errors.New("the settings cannot be written as JSON")
	}
	return raw, nil
}

// whole is how long an analysis may take: what the request says, else what the provider's settings say.
func (r *Request) whole(terms providers.Terms) time.Duration {
	switch {
	case r.Timeout > 0:
		return r.Timeout
	case terms.Timeout > 0:
		return terms.Timeout
	default:
		return wholeTime
	}
}
