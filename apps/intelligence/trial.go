package intelligence

import (
	"context"
	"errors"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/providers"
)

// TestResult is what came of asking a provider once, to see whether it works.
type TestResult struct {
	OK         bool   `json:"ok"`
	Model      string `json:"model"` // as the answer says it
	LatencyMS  int64  `json:"latency_ms"`
	ErrorClass string `json:"error_class"`    // "" when it works
	Hint       string `json:"hint,omitempty"` // what to do about the error, where that is known
}

// trialTime is how long a provider may take to show that it works.
const trialTime = 20 * time.Second

// trial is what a provider is asked to show that it works.
func trial() *Request {
	return &Request{
		NoFallback: true, Timeout: trialTime,
		Incident: &providers.Incident{Title: "Test of this provider", Description: "Somebody pressed a button of the hub to see whether this provider answers.", Severity: "info", Status: "open"},
	}
}

// Test asks a provider once, past cache, breaker and budgets, and stores nothing. Settings that cannot be used are an error.
func (s *Service) Test(ctx context.Context, tenant string, c Configured) (TestResult, error) {
	if c.Err != nil {
		return TestResult{}, c.Err
	}
	r := trial()
	r.Tenant, r.configured = tenant, &c
	watch := clock.Start()
	got, err := s.Analyzer.Analyze(ctx, r)
	var failed *providers.Error
	if err != nil && !errors.As(err, &failed) {
		return TestResult{}, err
	}
	ok := err == nil && got.ErrorClass == ""
	if ok {
		s.breaker.close(tenant, &c)
	}
	return TestResult{OK: ok, Model: got.Model, LatencyMS: watch.Elapsed().Milliseconds(), ErrorClass: got.ErrorClass, Hint: got.Hint}, nil
}
