package intelligence

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// What of an answer is kept, texts in bytes.
const (
	maxItems       = 10
	maxActions     = 10
	maxAction      = 500
	maxItemTitle   = 200
	maxItemText    = 4000
	maxSummary     = 2000
	maxDetails     = 16 << 10
	maxEvidence    = 20
	untitled       = "AI Recommendation"
	blankedCommand = "[command removed]"
	maxCulprit     = 300
)

var (
	types      = []string{providers.Memory, providers.Disk, providers.CPU, providers.Proc, providers.Network, providers.General}
	priorities = []string{providers.Low, providers.Medium, providers.High, providers.Critical}
)

// guard makes an answer fit to be stored and shown. Nothing in it is trusted: kinds, sizes, ids, commands, addresses.
type guard struct {
	redact  *redact.Redactor
	known   map[string]bool // ids of the evidence
	foreign *foreignText    // what came from outside; nil when the answer is our own
	hosts   []string        // that a model may link to
	cited   bool            // some known id was named
	claimed bool            // some id was named
}

// result returns what is left of an answer.
func (g *guard) result(in *providers.Result) providers.Result {
	out := providers.Result{
		Summary: g.text(in.Summary, maxSummary), ProbableCause: g.text(in.ProbableCause, maxItemText), Confidence: confidence(in.Confidence),
		Recommendations: []providers.Recommendation{},
	}
	for _, r := range in.Recommendations {
		if len(out.Recommendations) == maxItems {
			break
		}
		if r, ok := g.recommendation(r); ok {
			out.Recommendations = append(out.Recommendations, r)
		}
	}
	return out
}

func confidence(c *float64) *float64 {
	if c == nil || *c != *c {
		return nil
	}
	v := min(max(*c, 0), 1)
	return &v
}

func (g *guard) recommendation(r providers.Recommendation) (providers.Recommendation, bool) {
	details := g.details(r.Details)
	var removed []map[string]string
	actions := []string{}
	for _, a := range r.Actions {
		a = g.redact.Text(plain(a))
		if strings.TrimSpace(a) == "" {
			continue
		}
		if why := g.refuse(a); why != "" {
			removed = append(removed, map[string]string{"action": g.harmless(a), "reason": why})
			continue
		}
		if a = g.text(a, maxAction); len(actions) < maxActions && a != "" {
			actions = append(actions, a)
		}
	}
	if removed = removed[:min(len(removed), maxActions)]; len(removed) > 0 {
		details["removed_actions"] = removed
	}
	out := providers.Recommendation{
		Type: oneOf(types, r.Type, providers.General), Priority: oneOf(priorities, r.Priority, providers.Medium), Title: g.text(r.Title, maxItemTitle),
		Description: g.text(r.Description, maxItemText), Actions: actions, Evidence: g.ids(r.Evidence), Details: details, IncidentID: r.IncidentID,
	}
	grounded := len(out.Evidence) > 0 || g.foreign == nil && len(r.Evidence) == 0 // our own stand on what was measured
	out.Grounded = &grounded
	if out.Title = strings.Join(strings.Fields(out.Title), " "); out.Title == "" {
		out.Title = untitled
	}
	return out, out.Description != ""
}

func oneOf(list []string, s, other string) string {
	if s = strings.ToLower(strings.TrimSpace(s)); slices.Contains(list, s) {
		return s
	}
	return other
}

func (g *guard) ids(list []string) []string {
	out := []string{}
	for _, e := range list {
		e = strings.ToUpper(strings.TrimSpace(e))
		g.claimed = true
		if g.known[e] && !slices.Contains(out, e) && len(out) < maxEvidence {
			g.cited = true
			out = append(out, e)
		}
	}
	return out
}

// text is a text of an answer as it may be shown.
func (g *guard) text(s string, limit int) string {
	s = g.redact.Text(plain(s))
	if g.foreign != nil {
		s = g.links().without(s)
	} else if strings.Contains(s, "![") {
		s = images.ReplaceAllString(s, "")
	}
	for range 4 { // what is left may be one in its turn
		before := s
		if strings.ContainsAny(s, "<@\uff20") {
			s = mentions.ReplaceAllString(s, "")
		}
		if s = blank(s, dangers(s)); g.foreign != nil {
			s = blank(s, g.foreign.copied(s))
		}
		if s == before {
			break
		}
	}
	return shorten(strings.TrimSpace(g.redact.Text(s)), limit)
}

func (g *guard) links() *links { return &links{hosts: g.hosts, foreign: g.foreign} }

// harmless is a removed command as it is kept: nobody is called, and no address can be followed.
func (g *guard) harmless(s string) string {
	s = strings.NewReplacer("://", "[:]//", "www.", "www[.]").Replace(mentions.ReplaceAllString(s, ""))
	return shorten(g.redact.Text(s), maxAction)
}

// refuse says why a command may not be proposed, "" when it may.
func (g *guard) refuse(command string) string {
	if found := dangers(command); len(found) > 0 {
		return found[0].why
	}
	if g.foreign == nil {
		return ""
	}
	if g.foreign.holds(fold(ascii(command))) || len(g.foreign.copied(command)) > 0 {
		return whyCopied
	}
	if g.links().found(command) {
		return whyAddress
	}
	return ""
}

// details are what an answer says besides: of a model only whom it blames, of ours everything.
func (g *guard) details(m map[string]any) map[string]any {
	out := map[string]any{}
	if len(m) == 0 {
		return out
	}
	if g.foreign != nil {
		if c, ok := m["culprit"].(map[string]any); ok {
			out["culprit"] = g.culprit(c)
		}
		return out
	}
	if json.Unmarshal(g.redact.Value(m, maxDetails), &out) != nil || out == nil {
		return map[string]any{}
	}
	return out
}

// culprit is whom a model blames: fields that are known, texts as they may be shown.
func (g *guard) culprit(c map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"kind", "name", "path", "address"} {
		if s, ok := c[name].(string); ok {
			if s = strings.Join(strings.Fields(g.text(s, maxCulprit)), " "); s != "" {
				out[name] = s
			}
		}
	}
	switch pid := c["pid"].(type) {
	case int:
		out["pid"] = pid
	case float64:
		out["pid"] = int(pid)
	}
	return out
}
