package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
)

// property is what the tables say of one key, from the JSON Schema of definitions.
type property struct {
	Type        string     `json:"type"`
	Ref         string     `json:"$ref"`
	Description string     `json:"description"`
	Default     any        `json:"default"`
	Enum        []string   `json:"enum"`
	Items       *property  `json:"items"`
	OneOf       []property `json:"oneOf"`
}

// UnmarshalJSON reads a schema; true stands for anything.
func (p *property) UnmarshalJSON(raw []byte) error {
	type plain property
	if string(raw) == "true" {
		*p = property{}
		return nil
	}
	return json.Unmarshal(raw, (*plain)(p))
}

type object struct {
	Description string              `json:"description"`
	Properties  map[string]property `json:"properties"`
	Defs        map[string]object   `json:"$defs"`
}

func definitionSchema() (object, error) {
	raw, err := graph.Schema(graph.Builtin(graph.Known{}))
	if err != nil {
		return object{}, err
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, fmt.Errorf("read the schema of definitions: %w", err)
	}
	return o, nil
}

// format is the keys of a definition, its trigger, and any node.
func format(context.Context) (string, error) {
	root, err := definitionSchema()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, t := range []struct {
		title string
		of    reflect.Type
		keys  map[string]property
	}{
		{"The definition", reflect.TypeFor[graph.Definition](), root.Properties},
		{"`trigger`", reflect.TypeFor[graph.TriggerDef](), root.Defs["TriggerDef"].Properties},
		{"One entry of `trigger.match`", reflect.TypeFor[graph.MatchDef](), root.Defs["MatchDef"].Properties},
		{"`defaults`", reflect.TypeFor[graph.Defaults](), root.Defs["Defaults"].Properties},
		{"Any node", reflect.TypeFor[graph.NodeDef](), root.Defs["NodeDef"].Properties},
	} {
		b.WriteString("### " + t.title + "\n\n")
		if err := table(&b, t.of, t.keys); err != nil {
			return "", fmt.Errorf("%s: %w", t.title, err)
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// kinds is the reference of the node kinds.
func kinds(context.Context) (string, error) {
	root, err := definitionSchema()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, spec := range graph.Builtin(graph.Known{}) {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", spec.Type, spec.Doc)
		var facts []string
		if spec.DefaultRequired {
			facts = append(facts, "Required by default: its failure ends the run.")
		} else {
			facts = append(facts, "Not required by default: the run goes on when it fails.")
		}
		b.WriteString(strings.Join(facts, " ") + "\n\n")
		if err := table(&b, reflect.TypeOf(spec.Config), root.Defs["config_"+spec.Type].Properties); err != nil {
			return "", fmt.Errorf("%s: %w", spec.Type, err)
		}
		b.WriteString("\n")
	}
	b.WriteString("### filter\n\nThe `filter` of a transform node.\n\n")
	if err := table(&b, reflect.TypeFor[graph.FilterConfig](), root.Defs["FilterConfig"].Properties); err != nil {
		return "", fmt.Errorf("filter: %w", err)
	}
	return b.String(), nil
}

// table lists keys in the order of the struct's fields.
func table(b *strings.Builder, t reflect.Type, keys map[string]property) error {
	head(b, "key", "value", "default", "meaning")
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p, ok := keys[name]
		if !ok {
			return fmt.Errorf("the schema has no key %q", name)
		}
		def := ""
		if p.Default != nil {
			def = fmt.Sprintf("`%v`", p.Default)
		}
		meaning := p.Description
		if strings.Contains(meaning, "\n") { // type: all kinds in a row, for editors
			meaning = "One of the kinds below."
		}
		row(b, "`"+name+"`", p.kind(), def, meaning)
	}
	return nil
}

// kind says in words what a key takes.
func (p property) kind() string {
	switch {
	case len(p.Enum) > 0:
		return "`" + strings.Join(p.Enum, "`, `") + "`"
	case len(p.OneOf) > 0:
		var out []string
		for _, o := range p.OneOf {
			if o.Type != "null" {
				out = append(out, o.kind())
			}
		}
		return strings.Join(out, " or ")
	case p.Type == "array" && p.Items != nil:
		return "list of " + p.Items.kind()
	case p.Type == "string":
		return "text"
	case p.Type == "integer":
		return "whole number"
	case p.Type == "boolean":
		return "true or false"
	case p.Ref != "":
		return "object"
	case p.Type == "":
		return "any"
	default:
		return p.Type
	}
}
