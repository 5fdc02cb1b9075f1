package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/apps/sources"
)

// payload is what a run by hand takes in.
type payload struct {
	entry  sources.Entry
	body   []byte // nil: nothing came
	parsed alerts.Parsed
	fault  string // why nothing of it can be used
}

// payload reads what a run by hand is given. A pipeline that takes nothing in is given nothing that cannot be used.
func (p pipelines) payload(tenant string, e *api.Execution, route *orchestration.Route) (payload, error) {
	if e.Fixed != nil && e.Fixed.ChecksOnly {
		return payload{}, nil // no stage of it takes anything in
	}
	in := payload{}
	var ok bool
	if in.entry, ok = p.entries.Default(tenant); !ok {
		return in, fmt.Errorf("there is no default source, by whose rules alerts are grouped: %w", event.ErrRefused)
	}
	in.body = bytes.TrimSpace(e.Payload)
	if nothing := len(in.body) == 0 || string(in.body) == "null" || isEmpty(in.body); nothing && e.Fixed == nil {
		if len(e.Labels) > 0 {
			return in, refused("/labels", "there is no payload whose alerts they could be put onto")
		}
		in.body = nil
		return in, nil
	}
	if !e.Incident.IsZero() {
		return in, refused("/incident_id", "the alerts of a payload say themselves which incident they belong to; give one of the two")
	}
	p.read(&in, e, route)
	relabel(in.parsed.Observations, e.Labels)
	takes := slices.ContainsFunc(route.Graph.Nodes, func(n *graph.Node) bool { return n.Spec.Type == "ingest" })
	if in.fault != "" && !takes {
		return in, refused("/payload", in.fault)
	}
	return in, nil
}

// relabel puts labels onto alerts, over their own.
func relabel(list []event.Observation, labels map[string]string) {
	for i := range list {
		all := make(map[string]string, len(list[i].Labels)+len(labels))
		maps.Copy(all, list[i].Labels)
		maps.Copy(all, labels)
		list[i].Labels = all
	}
}

func isEmpty(body []byte) bool {
	var o map[string]json.RawMessage
	return json.Unmarshal(body, &o) == nil && len(o) == 0
}

// read parses a payload by the driver that is named: in the request, by the pipeline, in the payload; else by the one that recognises it.
// What a sender's body is wrapped in, {"driver": …, "payload": {…}}, is taken off.
func (p pipelines) read(in *payload, e *api.Execution, route *orchestration.Route) {
	var wrap struct {
		Driver  json.RawMessage `json:"driver"`
		Payload json.RawMessage `json:"payload"`
	}
	if len(in.body) == 0 || in.body[0] != '{' || json.Unmarshal(in.body, &wrap) != nil {
		in.fault = "the payload is not an object"
		return
	}
	driver, hint := route.Parser()
	if e.Driver != "" {
		driver = e.Driver
	}
	var own string
	if json.Unmarshal(wrap.Driver, &own) != nil || !slices.Contains(p.parsers.Names(), own) {
		own = "" // a field of an alert that is called so
	}
	if driver == "" {
		driver = own
	}
	inner := bytes.TrimSpace(wrap.Payload)
	if len(inner) == 0 || inner[0] != '{' {
		inner = nil
	}
	try := func(driver string, body []byte) bool {
		parsed, err := alerts.Parse(p.parsers, driver, body, p.limits())
		if err != nil {
			parsed.Unusable = err.Error()
		}
		if parsed.Driver == "" {
			parsed.Driver = driver
		}
		if in.parsed.Unusable == "" || parsed.Unusable == "" { // the first complaint stays
			in.parsed, in.body = parsed, body
		}
		in.fault = in.parsed.Unusable
		return in.fault == ""
	}
	outer := in.body
	switch {
	case own != "" && inner != nil && try(driver, inner):
	case driver == "" && hint != "" && (try(hint, outer) || inner != nil && try(hint, inner)):
	case try(driver, outer):
	case inner != nil && try(driver, inner):
	case driver == "" && in.entry.Driver != "" && try(in.entry.Driver, outer):
	}
}
