// Package llm is what the clients of language models share: settings that all have, a guarded HTTP client, classes of errors, and the one
// retry.
package llm

import (
	"context"
	"net/http"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/providers"
)

// MaxAnswer is the longest body that is read of an answer, in bytes.
const MaxAnswer = 1 << 20

// Deps is what clients need from their surroundings. All of them may share one.
type Deps struct {
	// HTTP checks addresses when they are dialled. Its MaxResponse is MaxAnswer, it follows no redirect to another host.
	HTTP  *httpclient.Client
	Clock clock.Clock
	// Getenv reads the environment, for keys and models that the settings do not have.
	Getenv func(string) string
	// NoRetry: a call is made once (the command line's test of a provider).
	NoRetry bool
}

// Call is one request and what is made of its answer: the answer, or a *providers.Error. It makes no second try.
type Call func(ctx context.Context) (*providers.Answer, error)

// Reply is an answer of an API, read whole.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	Cut    bool // there was more than MaxAnswer
}
