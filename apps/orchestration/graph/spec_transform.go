package graph

import (
	"maps"
	"slices"
	"strings"
)

// TransformConfig configures a transform node. The steps run in the order of the fields.
type TransformConfig struct {
	SourceNode     string            `json:"source_node" jsonschema:"description=Node whose output is reshaped."`
	Extract        string            `json:"extract,omitempty" jsonschema:"description=Dot path into that output\\, e.g. recommendations.0.title."`
	FilterPriority string            `json:"filter_priority,omitempty" jsonschema:"description=Keep list items with this priority\\, in any case."`
	Mapping        map[string]string `json:"mapping,omitempty" jsonschema:"description=New object: key to dot path in the source's output. Replaces the value."`
	Filter         *FilterConfig     `json:"filter,omitempty" jsonschema:"description=Keep list items whose field compares true."`
	SortBy         string            `json:"sort_by,omitempty" jsonschema:"description=Dot path to sort a list by; a leading - sorts downwards."`
	Limit          *int              `json:"limit,omitempty" jsonschema:"description=Keep the first items of a list.,minimum=0"`
	Set            map[string]any    `json:"set,omitempty" jsonschema:"description=Constants to put into the object or into each object of a list."`
	Template       string            `json:"template,omitempty" jsonschema:"description=Text with {{dot.path}} places; {{.}} is the whole value. The value becomes that text."`
}

// FilterConfig compares one field of each list item.
type FilterConfig struct {
	Field string `json:"field" jsonschema:"description=Dot path in the item; . is the item itself."`
	Op    string `json:"op" jsonschema:"enum=is,enum=is-not,enum=in,enum=not-in,enum=contains,enum=matches,enum=gt,enum=gte,enum=lt,enum=lte"`
	Value any    `json:"value"`
}

func transformSpec() NodeSpec {
	return NodeSpec{
		Type: "transform", Doc: "Reshapes the output of another node.", Config: TransformConfig{},
		Check: func(cfg any, ids func(string) bool) []Problem { return checkTransform(cfg.(*TransformConfig), ids) },
	}
}

func checkTransform(c *TransformConfig, ids func(string) bool) []Problem {
	var out []Problem
	switch {
	case c.SourceNode == "":
		out = append(out, problemAt("/source_node", `"source_node" is missing: the id of the node whose output is reshaped`, ""))
	case !ids(c.SourceNode):
		out = append(out, problemAt("/source_node", "there is no node "+quoteAll([]string{c.SourceNode}), ""))
	}
	paths := map[string]string{"/extract": c.Extract, "/sort_by": strings.TrimPrefix(c.SortBy, "-")}
	for key, path := range c.Mapping {
		paths[join("/mapping", key)] = path
		if path == "" {
			out = append(out, problemAt(join("/mapping", key), "the dot path is empty", ""))
		}
	}
	if c.Filter != nil {
		paths["/filter/field"] = strings.TrimPrefix(c.Filter.Field, ".")
		out = append(out, checkFilter(c.Filter)...)
	}
	for _, at := range slices.Sorted(maps.Keys(paths)) {
		if slices.Contains(strings.Split(paths[at], "."), "") && paths[at] != "" {
			out = append(out, problemAt(at, "the dot path "+quoteAll([]string{paths[at]})+" has an empty step", "write it like a.b.0.c"))
		}
	}
	if c.Limit != nil && *c.Limit < 0 {
		out = append(out, problemAt("/limit", `"limit" must not be negative`, ""))
	}
	if _, err := parseTemplate(c.Template); err != nil {
		out = append(out, problemAt("/template", err.Error(), ""))
	}
	return out
}

func checkFilter(f *FilterConfig) []Problem {
	var out []Problem
	if f.Field == "" {
		out = append(out, problemAt("/filter/field", `"field" is missing`, `"." compares the item itself`))
	}
	if err := checkComparison(f.Op, f.Value, filterOps); err != nil {
		out = append(out, err.at("/filter"))
	}
	return out
}
