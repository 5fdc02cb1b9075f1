package web

import (
	"cmp"
	"slices"
)

// Sizes of the picture in pixels.
const (
	nodeW, nodeH = 184, 58
	gapX, gapY   = 54, 26
	thinH        = 16 // of a lane that only an edge passes through
	edgeOut      = 8  // margin around everything
)

// slot is a place in a layer: a node, or a lane that keeps a long edge clear of the nodes between its ends.
type slot struct {
	node int // -1: a lane
	edge int // of a lane
	pull float64
	y, h float64
}

// places holds where nodes and lanes are.
type places struct {
	layers [][]slot
	node   []struct{ layer, at int }
	lanes  map[[2]int]int // (edge, layer) -> place in that layer
	width  float64
	height float64
}

// place puts each node into its layer, nearest to what leads to it, and centres the layers. Two sweeps are enough for
// pipelines, which are a handful of nodes.
func place(f flow) places {
	p := places{layers: make([][]slot, f.Layers), node: make([]struct{ layer, at int }, len(f.Nodes)), lanes: map[[2]int]int{}}
	for i, n := range f.Nodes {
		p.layers[n.Layer] = append(p.layers[n.Layer], slot{node: i, h: nodeH})
	}
	for e, edge := range f.Edges {
		for l := f.Nodes[edge.From].Layer + 1; l < f.Nodes[edge.To].Layer; l++ {
			p.layers[l] = append(p.layers[l], slot{node: -1, edge: e, h: thinH})
		}
	}
	for range 2 {
		for l := range p.layers {
			p.order(f, l)
		}
	}
	for _, layer := range p.layers {
		p.height = max(p.height, heightOf(layer))
	}
	for _, layer := range p.layers {
		y := edgeOut + (p.height-heightOf(layer))/2
		for i := range layer {
			layer[i].y = y
			y += layer[i].h + gapY
		}
	}
	p.width = 2*edgeOut + float64(f.Layers)*nodeW + float64(max(f.Layers-1, 0))*gapX
	p.height += 2 * edgeOut
	return p
}

// order sorts a layer by the middle of what leads to each slot, and writes down where everything is.
func (p *places) order(f flow, l int) {
	layer := p.layers[l]
	for i := range layer {
		sum, n := 0.0, 0.0
		for e, edge := range f.Edges {
			leads := layer[i].node == edge.To || layer[i].node < 0 && layer[i].edge == e
			if !leads || l == 0 {
				continue
			}
			if at, ok := p.before(f, e, l); ok {
				sum, n = sum+at, n+1
			}
		}
		layer[i].pull = 0.5
		if n > 0 {
			layer[i].pull = sum / n
		}
	}
	slices.SortStableFunc(layer, func(a, b slot) int { return cmp.Compare(a.pull, b.pull) })
	for i, s := range layer {
		if s.node >= 0 {
			p.node[s.node] = struct{ layer, at int }{l, i}
		} else {
			p.lanes[[2]int{s.edge, l}] = i
		}
	}
}

// before is where an edge comes from in the layer left of l, as a share of that layer's height.
func (p *places) before(f flow, e, l int) (float64, bool) {
	edge, n := f.Edges[e], float64(len(p.layers[l-1]))
	if f.Nodes[edge.From].Layer == l-1 {
		return (float64(p.node[edge.From].at) + 0.5) / n, true
	}
	at, ok := p.lanes[[2]int{e, l - 1}]
	return (float64(at) + 0.5) / n, ok
}

func heightOf(layer []slot) float64 {
	h := 0.0
	for i, s := range layer {
		h += s.h
		if i > 0 {
			h += gapY
		}
	}
	return h
}
