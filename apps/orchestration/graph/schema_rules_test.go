package graph

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// judged is what the schema and the lint think of a document.
func judged(t *testing.T, s *jsonschema.Schema, raw string) (lint []Problem, schema error) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	for _, p := range Lint([]byte(raw), Builtin(Known{})) {
		if p.Severity == SeverityError {
			lint = append(lint, p)
		}
	}
	return lint, s.Validate(doc)
}

// leading is a pipeline with one more node, which is reached.
func leading(node string) string {
	return `{"version":"1.0","nodes":[{"id":"in","type":"ingest","next":"n"},` + node + `]}`
}

// minimal are configs of each kind with what it cannot do without.
func minimal() map[string]map[string]any {
	return map[string]map[string]any{
		"ingest": {}, "context": {}, "intelligence": {"provider": "local"}, "notify": {"channels": []string{"*"}},
		"transform": {"source_node": "in"}, "condition": {"expression": "true", "then": "n2"},
	}
}

func nodeOf(t *testing.T, kind string, config map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	// A condition needs somewhere to lead to; the others lead there as well.
	next := `,"next":"n2"`
	if kind == "condition" {
		next = ""
	}
	return leading(fmt.Sprintf(`{"id":"n","type":%q,"config":%s%s},{"id":"n2","type":"ingest"}`, kind, raw, next))
}

// TestSchemaOfEachKind goes through every config key of every kind: a key of a wrong type, and a key that is not there, must be
// refused by the lint and by the schema.
func TestSchemaOfEachKind(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for _, spec := range Builtin(Known{}) {
		base := minimal()[spec.Type]
		if base == nil {
			t.Errorf("%s: no config to start from", spec.Type)
			continue
		}
		if problems, err := judged(t, schema, nodeOf(t, spec.Type, base)); err != nil || problems != nil {
			t.Errorf("%s: the least config is refused: %v, %v", spec.Type, err, problems)
		}
		with := func(key string, value any) string {
			config := maps.Clone(base)
			config[key] = value
			return nodeOf(t, spec.Type, config)
		}
		wrong := map[string]string{"unknown key": with("no_such_key", 1)}
		for f := range reflect.TypeOf(spec.Config).Fields() {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			for what, value := range map[string]any{"a nested list": [][]int{{1}}, "a half": 0.5, "an object of null": map[string]any{"x": nil}} {
				doc := with(key, value)
				if problems, _ := judged(t, schema, doc); problems != nil {
					wrong[key+" is "+what] = doc
				}
			}
			if wrong[key+" is a nested list"] == "" {
				t.Errorf("%s: the lint takes a list of lists for %s", spec.Type, key)
			}
		}
		for name, doc := range wrong {
			if problems, err := judged(t, schema, doc); err == nil || problems == nil {
				t.Errorf("%s, %s: schema: %v, lint: %v; want both to refuse %s", spec.Type, name, err, problems, doc)
			}
		}
	}
}

