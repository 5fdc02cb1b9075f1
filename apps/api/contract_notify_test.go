package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// hand notes what it is asked to tell. Titles and names say what becomes of it.
type hand struct {
	mu   sync.Mutex
	sent []notify.SendInput
}

var delivery = id.New()

func (h *hand) Test(_ context.Context, t, ref string) (notify.SendResult, error) {
	switch {
	case t != tenant || ref == "nobody":
		return notify.SendResult{}, fmt.Errorf("channel: %w", storage.ErrNotFound)
	case ref == "down":
		return notify.SendResult{
			Driver: "hook", Channel: "down", Error: "receiver answered 401 Unauthorized", DeliveryID: delivery,
			Result: channel.Result{Verdict: channel.Permanent, Status: 401, Response: "no", Error: "receiver answered 401 Unauthorized", Class: "http_401"},
		}, nil
	}
	return notify.SendResult{Success: true, Driver: "hook", Channel: ref, MessageID: "m-1", DeliveryID: delivery, Result: channel.Result{Verdict: channel.Done, Status: 200, Response: "ok"}}, nil
}

// Previews implements api.Previews: it shows what it was asked.
func (h *hand) Previews(_ context.Context, _ string, in notify.PreviewInput) ([]notify.Preview, error) {
	if in.Event == "sometimes" {
		return nil, &notify.Invalid{Problems: []notify.Problem{{Field: "event", Message: "must be firing"}}}
	}
	raw, err := json.Marshal(in)
	return []notify.Preview{
		{ChannelID: delivery, Channel: "ops", Driver: "hook", Active: true, Title: "t", Parts: 1, Bytes: 2, Missing: []string{"x"}, Remark: "r", Shown: []channel.Shown{{Name: "json", Media: "application/json", Text: string(raw)}}},
		{Driver: "hook", Error: "of no use"},
	}, err
}

func (h *hand) Send(_ context.Context, t string, in notify.SendInput) (notify.SendResult, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, in)
	r := notify.SendResult{Driver: "hook", Channel: in.Target, MessageID: "m-" + in.Title, DeliveryID: delivery, Result: channel.Result{Status: 200, Response: "ok"}}
	switch {
	case t != tenant:
		return r, storage.ErrNotFound
	case in.Title == "panic":
		panic("no")
	case in.Title == "bad config":
		return notify.SendResult{}, &notify.Invalid{Problems: []notify.Problem{{Field: "config.endpoint", Message: "is required"}}}
	case in.Title == "fails":
		r.Result, r.Error = channel.Result{Verdict: channel.Retry, Status: 503, Response: "later", Class: "http_503"}, "receiver answered 503 Service Unavailable"
		return r, nil
	case in.Title == "nobody there":
		r.Driver, r.Result, r.Error = "pagerduty", channel.Result{Verdict: channel.Retry, Class: fault.ClassRefused}, "connection refused"
		return r, nil
	case in.Title == "disabled":
		r.Result, r.Off, r.Error = channel.Result{Verdict: channel.Dropped, Class: "disabled"}, "its settings say disabled", "nothing is sent: its settings say disabled"
		return r, nil
	}
	r.Success = true
	return r, nil
}

// answered compares status and body.
func answered(t *testing.T, what string, w *httptest.ResponseRecorder, status int, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(want), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil {
		t.Fatalf("%s: %d %s", what, w.Code, w.Body)
	}
	if diff := cmp.Diff(a, b); diff != "" || w.Code != status {
		t.Errorf("%s: %d, want %d (-want +got):\n%s", what, w.Code, status, diff)
	}
}

