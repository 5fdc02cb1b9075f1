package server

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestBudgetNotice: a spent budget is an alert of the hub about itself. It fires until the day is over, however often it is told.
func TestBudgetNotice(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		now := clock.At(time.Date(2026, 11, 20, 22, 10, 0, 0, time.UTC))
		c := startCoreWith(t, url, nil, coreOptions{clock: now, unsafe: true})
		state := func(want string) {
			t.Helper()
			testkit.Eventually(t, time.Minute, func() bool {
				list, err := c.alerts.Alerts(t.Context(), tenant, alerts.AlertFilter{Source: selfSource}, storage.Paging{})
				if err != nil {
					t.Fatal(err)
				}
				return len(list.Items) == 1 && list.Items[0].Name == budgetSpent && string(list.Items[0].Status) == want && list.Items[0].Labels["provider"] == "main" &&
					(want == "resolved" || strings.Contains(list.Items[0].Description, "main has reached its limit of 60 calls an hour (calls_per_hour). Until 2026-11-20 23:00 UTC"))
			}, "the alert is "+want)
		}
		n := intelligence.Notice{Tenant: tenant, Provider: "main", Limit: "60 calls an hour", Setting: "calls_per_hour", Until: now.Now().Truncate(time.Hour).Add(time.Hour)}
		if err := c.tellBudget(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		state("firing")
		if err := c.budgetsAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
		state("firing")
		now.Advance(2 * time.Hour)
		if err := c.budgetsAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
		state("resolved")
	})
}

// TestProviderMetrics: what was asked of providers is there for Prometheus, under names that do not clash.
func TestProviderMetrics(t *testing.T) {
	t.Parallel()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(asked{func() []intelligence.Stats {
		return []intelligence.Stats{{
			Provider: "main", Calls: map[string]int64{"ok": 3, "auth": 1}, Refused: map[string]int64{"budget": 2}, Cached: 4, Prompt: 2700, Completion: 360, CostMicros: 1500000,
			Buckets: map[float64]uint64{1: 3, 2: 4}, Count: 4, Seconds: 5, Open: true,
		}}
	}}); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := []string{strings.TrimPrefix(f.GetName(), "incidenthub_provider_")}
			for _, l := range m.GetLabel() {
				if l.GetName() != "provider" {
					name = append(name, l.GetValue())
				} else if l.GetValue() != "main" {
					t.Errorf("provider %s", l.GetValue())
				}
			}
			got[strings.Join(name, " ")] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
		}
	}
	for name, want := range map[string]float64{
		"calls_total ok": 3, "calls_total auth": 1, "refused_total budget": 2, "cached_total": 4, "tokens_total prompt": 2700, "tokens_total completion": 360, "cost_total": 1.5,
		"breaker_open": 1, "call_seconds": 5,
	} {
		if got[name] != want {
			t.Errorf("%s is %g, want %g: %v", name, got[name], want, got)
		}
	}
}
