package graph

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/near"
)

// Limits of a definition's content.
const (
	maxNodes   = 200
	maxTries   = 100
	maxTimeout = 86_400 // seconds
	maxFactor  = 60
	// maxDeadline of a run: a week, in seconds.
	maxDeadline = 604_800
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Check finds what is wrong with a parsed definition: every problem, in document order.
func Check(def *Definition, specs []NodeSpec) []Problem {
	if def == nil {
		return nil
	}
	c := &checker{def: def, specs: specs, index: map[string]int{}}
	for i, n := range def.Nodes {
		if _, twice := c.index[n.ID]; !twice && n.ID != "" {
			c.index[n.ID] = i
		}
	}
	c.version()
	c.trigger()
	if def.Defaults != nil {
		c.numbers("/defaults", "", def.Defaults.MaxRetries, def.Defaults.TimeoutSeconds, def.Defaults.BackoffFactor)
	}
	if def.Limits != nil {
		c.limits(def.Limits)
	}
	if def.Shadow && def.discards() {
		c.add(problemAt("/shadow", "a shadow takes no alert, so it cannot discard any", "remove one of them"))
	}
	if len(def.Nodes) == 0 && !def.discards() {
		c.add(problemAt("/nodes", "the pipeline has no nodes", `add at least one, e.g. {"id": "ingest", "type": "ingest"}`))
	}
	if len(def.Nodes) > maxNodes {
		c.add(problemAt("/nodes", fmt.Sprintf("the pipeline has %d nodes, at most %d are accepted", len(def.Nodes), maxNodes), ""))
		return c.problems
	}
	c.links = links(def, specs)
	c.above = c.ancestors()
	for i := range def.Nodes {
		c.node(i)
	}
	c.checkLinks()
	return c.problems
}

func (c *checker) limits(l *Limits) {
	if s := l.DeadlineSeconds; s != nil && !(*s > 0 && *s <= maxDeadline) {
		c.add(problemAt("/limits/deadline_seconds", fmt.Sprintf("must be more than 0 and at most %d", maxDeadline), ""))
	}
	if n := l.MaxConcurrency; n != nil && *n < 1 {
		c.add(problemAt("/limits/max_concurrency", "must be at least 1", "leave it out for any number"))
	}
}

func (d *Definition) discards() bool { return d.Trigger != nil && d.Trigger.Discard }

type checker struct {
	def      *Definition
	specs    []NodeSpec
	index    map[string]int
	links    []link
	above    []map[int]bool // ancestors of each node; nil when the nodes form a cycle
	problems []Problem
}

func (c *checker) add(p ...Problem) { c.problems = append(c.problems, p...) }

// addNode adds a problem of a node.
func (c *checker) addNode(i int, p Problem) {
	p.Node = c.def.Nodes[i].ID
	c.add(p)
}

func (c *checker) ids() []string {
	ids := make([]string, 0, len(c.def.Nodes))
	for _, n := range c.def.Nodes {
		if n.ID != "" && !slices.Contains(ids, n.ID) {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

func (c *checker) version() {
	switch v := c.def.Version; {
	case v == "":
		c.add(problemAt("/version", `"version" is missing`, `add "version": "1.0"`))
	case v != "1" && !strings.HasPrefix(v, "1."):
		c.add(problemAt("/version", "unknown version "+quoteAll([]string{v})+" of the format", `this hub reads "1.0"`))
	}
}

func (c *checker) node(i int) {
	n, at := &c.def.Nodes[i], joinIndex("/nodes", i)
	switch first, known := c.index[n.ID]; {
	case n.ID == "":
		c.add(problemAt(at+"/id", `the node has no "id"`, `give it a short name, e.g. "notify"`))
	case known && first != i:
		c.addNode(i, problemAt(at+"/id", fmt.Sprintf("the id is already used by node %d", first+1), "ids must be unique"))
	case !idPattern.MatchString(n.ID):
		c.add(problemAt(at+"/id", "the id "+quoteAll([]string{n.ID})+" is not usable", "use letters, digits, _ and -, at most 64"))
	case nameTaken(n.ID):
		c.addNode(i, warningAt(at+"/id", "expressions cannot reach the output of this node by its id, the name is taken", "use nodes."+n.ID+".output, or rename the node"))
	}
	c.config(i, at)
	c.numbers(at, n.ID, n.MaxRetries, n.TimeoutSeconds, n.BackoffFactor)
	if n.Join != "" && n.Join != JoinAll && n.Join != JoinAny {
		c.addNode(i, problemAt(at+"/join", "unknown join "+quoteAll([]string{string(n.Join)}), `"all" waits for every incoming edge, "any" for the first one`))
	}
	for j, id := range n.SkipIfErrors {
		c.reference(i, joinIndex(at+"/skip_if_errors", j), id)
	}
	if n.SkipIfCondition != "" {
		here := at + "/skip_if_condition"
		if id, ok := hasErrorsForm(n.SkipIfCondition); ok {
			c.reference(i, here, id)
		} else {
			c.expression(i, here, n.SkipIfCondition, false)
		}
	}
	if n.When != "" {
		c.expression(i, at+"/when", n.When, false)
	}
	for j, l := range n.Next.Links {
		if l.When != "" {
			here := at + "/next/when"
			if len(n.Next.Links) > 1 {
				here = joinIndex(at+"/next", j) + "/when"
			}
			c.expression(i, here, l.When, true)
		}
	}
}

func (c *checker) config(i int, at string) {
	n := &c.def.Nodes[i]
	if n.Type == "" {
		c.addNode(i, problemAt(at+"/type", `the node has no "type"`, didYouMean("", typesOf(c.specs))))
		return
	}
	spec := specOf(c.specs, n.Type)
	if spec == nil {
		c.addNode(i, problemAt(at+"/type", "unknown node type "+quoteAll([]string{n.Type})+"; available: "+quoteAll(typesOf(c.specs)), onlyNear(n.Type, typesOf(c.specs))))
		return
	}
	cfg, problems := spec.decode(n.Config, at+"/config")
	for _, p := range problems {
		c.addNode(i, p)
	}
	if spec.Check != nil && !HasErrors(problems) {
		exists := func(id string) bool { _, ok := c.index[id]; return ok }
		for _, p := range spec.Check(cfg, exists) {
			p.Pointer = at + "/config" + p.Pointer
			c.addNode(i, p)
		}
	}
	if spec.Branch != nil {
		if b := spec.Branch(cfg); b.Expression != "" {
			c.expression(i, at+"/config/expression", b.Expression, false)
		}
	}
	if t, ok := cfg.(*TransformConfig); ok {
		if _, exists := c.index[t.SourceNode]; exists {
			c.early(i, at+"/config/source_node", t.SourceNode, false)
		}
	}
}

func onlyNear(word string, known []string) string {
	if meant := near.Word(word, known); meant != "" {
		return "did you mean " + strconv.Quote(meant) + "?"
	}
	return ""
}

func (c *checker) numbers(at, node string, retries *int, timeout, factor *float64) {
	bad := func(key, message, suggestion string) {
		p := problemAt(at+"/"+key, message, suggestion)
		p.Node = node
		c.add(p)
	}
	if retries != nil && *retries < 0 {
		bad("max_retries", fmt.Sprintf("max_retries must not be negative (it is %d)", *retries), "1 means one try and no retry")
	} else if retries != nil && *retries > maxTries {
		bad("max_retries", fmt.Sprintf("max_retries must be at most %d", maxTries), "")
	}
	if timeout != nil && *timeout < 0 {
		bad("timeout_seconds", fmt.Sprintf("timeout_seconds must not be negative (it is %g)", *timeout), "")
	} else if timeout != nil && *timeout == 0 {
		bad("timeout_seconds", "timeout_seconds must be more than 0", "leave it out for the default of 300")
	} else if timeout != nil && *timeout > maxTimeout {
		bad("timeout_seconds", fmt.Sprintf("timeout_seconds must be at most %d", maxTimeout), "")
	}
	if factor != nil && (*factor < 1 || *factor > maxFactor) {
		bad("backoff_factor", fmt.Sprintf("backoff_factor must be between 1 and %d (it is %g)", maxFactor, *factor), "2 waits about 2, 4, 8 … seconds")
	}
}

// reference checks an id that a node looks back at.
func (c *checker) reference(i int, at, id string) {
	if _, ok := c.index[id]; !ok {
		c.addNode(i, problemAt(at, "there is no node "+quoteAll([]string{id}), didYouMean(id, c.ids())))
		return
	}
	c.early(i, at, id, false)
}

// early warns when a node looks at one that need not have run before it.
func (c *checker) early(i int, at, id string, selfToo bool) {
	other := c.index[id]
	if c.above == nil || c.above[i][other] || (selfToo && other == i) {
		return
	}
	if other == i {
		c.addNode(i, warningAt(at, "the node looks at its own output before it has run", ""))
		return
	}
	c.addNode(i, warningAt(at, quoteAll([]string{id})+" need not have ended before "+quoteAll([]string{c.def.Nodes[i].ID})+" starts", "lead from one to the other by next"))
}
