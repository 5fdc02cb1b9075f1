package llm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	cause := errors.New("x")
	fail := func(class string, wait time.Duration) error {
		return &providers.Error{Class: class, Wait: wait, Err: cause}
	}
	for name, tt := range map[string]struct {
		errs        []error // of each call; nil: an answer
		timeout     time.Duration
		noRetry     bool
		calls       int
		class       string
		least, most time.Duration // it takes
	}{
		"an answer":                 {errs: []error{nil}, calls: 1},
		"server, then an answer":    {errs: []error{fail(providers.ErrServer, 0), nil}, calls: 2, least: 500 * time.Millisecond, most: 1500 * time.Millisecond},
		"network twice":             {errs: []error{fail(providers.ErrNetwork, 0), fail(providers.ErrNetwork, 0)}, calls: 2, class: "network", least: 500 * time.Millisecond, most: 1500 * time.Millisecond},
		"the last class counts":     {errs: []error{fail(providers.ErrOverloaded, 0), fail(providers.ErrAuth, 0)}, calls: 2, class: "auth", least: 500 * time.Millisecond, most: 1500 * time.Millisecond},
		"the wait that is asked":    {errs: []error{fail(providers.ErrRateLimit, 20*time.Second), nil}, calls: 2, least: 20 * time.Second, most: 20 * time.Second},
		"a short wait that is":      {errs: []error{fail(providers.ErrRateLimit, 20*time.Millisecond), nil}, calls: 2, least: 20 * time.Millisecond, most: 20 * time.Millisecond},
		"a wait of overload":        {errs: []error{fail(providers.ErrOverloaded, 3*time.Second), nil}, calls: 2, least: 3 * time.Second, most: 3 * time.Second},
		"a wait that does not fit":  {errs: []error{fail(providers.ErrRateLimit, 30*time.Second)}, calls: 1, class: "rate_limit"},
		"a wait that just fits not": {errs: []error{fail(providers.ErrServer, 29900*time.Millisecond)}, calls: 1, class: "server"},
		"no time":                   {errs: []error{fail(providers.ErrServer, 0)}, timeout: 400 * time.Millisecond, calls: 1, class: "server"},
		"the command line":          {errs: []error{fail(providers.ErrServer, 0)}, noRetry: true, calls: 1, class: "server"},
		"permanent":                 {errs: []error{&providers.Error{Class: providers.ErrNetwork, Err: fault.Permanent(cause)}}, calls: 1, class: "network"},
		"wrapped":                   {errs: []error{fmt.Errorf("ask: %w", fail(providers.ErrServer, 0)), nil}, calls: 2, least: 500 * time.Millisecond, most: 1500 * time.Millisecond},
		"without a class":           {errs: []error{cause}, calls: 1, class: "internal"},
		"a deadline":                {errs: []error{fmt.Errorf("x: %w", context.DeadlineExceeded)}, calls: 1, class: "timeout"},
		"auth":                      {errs: []error{fail(providers.ErrAuth, 0)}, calls: 1, class: "auth"},
		"quota":                     {errs: []error{fail(providers.ErrQuota, time.Second)}, calls: 1, class: "quota"},
		"bad_request":               {errs: []error{fail(providers.ErrBadRequest, 0)}, calls: 1, class: "bad_request"},
		"not_found":                 {errs: []error{fail(providers.ErrNotFound, 0)}, calls: 1, class: "not_found"},
		"too_large":                 {errs: []error{fail(providers.ErrTooLarge, 0)}, calls: 1, class: "too_large"},
		"refusal":                   {errs: []error{fail(providers.ErrRefusal, 0)}, calls: 1, class: "refusal"},
		"malformed":                 {errs: []error{fail(providers.ErrMalformed, 0)}, calls: 1, class: "malformed"},
		"timeout":                   {errs: []error{fail(providers.ErrTimeout, 0)}, calls: 1, class: "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if tt.timeout == 0 {
					tt.timeout = 30 * time.Second
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				began, calls := time.Now(), 0
				answer, err := llm.Retry(ctx, llm.Deps{NoRetry: tt.noRetry}, func(context.Context) (*providers.Answer, error) {
					calls++
					if err := tt.errs[calls-1]; err != nil {
						return nil, err
					}
					return &providers.Answer{Text: "yes"}, nil
				})
				took := time.Since(began)
				if calls != tt.calls || took < tt.least || took > tt.most {
					t.Errorf("%d calls in %v", calls, took)
				}
				if tt.class == "" {
					if err != nil || answer == nil {
						t.Errorf("no answer: %v", err)
					}
					return
				}
				if e, ok := err.(*providers.Error); !ok || e.Class != tt.class { //nolint:errorlint // not a wrapped one
					t.Errorf("%v, want %s", err, tt.class)
				}
			})
		})
	}
}

// TestRetryCancelled: who leaves while it waits is not called for again, and the first error stands.
func TestRetryCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		calls := 0
		spent := int64(7)
		answer, err := llm.Retry(ctx, llm.Deps{}, func(context.Context) (*providers.Answer, error) {
			calls++
			return &providers.Answer{Usage: providers.Usage{Total: &spent}}, &providers.Error{Class: providers.ErrRateLimit, Wait: time.Minute, Err: errors.New("x")}
		})
		e, ok := errors.AsType[*providers.Error](err)
		if calls != 1 || !ok || e.Class != providers.ErrRateLimit || e.Wait != time.Minute || answer == nil || *answer.Usage.Total != 7 {
			t.Errorf("%d calls, %v, %+v", calls, err, answer)
		}
	})
}
