package graph

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example uses what the format has.
const example = `{ "version": "1.0", "description": "everything",
  "trigger": { "on": "webhook", "sources": ["prod", "*"], "match": [{"field": "severity", "op": "in", "value": ["critical", "warning"]},
      {"field": "label:team", "op": "is-not", "value": "test"}, {"field": "labels.env", "op": "matches", "value": "^prod"}],
    "when": "labels.env == 'prod' and now.Hour() < 20", "priority": 10, "continue": true },
  "defaults": { "max_retries": 3, "timeout_seconds": 300, "backoff_factor": 2.0 },
  "nodes": [
    { "id": "ingest", "type": "ingest", "next": ["health", "history"] },
    { "id": "health", "type": "context", "config": {"checker_names": ["cpu"], "checker_configs": {"__all__": {"timeout": 5}}}, "next": "analyze", "required": false },
    { "id": "history", "type": "context", "config": {"similar_incidents": 5}, "next": [{"to": "analyze"}], "required": false },
    { "id": "analyze", "type": "intelligence", "config": {"provider": "active", "provider_config": {"model": "m"}}, "join": "any", "next": "top",
      "skip_if_errors": ["health"], "skip_if_condition": "health.has_errors", "max_retries": 1, "timeout_seconds": 20.5 },
    { "id": "top", "type": "transform", "config": {"source_node": "analyze", "extract": "recommendations", "filter_priority": "high",
        "filter": {"field": "type", "op": "is", "value": "disk"}, "sort_by": "-priority", "limit": 3, "set": {"a": 1}, "template": "{{0.title}}"}, "next": "worse" },
    { "id": "worse", "type": "condition", "config": {"expression": "ingest.severity == 'critical' or nodes.health.output.checks_failed > 0", "then": "page", "else": ["mail"]} },
    { "id": "page", "type": "notify", "when": "incident.severity != 'info'", "config": {"channels": ["ops"], "on": ["firing", "resolved"], "min_severity": "warning"},
      "next": [{"to": "mail2", "when": "page.channels_failed > 0"}] },
    { "id": "mail", "type": "notify", "config": {"driver": "email"} },
    { "id": "mail2", "type": "notify", "config": {"drivers": ["email"]} } ] }`

// lines renders problems for comparison.
func lines(problems []Problem) []string {
	out := []string{}
	for _, p := range problems {
		line := p.String()
		if p.Severity == SeverityWarning {
			line = "warning " + line
		}
		out = append(out, line)
	}
	return out
}

func node(extra string) string {
	return `{"version":"1.0","nodes":[{"id":"ingest","type":"ingest"},` + extra + `]}`
}

func triggered(trigger string) string {
	return `{"version":"1.0","trigger":` + trigger + `,"nodes":[{"id":"ingest","type":"ingest"}]}`
}

