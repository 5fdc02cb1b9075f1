package graph

import (
	"encoding/json"
	"strconv"

	"github.com/invopop/jsonschema"
)

// What the lint checks beside types and the schema can say too. The words come from the same lists as the lint's; invopop calls
// these methods while it reflects.

// JSONSchemaExtend implements jsonschema's extender.
func (Definition) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "version").Pattern = `^1(\..*)?$`
}

// JSONSchemaExtend implements jsonschema's extender.
func (NodeDef) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "id").MaxLength = new(uint64(64)) // as idPattern
	limits(s)
}

// JSONSchemaExtend implements jsonschema's extender.
func (Defaults) JSONSchemaExtend(s *jsonschema.Schema) { limits(s) }

// limits bounds retries, timeouts and backoff, of a node and of the defaults.
func limits(s *jsonschema.Schema) {
	property(s, "max_retries").Maximum = digits(maxTries)
	timeout := property(s, "timeout_seconds")
	timeout.ExclusiveMinimum, timeout.Maximum = digits(0), digits(maxTimeout)
	factor := property(s, "backoff_factor")
	factor.Minimum, factor.Maximum = digits(1), digits(maxFactor)
}

// JSONSchemaExtend implements jsonschema's extender.
func (TriggerDef) JSONSchemaExtend(s *jsonschema.Schema) {
	sources := property(s, "sources")
	sources.MinItems, sources.Items.MinLength = new(uint64(1)), new(uint64(1))
	oneWordOf(property(s, "events"), incidentEvents(), false)
	oneWordOf(property(s, "on"), triggerKinds(), true)
	property(s, "on").Default = TriggerWebhook
	// Some keys belong to one kind of trigger, and a trigger on a schedule must say when. Some kinds stand alone.
	s.AllOf = append(s.AllOf,
		whenOn([]string{TriggerSchedule}, &jsonschema.Schema{Required: []string{"cron"}}, without("cron", "timezone")),
		whenOn([]string{TriggerIncident}, nil, without("events")),
		whenOn([]string{TriggerSchedule, TriggerManual}, without("sources", "match", "when"), nil),
	)
	for _, kind := range loneKinds() {
		only := &jsonschema.Schema{Items: &jsonschema.Schema{Const: kind}}
		s.AllOf = append(s.AllOf, whenOn([]string{kind}, objectOf(field{"on", only}), nil))
	}
}

// JSONSchemaExtend implements jsonschema's extender.
func (MatchDef) JSONSchemaExtend(s *jsonschema.Schema) {
	name := property(s, "field")
	name.AnyOf = []*jsonschema.Schema{{Enum: words(matchFields())}, {Pattern: `^labels?[:.].`}}
	property(s, "op").Enum = words(matchOps())
	s.Required = []string{"field", "op", "value"}
	s.AllOf = append(s.AllOf, valueOf()...)
	for _, name := range []string{"severity", "status"} {
		known := &jsonschema.Schema{Enum: words(matchWords(name))}
		s.AllOf = append(s.AllOf, &jsonschema.Schema{
			If: &jsonschema.Schema{
				Properties: objectOf(field{"field", &jsonschema.Schema{Const: name}}, field{"op", &jsonschema.Schema{Enum: words([]string{opIs, opIsNot, opIn, opNotIn})}}).Properties,
				Required:   []string{"field", "op"},
			},
			Then: objectOf(field{"value", &jsonschema.Schema{AnyOf: []*jsonschema.Schema{known, {Type: "array", Items: known}}}}),
		})
	}
}

// JSONSchemaExtend implements jsonschema's extender.
func (FilterConfig) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "op").Enum = words(filterOps())
	property(s, "field").MinLength = new(uint64(1))
	s.Required = []string{"field", "op", "value"}
	s.AllOf = append(s.AllOf, valueOf()...)
}

// JSONSchemaExtend implements jsonschema's extender.
func (ContextConfig) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "timeout").ExclusiveMinimum = digits(0)
	property(s, "similar_incidents").Maximum = digits(maxSimilar)
}

// JSONSchemaExtend implements jsonschema's extender.
func (IntelligenceConfig) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "timeout").ExclusiveMinimum = digits(0)
	property(s, "provider").MinLength = new(uint64(1))
	property(s, "provider_config").PropertyNames = &jsonschema.Schema{Not: &jsonschema.Schema{Enum: words(notInPipelines[:])}}
	s.Required = []string{"provider"}
}

