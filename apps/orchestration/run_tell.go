package orchestration

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// tellNames are what messages call the outputs of node kinds; the last node of a kind wins.
var tellNames = map[string]string{"ingest": "ingest", "context": "check", "intelligence": "intelligence"}

// TellOutputs are the outputs of a run's nodes, as the messages of one of its notify nodes know them.
func TellOutputs(g *graph.Graph, outputs map[string]json.RawMessage, cfg *graph.NotifyConfig) map[string]any {
	out := map[string]any{}
	for _, n := range g.Nodes {
		name, ok := tellNames[n.Spec.Type]
		if !ok || (name == "intelligence" && cfg.IncludeRecommendations != nil && !*cfg.IncludeRecommendations) {
			continue
		}
		if v := outputs[n.ID]; len(v) > 0 {
			out[name] = v
		}
	}
	return out
}

// Tell is what a loaded run's notify node has to say, once more: to a channel that takes the place of another. Nil when the run is gone,
// or its node is.
func (o *Outcomes) Tell(which id.ID, node string) (*event.Tell, error) {
	if err := o.s.ready(); err != nil {
		return nil, err
	}
	x := o.s.runs[which]
	if x == nil {
		return nil, nil //nolint:nilnil // no run, nothing to say
	}
	n, known := x.graph.Node(node)
	if !known {
		return nil, nil //nolint:nilnil // as above
	}
	cfg, ok := n.Config.(*graph.NotifyConfig)
	if !ok {
		return nil, nil //nolint:nilnil // as above
	}
	outputs := make(map[string]json.RawMessage, len(x.state.Nodes))
	for name, st := range x.state.Nodes {
		if st.Status == graph.NodeSucceeded {
			outputs[name] = st.Output
		}
	}
	o.s.facts(x)
	return &event.Tell{
		Tenant: x.tenant, TraceID: x.trace, RunID: x.id, DefinitionID: x.definition, Node: node, Source: x.source, Environment: x.environment,
		Incident: x.incident, Event: x.eventKind, Seq: x.eventSeq, Alerts: x.alerts, Outputs: TellOutputs(x.graph, outputs, cfg),
	}, o.s.failure
}

// Again takes back what the books say of a loaded run: one of its deliveries is tried again.
func (o *Outcomes) Again(which id.ID) {
	if x := o.s.runs[which]; x != nil {
		o.s.ledger.Retry(x.receipt, x.id)
	}
}
