package graph

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTransform(t *testing.T) {
	t.Parallel()
	const source = `{"provider":"local","count":3,"summary":"Memory is full","recommendations":[
		{"title":"Restart","priority":"high","type":"memory","n":2},{"title":"Clean","priority":"LOW","type":"disk","n":10},
		{"title":"Look","priority":"High","type":"disk"},"text"]}`
	for name, tt := range map[string]struct{ cfg, source, want string }{
		"whole output":           {`{}`, `{"a":1}`, `{"a":1}`},
		"no output":              {`{}`, `null`, `{}`},
		"path":                   {`{"extract":"recommendations.0.title"}`, source, `"Restart"`},
		"path from the end":      {`{"extract":"recommendations.-2.title"}`, source, `"Look"`},
		"path to nowhere":        {`{"extract":"recommendations.9.title"}`, source, `null`},
		"path through a text":    {`{"extract":"summary.x.y"}`, source, `null`},
		"path in nothing":        {`{"extract":"a.b"}`, `null`, `null`},
		"filter_priority":        {`{"extract":"recommendations","filter_priority":"high","mapping":{}}`, source, `[{"title":"Restart","priority":"high","type":"memory","n":2},{"title":"Look","priority":"High","type":"disk"}]`},
		"filter_priority object": {`{"filter_priority":"high"}`, `{"priority":"low"}`, `{"priority":"low"}`},
		"mapping":                {`{"extract":"recommendations","mapping":{"what":"recommendations.0.title","by":"provider","none":"x.y"}}`, source, `{"by":"local","none":null,"what":"Restart"}`},
		"filter is":              {`{"extract":"recommendations","filter":{"field":"type","op":"is","value":"disk"},"sort_by":"title","limit":1}`, source, `[{"title":"Clean","priority":"LOW","type":"disk","n":10}]`},
		"filter gt":              {`{"extract":"recommendations","filter":{"field":"n","op":"gt","value":2}}`, source, `[{"title":"Clean","priority":"LOW","type":"disk","n":10}]`},
		"filter gte priority":    {`{"extract":"recommendations","filter":{"field":"priority","op":"gte","value":"medium"}}`, source, `[{"title":"Restart","priority":"high","type":"memory","n":2},{"title":"Look","priority":"High","type":"disk"}]`},
		"filter in":              {`{"filter":{"field":".","op":"in","value":[1,"a"]}}`, `[1,2,"a",1.5]`, `[1,"a"]`},
		"filter not-in":          {`{"filter":{"field":".","op":"not-in","value":[1,"a"]}}`, `[1,2,"a",1.0]`, `[2]`},
		"filter contains":        {`{"extract":"recommendations","filter":{"field":"title","op":"contains","value":"ea"}}`, source, `[{"title":"Clean","priority":"LOW","type":"disk","n":10}]`},
		"filter matches":         {`{"extract":"recommendations","filter":{"field":"title","op":"matches","value":"^L"}}`, source, `[{"title":"Look","priority":"High","type":"disk"}]`},
		"sort down":              {`{"extract":"recommendations","sort_by":"-n","filter":{"field":"title","op":"is-not","value":null}}`, source, `err`},
		"sort by number down":    {`{"sort_by":"-n"}`, `[{"n":1},{"n":10},{"n":2},{},{"n":"x"}]`, `[{"n":10},{"n":2},{"n":1},{"n":"x"},{}]`},
		"sort by priority down":  {`{"sort_by":"-p","limit":2}`, `[{"p":"low"},{"p":"critical"},{"p":"medium"}]`, `[{"p":"critical"},{"p":"medium"}]`},
		"limit 0":                {`{"limit":0}`, `[1,2]`, `[]`},
		"set in object":          {`{"set":{"team":"ops","n":{"a":1}}}`, `{"team":"x","b":2}`, `{"b":2,"n":{"a":1},"team":"ops"}`},
		"set in list":            {`{"set":{"a":1}}`, `[{"b":2},{}]`, `[{"a":1,"b":2},{"a":1}]`},
		"set in nothing":         {`{"extract":"x","set":{"a":1}}`, `{}`, `{"a":1}`},
		"set in a text":          {`{"extract":"summary","set":{"a":1}}`, source, `err`},
		"template":               {`{"template":"{{summary}}: {{ recommendations.0.title }} ({{count}}, {{none}}{{recommendations.1.n}})"}`, source, `"Memory is full: Restart (3, 10)"`},
		"template of all":        {`{"extract":"recommendations.0","template":"{{.}}"}`, source, `"{\"n\":2,\"priority\":\"high\",\"title\":\"Restart\",\"type\":\"memory\"}"`},
		"big integer":            {`{"extract":"n"}`, `{"n":9007199254740993}`, `9007199254740993`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := transformJSON(t, tt.cfg, tt.source)
			if tt.want == "err" {
				if err == nil {
					t.Errorf("got %s, want an error", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var a, b any
			if json.Unmarshal(got, &a) != nil || json.Unmarshal([]byte(tt.want), &b) != nil {
				t.Fatalf("bad JSON: %s", got)
			}
			if diff := cmp.Diff(b, a); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func transformJSON(t *testing.T, cfg, source string) ([]byte, error) {
	t.Helper()
	tree, problems := parseTree([]byte(cfg))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	spec := transformSpec()
	c, problems := spec.decode(RawConfig{tree: tree}, "")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, err := Transform(c.(*TransformConfig), decodeOutput(json.RawMessage(source)))
	if err != nil {
		return nil, err
	}
	return json.Marshal(got)
}

func TestTransformLeavesTheSourceAlone(t *testing.T) {
	t.Parallel()
	source := map[string]any{"list": []any{map[string]any{"n": 2}, map[string]any{"n": 1}}}
	if _, err := Transform(&TransformConfig{Extract: "list", SortBy: "n", Set: map[string]any{"x": 1}}, source); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"list": []any{map[string]any{"n": 2}, map[string]any{"n": 1}}}
	if diff := cmp.Diff(want, source); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
}

func TestTemplateIsBounded(t *testing.T) {
	t.Parallel()
	out, err := Transform(&TransformConfig{Template: strings.Repeat("{{a}}", 1000)}, map[string]any{"a": strings.Repeat("ü", 10_000)})
	if err != nil || len(out.(string)) > maxRendered {
		t.Errorf("got %d bytes, %v; want at most %d", len(out.(string)), err, maxRendered)
	}
}
