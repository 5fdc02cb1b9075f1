package api_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// open are the only routes that need no credential.
var open = []string{"GET /healthz", "GET /livez", "GET /intelligence/health"}

// needs says which keys may use a route by its method and address, written apart from the table that the hub uses.
func needs(method, path string) auth.Scope {
	switch {
	case strings.HasPrefix(path, "/api/v1/keys"):
		return auth.ScopeAdmin
	case method == http.MethodGet, path == "/api/v1/notifications/preview", strings.TrimSuffix(path, "/") == "/api/v1/silences/preview", strings.HasSuffix(path, "/lint"), strings.HasPrefix(path, "/orchestration/") && strings.HasSuffix(path, "/validate"):
		return auth.ScopeRead
	case method != http.MethodGet && strings.HasPrefix(path, "/api/v1/silences") && path != "/api/v1/silences/preview":
		return auth.ScopeRespond
	case path == "/api/v1/silences/preview": // it saves nothing
		return auth.ScopeRead
	case method == http.MethodPost && (path == "/api/v1/changes" || path == "/intelligence/recommendations"):
		return auth.ScopeRespond
	case strings.HasSuffix(path, "/resume"), strings.HasPrefix(path, "/api/v1/incidents/"), strings.HasPrefix(path, "/api/v1/runs/"), strings.HasPrefix(path, "/api/v1/silences"),
		strings.HasPrefix(path, "/api/v1/deliveries/"), path == "/api/v1/inbox/read":
		return auth.ScopeRespond
	default:
		return auth.ScopeEdit
	}
}

// TestEveryRouteAsksForACredential goes through all routes of the router with every kind of credential.
func TestEveryRouteAsksForACredential(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	h.incident("x")
	before := h.count()
	type credential struct {
		key string
		has auth.Scopes
	}
	credentials := map[string]credential{
		"none":    {"", nil},
		"wrong":   {"wrong", nil},
		"ingest":  {h.ingest, auth.Scopes{auth.ScopeIngest}},
		"read":    {h.read, auth.Scopes{auth.ScopeRead}},
		"respond": {h.respond, auth.Scopes{auth.ScopeRespond}},
		"edit":    {h.edit, auth.Scopes{auth.ScopeEdit}},
	}
	routes := 0
	for _, r := range h.engine.Routes() {
		pattern := strings.TrimSuffix(r.Path, "/")
		path := strings.NewReplacer(":id", id.New().String(), ":ref", "nobody", ":target", "hook", ":driver", "hook").Replace(r.Path)
		routes++
		if slices.Contains(open, r.Method+" "+pattern) {
			if w := h.call("", r.Method, path, ""); w.Code != http.StatusOK {
				t.Errorf("%s %s without a credential: %d, want 200", r.Method, path, w.Code)
			}
			continue
		}
		for name, c := range credentials {
			need := needs(r.Method, pattern)
			if c.has.Has(need) {
				continue // TestRoles
			}
			want := http.StatusForbidden
			if c.has == nil {
				want = http.StatusUnauthorized
			}
			key := c.key
			if name == "wrong" { // each time another, or the service would slow the test down
				key = fmt.Sprintf("%08d-wrong", routes)
			}
			w := h.call(key, r.Method, path, `{}`)
			if w.Code != want {
				t.Errorf("%s %s as %s: %d, want %d", r.Method, path, name, w.Code, want)
			}
			if p := problem(t, w, w.Code); p.Detail == "" {
				t.Errorf("%s %s as %s says nothing", r.Method, path, name)
			}
			if want == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s as %s: no WWW-Authenticate", r.Method, path, name)
			}
		}
	}
	if routes < 60 {
		t.Errorf("the router has %d routes, fewer than this test was made for", routes)
	}
	if diff := cmp.Diff(before, h.count()); diff != "" {
		t.Errorf("something was written (-before +after):\n%s", diff)
	}
	if len(h.acts.calls) > 0 || len(h.hand.sent) > 0 {
		t.Errorf("something was done: %v %v", h.acts.calls, h.hand.sent)
	}
}

// count is the number of rows in every table that the API could write.
func (h *hub) count() map[string]int64 {
	h.t.Helper()
	rows := map[string]int64{}
	for _, table := range []string{
		"sources", "channels", "definitions", "definition_versions", "secrets", "api_keys", "receipts", "incidents", "incident_events",
		"alerts", "deliveries", "messages", "ledger", "jobs", "runs",
	} {
		var n int64
		if err := h.db.Read(h.t.Context()).Table(table).Count(&n).Error; err != nil {
			h.t.Fatal(err)
		}
		rows[table] = n
	}
	return rows
}

