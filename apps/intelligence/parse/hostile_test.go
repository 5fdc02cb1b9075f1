package parse

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/providers"
)

// TestHostile reads 1 MiB of whatever could make a reader slow, deep or big.
func TestHostile(t *testing.T) {
	const answer = `{"summary": "s1", "recommendations": [{"description": "d1"}]}`
	for name, piece := range map[string]string{
		"lists": "[", "objects": "{", "lists of objects": "[{", "nested": `{"a":`, "nested lists": `{"a":[`, "bare": "{a:", "texts": `"`, "escapes": `\"`, "open strings": `{"a":"`, "commas": `{"a":"b",`,
		"numbers": "[1,", "one list": "0,", "pairs": `{}`, "empty lists": "[]", "comments": "/*", "lines": "//", "hashes": "{#", "fences": "```", "fenced": "```{\n", "ticks": "`", "tildes": "~~~\n", "thoughts": "<think>", "ends": "</think>", "both": "<think></think>",
		"typographic": "{“", "blanks": `" "`, "quotes and blanks": `{"a": "b" " `, "closing": "]", "closing both": "]}", "strings in strings": `"\"`, "backslashes": `\`, "schemas": `{"properties":{`, "wrappers": `{"analysis":`, "items": `{"description":"d"},`, "item list": `[{"description":"d"},`,
		"keys": `{"`, "equals": "{a=", "bad": "{a ", "glued": `{"a":"b"+`, "dots": "[...", "braces in text": "{x} ", "tripled": `{"a":"""`, "new lines": "\n", "half": "\xe2\x80", "nulls": "\x00", "columns": "{:", "unicode": `{"a":"\ud83d`, "answers": answer,
		"markdown": "[a](", "python": "{'a':'", "quotes then commas": `{"a":"x", y", "`,
	} {
		check(t, name, strings.Repeat(piece, MaxText/len(piece)/testkit.Slower), false)
		many := strings.Repeat(piece, 40_000/len(piece))
		for _, in := range []string{many + answer, `{"summary":"s1","x":` + many, `{"recommendations":[` + many} {
			check(t, name, in, false)
			check(t, name, in, true)
		}
	}
	if o := Answer(strings.Repeat("[", 500)+answer, Options{}); o.Result == nil || o.Result.Summary != "s1" {
		t.Errorf("behind 500 brackets there is nothing: %+v", o)
	}
	if o := Answer(`{"x": `+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`, `+answer[1:], Options{}); o.Result == nil || o.Result.Summary != "s1" {
		t.Errorf("beside 100 lists there is nothing: %+v", o)
	}
	if o := Answer(answer+strings.Repeat(" x", MaxText), Options{}); o.Result == nil || !o.Truncated {
		t.Errorf("of 2 MiB: %+v", o)
	}
}

// check reads a text, and looks at how long that took, how much memory it needed and whether the result keeps to the rules.
func check(t *testing.T, name, in string, cut bool) {
	t.Helper()
	var before, after runtime.MemStats
	big := len(in) > 64<<10
	if big {
		runtime.ReadMemStats(&before)
	}
	watch := clock.Start()
	o := Answer(in, Options{Cut: cut})
	took := watch.Elapsed()
	if big {
		runtime.ReadMemStats(&after)
	}
	const slow, fat = 4 * time.Second, 256 << 20 // of 1 MiB on a machine with much else to do; all that was ever allocated
	if used := after.TotalAlloc - before.TotalAlloc; took > slow || used > fat {
		t.Errorf("%s, %d bytes: %v and %d KiB", name, len(in), took, used>>10)
	}
	valid(t, in, o)
}

// valid checks an outcome against the rules (contract 7.3).
func valid(t *testing.T, in string, o Outcome) {
	t.Helper()
	bad := func(what string, v any) { t.Errorf("%s: %v, of %.300q", what, v, in) }
	if o.Nothing != (o.Result == nil) || o.Nothing && o.TextOnly {
		bad("outcome", o)
	}
	if o.Result == nil {
		return
	}
	r := o.Result
	text := func(s string, limit int) {
		if len(s) > limit || !utf8.ValidString(s) {
			bad("text", s)
		}
	}
	text(r.Summary, maxSummary)
	text(r.ProbableCause, maxDescription)
	if c := r.Confidence; c != nil && !(*c >= 0 && *c <= 1) {
		bad("confidence", *c)
	}
	if r.Recommendations == nil || len(r.Recommendations) > maxItems {
		bad("items", len(r.Recommendations))
	}
	for _, i := range r.Recommendations {
		item2(i, text, bad)
	}
	if o.TextOnly && (len(r.Recommendations) != 1 || r.Recommendations[0].Title != "AI Analysis") {
		bad("text only", r)
	}
	if raw, err := json.Marshal(r); err != nil || !json.Valid(raw) {
		bad("as JSON", err)
	}
}

func item2(i providers.Recommendation, text func(string, int), bad func(string, any)) {
	if !slices.Contains(types, i.Type) || !slices.Contains(priorities, i.Priority) || i.Actions == nil || i.Evidence == nil || i.Details == nil || i.IncidentID != "" {
		bad("item", i)
	}
	if strings.TrimSpace(i.Title) == "" || strings.Contains(i.Title, "\n") || strings.TrimSpace(i.Description) == "" {
		bad("texts of an item", i)
	}
	text(i.Title, maxTitle)
	text(i.Description, maxDescription)
	if len(i.Actions) > maxActions || len(i.Evidence) > maxEvidence {
		bad("lists of an item", i)
	}
	for _, a := range i.Actions {
		if text(a, maxAction); strings.TrimSpace(a) == "" {
			bad("action", a)
		}
	}
	for _, e := range i.Evidence {
		if text(e, maxID); e == "" {
			bad("evidence", e)
		}
	}
	for k := range i.Details {
		if k != "culprit" {
			bad("details", i.Details)
		}
	}
}

// FuzzAnswer: whatever a model writes, it is read in time, and what comes of it keeps to the rules.
func FuzzAnswer(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, in string, cut bool) {
		check(t, "fuzz", in, cut)
		sameAsJSON(t, in)
	})
}

// sameAsJSON: a document that is JSON is read as JSON.
func sameAsJSON(t *testing.T, in string) {
	t.Helper()
	var want any
	d := json.NewDecoder(strings.NewReader(in))
	d.UseNumber()
	s := strings.TrimSpace(in)
	if s == "" || s[0] != '{' && s[0] != '[' || !utf8.ValidString(s) || d.Decode(&want) != nil || d.More() || deep(want) > maxNesting {
		return
	}
	if !json.Valid([]byte(s)) {
		return
	}
	v, at, ok := decode(s, 0, true, false, false)
	if !ok || at.ended {
		t.Errorf("JSON is not read: %.300q", in)
		return
	}
	same1(t, in, want, &v)
}

func deep(v any) int {
	most := 0
	switch v := v.(type) {
	case []any:
		for _, i := range v {
			most = max(most, deep(i))
		}
	case map[string]any:
		for _, i := range v {
			most = max(most, deep(i))
		}
	default:
		return 0
	}
	return most + 1
}

func same1(t *testing.T, in string, want any, got *value) {
	t.Helper()
	wrong := func() { t.Errorf("%.300q: %v was read as %+v", in, want, got) }
	switch want := want.(type) {
	case nil:
		if got.kind != null {
			wrong()
		}
	case bool:
		if got.kind != boolean || got.text != map[bool]string{true: "true", false: "false"}[want] {
			wrong()
		}
	case json.Number:
		if got.kind != number || got.text != string(want) {
			wrong()
		}
	case string:
		if got.kind != words || got.text != want {
			wrong()
		}
	case []any:
		if got.kind != list || len(want) != len(got.items) && len(want) <= maxMembers {
			wrong()
			return
		}
		for i := range got.items {
			same1(t, in, want[i], &got.items[i])
		}
	case map[string]any:
		if got.kind != object {
			wrong()
			return
		}
		for k, w := range want {
			if name := spelled(k); name == k && len(want) < maxMembers { // others may be the same when they are spelled so
				if g := got.get(k); g != nil && plainKeys(want) {
					same1(t, in, w, g)
				}
			}
		}
	}
}

func plainKeys(m map[string]any) bool {
	for k := range m {
		if spelled(k) != k {
			return false
		}
	}
	return true
}

// seeds are the texts of the tables, in a folder of files that are easy to add to.
func seeds(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.txt"))
	if err != nil || len(files) < 10 {
		tb.Fatalf("%d files in testdata/answers: %v", len(files), err)
	}
	out := []string{whole1, "[" + item9 + "," + item10 + "]", item9, escaped(whole1), "<think>x</think>" + whole1}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, string(raw))
	}
	return out
}