// TestSchemaRules has a case for each rule that the schema takes over from the lint.
func TestSchemaRules(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	match := func(m string) string { return triggered(`{"match":[` + m + `]}`) }
	notify := func(config string) string { return leading(`{"id":"n","type":"notify","config":` + config + `}`) }
	filter := func(f string) string {
		return leading(`{"id":"n","type":"transform","config":{"source_node":"in","filter":` + f + `}}`)
	}
	for name, raw := range map[string]string{
		"format version 2":           `{"version":"2.0","nodes":[{"id":"a","type":"ingest"}]}`,
		"id too long":                `{"version":"1.0","nodes":[{"id":"` + strings.Repeat("a", 65) + `","type":"ingest"}]}`,
		"many retries":               `{"version":"1.0","defaults":{"max_retries":101},"nodes":[{"id":"a","type":"ingest"}]}`,
		"no time":                    `{"version":"1.0","defaults":{"timeout_seconds":0},"nodes":[{"id":"a","type":"ingest"}]}`,
		"two days":                   `{"version":"1.0","nodes":[{"id":"a","type":"ingest","timeout_seconds":172800}]}`,
		"backoff below 1":            `{"version":"1.0","nodes":[{"id":"a","type":"ingest","backoff_factor":0.5}]}`,
		"backoff above 60":           `{"version":"1.0","nodes":[{"id":"a","type":"ingest","backoff_factor":61}]}`,
		"no sources":                 triggered(`{"sources":[]}`),
		"empty source":               triggered(`{"sources":[""]}`),
		"schedule without cron":      triggered(`{"on":"schedule"}`),
		"schedule with match":        triggered(`{"on":"schedule","cron":"@hourly","match":[{"field":"source","op":"is","value":"x"}]}`),
		"cron of a webhook":          triggered(`{"cron":"@hourly"}`),
		"time zone of a webhook":     triggered(`{"on":"webhook","timezone":"UTC"}`),
		"when of a manual one":       triggered(`{"on":"manual","when":"true"}`),
		"events of a webhook":        triggered(`{"events":["opened"]}`),
		"several, of which one lone": triggered(`{"on":["webhook","schedule"],"cron":"@hourly"}`),
		"several and incidents":      triggered(`{"on":["incident","check"]}`),
		"several and by hand":        triggered(`{"on":["webhook","manual"]}`),
		"unknown among several":      triggered(`{"on":["webhook","chek"]}`),
		"waits for nothing":          triggered(`{"on":[]}`),
		"waits for a number":         triggered(`{"on":[1]}`),
		"a list without cron":        triggered(`{"on":["schedule"]}`),
		"cron of several":            triggered(`{"on":["webhook","check"],"cron":"@hourly"}`),
		"match of a list by hand":    triggered(`{"on":["manual"],"match":[{"field":"source","op":"is","value":"x"}]}`),
		"unknown event":              triggered(`{"on":"incident","events":"closed"}`),
		"unknown match field":        match(`{"field":"sauce","op":"is","value":"x"}`),
		"a label without a key":      match(`{"field":"label:","op":"is","value":"x"}`),
		"unknown match op":           match(`{"field":"source","op":"equals","value":"x"}`),
		"filter op in a match":       match(`{"field":"source","op":"contains","value":"x"}`),
		"in without a list":          match(`{"field":"source","op":"in","value":"x"}`),
		"in an empty list":           match(`{"field":"source","op":"not-in","value":[]}`),
		"is a list":                  match(`{"field":"source","op":"is-not","value":["x"]}`),
		"is null":                    match(`{"field":"source","op":"is","value":null}`),
		"matches a number":           match(`{"field":"source","op":"matches","value":3}`),
		"no such severity":           match(`{"field":"severity","op":"is","value":"high"}`),
		"no such status":             match(`{"field":"status","op":"in","value":["firing","open"]}`),
		"filter without a field":     filter(`{"op":"is","value":1}`),
		"filter of an empty field":   filter(`{"field":"","op":"is","value":1}`),
		"unknown filter op":          filter(`{"field":"a","op":"like","value":1}`),
		"filter in without a list":   filter(`{"field":"a","op":"in","value":1}`),
		"tells nobody":               notify(`{}`),
		"tells no channel":           notify(`{"channels":[]}`),
		"an empty channel name":      notify(`{"channels":[""]}`),
		"tells what there is not":    notify(`{"channels":["*"],"on":["fired"]}`),
		"tells nothing":              notify(`{"channels":["*"],"on":[]}`),
		"unknown least severity":     notify(`{"channels":["*"],"min_severity":"high"}`),
		"notify without config":      leading(`{"id":"n","type":"notify"}`),
		"transform without source":   leading(`{"id":"n","type":"transform","config":{"extract":"a"}}`),
		"transform without config":   leading(`{"id":"n","type":"transform"}`),
		"an empty path":              leading(`{"id":"n","type":"transform","config":{"source_node":"in","mapping":{"a":""}}}`),
		"no provider":                leading(`{"id":"n","type":"intelligence","config":{}}`),
		"a secret in a pipeline":     leading(`{"id":"n","type":"intelligence","config":{"provider":"local","provider_config":{"api_key":"x"}}}`),
		"analysis without time":      leading(`{"id":"n","type":"intelligence","config":{"provider":"local","timeout":0}}`),
		"check without time":         leading(`{"id":"n","type":"context","config":{"timeout":0}}`),
		"too many incidents":         leading(`{"id":"n","type":"context","config":{"similar_incidents":51}}`),
		"condition without a test":   leading(`{"id":"n","type":"condition","config":{"then":"in"}}`),
		"condition without a way":    leading(`{"id":"n","type":"condition","config":{"expression":"true"}}`),
		"a way with another key":     leading(`{"id":"n","type":"ingest","next":[{"to":"in","if":"true"}]}`),
		"a join that is not there":   leading(`{"id":"n","type":"ingest","join":"some"}`),
		"skip if errors of numbers":  leading(`{"id":"n","type":"ingest","skip_if_errors":[1]}`),
	} {
		if problems, err := judged(t, schema, raw); err == nil || problems == nil {
			t.Errorf("%s: schema: %v, lint: %v; want both to refuse %s", name, err, problems, raw)
		}
	}
	for name, raw := range map[string]string{
		"format version 1":          `{"version":"1","nodes":[{"id":"a","type":"ingest"}]}`,
		"every filter op":           filter(`{"field":".","op":"not-matches","value":"^a"}`),
		"filter of a boolean":       filter(`{"field":"a.b","op":"is","value":false}`),
		"label spelt with a dot":    match(`{"field":"labels.team","op":"is-not","value":3}`),
		"a label of odd letters":    match(`{"field":"label:a b/ü","op":"in","value":["x",true]}`),
		"severity by expression":    match(`{"field":"severity","op":"matches","value":"^(crit|warn)"}`),
		"incidents of one kind":     triggered(`{"on":"incident","events":"resolved"}`),
		"webhooks and checks":       triggered(`{"on":["webhook","check"],"when":"true"}`),
		"a list of one schedule":    triggered(`{"on":["schedule"],"cron":"@hourly"}`),
		"a list of incidents":       triggered(`{"on":["incident"],"events":["opened"]}`),
		"a schedule":                triggered(`{"on":"schedule","cron":"@hourly","timezone":"Europe/Berlin"}`),
		"one word for a list":       notify(`{"driver":"slack","on":"resolved"}`),
		"a node that ends":          leading(`{"id":"n","type":"ingest","next":[]}`),
		"a discarding route":        `{"version":"1.0","trigger":{"discard":true}}`,
		"condition with one way":    nodeOf(t, "condition", map[string]any{"expression": "true", "else": []string{"n2"}}),
		"limits at their bounds":    `{"version":"1.0","defaults":{"max_retries":100,"timeout_seconds":86400,"backoff_factor":60},"nodes":[{"id":"a","type":"ingest","backoff_factor":1,"max_retries":0}]}`,
		"context with no incidents": leading(`{"id":"n","type":"context","config":{"similar_incidents":0,"timeout":0.5}}`),
	} {
		if problems, err := judged(t, schema, raw); err != nil || problems != nil {
			t.Errorf("%s: schema: %v, lint: %v; want both to take %s", name, err, problems, raw)
		}
	}
}
