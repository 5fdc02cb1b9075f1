// Package llm is what the clients of language models share: settings that all have, the table of models, a guarded HTTP client, classes of
// errors, and the one retry.
package llm

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/providers"
)

// MaxAnswer is the longest body that is read of an answer, in bytes.
const MaxAnswer = 1 << 20

// Deps is what clients need from their surroundings. All of them may share one.
type Deps struct {
	// HTTP checks addresses when they are dialled and follows no redirect by itself. NewHTTP makes one that fits.
	HTTP  *httpclient.Client
	Clock clock.Clock // nil: the system's
	// Getenv reads the environment, for keys and models that the settings do not have. nil: there is none.
	Getenv func(string) string
	// Sleep waits before the second try. nil: clock.Sleep.
	Sleep func(context.Context, time.Duration) error
	// NoRetry: a call is made once (the command line's test of a provider).
	NoRetry bool
}

// NewHTTP returns a client for Deps.HTTP: what bounds a call is the context, which has the timeout of the provider's settings. allow is
// the allow-list of addresses, HUB_EGRESS_ALLOW.
func NewHTTP(allow []string, c clock.Clock) (*httpclient.Client, error) {
	client, err := httpclient.New(httpclient.Config{Allow: allow, Timeout: MaxTimeout, MaxResponse: MaxAnswer, Clock: c})
	if err != nil {
		return nil, fmt.Errorf("client of language models: %w", err)
	}
	return client, nil
}

// Call is one request and what is made of its answer: the answer, or a *providers.Error. It makes no second try. An answer beside an
// error has what is known of one that cannot be used: its model and its tokens, which are paid for all the same.
type Call func(ctx context.Context) (*providers.Answer, error)

// Reply is an answer of an API, read whole.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	Cut    bool // there was more than MaxAnswer
}

func (d Deps) clock() clock.Clock {
	if d.Clock == nil {
		return clock.System()
	}
	return d.Clock
}

// Now is the time, for what is compared with dates of answers.
func (d Deps) Now() time.Time { return d.clock().Now() }

func (d Deps) sleep(ctx context.Context, wait time.Duration) error {
	if d.Sleep == nil {
		return clock.Sleep(ctx, wait)
	}
	return d.Sleep(ctx, wait)
}

func (d Deps) env(name string) string {
	if d.Getenv == nil || name == "" {
		return ""
	}
	return d.Getenv(name)
}
