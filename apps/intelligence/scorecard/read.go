package scorecard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
)

// ErrBadSet is wrapped by errors about a set. Their texts have a line for each problem, with its place in the file.
var ErrBadSet = errors.New("the set cannot be used")

// What is taken of a set.
const (
	maxCases    = 10_000
	maxProblems = 20
	maxID       = 100
)

// ReadIncident reads an incident with its evidence. intelligence.ReadInput fits.
type ReadIncident func([]byte) (*providers.Incident, providers.Evidence, error)

// written is a case as it stands in a file.
type written struct {
	ID       string          `json:"id"`
	Incident json.RawMessage `json:"incident"`
	Label    Label           `json:"label"`
	Answers  []Recorded      `json:"answers,omitempty"`
}

// reading is a set that is being read.
type reading struct {
	read     ReadIncident
	text     []byte
	cases    []Case
	lines    map[string]int // of ids
	problems []string
}

// Read reads a set: objects one after the other, usually one in a line, or a list of them. Lines that begin with # are notes. An error
// lists everything that is wrong, each with its line.
func Read(text []byte, incident ReadIncident) ([]Case, error) {
	r := &reading{read: incident, text: withoutNotes(text), lines: map[string]int{}}
	r.values(r.text, 0)
	if len(r.problems) == 0 && len(r.cases) == 0 {
		r.problem(0, "", "there is no incident in it")
	}
	if len(r.problems) > 0 {
		list := r.problems
		if more := len(list) - maxProblems; more > 0 {
			list = append(list[:maxProblems:maxProblems], fmt.Sprintf("and %d more", more))
		}
		return nil, fmt.Errorf("%w:\n%s", ErrBadSet, strings.Join(list, "\n"))
	}
	return r.cases, nil
}

// withoutNotes blanks the lines that are notes; no string of JSON can begin a line with # inside.
func withoutNotes(text []byte) []byte {
	out := bytes.Clone(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	for rest := out; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("#")) {
			for i := range line {
				line[i] = ' '
			}
		}
		rest = after
	}
	return out
}

func (r *reading) line(at int) int {
	return 1 + bytes.Count(r.text[:min(max(at, 0), len(r.text))], []byte("\n"))
}

// problem notes what is wrong with what begins at an offset.
func (r *reading) problem(at int, id, format string, args ...any) {
	where := fmt.Sprintf("line %d", r.line(at))
	if id != "" {
		where += fmt.Sprintf(" (%s)", id)
	}
	r.problems = append(r.problems, where+": "+fmt.Sprintf(format, args...))
}

// values reads what stands one after the other from an offset on.
func (r *reading) values(text []byte, base int) {
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		at := base + begin(text, int(dec.InputOffset()))
		var raw json.RawMessage
		switch err := dec.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			r.broken(text[at-base:], at)
			return
		case raw[0] == '[':
			r.list(raw, at)
		default:
			r.one(raw, at)
		}
		if len(r.cases) > maxCases {
			r.problem(at, "", "there are more than %d incidents", maxCases)
			return
		}
	}
}

// begin is where the next value begins.
func begin(text []byte, at int) int {
	for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
		at++
	}
	return at
}

// broken says where JSON stops being JSON.
func (r *reading) broken(text []byte, at int) {
	var raw json.RawMessage
	err := json.Unmarshal(text, &raw)
	if wrong := (*json.SyntaxError)(nil); errors.As(err, &wrong) {
		r.problem(at+int(wrong.Offset)-1, "", "it is not JSON: %s", wrong.Error())
		return
	}
	r.problem(at, "", "it is not JSON: it ends too early")
}

// list reads the elements of a list that is valid JSON.
func (r *reading) list(raw []byte, base int) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token()
	for dec.More() {
		at := int(dec.InputOffset())
		for strings.IndexByte(" \t\r\n,", raw[at]) >= 0 {
			at++
		}
		var one json.RawMessage
		if dec.Decode(&one) != nil {
			return // it was valid as a whole
		}
		r.one(one, base+at)
	}
}

