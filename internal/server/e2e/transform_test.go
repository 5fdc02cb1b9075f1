package e2e

import (
	"maps"
	"slices"
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// found is what the source node of TestTransforms gives.
var found = obj{
	"status": "degraded", "count": 3,
	"recommendations": []any{
		obj{"title": "Rotate logs", "priority": "LOW", "score": 1},
		obj{"title": "Add disk", "priority": "high", "score": 7},
		obj{"title": "Call Ada", "priority": "High", "score": 3},
	},
}

// TestTransforms: each thing that a transform node can do, one node each, side by side in one run.
func TestTransforms(t *testing.T) {
	t.Parallel()
	type list = []any
	cases := map[string]struct {
		config obj
		want   any // nil: null
	}{
		"whole":           {obj{}, found},
		"extract":         {obj{"extract": "status"}, "degraded"},
		"index":           {obj{"extract": "recommendations.0.title"}, "Rotate logs"},
		"last":            {obj{"extract": "recommendations.-1.title"}, "Call Ada"},
		"nowhere":         {obj{"extract": "recommendations.9.title"}, nil},
		"filter_priority": {obj{"extract": "recommendations", "filter_priority": "HIGH", "mapping": obj{}, "limit": 1}, list{rec(1)}},
		"mapping":         {obj{"mapping": obj{"s": "status", "first": "recommendations.0.title", "none": "a.b"}}, obj{"s": "degraded", "first": "Rotate logs", "none": nil}},
		"filter":          {obj{"extract": "recommendations", "filter": obj{"field": "score", "op": "gt", "value": 2}}, list{rec(1), rec(2)}},
		"filter_text":     {obj{"extract": "recommendations", "filter": obj{"field": "title", "op": "matches", "value": "^(Add|Rotate)"}}, list{rec(0), rec(1)}},
		"filter_in":       {obj{"extract": "recommendations", "filter": obj{"field": "priority", "op": "not-in", "value": list{"LOW"}}}, list{rec(1), rec(2)}},
		"sort_by":         {obj{"extract": "recommendations", "sort_by": "-score", "limit": 2}, list{rec(1), rec(2)}},
		"sort_up":         {obj{"extract": "recommendations", "sort_by": "title", "limit": 1}, list{rec(1)}},
		"set":             {obj{"mapping": obj{"s": "status"}, "set": obj{"team": "db"}}, obj{"s": "degraded", "team": "db"}},
		"set_in_list":     {obj{"extract": "recommendations", "limit": 1, "set": obj{"priority": "none"}}, list{obj{"title": "Rotate logs", "priority": "none", "score": 1.0}}},
		"template":        {obj{"template": "{{count}} things, {{recommendations.1.title}} first{{nothing}}"}, "3 things, Add disk first"},
	}
	servertest.Forms(t, func(t *testing.T, begin func(setup) hub) {
		h := begin(contexts(func(*orchestration.NodeContext) orchestration.Result { return gives(found) }))
		ids := slices.Sorted(maps.Keys(cases))
		all := map[string]string{"": "succeeded", "in": "succeeded", "facts": "succeeded", "broken": "failed", "chained": "succeeded", "tell": "succeeded"}
		nodes := []obj{ingest("facts"), check("facts", append(ids, "broken"), nil)}
		for _, id := range ids {
			config := obj{"source_node": "facts"}
			maps.Copy(config, cases[id].config)
			nodes = append(nodes, obj{"id": id, "type": "transform", "config": config, "next": "tell"})
			all[id] = "succeeded"
		}
		nodes = append(nodes, // constants do not go into a text, and what follows finds nothing
			obj{"id": "broken", "type": "transform", "config": obj{"source_node": "facts", "extract": "status", "set": obj{"a": 1}}, "next": "chained"},
			obj{"id": "chained", "type": "transform", "config": obj{"source_node": "broken", "extract": "transformed"}, "next": "tell"})
		r := only(t, h, append(nodes, notify("tell", "ops"))...)
		run := ran(t, h, servertest.Fire("Disk"))
		want(t, "run", states(run), all)
		for id, tt := range cases {
			want(t, id, output(t, run, id), obj{"source_node": "facts", "transformed": plain(tt.want)})
		}
		want(t, "chained", output(t, run, "chained"), obj{"source_node": "broken", "transformed": nil})
		want(t, "broken", tries(run, "broken"), []string{"failed transform"})
		h.Rest()
		told(t, r, "firing")
	})
}

func rec(n int) any { return found["recommendations"].([]any)[n] }

// plain is a value as it comes back from JSON.
func plain(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case obj:
		out := obj{}
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, plain(e))
		}
		return out
	default:
		return v
	}
}
