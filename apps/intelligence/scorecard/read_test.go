package scorecard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/intelligence/scorecard"
	"github.com/incidenthub/incidenthub/providers"
)

var errIncident = errors.New("no incident")

// incident reads as much as these tests need.
func incident(raw []byte) (*providers.Incident, providers.Evidence, error) {
	var in struct {
		Title  string
		Alerts []providers.Alert
		Checks []providers.Check
	}
	if json.Unmarshal(raw, &in) != nil {
		return nil, providers.Evidence{}, errIncident
	}
	return &providers.Incident{Title: in.Title}, providers.Evidence{Alerts: in.Alerts, Checks: in.Checks}, nil
}

const good = `# two incidents
{"id": "a", "incident": {"title": "Disk", "alerts": [{"name": "D"}]}, "label": {"type": "disk", "culprit": "java", "keywords": ["deleted"], "evidence": "A1"}}

{"id": "b", "incident": {"title": "<Idle>"}, "label": {"healthy": true},
 "answers": [{"provider": "openai", "model": "m1", "text": "{}", "prompt_tokens": 7}, {"provider": "claude", "error_class": "timeout"}]}
`

func TestRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"one after the other": good, "with a mark of order": "\ufeff" + good,
		"a list": "[" + strings.Replace(strings.TrimPrefix(good, "# two incidents\n"), "}}\n\n{", "}},\n\n{", 1) + "]",
	} {
		set, err := scorecard.Read([]byte(text), incident)
		if err != nil || len(set) != 2 {
			t.Fatalf("%s: %d cases, %v", name, len(set), err)
		}
		a, b := set[0], set[1]
		want := scorecard.Label{
			Types: scorecard.List{"disk"}, Culprit: &scorecard.Culprit{Name: "java"}, Keywords: scorecard.List{"deleted"}, Evidence: scorecard.List{"A1"},
		}
		if diff := cmp.Diff(want, a.Label); diff != "" || a.Incident.Title != "Disk" || b.Incident.Title != "<Idle>" || !b.Label.Healthy {
			t.Errorf("%s: %+v %+v %s", name, a, b, diff)
		}
		if strings.HasPrefix(text, "#") && (a.Line != 2 || b.Line != 4) {
			t.Errorf("%s: lines %d and %d", name, a.Line, b.Line)
		}
		got := scorecard.Contestants(set, scorecard.Contestant{})
		if diff := cmp.Diff([]scorecard.Contestant{{Provider: "openai", Model: "m1"}, {Provider: "claude"}}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if b.Answer(got[0]).Text != "{}" || a.Answer(got[0]) != nil || len(scorecard.Contestants(set, scorecard.Contestant{Model: "m2"})) != 0 {
			t.Errorf("%s: answers", name)
		}
	}
}

// TestWrite: what is written is read again as it was, with answers that came since.
func TestWrite(t *testing.T) {
	t.Parallel()
	set, err := scorecard.Read([]byte(good), incident)
	if err != nil {
		t.Fatal(err)
	}
	set[0].Record(scorecard.Recorded{Provider: "openai", Text: "first"})
	set[0].Record(scorecard.Recorded{Provider: "openai", Text: "second\nline"})
	set[1].Record(scorecard.Recorded{Provider: "openai", Model: "m1", Text: "other"})
	var b bytes.Buffer
	if err := scorecard.Write(&b, set); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 2 || !strings.Contains(b.String(), `"<Idle>"`) {
		t.Errorf("%d lines: %s", n, b.String())
	}
	again, err := scorecard.Read(b.Bytes(), incident)
	if err != nil {
		t.Fatal(err)
	}
	for i := range set {
		set[i].Line, set[i].Source, again[i].Line, again[i].Source = 0, nil, 0, nil
	}
	if diff := cmp.Diff(set, again); diff != "" || len(set[0].Answers) != 1 || set[0].Answers[0].Text != "second\nline" || len(set[1].Answers) != 2 {
		t.Errorf("%s", diff)
	}
}