// JSONSchemaExtend implements jsonschema's extender.
func (NotifyConfig) JSONSchemaExtend(s *jsonschema.Schema) {
	oneWordOf(property(s, "on"), []string{OnFiring, OnUpdated, OnResolved}, true)
	property(s, "channels").Items.MinLength = new(uint64(1))
	for _, given := range []field{
		{"channels", &jsonschema.Schema{MinItems: new(uint64(1))}}, {"drivers", &jsonschema.Schema{MinItems: new(uint64(1))}}, {"driver", &jsonschema.Schema{MinLength: new(uint64(1))}},
	} {
		one := objectOf(given)
		one.Required = []string{given.key}
		s.AnyOf = append(s.AnyOf, one)
	}
}

// JSONSchemaExtend implements jsonschema's extender.
func (TransformConfig) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "source_node").MinLength = new(uint64(1))
	property(s, "mapping").AdditionalProperties.MinLength = new(uint64(1))
	s.Required = []string{"source_node"}
}

// JSONSchemaExtend implements jsonschema's extender.
func (ConditionConfig) JSONSchemaExtend(s *jsonschema.Schema) {
	property(s, "expression").MinLength = new(uint64(1))
	s.Required = []string{"expression"}
	s.AnyOf = []*jsonschema.Schema{{Required: []string{"then"}}, {Required: []string{"else"}}}
}

// valueOf ties the value of a comparison to its op, as compileComparison does.
func valueOf() []*jsonschema.Schema {
	value := func(v *jsonschema.Schema) *jsonschema.Schema { return objectOf(field{"value", v}) }
	list := &jsonschema.Schema{Type: "array", MinItems: new(uint64(1))}
	single := &jsonschema.Schema{Not: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "array"}, {Type: "null"}}}}
	return []*jsonschema.Schema{
		when("op", []string{opIn, opNotIn}, value(list), value(single)),
		when("op", []string{opMatches, opNotMatches}, value(&jsonschema.Schema{Type: "string", Format: "regex"}), nil),
	}
}

// when is: if the key has one of the words, then …, else ….
func when(key string, is []string, then, otherwise *jsonschema.Schema) *jsonschema.Schema {
	test := objectOf(field{key, &jsonschema.Schema{Enum: words(is)}})
	test.Required = []string{key}
	return &jsonschema.Schema{If: test, Then: then, Else: otherwise}
}

// whenOn is when for what a trigger waits for, one word or a list: if one of them is among these.
func whenOn(is []string, then, otherwise *jsonschema.Schema) *jsonschema.Schema {
	s := when("on", is, then, otherwise)
	list := &jsonschema.Schema{Type: "array", Contains: &jsonschema.Schema{Enum: words(is)}}
	s.If.Properties.Set("on", &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Enum: words(is)}, list}})
	return s
}

// without is an object that has none of the keys.
func without(keys ...string) *jsonschema.Schema {
	var none []field
	for _, k := range keys {
		none = append(none, field{k, jsonschema.FalseSchema})
	}
	return objectOf(none...)
}

// oneWordOf limits a field of type IDs to known words.
func oneWordOf(s *jsonschema.Schema, known []string, filled bool) {
	item := &jsonschema.Schema{Type: "string", Enum: words(known)}
	list := &jsonschema.Schema{Type: "array", Items: item}
	if filled {
		list.MinItems = new(uint64(1))
	}
	s.OneOf = []*jsonschema.Schema{item, list}
}

// property returns a field's schema. One that is not there is an error of whoever renamed it: a test reflects all of them.
func property(s *jsonschema.Schema, key string) *jsonschema.Schema {
	if p, ok := s.Properties.Get(key); ok {
		return p
	}
	return &jsonschema.Schema{Items: &jsonschema.Schema{}, AdditionalProperties: &jsonschema.Schema{}}
}

// field is a key of an object and what it may hold.
type field struct {
	key string
	is  *jsonschema.Schema
}

// objectOf is a schema of some keys of an object.
func objectOf(fields ...field) *jsonschema.Schema {
	p := jsonschema.NewProperties()
	for _, f := range fields {
		p.Set(f.key, f.is)
	}
	return &jsonschema.Schema{Properties: p}
}

func words(list []string) []any {
	out := make([]any, len(list))
	for i, w := range list {
		out[i] = w
	}
	return out
}

func digits(n int) json.Number { return json.Number(strconv.Itoa(n)) }
