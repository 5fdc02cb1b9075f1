package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

// Classify is the class of an answer that is no success, and when to come back if it says so; nil for a 2xx. It reads the error bodies of
// all APIs. Its text has the status and our own words, nothing of the body.
func Classify(status int, header http.Header, body []byte, now time.Time) *providers.Error {
	if status >= 200 && status <= 299 {
		return nil
	}
	said := read(body)
	class, why := classOf(status, said)
	err := &providers.Error{Class: class, Err: errors.New(why)}
	err.Wait = waitOf(header, said, now)
	return err
}

// classOf goes by the status, and by the words of the body where one status stands for several things.
func classOf(status int, said words) (class, why string) {
	why = fmt.Sprintf("the API answered %d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusUnauthorized:
		return providers.ErrAuth, why + ": the key is not accepted"
	case status == http.StatusPaymentRequired:
		return providers.ErrQuota, why + ": there is no credit left"
	case status == http.StatusForbidden && said.quota(false):
		return providers.ErrQuota, why + ": there is no credit left"
	case status == http.StatusForbidden:
		return providers.ErrAuth, why + ": the key may not do this"
	case status == http.StatusNotFound || status == http.StatusGone:
		return providers.ErrNotFound, why + ": look at model and base_url"
	case status == http.StatusRequestEntityTooLarge:
		return providers.ErrTooLarge, why + ": the question is too long"
	case status == http.StatusTooManyRequests && said.quota(true):
		return providers.ErrQuota, why + ": there is no credit left, or a spending limit is reached"
	case status == http.StatusTooManyRequests:
		return providers.ErrRateLimit, why
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return providers.ErrServer, why
	case status >= 400 && status <= 499:
		return badRequest(status, said, why)
	case status == http.StatusServiceUnavailable, status == statusOverloaded, status >= 500 && said.has("overloaded_error"):
		return providers.ErrOverloaded, why
	case status >= 500:
		return providers.ErrServer, why
	default:
		return providers.ErrNetwork, why
	}
}

// statusOverloaded is Claude's own, and of some that stand before APIs.
const statusOverloaded = 529

// badRequest tells what is wrong with a request of which the status says no more than that.
func badRequest(status int, said words, why string) (class, text string) {
	switch {
	case said.has("api_key_invalid", "invalid_api_key", "authentication_error") || said.mentions("api key", "api_key"):
		return providers.ErrAuth, why + ": the key is not accepted"
	case said.quota(true):
		return providers.ErrQuota, why + ": there is no credit left"
	case said.tooLong():
		return providers.ErrTooLarge, why + ": the question is too long"
	case status == http.StatusBadRequest && said.has("model_not_found"):
		return providers.ErrNotFound, why + ": look at model"
	case said.mentions("response_format", "json_schema", "responsejsonschema", "output_config"):
		return providers.ErrBadRequest, why + ": it does not take this form of answers: set structured to json or none"
	default:
		return providers.ErrBadRequest, why + ": it does not take these parameters: look at model, effort and structured"
	}
}

// words is what an error body says: codes, which are for programs, and text, which is for people. All in lower case.
type words struct {
	codes []string
	texts []string
	delay string // RetryInfo of Google
}

// maxWords bounds what is kept of a body; real ones have a handful.
const maxWords = 200

// read takes any JSON: an object or a list of such, with error an object or a text, deep or flat.
func read(body []byte) words {
	var w words
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return w
	}
	w.walk("", v, 0)
	return w
}

const maxDepth = 12

func (w *words) walk(key string, v any, depth int) {
	if depth > maxDepth || len(w.codes)+len(w.texts) > maxWords {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			w.walk(strings.ToLower(k), inner, depth+1)
		}
	case []any:
		for _, inner := range v {
			w.walk(key, inner, depth+1)
		}
	case string:
		w.take(key, v)
	}
}

func (w *words) take(key, text string) {
	switch key {
	case "code", "type", "status", "reason", "error_code":
		w.codes = append(w.codes, strings.ToLower(text))
		w.texts = append(w.texts, strings.ToLower(text)) // xAI's code is a sentence
	case "message", "error", "detail", "msg", "":
		w.texts = append(w.texts, strings.ToLower(text))
	case "retrydelay":
		w.delay = text
	}
}

func (w words) has(codes ...string) bool {
	return slices.ContainsFunc(w.codes, func(got string) bool { return slices.Contains(codes, got) })
}

func (w words) mentions(texts ...string) bool {
	for _, got := range w.texts {
		for _, want := range texts {
			if strings.Contains(got, want) {
				return true
			}
		}
	}
	return false
}

// quota: waiting does not help. Gemini calls every limit a quota in its text, so only what is unmistakable counts there.
func (w words) quota(byText bool) bool {
	if w.has("insufficient_quota", "enforced_spend_limit_reached", "billing_error", "billing_hard_limit_reached", "billing_not_active", "insufficient_credits") {
		return true
	}
	if slices.ContainsFunc(w.codes, func(c string) bool { return strings.HasPrefix(c, "credit_balance") }) {
		return true
	}
	return byText && w.mentions("credit balance", "all available credits", "monthly spending limit", "insufficient_quota", "insufficient credits")
}

// tooLong: the model cannot take a question of this length. What is said of max_tokens is about the answer.
func (w words) tooLong() bool {
	if w.has("context_length_exceeded", "request_too_large", "exceed_context_size_error", "string_above_max_length") {
		return true
	}
	return w.mentions(
		"maximum context length", "context length exceeded", "exceeds the context", "exceed the context", "context window", "context size",
		"prompt is too long", "maximum prompt length", "prompt too long", "input is too long", "input length exceeds",
	) || w.mentions("input token count") && w.mentions("exceeds the maximum")
}
