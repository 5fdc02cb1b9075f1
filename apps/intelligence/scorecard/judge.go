package scorecard

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/providers"
)

// top is how many recommendations a reader looks at.
const top = 3

// Said is an analysis of a case.
type Said struct {
	Result     *providers.Result   // as it would be shown
	Raw        *providers.Result   // before anything was taken out of it; nil: that is not known
	Known      *providers.Evidence // that it could cite, with its ids
	Rung       string
	ErrorClass string
	Missing    bool // nothing was recorded of it
	Grounded   bool
	Truncated  bool
	Usage      providers.Usage
	Cost       *float64 // nil: prices are not known
	Seconds    float64
}

// Score is what an analysis of a case is worth. Nil fields are not measured: the label says nothing of them.
type Score struct {
	ID         string `json:"id"`
	Rung       string `json:"rung"`
	ErrorClass string `json:"error_class"`
	Missing    bool   `json:"missing"` // nothing was recorded: it counts nowhere
	Answered   bool   `json:"answered"`
	Grounded   bool   `json:"grounded"`
	Truncated  bool   `json:"truncated"`

	Top1       *bool `json:"top1"` // what it says first is right
	Top3       *bool `json:"top3"` // one of its first three recommendations is
	Type       *bool `json:"type"` // of the first recommendation
	Cause      *bool `json:"cause"`
	FalseAlarm *bool `json:"false_alarm"` // nothing was wrong, and it says that something is
	Cited      int   `json:"evidence_cited"`
	ToCite     int   `json:"evidence_expected"`

	Claims      int `json:"claims"`      // recommendations
	Unsupported int `json:"unsupported"` // those that cite nothing that was given to it
	Invented    int `json:"unknown_ids"` // ids that were not given to it
	Removed     int `json:"removed_commands"`

	PromptTokens     *int64   `json:"prompt_tokens"`
	CompletionTokens *int64   `json:"completion_tokens"`
	Cost             *float64 `json:"cost"`
	Seconds          float64  `json:"seconds"`
}

// Judge compares an analysis with the label of its case.
func Judge(c *Case, s *Said) Score {
	out := Score{
		ID: c.ID, Rung: s.Rung, ErrorClass: s.ErrorClass, Missing: s.Missing, Grounded: s.Grounded, Truncated: s.Truncated,
		PromptTokens: s.Usage.Prompt, CompletionTokens: s.Usage.Completion, Cost: s.Cost, Seconds: s.Seconds,
	}
	if s.Missing {
		return out
	}
	out.Answered = s.ErrorClass == "" && s.Result != nil
	r := &providers.Result{}
	if out.Answered {
		r = s.Result
		out.claims(s)
	}
	l := &c.Label
	out.ToCite = len(l.Evidence)
	for _, id := range l.Evidence {
		if slices.ContainsFunc(r.Recommendations, func(r providers.Recommendation) bool { return slices.Contains(r.Evidence, id) }) {
			out.Cited++
		}
	}
	if l.Healthy {
		out.FalseAlarm = new(slices.ContainsFunc(r.Recommendations, func(r providers.Recommendation) bool {
			return r.Priority == providers.High || r.Priority == providers.Critical
		}))
		return out
	}
	first := r.Recommendations[:min(1, len(r.Recommendations))]
	if len(l.Types) > 0 {
		out.Type = new(slices.ContainsFunc(first, l.typed))
	}
	if len(l.Keywords) > 0 {
		out.Cause = new(l.named(r.Summary, r.ProbableCause) || slices.ContainsFunc(first, l.caused))
	}
	right := l.typed
	switch {
	case l.Culprit != nil:
		right = l.blamed
	case len(l.Keywords) > 0:
		right = l.caused
	}
	out.Top1 = new(slices.ContainsFunc(first, right))
	out.Top3 = new(slices.ContainsFunc(r.Recommendations[:min(top, len(r.Recommendations))], right))
	return out
}

