package graph

import (
	"reflect"
	"slices"
)

// NodeSpec describes a node kind: lint, JSON Schema, the form in the UI and the engine all read it. What the node does lives
// with its handler, elsewhere.
type NodeSpec struct {
	Type string
	Doc  string // one sentence
	// Config is the zero value of the kind's config struct, with json and jsonschema tags. Fields may be string, bool, int,
	// float64, pointers to those, slices, maps with text keys, structs, any, IDs.
	Config          any
	DefaultRequired bool
	// Queue is where its jobs wait; "" means that a worker may go on with it in place.
	Queue string
	// Stage is the run's status on the wire once a node of this kind is done; "" leaves the status alone.
	Stage string
	// Enriches marks kinds that only add knowledge: a notify node waits for them no longer than its deadline.
	Enriches bool
	// Notifies marks kinds that still go out when the run has failed.
	Notifies bool
	// Check finds what the types cannot say. cfg is a pointer to the config struct; ids tells whether a node id exists;
	// pointers in the problems are relative to the config. Nil: nothing to add.
	Check func(cfg any, ids func(id string) bool) []Problem
	// Branch is set for kinds that choose between two sets of nodes.
	Branch func(cfg any) Branch
}

// Branch is the choice of a condition node.
type Branch struct {
	Expression string
	Then, Else []string // node ids
}

// The two branches, as stored in NodeState.Choice.
const (
	BranchThen = "then"
	BranchElse = "else"
)

// Known holds the names that definitions may use. A nil list is not checked.
type Known struct {
	WebhookDrivers []string
	Checkers       []string
	Providers      []string
	ChannelDrivers []string
	Channels       []string
}

// Builtin returns the six node kinds.
func Builtin(known Known) []NodeSpec {
	return []NodeSpec{
		ingestSpec(known), contextSpec(known), intelligenceSpec(known), notifySpec(known), transformSpec(), conditionSpec(),
	}
}

func specOf(specs []NodeSpec, kind string) *NodeSpec {
	for i := range specs {
		if specs[i].Type == kind {
			return &specs[i]
		}
	}
	return nil
}

func typesOf(specs []NodeSpec) []string {
	types := make([]string, len(specs))
	for i, s := range specs {
		types[i] = s.Type
	}
	return types
}

// decode reads a node's config strictly into a new config struct and returns the pointer to it.
func (s *NodeSpec) decode(raw RawConfig, at string) (any, []Problem) {
	cfg := reflect.New(reflect.TypeOf(s.Config))
	d := &decoder{}
	d.decode(at, raw.tree, cfg.Elem())
	return cfg.Interface(), d.problems
}

// unknownNames reports each name that is not known.
func unknownNames(at, what string, names, known []string, severity Severity, more string) []Problem {
	var out []Problem
	for i, name := range names {
		if known == nil || slices.Contains(known, name) {
			continue
		}
		p := Problem{Pointer: joinIndex(at, i), Message: what + " " + quoteAll([]string{name}) + " is not known" + more, Severity: severity}
		p.Suggestion = didYouMean(name, known)
		out = append(out, p)
	}
	return out
}
