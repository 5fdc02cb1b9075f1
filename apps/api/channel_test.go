package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// drivers is a registry of one driver, "hook", with an address and a secret, beside the inbox's name.
type drivers struct{}

func (drivers) Driver(name string) (channel.Driver, error) {
	if name == "hook" || name == "inbox" {
		return hook{name}, nil
	}
	return nil, errors.New("unknown channel driver; available are hook, inbox")
}

func (drivers) CheckURL(raw string) error {
	if strings.Contains(raw, "169.254.169.254") {
		return errors.New("this address is never called")
	}
	return nil
}

type hook struct{ name string }

func (h hook) Spec() channel.Spec {
	s := channel.Spec{Name: h.name}
	if h.name == "hook" {
		s.Required = []channel.Field{{Key: "endpoint", Type: channel.FieldURL, Destination: true}}
		s.Optional = []channel.Field{{Key: "token", Type: channel.FieldText, Secret: true}}
	}
	return s
}

func (h hook) New(config json.RawMessage) (channel.Channel, error) {
	var c struct {
		Endpoint string `json:"endpoint"`
		Token    string `json:"token"`
	}
	if err := channel.Decode(config, &c); err != nil {
		return nil, err
	}
	if h.name == "hook" && c.Endpoint == "" {
		return nil, channel.Bad("endpoint", "is required")
	}
	return silent{}, nil
}

type silent struct{}

func (silent) Render(channel.Notice) (channel.Rendered, error) {
	return channel.Rendered{Body: []byte("{}")}, nil
}

func (silent) Send(context.Context, channel.Outgoing) channel.Result {
	return channel.Result{Verdict: channel.Done}
}

func TestChannels(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	made := h.want(201, "POST", "/api/v1/channels",
		`{"name":"ops","driver":"hook","config":{"endpoint":"https://ops.example/in","token":"canary"},"min_severity":"warning"}`)
	if made["driver"] != "hook" || made["is_active"] != true || made["min_severity"] != "warning" || made["built_in"] != false {
		t.Errorf("made %v", made)
	}
	changed := h.want(200, "PATCH", "/api/v1/channels/ops", `{"description":"on call"}`)
	if changed["description"] != "on call" || changed["version"] != 2.0 {
		t.Errorf("changed %v", changed)
	}
	back := h.want(200, "PUT", "/api/v1/channels/ops", mustJSON(t, changed))
	token := map[string]any{"endpoint": "https://ops.example/in", "token": map[string]any{"configured": true}}
	if diff := cmp.Diff(any(token), back["config"]); diff != "" {
		t.Errorf("config after sending back what was read (-want +got):\n%s", diff)
	}
	problem(t, h.call(h.edit, "PATCH", "/api/v1/channels/ops", `{"description":"late","version":1}`), 409)
	problem(t, h.call(h.edit, "POST", "/api/v1/channels", `{"name":"ops","driver":"hook","config":{"endpoint":"https://x.example"}}`), 409)
	for pointer, body := range map[string]string{
		"/config/endpoint": `{"name":"x","driver":"hook","config":{"token":"canary"}}`,
		"/driver":          `{"name":"x","driver":"fax"}`,
		"/name":            `{"name":"","driver":"inbox"}`,
		"/min_severity":    `{"name":"x","driver":"inbox","min_severity":"bad"}`,
	} {
		w := h.call(h.edit, "POST", "/api/v1/channels", body)
		if p := problem(t, w, 422); len(p.Errors) == 0 || p.Errors[0].Pointer != pointer || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: %s, want an error at %s", body, w.Body, pointer)
		}
	}
	if got := h.want(200, "POST", "/api/v1/channels/validate", `{"driver":"hook","config":{"endpoint":"https://x.example"}}`); got["valid"] != true {
		t.Errorf("validate %v", got)
	}
	p := problem(t, h.call(h.edit, "POST", "/api/v1/channels/validate", `{"driver":"hook","config":{"endpoint":"http://169.254.169.254/"}}`), 422)
	if p.Errors[0].Pointer != "/config/endpoint" {
		t.Errorf("validate a forbidden address: %+v", p.Errors)
	}
	list := h.call(h.read, "GET", "/api/v1/channels", "").Body.String()
	if strings.Contains(list, "canary") || !strings.Contains(list, `"inbox"`) {
		t.Errorf("list %s", list)
	}
	problem(t, h.call(h.edit, "DELETE", "/api/v1/channels/inbox", ""), 409)
	if w := h.call(h.edit, "DELETE", "/api/v1/channels/ops", ""); w.Code != 204 {
		t.Errorf("delete: %d", w.Code)
	}
	problem(t, h.call(h.read, "GET", "/api/v1/channels/ops", ""), 404)
}

