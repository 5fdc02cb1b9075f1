package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// onEach runs a test on a hub with each engine.
func onEach(t *testing.T, fn func(t *testing.T, h *hub)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, onSQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, onPostgres(t))
	})
}

// second and third are what good becomes.
const (
	second = `{"version":"1.0","trigger":{"priority":5},"nodes":[{"id":"in","type":"ingest","next":"out"},{"id":"out","type":"notify","config":{"channels":["ops"]}}]}`
	third  = `{"version":"1.0","nodes":[{"id":"in","type":"ingest"}]}`
)

func TestDefinitionVersions(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *hub) {
		path := "/api/v1/definitions/mine"
		h.want(201, "POST", "/api/v1/definitions", `{"name":"mine","config":`+good+`}`)
		h.want(200, "PATCH", path, `{"config":`+second+`}`)
		h.want(200, "PATCH", path, `{"config":`+third+`}`)

		var seen []any
		for next := ""; ; {
			page := h.want(200, "GET", path+"/versions?limit=2"+next, "")
			for _, v := range page["items"].([]any) {
				seen = append(seen, v.(map[string]any)["version"])
			}
			if page["next_cursor"] == "" {
				break
			}
			next = "&cursor=" + page["next_cursor"].(string)
		}
		if diff := cmp.Diff([]any{3.0, 2.0, 1.0}, seen); diff != "" {
			t.Errorf("versions: %s", diff)
		}
		one := h.want(200, "GET", path+"/versions/2/", "")
		if one["version"] != 2.0 || one["created_by"] != "admin key" || one["config"].(map[string]any)["trigger"] == nil {
			t.Errorf("version 2: %v", one)
		}

		diff := h.want(200, "GET", path+"/diff?from=1&to=2", "")
		want := map[string]any{
			"name": "mine", "from": 1.0, "to": 2.0, "same": false, "nodes_added": []any{}, "nodes_removed": []any{}, "defaults": []any{}, "other": []any{},
			"nodes_changed": []any{map[string]any{"id": "out", "type": "notify", "pointer": "/nodes/1", "changes": []any{
				map[string]any{"op": "changed", "pointer": "/nodes/1/config/channels", "from": []any{"*"}, "to": []any{"ops"}},
			}}},
			"trigger": []any{map[string]any{"op": "added", "pointer": "/trigger", "to": map[string]any{"priority": 5.0}}},
		}
		if d := cmp.Diff(want, diff); d != "" {
			t.Errorf("diff (-want +got):\n%s", d)
		}
		latest := h.want(200, "GET", path+"/diff/", "")
		if latest["from"] != 2.0 || latest["to"] != 3.0 || len(latest["nodes_removed"].([]any)) != 1 {
			t.Errorf("diff of the newest: %v", latest)
		}

		p := problem(t, h.call(h.edit, "POST", path+"/versions/1/restore", `{"version":2}`), 409)
		if p.CurrentVersion != 3 || !strings.Contains(p.Detail, "based on version 2, the newest is 3") {
			t.Errorf("conflict: %+v", p)
		}
		if back := h.want(200, "POST", path+"/versions/1/restore", ""); back["version"] != 4.0 {
			t.Errorf("restored: %v", back)
		}
		if same := h.want(200, "GET", path+"/diff?from=1&to=4", ""); same["same"] != true {
			t.Errorf("restored differs from the first: %v", same)
		}
		for target, status := range map[string]int{
			"/versions/99": 404, "/versions/0": 422, "/versions/x": 422, "/versions?cursor=x": 422, "/versions?cursor=-1": 422, "/versions?limit=0": 422,
			"/diff?from=9": 404, "/diff?from=0": 422, "/diff?to=x": 422,
		} {
			problem(t, h.call(h.read, "GET", path+target, ""), status)
		}
		problem(t, h.call(h.read, "POST", path+"/versions/1/restore", ""), 403)
		for _, target := range []string{"/versions/1", "/diff", "/versions"} {
			problem(t, h.call(h.read, "GET", "/api/v1/definitions/nobody"+target, ""), 404)
		}
	})
}

func TestDefinitionLocking(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *hub) {
		path := "/api/v1/definitions/mine"
		read := h.want(201, "POST", "/api/v1/definitions", `{"name":"mine","config":`+good+`,"tags":["a"]}`)
		h.want(200, "PATCH", path, `{"tags":["a","b"]}`)
		// Tags are no part of a version: what was read before would take the new one away.
		p := problem(t, h.call(h.edit, "PUT", path, mustJSON(t, read)), 409)
		if p.CurrentVersion != 1 || !strings.Contains(p.Detail, "load it again") {
			t.Errorf("conflict: %+v", p)
		}
		again := h.want(200, "GET", path, "")
		again["description"] = "by whole"
		if changed := h.want(200, "PUT", path, mustJSON(t, again)); changed["description"] != "by whole" || !cmp.Equal(changed["tags"], []any{"a", "b"}) {
			t.Errorf("sent back: %v", changed)
		}
		h.want(200, "PATCH", path, `{"config":`+second+`,"version":1}`)
		p = problem(t, h.call(h.edit, "PATCH", path, `{"config":`+third+`,"version":1}`), 409)
		if p.CurrentVersion != 2 || !strings.Contains(p.Detail, "based on version 1, the newest is 2") {
			t.Errorf("conflict: %+v", p)
		}
		problem(t, h.call(h.edit, "PATCH", path, `{"updated_at":"yesterday"}`), 422)
	})
}