func TestContractSend(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	h.want(201, "POST", "/api/v1/channels", `{"name":"ops","driver":"hook","config":{"endpoint":"https://ops.example/in"}}`)
	h.want(201, "POST", "/api/v1/channels", `{"name":"off","driver":"hook","config":{"endpoint":"https://ops.example/in"},"is_active":false}`)
	meta := `"metadata":{"status_code":200,"response":"ok","delivery_id":"` + delivery.String() + `"}`
	for name, tt := range map[string]struct {
		path, body string
		status     int
		want       string
	}{
		"a channel":              {"/notify/send/ops/", `{"title":"a","message":"b"}`, 200, `{"status":"success","driver":"hook","channel":"ops","message_id":"m-a",` + meta + `}`},
		"without the slash":      {"/notify/send/ops", `{"title":"a","message":"b"}`, 200, `{"status":"success","driver":"hook","channel":"ops","message_id":"m-a",` + meta + `}`},
		"a driver":               {"/notify/send/hook/", `{"title":"a","message":"b","driver":"nobody"}`, 200, `{"status":"success","driver":"hook","channel":"hook","message_id":"m-a",` + meta + `}`},
		"by the body":            {"/notify/send/", `{"title":"a","message":"b","driver":"ops"}`, 200, `{"status":"success","driver":"hook","channel":"ops","message_id":"m-a",` + meta + `}`},
		"by nothing":             {"/notify/send", `{"title":"a","message":"b"}`, 200, `{"status":"success","driver":"hook","channel":"","message_id":"m-a",` + meta + `}`},
		"switched off":           {"/notify/send/", `{"title":"disabled","message":"b"}`, 200, `{"status":"success","driver":"hook","channel":"","message_id":"m-disabled","metadata":{"disabled":true,"detail":"nothing is sent: its settings say disabled","delivery_id":"` + delivery.String() + `"}}`},
		"not connected":          {"/notify/send/ops/", `{"title":"nobody there","message":"b"}`, 502, `{"status":"error","message":"Failed to connect to PagerDuty: connection refused","driver":"pagerduty","channel":"ops","metadata":{"error_class":"refused","delivery_id":"` + delivery.String() + `"}}`},
		"not delivered":          {"/notify/send/ops/", `{"title":"fails","message":"b"}`, 502, `{"status":"error","message":"Hook API error (503): later","driver":"hook","channel":"ops","metadata":{"status_code":503,"response":"later","error_class":"http_503","delivery_id":"` + delivery.String() + `"}}`},
		"no message":             {"/notify/send/", `{"title":"a"}`, 400, `{"status":"error","message":"Missing required fields: message"}`},
		"nothing":                {"/notify/send/", `{}`, 400, `{"status":"error","message":"Missing required fields: title, message"}`},
		"no JSON":                {"/notify/send/", `{`, 400, `{"status":"error","message":"Invalid JSON payload"}`},
		"an array":               {"/notify/send/", `[]`, 400, `{"status":"error","message":"Invalid JSON payload: an object is wanted, such as {\"title\": \"…\", \"message\": \"…\"}"}`},
		"null":                   {"/notify/send/", `null`, 400, `{"status":"error","message":"Invalid JSON payload: an object is wanted, such as {\"title\": \"…\", \"message\": \"…\"}"}`},
		"a number":               {"/notify/send/", `{"title":1,"message":"b"}`, 400, `{"status":"error","message":"title must not be a JSON number"}`},
		"bad settings":           {"/notify/send/hook", `{"title":"bad config","message":"b","config":{}}`, 400, `{"status":"error","message":"invalid: config.endpoint: is required"}`},
		"unknown driver":         {"/notify/send/fax/", `{"title":"a","message":"b"}`, 400, `{"status":"error","message":"Unknown driver: fax","available_drivers":["hook","inbox"]}`},
		"a channel that is off":  {"/notify/send/off/", `{"title":"a","message":"b"}`, 400, `{"status":"error","message":"The channel off is inactive: activate it, or name another one","available_drivers":["hook","inbox"]}`},
		"unknown by the body":    {"/notify/send/", `{"title":"a","message":"b","driver":"fax"}`, 400, `{"status":"error","message":"Unknown driver: fax","available_drivers":["hook","inbox"]}`},
		"a title without an end": {"/notify/send/", `{"title":"` + strings.Repeat("x", 1001) + `","message":"b"}`, 400, `{"status":"error","message":"title must have at most 1000 characters"}`},
		"too large":              {"/notify/send/", `{"title":"` + strings.Repeat("x", 1<<20) + `","message":"b"}`, 413, `{"status":"error","message":"The body has more than 1048576 bytes."}`},
	} {
		answered(t, name, h.call(h.edit, "POST", tt.path, tt.body), tt.status, tt.want)
	}
	h.hand.sent = nil
	h.call(h.admin, "POST", "/notify/send/hook", `{"title":"a","message":"b","severity":"success","driver":"ops","channel":"#c","tags":{"n":1,"s":"t"},"context":{"x":{"y":2}},"config":{"endpoint":"https://x.example"}}`)
	want := []notify.SendInput{{
		Title: "a", Message: "b", Severity: "success", Driver: "ops", Channel: "#c", Tags: map[string]string{"n": "1", "s": "t"},
		Context: map[string]any{"x": map[string]any{"y": 2.0}}, Config: json.RawMessage(`{"endpoint":"https://x.example"}`), Target: "hook",
	}}
	if diff := cmp.Diff(want, h.hand.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestContractBatch(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	h.want(201, "POST", "/api/v1/channels", `{"name":"ops","driver":"hook","config":{"endpoint":"https://ops.example/in"}}`)
	for name, tt := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"all": {`{"notifications":[{"title":"a","message":"b","driver":"ops"},{"title":"c","message":"d","driver":"hook"}]}`, 200, `{"status":"success","total":2,"success_count":2,"error_count":0,
			"results":[{"index":0,"success":true,"driver":"hook","channel":"ops","message_id":"m-a"},{"index":1,"success":true,"driver":"hook","channel":"hook","message_id":"m-c"}]}`},
		"some": {
			`{"notifications":[{"title":"a"},7,{"title":"fails","message":"b","driver":"ops"},{"title":"a","message":"b","driver":"fax"},{"title":"bad config","message":"b","driver":"hook"},{"title":"panic","message":"b","driver":"hook"},{"title":"z","message":"b","driver":"hook"}]}`, 200,
			`{"status":"partial","total":7,"success_count":1,"error_count":6,"results":[
			{"index":0,"success":false,"driver":"generic","error":"Missing required fields: message"},
			{"index":1,"success":false,"driver":"generic","error":"Invalid JSON payload: an object is wanted, such as {\"title\": \"…\", \"message\": \"…\"}"},
			{"index":2,"success":false,"driver":"hook","channel":"ops","error":"Hook API error (503): later"},
			{"index":3,"success":false,"driver":"fax","error":"Unknown driver: fax"},
			{"index":4,"success":false,"driver":"hook","error":"config.endpoint: is required"},
			{"index":5,"success":false,"driver":"hook","error":"Something went wrong inside the hub. Its log has the cause under this trace_id."},
			{"index":6,"success":true,"driver":"hook","channel":"hook","message_id":"m-z"}]}`,
		},
		"none": {`{"notifications":[{"title":"a","message":"b"}]}`, 200, `{"status":"error","total":1,"success_count":0,"error_count":1,
			"results":[{"index":0,"success":false,"driver":"generic","error":"Unknown driver: generic"}]}`}, // this hub has no driver of that name
		"empty":    {`{"notifications":[]}`, 400, `{"status":"error","message":"No notifications provided: notifications must be a list of messages"}`},
		"nothing":  {`{}`, 400, `{"status":"error","message":"No notifications provided: notifications must be a list of messages"}`},
		"no list":  {`{"notifications":{}}`, 400, `{"status":"error","message":"notifications must be a list of messages"}`},
		"array":    {`[]`, 400, `{"status":"error","message":"Invalid JSON payload: an object is wanted, such as {\"notifications\": […]}"}`},
		"no JSON":  {`x`, 400, `{"status":"error","message":"Invalid JSON payload"}`},
		"too many": {`{"notifications":[` + strings.Repeat("1,", 50) + `1]}`, 400, `{"status":"error","message":"A call takes at most 50 notifications; send the others in another one."}`},
	} {
		for _, path := range []string{"/notify/batch/", "/notify/batch"} {
			answered(t, name, h.call(h.edit, "POST", path, tt.body), tt.status, tt.want)
		}
	}
}

func TestContractDrivers(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	h.want(201, "POST", "/api/v1/channels", `{"name":"ops","driver":"hook","config":{"endpoint":"https://ops.example/in"}}`)
	hook := `{"name":"hook","description":"","required_config":["endpoint"],"optional_config":["token"]}`
	for path, tt := range map[string]struct {
		status int
		want   string
	}{
		"/notify/drivers/":      {200, `{"status":"ok","drivers":[` + hook + `,{"name":"inbox","description":"","required_config":[],"optional_config":[]}]}`},
		"/notify/drivers/hook/": {200, `{"status":"ok","driver":` + hook + `}`},
		"/notify/drivers/fax":   {404, `{"status":"error","message":"Unknown driver: fax","available_drivers":["hook","inbox"]}`},
		"/notify/send/":         {200, `{"status":"ok","message":"Ready to send: POST a message here","driver":"auto"}`},
		"/notify/send/hook/":    {200, `{"status":"ok","message":"Ready to send by hook: POST a message here","driver":"hook"}`},
		"/notify/send/ops":      {200, `{"status":"ok","message":"Ready to send by ops: POST a message here","driver":"ops"}`},
		"/notify/send/fax/":     {404, `{"status":"error","message":"Unknown driver: fax","available_drivers":["hook","inbox"]}`},
	} {
		answered(t, path, h.call(h.read, "GET", path, ""), tt.status, tt.want)
	}
}

// TestContractSendRate: a key may call so often in a minute; others are not hindered.
func TestContractSendRate(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	var codes []int
	for range 61 { // in two minutes at most
		codes = append(codes, h.call(h.edit, "POST", "/notify/send/hook", `{"title":"a","message":"b"}`).Code)
	}
	n := slices.Index(codes, 429)
	if n < 30 {
		t.Fatalf("refused after %d calls: %v", n, codes)
	}
	w := h.call(h.edit, "POST", "/notify/batch", `{"notifications":[{"title":"a","message":"b"}]}`)
	if w.Code == 429 && (w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"status":"error"`)) {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	if w := h.call(h.admin, "POST", "/notify/send/hook", `{"title":"a","message":"b"}`); w.Code != 200 {
		t.Errorf("another key: %d %s", w.Code, w.Body)
	}
}

func TestPreviews(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	got := decode(t, h.call(h.read, "POST", "/api/v1/notifications/preview", `{"incident_id":"i","payload":{"a":1},"payload_driver":"grafana","event":"firing","channel":"ops"}`))
	first, second := got["items"].([]any)[0].(map[string]any), got["items"].([]any)[1].(map[string]any)
	text := first["shown"].([]any)[0].(map[string]any)["text"].(string)
	for _, want := range []string{`"IncidentID":"i"`, `"Payload":{"a":1}`, `"PayloadOf":"grafana"`, `"Event":"firing"`, `"Channel":"ops"`} {
		if !strings.Contains(text, want) {
			t.Errorf("asked %s, want %s", text, want)
		}
	}
	if first["channel_id"] != delivery.String() || first["remark"] != "r" || first["missing"].([]any)[0] != "x" || second["channel_id"] != nil || second["error"] != "of no use" {
		t.Errorf("%v", got)
	}
	if p := problem(t, h.call(h.read, "POST", "/api/v1/notifications/preview", `{"event":"sometimes"}`), 422); p.Errors[0].Pointer != "/event" {
		t.Errorf("%+v", p.Errors)
	}
	problem(t, h.call(h.read, "POST", "/api/v1/notifications/preview", `{"driver":"hook","config":{}}`), 403)
	if w := h.call(h.edit, "POST", "/api/v1/notifications/preview", `{"driver":"hook","config":{}}`); w.Code != 200 {
		t.Errorf("with settings: %d %s", w.Code, w.Body)
	}
}
