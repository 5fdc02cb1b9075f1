// Package graph is the pure core of the pipeline engine: the definition format and its lint, the JSON Schema, the condition
// language, and the state machine that turns (graph, state of the nodes, event) into effects. It opens nothing, starts
// nothing and reads no clock: the runner, the dry run, the back-test and the replay are the same core with other hands.
package graph

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Graph is a compiled definition. It never changes and is safe for concurrent use.
type Graph struct {
	Definition *Definition
	Trigger    *Trigger
	Nodes      []*Node // document order; the first one is the entry
	// Deadline is how long a run may take, from the first node that takes time.
	Deadline time.Duration
	// MaxRuns is how many runs may work on slow nodes at once, 0 for any number.
	MaxRuns int

	index map[string]int
	order []int // node indexes, each after all its predecessors
}

// Node is one compiled node.
type Node struct {
	ID       string
	Spec     *NodeSpec
	Config   any // pointer to the spec's config struct, e.g. *NotifyConfig
	Required bool
	JoinAny  bool
	MaxTries int           // executions that may end in an error, at least 1
	Timeout  time.Duration // of one execution
	Backoff  float64       // base of the wait between tries, in seconds
	When     *Program      // nil: always

	at           int
	skipIf       *skipCondition
	skipIfErrors []int
	in           []*edge
	out          []*edge
	above        []bool // by node index: is an ancestor
	branch       *compiledBranch
}

type edge struct {
	from, to int
	when     *Program // nil: always
	branch   string   // "", BranchThen or BranchElse
}

// compiledBranch is what a branching node (type condition) decides by.
type compiledBranch struct{ expression *Program }

// skipCondition is a compiled skip_if_condition: either the older form `<id>.has_errors` or an expression.
type skipCondition struct {
	node    int // for the older form, else -1
	program *Program
}

// InvalidError is returned for a definition that cannot run; it carries every problem, warnings too.
type InvalidError struct{ Problems []Problem }

// Error joins the errors, one a line.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("the pipeline definition is not valid")
	for _, p := range e.Problems {
		if p.Severity == SeverityError {
			b.WriteString("\n" + p.String())
		}
	}
	return b.String()
}

// ErrUnknownNode is returned for a node id that the definition does not have.
var ErrUnknownNode = errors.New("unknown node")

// Load parses, lints and compiles a definition. An *InvalidError lists all problems.
func Load(raw []byte, specs []NodeSpec) (*Graph, error) {
	def, problems := Parse(raw)
	problems = append(problems, Check(def, specs)...)
	if HasErrors(problems) {
		return nil, &InvalidError{Problems: sorted(problems)}
	}
	return Compile(def, specs)
}