func TestDefinitionSchema(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	w := h.call(h.read, "GET", "/api/v1/schemas/definition.json", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/schema+json" {
		t.Fatalf("%d %s", w.Code, w.Header())
	}
	if diff := cmp.Diff(h.want(200, "GET", "/api/v1/definitions/schema", ""), decode(t, w)); diff != "" {
		t.Errorf("two schemas:\n%s", diff)
	}
	problem(t, h.call("", "GET", "/api/v1/schemas/definition.json", ""), 401)
}

// refusedBy fails the test unless the answer has the contract's shape of an error.
func refusedBy(t *testing.T, w *httptest.ResponseRecorder, status int) (message string, errs []any) {
	t.Helper()
	got := decode(t, w)
	message, _ = got["error"].(string)
	errs, _ = got["errors"].([]any)
	if w.Code != status || message == "" || got["title"] != nil {
		t.Errorf("%d %s, want %d with an error", w.Code, w.Body, status)
	}
	return message, errs
}

func TestContractDefinitions(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, h *hub) {
		base := "/orchestration/definitions"
		for _, slash := range []string{"", "/"} {
			mine := base + "/mine" + slash
			made := h.want(201, "POST", base+slash, `{"name":"mine","description":"d","config":`+good+`,"tags":["x"]}`)
			for _, key := range []string{"name", "description", "version", "config", "tags", "is_active", "node_count", "created_by", "created_at", "updated_at"} {
				if _, has := made[key]; !has {
					t.Errorf("the record has no %s: %v", key, made)
				}
			}
			if made["version"] != 1.0 || made["is_active"] != true || made["created_by"] != "admin key" {
				t.Errorf("made %v", made)
			}
			if changed := h.want(200, "PATCH", mine, `{"config":`+second+`}`); changed["version"] != 2.0 || changed["description"] != "d" {
				t.Errorf("patched %v", changed)
			}
			if replaced := h.want(200, "PUT", mine, `{"config":`+third+`,"is_active":false}`); replaced["version"] != 3.0 || replaced["is_active"] != false ||
				len(replaced["tags"].([]any)) != 0 || replaced["name"] != "mine" {
				t.Errorf("replaced %v", replaced)
			}
			if active := h.want(200, "GET", base+slash, ""); active["count"] != 0.0 {
				t.Errorf("active %v", active)
			}
			if all := h.want(200, "GET", base+slash+"?include_inactive=true", ""); all["count"] != 1.0 {
				t.Errorf("all %v", all)
			}
			if clone := h.want(201, "POST", base+"/mine/clone"+slash, `{"name":"two"}`); clone["name"] != "two" || clone["is_active"] != false || clone["version"] != 1.0 {
				t.Errorf("clone %v", clone)
			}
			if clone := h.want(201, "POST", base+"/mine/clone"+slash, ""); clone["name"] != "mine-copy" {
				t.Errorf("clone without a name %v", clone)
			}
			refusedBy(t, h.call(h.edit, "POST", base+"/mine/clone"+slash, ""), 409)
			for _, name := range []string{"mine", "two", "mine-copy"} {
				if w := h.call(h.edit, "DELETE", base+"/"+name+slash, ""); w.Code != 204 || w.Body.Len() != 0 {
					t.Errorf("delete %s: %d %s", name, w.Code, w.Body)
				}
				refusedBy(t, h.call(h.edit, "DELETE", base+"/"+name+slash, ""), 404)
			}
		}
	})
}

