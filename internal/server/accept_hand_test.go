package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestNotifyEndpoints: messages that older tools send by hand reach whom the contract's order of selection says, and are on record.
func TestNotifyEndpoints(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		first, ops, off, own := servertest.NewReceiver(t), servertest.NewReceiver(t), servertest.NewReceiver(t), servertest.NewReceiver(t)
		for _, c := range []struct {
			name string
			to   *servertest.Receiver
			on   bool
		}{{"asleep", off, false}, {"a-first", first, true}, {"ops", ops, true}} {
			h.Tell(c.name, c.to, "is_active", c.on)
		}
		settings := servertest.Map{"endpoint": own.URL}
		for name, tt := range map[string]struct {
			path, driver string
			config       servertest.Map
			channel      string
			to           *servertest.Receiver
			status       int
			says         servertest.Map // driver and channel of the answer
		}{
			"an active channel":            {"/notify/send/ops/", "", settings, "", ops, 200, servertest.Map{"driver": "generic", "channel": "ops"}},
			"the path wins":                {"/notify/send/ops", "generic", settings, "", ops, 200, servertest.Map{"driver": "generic", "channel": "ops"}},
			"by the body":                  {"/notify/send/", "ops", nil, "", ops, 200, servertest.Map{"driver": "generic", "channel": "ops"}},
			"nobody: the first by name":    {"/notify/send/", "", settings, "", first, 200, servertest.Map{"driver": "generic", "channel": "a-first"}},
			"a driver and its settings":    {"/notify/send/generic/", "", settings, "", own, 200, servertest.Map{"driver": "generic", "channel": "generic"}},
			"an inactive one is no driver": {"/notify/send/asleep/", "", settings, "", nil, 400, nil},
			"nobody of that name":          {"/notify/send/", "fax", settings, "", nil, 400, nil},
			"a driver without settings":    {"/notify/send/email", "", nil, "", nil, 400, nil},
			"a driver's own destination":   {"/notify/send/generic", "", servertest.Map{"endpoint": own.URL, "channel": "#net"}, "", own, 200, nil},
			"the request's destination":    {"/notify/send/generic", "", servertest.Map{"endpoint": own.URL, "channel": "#net"}, "#db", own, 200, nil},
		} {
			before := map[*servertest.Receiver]int{}
			for _, r := range []*servertest.Receiver{first, ops, off, own} {
				before[r] = len(r.All())
			}
			body := servertest.Map{"title": name, "message": "two\nlines", "severity": "warning", "driver": tt.driver, "channel": tt.channel, "tags": servertest.Map{"team": "db"}}
			if tt.config != nil {
				body["config"] = tt.config
			}
			got := h.Want(tt.status, http.MethodPost, tt.path, body)
			for r, n := range before {
				want := n
				if r == tt.to {
					want++
				}
				if len(r.All()) != want {
					t.Errorf("%s: a receiver had %d more calls", name, len(r.All())-n)
				}
			}
			if tt.status != 200 {
				if message, _ := got["message"].(string); got["status"] != "error" || message == "" {
					t.Errorf("%s: %v", name, got)
				}
				continue
			}
			m := tt.to.Last()
			if m.Title != name || m.Text != "two\nlines" || m.Severity != "warning" || m.Event != "sent" || m.Tags["team"] != "db" || m.Key == "" {
				t.Errorf("%s: arrived %+v", name, m)
			}
			if c := map[string]string{"a driver's own destination": "#net", "the request's destination": "#db"}[name]; c != "" && m.Channel != c {
				t.Errorf("%s: to %q, want %q", name, m.Channel, c)
			}
			for k, v := range tt.says {
				if got[k] != v {
					t.Errorf("%s: %s %v, want %v", name, k, got[k], v)
				}
			}
			if got["status"] != "success" || got["message_id"] == "" {
				t.Errorf("%s: %v", name, got)
			}
		}
		// What failed is on record, once, and is not tried again.
		ops.Says(503)
		calls := len(ops.All())
		failed := h.Want(502, http.MethodPost, "/notify/send/ops", servertest.Map{"title": "down", "message": "x"})
		if failed["status"] != "error" || !strings.HasPrefix(fmt.Sprint(failed["message"]), "Webhook API error (503): ") || len(ops.All()) != calls+1 {
			t.Errorf("%v after %d calls", failed, len(ops.All())-calls)
		}
		ops.Says(200)
		sent := h.Over("ops")
		dead := 0
		for _, d := range sent {
			if d.State == "dead" {
				dead++
			}
		}
		if len(sent) != 4 || dead != 1 || len(ops.All()) != calls+1 {
			t.Errorf("%d deliveries, %d dead, %d calls more", len(sent), dead, len(ops.All())-calls)
		}
		batch := h.Want(200, http.MethodPost, "/notify/batch/", servertest.Map{"notifications": []any{
			servertest.Map{"title": "one", "message": "x", "driver": "ops"},
			servertest.Map{"title": "two", "message": "x", "driver": "fax"},
			servertest.Map{"title": "three", "message": "x", "config": settings},
			servertest.Map{"title": "four", "driver": "ops"},
		}})
		if batch["status"] != "partial" || batch["success_count"] != 2.0 || batch["error_count"] != 2.0 || ops.Last().Title != "one" || own.Last().Title != "three" {
			t.Errorf("batch %v", batch)
		}
	})
}

