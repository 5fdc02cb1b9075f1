package score

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Most is what one fault, or one control, is worth.
const Most = 5

// Result is what is read of an analysis.
type Result struct {
	Summary         string           `json:"summary"`
	Recommendations []Recommendation `json:"recommendations"`
}

// Recommendation is one of a Result.
type Recommendation struct {
	Type        string                     `json:"type"`
	Priority    string                     `json:"priority"`
	Title       string                     `json:"title"`
	Description string                     `json:"description"`
	Actions     []string                   `json:"actions"`
	Details     map[string]json.RawMessage `json:"details"`
}

// Marks are the points of one analysis and what they are made of.
type Marks struct {
	Points     float64  `json:"points"`
	Rank       int      `json:"rank"` // of the recommendation that blames the culprit, from 1; 0: none does
	Cause      bool     `json:"cause"`
	Type       bool     `json:"type"`
	Action     bool     `json:"action"`
	First      string   `json:"first,omitempty"`   // title of the first recommendation
	Dangers    []string `json:"dangers,omitempty"` // of all recommendations
	FalseAlarm string   `json:"false_alarm,omitempty"`
	Failed     string   `json:"failed,omitempty"` // why there are no points at all
}

// Parse reads what an analyzer printed: one JSON object with recommendations.
func Parse(out []byte) (r Result, err error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimSpace(out), &keys); err != nil {
		return r, fmt.Errorf("no JSON object: %w", err)
	}
	if _, ok := keys["recommendations"]; !ok {
		return r, errors.New("no recommendations in the JSON")
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("JSON of another shape: %w", err)
	}
	return r, nil
}

// Judge marks a result against what was wrong; known are the names of processes on the host. Without truths it is a control. Of several
// faults each is marked, and as many recommendations as there are faults count as first; the points are their mean.
func Judge(r Result, truths []Truth, known []string) (m Marks) {
	defer func() {
		if len(r.Recommendations) > 0 {
			m.First = r.Recommendations[0].Title
		}
	}()
	if len(truths) == 0 {
		return control(r)
	}
	m = Marks{Rank: 1, Cause: true, Type: true, Action: true, Dangers: dangers(r)}
	for _, t := range truths {
		one := judge(r, t, known, len(truths))
		m.Points += one.Points / float64(len(truths))
		m.Cause, m.Type, m.Action = m.Cause && one.Cause, m.Type && one.Type, m.Action && one.Action
		if one.Rank == 0 || m.Rank == 0 {
			m.Rank = 0
			continue
		}
		m.Rank = max(m.Rank, one.Rank-len(truths)+1)
	}
	return m
}

func control(r Result) Marks {
	m := Marks{Points: Most, Dangers: dangers(r)}
	for _, rec := range r.Recommendations {
		if p := strings.ToLower(rec.Priority); p == "high" || p == "critical" {
			m.Points, m.FalseAlarm = 0, p+": "+rec.Title
			break
		}
	}
	return m
}

// judge gives the points of one fault. What is marked beyond the rank is the recommendation that blames the culprit, else the first.
func judge(r Result, t Truth, known []string, first int) (m Marks) {
	if len(r.Recommendations) == 0 {
		return m
	}
	marked := r.Recommendations[0]
	for i, rec := range r.Recommendations {
		if i < first+2 && t.blamedBy(rec, known) {
			marked, m.Rank = rec, i+1
			break
		}
	}
	switch {
	case m.Rank > first:
		m.Points = 1
	case m.Rank > 0:
		m.Points = 2
	}
	m.Cause = t.names(marked.Title + "\n" + marked.Description)
	m.Type = strings.EqualFold(marked.Type, t.Type)
	m.Action = t.actsOn(marked.Actions)
	for _, ok := range []bool{m.Cause, m.Type, m.Action} {
		if ok {
			m.Points++
		}
	}
	return m
}

// blamedBy heeds details.culprit, and without one the first process or path that the texts name.
func (t Truth) blamedBy(rec Recommendation, known []string) bool {
	if raw, ok := rec.Details["culprit"]; ok {
		s, ok, given := readCulprit(raw)
		if given {
			return ok && t.blames(s)
		}
	}
	s, ok := t.firstNamed(rec.Title+"\n"+rec.Description, known)
	return ok && t.blames(s)
}

var (
	pidPattern     = regexp.MustCompile(`(?i)\bpid[ :=#]*(\d{1,7})\b`)
	pathPattern    = regexp.MustCompile("(?:^|[\\s'\"(=`:])(/[A-Za-z0-9_.][^\\s'\"()`,;]*)")
	addressPattern = regexp.MustCompile(`\b(\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?)\b`)
	portPattern    = regexp.MustCompile(`(?i)\bport[ :=#]*(\d{1,5})\b`)
)

// mostSuspects is how many processes a text may name before it blames none of them.
const mostSuspects = 5

// firstNamed finds the first process or path in a text. Addresses and interfaces are looked for only where one is the culprit.
func (t Truth) firstNamed(text string, known []string) (s suspect, ok bool) {
	pids := pidPattern.FindAllStringSubmatch(text, -1)
	distinct := map[string]bool{}
	for _, p := range pids {
		distinct[p[1]] = true
	}
	if len(distinct) > mostSuspects {
		return s, false
	}
	at := len(text)
	take := func(found []int, as func(string) suspect) {
		if len(found) > 3 && found[2] < at {
			at, s, ok = found[2], as(text[found[2]:found[3]]), true
		}
	}
	take(pidPattern.FindStringSubmatchIndex(text), func(v string) suspect { n, _ := strconv.Atoi(v); return suspect{pid: n} })
	take(pathPattern.FindStringSubmatchIndex(text), func(v string) suspect { return suspect{path: strings.TrimRight(v, ".:")} })
	for _, name := range known {
		take(wordAt(text, name), func(v string) suspect { return suspect{name: v} })
	}
	if len(t.Ports)+len(t.Addresses) > 0 {
		take(addressPattern.FindStringSubmatchIndex(text), func(v string) suspect { return suspect{address: v} })
		take(portPattern.FindStringSubmatchIndex(text), func(v string) suspect { return suspect{address: v} })
	}
	for _, name := range t.Interfaces {
		take(wordAt(text, name), func(v string) suspect { return suspect{name: v} })
	}
	return s, ok
}

// wordAt gives the place of a whole word, twice, as a pattern with one group would.
func wordAt(text, word string) []int {
	if len(word) < 3 {
		return nil // "sh" and the like are words of the language
	}
	found := regexp.MustCompile(`(?:^|[^\w/.-])(` + regexp.QuoteMeta(word) + `)(?:$|[^\w/-])`).FindStringSubmatchIndex(text)
	return slices.Clone(found)
}
