package web

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/providers"
)

// made says how an analysis came about, line by line.
func made(a *analysisView) []fact {
	var out []fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	if a.Status == intelligence.StatusRunning {
		return nil
	}
	add("Written by", writer(a))
	add("Model", a.ModelName)
	add("Prompt version", a.PromptVersion)
	if a.Rung == providers.RungProvider || a.TotalTokens != nil || a.PromptTokens != nil || a.CompletionTokens != nil {
		add("Tokens", tokenWords(a))
		add("Money", moneyWords(a))
	}
	if a.Cached {
		add("Call", "none: an answer to the same question served again")
	}
	if a.DurationMS != nil {
		add("Took", span(time.Duration(*a.DurationMS)*time.Millisecond))
	}
	add("Went in", wentIn(a.InputSummary))
	return out
}

func writer(a *analysisView) string {
	switch a.Rung {
	case providers.RungProvider:
		if a.Asked != a.Provider {
			return a.Asked + " (" + a.Provider + ")"
		}
		return a.Asked
	case providers.RungLocal:
		return "the local analyzer, which looked at the hub's machine"
	case providers.RungFacts:
		return "nobody: what alerts and checks say"
	default:
		return ""
	}
}

func tokenWords(a *analysisView) string {
	switch {
	case a.PromptTokens != nil && a.CompletionTokens != nil:
		return num(*a.PromptTokens) + " asked, " + num(*a.CompletionTokens) + " answered"
	case a.TotalTokens != nil:
		return num(*a.TotalTokens)
	case a.PromptTokens != nil:
		return num(*a.PromptTokens) + " asked"
	case a.CompletionTokens != nil:
		return num(*a.CompletionTokens) + " answered"
	default:
		return "the provider did not say"
	}
}

func moneyWords(a *analysisView) string {
	switch {
	case a.CostMicros != nil:
		return money(*a.CostMicros)
	case a.Cached:
		return money(0)
	default:
		return "not known: no price is set"
	}
}

// wentIn counts the evidence.
func wentIn(summary json.RawMessage) string {
	var s intelligence.InputSummary
	if len(summary) == 0 || json.Unmarshal(summary, &s) != nil {
		return ""
	}
	var parts []string
	count := func(n, all int, one, many, more string) {
		switch {
		case n == 0 && all == 0:
		case all > n:
			parts = append(parts, num(int64(n))+" of "+plural(int64(all), one, many)+more)
		default:
			parts = append(parts, plural(int64(n), one, many)+more)
		}
	}
	failed := ""
	if s.ChecksBad > 0 {
		failed = " (" + num(int64(s.ChecksBad)) + " failed)"
	}
	count(s.Alerts, s.AlertsAll, "alert", "alerts", "")
	count(s.Checks, s.ChecksAll, "check", "checks", failed)
	count(s.History, s.History, "earlier incident", "earlier incidents", "")
	count(s.Changes, s.Changes, "change", "changes", "")
	count(s.Runbooks, s.Runbooks, "runbook", "runbooks", "")
	if s.Cut {
		parts = append(parts, "shortened to fit")
	}
	return strings.Join(parts, ", ")
}