// TestNotifyDrivers: every driver of the hub says what it needs, in both shapes.
func TestNotifyDrivers(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	list := h.Want(200, http.MethodGet, "/notify/drivers/", nil)
	names := map[string]bool{}
	for _, d := range list["drivers"].([]any) {
		one := d.(map[string]any)
		name := one["name"].(string)
		names[name] = true
		if one["description"] == "" || one["required_config"] == nil || one["optional_config"] == nil {
			t.Errorf("%v", one)
		}
		if diff := cmp.Diff(d, h.Want(200, http.MethodGet, "/notify/drivers/"+name+"/", nil)["driver"]); diff != "" {
			t.Errorf("%s alone:\n%s", name, diff)
		}
		typed := h.Want(200, http.MethodGet, "/api/v1/channel-drivers/"+name, nil)
		if diff := cmp.Diff(one["required_config"], typed["required_config"]); diff != "" {
			t.Errorf("%s typed:\n%s", name, diff)
		}
		if got := h.Want(200, http.MethodGet, "/notify/send/"+name, nil); got["status"] != "ok" {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, want := range []string{"generic", "email", "slack", "pagerduty"} {
		if !names[want] {
			t.Errorf("no driver %s", want)
		}
	}
	if got := h.Want(404, http.MethodGet, "/notify/drivers/fax", nil); got["status"] != "error" || len(got["available_drivers"].([]any)) != len(names) {
		t.Errorf("an unknown one: %v", got)
	}
}

// TestChannelTestAndPreview: a test tells once whatever the channel's state, and a preview tells nobody.
func TestChannelTestAndPreview(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r, "is_active", false, "renotify", "30m", "min_severity", "critical")
		got := h.Want(200, http.MethodPost, "/api/v1/channels/ops/test", nil)
		if got["ok"] != true || got["verdict"] != "done" || got["status"] != 200.0 || len(r.All()) != 1 || r.Last().Event != "test" {
			t.Errorf("test %v, %d calls", got, len(r.All()))
		}
		r.Says(404)
		got = h.Want(200, http.MethodPost, "/api/v1/channels/ops/test", nil)
		if advice, _ := got["advice"].(string); got["ok"] != false || got["verdict"] != "permanent" || advice == "" {
			t.Errorf("a test that fails %v", got)
		}
		var shown struct{ Items []json.RawMessage }
		raw, err := json.Marshal(h.Want(200, http.MethodPost, "/api/v1/notifications/preview", servertest.Map{"event": "resolved"}))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &shown); err != nil || len(shown.Items) != 2 || !strings.Contains(string(raw), "resolved") {
			t.Errorf("preview %s", raw)
		}
		h.Want(200, http.MethodPost, "/api/v1/channels/ops/validate", nil)
		h.Want(422, http.MethodPost, "/api/v1/channels/ops/validate", servertest.Map{"config": servertest.Map{"endpoint": r.URL, "method": "FETCH"}})
		if n := len(r.All()); n != 2 {
			t.Errorf("%d calls, want the two of the tests", n)
		}
	})
}
