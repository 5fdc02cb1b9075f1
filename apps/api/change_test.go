package api_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	w := h.call(h.respond, "POST", "/api/v1/changes", `{"title":"api 2.4.1","kind":"deploy","service":"api","labels":{"env":"prod"},"url":"https://ci.example.com/7"}`)
	made := decode(t, w)
	if w.Code != 201 || made["author"] != "respond" || made["kind"] != "deploy" || !cmp.Equal(made["labels"], map[string]any{"env": "prod"}) || made["tenant_id"] != nil {
		t.Errorf("%d %v", w.Code, made)
	}
	at := h.db.Now().Add(-time.Hour)
	old := h.want(201, "POST", "/api/v1/changes", `{"title":"flag","author":"ada","at":"`+at.Format(time.RFC3339)+`","labels":{"a=b":"c=d"}}`)
	for query, want := range map[string][]string{
		"":                                       {"api 2.4.1", "flag"},
		"?limit=1":                               {"api 2.4.1"},
		"?limit=1&cursor=" + made["id"].(string): {"flag"},
		"?service=api":                           {"api 2.4.1"},
		"?kind=OTHER":                            {"flag"},
		"?label=env%3Dprod&label=x%3Dy":          {},
		"?label=env=prod":                        {"api 2.4.1"},
		"?until=" + url.QueryEscape(at.Add(time.Minute).Format(time.RFC3339)):                  {"flag"},
		"?since=" + url.QueryEscape(at.Add(time.Minute).Format(time.RFC3339)) + "&kind=deploy": {"api 2.4.1"},
	} {
		if diff := cmp.Diff(want, titles(h.want(200, "GET", "/api/v1/changes"+query, ""))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	problem(t, h.call(h.read, "GET", "/api/v1/changes?label=env", ""), 422)
	problem(t, h.call(h.read, "POST", "/api/v1/changes", `{"title":"x"}`), 403)
	problem(t, h.call(h.respond, "DELETE", "/api/v1/changes/"+old["id"].(string), ""), 403)
	p := problem(t, h.call(h.respond, "POST", "/api/v1/changes", `{"kind":"two words","url":"ftp://x","at":"2020-01-01T00:00:00Z"}`), 422)
	var pointers []string
	for _, e := range p.Errors {
		pointers = append(pointers, e.Pointer)
	}
	if diff := cmp.Diff([]string{"/title", "/kind", "/at", "/url"}, pointers); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if w := h.call(h.edit, "DELETE", "/api/v1/changes/"+old["id"].(string), ""); w.Code != 204 {
		t.Errorf("delete: %d", w.Code)
	}
	problem(t, h.call(h.edit, "DELETE", "/api/v1/changes/"+old["id"].(string), ""), 404)
	problem(t, h.call(h.edit, "DELETE", "/api/v1/changes/nonsense", ""), 404)
}

// preflights keeps what it is asked for.
type preflights struct{ db *storage.DB }

func (p preflights) Run(ctx context.Context, tenant string, only []string, by string) (preflight.Run, error) {
	r := preflight.Sum([]preflight.Check{{Group: strings.Join(only, "+"), Name: "n", Level: preflight.Warn, Message: "m", Hint: "h"}}, "host", by, p.db.Now())
	return r, preflight.Save(ctx, p.db, tenant, r)
}

func (p preflights) List(ctx context.Context, tenant string, page storage.Paging) (storage.Page[preflight.Run], error) {
	return preflight.List(ctx, p.db, tenant, page)
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	ran := h.want(200, "POST", "/api/v1/preflight", `{"only":["database"]}`)
	h.want(200, "POST", "/api/v1/preflight", "")
	checks, _ := ran["checks"].([]any)
	if ran["overall_status"] != "warn" || ran["warnings"] != 1.0 || ran["triggered_by"] != "admin key" || len(checks) != 1 {
		t.Errorf("ran %v", ran)
	}
	list := h.want(200, "GET", "/api/v1/preflight?limit=1", "")
	items := list["items"].([]any)
	if len(items) != 1 || list["next_cursor"] == "" || len(items[0].(map[string]any)["checks"].([]any)) != 1 {
		t.Errorf("list %v", list)
	}
	problem(t, h.call(h.edit, "POST", "/api/v1/preflight", `{"only":["nonsense"]}`), 422)
	problem(t, h.call(h.read, "POST", "/api/v1/preflight", ""), 403)
}
