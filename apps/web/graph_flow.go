package web

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// flow is a definition as far as a picture needs it. Edges go by index.
type flow struct {
	Nodes  []flowNode
	Edges  []flowEdge
	Layers int
}

type flowNode struct {
	ID, Type string
	Doc      string // what its kind does
	When     string
	Config   string // as JSON, "" for none
	Layer    int
}

type flowEdge struct {
	From, To int
	Label    string // then, else, a condition, "" for always
}

// The labels of the two edges that a condition chooses from.
const (
	labelThen = "then"
	labelElse = "else"
)

// maxNodes bounds what is drawn: a longer definition is no picture any more.
const maxNodes = 150

// flowOf joins a drawing with the settings of its nodes, which the definition has. No drawing gives an empty flow.
func flowOf(d *orchestration.Drawing, config json.RawMessage) flow {
	if d == nil || len(d.Nodes) > maxNodes {
		return flow{}
	}
	f := flow{Layers: d.Layers}
	settings := settingsOf(config)
	docs := map[string]string{}
	for _, kind := range orchestration.NodeKinds() {
		docs[kind.Type] = kind.Doc
	}
	at := map[string]int{}
	for i, n := range d.Nodes {
		at[n.ID] = i
		f.Nodes = append(f.Nodes, flowNode{ID: n.ID, Type: n.Type, Doc: docs[n.Type], When: n.When, Config: settings[n.ID], Layer: n.Layer})
	}
	for _, e := range d.Edges {
		f.Edges = append(f.Edges, flowEdge{From: at[e.From], To: at[e.To], Label: e.Label})
	}
	return f
}

func settingsOf(config json.RawMessage) map[string]string {
	var def struct {
		Nodes []struct {
			ID     string          `json:"id"`
			Config json.RawMessage `json:"config"`
		} `json:"nodes"`
	}
	out := map[string]string{}
	if json.Unmarshal(config, &def) != nil {
		return out
	}
	for _, n := range def.Nodes {
		if text := string(n.Config); text != "{}" && text != "null" {
			out[n.ID] = text
		}
	}
	return out
}
