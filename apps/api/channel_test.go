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

func (silent) Render(channel.Notice) ([]byte, error) { return []byte("{}"), nil }

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
