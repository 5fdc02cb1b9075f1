package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// States and reasons of nodes that the picture tells apart.
const (
	stateWaiting     = "waiting"
	stateSkipped     = "skipped"
	stateCanceled    = "canceled"
	reasonNotReached = "not_reached"
)

// picture is a pipeline drawn from left to right; the template writes it as SVG.
type picture struct {
	W, H  int
	Nodes []drawnNode
	Edges []drawnEdge
	Run   bool // shows states
	Wide  bool // too wide to be shrunk to the page; it scrolls
}

type drawnNode struct {
	ID, Type string
	X, Y     int
	Shape    string // path data
	Title    string // the id, cut to fit
	Kind     string
	Icon     string
	Mark     Mark // zero without a run
	Time     string
}

type drawnEdge struct {
	Path  string
	Class string // "", taken, untaken
	Arrow string // path data
	Label string
	Full  string // the whole condition, where Label is cut
	X, Y  int    // of the label's middle
	W     int    // of the label's background
	HalfW int
}

// maxShrunk is how many layers a page of usual width can show with letters that can be read.
const maxShrunk = 6

// draw makes the picture of a definition, with the states of a run where given.
func draw(f flow, nodes []orchestration.NodeRun) picture {
	if len(f.Nodes) == 0 {
		return picture{}
	}
	at := place(f)
	pic := picture{W: int(at.width), H: int(at.height), Run: nodes != nil, Wide: f.Layers > maxShrunk}
	states := map[string]*orchestration.NodeRun{}
	for i := range nodes {
		states[nodes[i].Node] = &nodes[i]
	}
	for i, n := range f.Nodes {
		where := at.node[i]
		d := drawnNode{
			ID: n.ID, Type: n.Type, X: left(where.layer), Y: int(at.layers[where.layer][where.at].y),
			Shape: shape(n.Type), Title: cut(n.ID, 17), Kind: n.Type, Icon: kindIcon(n.Type),
		}
		if pic.Run {
			d.mark(states[n.ID])
		}
		pic.Nodes = append(pic.Nodes, d)
	}
	for e, edge := range f.Edges {
		d := at.path(f, e)
		d.label(edgeWord(edge.Label), f.Nodes[edge.To].Layer-f.Nodes[edge.From].Layer > 1)
		if pic.Run {
			d.Class = edgeClass(edge, states[f.Nodes[edge.From].ID], states[f.Nodes[edge.To].ID])
		}
		pic.Edges = append(pic.Edges, d)
	}
	return pic
}

func (d *drawnNode) mark(s *orchestration.NodeRun) {
	if s == nil {
		d.Mark = nodeMark("")
		return
	}
	d.Mark = nodeMark(s.State)
	if s.DurationMS != nil && s.State != stateSkipped {
		d.Time = span(time.Duration(*s.DurationMS * float64(time.Millisecond)))
	}
	if s.Attempt > 1 {
		d.Time = strings.TrimSpace(d.Time + fmt.Sprintf(" · try %d", s.Attempt))
	}
}

// edgeClass says whether the run went this way. What is not decided yet has no class.
func edgeClass(e flowEdge, from, to *orchestration.NodeRun) string {
	final := func(s *orchestration.NodeRun) bool {
		return s != nil && (s.State == "succeeded" || s.State == "failed" || s.State == stateSkipped || s.State == stateCanceled)
	}
	switch {
	case !final(from):
		return ""
	case (e.Label == labelThen || e.Label == labelElse) && from.Choice != "" && from.Choice != e.Label:
		return "untaken"
	case to == nil, to.State == stateWaiting:
		return ""
	case to.State == stateSkipped && to.Reason == reasonNotReached,
		to.State == stateCanceled, from.Reason == reasonNotReached:
		return "untaken"
	default:
		return "taken"
	}
}

func edgeWord(label string) string {
	switch label {
	case labelThen:
		return "yes"
	case labelElse:
		return "no"
	default:
		return label
	}
}

