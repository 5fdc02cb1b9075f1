package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestLooksAreTold: who has a page open hears of checks and analyses that were kept, and of the incident that one is about.
func TestLooksAreTold(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	of := follow(t, h)
	if status, body := h.Do(http.MethodPost, "/api/v1/checks/run", map[string]any{"checkers": []string{"memory"}}); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	testkit.Eventually(t, time.Minute, func() bool { return of.count("event: check") > 0 }, "nobody is told of a check")
	if of.count("event: analysis") > 0 {
		t.Error("an analysis is told of before there is one")
	}
	if status, body := h.Do(http.MethodPost, "/intelligence/recommendations/", map[string]any{}); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	testkit.Eventually(t, time.Minute, func() bool { return of.count("event: analysis") > 0 }, "nobody is told of an analysis")
}
