package llm_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

func defaults() llm.Defaults {
	return llm.Defaults{Kind: "openai", BaseURL: "https://api.openai.com/v1", KeyEnv: []string{"FIRST_KEY", "SECOND_KEY"}, ModelEnv: "THE_MODEL"}
}

func deps(t *testing.T, allow ...string) llm.Deps {
	t.Helper()
	client, err := llm.NewHTTP(allow, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return llm.Deps{HTTP: client, Clock: clock.At(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))}
}

func TestReadDefaults(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "null", "{}"} {
		c, err := llm.Read(defaults(), json.RawMessage(raw), deps(t))
		if err != nil {
			t.Fatal(err)
		}
		type short struct {
			Base, Model, Structured, Effort   string
			MaxTokens, Input, Context         int
			Timeout                           time.Duration
			Hour, Incident, Day               int
			Money                             float64
			Key, Temperature, PriceIn, PriceO bool
		}
		want := short{
			Base: "https://api.openai.com/v1", Model: "gpt-6-luna", Structured: "schema", MaxTokens: 4096, Input: 6000, Timeout: 30 * time.Second,
			Hour: 60, Incident: 3,
		}
		got := short{
			c.BaseURL, c.Model, c.Structured, c.Effort, c.MaxTokens, c.InputTokens, c.ContextTokens, c.Timeout, c.CallsPerHour, c.CallsPerIncident,
			c.TokensPerDay, c.MoneyPerDay, !c.APIKey.IsZero(), c.Temperature != nil, c.PriceInput != nil, c.PriceOutput != nil,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", raw, diff)
		}
		e, ok := errors.AsType[*providers.Error](c.Ready())
		if !ok || e.Class != providers.ErrAuth || !strings.Contains(e.Error(), "api_key") {
			t.Errorf("ready without a key: %v", c.Ready())
		}
	}
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	c, err := llm.Read(defaults(), json.RawMessage(`{"api_key":" k1 ","base_url":"https://llm.example.org/v1/","model":" m ","max_tokens":100,"timeout_s":2.5,
		"temperature":0,"effort":"low","input_tokens":700,"context_tokens":8000,"price_input":0,"price_output":1.5,"calls_per_hour":0,"tokens_per_day":9,
		"calls_per_incident":0,"money_per_day":0.5,"redact_emails":true,"store_prompts":true,"structured":"json","headers":{"x-team":"ops"}}`), deps(t))
	if err != nil {
		t.Fatal(err)
	}
	if c.APIKey.Reveal() != "k1" || c.BaseURL != "https://llm.example.org/v1" || c.Model != "m" || c.Timeout != 2500*time.Millisecond || c.Ready() != nil ||
		c.Temperature == nil || *c.Temperature != 0 || c.PriceInput == nil || *c.PriceInput != 0 || c.CallsPerHour != 0 || c.CallsPerIncident != 0 {
		t.Errorf("%+v", c)
	}
	if diff := cmp.Diff(http.Header{"X-Team": {"ops"}}, c.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	terms := c.Terms("openai", llm.Model{Kind: "openai", Name: "m", PriceIn: 7, PriceOut: 7, Window: 4000})
	want := providers.Terms{
		Kind: "openai", Model: "m", Params: "base=https://llm.example.org/v1 max=100 temperature=0 effort=low structured=json", Window: 8000, MaxInput: 700,
		MaxOutput: 100, Timeout: 2500 * time.Millisecond, PriceOutput: 1.5, TokensPerDay: 9, MoneyPerDay: 0.5, RedactEmails: true, StorePrompts: true,
	}
	if diff := cmp.Diff(want, terms); diff != "" {
		t.Errorf("terms (-want +got):\n%s", diff)
	}
}

