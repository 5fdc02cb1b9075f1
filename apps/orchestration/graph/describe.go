package graph

// Drawing is the graph as a picture needs it.
type Drawing struct {
	Nodes  []DrawnNode `json:"nodes"` // document order
	Edges  []DrawnEdge `json:"edges"`
	Layers int         `json:"layers"`
	Rows   int         `json:"rows"` // of the fullest layer
}

// DrawnNode is a node with its place: Layer is the longest way from the entry, Row its place within the layer.
type DrawnNode struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Layer    int    `json:"layer"`
	Row      int    `json:"row"`
	Required bool   `json:"required"`
	When     string `json:"when,omitempty"`
	Join     Join   `json:"join"`
}

// DrawnEdge is an edge with the condition it is taken by: then, else, an expression, or "" for always.
type DrawnEdge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Label string `json:"label,omitempty"`
}

// Describe places the nodes for a picture that runs from layer to layer.
func (g *Graph) Describe() Drawing {
	layer, rows := make([]int, len(g.Nodes)), map[int]int{}
	for _, i := range g.order {
		for _, e := range g.Nodes[i].out {
			layer[e.to] = max(layer[e.to], layer[i]+1)
		}
	}
	d := Drawing{Nodes: []DrawnNode{}, Edges: []DrawnEdge{}}
	for i, n := range g.Nodes {
		row := rows[layer[i]]
		rows[layer[i]]++
		node := DrawnNode{ID: n.ID, Type: n.Spec.Type, Layer: layer[i], Row: row, Required: n.Required, When: n.When.String(), Join: JoinAll}
		if n.JoinAny {
			node.Join = JoinAny
		}
		d.Nodes = append(d.Nodes, node)
		d.Layers, d.Rows = max(d.Layers, layer[i]+1), max(d.Rows, rows[layer[i]])
		for _, e := range n.out {
			label := e.branch
			if e.when != nil {
				label = e.when.source
			}
			d.Edges = append(d.Edges, DrawnEdge{From: n.ID, To: g.Nodes[e.to].ID, Label: label})
		}
	}
	return d
}
