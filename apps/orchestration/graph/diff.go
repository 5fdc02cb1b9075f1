package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Difference is what lies between two definitions, by what they say, not by how it is spelled: white space, the order of keys
// and 3 or 3.0 make none. Pointers of what was removed lead into the older text, all others into the newer.
type Difference struct {
	Same         bool         `json:"same"`
	NodesAdded   []DiffNode   `json:"nodes_added"`
	NodesRemoved []DiffNode   `json:"nodes_removed"`
	NodesChanged []NodeChange `json:"nodes_changed"`
	Trigger      []Change     `json:"trigger"`
	Defaults     []Change     `json:"defaults"`
	Other        []Change     `json:"other"` // version, description, the order of nodes
}

// DiffNode is a node that only one of two definitions has.
type DiffNode struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Pointer string          `json:"pointer"`
	Node    json.RawMessage `json:"node"`
}

// NodeChange is a node that both definitions have, under the same id.
type NodeChange struct {
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	Pointer string   `json:"pointer"`
	Changes []Change `json:"changes"`
}

// The kinds of a Change.
const (
	ChangeAdded   = "added"
	ChangeRemoved = "removed"
	ChangeChanged = "changed"
	ChangeMoved   = "moved" // of /nodes: the ids of the nodes that both have, in another order
)

// Change is one value that differs.
type Change struct {
	Op      string          `json:"op"`
	Pointer string          `json:"pointer"`
	From    json.RawMessage `json:"from,omitempty"`
	To      json.RawMessage `json:"to,omitempty"`
}

// Diff compares two definitions. It reads what Lint would refuse too, as long as each is a JSON object.
func Diff(from, to []byte) (Difference, error) {
	older, err := diffable("the older definition", from)
	if err != nil {
		return Difference{}, err
	}
	newer, err := diffable("the newer definition", to)
	if err != nil {
		return Difference{}, err
	}
	d := Difference{
		NodesAdded: []DiffNode{}, NodesRemoved: []DiffNode{}, NodesChanged: []NodeChange{}, Trigger: []Change{}, Defaults: []Change{}, Other: []Change{},
	}
	for _, key := range union(older, newer) {
		was, had := older[key]
		is, has := newer[key]
		switch key {
		case "nodes":
			d.nodes(was, is, had, has)
		case "trigger":
			d.Trigger = changes(d.Trigger, "/trigger", was, is, had, has)
		case "defaults":
			d.Defaults = changes(d.Defaults, "/defaults", was, is, had, has)
		default:
			d.Other = changes(d.Other, join("", key), was, is, had, has)
		}
	}
	d.Same = len(d.NodesAdded)+len(d.NodesRemoved)+len(d.NodesChanged)+len(d.Trigger)+len(d.Defaults)+len(d.Other) == 0
	return d, nil
}

func diffable(what string, raw []byte) (map[string]any, error) {
	tree, problems := parseTree(raw)
	if HasErrors(problems) {
		return nil, fmt.Errorf("compare pipelines: %s: %s", what, problems[0])
	}
	o, ok := plain(tree).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("compare pipelines: %s is %s, not an object", what, kindOf(tree))
	}
	return o, nil
}

// placed is a node and where it stands.
type placed struct {
	id      string
	pointer string
	keys    map[string]any
}

func (p placed) kind() string {
	kind, _ := p.keys["type"].(string)
	return kind
}

// placedNodes lists the nodes; not ok when one of them has no id of its own, so that nodes cannot be told apart.
func placedNodes(v any, has bool) (list []placed, ok bool) {
	if !has || v == nil {
		return nil, true
	}
	items, ok := v.([]any)
	seen := map[string]bool{}
	for i, item := range items {
		keys, _ := item.(map[string]any)
		id, _ := keys["id"].(string)
		if id == "" || seen[id] {
			return nil, false
		}
		seen[id] = true
		list = append(list, placed{id, joinIndex("/nodes", i), keys})
	}
	return list, ok
}