// claims counts what stands on nothing. The local analyzer stands on what it measured, whether it names a check or not.
func (out *Score) claims(s *Said) {
	for _, r := range s.Result.Recommendations {
		out.Removed += removed(r.Details["removed_actions"])
	}
	list := s.Result.Recommendations
	if s.Raw != nil {
		list = s.Raw.Recommendations
	}
	out.Claims = len(list)
	if s.Rung == providers.RungLocal || s.Known == nil {
		return
	}
	known := ids(s.Known)
	for _, r := range list {
		cited := 0
		for _, id := range r.Evidence {
			if slices.Contains(known, strings.ToUpper(strings.TrimSpace(id))) {
				cited++
			} else {
				out.Invented++
			}
		}
		if cited == 0 {
			out.Unsupported++
		}
	}
}

func removed(v any) int {
	switch list := v.(type) {
	case []any:
		return len(list)
	case []map[string]string:
		return len(list)
	case []map[string]any:
		return len(list)
	default:
		return 0
	}
}

func (l *Label) typed(r providers.Recommendation) bool { return slices.Contains(l.Types, r.Type) }

func (l *Label) caused(r providers.Recommendation) bool { return l.named(r.Title, r.Description) }

// named reports whether a keyword is in the texts; words that go on behind it count: "zombie" is in "zombies".
func (l *Label) named(texts ...string) bool {
	for _, t := range texts {
		t = fold(t)
		for _, k := range l.Keywords {
			if begins(t, fold(k)) {
				return true
			}
		}
	}
	return false
}

// blamed reports whether a recommendation blames the culprit: in details.culprit, or without that in its title and description.
func (l *Label) blamed(r providers.Recommendation) bool {
	text := r.Title + "\n" + r.Description
	if said, ok := r.Details["culprit"].(map[string]any); ok && len(said) > 0 {
		var fields []string
		for _, key := range []string{"name", "path", "address"} {
			s, _ := said[key].(string)
			fields = append(fields, s)
		}
		if pid, ok := said["pid"].(float64); ok && pid > 0 {
			fields = append(fields, strconv.Itoa(int(pid)))
		}
		text = strings.Join(fields, "\n")
	}
	text = fold(text)
	if l.Culprit.PID > 0 && whole(text, strconv.Itoa(l.Culprit.PID)) {
		return true
	}
	return slices.ContainsFunc(l.Culprit.names(), func(n string) bool { return whole(text, fold(n)) })
}

// names are the texts that name a culprit.
func (c *Culprit) names() []string {
	var out []string
	for _, n := range []string{c.Name, c.Path, c.Address} {
		if n = strings.TrimSpace(n); strings.HasPrefix(n, "/") {
			n = path.Clean(n)
		}
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}

// begins reports whether a word of s begins with k.
func begins(s, k string) bool {
	for from := 0; ; {
		at := strings.Index(s[from:], k)
		if at < 0 {
			return false
		}
		at += from
		if free(s[:at]) {
			return true
		}
		from = at + 1
	}
}

// whole reports whether n stands in s by itself, not as a part of a longer name or path.
func whole(s, n string) bool {
	for from := 0; ; {
		at := strings.Index(s[from:], n)
		if at < 0 {
			return false
		}
		at += from
		if free(s[:at]) && over(s[at+len(n):]) {
			return true
		}
		from = at + 1
	}
}

// free reports whether a name can begin behind s.
func free(s string) bool {
	c, _ := utf8.DecodeLastRuneInString(s)
	return s == "" || !inName(c) && c != '/' && c != '-' && c != '.'
}

// over reports whether a name can have ended before s: a path may have a slash at its end, a sentence its full stop.
func over(s string) bool {
	s = strings.TrimPrefix(s, "/")
	c, n := utf8.DecodeRuneInString(s)
	if s == "" {
		return true
	}
	if c == '-' || c == '.' || c == '/' {
		next, _ := utf8.DecodeRuneInString(s[n:])
		return len(s) == n || !inName(next)
	}
	return !inName(c)
}

func inName(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }

func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
