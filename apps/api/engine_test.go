package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBadRequestsSayWhatToDo(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for name, tt := range map[string]struct {
		method, path, body, contentType string
		status                          int
		pointer, location, detail       string
	}{
		"not JSON":        {"POST", "/api/v1/sources", `{"name":`, "", 400, "", "", "JSON"},
		"no body":         {"POST", "/api/v1/keys", "", "", 400, "", "", "JSON"},
		"form":            {"POST", "/api/v1/sources", `name=canary`, "application/x-www-form-urlencoded", 415, "", "", "Content-Type: application/json"},
		"wrong type":      {"POST", "/api/v1/sources", `{"name":{"canary":1}}`, "", 422, "/name", "", "errors"},
		"missing field":   {"POST", "/api/v1/keys", `{"name":"x"}`, "", 422, "/scopes", "", "errors"},
		"unknown status":  {"GET", "/api/v1/alerts?status=canary", "", "", 422, "", "query.status", "errors"},
		"limit too large": {"GET", "/api/v1/alerts?limit=100000", "", "", 422, "", "query.limit", "errors"},
		"limit no number": {"GET", "/api/v1/alerts?limit=canary", "", "", 422, "", "query.limit", "errors"},
		"foreign cursor":  {"GET", "/api/v1/alerts?cursor=canary", "", "", 422, "", "query.cursor", "errors"},
		"no id":           {"GET", "/api/v1/runs?incident=canary", "", "", 422, "", "query.incident", "errors"},
		"unknown address": {"GET", "/api/v1/nothing", "", "", 404, "", "", "/openapi.json"},
		"unknown method":  {"DELETE", "/api/v1/alerts", "", "", 405, "", "", "GET"},
		"too large":       {"POST", "/api/v1/sources", `{"name":"` + strings.Repeat("x", 2<<20) + `"}`, "", 413, "", "", "too large"},
		"deep":            {"POST", "/api/v1/definitions", `{"name":"x","config":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "", 400, "", "", "JSON"},
		"empty note":      {"POST", "/api/v1/incidents/" + h.incident("x").String() + "/notes", `{"text":"  "}`, "", 422, "/text", "", "errors"},
	} {
		w := h.call(h.admin, tt.method, tt.path, tt.body)
		if tt.contentType != "" {
			w = h.call(h.admin, tt.method, tt.path, tt.body, "Content-Type", tt.contentType)
		}
		if w.Code != tt.status {
			t.Errorf("%s: %d %.300s, want %d", name, w.Code, w.Body, tt.status)
			continue
		}
		p := problem(t, w, tt.status)
		if !strings.Contains(p.Detail, tt.detail) {
			t.Errorf("%s: detail %q, want %q in it", name, p.Detail, tt.detail)
		}
		if strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: the answer repeats a value: %s", name, w.Body)
		}
		if tt.pointer != "" && !slices.ContainsFunc(p.Errors, func(e api.Detail) bool { return e.Pointer == tt.pointer }) ||
			tt.location != "" && !slices.ContainsFunc(p.Errors, func(e api.Detail) bool { return e.Location == tt.location }) {
			t.Errorf("%s: errors %+v, want one at %s%s", name, p.Errors, tt.pointer, tt.location)
		}
	}
}

// TestEveryProblemAtOnce: whoever mends a request must not learn of its faults one by one.
func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	note := "/api/v1/incidents/" + h.incident("x").String() + "/notes"
	for name, tt := range map[string]struct {
		method, path, body string
		want               []string // pointers and locations, sorted
	}{
		"missing fields":           {"POST", "/api/v1/keys", `{}`, []string{"/name", "/scopes"}},
		"missing and wrong":        {"POST", "/api/v1/keys", `{"scopes":["read",7],"expires_at":"soon"}`, []string{"/expires_at", "/name", "/scopes/1"}},
		"a missing text":           {"POST", note, `{}`, []string{"/text"}},
		"a missing driver":         {"POST", "/api/v1/channels/validate", `{}`, []string{"/driver"}},
		"a missing name":           {"POST", "/api/v1/definitions/direct/clone", `{}`, []string{"/name"}},
		"a channel of nothing":     {"POST", "/api/v1/channels", `{}`, []string{"/driver", "/name"}},
		"a source of odd values":   {"POST", "/api/v1/sources", `{"name":"a b","driver":"nagios","group_by":7,"signature":"rot13","description":"` + strings.Repeat("x", 1001) + `"}`, []string{"/description", "/driver", "/group_by", "/name", "/signature"}},
		"a channel of odd values":  {"POST", "/api/v1/channels", `{"name":"a/b","driver":"hook","min_severity":"doom","config":{"endpoint":5,"nope":1}}`, []string{"/config/endpoint", "/config/nope", "/min_severity", "/name"}},
		"a definition of mistakes": {"POST", "/api/v1/definitions", `{"config":{"nodes":[{"id":"a"},{"type":"nope"}]}}`, []string{"/config/nodes/0/type", "/config/nodes/1/id", "/config/nodes/1/type", "/config/version", "/name"}},
		"ids that are none":        {"POST", "/api/v1/inbox/read", `{"ids":["canary",5],"up_to":"canary"}`, []string{"/ids/0", "/ids/1", "/up_to"}},
		"no ids":                   {"POST", "/api/v1/inbox/read", `{}`, []string{"/ids"}},
		"an odd spelling of an id": {"POST", "/api/v1/inbox/read", `{"ids":["urn:uuid:0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e"]}`, []string{"/ids/0"}},
		"a query":                  {"GET", "/api/v1/deliveries?limit=x&incident=canary&run=canary&cursor=canary&state=odd", "", []string{"query.cursor", "query.incident", "query.limit", "query.run", "query.state[0]"}},
	} {
		p := problem(t, h.call(h.admin, tt.method, tt.path, tt.body), http.StatusUnprocessableEntity)
		var got []string
		for _, e := range p.Errors {
			got = append(got, e.Pointer+e.Location)
			if e.Message == "" || strings.Contains(e.Message, "canary") || strings.Contains(e.Message, "RFC 4122") || strings.Contains(e.Message, "property") {
				t.Errorf("%s: message %q", name, e.Message)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, slices.Compact(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	if w := h.call("", "GET", "/healthz", ""); w.Code != 200 || w.Body.String() != `{"status":"ok"}` {
		t.Errorf("healthz: %d %s", w.Code, w.Body)
	}
	h.ready = errors.New("postgres://hub:canary@db is down")
	w := h.call("", "GET", "/healthz", "")
	problem(t, w, 503)
	if w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("not ready: %v %s", w.Header(), w.Body)
	}
	if w := h.call("", "GET", "/livez", ""); w.Code != 200 {
		t.Errorf("livez while not ready: %d", w.Code)
	}
	metrics := h.call(h.read, "GET", "/metrics", "").Body.String()
	if !strings.Contains(metrics, `incidenthub_http_request_duration_seconds_count{method="GET",route="/healthz",status="503"} 1`) {
		t.Errorf("metrics:\n%.2000s", metrics)
	}
}

func TestEngineSurvivesPanicsAndTrustsNobody(t *testing.T) {
	t.Parallel()
	e, err := api.NewEngine(api.EngineConfig{Log: testkit.Logger(t), Missing: func(c *gin.Context) { c.String(404, "<h1>page</h1>") }})
	if err != nil {
		t.Fatal(err)
	}
	e.GET("/panic", func(*gin.Context) { panic("canary") })
	e.GET("/ip", func(c *gin.Context) { c.String(200, c.ClientIP()) })
	get := func(path string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w
	}
	w := get("/panic")
	problem(t, w, 500)
	if strings.Contains(w.Body.String(), "canary") {
		t.Errorf("the panic is shown: %s", w.Body)
	}
	if got := get("/ip", "X-Forwarded-For", "6.6.6.6", "X-Real-IP", "6.6.6.6").Body.String(); got != "192.0.2.1" {
		t.Errorf("client %s, want the peer", got)
	}
	if w := get("/nothing", "Accept", "text/html"); !strings.Contains(w.Body.String(), "page") {
		t.Errorf("a browser gets %s", w.Body)
	}
	problem(t, get("/api/v1/nothing", "Accept", "text/html"), 404)
	problem(t, get("/nothing", "Accept", "*/*"), 404)
	for _, header := range []string{"X-Content-Type-Options", "Content-Security-Policy", "X-Frame-Options", api.TraceHeader} {
		if w.Header().Get(header) == "" {
			t.Errorf("no %s", header)
		}
	}
	if _, err := api.NewEngine(api.EngineConfig{Log: testkit.Logger(t), TrustedProxies: []string{"nonsense"}}); err == nil {
		t.Error("a proxy that is no address was taken")
	}
}

// TestDocument holds the OpenAPI document against the router and against itself.
func TestDocument(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	w := h.call(h.read, "GET", "/openapi.json", "")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]map[string]any
		Components struct {
			Schemas         map[string]any
			SecuritySchemes map[string]any
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Components.SecuritySchemes) != 2 {
		t.Errorf("version %q, security %v", doc.OpenAPI, doc.Components.SecuritySchemes)
	}
	param := regexp.MustCompile(`:(\w+)`)
	served := map[string]bool{}
	for _, r := range h.engine.Routes() {
		path := param.ReplaceAllString(strings.TrimSuffix(r.Path, "/"), "{$1}")
		served[strings.ToLower(r.Method)+" "+path] = true
		if doc.Paths[path][strings.ToLower(r.Method)] == nil {
			t.Errorf("%s %s is served but not in the document", r.Method, path)
		}
	}
	ids := map[string]string{}
	for path, item := range doc.Paths {
		for method, o := range item {
			if !served[method+" "+path] && !strings.HasPrefix(path, "/alerts/webhook") { // a door of its own
				t.Errorf("%s %s is in the document but not served", method, path)
			}
			name, _ := o["operationId"].(string)
			if name == "" || ids[name] != "" || o["summary"] == "" {
				t.Errorf("%s %s: operationId %q, summary %q; also %s", method, path, name, o["summary"], ids[name])
			}
			ids[name] = method + " " + path
			var params []string
			list, _ := o["parameters"].([]any)
			for _, p := range list {
				if p := p.(map[string]any); p["in"] == "path" {
					params = append(params, p["name"].(string))
				}
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !slices.Contains(params, m[1]) {
					t.Errorf("%s %s does not describe %s", method, path, m[1])
				}
			}
		}
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("schema %s is referred to but not there", ref[1])
		}
	}
	if !strings.Contains(w.Body.String(), `"Problem"`) || strings.Contains(w.Body.String(), "ErrorModel") {
		t.Error("errors are not described as Problem")
	}
}

func TestDocsPage(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	w := h.call(h.read, "GET", "/docs", "")
	page := w.Body.String()
	if w.Code != 200 || !strings.Contains(page, "/api/v1/incidents/{id}/acknowledge") || !strings.Contains(page, "respond") {
		t.Errorf("%d %.500s", w.Code, page)
	}
	if regexp.MustCompile(`(?i)<script|https?://|style=`).MatchString(page) {
		t.Error("the page loads something or has inline code")
	}
	if strings.Contains(w.Header().Get("Content-Security-Policy"), "unsafe") {
		t.Errorf("policy %q", w.Header().Get("Content-Security-Policy"))
	}
}

func TestConfigMustBeWhole(t *testing.T) {
	t.Parallel()
	if _, err := api.New(api.Config{Log: testkit.Logger(t)}); err == nil || !strings.Contains(err.Error(), "Acts") {
		t.Errorf("%v, want the names of what is missing", err)
	}
}
