package orchestration

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
)

func TestFixed(t *testing.T) {
	t.Parallel()
	type obj = map[string]any
	defaults := FixedDefaults{MaxRetries: 4, Backoff: 1.5, Fallback: true}
	node := func(id, kind string, config obj, more obj) any {
		n := obj{"id": id, "type": kind, "config": config}
		maps.Copy(n, more)
		return n
	}
	told := obj{"skip_if_errors": []any{"ingest"}}
	for name, tt := range map[string]struct {
		in       Fixed
		defaults FixedDefaults
		want     []any
	}{
		"as it is": {Fixed{}, defaults, []any{
			node("ingest", "ingest", obj{}, obj{"next": "check"}), node("check", "context", obj{}, obj{"next": "analyze"}),
			node("analyze", "intelligence", obj{"provider": "local", "fallback": true}, obj{"next": "notify", "required": false}),
			node("notify", "notify", obj{"channels": []any{"*"}}, told),
		}},
		"everything": {
			Fixed{
				Driver: "grafana", Checkers: []string{"cpu"}, CheckerConfigs: map[string]map[string]any{"cpu": {"samples": 2}}, Hostname: "h", Provider: "openai",
				ProviderConfig: obj{"model": "m"}, Drivers: []string{"generic"},
			},
			FixedDefaults{MaxRetries: 1, Backoff: 2},
			[]any{
				node("ingest", "ingest", obj{"driver": "grafana"}, obj{"next": "check"}),
				node("check", "context", obj{"checker_names": []any{"cpu"}, "checker_configs": obj{"cpu": obj{"samples": 2.0}}, "hostname": "h"}, obj{"next": "analyze"}),
				node("analyze", "intelligence", obj{"provider": "openai", "provider_config": obj{"model": "m"}, "fallback": false}, obj{"next": "notify", "required": true}),
				node("notify", "notify", obj{"drivers": []any{"generic"}}, told),
			},
		},
		"checks only": {
			Fixed{ChecksOnly: true, Checkers: []string{"cpu"}},
			defaults,
			[]any{node("check", "context", obj{"checker_names": []any{"cpu"}}, obj{"required": true})},
		},
	} {
		raw, err := tt.in.Definition(tt.defaults)
		if err != nil {
			t.Fatal(err)
		}
		var got obj
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got["nodes"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		want := obj{"max_retries": float64(tt.defaults.MaxRetries), "backoff_factor": tt.defaults.Backoff, "timeout_seconds": 300.0}
		if diff := cmp.Diff(want, got["defaults"]); diff != "" {
			t.Errorf("%s: defaults (-want +got):\n%s", name, diff)
		}
		g, err := graph.Load(raw, NodeKinds())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, n := range g.Nodes {
			if StageOf(n.ID, n.Spec.Type) != n.ID {
				t.Errorf("%s: node %s is no stage", name, n.ID)
			}
		}
	}
	if got := StageOf("check_health", "context"); got != "context" {
		t.Errorf("a node of another pipeline is called %s", got)
	}
}