func TestLint(t *testing.T) {
	t.Parallel()
	specs := Builtin(Known{
		Providers: []string{"local", "openai"}, Checkers: []string{"cpu", "memory", "disk"}, ChannelDrivers: []string{"email", "slack"},
		WebhookDrivers: []string{"grafana"}, Channels: []string{"ops"},
	})
	for name, tt := range map[string]struct {
		in   string
		want []string
	}{
		"empty":         {"", []string{`the definition is empty (start from {"version": "1.0", "nodes": []})`}},
		"a list":        {"[]", []string{"the definition must be a JSON object, not a list"}},
		"null":          {"null", []string{"the definition must be a JSON object, not null"}},
		"cut":           {"{\n \"version\": \"1.0\",", []string{"not valid JSON at line 2, column 18: the text ends too early, a bracket or quote is not closed"}},
		"comma":         {`{"version": "1.0",}`, []string{"not valid JSON at line 1, column 18: invalid character '}' looking for beginning of object key string"}},
		"more text":     {`{"version": "1.0"} {}`, []string{"not valid JSON at line 1, column 20: there is more text after the end of the definition"}},
		"no version":    {`{"nodes":[{"id":"a","type":"ingest"}]}`, []string{`/version: "version" is missing (add "version": "1.0")`}},
		"other version": {`{"version":"2.0","nodes":[{"id":"a","type":"ingest"}]}`, []string{`/version: unknown version "2.0" of the format (this hub reads "1.0")`}},
		"version number": {`{"version":1.0,"nodes":[{"id":"a","type":"ingest"}]}`, []string{
			`/version: "version" must be text, not a number`, `/version: "version" is missing (add "version": "1.0")`,
		}},
		"no nodes":     {`{"version":"1.0"}`, []string{`/nodes: the pipeline has no nodes (add at least one, e.g. {"id": "ingest", "type": "ingest"})`}},
		"empty nodes":  {`{"version":"1.0","nodes":[]}`, []string{`/nodes: the pipeline has no nodes (add at least one, e.g. {"id": "ingest", "type": "ingest"})`}},
		"unknown key":  {`{"version":"1.0","node":[],"nodes":[{"id":"a","type":"ingest"}]}`, []string{`/node: unknown key "node" (did you mean "nodes"?)`}},
		"key twice":    {`{"version":"1.0","version":"1.0","nodes":[{"id":"a","type":"ingest"}]}`, []string{`/version: the key "version" is given twice (keep one of them)`}},
		"missing id":   {node(`{"type":"notify","config":{"channels":["*"]}}`), []string{`/nodes/1/id: the node has no "id" (give it a short name, e.g. "notify")`}},
		"bad id":       {node(`{"id":"a b","type":"notify","config":{"channels":["*"]}}`), []string{`/nodes/1/id: the id "a b" is not usable (use letters, digits, _ and -, at most 64)`}},
		"duplicate id": {node(`{"id":"ingest","type":"notify","config":{"channels":["*"]}}`), []string{`/nodes/1/id: node "ingest": the id is already used by node 1 (ids must be unique)`, `/nodes/0: node "ingest": the node leads to itself`}},
		"missing type": {node(`{"id":"a"}`), []string{`/nodes/1/type: node "a": the node has no "type" (available: "ingest", "context", "intelligence", "notify", "transform", "condition")`}},
		"unknown type": {node(`{"id":"a","type":"notifi"}`), []string{
			`/nodes/1/type: node "a": unknown node type "notifi"; available: "ingest", "context", "intelligence", "notify", "transform", "condition" (did you mean "notify"?)`,
		}},
		"unknown config key": {node(`{"id":"a","type":"notify","config":{"chanels":["*"]}}`), []string{`/nodes/1/config/chanels: node "a": unknown key "chanels" (did you mean "channels"?)`}},
		"config of wrong kind": {node(`{"id":"a","type":"notify","config":{"channels":"*","include_recommendations":"true"}}`), []string{
			`/nodes/1/config/channels: node "a": "channels" must be a list, not text`,
			`/nodes/1/config/include_recommendations: node "a": "include_recommendations" must be true or false, not text (write it without quotes: true)`,
		}},
		"nobody told":     {node(`{"id":"a","type":"notify"}`), []string{`/nodes/1/config: node "a": nobody would be told: neither channels nor drivers are given (write "channels": ["*"] for every active channel)`}},
		"unknown driver":  {node(`{"id":"a","type":"notify","config":{"drivers":["slak"]}}`), []string{`/nodes/1/config/drivers/0: node "a": channel driver "slak" is not known (did you mean "slack"?)`}},
		"unknown channel": {node(`{"id":"a","type":"notify","config":{"channels":["opps"]}}`), []string{`warning /nodes/1/config/channels/0: node "a": there is no channel "opps" yet (did you mean "ops"?)`}},
		"bad min severity": {node(`{"id":"a","type":"notify","config":{"channels":["ops"],"min_severity":"warn","on":"resolve"}}`), []string{
			`/nodes/1/config/min_severity: node "a": unknown severity "warn" (did you mean "warning"?)`,
			`/nodes/1/config/on/0: node "a": event "resolve" is not known (did you mean "resolved"?)`,
		}},
		"provider": {node(`{"id":"a","type":"intelligence"},{"id":"b","type":"intelligence","config":{"provider":"opena","provider_config":{"api_key":"x"}}}`), []string{
			`/nodes/1/config/provider: node "a": "provider" is missing (write "active" for the active provider, or "local")`,
			`/nodes/2/config/provider: node "b": unknown provider "opena" (did you mean "openai"?)`,
			`/nodes/2/config/provider_config/api_key: node "b": "api_key" cannot be set in a pipeline (set it on the provider)`,
		}},
		"checks": {node(`{"id":"a","type":"context","config":{"checker_names":["cpu","dsk"]}},{"id":"b","type":"context","config":{"checker_names":["x"]}}`), []string{
			`/nodes/2/config/checker_names: node "b": none of these checks is known (available: "cpu", "memory", "disk")`,
			`warning /nodes/1/config/checker_names/1: node "a": check "dsk" is not known and will be left out (did you mean "disk"?)`,
			`warning /nodes/2/config/checker_names/0: node "b": check "x" is not known and will be left out (available: "cpu", "memory", "disk")`,
		}},
		"next to nowhere": {node(`{"id":"tell","type":"notify","config":{"channels":["*"]},"next":"tel"}`), []string{
			`/nodes/1/next: node "tell": next leads to "tel", but there is no such node (did you mean "tell"?)`,
			`/nodes/1: node "tell": nothing leads to this node, it would never run (add "next": "tell" to the node before it, or remove it)`,
		}},
		"cycle": {`{"version":"1.0","nodes":[{"id":"a","type":"ingest","next":"b"},{"id":"b","type":"context","next":["c"]},{"id":"c","type":"context","next":[{"to":"b"}]}]}`, []string{
			`/nodes/2/next: node "c": the nodes form a cycle: b → c → b (a pipeline only goes forward; remove one of these links)`,
		}},
		"cycle beside": {`{"version":"1.0","nodes":[{"id":"a","type":"ingest","next":[]},{"id":"b","type":"context","next":"c"},{"id":"c","type":"context","next":"b"}]}`, []string{
			`/nodes/2/next: node "c": the nodes form a cycle: b → c → b (a pipeline only goes forward; remove one of these links)`,
			`/nodes/1: node "b": nothing leads to this node, it would never run (add "next": "b" to the node before it, or remove it)`,
			`/nodes/2: node "c": nothing leads to this node, it would never run (add "next": "c" to the node before it, or remove it)`,
		}},
		"link twice": {`{"version":"1.0","nodes":[{"id":"a","type":"ingest","next":["b","b"]},{"id":"b","type":"context"}]}`, []string{
			`/nodes/0/next/1: node "a": the link to "b" is given twice (keep one of them; join conditions with or)`,
		}},
		"next without to": {`{"version":"1.0","nodes":[{"id":"a","type":"ingest","next":[{"too":"b"}]},{"id":"b","type":"context"}]}`, []string{
			`/nodes/0/next/0/too: unknown key "too" (did you mean "to"?)`,
			`/nodes/0/next/0: "to" is missing: the id of the node that follows`,
			`/nodes/1: node "b": nothing leads to this node, it would never run (add "next": "b" to the node before it, or remove it)`,
		}},
		"skip refs": {node(`{"id":"a","type":"context","skip_if_errors":["inges"],"skip_if_condition":"nope.has_errors"}`), []string{
			`/nodes/1/skip_if_errors/0: node "a": there is no node "inges" (did you mean "ingest"?)`,
			`/nodes/1/skip_if_condition: node "a": there is no node "nope" (available: "ingest", "a")`,
		}},
		"looks ahead": {node(`{"id":"a","type":"context","skip_if_errors":["b"]},{"id":"b","type":"context"}`), []string{
			`warning /nodes/1/skip_if_errors/0: node "a": "b" need not have ended before "a" starts (lead from one to the other by next)`,
		}},
		"transform": {node(`{"id":"a","type":"transform","config":{"source_node":"x","extract":"a..b","limit":-1,"template":"{{a","filter":{"field":"p","op":"eq","value":1}}}`), []string{
			`/nodes/1/config/source_node: node "a": there is no node "x"`,
			`/nodes/1/config/filter/op: node "a": unknown op "eq" (available: "is", "is-not", "in", "not-in", "contains", "matches", "not-matches", "gt", "gte", "lt", "lte")`,
			`/nodes/1/config/extract: node "a": the dot path "a..b" has an empty step (write it like a.b.0.c)`,
			`/nodes/1/config/limit: node "a": "limit" must not be negative`,
			`/nodes/1/config/template: node "a": the template has {{ without }}`,
		}},
		"condition": {node(`{"id":"c","type":"condition","config":{"expression":"ingest.severity ==","then":"x"}}`), []string{
			`/nodes/1/config/expression: node "c": bad expression: unexpected token EOF (column 18)`,
			`/nodes/1/config/then: node "c": then leads to "x", but there is no such node (available: "ingest", "c")`,
			`/nodes/1: node "c": nothing leads to this node, it would never run (add "next": "c" to the node before it, or remove it)`,
		}},
		"condition chooses nothing": {node(`{"id":"c","type":"condition"}`), []string{
			`/nodes/1/config/expression: node "c": "expression" is missing (e.g. "incident.severity == 'critical'")`,
			`/nodes/1/config: node "c": the condition chooses nothing: neither then nor else names a node`,
		}},
		"negative numbers": {`{"version":"1.0","defaults":{"max_retries":-1,"backoff_factor":0.5},"nodes":[{"id":"a","type":"ingest","max_retries":-2,"timeout_seconds":-3}]}`, []string{
			`/defaults/max_retries: max_retries must not be negative (it is -1) (1 means one try and no retry)`,
			`/defaults/backoff_factor: backoff_factor must be between 1 and 60 (it is 0.5) (2 waits about 2, 4, 8 … seconds)`,
			`/nodes/0/max_retries: node "a": max_retries must not be negative (it is -2) (1 means one try and no retry)`,
			`/nodes/0/timeout_seconds: node "a": timeout_seconds must not be negative (it is -3)`,
		}},
		"broken numbers": {`{"version":"1.0","nodes":[{"id":"a","type":"ingest","max_retries":1.5,"timeout_seconds":"9"}]}`, []string{
			`/nodes/0/max_retries: "max_retries" must be a whole number`,
			`/nodes/0/timeout_seconds: "timeout_seconds" must be a number, not text (write it without quotes: 9)`,
		}},
		"bad join": {node(`{"id":"a","type":"context","join":"first"}`), []string{`/nodes/1/join: node "a": unknown join "first" ("all" waits for every incoming edge, "any" for the first one)`}},
		"names in when": {node(`{"id":"check","type":"context"},{"id":"a","type":"notify","config":{"channels":["*"]},"when":"severity == critical and sevrity == 'x' and context.ok and nodes.chek.output.a and foo(1)"}`), []string{
			`/nodes/2/when: node "a": bad expression: unknown function "foo"`,
		}},
		"names in when 2": {node(`{"id":"check","type":"context"},{"id":"a","type":"notify","config":{"channels":["*"]},"when":"severity == critical and sevrity == 'x' and context.ok and nodes.chek.output.a"}`), []string{
			`/nodes/2/when: node "a": unknown name "critical" in the expression (texts need quotes: 'critical')`,
			`/nodes/2/when: node "a": unknown name "sevrity" in the expression (did you mean "severity"?)`,
			`/nodes/2/when: node "a": unknown name "context" in the expression (outputs go by the id of the node: check)`,
			`/nodes/2/when: node "a": there is no node "chek" (did you mean "check"?)`,
		}},
		"name is taken": {`{"version":"1.0","nodes":[{"id":"alert","type":"ingest"}]}`, []string{
			`warning /nodes/0/id: node "alert": expressions cannot reach the output of this node by its id, the name is taken (use nodes.alert.output, or rename the node)`,
		}},
		"name of a function": {`{"version":"1.0","nodes":[{"id":"first","type":"ingest"}]}`, []string{
			`warning /nodes/0/id: node "first": expressions cannot reach the output of this node by its id, the name is taken (use nodes.first.output, or rename the node)`,
		}},
		"when is no condition": {node(`{"id":"a","type":"context","when":"'yes'"}`), []string{`/nodes/1/when: node "a": bad expression: expected bool, but got string`}},
		"pattern from alert":   {node(`{"id":"a","type":"context","when":"severity matches alert.name"}`), []string{`/nodes/1/when: node "a": bad expression: the pattern on the right of matches must be a text in quotes, so that alerts cannot choose it`}},
		"trigger on":           {triggered(`{"on":"webhok"}`), []string{`/trigger/on: unknown trigger "webhok" (did you mean "webhook"?)`}},
		"trigger on several": {triggered(`{"on":["webhook","chek","check","webhook"]}`), []string{
			`/trigger/on/1: unknown trigger "chek" (did you mean "check"?)`,
			`warning /trigger/on/3: "webhook" is there twice (remove one of them)`,
		}},
		"trigger on two that cannot be": {triggered(`{"on":["webhook","schedule","incident","manual"],"cron":"@hourly"}`), []string{
			`/trigger/on/1: "schedule" cannot be one of several (make a pipeline of its own for it)`,
			`/trigger/on/2: "incident" cannot be one of several (make a pipeline of its own for it)`,
			`/trigger/on/3: "manual" cannot be one of several (remove it: every active pipeline can be started by hand)`,
		}},
		"trigger on a number": {triggered(`{"on":["webhook",3]}`), []string{`/trigger/on/1: "on[1]" must be text, not a number`}},
		"trigger on nothing":  {triggered(`{"on":[]}`), []string{`/trigger/on: an empty list waits for nothing (write "webhook", or leave it out)`}},
		"key of another kind": {triggered(`{"on":["webhook","check"],"cron":"@hourly","events":["opened"]}`), []string{
			`/trigger/cron: "cron" has no meaning for a trigger on webhook, check (it belongs to "on": "schedule")`,
			`/trigger/events: "events" has no meaning for a trigger on webhook, check (it belongs to "on": "incident")`,
		}},
		"trigger on webhooks and checks": {triggered(`{"on":["webhook","check"],"sources":["*"],"when":"severity == 'critical'"}`), nil},
		"a list of one schedule":         {triggered(`{"on":["schedule"],"cron":"@hourly"}`), nil},
		"trigger key":                    {triggered(`{"when ":"true","prio":3}`), []string{`/trigger/when : unknown key "when " (did you mean "when"?)`, `/trigger/prio: unknown key "prio" (did you mean "priority"?)`}},
		"trigger names": {triggered(`{"when":"incident.severity == 'critical' or nodes.ingest.ok or run.id == '' or ingest.severity == 'x'"}`), []string{
			`/trigger/when: "incident" is not available in a trigger: routing comes before alerts are folded into incidents (use it in the when of a node)`,
			`/trigger/when: "nodes" is not available in a trigger: nothing has run yet when it is judged (use it in the when of a node)`,
			`/trigger/when: "run" is not available in a trigger: nothing has run yet when it is judged (use it in the when of a node)`,
			`/trigger/when: "ingest" is not available in a trigger: nothing has run yet when it is judged (use it in the when of a node)`,
		}},
		"incident in incident trigger": {triggered(`{"on":"incident","events":"opened","when":"incident.severity == 'critical'"}`), nil},
		"trigger match": {triggered(`{"match":[{"field":"severty","op":"is","value":"critical"},{"field":"severity","op":"eq","value":"critical"},
			{"field":"severity","op":"in","value":"critical"},{"field":"severity","op":"is","value":"critcal"},{"field":"incident.id","op":"is","value":"x"},
			{"field":"name","op":"matches","value":"("},{"field":"team","op":"is","value":"x"},{"field":"label:x","op":"is"}]}`), []string{
			`/trigger/match/0/field: unknown field "severty" (did you mean "severity"?)`,
			`/trigger/match/1/op: unknown op "eq" (available: "is", "is-not", "in", "not-in", "matches", "not-matches")`,
			`/trigger/match/2/value: "in" needs a list, not text (write it in brackets, or use "is")`,
			`/trigger/match/3/value: no alert has the severity "critcal" (did you mean "critical"?)`,
			`/trigger/match/4/field: "incident.id" is not available in a trigger: routing comes before anything has run (use it in the when of a node)`,
			"/trigger/match/5/value: bad regular expression: missing closing ): `(`",
			`/trigger/match/6/field: unknown field "team" (for a label write "label:team")`,
			`/trigger/match/7/value: "value" is missing`,
		}},
		"cron":         {triggered(`{"on":"schedule","cron":"61 * * * *"}`), []string{`/trigger/cron: bad cron line "61 * * * *": end of range (61) above maximum (59): 61`}},
		"cron never":   {triggered(`{"on":"schedule","cron":"0 0 30 2 *"}`), []string{`/trigger/cron: the cron line "0 0 30 2 *" never fires`}},
		"cron panics":  {triggered(`{"on":"schedule","cron":"TZ=0"}`), []string{`/trigger/cron: the time zone belongs into "timezone", not into the cron line`}},
		"cron fast":    {triggered(`{"on":"schedule","cron":"@every 1s"}`), []string{`/trigger/cron: the schedule fires more often than every 10s`}},
		"cron missing": {triggered(`{"on":"schedule"}`), []string{`/trigger/cron: "cron" is missing (e.g. "*/5 * * * *" for every five minutes)`}},
		"cron zone":    {triggered(`{"on":"schedule","cron":"@daily","timezone":"Mars/Olympus"}`), []string{`/trigger/timezone: unknown time zone "Mars/Olympus"`}},
		"useless keys": {triggered(`{"on":"schedule","cron":"@daily","when":"true","sources":["a"]}`), []string{
			`/trigger/sources: "sources" has no meaning for a trigger on schedule (nothing arrives from a source here)`,
			`/trigger/when: "when" has no meaning for a trigger on schedule (there is no alert to look at)`,
		}},
		"discard": {`{"version":"1.0","trigger":{"discard":true,"match":[{"field":"label:env","op":"is","value":"test"}]}}`, nil},
		"many at once": {`{"nodes":[{"id":"a","type":"x"},{"type":"ingest"}],"defaults":{"max_retry":3}}`, []string{
			`/defaults/max_retry: unknown key "max_retry" (did you mean "max_retries"?)`,
			`/version: "version" is missing (add "version": "1.0")`,
			`/nodes/0/type: node "a": unknown node type "x"; available: "ingest", "context", "intelligence", "notify", "transform", "condition"`,
			`/nodes/1/id: the node has no "id" (give it a short name, e.g. "notify")`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			if want == nil {
				want = []string{}
			}
			if diff := cmp.Diff(want, lines(Lint([]byte(tt.in), specs))); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadRefusesWithAllProblems(t *testing.T) {
	t.Parallel()
	_, err := Load([]byte(`{"nodes":[{"id":"a","type":"x"}]}`), Builtin(Known{}))
	var invalid *InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 2 || !strings.Contains(err.Error(), `unknown node type "x"`) {
		t.Errorf("got %v, want both problems", err)
	}
}

// FuzzLint holds that no text makes the lint panic, and that what it accepts compiles.
func FuzzLint(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"version":"1.0","nodes":[{"id":"a","type":"ingest","next":["b",{"to":"a"}]},{"id":"b","type":"condition","config":{"expression":"a.x > 1","then":"a"}}]}`))
	f.Add([]byte(triggered(`{"on":"schedule","cron":"TZ=0"}`)))
	specs := Builtin(Known{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		problems := Lint(raw, specs)
		if _, err := Load(raw, specs); (err != nil) != HasErrors(problems) {
			t.Errorf("lint found %v, but compiling gave %v", problems, err)
		}
	})
}