func TestContractDefinitionErrors(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	base := "/orchestration/definitions"
	h.want(201, "POST", base, `{"name":"mine","config":`+good+`}`)
	h.want(200, "PATCH", base+"/mine", `{"config":`+second+`}`)
	before := h.count()
	bad := `{"nodes":[{"id":"a","type":"ingst","next":"b"},{"type":"notify"}]}`
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		want               string // in the message
	}{
		"no JSON":               {"POST", base, `{"name"`, 400, "not valid JSON"},
		"nothing":               {"POST", base, ``, 400, "JSON"},
		"null":                  {"POST", base, `null`, 400, "not a JSON object"},
		"a list":                {"PATCH", base + "/mine", `[1]`, 400, "not a JSON object"},
		"a number as name":      {"PATCH", base + "/mine", `{"name":3}`, 400, "field name"},
		"a bad time":            {"PATCH", base + "/mine", `{"updated_at":"canary"}`, 400, "right kind"},
		"not valid":             {"POST", base, `{"name":"bad","config":` + bad + `}`, 400, "not valid"},
		"not valid any more":    {"PUT", base + "/mine", `{"config":` + bad + `}`, 400, "not valid"},
		"the name is taken":     {"POST", base, `{"name":"mine","config":` + good + `}`, 409, "choose another name"},
		"an older version":      {"PUT", base + "/mine", `{"version":1,"config":` + third + `}`, 409, "the newest is 2"},
		"change of nothing":     {"PUT", base + "/nobody", `{"config":` + good + `}`, 404, "not found"},
		"clone of nothing":      {"POST", base + "/nobody/clone", `{"name":"x"}`, 404, "not found"},
		"unnamed of nothing":    {"POST", base + "/nobody/clone", ``, 404, "not found"},
		"clone to a bad name":   {"POST", base + "/mine/clone", `{"name":"/"}`, 400, "not valid"},
		"validation of nothing": {"POST", base + "/" + id.New().String() + "/validate", ``, 404, "not found"},
		"validation of no JSON": {"POST", base + "/validate", `{`, 400, "not valid JSON"},
		"too large":             {"POST", base, `{"name":"` + strings.Repeat("x", 3<<20) + `"}`, 413, "bytes"},
		"too deep":              {"POST", base, `{"name":"x","config":` + strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000) + `}`, 400, "JSON"},
	} {
		for _, slash := range []string{"", "/"} {
			w := h.call(h.edit, tt.method, tt.path+slash, tt.body)
			message, errs := refusedBy(t, w, tt.status)
			if !strings.Contains(message, tt.want) || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%s: %s, want %q", name, w.Body, tt.want)
			}
			if tt.want == "not valid" && len(errs) == 0 {
				t.Errorf("%s: no list of errors in %s", name, w.Body)
			}
		}
	}
	for _, w := range []*httptest.ResponseRecorder{
		h.call(h.read, "POST", base, `{}`), h.call(h.read, "PUT", base+"/mine", `{}`), h.call(h.read, "PATCH", base+"/mine", `{}`),
		h.call(h.read, "DELETE", base+"/mine", ""), h.call(h.read, "POST", base+"/mine/clone", ""),
	} {
		if w.Code != 403 {
			t.Errorf("a key that only reads: %d", w.Code)
		}
	}
	if diff := cmp.Diff(before, h.count()); diff != "" {
		t.Errorf("a refused request wrote something:\n%s", diff)
	}
}

func TestContractValidate(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	base := "/orchestration/definitions"
	h.want(201, "POST", base, `{"name":"mine","config":`+good+`}`)
	before := h.count()
	bad := `{"nodes":[{"id":"a","type":"ingst"},{"type":"notify"}]}`
	for name, tt := range map[string]struct {
		path, body string
		want       map[string]any // but errors
		errs       []string       // a part of each
	}{
		"stored":             {"/mine/validate", ``, map[string]any{"name": "mine", "version": 1.0, "valid": true}, nil},
		"stored, {}":         {"/mine/validate/", `{}`, map[string]any{"name": "mine", "version": 1.0, "valid": true}, nil},
		"instead of stored":  {"/mine/validate/", `{"config":` + bad + `}`, map[string]any{"name": "mine", "version": 1.0, "valid": false}, []string{"version", "ingst", "id", "nobody"}},
		"unsaved":            {"/validate/", `{"name":"new","config":` + good + `}`, map[string]any{"name": "new", "version": nil, "valid": true}, nil},
		"unsaved, bare":      {"/validate", good, map[string]any{"name": "", "version": nil, "valid": true}, nil},
		"unsaved, bare, bad": {"/validate", bad, map[string]any{"name": "", "version": nil, "valid": false}, []string{"version", `unknown node type "ingst"; available: "ingest"`, "no \"id\"", "nobody"}},
		"empty":              {"/validate", `{}`, map[string]any{"name": "", "version": nil, "valid": false}, []string{"version", "node"}},
		"config is a number": {"/validate", `{"config":7}`, map[string]any{"name": "", "version": nil, "valid": false}, []string{"JSON object"}},
	} {
		w := h.call(h.read, "POST", base+tt.path, tt.body)
		got := decode(t, w)
		lines, _ := got["errors"].([]any)
		delete(got, "errors")
		if diff := cmp.Diff(tt.want, got); w.Code != 200 || diff != "" || lines == nil || (len(lines) == 0) != (len(tt.errs) == 0) {
			t.Errorf("%s: %d %s\n%s", name, w.Code, w.Body, diff)
		}
		for _, want := range tt.errs {
			if !strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), want) {
				t.Errorf("%s: no %q in %s", name, want, w.Body)
			}
		}
	}
	if diff := cmp.Diff(before, h.count()); diff != "" {
		t.Errorf("validating wrote something:\n%s", diff)
	}
}
