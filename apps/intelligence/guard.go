package intelligence

import (
	"encoding/json"
	"regexp"
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
	leastForeign   = 12 // bytes of a command that is looked for in foreign text
)

var (
	types      = []string{providers.Memory, providers.Disk, providers.CPU, providers.Proc, providers.Network, providers.General}
	priorities = []string{providers.Low, providers.Medium, providers.High, providers.Critical}

	mentions = regexp.MustCompile(`(?i)<![a-z^][^<>]{0,200}>|<@[^<>]{1,100}>|@(here|everyone|channel)\b`)
	images   = regexp.MustCompile(`!\[[^\]]{0,500}\]\([^)]{0,900}\)`)

	destructive = []struct {
		what  *regexp.Regexp
		why   string
		signs []string // one of these is in whatever it matches, in lower case and with single spaces: most texts have none
	}{
		{regexp.MustCompile(`(?i)\brm\s+(-\S+\s+|--\S+\s+)*(-[a-z]*r[a-z]*|--recursive)\s+(-\S+\s+|--\S+\s+)*["']?(/|~|\$\{?home)`), "recursive rm on an absolute path", []string{"rm "}},
		{regexp.MustCompile(`(?i)\bmkfs(\.\w+)?\b`), "it makes a new file system", []string{"mkfs"}},
		{regexp.MustCompile(`(?i)\bdd\b[^|;&]*\bof=["']?/dev/`), "it writes to a device", []string{"dd "}},
		{regexp.MustCompile(`(?i)\bkill\s+((-s\s+\S+|-\S+)\s+)*1(\s|$|;|&|\|)`), "it ends process 1", []string{"kill "}},
		{regexp.MustCompile(`(?i)\bkill\s+(-s\s+\S+|-\S+)\s+(--\s+)?-1(\s|$|;|&|\|)`), "it ends every process", []string{"kill "}},
		{regexp.MustCompile(`(?i)\|\s*(sudo\s+(-\S+\s+)*)?(env\s+)?(/\S*/)?(ba|z|da|k|c|tc|fi)?sh\b`), "a pipe to a shell", []string{"|"}},
		{regexp.MustCompile(`(?i)\b(ba|z|da|k)?sh\s+(-c\s+)?["']?(<\(|\$\()\s*(curl|wget)`), "a download given to a shell", []string{"<(", "$("}},
		{regexp.MustCompile(`(?i)\bchmod\s+(-\S+\s+|--\S+\s+)*(-[a-z]*r[a-z]*|--recursive)\s+(-\S+\s+|--\S+\s+)*\S+\s+["']?/(["']|\s|$|\*)`), "chmod on everything", []string{"chmod "}},
		{regexp.MustCompile(`:\s*\(\s*\)\s*\{[^}]*:\s*\|\s*:`), "a fork bomb", []string{"{"}},
		{regexp.MustCompile(`>\s*/dev/(sd|nvme|vd|xvd|mmcblk|mapper)`), "it writes to a device", []string{"/dev/"}},
	}
)

// guard makes an answer fit to be stored and shown. Nothing in it is trusted: kinds, sizes, ids, commands.
type guard struct {
	redact  *redact.Redactor
	known   map[string]bool // ids of the evidence
	foreign string          // folded text from outside; "" when the answer is our own
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
		if len(actions) < maxActions {
			actions = append(actions, shorten(strings.TrimSpace(a), maxAction))
		}
	}
	if removed = removed[:min(len(removed), maxActions)]; len(removed) > 0 {
		details["removed_actions"] = removed
	}
	out := providers.Recommendation{
		Type: oneOf(types, r.Type, providers.General), Priority: oneOf(priorities, r.Priority, providers.Medium), Title: g.text(r.Title, maxItemTitle),
		Description: g.text(r.Description, maxItemText), Actions: actions, Evidence: g.ids(r.Evidence), Details: details, IncidentID: r.IncidentID,
	}
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
	if strings.Contains(s, "![") {
		s = images.ReplaceAllString(s, "")
	}
	if strings.ContainsAny(s, "<@") {
		s = mentions.ReplaceAllString(s, "")
	}
	folded := fold(s)
	for _, d := range destructive {
		if signed(folded, d.signs) {
			s = d.what.ReplaceAllString(s, blankedCommand)
		}
	}
	return shorten(strings.TrimSpace(s), limit)
}

func signed(folded string, signs []string) bool {
	for _, sign := range signs {
		if strings.Contains(folded, sign) {
			return true
		}
	}
	return false
}

// harmless is a removed command as it is kept: nobody can run it by copying a line.
func (g *guard) harmless(s string) string {
	return shorten(mentions.ReplaceAllString(s, ""), maxAction)
}

// refuse says why a command may not be proposed, "" when it may.
func (g *guard) refuse(command string) string {
	f := fold(command)
	for _, d := range destructive {
		if signed(f, d.signs) && d.what.MatchString(command) {
			return d.why
		}
	}
	if g.foreign != "" && len(f) >= leastForeign && strings.Contains(g.foreign, f) {
		return "it stands word for word in the alert"
	}
	return ""
}

func (g *guard) details(m map[string]any) map[string]any {
	out := map[string]any{}
	if len(m) == 0 {
		return out
	}
	if json.Unmarshal(g.redact.Value(m, maxDetails), &out) != nil || out == nil {
		return map[string]any{}
	}
	return out
}

// foreign is everything that came from outside, folded.
func foreign(in *providers.Incident, ev *providers.Evidence) string {
	var b strings.Builder
	add := func(texts ...string) {
		for _, t := range texts {
			b.WriteString(t)
			b.WriteByte('\n')
		}
	}
	if in != nil {
		add(in.Title, in.Description)
		for k, v := range in.Labels {
			add(k, v)
		}
	}
	for _, a := range ev.Alerts {
		add(a.Name, a.Description)
		for k, v := range a.Labels {
			add(k, v)
		}
	}
	for _, h := range ev.History {
		add(h.Title, h.Summary)
	}
	for _, c := range ev.Changes {
		add(c.Title, c.Service, c.URL)
	}
	return fold(b.String())
}

func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