func (d *Difference) nodes(was, is any, had, has bool) {
	older, ok1 := placedNodes(was, had)
	newer, ok2 := placedNodes(is, has)
	if !ok1 || !ok2 {
		d.Other = changes(d.Other, "/nodes", was, is, had, has)
		return
	}
	find := func(list []placed, id string) int {
		return slices.IndexFunc(list, func(p placed) bool { return p.id == id })
	}
	var before, after []any // the ids that both have
	for _, n := range older {
		if find(newer, n.id) >= 0 {
			before = append(before, n.id)
			continue
		}
		d.NodesRemoved = append(d.NodesRemoved, DiffNode{ID: n.id, Type: n.kind(), Pointer: n.pointer, Node: rawJSON(n.keys)})
	}
	for _, n := range newer {
		i := find(older, n.id)
		if i < 0 {
			d.NodesAdded = append(d.NodesAdded, DiffNode{ID: n.id, Type: n.kind(), Pointer: n.pointer, Node: rawJSON(n.keys)})
			continue
		}
		after = append(after, n.id)
		if list := objectChanges(nil, older[i].pointer, n.pointer, older[i].keys, n.keys); len(list) > 0 {
			d.NodesChanged = append(d.NodesChanged, NodeChange{ID: n.id, Type: n.kind(), Pointer: n.pointer, Changes: list})
		}
	}
	if !slices.Equal(before, after) { // the first node is the entry, and without next they run in this order
		d.Other = append(d.Other, Change{Op: ChangeMoved, Pointer: "/nodes", From: rawJSON(before), To: rawJSON(after)})
	}
}

// changes compares a value that stands at the same place in both.
func changes(list []Change, at string, was, is any, had, has bool) []Change {
	switch {
	case !had:
		return append(list, Change{Op: ChangeAdded, Pointer: at, To: rawJSON(is)})
	case !has:
		return append(list, Change{Op: ChangeRemoved, Pointer: at, From: rawJSON(was)})
	default:
		return compare(list, at, at, was, is)
	}
}

// compare goes into objects, and into lists of as many objects or lists; other lists are compared as a whole, since a word
// that was put at the front would make every index differ.
func compare(list []Change, wasAt, isAt string, was, is any) []Change {
	a, isObject := was.(map[string]any)
	if b, both := is.(map[string]any); isObject && both {
		return objectChanges(list, wasAt, isAt, a, b)
	}
	x, isList := was.([]any)
	if y, both := is.([]any); isList && both && len(x) == len(y) && slices.ContainsFunc(append(slices.Clone(x), y...), isContainer) {
		for i := range x {
			list = compare(list, joinIndex(wasAt, i), joinIndex(isAt, i), x[i], y[i])
		}
		return list
	}
	if sameValue(was, is) {
		return list
	}
	return append(list, Change{Op: ChangeChanged, Pointer: isAt, From: rawJSON(was), To: rawJSON(is)})
}

func objectChanges(list []Change, wasAt, isAt string, was, is map[string]any) []Change {
	for _, key := range union(was, is) {
		a, had := was[key]
		b, has := is[key]
		switch {
		case !had:
			list = append(list, Change{Op: ChangeAdded, Pointer: join(isAt, key), To: rawJSON(b)})
		case !has:
			list = append(list, Change{Op: ChangeRemoved, Pointer: join(wasAt, key), From: rawJSON(a)})
		default:
			list = compare(list, join(wasAt, key), join(isAt, key), a, b)
		}
	}
	return list
}

func isContainer(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	default:
		return false
	}
}

func sameValue(a, b any) bool {
	x, ok := a.([]any)
	y, both := b.([]any)
	if ok && both {
		return slices.EqualFunc(x, y, sameValue)
	}
	m, ok := a.(map[string]any)
	n, both := b.(map[string]any)
	if ok && both {
		return maps.EqualFunc(m, n, sameValue)
	}
	return equalValues(a, b)
}

func union(a, b map[string]any) []string {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// rawJSON writes a value that was read from JSON.
func rawJSON(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // conditions are full of < and >
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null") // it cannot be: there is nothing in it but what JSON has
	}
	return bytes.TrimSpace(b.Bytes())
}
