package intelligence

import (
	"github.com/incidenthub/incidenthub/apps/intelligence/prompt"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// maxHint is the most of a node's hint, and of its context, in bytes.
const maxHint = prompt.MaxHint

// maxDescription is the most of a summary in an incident's history, in bytes.
const maxDescription = 1500

// InputSummary counts what went in.
type InputSummary = prompt.Counts

// prepare makes what goes in harmless and short, and gives the evidence its ids, whoever is asked.
func prepare(r *redact.Redactor, in *providers.Incident, ev providers.Evidence) (*providers.Incident, providers.Evidence, InputSummary) {
	return prompt.Prepare(r, in, ev)
}

// known are the ids that claims may cite.
func known(ev *providers.Evidence) map[string]bool {
	out := map[string]bool{}
	for _, a := range ev.Alerts {
		out[a.ID] = true
	}
	for _, c := range ev.Checks {
		out[c.ID] = true
	}
	for _, h := range ev.History {
		out[h.ID] = true
	}
	for _, c := range ev.Changes {
		out[c.ID] = true
	}
	return out
}

func healthy(c providers.Check) int {
	if c.Status == "ok" {
		return 1
	}
	return 0
}

// plain takes out what steers screens or hides text.
func plain(s string) string { return redact.Plain(s) }

// shorten keeps the head and the tail of a text that is longer than limit bytes.
func shorten(s string, limit int) string { return prompt.Cut(s, limit) }

// within is the evidence that a prompt had room for: what is left out of it goes from the end.
func within(ev providers.Evidence, n InputSummary) providers.Evidence {
	ev.Alerts, ev.Checks = ev.Alerts[:min(n.Alerts, len(ev.Alerts))], ev.Checks[:min(n.Checks, len(ev.Checks))]
	ev.History, ev.Changes = ev.History[:min(n.History, len(ev.History))], ev.Changes[:min(n.Changes, len(ev.Changes))]
	ev.Runbook = ev.Runbook[:min(n.Runbooks, len(ev.Runbook))]
	return ev
}
