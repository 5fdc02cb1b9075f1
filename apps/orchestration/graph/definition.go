package graph

import (
	"encoding/json"
	"reflect"
)

// Definition is a pipeline definition as written. Use Parse to read one: it refuses what it does not know.
type Definition struct {
	Schema      string      `json:"$schema,omitempty" jsonschema:"description=Address of this schema; editors use it."`
	Version     string      `json:"version" jsonschema:"description=Version of the format: 1.0."`
	Description string      `json:"description,omitempty" jsonschema:"description=What the pipeline is for."`
	Trigger     *TriggerDef `json:"trigger,omitempty" jsonschema:"description=What starts a run. Without it: every webhook at priority 100."`
	Shadow      bool        `json:"shadow,omitempty" jsonschema:"description=Run beside the pipelines that take the alert and record what would be told\\, without telling anybody.,default=false"`
	Limits      *Limits     `json:"limits,omitempty" jsonschema:"description=Bounds of its runs."`
	Defaults    *Defaults   `json:"defaults,omitempty" jsonschema:"description=Retries and timeouts of nodes that set none."`
	Nodes       []NodeDef   `json:"nodes,omitempty" jsonschema:"description=The steps. The first one is the entry."`
}

// Defaults hold for nodes that do not set a value of their own.
type Defaults struct {
	MaxRetries     *int     `json:"max_retries,omitempty" jsonschema:"description=Tries in all of a node that fails.,default=3,minimum=0"`
	TimeoutSeconds *float64 `json:"timeout_seconds,omitempty" jsonschema:"description=Time one try may take in seconds.,default=300"`
	BackoffFactor  *float64 `json:"backoff_factor,omitempty" jsonschema:"description=The wait before try n+1 is about factor^n seconds.,default=2"`
}

// Limits bound the runs of a definition.
type Limits struct {
	DeadlineSeconds *float64 `json:"deadline_seconds,omitempty" jsonschema:"description=Time that a run may take in seconds\\, from the first node that takes time. Then what still works is given up and notifications go out plain.,default=3600"`
	MaxConcurrency  *int     `json:"max_concurrency,omitempty" jsonschema:"description=Runs that may work on context and intelligence nodes at once; others wait for their turn. Notifications never wait for it longer than for any enrichment.,minimum=1"`
}

// The built-in defaults of Defaults and Limits.
const (
	DefaultMaxRetries     = 3
	DefaultTimeoutSeconds = 300
	DefaultBackoffFactor  = 2.0
	DefaultPriority       = 100
	DefaultDeadline       = 3600 // seconds
)

// NodeDef is one node as written.
type NodeDef struct {
	ID              string    `json:"id" jsonschema:"description=Name of the node: letters\\, digits\\, _ and -.,pattern=^[A-Za-z0-9][A-Za-z0-9_-]*$"`
	Type            string    `json:"type" jsonschema:"description=Kind of the node."`
	Config          RawConfig `json:"config,omitzero" jsonschema:"description=Settings of that kind."`
	Next            Next      `json:"next,omitzero" jsonschema:"description=What follows. No next anywhere: document order."`
	Required        *bool     `json:"required,omitempty" jsonschema:"description=Whether its failure ends the run. Default false for context\\, intelligence and transform; true otherwise."`
	When            string    `json:"when,omitempty" jsonschema:"description=Expression. False: the node is skipped and the run goes on."`
	Join            Join      `json:"join,omitempty" jsonschema:"description=all waits for every incoming edge\\, any for the first one taken.,enum=all,enum=any,default=all"`
	SkipIfErrors    IDs       `json:"skip_if_errors,omitempty" jsonschema:"description=Skip if one of these nodes failed."`
	SkipIfCondition string    `json:"skip_if_condition,omitempty" jsonschema:"description=Skip if this expression is true\\, e.g. health.has_errors."`
	MaxRetries      *int      `json:"max_retries,omitempty" jsonschema:"description=Tries in all if it fails.,minimum=0"`
	TimeoutSeconds  *float64  `json:"timeout_seconds,omitempty" jsonschema:"description=Time one try may take in seconds."`
	BackoffFactor   *float64  `json:"backoff_factor,omitempty" jsonschema:"description=The wait before try n+1 is about factor^n seconds."`
}

// Join says when a node with several incoming edges is ready.
type Join string

// The joins. The zero value means all.
const (
	JoinAll Join = "all" // every incoming edge is decided, at least one is taken
	JoinAny Join = "any" // the first edge that is taken, once
)

