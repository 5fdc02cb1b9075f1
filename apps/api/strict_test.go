package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestUnknownKeysAreRefused checks that nothing that somebody meant is passed over in silence.
func TestUnknownKeysAreRefused(t *testing.T) { //nolint:tparallel // one hub
	t.Parallel()
	h := onSQLite(t)
	incident := h.incident("x").String()
	channel := `"name":"ops","driver":"hook","config":{"endpoint":"https://a.example"}`
	for name, c := range map[string]struct {
		method, path, body string
		want               []string // pointer, suggestion
	}{
		"channel":             {"POST", "/api/v1/channels", `{` + channel + `,"minseverity":"critical"}`, []string{"/minseverity", `did you mean "min_severity"?`}},
		"channel, below":      {"POST", "/api/v1/channels", `{` + channel + `,"fallback":{"channel":"inbox","aftr":"1h"}}`, []string{"/fallback/aftr", `did you mean "after"?`}},
		"channel, throttle":   {"POST", "/api/v1/channels", `{` + channel + `,"throttle":{"message":1,"per":"1h"}}`, []string{"/throttle/message", `did you mean "messages"?`}},
		"channel, replaced":   {"PUT", "/api/v1/channels/inbox", `{"nonsense":1}`, []string{"/nonsense", ""}},
		"channel, changed":    {"PATCH", "/api/v1/channels/inbox", `{"activ":false,"desc":"x"}`, []string{"/activ", "", "/desc", `did you mean "description"?`}},
		"channel, validated":  {"POST", "/api/v1/channels/validate", `{"driver":"hook","conf":{}}`, []string{"/conf", `did you mean "config"?`}},
		"source":              {"POST", "/api/v1/sources", `{"name":"a","Group-By":[]}`, []string{"/Group-By", `did you mean "group_by"?`}},
		"definition":          {"POST", "/api/v1/definitions", `{"name":"a","active":true}`, []string{"/active", ""}},
		"provider":            {"POST", "/api/v1/providers", `{"name":"a","provider":"x","models":"y"}`, []string{"/models", ""}},
		"key":                 {"POST", "/api/v1/keys", `{"name":"a","scopes":["read"],"expires":"2030-01-01T00:00:00Z"}`, []string{"/expires", `did you mean "expires_at"?`}},
		"silence":             {"POST", "/api/v1/silences", `{"matchers":["a=b"],"duration":"1h","nonsense":1}`, []string{"/nonsense", ""}},
		"silence, below":      {"POST", "/api/v1/silences", `{"matchers":["a=b"],"recurrence":{"rule":"FREQ=DAILY","duration":"1h"}}`, []string{"/recurrence/rule", `did you mean "rrule"?`}},
		"silence, previewed":  {"POST", "/api/v1/silences/preview", `{"matchers":["a=b"],"items":[]}`, []string{"/items", ""}},
		"preview of messages": {"POST", "/api/v1/notifications/preview", `{"incident":"nope"}`, []string{"/incident", `did you mean "incident_id"?`}},
		"change":              {"POST", "/api/v1/changes", `{"title":"a","when":"now"}`, []string{"/when", ""}},
		"note":                {"POST", "/api/v1/incidents/" + incident + "/notes", `{"text":"a","author":"eve"}`, []string{"/author", ""}},
		"no body wanted":      {"POST", "/api/v1/incidents/" + incident + "/acknowledge", `{"by":"eve"}`, []string{"", ""}},
		"two, one of a type":  {"POST", "/api/v1/channels", `{` + channel + `,"is_active":"yes","a.b/c":1}`, []string{"/is_active", "", "/a.b~1c", ""}},
		"a key without end":   {"POST", "/api/v1/channels", `{` + channel + `,"` + strings.Repeat("k", 1000) + `":1}`, []string{"", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem(t, h.call(h.admin, c.method, c.path, c.body), 422)
			var got []string
			for _, e := range p.Errors {
				got = append(got, e.Pointer, e.Suggestion)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%+v: %s", p.Errors, diff)
			}
		})
	}
	if list := h.want(200, "GET", "/api/v1/channels", "")["items"].([]any); len(list) != 1 {
		t.Errorf("channels %v", list)
	}
	if len(h.acts.calls) != 0 {
		t.Errorf("done: %v", h.acts.calls)
	}
}

// TestWhatWasReadIsTakenBack changes nothing by sending back what was read.
func TestWhatWasReadIsTakenBack(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for path, body := range map[string]string{
		"/api/v1/channels": `{"name":"ops","driver":"hook","config":{"endpoint":"https://a.example","token":"abc"},"renotify":"1h","min_severity":"warning",
			"fallback":{"channel":"inbox","after":"10m"},"throttle":{"messages":3,"per":"1h"}}`,
		"/api/v1/sources":     `{"name":"a","driver":"grafana","group_by":["env"]}`,
		"/api/v1/silences":    `{"matchers":["a=b"],"ends_at":"` + h.db.Now().AddDate(1, 0, 0).Format(time.RFC3339) + `","recurrence":{"rrule":"FREQ=DAILY","duration":"1h","timezone":"UTC"}}`,
		"/api/v1/definitions": `{"name":"d","config":{"version":"1.0","nodes":[{"id":"in","type":"ingest"}]},"tags":["x"]}`,
		"/api/v1/providers":   `{"name":"p","provider":"oracle","config":{}}`,
	} {
		made := h.want(201, "POST", path, body)
		delete(made, "key") // of a source: shown once
		one := path + "/" + made["id"].(string)
		for _, method := range []string{"PATCH", "PUT"} {
			was := h.want(200, "GET", one, "")
			raw, err := json.Marshal(was)
			if err != nil {
				t.Fatal(err)
			}
			h.want(200, method, one, string(raw))
			now := h.want(200, "GET", one, "")
			for _, moves := range []string{"version", "updated_at"} {
				delete(was, moves)
				delete(now, moves)
			}
			if diff := cmp.Diff(was, now); diff != "" {
				t.Errorf("%s %s: %s", method, one, diff)
			}
		}
	}
}

func TestBodiesOfAWrongShape(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for body, want := range map[string][]string{
		`[]`:                       {": must be a JSON object: {…}"},
		`null`:                     {": must be a JSON object: {…}"},
		`{"matchers":{"a":"b"}}`:   {`/matchers: expected array, such as ["instance=~\"web-.*\""]`},
		`{"matchers":[{"a":"b"}]}`: {`/matchers/0: expected string, such as ["instance=~\"web-.*\""]`},
	} {
		var got []string
		for _, e := range problem(t, h.call(h.respond, "POST", "/api/v1/silences", body), 422).Errors {
			got = append(got, e.Pointer+": "+e.Message)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	for method, path := range map[string]string{"POST": "/api/v1/channels", "PATCH": "/api/v1/channels/inbox"} {
		p := problem(t, h.call(h.edit, method, path, `{"name":5,"driver":"hook","config":{"endpont":"x"}}`), 422)
		var got []string
		for _, e := range p.Errors {
			got = append(got, e.Pointer)
		}
		if len(got) < 2 || got[0] != "/name" || !strings.HasPrefix(got[1], "/config/") {
			t.Errorf("%s: %+v", method, p.Errors)
		}
	}
	if p := problem(t, h.call(h.read, "GET", "/api/v1/deliveries/nonsense", ""), 404); p.Detail != `delivery "nonsense": not found` {
		t.Errorf("not found: %s", p.Detail)
	}
}