// TestRoles checks that each role can do what it is for.
func TestRoles(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	incident := h.incident("x").String()
	for name, tt := range map[string]struct {
		key, method, path, body string
		want                    int
	}{
		"read lists":          {h.read, "GET", "/api/v1/alerts", "", 200},
		"read lints":          {h.read, "POST", "/api/v1/definitions/lint", "{}", 200},
		"read sees metrics":   {h.read, "GET", "/metrics", "", 200},
		"respond reads":       {h.respond, "GET", "/api/v1/incidents", "", 200},
		"respond responds":    {h.respond, "POST", "/api/v1/incidents/" + incident + "/acknowledge", "", 200},
		"edit responds":       {h.edit, "POST", "/api/v1/incidents/" + incident + "/close", "", 200},
		"edit makes a source": {h.edit, "POST", "/api/v1/sources", `{"name":"one"}`, 201},
		"admin lists keys":    {h.admin, "GET", "/api/v1/keys", "", 200},
		"slash at the end":    {h.read, "GET", "/api/v1/alerts/", "", 200},
	} {
		if w := h.call(tt.key, tt.method, tt.path, tt.body); w.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tt.want)
		}
	}
}

func TestKeyMayComeInEitherHeader(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for name, tt := range map[string]struct {
		headers []string
		want    int
	}{
		"bearer":            {[]string{"Authorization", "Bearer " + h.read}, 200},
		"lower case bearer": {[]string{"Authorization", "bearer " + h.read}, 200},
		"own header":        {[]string{"X-API-Key", h.read}, 200},
		"basic":             {[]string{"Authorization", "Basic " + h.read}, 401},
		"empty":             {[]string{"X-API-Key", ""}, 401},
		"wrong bearer wins": {[]string{"Authorization", "Bearer x", "X-API-Key", h.read}, 401},
		"query":             {nil, 401},
	} {
		path := "/api/v1/alerts"
		if tt.headers == nil {
			path += "?key=" + h.read
		}
		if w := h.call("", "GET", path, "", tt.headers...); w.Code != tt.want {
			t.Errorf("%s: %d, want %d", name, w.Code, tt.want)
		}
	}
}

func TestKeyLimitedToEndpoints(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	key := h.want(201, "POST", "/api/v1/keys", `{"name":"narrow","scopes":["read"],"allowed_endpoints":["/api/v1/alerts"]}`)["key"].(string)
	if w := h.call(key, "GET", "/api/v1/alerts", ""); w.Code != 200 {
		t.Errorf("inside its limits: %d", w.Code)
	}
	p := problem(t, h.call(key, "GET", "/api/v1/incidents", ""), 403)
	if !strings.Contains(p.Detail, "allowed_endpoints") {
		t.Errorf("detail %q", p.Detail)
	}
}

func TestSessionNeedsOurOwnPagesForChanges(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	s, err := h.auth.OpenSession(t.Context(), h.respond)
	if err != nil {
		t.Fatal(err)
	}
	path, cookie := "/api/v1/incidents/"+h.incident("x").String()+"/acknowledge", "hub_session="+s.Secret
	for name, tt := range map[string]struct {
		method, path string
		headers      []string
		want         int
	}{
		"read":                  {"GET", "/api/v1/incidents", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, 200},
		"own page":              {"POST", path, []string{"Cookie", cookie, "Sec-Fetch-Site", "same-origin"}, 200},
		"other site":            {"POST", path, []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, 403},
		"other origin":          {"POST", path, []string{"Cookie", cookie, "Origin", "https://evil.example"}, 403},
		"other session":         {"GET", "/api/v1/incidents", []string{"Cookie", "hub_session=ihs_wrong"}, 401},
		"a key needs no origin": {"POST", path, []string{"Authorization", "Bearer " + h.respond, "Sec-Fetch-Site", "cross-site"}, 200},
	} {
		if w := h.call("", tt.method, tt.path, "", tt.headers...); w.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tt.want)
		}
	}
}

// TestStream reads server-sent events over a real connection.
func TestStream(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	server := httptest.NewServer(h.engine)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-Key", h.read)
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q", got)
	}
	lines := bufio.NewScanner(answer.Body)
	next := func() (event, data string) {
		t.Helper()
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "event: "):
				event = line[7:]
			case strings.HasPrefix(line, "data: "):
				return event, line[6:]
			}
		}
		return "", ""
	}
	if event, _ := next(); event != "reload" {
		t.Errorf("first event %q, want reload", event)
	}
	incident := id.New()
	h.publish("other", "incident", incident)
	h.publish(tenant, "incident", incident)
	if event, data := next(); event != "incident" || data != `{"id":"`+incident.String()+`"}` {
		t.Errorf("%s %s", event, data)
	}
	h.events.Close()
	if event, _ := next(); event != "" {
		t.Errorf("%q after the hub stopped", event)
	}
}