// Link is one entry of next.
type Link struct {
	To   string `json:"to"`
	When string `json:"when,omitempty"`
}

// Next is the list of links of a node: written as an id, a list of ids, or a list of {to, when}.
type Next struct {
	Links []Link
	Given bool // written at all, even as an empty list ("ends here")
}

// IDs is a list of words that may be written as one word.
type IDs []string

// RawConfig is a node's config before its kind is known.
type RawConfig struct{ tree any }

// Parse reads a definition. Unknown keys and wrong types are problems; the definition holds all that could be read, so that
// Check can go on with it. It is nil only when the text is not a JSON object.
func Parse(raw []byte) (*Definition, []Problem) {
	tree, problems := parseTree(raw)
	if HasErrors(problems) && tree == nil {
		return nil, problems
	}
	def := &Definition{}
	d := &decoder{problems: problems}
	d.decode("", tree, reflect.ValueOf(def).Elem())
	if _, ok := tree.(*object); !ok {
		if tree == nil {
			d.problem("", "the definition must be a JSON object, not null", "")
		}
		return nil, d.problems
	}
	return def, d.problems
}

// Lint returns every problem of a definition's text: errors first, then warnings, each in document order.
func Lint(raw []byte, specs []NodeSpec) []Problem {
	def, problems := Parse(raw)
	if def != nil {
		problems = append(problems, Check(def, specs)...)
	}
	return sorted(problems)
}

func (d *Definition) maxRetries(n *NodeDef) int {
	v := DefaultMaxRetries
	if n.MaxRetries != nil {
		v = *n.MaxRetries
	} else if d.Defaults != nil && d.Defaults.MaxRetries != nil {
		v = *d.Defaults.MaxRetries
	}
	return max(v, 1)
}

func (d *Definition) timeoutSeconds(n *NodeDef) float64 {
	if n.TimeoutSeconds != nil {
		return *n.TimeoutSeconds
	}
	if d.Defaults != nil && d.Defaults.TimeoutSeconds != nil {
		return *d.Defaults.TimeoutSeconds
	}
	return DefaultTimeoutSeconds
}

func (d *Definition) backoffFactor(n *NodeDef) float64 {
	if n.BackoffFactor != nil {
		return *n.BackoffFactor
	}
	if d.Defaults != nil && d.Defaults.BackoffFactor != nil {
		return *d.Defaults.BackoffFactor
	}
	return DefaultBackoffFactor
}

func (c *RawConfig) fromTree(d *decoder, at string, v any) {
	if _, ok := v.(*object); !ok {
		d.mismatch(at, "an object", v)
		return
	}
	c.tree = v
}

// MarshalJSON writes the config back, keys sorted.
func (c RawConfig) MarshalJSON() ([]byte, error) {
	if c.tree == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(plain(c.tree))
}

func (ids *IDs) fromTree(d *decoder, at string, v any) {
	if s, ok := v.(string); ok {
		*ids = IDs{s}
		return
	}
	items, ok := v.([]any)
	if !ok {
		d.mismatch(at, "text or a list of texts", v)
		return
	}
	*ids = IDs{}
	for i, item := range items {
		if s, ok := item.(string); ok {
			*ids = append(*ids, s)
		} else {
			d.mismatch(joinIndex(at, i), "text", item)
		}
	}
}

// IsZero reports that next was not written.
func (n Next) IsZero() bool { return !n.Given }

// MarshalJSON writes the longest form: a list of {to, when}.
func (n Next) MarshalJSON() ([]byte, error) {
	if n.Links == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(n.Links)
}

func (n *Next) fromTree(d *decoder, at string, v any) {
	n.Given = true
	switch v := v.(type) {
	case string:
		n.Links = []Link{{To: v}}
	case *object:
		n.link(d, at, v)
	case []any:
		for i, item := range v {
			here := joinIndex(at, i)
			switch item := item.(type) {
			case string:
				n.Links = append(n.Links, Link{To: item})
			case *object:
				n.link(d, here, item)
			default:
				n.Links = append(n.Links, Link{})
				d.mismatch(here, `an id or {"to": id, "when": expression}`, item)
			}
		}
	default:
		d.mismatch(at, `an id, a list of ids, or a list of {"to": id, "when": expression}`, v)
	}
}

func (n *Next) link(d *decoder, at string, v *object) {
	var l Link
	d.decode(at, v, reflect.ValueOf(&l).Elem())
	if _, given := v.vals["to"]; !given {
		d.problem(at, `"to" is missing: the id of the node that follows`, "")
	}
	n.Links = append(n.Links, l)
}
