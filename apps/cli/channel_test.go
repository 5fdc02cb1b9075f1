package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// hooks is a registry of one channel driver, with a setting of each type.
type hooks struct{}

func (hooks) Driver(name string) (channel.Driver, error) {
	if name != "hook" {
		return nil, fmt.Errorf("unknown channel driver %q; available are hook", name)
	}
	return hook{}, nil
}

type hook struct{}

func (hook) Spec() channel.Spec {
	return channel.Spec{
		Name: "hook", Description: "Calls an address.",
		Required: []channel.Field{{Key: "endpoint", Type: channel.FieldURL, Destination: true, Doc: "Where to."}},
		Optional: []channel.Field{
			{Key: "token", Type: channel.FieldText, Secret: true},
			{Key: "method", Type: channel.FieldText, Enum: []string{"POST", "PUT"}, Default: "POST"},
			{Key: "timeout", Type: channel.FieldNumber},
			{Key: "quiet", Type: channel.FieldBool},
			{Key: "headers", Type: channel.FieldMap, Secret: true},
			{Key: "to", Type: channel.FieldList},
			{Key: "template", Type: channel.FieldTemplate},
		},
	}
}

func (hook) New(config json.RawMessage) (channel.Channel, error) {
	var s struct {
		Endpoint string            `json:"endpoint"`
		Token    string            `json:"token"`
		Method   string            `json:"method"`
		Timeout  float64           `json:"timeout"`
		Quiet    bool              `json:"quiet"`
		Headers  map[string]string `json:"headers"`
		To       []string          `json:"to"`
		Template settings.Template `json:"template"`
	}
	err := channel.Decode(config, &s)
	if err == nil && s.Endpoint == "" {
		err = channel.Bad("endpoint", "is required")
	}
	if s.Timeout < 0 {
		err = errors.Join(err, channel.Bad("timeout", "must be 0 or more"))
	}
	return stubborn{}, err
}

type stubborn struct{}

func (stubborn) Render(channel.Notice) (channel.Rendered, error) { return channel.Document("x") }
func (stubborn) Send(context.Context, channel.Outgoing) channel.Result {
	return channel.Result{Verdict: channel.Done}
}

