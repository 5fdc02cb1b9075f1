package graph

import (
	"context"
	"fmt"
	"testing"

	"github.com/incidenthub/incidenthub/apps/event"
)

// TestMatchFieldsAndOps has every field that a route can look at with every op.
func TestMatchFieldsAndOps(t *testing.T) {
	t.Parallel()
	s := Subject{
		On: TriggerWebhook, Entry: "prod", Source: "alertmanager", Origin: "checker_generated",
		Alert: event.Observation{
			Name: "HighCPU", Status: event.StatusFiring, Severity: event.SeverityCritical,
			Labels: map[string]string{"host": "web-01", "team:owner": "ops"},
		},
	}
	for field, words := range map[string][2]string{ // what it has, and something else
		"source": {"alertmanager", "grafana"}, "entry": {"prod", "test"}, "severity": {"critical", "info"}, "status": {"firing", "resolved"},
		"instance": {"web-01", "web-02"}, "origin": {"checker_generated", "manual"}, "name": {"HighCPU", "HighMem"},
		"label:team:owner": {"ops", "dev"}, "label:missing": {"", "x"},
	} {
		is, other := words[0], words[1]
		for _, tt := range []struct {
			op, value string
			want      bool
		}{
			{"is", fmt.Sprintf("%q", is), true},
			{"is", fmt.Sprintf("%q", other), false},
			{"is-not", fmt.Sprintf("%q", is), false},
			{"is-not", fmt.Sprintf("%q", other), true},
			{"in", fmt.Sprintf("[%q,%q]", other, is), true},
			{"in", fmt.Sprintf("[%q]", other), false},
			{"not-in", fmt.Sprintf("[%q,%q]", other, is), false},
			{"not-in", fmt.Sprintf("[%q]", other), true},
		} {
			g, err := Load([]byte(triggered(fmt.Sprintf(`{"match":[{"field":%q,"op":%q,"value":%s}]}`, field, tt.op, tt.value))), Builtin(Known{}))
			if err != nil {
				t.Errorf("%s %s %s: %v", field, tt.op, tt.value, err)
				continue
			}
			subject := s
			if got, miss := g.Trigger.Match(context.Background(), &subject); got != tt.want {
				t.Errorf("%s %s %s: %v (%s), want %v", field, tt.op, tt.value, got, miss.Reason(), tt.want)
			}
		}
	}
}
