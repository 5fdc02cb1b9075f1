package checkers

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"
)

// All is the key of settings that hold for every check.
const All = "__all__"

// schemaOf describes a check's settings, with their defaults and those that every check has.
func schemaOf(spec Spec) (json.RawMessage, error) {
	r := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, DoNotReference: true, RequiredFromJSONSchemaTags: true, Mapper: mapType}
	config := spec.Config
	if config == nil {
		config = struct{}{}
	}
	root := r.Reflect(config)
	root.Version, root.Title, root.Description = jsonschema.Version, spec.Name, spec.Doc
	root.Type, root.AdditionalProperties = "object", jsonschema.FalseSchema
	if root.Properties == nil {
		root.Properties = jsonschema.NewProperties()
	}
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("write the defaults: %w", err)
	}
	var defaults map[string]any
	if err := json.Unmarshal(raw, &defaults); err != nil {
		return nil, fmt.Errorf("read the defaults: %w", err)
	}
	for name, value := range defaults {
		if p, ok := root.Properties.Get(name); ok && value != nil {
			p.Default = value
		}
	}
	add := func(name, kind, description string, value any) {
		root.Properties.Set(name, &jsonschema.Schema{Type: kind, Description: description, Default: value})
	}
	add("enabled", "boolean", "Run it when all checks are run.", true)
	add("timeout", "number", "Seconds it may take.", timeoutOf(spec, common{}).Seconds())
	unit := ""
	if spec.Unit != "" {
		unit = ", in " + spec.Unit
	}
	if spec.Unit != "" || spec.Warning != nil {
		add("warning_threshold", "number", "From here on it is a warning"+unit+".", defaultOf(spec.Warning))
	}
	if spec.Unit != "" || spec.Critical != nil {
		add("critical_threshold", "number", "From here on it is critical"+unit+".", defaultOf(spec.Critical))
	}
	if spec.Inverted {
		for _, name := range []string{"warning_threshold", "critical_threshold"} {
			if p, ok := root.Properties.Get(name); ok {
				p.Description += " The less, the worse."
			}
		}
	}
	out, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return out, nil
}

// defaultOf is a threshold, nil where a check has none of its own: what has a unit can be given one.
func defaultOf(threshold *float64) any {
	if threshold == nil {
		return nil
	}
	return *threshold
}

// mapType gives the types with several spellings their schema.
func mapType(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Seconds](), reflect.TypeFor[Number]():
		return &jsonschema.Schema{Type: "number"}
	case reflect.TypeFor[Count]():
		return &jsonschema.Schema{Type: "integer"}
	case reflect.TypeFor[Texts]():
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string"}}
	default:
		return nil
	}
}