// TestBadSets: whatever is wrong with a set is said with its line, all of it at once.
func TestBadSets(t *testing.T) {
	t.Parallel()
	const rest = `"incident": {"title": "x", "alerts": [{"name": "y"}]}`
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":            {"# a note\n", "line 1: there is no incident in it"},
		"not JSON":           {"\n\n{\"id\": \"a\",\n \"label\" {}}", `line 4: it is not JSON: invalid character '{' after object key`},
		"cut off":            {`{"id": "a", "incident": {`, "line 1: it is not JSON: unexpected end of JSON input"},
		"the second is none": {strings.TrimSuffix(good, "\n") + "\n{]\n", "line 6: it is not JSON: invalid character ']'"},
		"no object":          {"[\n7]", "line 2: an incident is an object"},
		"text":               {`"a"`, "line 1: an incident is an object"},
		"no id":              {`{` + rest + `, "label": {"type": "disk"}}`, `line 1: "id" is missing`},
		"long id":            {`{"id": "` + strings.Repeat("i", 101) + `", ` + rest + `, "label": {"type": "disk"}}`, `at most 100 bytes`},
		"twice the same id":  {good + `{"id": "a", ` + rest + `, "label": {"type": "disk"}}`, "line 6 (a): line 2 has the same id"},
		"no incident":        {`{"id": "a", "label": {"type": "disk"}}`, `line 1 (a): "incident" is missing`},
		"incident is a list": {`{"id": "a", "incident": [], "label": {"type": "disk"}}`, `line 1 (a): "incident" is missing, or is no object`},
		"bad incident":       {`{"id": "a", "incident": {"title": 1}, "label": {"type": "disk"}}`, "line 1 (a): no incident"},
		"key that is none":   {"{\"id\": \"a\", " + rest + ",\n\"label\": {\"type\": \"disk\",\n \"kind\": 1}}", `line 3 (a): there is no key "kind" here`},
		"key of a culprit":   {"{\"id\": \"a\", " + rest + ",\n\"label\": {\"type\": \"disk\",\n \"culprit\": {\"id\": 1,\n\"nam\": \"x\"}}}", `there is no key "id" here`},
		"wrong type":         {"{\"id\": \"a\", " + rest + ",\n\"label\": {\n\"healthy\": \"no\"}}", `line 3 (a): "label.healthy" cannot be a string`},
		"number for a text":  {"{\"id\": \"a\", " + rest + ",\n\"label\": {\n\"type\": 7}}", `line 3 (a): "label.type" cannot be a number`},
		"no label":           {`{"id": "a", ` + rest + `}`, `line 1 (a): "label": it needs a type, a culprit, keywords, or healthy: true`},
		"healthy and not":    {`{"id": "a", ` + rest + `, "label": {"healthy": true, "type": "disk"}}`, "nothing is wrong (healthy), so there is no type"},
		"type that is none":  {`{"id": "a", ` + rest + `, "label": {"type": ["disk", "dsk"]}}`, `type "dsk" is none of memory, disk`},
		"empty culprit":      {`{"id": "a", ` + rest + `, "label": {"culprit": {"kind": "process"}}}`, "culprit has neither"},
		"short keyword":      {`{"id": "a", ` + rest + `, "label": {"keywords": ["x"]}}`, `keyword "x" is too short`},
		"no such evidence":   {`{"id": "a", ` + rest + `, "label": {"type": "disk", "evidence": ["A1", "C1"]}}`, `no evidence "C1"; it has A1`},
		"no evidence at all": {`{"id": "a", "incident": {}, "label": {"type": "disk", "evidence": ["A1"]}}`, `no evidence "A1"; it has none`},
		"nobody's answer":    {`{"id": "a", ` + rest + `, "label": {"type": "disk"}, "answers": [{"text": "x"}]}`, `"answers", number 1: "provider" is missing`},
		"answer of nothing":  {`{"id": "a", ` + rest + `, "label": {"type": "disk"}, "answers": [{"provider": "p"}]}`, `neither "text" nor "result" nor "error_class"`},
		"negative time":      {`{"id": "a", ` + rest + `, "label": {"type": "disk"}, "answers": [{"provider": "p", "text": "x", "seconds": -1}]}`, `"seconds" is negative`},
	} {
		set, err := scorecard.Read([]byte(tt.text), incident)
		if !errors.Is(err, scorecard.ErrBadSet) || set != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant %s", name, err, tt.want)
		}
	}
	_, err := scorecard.Read([]byte(strings.Repeat("{}\n", 30)), incident)
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 22 || !strings.HasPrefix(lines[1], `line 1: "id"`) || lines[21] != "and 70 more" {
		t.Errorf("all at once: %q", lines)
	}
}

// FuzzRead: no set makes it panic, and what it takes can be written and read again.
func FuzzRead(f *testing.F) {
	for _, s := range []string{good, "[" + good + "]", "{", "[", "#", `{"id":"a","label":{"culprit":"`, "[1,{},\n]", "{}{}[]\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := scorecard.Read(text, incident)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := scorecard.Write(&b, set); err != nil {
			t.Fatal(err)
		}
		if again, err := scorecard.Read(b.Bytes(), incident); err != nil || len(again) != len(set) {
			t.Errorf("%d, then %d: %v", len(set), len(again), err)
		}
	})
}
