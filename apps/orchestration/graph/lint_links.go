package graph

import (
	"fmt"
	"strings"
)

// link is one edge as written.
type link struct {
	from   int
	to     string
	when   string
	branch string
	at     string // JSON pointer
}

// links lists the edges of a definition. A definition in which no node names a successor runs in document order.
func links(def *Definition, specs []NodeSpec) []link {
	var out []link
	explicit := false
	for i, n := range def.Nodes {
		at := joinIndex("/nodes", i)
		explicit = explicit || n.Next.Given
		for j, l := range n.Next.Links {
			here := at + "/next"
			if len(n.Next.Links) > 1 {
				here = joinIndex(here, j)
			}
			out = append(out, link{from: i, to: l.To, when: l.When, at: here})
		}
		spec := specOf(specs, n.Type)
		if spec == nil || spec.Branch == nil {
			continue
		}
		cfg, _ := spec.decode(n.Config, "")
		b := spec.Branch(cfg)
		explicit = explicit || len(b.Then)+len(b.Else) > 0
		for j, id := range b.Then {
			out = append(out, link{from: i, to: id, branch: BranchThen, at: branchPointer(at, BranchThen, j, len(b.Then))})
		}
		for j, id := range b.Else {
			out = append(out, link{from: i, to: id, branch: BranchElse, at: branchPointer(at, BranchElse, j, len(b.Else))})
		}
	}
	if explicit {
		return out
	}
	for i := 1; i < len(def.Nodes); i++ {
		out = append(out, link{from: i - 1, to: def.Nodes[i].ID, at: joinIndex("/nodes", i-1)})
	}
	return out
}

func branchPointer(at, branch string, j, n int) string {
	at += "/config/" + branch
	if n > 1 {
		return joinIndex(at, j)
	}
	return at
}

// checkLinks finds links to nowhere, doubled links, cycles and nodes that nothing leads to.
func (c *checker) checkLinks() {
	type pair struct {
		from       int
		to, branch string
	}
	seen := map[pair]bool{}
	for _, l := range c.links {
		key := pair{l.from, l.to, l.branch}
		to, ok := c.index[l.to]
		switch {
		case l.to == "": // already reported as a missing id or a wrong type
		case !ok:
			c.addNode(l.from, problemAt(l.at, fmt.Sprintf("%s leads to %s, but there is no such node", lastWord(l), quoteAll([]string{l.to})), didYouMean(l.to, c.ids())))
		case to == l.from:
			c.addNode(l.from, problemAt(l.at, "the node leads to itself", ""))
		case seen[key]:
			c.addNode(l.from, problemAt(l.at, "the link to "+quoteAll([]string{l.to})+" is given twice", "keep one of them; join conditions with or"))
		}
		seen[key] = true
	}
	reached := c.cycles()
	for i, n := range c.def.Nodes {
		if reached[i] || n.ID == "" || c.index[n.ID] != i {
			continue
		}
		c.addNode(i, problemAt(joinIndex("/nodes", i), "nothing leads to this node, it would never run",
			fmt.Sprintf("add \"next\": %q to the node before it, or remove it", n.ID)))
	}
}

func lastWord(l link) string {
	if l.branch != "" {
		return l.branch
	}
	return "next"
}

// cycles reports each way back and returns which nodes are reached from the entry.
func (c *checker) cycles() []bool {
	const (
		unseen = iota
		onPath
		done
	)
	state := make([]int, len(c.def.Nodes))
	out := c.outgoing()
	var path []int
	var visit func(i int)
	visit = func(i int) {
		state[i] = onPath
		path = append(path, i)
		for _, l := range out[i] {
			to := c.index[l.to]
			switch {
			case to == i: // reported as such
			case state[to] == unseen:
				visit(to)
			case state[to] == onPath:
				c.addNode(i, problemAt(l.at, "the nodes form a cycle: "+c.pathText(path, to), "a pipeline only goes forward; remove one of these links"))
			}
		}
		path = path[:len(path)-1]
		state[i] = done
	}
	reached := make([]bool, len(c.def.Nodes))
	for i := range c.def.Nodes {
		if i > 0 && state[i] == unseen {
			visit(i) // a cycle may lie beside what the entry reaches
			continue
		}
		if i == 0 {
			visit(0)
			for j, s := range state {
				reached[j] = s == done
			}
		}
	}
	return reached
}

func (c *checker) outgoing() map[int][]link {
	out := map[int][]link{}
	for _, l := range c.links {
		if _, ok := c.index[l.to]; ok {
			out[l.from] = append(out[l.from], l)
		}
	}
	return out
}

func (c *checker) pathText(path []int, back int) string {
	start := 0
	for i, n := range path {
		if n == back {
			start = i
		}
	}
	var names []string
	for _, n := range path[start:] {
		names = append(names, clip(c.def.Nodes[n].ID))
	}
	return strings.Join(append(names, clip(c.def.Nodes[back].ID)), " → ")
}

// ancestors returns the ancestors of each node, nil when the nodes form a cycle.
func (c *checker) ancestors() []map[int]bool {
	above := make([]map[int]bool, len(c.def.Nodes))
	for i := range above {
		above[i] = map[int]bool{}
	}
	// As many rounds as nodes are enough without a cycle.
	for range len(above) + 1 {
		changed := false
		for _, l := range c.links {
			to, ok := c.index[l.to]
			if !ok {
				continue
			}
			before := len(above[to])
			above[to][l.from] = true
			for a := range above[l.from] {
				above[to][a] = true
			}
			changed = changed || len(above[to]) != before
		}
		if !changed {
			break
		}
	}
	for i := range above {
		if above[i][i] {
			return nil
		}
	}
	return above
}