func TestDeliveriesAndInbox(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	inbox, err := id.Parse(h.want(200, "GET", "/api/v1/channels/inbox", "")["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	incident, message, delivery := h.incident("disk"), id.New(), id.New()
	h.exec(`INSERT INTO messages (id, tenant_id, channel_id, driver, idem_key, incident_id, severity, title, encoding, body, created_at)
		VALUES (?, 'default', ?, 'inbox', 'k', ?, 'critical', 'Disk full', 0, '{"event":"firing","text":"92 %"}', ?)`, message, inbox, incident, h.db.Now())
	h.exec(`INSERT INTO deliveries (id, tenant_id, idem_key, incident_id, event_seq, step, channel_id, kind, severity, message_id, state, trace_id,
		created_at, expires_at) VALUES (?, 'default', 'k', ?, 1, 0, ?, 'firing', 'critical', ?, 'delivered', 't', ?, ?)`,
		delivery, incident, inbox, message, h.db.Now(), h.db.Now())
	h.exec(`INSERT INTO message_attempts (message_id, n, tenant_id, at, status, latency_us, verdict) VALUES (?, 1, 'default', ?, 200, 5, 'done')`, message, h.db.Now())
	for query, n := range map[string]int{
		"": 1, "?state=delivered,dead": 1, "?state=dead": 0, "?channel=inbox": 1, "?incident=" + incident.String(): 1,
		"?kind=firing": 1, "?kind=resolved": 0, "?run=" + id.New().String(): 0,
	} {
		if got := h.want(200, "GET", "/api/v1/deliveries"+query, ""); len(got["items"].([]any)) != n {
			t.Errorf("%s: %v, want %d", query, got["items"], n)
		}
	}
	problem(t, h.call(h.read, "GET", "/api/v1/deliveries?channel=nobody", ""), 404)
	one := h.want(200, "GET", "/api/v1/deliveries/"+delivery.String(), "")
	if one["channel"] != "inbox" || len(one["attempts"].([]any)) != 1 || one["body"].(map[string]any)["text"] != "92 %" {
		t.Errorf("delivery %v", one)
	}
	if got := h.want(200, "GET", "/api/v1/messages/"+message.String(), ""); got["title"] != "Disk full" {
		t.Errorf("message %v", got)
	}
	if got := h.want(200, "GET", "/api/v1/inbox/unread", ""); got["unread"] != 1.0 {
		t.Errorf("unread %v", got)
	}
	problem(t, h.call(h.respond, "POST", "/api/v1/inbox/read", `{}`), 422)
	for _, step := range []struct {
		body string
		want float64
	}{{`{"ids":["` + message.String() + `"]}`, 1}, {`{"up_to":"` + message.String() + `"}`, 0}} {
		if got := h.want(200, "POST", "/api/v1/inbox/read", step.body); got["marked"] != step.want {
			t.Errorf("%s: %v, want %v", step.body, got, step.want)
		}
	}
	for query, n := range map[string]int{"": 1, "?unread=true": 0, "?severity=critical&incident=" + incident.String(): 1} {
		if got := h.want(200, "GET", "/api/v1/inbox"+query, ""); len(got["items"].([]any)) != n {
			t.Errorf("inbox%s: %v, want %d", query, got["items"], n)
		}
	}
	problem(t, h.call(h.read, "GET", "/api/v1/messages/"+id.New().String(), ""), 404)
	problem(t, h.call(h.read, "GET", "/api/v1/deliveries/nonsense", ""), 404)
}

func TestChannelFallback(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	h.want(201, "POST", "/api/v1/channels", `{"name":"phone","driver":"hook","config":{"endpoint":"https://phone.example/in"}}`)
	made := h.want(201, "POST", "/api/v1/channels",
		`{"name":"ops","driver":"hook","config":{"endpoint":"https://ops.example/in"},"renotify":"90m","fallback":{"channel":"phone","after":600}}`)
	if diff := cmp.Diff(any(map[string]any{"channel": "phone", "after": "10m"}), made["fallback"]); diff != "" || made["renotify"] != "1h30m" {
		t.Errorf("made %v\n%s", made, diff)
	}
	changed := h.want(200, "PATCH", "/api/v1/channels/ops", `{"description":"x"}`)
	back := h.want(200, "PUT", "/api/v1/channels/ops", mustJSON(t, changed))
	for _, key := range []string{"fallback", "renotify"} {
		if diff := cmp.Diff(made[key], back[key]); diff != "" {
			t.Errorf("%s after sending back what was read:\n%s", key, diff)
		}
	}
	p := problem(t, h.call(h.edit, "DELETE", "/api/v1/channels/phone", ""), 409)
	if !strings.Contains(p.Detail, "ops") {
		t.Errorf("who falls back on it? %s", p.Detail)
	}
	for pointer, fields := range map[string]string{
		"/renotify":         `"renotify":"soon"`,
		"/fallback/channel": `"fallback":{"channel":"nobody"}`,
		"/fallback/after":   `"fallback":{"channel":"phone","after":"1s"}`,
	} {
		p := problem(t, h.call(h.edit, "PATCH", "/api/v1/channels/ops", `{`+fields+`}`), 422)
		if len(p.Errors) != 1 || p.Errors[0].Pointer != pointer {
			t.Errorf("%s: %+v, want one error at %s", fields, p.Errors, pointer)
		}
	}
	for _, fields := range []string{`"renotify":[]`, `"renotify":{}`, `"renotify":true`, `"fallback":7`, `"fallback":"phone"`, `"fallback":{"channel":7}`, `"fallback":{"channel":"phone","after":{}}`} {
		problem(t, h.call(h.edit, "PATCH", "/api/v1/channels/ops", `{`+fields+`}`), 422)
	}
	none := h.want(200, "PATCH", "/api/v1/channels/ops", `{"fallback":null,"renotify":0}`)
	if none["fallback"] != nil || none["renotify"] != "" {
		t.Errorf("without %v", none)
	}
}

func TestChannelTestAndDrivers(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	h.want(201, "POST", "/api/v1/channels", `{"name":"ops","driver":"hook","config":{"endpoint":"https://ops.example/in","token":"canary"}}`)
	ok := h.want(200, "POST", "/api/v1/channels/ops/test", "")
	if ok["ok"] != true || ok["verdict"] != "done" || ok["status"] != 200.0 || ok["response"] != "ok" || ok["advice"] != "" || ok["message_id"] != "m-1" || ok["delivery_id"] == nil {
		t.Errorf("test %v", ok)
	}
	bad := h.want(200, "POST", "/api/v1/channels/down/test", "")
	if advice, _ := bad["advice"].(string); bad["ok"] != false || bad["verdict"] != "permanent" || bad["error_class"] != "http_401" || !strings.Contains(advice, "credential") {
		t.Errorf("a test that fails %v", bad)
	}
	problem(t, h.call(h.edit, "POST", "/api/v1/channels/nobody/test", ""), 404)

	if got := h.want(200, "POST", "/api/v1/channels/ops/validate", ""); got["valid"] != true {
		t.Errorf("as stored %v", got)
	}
	p := problem(t, h.call(h.edit, "POST", "/api/v1/channels/ops/validate", `{"config":{"endpoint":"https://evil.example/in"}}`), 422)
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "/config/token" {
		t.Errorf("the stored secret for another host: %+v", p.Errors)
	}
	problem(t, h.call(h.edit, "POST", "/api/v1/channels/nobody/validate", ""), 404)

	list := h.want(200, "GET", "/api/v1/channel-drivers", "")["items"].([]any)
	one := h.want(200, "GET", "/api/v1/channel-drivers/hook/", "")
	if diff := cmp.Diff(list[0], any(one)); diff != "" || len(list) != 2 {
		t.Errorf("%d drivers\n%s", len(list), diff)
	}
	field := one["fields"].([]any)[0].(map[string]any)
	if field["key"] != "endpoint" || field["type"] != "url" || field["required"] != true || field["destination"] != true {
		t.Errorf("field %v", field)
	}
	p = problem(t, h.call(h.read, "GET", "/api/v1/channel-drivers/fax", ""), 404)
	if !strings.Contains(p.Detail, "hook, inbox") {
		t.Errorf("detail %q", p.Detail)
	}
}

func TestChannelThrottle(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	made := h.want(201, "POST", "/api/v1/channels", `{"name":"ops","driver":"hook","config":{"endpoint":"https://ops.example/in"},"throttle":{"messages":5,"per":600}}`)
	want := any(map[string]any{"messages": 5.0, "per": "10m"})
	if diff := cmp.Diff(want, made["throttle"]); diff != "" {
		t.Fatal(diff)
	}
	changed := h.want(200, "PATCH", "/api/v1/channels/ops", `{"description":"x"}`)
	back := h.want(200, "PUT", "/api/v1/channels/ops", mustJSON(t, changed))
	if diff := cmp.Diff([]any{want, want}, []any{changed["throttle"], back["throttle"]}); diff != "" {
		t.Errorf("after a change of something else, and sent back as it was read:\n%s", diff)
	}
	for pointer, value := range map[string]string{"/throttle/per": `{"messages":5}`, "/throttle/messages": `{"per":"10m"}`} {
		p := problem(t, h.call(h.edit, "PATCH", "/api/v1/channels/ops", `{"throttle":`+value+`}`), 422)
		if len(p.Errors) != 1 || p.Errors[0].Pointer != pointer {
			t.Errorf("%s: %+v, want one error at %s", value, p.Errors, pointer)
		}
	}
	for _, value := range []string{`7`, `"5/10m"`, `[]`, `{"messages":"5","per":"10m"}`, `{"messages":1.5,"per":"10m"}`, `{"messages":1001,"per":"10m"}`, `{"messages":5,"per":{}}`, `{"messages":5,"per":"2d"}`} {
		problem(t, h.call(h.edit, "PATCH", "/api/v1/channels/ops", `{"throttle":`+value+`}`), 422)
	}
	if none := h.want(200, "PATCH", "/api/v1/channels/ops", `{"throttle":null}`); none["throttle"] != nil {
		t.Errorf("taken away: %v", none["throttle"])
	}
	h.want(200, "PATCH", "/api/v1/channels/ops", `{"throttle":{"messages":1,"per":"1h"}}`)
	if none := h.want(200, "PUT", "/api/v1/channels/ops", `{"config":{"endpoint":"https://ops.example/in"}}`); none["throttle"] != nil {
		t.Errorf("replaced: %v", none["throttle"])
	}
}