func fileOf(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestChannelLife(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.vars["HOOK_TOKEN"] = "canary-env"
	out := s.ok(t, "canary-stdin\n", "channel", "create", "ops", "--driver", "hook", "--set", "endpoint=https://ops.example/in?a=1,2", "--secret-file", "token=-",
		"--set", "timeout=5", "--set", "quiet=true", "--set", "to=a@example.org, b@example.org", "--set", "headers.X-Team=ops", "--secret-env", "headers.Authorization=HOOK_TOKEN",
		"--set-file", "template="+fileOf(t, "{{ title }}\n"), "--description", "The team", "--min-severity", "warning", "--renotify", "90m")
	if out != "Channel \"ops\" is made. Try it: incidenthub channel test \"ops\"\n" {
		t.Error(out)
	}
	s.ok(t, "", "channel", "create", "phone", "--driver", "hook", "--set", "endpoint=https://phone.example/in", "--fallback", "ops", "--fallback-after", "10m", "--throttle", "5/10m")
	var ops map[string]any
	show := s.ok(t, "", "channel", "show", "ops", "--json")
	decode(t, show, &ops)
	configured := map[string]any{"configured": true}
	want := map[string]any{
		"endpoint": "https://ops.example/in?a=1,2", "token": configured, "timeout": 5.0, "quiet": true, "to": []any{"a@example.org", "b@example.org"},
		"headers": map[string]any{"X-Team": "ops", "Authorization": configured}, "template": map[string]any{"type": "inline", "template": "{{ title }}\n"},
	}
	if diff := cmp.Diff(any(want), ops["config"]); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if ops["renotify"] != "1h30m" || ops["min_severity"] != "warning" || ops["is_active"] != true || ops["description"] != "The team" || ops["fallback"] != nil {
		t.Errorf("ops %v", ops)
	}
	list := s.ok(t, "", "channel", "list")
	for _, want := range []string{"NAME   DRIVER  STATE   TOLD     REMINDED  FALLBACK       AT MOST", "ops    hook    active  warning  1h30m     none           any", "phone  hook    active  all      never     ops after 10m  5/10m"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	}
	s.ok(t, "", "channel", "update", "ops", "--unset", "token", "--unset", "headers.X-Team", "--unset", "to", "--set", "method=PUT", "--min-severity", "all", "--renotify", "0", "--no-active", "--name", "team")
	decode(t, s.ok(t, "", "channel", "show", "team", "--json"), &ops)
	want = map[string]any{
		"endpoint": "https://ops.example/in?a=1,2", "timeout": 5.0, "quiet": true, "method": "PUT",
		"headers": map[string]any{"Authorization": configured}, "template": map[string]any{"type": "inline", "template": "{{ title }}\n"},
	}
	if diff := cmp.Diff(any(want), ops["config"]); diff != "" || ops["is_active"] != false || ops["renotify"] != "" || ops["min_severity"] != "" || ops["version"] != 2.0 {
		t.Errorf("updated %v (-want +got):\n%s", ops, diff)
	}
	text := s.ok(t, "", "channel", "show", "team")
	for _, want := range []string{"team\nhook, inactive: it is told nothing, version 2\nThe team\nTold: everything. Reminded: never. Fallback: none.\n", "headers.Authorization  configured\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	s.ok(t, "", "channel", "update", "team", "--unset", "headers")
	decode(t, s.ok(t, "", "channel", "show", "team", "--json"), &ops)
	if ops["config"].(map[string]any)["headers"] != nil && len(ops["config"].(map[string]any)["headers"].(map[string]any)) > 0 {
		t.Errorf("without headers %v", ops["config"])
	}
	r := s.run(t, "", "channel", "delete", "team")
	if r.code != cli.ExitFailed || !strings.Contains(r.err, "phone") {
		t.Errorf("delete what phone falls back on: %d %s", r.code, r.err)
	}
	var phone map[string]any
	decode(t, s.ok(t, "", "channel", "show", "phone", "--json"), &phone)
	if diff := cmp.Diff(any(map[string]any{"messages": 5.0, "per": "10m"}), phone["throttle"]); diff != "" || ops["throttle"] != nil {
		t.Errorf("throttles: %v, %s", ops["throttle"], diff)
	}
	s.ok(t, "", "channel", "update", "phone", "--throttle", "1/1h")
	if out := s.ok(t, "", "channel", "show", "phone"); !strings.Contains(out, "Throttle: at most one message in 1h.\n") {
		t.Error(out)
	}
	s.ok(t, "", "channel", "update", "phone", "--throttle", "0")
	if out := s.ok(t, "", "channel", "show", "phone"); strings.Contains(out, "Throttle") {
		t.Error(out)
	}
	s.ok(t, "", "channel", "update", "phone", "--no-fallback")
	if out := s.ok(t, "", "channel", "delete", "team", "--json"); !strings.Contains(out, `"deleted": "team"`) {
		t.Error(out)
	}
	if all := show + list + text; strings.Contains(all, "canary") {
		t.Errorf("a secret is shown:\n%s", all)
	}
}

func TestChannelRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.ok(t, "", "channel", "create", "ops", "--driver", "hook", "--set", "endpoint=https://ops.example/in", "--secret-file", "token="+fileOf(t, "canary-1"))
	for name, tt := range map[string]struct {
		in   string
		args []string
		says string
	}{
		"a secret as an argument": {"", []string{"update", "ops", "--set", "token=canary-2"}, "use --secret-file token=FILE"},
		"of a map":                {"", []string{"update", "ops", "--set", "headers.Authorization=canary-2"}, "--secret-env headers.Authorization=NAME"},
		"unknown setting":         {"", []string{"update", "ops", "--set", "tokens=x"}, "there are: endpoint, token"},
		"no value":                {"", []string{"update", "ops", "--set", "endpoint"}, "KEY=VALUE"},
		"a map without a name":    {"", []string{"update", "ops", "--set", "headers=x"}, "headers.NAME"},
		"a name without a map":    {"", []string{"update", "ops", "--set", "timeout.x=1"}, "it has no names"},
		"no number":               {"", []string{"update", "ops", "--set", "timeout=soon"}, "no number"},
		"refused by the driver":   {"", []string{"update", "ops", "--set", "timeout=-1"}, "timeout: must be 0 or more"},
		"empty secret":            {"", []string{"update", "ops", "--secret-file", "token=-"}, "there is no secret in it"},
		"variable not set":        {"", []string{"update", "ops", "--secret-env", "token=NOPE"}, "there is no secret in it"},
		"input twice":             {"x", []string{"update", "ops", "--secret-file", "token=-", "--set-file", "template=-"}, "only one of the settings"},
		"another host":            {"", []string{"update", "ops", "--set", "endpoint=https://evil.example/in"}, "token:"},
		"no such fallback":        {"", []string{"update", "ops", "--fallback", "nobody"}, "there is no such channel"},
		"a time alone":            {"", []string{"update", "ops", "--fallback-after", "10m"}, "name the channel"},
		"no time":                 {"", []string{"update", "ops", "--renotify", "soon"}, "--renotify: must be a time"},
		"a number alone":          {"", []string{"update", "ops", "--throttle", "5"}, "--throttle: must be a number of messages and a time"},
		"no number of messages":   {"", []string{"update", "ops", "--throttle", "many/10m"}, "--throttle: must be a number of messages and a time"},
		"too many messages":       {"", []string{"update", "ops", "--throttle", "5000/10m"}, "throttle.messages: must be a whole number from 1 to 1000"},
		"two fallbacks":           {"", []string{"update", "ops", "--fallback", "x", "--no-fallback"}, "can't be used together"},
		"unknown driver":          {"", []string{"create", "x", "--driver", "fax"}, "there are: hook"},
		"needed":                  {"", []string{"create", "x", "--driver", "hook"}, "endpoint: is required"},
		"validate":                {"", []string{"validate", "ops", "--set", "timeout=-1"}, "timeout: must be 0 or more"},
		"validate nothing":        {"", []string{"validate"}, "name a channel, or a --driver"},
		"validate a new one":      {"", []string{"validate", "--driver", "hook", "--set", "timeout=1"}, "endpoint: is required"},
	} {
		r := s.run(t, tt.in, append([]string{"channel"}, tt.args...)...)
		if r.code != cli.ExitUsage || !strings.Contains(r.err, tt.says) || strings.Contains(r.out+r.err, "canary") {
			t.Errorf("%s: exit %d, want 2 and %q\n%s%s", name, r.code, tt.says, r.out, r.err)
		}
	}
	for _, args := range [][]string{{"validate", "ops"}, {"validate", "ops", "--set", "timeout=3"}, {"validate", "--driver", "hook", "--set", "endpoint=https://x.example"}} {
		if out := s.ok(t, "", append([]string{"channel"}, args...)...); out != "The settings can be used.\n" {
			t.Errorf("%v: %s", args, out)
		}
	}
	var now map[string]any
	if decode(t, s.ok(t, "", "channel", "show", "ops", "--json"), &now); now["version"] != 1.0 {
		t.Errorf("something was changed: %v", now)
	}
}

func TestChannelDrivers(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if out := s.ok(t, "", "channel", "drivers"); !strings.Contains(out, "hook    endpoint  Calls an address.\n") {
		t.Error(out)
	}
	out := s.ok(t, "", "channel", "drivers", "hook")
	for _, want := range []string{"hook\nCalls an address.\n", "endpoint (url; required)\n  Where to.\n", "method (string; default POST; one of POST, PUT)\n", "token (string; secret)\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	var one map[string]any
	decode(t, s.ok(t, "", "channel", "drivers", "hook", "--json"), &one)
	if diff := cmp.Diff([]any{"endpoint"}, one["required_config"]); diff != "" || len(one["fields"].([]any)) != 8 {
		t.Errorf("%v\n%s", one, diff)
	}
}

func TestSendByHand(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string]string{
		"POST /api/v1/channels/ops/test":     `{"ok":true,"verdict":"done","status":200,"latency_ms":12,"response":"got it","channel":"ops","driver":"hook","message_id":"m"}`,
		"POST /api/v1/channels/odd/test":     `{"ok":true,"verdict":"done","status":200,"latency_ms":12,"channel":"odd","driver":"hook","remark":"text_template failed (line 1)"}`,
		"POST /api/v1/channels/a b/test":     `{"ok":false,"verdict":"permanent","status":401,"latency_ms":12,"response":"` + "no" + `","error":"receiver answered 401","advice":"Enter it again.","channel":"a b","driver":"hook"}`,
		"POST /notify/send":                  `{"status":"success","driver":"hook","channel":"ops","message_id":"m-1","metadata":{}}`,
		"POST /notify/send/hook":             `{"status":"success","driver":"hook","channel":"hook","message_id":"","metadata":{}}`,
		"POST /api/v1/deliveries/d-1/resend": `{"id":"d-2"}`,
		"GET /api/v1/deliveries":             deliveries,
		"GET /api/v1/deliveries/d-1":         `{"id":"d-1","title":` + text(hostile) + `,"kind":"firing","channel":"ops","state":"dead","reason":"expired","detail":"It was never answered.","cause":"fallback","attempts":[{"n":1,"at":"2026-03-01T12:00:01Z","status":503,"latency_ms":1.5,"verdict":"retry","error":"later"}]}`,
	})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	for name, tt := range map[string]struct {
		in    string
		args  []string
		code  int
		says  string
		asked string
	}{
		"a test":             {"", []string{"channel", "test", "ops"}, 0, "It works: ops took the message after 12ms.\nIts answer: got it\n", `POST /api/v1/channels/ops/test`},
		"not as meant":       {"", []string{"channel", "test", "odd"}, 0, "odd took the message after 12ms, but it is not as you meant it: text_template failed (line 1).\n", `POST /api/v1/channels/odd/test`},
		"a test that fails":  {"", []string{"channel", "test", "a b"}, 1, "It does not work: receiver answered 401 (after 12ms). Enter it again.", `POST /api/v1/channels/a%20b/test`},
		"as JSON":            {"", []string{"channel", "test", "ops", "--json"}, 0, `"verdict": "done"`, `POST /api/v1/channels/ops/test`},
		"of nobody":          {"", []string{"channel", "test", "nobody"}, 1, "not found", `POST /api/v1/channels/nobody/test`},
		"a message":          {"", []string{"test-notify"}, 0, "Sent by ops (hook), message m-1.", `POST /notify/send {"title":"Test notification","message":"This message was sent by hand with incidenthub test-notify. Nothing is wrong."}`},
		"by a driver":        {"", []string{"test-notify", "hook", "--non-interactive", "--severity", "critical", "--json-config", `{"endpoint":"https://x.example"}`}, 0, "message without an id", `POST /notify/send/hook {"title":"Test notification","message":"This message was sent by hand with incidenthub test-notify. Nothing is wrong.","severity":"critical","driver":"hook","config":{"endpoint":"https://x.example"}}`},
		"from standard in":   {`{"driver":"hook","title":"a","message":"b","severity":"warning","tags":{"k":"v"},"config":{"endpoint":"https://x.example"}}`, []string{"test-notify", "--json-config", "-"}, 0, "Sent by hook", `POST /notify/send/hook {"title":"a","message":"b","severity":"warning","driver":"hook","tags":{"k":"v"},"config":{"endpoint":"https://x.example"}}`},
		"from a file":        {"", []string{"test-notify", "--title", "c", "--json-config", "@" + fileOf(t, `{"title":"a","message":"b"}`)}, 0, "Sent by ops", `POST /notify/send {"title":"c","message":"b"}`},
		"no JSON":            {"", []string{"test-notify", "--json-config", "x"}, 2, "must be a JSON object", ""},
		"settings of nobody": {"", []string{"test-notify", "--json-config", `{"endpoint":"x"}`}, 2, "which driver", ""},
		"again":              {"", []string{"delivery", "resend", "d-1"}, 0, "on its way as delivery d-2", `POST /api/v1/deliveries/d-1/resend {}`},
		"elsewhere":          {"", []string{"delivery", "resend", "d-1", "--channel", "phone"}, 0, "on its way as delivery d-2", `POST /api/v1/deliveries/d-1/resend {"channel":"phone"}`},
		"one delivery":       {"", []string{"delivery", "show", "d-1"}, 0, "disk  [2J full\nfiring to ops: dead\nWhy: expired: It was never answered.\nMade by: fallback\n\nATTEMPTS\n", `GET /api/v1/deliveries/d-1`},
		"its attempts":       {"", []string{"delivery", "show", "d-1"}, 0, "1  2026-03-01 12:00:01Z  retry    503     1.5ms  later\n", `GET /api/v1/deliveries/d-1`},
		"deliveries":         {"", []string{"delivery", "list", "--state", "dead,pending", "--channel", "ops"}, 0, "no answer within 10 s", `GET /api/v1/deliveries?attempts=true&channel=ops&limit=50&state=dead%2Cpending`},
	} {
		a.asked = nil
		r := s.run(t, tt.in, tt.args...)
		if r.code != tt.code || !strings.Contains(r.out+r.err, tt.says) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", name, r.code, tt.code, tt.says, r.out, r.err)
		}
		if got := strings.Join(a.asked, "\n"); got != tt.asked {
			t.Errorf("%s asked\n%s\nwant\n%s", name, got, tt.asked)
		}
	}
}