// TestReadComplains: each complaint names its key and says what to do, and holds no value.
func TestReadComplains(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"colour":"red"}`:                            "colour: unknown",
		`{"API_KEY":"s3cret"}`:                        "API_KEY: unknown",
		`{"api_key":7}`:                               "api_key: must be a string",
		`{"api_key":"s3cret\nX-Evil: 1"}`:             "api_key: must be one line",
		`{"api_key":"s3crét"}`:                        "api_key: must be one line",
		`{"max_tokens":"many"}`:                       "max_tokens: must be a whole number",
		`{"max_tokens":0}`:                            "max_tokens: must be a whole number from 1",
		`{"max_tokens":99999999}`:                     "max_tokens: must be a whole number from 1",
		`{"timeout_s":0}`:                             "timeout_s: must be a number from 0.1 to 600",
		`{"timeout_s":"30"}`:                          "timeout_s: must be a number",
		`{"timeout_s":1e300}`:                         "timeout_s: must be a number from 0.1 to 600",
		`{"temperature":3}`:                           "temperature: must be a number from 0 to 2",
		`{"effort":"very much"}`:                      "effort: must be a word",
		`{"structured":"xml"}`:                        "structured: must be one of schema, json, none",
		`{"input_tokens":1}`:                          "input_tokens: must be a whole number from 500",
		`{"context_tokens":10}`:                       "context_tokens: must be a whole number from 1000",
		`{"price_input":-1}`:                          "price_input: must be a number from 0",
		`{"calls_per_hour":-1}`:                       "calls_per_hour: must be a whole number from 0",
		`{"money_per_day":-0.5}`:                      "money_per_day: must be a number from 0",
		`{"model":"a b"}`:                             "model: must be the name of a model",
		`{"base_url":"api.example.org"}`:              "base_url: must be an address such as https://",
		`{"base_url":"ftp://s3cret.example.org"}`:     "base_url: must be an address such as https://",
		`{"base_url":"https://u:s3cret@example.org"}`: "base_url: a user name or password in it is not taken",
		`{"base_url":"https://example.org?k=s3cret"}`: "base_url: must end with its path",
		`{"base_url":"https://0x7f.1/v1"}`:            "base_url: URL not usable",
		`{"base_url":"https://a.org","host":"b.org"}`: "host: is another name for base_url",
		`{"headers":{"Authorization":"s3cret"}}`:      "headers.Authorization: comes from api_key",
		`{"headers":{"x-api-key":"s3cret"}}`:          "headers.x-api-key: comes from api_key",
		`{"headers":{"host":"s3cret"}}`:               "headers.host: is made by the connection",
		`{"headers":{"a b":"s3cret"}}`:                "headers: a name must be",
		`{"headers":{"X-A":"s3cret\r\nX-B: 1"}}`:      "headers.X-A: must be one line",
		`{"headers":["s3cret"]}`:                      "headers: must be an object of strings",
		`[]`:                                          "must be a JSON object",
	} {
		_, err := llm.Read(defaults(), json.RawMessage(raw), deps(t))
		if !errors.Is(err, settings.ErrConfig) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr") {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
	_, err := llm.Read(defaults(), json.RawMessage(`{"max_tokens":0,"timeout_s":0,"structured":"xml"}`), deps(t))
	if got := settings.KeyErrors(err); len(got) != 3 {
		t.Errorf("not all complaints at once: %v", err)
	}
}

func TestHostIsAnotherName(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"host":"localhost:11434"}`:                                         "http://localhost:11434",
		`{"host":"https://gpu.example.org/"}`:                                "https://gpu.example.org",
		`{"host":"http://10.0.0.7:11434"}`:                                   "http://10.0.0.7:11434", // not allowed today: the call says so
		`{"host":"http://a.example.org/","base_url":"http://a.example.org"}`: "http://a.example.org",
		`{"base_url":"  "}`:                                                  "https://api.openai.com/v1",
	} {
		if c, err := llm.Read(defaults(), json.RawMessage(raw), deps(t)); err != nil || c.BaseURL != want {
			t.Errorf("%s: %q, %v", raw, c.BaseURL, err)
		}
	}
}

// TestEnvironment: its key is for the vendor and for hosts that the operator of the machine listed. Who may only write settings cannot have
// it sent elsewhere.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	env := map[string]string{"FIRST_KEY": " ", "SECOND_KEY": "from-env", "THE_MODEL": "model-of-env"}
	for name, tt := range map[string]struct{ settings, allow, key, model string }{
		"the vendor":                 {`{}`, "", "from-env", "model-of-env"},
		"the vendor, written out":    {`{"base_url":"https://API.openai.com/v2"}`, "", "from-env", "model-of-env"},
		"settings win":               {`{"api_key":"own","model":"mine"}`, "", "own", "mine"},
		"without TLS":                {`{"base_url":"http://api.openai.com/v1"}`, "", "", "model-of-env"},
		"another host":               {`{"base_url":"https://evil.example.org/v1"}`, "", "", "model-of-env"},
		"like the vendor":            {`{"base_url":"https://api.openai.com.evil.org/v1"}`, "", "", "model-of-env"},
		"another port":               {`{"base_url":"https://api.openai.com:8443/v1"}`, "", "", "model-of-env"},
		"a listed name":              {`{"base_url":"https://llm.lan/v1"}`, "llm.lan", "from-env", "model-of-env"},
		"a listed address":           {`{"base_url":"http://127.0.0.1:8000/v1"}`, "127.0.0.1:8000", "from-env", "model-of-env"},
		"a listed range":             {`{"base_url":"http://10.1.2.3:8000/v1"}`, "10.1.0.0/16", "from-env", "model-of-env"},
		"localhost is its address":   {`{"base_url":"http://localhost:8000/v1"}`, "127.0.0.1", "from-env", "model-of-env"},
		"another port than listed":   {`{"base_url":"http://127.0.0.1:8001/v1"}`, "127.0.0.1:8000", "", "model-of-env"},
		"an address out of the list": {`{"base_url":"http://10.2.2.3:8000/v1"}`, "10.1.0.0/16", "", "model-of-env"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deps(t, tt.allow)
			d.Getenv = func(name string) string { return env[name] }
			c, err := llm.Read(defaults(), json.RawMessage(tt.settings), d)
			if err != nil || c.APIKey.Reveal() != tt.key || c.Model != tt.model {
				t.Errorf("key %q, model %q, %v", c.APIKey.Reveal(), c.Model, err)
			}
		})
	}
}