// one reads a case.
func (r *reading) one(raw []byte, at int) {
	if raw[0] != '{' {
		r.problem(at, "", "an incident is an object")
		return
	}
	var w written
	if err := strict(raw, &w); err != nil {
		r.problem(at+place(raw, err), w.ID, "%s", words(err))
		return
	}
	before := len(r.problems)
	wrong := func(format string, args ...any) { r.problem(at, w.ID, format, args...) }
	if w.ID == "" || len(w.ID) > maxID || strings.ContainsFunc(w.ID, func(c rune) bool { return c < ' ' }) {
		w.ID = ""
		wrong(`"id" is missing, or is no text of at most %d bytes in one line`, maxID)
	} else if first, twice := r.lines[w.ID]; twice {
		wrong("line %d has the same id", first)
	}
	c := Case{ID: w.ID, Line: r.line(at), Source: w.Incident, Label: w.Label, Answers: w.Answers}
	if len(w.Incident) == 0 || w.Incident[0] != '{' {
		wrong(`"incident" is missing, or is no object`)
	} else {
		var err error
		if c.Incident, c.Evidence, err = r.read(w.Incident); err != nil {
			wrong("%v", err)
		}
	}
	for _, p := range c.Label.problems(ids(&c.Evidence)) {
		wrong(`"label": %s`, p)
	}
	for i := range c.Answers {
		if p := c.Answers[i].problem(); p != "" {
			wrong(`"answers", number %d: %s`, i+1, p)
		}
	}
	if len(r.problems) == before {
		r.lines[c.ID] = c.Line
		r.cases = append(r.cases, c)
	}
}

// strict refuses keys that it does not know.
func strict(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

const unknownKey = `json: unknown field "`

// place is where in raw an error is, as well as that is known: keys outside the incident mostly stand behind it.
func place(raw []byte, err error) int {
	at := 0
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		for key := range strings.SplitSeq(wrong.Field, ".") {
			at += max(bytes.Index(raw[at:], []byte(`"`+key+`"`)), 0)
		}
	}
	if key, ok := strings.CutPrefix(err.Error(), unknownKey); ok {
		at = max(bytes.LastIndex(raw, []byte(`"`+strings.TrimSuffix(key, `"`)+`"`)), 0)
	}
	return at
}

// words says what is wrong with a value, for whoever wrote it.
func words(err error) string {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return fmt.Sprintf("%q cannot be a %s", wrong.Field, wrong.Value)
	}
	if key, ok := strings.CutPrefix(err.Error(), unknownKey); ok {
		return fmt.Sprintf("there is no key %q here", strings.TrimSuffix(key, `"`))
	}
	return err.Error()
}

var types = []string{providers.Memory, providers.Disk, providers.CPU, providers.Proc, providers.Network, providers.General}

// problems are what is wrong with a label; known are the ids of the incident's evidence.
func (l *Label) problems(known []string) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, t := range l.Types {
		if !slices.Contains(types, t) {
			add("type %q is none of %s", t, strings.Join(types, ", "))
		}
	}
	if c := l.Culprit; c != nil && c.PID == 0 && len(c.names()) == 0 {
		add("culprit has neither name, path, address nor pid")
	}
	for _, k := range l.Keywords {
		if len(fold(k)) < 2 {
			add("keyword %q is too short", k)
		}
	}
	for _, e := range l.Evidence {
		if !slices.Contains(known, e) {
			add("the incident has no evidence %q; it has %s", e, or(strings.Join(known, ", "), "none"))
		}
	}
	some := len(l.Types) > 0 || l.Culprit != nil || len(l.Keywords) > 0
	switch {
	case l.Healthy && some:
		add("nothing is wrong (healthy), so there is no type, culprit or keyword")
	case !l.Healthy && !some:
		add("it needs a type, a culprit, keywords, or healthy: true")
	}
	return out
}

func (r *Recorded) problem() string {
	switch {
	case r.Provider == "":
		return `"provider" is missing`
	case r.Text == "" && r.Result == nil && r.ErrorClass == "":
		return `it has neither "text" nor "result" nor "error_class"`
	case r.Seconds < 0:
		return `"seconds" is negative`
	default:
		return ""
	}
}

// ids are the names that an analysis gives the evidence of an incident, by its place: failed checks come first.
func ids(ev *providers.Evidence) []string {
	var out []string
	for _, part := range []struct {
		letter  string
		n, most int
	}{{"A", len(ev.Alerts), 10}, {"C", len(ev.Checks), 10}, {"H", len(ev.History), 5}, {"R", len(ev.Changes), 10}} {
		for i := range min(part.n, part.most) {
			out = append(out, fmt.Sprintf("%s%d", part.letter, i+1))
		}
	}
	return out
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Write writes a set as Read reads it, an incident in each line.
func Write(w io.Writer, set []Case) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range set {
		c := &set[i]
		if err := enc.Encode(written{ID: c.ID, Incident: c.Source, Label: c.Label, Answers: c.Answers}); err != nil {
			return fmt.Errorf("write incident %s: %w", c.ID, err)
		}
	}
	return nil
}