// Compile turns a definition into a graph. It checks the definition first; an *InvalidError lists all problems.
func Compile(def *Definition, specs []NodeSpec) (*Graph, error) {
	if def == nil {
		return nil, errors.New("compile pipeline: no definition")
	}
	if problems := Check(def, specs); HasErrors(problems) {
		return nil, &InvalidError{Problems: sorted(problems)}
	}
	g := &Graph{Definition: def, index: make(map[string]int, len(def.Nodes))}
	for i, n := range def.Nodes {
		g.index[n.ID] = i
	}
	g.Deadline = DefaultDeadline * time.Second
	if l := def.Limits; l != nil && l.DeadlineSeconds != nil {
		g.Deadline = time.Duration(*l.DeadlineSeconds * float64(time.Second))
	}
	if l := def.Limits; l != nil && l.MaxConcurrency != nil {
		g.MaxRuns = *l.MaxConcurrency
	}
	trigger, err := compileTrigger(def.Trigger)
	if err != nil {
		return nil, fmt.Errorf("compile trigger: %w", err)
	}
	g.Trigger = trigger
	for i := range def.Nodes {
		n, err := g.compileNode(i, specs)
		if err != nil {
			return nil, fmt.Errorf("compile node %q: %w", def.Nodes[i].ID, err)
		}
		g.Nodes = append(g.Nodes, n)
	}
	if err := g.link(specs); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Graph) compileNode(at int, specs []NodeSpec) (*Node, error) {
	d := &g.Definition.Nodes[at]
	spec := specOf(specs, d.Type)
	config, problems := spec.decode(d.Config, "")
	if HasErrors(problems) {
		return nil, &InvalidError{Problems: problems}
	}
	n := &Node{
		ID: d.ID, Spec: spec, Config: config, at: at,
		Required: spec.DefaultRequired, JoinAny: d.Join == JoinAny,
		MaxTries: g.Definition.maxRetries(d),
		Timeout:  time.Duration(g.Definition.timeoutSeconds(d) * float64(time.Second)),
		Backoff:  g.Definition.backoffFactor(d),
	}
	if d.Required != nil {
		n.Required = *d.Required
	}
	for _, id := range d.SkipIfErrors {
		n.skipIfErrors = append(n.skipIfErrors, g.index[id])
	}
	var err error
	if n.When, err = compileOptional(d.When); err != nil {
		return nil, err
	}
	if d.SkipIfCondition != "" {
		n.skipIf = &skipCondition{node: -1}
		if id, ok := hasErrorsForm(d.SkipIfCondition); ok {
			n.skipIf.node = g.index[id]
		} else if n.skipIf.program, err = compileOptional(d.SkipIfCondition); err != nil {
			return nil, err
		}
	}
	if spec.Branch != nil {
		b := spec.Branch(config)
		n.branch = &compiledBranch{}
		if n.branch.expression, err = compileOptional(b.Expression); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// link adds the edges, the processing order and the ancestors.
func (g *Graph) link(specs []NodeSpec) error {
	for _, l := range links(g.Definition, specs) {
		to, ok := g.index[l.to]
		if !ok {
			return fmt.Errorf("link %q: %w", l.to, ErrUnknownNode)
		}
		when, err := compileOptional(l.when)
		if err != nil {
			return err
		}
		e := &edge{from: l.from, to: to, when: when, branch: l.branch}
		g.Nodes[l.from].out = append(g.Nodes[l.from].out, e)
		g.Nodes[to].in = append(g.Nodes[to].in, e)
	}
	left := make([]int, len(g.Nodes)) // in-edges not yet seen
	for i, n := range g.Nodes {
		n.above = make([]bool, len(g.Nodes))
		left[i] = len(n.in)
	}
	for len(g.order) < len(g.Nodes) {
		before := len(g.order)
		for i, n := range g.Nodes {
			if left[i] != 0 {
				continue
			}
			left[i] = -1
			g.order = append(g.order, i)
			for _, e := range n.out {
				left[e.to]--
				above := g.Nodes[e.to].above
				above[i] = true
				for a, yes := range n.above {
					above[a] = above[a] || yes
				}
			}
		}
		if len(g.order) == before {
			return errors.New("the nodes form a cycle") // Check names it; this only keeps a wrong caller from looping
		}
	}
	return nil
}

// Node returns the node with that id.
func (g *Graph) Node(id string) (*Node, bool) {
	i, ok := g.index[id]
	if !ok {
		return nil, false
	}
	return g.Nodes[i], true
}

// Entry returns the first node, nil for a definition without nodes (a discarding route).
func (g *Graph) Entry() *Node {
	if len(g.Nodes) == 0 {
		return nil
	}
	return g.Nodes[0]
}

// maxBackoff bounds the wait between two tries.
const maxBackoff = 10 * time.Minute

// backoff returns uniform[d/2, d] with d = factor^failures seconds, at most ten minutes. u is from [0, 1).
func backoff(factor float64, failures int, u float64) time.Duration {
	seconds := math.Pow(factor, float64(failures))
	if math.IsNaN(seconds) || seconds > maxBackoff.Seconds() {
		seconds = maxBackoff.Seconds()
	}
	d := seconds * float64(time.Second)
	return time.Duration(d/2 + u*d/2)
}
