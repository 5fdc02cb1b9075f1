package llm

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
)

// Ways to ask for an answer in JSON: by its schema, any JSON, or only in the words of the prompt.
const (
	StructuredSchema = "schema"
	StructuredJSON   = "json"
	StructuredNone   = "none"
)

// Bounds of settings.
const (
	MaxTimeout = 10 * time.Minute
	maxTokens  = 1 << 20
	maxWindow  = 1 << 24
)

// Defaults are what one kind of provider has of its own.
type Defaults struct {
	Kind       string
	BaseURL    string   // of the vendor, without a slash at its end
	KeyEnv     []string // variables of the environment that may have the key; the first one that is set counts
	KeyURL     string   // where that key may go; "": BaseURL
	ModelEnv   string
	Keyless    bool   // it is called without a key too
	Structured string // "": StructuredSchema
}

// Config is what the settings come to.
type Config struct {
	Kind    string
	APIKey  secret.String // unset: there is none, see Ready
	Keyless bool
	BaseURL string // without a slash at its end
	Model   string
	Header  http.Header // more headers, after the provider's own

	MaxTokens   int      // of an answer, those that it thinks in included
	Temperature *float64 // nil: the model's own
	Effort      string   // "": the table's
	Structured  string
	Timeout     time.Duration // of a whole analysis, tries and waits included

	InputTokens   int // of a prompt
	ContextTokens int // of input and output together; 0: the table's

	PriceInput, PriceOutput *float64 // money per million tokens; nil: the table's

	CallsPerHour, TokensPerDay, CallsPerIncident int     // 0: no limit
	MoneyPerDay                                  float64 // 0: no limit
	RedactEmails, StorePrompts                   bool

	clock clock.Clock
}

// given is the stored form. Pointers tell what is not set from zeros.
type given struct {
	APIKey           string            `json:"api_key"`
	BaseURL          string            `json:"base_url"`
	Host             string            `json:"host"`
	Model            string            `json:"model"`
	MaxTokens        *int              `json:"max_tokens"`
	TimeoutS         *float64          `json:"timeout_s"`
	Temperature      *float64          `json:"temperature"`
	Effort           string            `json:"effort"`
	InputTokens      *int              `json:"input_tokens"`
	ContextTokens    *int              `json:"context_tokens"`
	PriceInput       *float64          `json:"price_input"`
	PriceOutput      *float64          `json:"price_output"`
	CallsPerHour     *int              `json:"calls_per_hour"`
	TokensPerDay     *int              `json:"tokens_per_day"`
	CallsPerIncident *int              `json:"calls_per_incident"`
	MoneyPerDay      *float64          `json:"money_per_day"`
	RedactEmails     bool              `json:"redact_emails"`
	StorePrompts     bool              `json:"store_prompts"`
	Structured       string            `json:"structured"`
	Headers          map[string]string `json:"headers"`
}

// Read reads settings strictly: every error names its key and what to do, all of them are joined. A missing key is no error here but
// Ready's.
func Read(spec Defaults, raw json.RawMessage, d Deps) (Config, error) {
	var g given
	if err := settings.Decode(raw, &g); err != nil {
		return Config{}, err
	}
	r := reader{}
	c := Config{
		Kind: spec.Kind, Keyless: spec.Keyless, clock: d.clock(),
		BaseURL: r.address(spec, g, d), Header: r.headers(g.Headers), APIKey: secret.NewString(r.line("api_key", g.APIKey)),
		MaxTokens:   r.whole("max_tokens", g.MaxTokens, 4096, 1, maxTokens),
		Temperature: g.Temperature, Effort: r.effort(g.Effort),
		Structured: r.oneOf("structured", g.Structured, or(spec.Structured, StructuredSchema), StructuredSchema, StructuredJSON, StructuredNone),
		Timeout:    time.Duration(r.number("timeout_s", g.TimeoutS, 30, 0.1, MaxTimeout.Seconds()) * float64(time.Second)),

		InputTokens:   r.whole("input_tokens", g.InputTokens, 6000, 500, maxWindow),
		ContextTokens: r.whole("context_tokens", g.ContextTokens, 0, 1000, maxWindow),
		PriceInput:    r.price("price_input", g.PriceInput), PriceOutput: r.price("price_output", g.PriceOutput),

		CallsPerHour:     r.whole("calls_per_hour", g.CallsPerHour, 60, 0, 1_000_000),
		TokensPerDay:     r.whole("tokens_per_day", g.TokensPerDay, 0, 0, math.MaxInt32),
		CallsPerIncident: r.whole("calls_per_incident", g.CallsPerIncident, 3, 0, 1_000_000),
		MoneyPerDay:      r.number("money_per_day", g.MoneyPerDay, 0, 0, 1e9),
		RedactEmails:     g.RedactEmails, StorePrompts: g.StorePrompts,
	}
	if t := g.Temperature; t != nil {
		r.number("temperature", t, 0, 0, 2)
	}
	c.Model = r.model(or(g.Model, d.env(spec.ModelEnv), Default(spec.Kind).Name))
	if c.APIKey.IsZero() {
		c.APIKey = secret.NewString(envKey(spec, c.BaseURL, d))
	}
	return c, errors.Join(r.errs...)
}

// envKey is the environment's key. It goes only where the environment says: to the vendor, or to hosts of the allow-list. Who may write
// the settings is not for that one who may read the environment.
func envKey(spec Defaults, base string, d Deps) string {
	for _, name := range spec.KeyEnv {
		key := strings.TrimSpace(d.env(name))
		if key == "" || strings.ContainsAny(key, "\r\n\x00") {
			continue
		}
		to, err := url.Parse(base)
		own, err2 := url.Parse(or(spec.KeyURL, spec.BaseURL))
		if err != nil || err2 != nil {
			return ""
		}
		if to.Scheme == own.Scheme && strings.EqualFold(to.Host, own.Host) || d.HTTP != nil && d.HTTP.Listed(to) {
			return key
		}
	}
	return ""
}

// Ready is nil, or an error of class auth when a key is needed and there is none. No call is worth making then.
func (c Config) Ready() error {
	if c.Keyless || !c.APIKey.IsZero() {
		return nil
	}
	return &providers.Error{Class: providers.ErrAuth, Err: errNoKey}
}

var errNoKey = errors.New("there is no key: set api_key")

func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
