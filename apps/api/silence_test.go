package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSilences(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	made := decode(t, h.call(h.respond, "POST", "/api/v1/silences", `{"matchers":["instance=~\"a|b\""],"duration":"2h","comment":"disks","created_by":"eve"}`))
	id, _ := made["id"].(string)
	if made["status"] != "active" || made["created_by"] != "respond" || made["ends_at"] == nil || made["active_until"] != made["ends_at"] || made["next_at"] != nil ||
		made["unused_for"] != "" || made["recurrence"] != nil || made["kind"] != "silence" || made["holding"] != 0.0 || made["tenant_id"] != nil {
		t.Errorf("made %v", made)
	}
	for body, want := range map[string][]string{
		`{}`:                   {"/matchers", "/ends_at"},
		`{"matchers":["a=b"]}`: {"/ends_at"},
		`{"matchers":["a=b","c"],"duration":"soon"}`:                      {"/matchers/1", "/duration"},
		`{"matchers":["a=\"\""],"until_resolved":true}`:                   {"/matchers"},
		`{"matchers":["a=b"],"recurrence":{"rrule":"x","duration":"1h"}}`: {"/recurrence/rrule"},
		`{"matchers":["a=b"],"duration":60,"incident_id":"x"}`:            {"/incident_id"},
		`{"incident_id":"x","duration":60}`:                               {"/incident_id"},
	} {
		var got []string
		for _, e := range problem(t, h.call(h.respond, "POST", "/api/v1/silences", body), 422).Errors {
			got = append(got, e.Pointer)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	changed := h.want(200, "PATCH", "/api/v1/silences/"+id, `{"duration":90,"version":1}`)
	if changed["version"] != 2.0 || changed["comment"] != "disks" || changed["ends_at"] == made["ends_at"] {
		t.Errorf("changed %v", changed)
	}
	problem(t, h.call(h.respond, "PATCH", "/api/v1/silences/"+id, `{"comment":"x","version":1}`), 409)
	replaced := h.want(200, "PUT", "/api/v1/silences/"+id, `{"matchers":["job=x"],"unused_for":"3d","until_resolved":true}`)
	if replaced["comment"] != "" || replaced["ends_at"] != nil || replaced["unused_for"] != "3d" || replaced["starts_at"] != made["starts_at"] {
		t.Errorf("replaced %v", replaced)
	}
	if p := h.want(200, "POST", "/api/v1/silences/preview", `{"silence":"`+id+`","matchers":["job=y"]}`); p["before"] == nil || p["now"].(map[string]any)["alerts"] != 0.0 {
		t.Errorf("preview %v", p)
	}
	if p := decode(t, h.call(h.read, "POST", "/api/v1/silences/preview", `{"matchers":["job=y"],"recurrence":{"rrule":"FREQ=DAILY","duration":"1h","timezone":"Europe/Berlin"}}`)); len(p["windows"].([]any)) != 5 || p["before"] != nil {
		t.Errorf("preview %v", p)
	}
	if w := h.call(h.respond, "DELETE", "/api/v1/silences/"+id, ""); w.Code != 204 {
		t.Errorf("delete: %d", w.Code)
	}
	problem(t, h.call(h.respond, "PATCH", "/api/v1/silences/"+id, `{"comment":"x"}`), 409)
	problem(t, h.call(h.respond, "DELETE", "/api/v1/silences/nonsense", ""), 404)
	for query, want := range map[string]int{"": 1, "?status=active,pending": 0, "?status=expired&q=JOB": 1, "?kind=maintenance": 0} {
		if list := h.want(200, "GET", "/api/v1/silences"+query, "")["items"].([]any); len(list) != want {
			t.Errorf("%s: %v", query, list)
		}
	}
	problem(t, h.call(h.read, "GET", "/api/v1/silences?status=x", ""), 422)
	if one := h.want(200, "GET", "/api/v1/silences/"+id, ""); one["status"] != "expired" || one["expired_by"] != "respond" {
		t.Errorf("ended: %v", one)
	}
}

// TestClearSilences: null takes a field away.
func TestClearSilences(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	const path = "/api/v1/silences"
	made := decode(t, h.call(h.respond, "POST", path, `{"matchers":["a=b"],"comment":"x","starts_at":null,"ends_at":null,"until_resolved":null,"unused_for":null,
		"duration":null,"recurrence":{"rrule":"FREQ=DAILY","duration":"1h","timezone":"Europe/Berlin"}}`))
	one := path + "/" + made["id"].(string)
	if made["recurrence"] == nil || made["ends_at"] != nil {
		t.Fatalf("made %v", made)
	}
	step := func(body string, want map[string]any) {
		t.Helper()
		got := h.want(200, "PATCH", one, body)
		for name, v := range want {
			if v == true && got[name] != nil && got[name] != false || got[name] == v {
				continue
			}
			t.Errorf("%s: %s is %v, want %v", body, name, got[name], v)
		}
	}
	end := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	step(`{"ends_at":"`+end+`"}`, map[string]any{"recurrence": true, "ends_at": true})
	step(`{"ends_at":null}`, map[string]any{"recurrence": true, "ends_at": nil, "comment": "x"})
	for body, want := range map[string]string{
		`{"recurrence":null}`: "/ends_at", `{"recurrence":{}}`: "/recurrence/duration", `{"matchers":null}`: "/matchers", `{"recurrence":7}`: "/recurrence",
		`{"ends_at":"tomorrow"}`: "/ends_at", `{"kind":7}`: "/kind",
	} {
		if got := problem(t, h.call(h.respond, "PATCH", one, body), 422).Errors[0].Pointer; got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	step(`{"recurrence":null,"duration":"2h","comment":null}`, map[string]any{"recurrence": nil, "ends_at": true, "comment": ""})
	step(`{"ends_at":null,"until_resolved":true,"unused_for":"1h","kind":null}`, map[string]any{"ends_at": nil, "until_resolved": true, "unused_for": "1h", "kind": "silence"})
	step(`{"unused_for":null}`, map[string]any{"unused_for": "", "until_resolved": true})
	step(`{"until_resolved":null,"starts_at":"`+end+`","duration":60}`, map[string]any{"until_resolved": false, "status": "pending", "ends_at": true})
	step(`{"starts_at":null}`, map[string]any{"status": "active", "next_at": nil})
}

func TestSilenceOfIncident(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	i := h.incident("Disk")
	problem(t, h.call(h.respond, "POST", "/api/v1/silences", `{"incident_id":"`+i.String()+`","until_resolved":true}`), 422) // nothing of it fires
	if got := problem(t, h.call(h.respond, "POST", "/api/v1/silences", `{"incident_id":"`+strings.Repeat("0", 8)+`-0000-7000-8000-000000000000","until_resolved":true}`), 404); got.Status != 404 {
		t.Errorf("%+v", got)
	}
}
