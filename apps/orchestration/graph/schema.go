package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// Schema returns the JSON Schema (draft 2020-12) of the definition format, with the config of every node kind. Editors, the
// docs and the UI's forms use it; Lint finds more than a schema can.
func Schema(specs []NodeSpec) ([]byte, error) {
	r := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, RequiredFromJSONSchemaTags: true, Mapper: mapType}
	root := r.Reflect(&Definition{})
	root.Version = jsonschema.Version
	root.ID = "https://incidenthub.dev/schemas/pipeline-1.0.json"
	root.Title = "incidenthub pipeline"
	root.Required = []string{"version"}
	if root.Definitions == nil {
		root.Definitions = jsonschema.Definitions{}
	}
	node := root.Definitions["NodeDef"]
	if node == nil || node.Properties == nil {
		return nil, fmt.Errorf("pipeline schema: no definition of a node among %d", len(root.Definitions))
	}
	node.Required = []string{"id", "type"}
	if err := addKinds(r, root, node, specs); err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write pipeline schema: %w", err)
	}
	return append(out, '\n'), nil
}

// addKinds ties each kind's config to the node type by if/then, which gives editors clearer messages than oneOf.
func addKinds(r *jsonschema.Reflector, root, node *jsonschema.Schema, specs []NodeSpec) error {
	kind, ok := node.Properties.Get("type")
	if !ok {
		return errors.New("pipeline schema: a node has no type")
	}
	var docs []string
	for _, spec := range specs {
		kind.Enum = append(kind.Enum, spec.Type)
		docs = append(docs, spec.Type+": "+spec.Doc)
		config := r.ReflectFromType(reflect.TypeOf(spec.Config))
		config.Version = ""
		config.Title = spec.Type
		config.Description = spec.Doc
		for name, d := range config.Definitions {
			if root.Definitions[name] == nil {
				root.Definitions[name] = d
			}
		}
		config.Definitions = nil
		name := "config_" + spec.Type
		root.Definitions[name] = config

		is := jsonschema.NewProperties()
		is.Set("type", &jsonschema.Schema{Const: spec.Type})
		then := objectOf(field{"config", &jsonschema.Schema{Ref: "#/$defs/" + name}})
		if len(config.Required) > 0 || len(config.AnyOf) > 0 {
			then.Required = []string{"config"} // a kind that cannot do without settings
		}
		node.AllOf = append(node.AllOf, &jsonschema.Schema{If: &jsonschema.Schema{Properties: is, Required: []string{"type"}}, Then: then})
	}
	kind.Description = strings.Join(docs, "\n")
	return nil
}

// mapType gives the types with several spellings their schema.
func mapType(t reflect.Type) *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string"}
	switch t {
	case reflect.TypeFor[IDs]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, {Type: "array", Items: text}}}
	case reflect.TypeFor[RawConfig]():
		return &jsonschema.Schema{Type: "object"}
	case reflect.TypeFor[Next]():
		props := jsonschema.NewProperties()
		props.Set("to", &jsonschema.Schema{Type: "string", Description: "Id of the node that follows."})
		props.Set("when", &jsonschema.Schema{Type: "string", Description: "Expression. False: this way is not taken."})
		link := &jsonschema.Schema{Type: "object", Properties: props, Required: []string{"to"}, AdditionalProperties: jsonschema.FalseSchema}
		one := &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, link}}
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, link, {Type: "array", Items: one}, {Type: "null"}}}
	default:
		return nil
	}
}