// label writes the condition where it has room, else a mark whose title has it.
func (d *drawnEdge) label(text string, long bool) {
	room := 4
	if long {
		room = 20
	}
	d.Label = text
	if len([]rune(text)) > room {
		d.Full, d.Label = text, "if"
		if long {
			d.Label = cut(text, room)
		}
	}
	d.W = 7*len([]rune(d.Label)) + 12
	d.HalfW = d.W / 2
}

func left(layer int) int { return edgeOut + layer*(nodeW+gapX) }

// path runs from the right side of a node through its lanes to the left side of the next, in curves that leave and arrive
// level.
func (p *places) path(f flow, e int) drawnEdge {
	edge := f.Edges[e]
	from, to := p.node[edge.From], p.node[edge.To]
	x, y := float64(left(from.layer)+nodeW), p.layers[from.layer][from.at].y+nodeH/2
	var b strings.Builder
	fmt.Fprintf(&b, "M%.0f %.0f", x, y)
	d := drawnEdge{}
	for l := from.layer + 1; l <= to.layer; l++ {
		tx, ty := float64(left(l)), p.layers[to.layer][to.at].y+nodeH/2
		if l < to.layer {
			s := p.layers[l][p.lanes[[2]int{e, l}]]
			ty = s.y + s.h/2
		} else {
			tx -= 6 // the arrow's
		}
		half := (tx - x) / 2
		fmt.Fprintf(&b, " C%.0f %.0f %.0f %.0f %.0f %.0f", x+half, y, tx-half, ty, tx, ty)
		switch {
		case l == from.layer+1 && l < to.layer: // the level part of the first lane has room for words
			d.X, d.Y = int(tx)+nodeW/2, int(ty)
		case l == from.layer+1:
			d.X, d.Y = int(x+(tx-x)*.5), int(y+(ty-y)*.5)
		}
		x, y = tx, ty
		if l < to.layer {
			x += nodeW
			fmt.Fprintf(&b, " L%.0f %.0f", x, y)
		}
	}
	d.Path = b.String()
	d.Arrow = fmt.Sprintf("M%.0f %.0f l-7 -4.500 v9 Z", x+6, y)
	return d
}

// shape is the outline of a node's kind: what comes in points inwards, a choice is a hexagon, what goes out is an arrow.
func shape(kind string) string {
	const w, h = nodeW, nodeH
	switch kind {
	case "ingest":
		return fmt.Sprintf("M8 0 H%d a8 8 0 0 1 8 8 V%d a8 8 0 0 1 -8 8 H8 q-8 0 -6 -7 L10 %d L2 7 Q0 0 8 0 Z", w-8, h-8, h/2)
	case "notify":
		return fmt.Sprintf("M8 0 H%d q5 0 8 4 L%d %d L%d %d q-3 4 -8 4 H8 a8 8 0 0 1 -8 -8 V8 a8 8 0 0 1 8 -8 Z", w-22, w, h/2, w-14, h-4)
	case "condition":
		return fmt.Sprintf("M18 0 H%d L%d %d L%d %d H18 L0 %d Z", w-18, w, h/2, w-18, h, h/2)
	case "transform":
		return fmt.Sprintf("M18 0 H%d q8 0 6 7 L%d %d q-2 7 -10 7 H6 q-8 0 -6 -7 L10 7 Q12 0 18 0 Z", w-6, w-10, h-7)
	case "intelligence":
		return fmt.Sprintf("M14 0 H%d L%d 14 V%d L%d %d H14 L0 %d V14 Z", w-14, w, h-14, w-14, h, h-14)
	case "context":
		return fmt.Sprintf("M%d 0 H%d a%d %d 0 0 1 0 %d H%d a%d %d 0 0 1 0 -%d Z", h/2, w-h/2, h/2, h/2, h, h/2, h/2, h/2, h)
	default:
		return fmt.Sprintf("M8 0 H%d a8 8 0 0 1 8 8 V%d a8 8 0 0 1 -8 8 H8 a8 8 0 0 1 -8 -8 V8 a8 8 0 0 1 8 -8 Z", w-8, h-8)
	}
}

// kindIcon keeps to the kinds that have a picture.
func kindIcon(kind string) string {
	switch kind {
	case "ingest", "context", "intelligence", "notify", "transform", "condition":
		return kind
	default:
		return "dot"
	}
}

func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
