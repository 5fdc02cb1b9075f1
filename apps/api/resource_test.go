package api_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

func (h *hub) publish(tenant, kind string, what id.ID) {
	h.events.Publish(tenant, pubsub.Event{Kind: kind, ID: what})
}

func titles(list map[string]any) []string {
	out := []string{}
	for _, item := range list["items"].([]any) {
		out = append(out, item.(map[string]any)["title"].(string))
	}
	return out
}

func TestIncidentsPageByCursor(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]func(*testing.T) *hub{"sqlite": onSQLite, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h(t)
			var want, got []string
			for i := range 5 {
				h.incident(strconv.Itoa(i))
				want = append([]string{strconv.Itoa(i)}, want...)
			}
			cursor := ""
			for {
				list := h.want(200, "GET", "/api/v1/incidents?status=active&limit=2&cursor="+cursor, "")
				got = append(got, titles(list)...)
				if at := list["items"].([]any)[0].(map[string]any)["created_at"].(string); !strings.HasSuffix(at, "Z") {
					t.Errorf("created_at %s is not UTC", at)
				}
				if cursor = list["next_cursor"].(string); cursor == "" {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if counts := h.want(200, "GET", "/api/v1/incidents/counts", ""); counts["open"] != 5.0 {
				t.Errorf("counts %v", counts)
			}
		})
	}
}

// TestEveryListAnswers checks that each list is a list, whatever is in the database, on both engines.
func TestEveryListAnswers(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]func(*testing.T) *hub{"sqlite": onSQLite, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h(t)
			unknown := id.New().String()
			for path, items := range map[string]int{
				"/api/v1/alerts?status=firing&severity=critical&source=x&fingerprint=y&name=z&incident=" + unknown + "&q=100%25":   0,
				"/api/v1/incidents?status=open,closed&severity=info&q=x":                                                           0,
				"/api/v1/receipts?driver=grafana&outcome=queued":                                                                   0,
				"/api/v1/runs?status=notified&state=failed&source=x&definition=direct&incident=" + unknown + "&receipt=" + unknown: 0,
				"/api/v1/sources":     0,
				"/api/v1/definitions": 0,
				"/api/v1/keys":        4,
				"/api/v1/channels":    1,
				"/api/v1/deliveries":  0,
				"/api/v1/inbox":       0,
			} {
				list := h.want(200, "GET", path, "")
				if got, ok := list["items"].([]any); !ok || len(got) != items {
					t.Errorf("%s: items %v, want %d", path, list["items"], items)
				}
				if _, ok := list["next_cursor"].(string); !ok {
					t.Errorf("%s: next_cursor %v", path, list["next_cursor"])
				}
			}
			books := h.want(200, "GET", "/api/v1/ledger", "")
			if books["balanced"] != true || len(books["counts"].(map[string]any)) != 6 || books["by_reason"] == nil {
				t.Errorf("ledger %v", books)
			}
			for _, path := range []string{"alerts/", "incidents/", "receipts/", "runs/", "sources/", "definitions/"} {
				for _, ref := range []string{unknown, "nonsense"} {
					problem(t, h.call(h.read, "GET", "/api/v1/"+path+ref, ""), 404)
				}
			}
		})
	}
}

func TestRunActs(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	run := id.New()
	h.exec(`INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, state, status, source, environment, origin,
		created_at, updated_at) VALUES (?, 'default', 't', ?, 'direct', 1, 'failed', 'failed', 's', 'production', 'o', ?, ?)`, run, id.New(), h.db.Now(), h.db.Now())
	for _, verb := range []string{"cancel", "resume"} {
		path := "/api/v1/runs/" + run.String() + "/" + verb
		if got := h.want(200, "POST", path, ""); got["run_id"] != run.String() {
			t.Errorf("%s answers %v", verb, got)
		}
		if got := h.acts.calls[len(h.acts.calls)-1]; !strings.HasPrefix(got, verb+" default "+run.String()) {
			t.Errorf("%s did %q", verb, got)
		}
		h.acts.err = fmt.Errorf("the run has ended: %w", event.ErrRefused)
		if p := problem(t, h.call(h.respond, "POST", path, ""), 409); !strings.Contains(p.Detail, "the run has ended") {
			t.Errorf("%s says %q", verb, p.Detail)
		}
		h.acts.err = nil
		problem(t, h.call(h.respond, "POST", "/api/v1/runs/nonsense/"+verb, ""), 404)
	}
	for body, want := range map[string]string{
		"":                                   "replay default " + run.String() + "  false false respond",
		`{"from":"tell","version":"newest"}`: "replay default " + run.String() + " tell true false respond",
		`{"send":true}`:                      "replay default " + run.String() + "  false true respond",
	} {
		w := h.call(h.respond, "POST", "/api/v1/runs/"+run.String()+"/replay", body)
		if got := h.acts.calls[len(h.acts.calls)-1]; w.Code != 200 || got != want {
			t.Errorf("replay %s: %d, did %q, want %q", body, w.Code, got, want)
		}
	}
	problem(t, h.call(h.respond, "POST", "/api/v1/runs/"+run.String()+"/replay", `{"version":"oldest"}`), 422)
}

func TestResend(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	delivery := id.New()
	h.exec(`INSERT INTO deliveries (id, tenant_id, idem_key, event_seq, step, channel_id, kind, severity, state, trace_id, created_at, expires_at)
		VALUES (?, 'default', 'k', 1, 0, ?, 'firing', 'critical', 'dead', 't', ?, ?)`, delivery, id.New(), h.db.Now(), h.db.Now())
	path := "/api/v1/deliveries/" + delivery.String() + "/resend"
	for body, want := range map[string]string{
		"":                    "resend default " + delivery.String() + "  respond",
		`{"channel":"phone"}`: "resend default " + delivery.String() + " phone respond",
	} {
		w := h.call(h.respond, "POST", path, body)
		if got := h.acts.calls[len(h.acts.calls)-1]; w.Code != 200 || got != want || !strings.Contains(w.Body.String(), delivery.String()) {
			t.Errorf("%s: %d, did %q, want %q", body, w.Code, got, want)
		}
	}
	h.acts.err = fmt.Errorf("it is on its way already: %w", event.ErrRefused)
	if p := problem(t, h.call(h.respond, "POST", path, ""), 409); !strings.Contains(p.Detail, "on its way") {
		t.Errorf("it says %q", p.Detail)
	}
	problem(t, h.call(h.respond, "POST", "/api/v1/deliveries/nonsense/resend", ""), 404)
}

func TestActs(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	incident := h.incident("x").String()
	path := "/api/v1/incidents/" + incident
	for _, tt := range []struct{ path, body, want string }{
		{"/acknowledge", "", "acknowledge default " + incident + " respond"},
		{"/resolve", "", "resolve default " + incident + " respond "},
		{"/resolve", `{"summary":" disk swapped "}`, "resolve default " + incident + " respond disk swapped"},
		{"/close", "", "close default " + incident + " respond"},
		{"/reopen", "", "reopen default " + incident + " respond"},
		{"/notes", `{"text":"hello"}`, "note default " + incident + " respond hello"},
	} {
		w := h.call(h.respond, "POST", path+tt.path, tt.body)
		if w.Code != 200 || decode(t, w)["id"] != incident {
			t.Errorf("%s: %d %s", tt.path, w.Code, w.Body)
		}
		if got := h.acts.calls[len(h.acts.calls)-1]; got != tt.want {
			t.Errorf("%s did %q, want %q", tt.path, got, tt.want)
		}
	}
	open := id.New()
	for name, tt := range map[string]struct {
		err    error
		status int
		detail string
	}{
		"missing":     {fmt.Errorf("incident 7: %w", storage.ErrNotFound), 404, "incident 7"},
		"open beside": {fmt.Errorf("reopen: %w", &event.OpenBesideError{Open: open}), 409, open.String()},
		"refused":     {fmt.Errorf("it is closed: %w", event.ErrRefused), 409, "it is closed"},
		"database":    {fmt.Errorf("write: %w", storage.ErrUnavailable), 503, "try again"},
		"a bug":       {errors.New("password=hunter2"), 500, "trace_id"},
	} {
		h.acts.err = tt.err
		w := h.call(h.respond, "POST", path+"/reopen", "")
		p := problem(t, w, tt.status)
		if !strings.Contains(p.Detail, tt.detail) || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: %q", name, p.Detail)
		}
		if (tt.status == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", name, w.Header().Get("Retry-After"))
		}
		if name == "open beside" && p.OpenIncident != open.String() {
			t.Errorf("open_incident_id %q", p.OpenIncident)
		}
	}
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	source := h.want(201, "POST", "/api/v1/sources", `{"name":"prod"}`)
	receipt := id.New()
	sourceID, err := id.Parse(source["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	h.exec(`INSERT INTO receipts (id, tenant_id, source_id, driver, trace_id, origin, outcome, n, received_at)
		VALUES (?, 'default', ?, 'grafana', 't', 'incoming_webhook', 'queued', 0, ?)`, receipt, sourceID, h.db.Now())
	h.exec("INSERT INTO receipt_bodies (receipt_id, tenant_id, encoding, body) VALUES (?, 'default', 0, ?)", receipt, []byte("<script>{}"))
	path := "/api/v1/receipts/" + receipt.String()
	for query, n := range map[string]int{"?source=prod": 1, "?source=" + sourceID.String(): 1, "?driver=zabbix": 0} {
		if list := h.want(200, "GET", "/api/v1/receipts"+query, ""); len(list["items"].([]any)) != n {
			t.Errorf("%s: %v", query, list["items"])
		}
	}
	detail := h.want(200, "GET", path, "")
	if detail["body"] != "<script>{}" || detail["body_truncated"] != false {
		t.Errorf("detail %v", detail)
	}
	w := h.call(h.read, "GET", path+"/body", "")
	if w.Code != 200 || w.Body.String() != "<script>{}" || w.Header().Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("body %d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := h.want(202, "POST", path+"/reprocess", ""); got["receipt_id"] != receipt.String() {
		t.Errorf("reprocessed %v", got)
	}
	if got := h.want(200, "GET", path+"/observations?from=10&limit=5", ""); len(got["items"].([]any)) != 0 {
		t.Errorf("observations %v", got)
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	made := h.want(201, "POST", "/api/v1/sources",
		`{"name":"prod","driver":"grafana","group_by":["cluster"],"signature":"grafana","signature_secret":"canary-secret","is_active":true}`)
	key, _ := made["key"].(string)
	if key == "" || made["signature_secret_configured"] != true || !cmp.Equal(made["group_by"], []any{"cluster"}) {
		t.Errorf("made %v", made)
	}
	if p := problem(t, h.call(h.admin, "POST", "/api/v1/sources", `{"name":"prod"}`), 409); !strings.Contains(p.Detail, "exists") {
		t.Errorf("twice: %q", p.Detail)
	}
	changed := h.want(200, "PATCH", "/api/v1/sources/prod", `{"description":"edge","group_by":"vendor"}`)
	if changed["description"] != "edge" || changed["driver"] != "grafana" || changed["group_by"] != "vendor" || changed["version"] != 2.0 {
		t.Errorf("changed %v", changed)
	}
	problem(t, h.call(h.edit, "PATCH", "/api/v1/sources/prod", `{"description":"late","version":1}`), 409)
	sentBack := h.call(h.edit, "PUT", "/api/v1/sources/prod", mustJSON(t, changed))
	if sentBack.Code != 200 {
		t.Errorf("what was read cannot be sent back: %d %s", sentBack.Code, sentBack.Body)
	}
	replaced := h.want(200, "PUT", "/api/v1/sources/prod", `{"name":"prod"}`)
	if replaced["driver"] != "" || replaced["is_active"] != true || replaced["signature_secret_configured"] != false {
		t.Errorf("replaced %v", replaced)
	}
	rotated := h.want(200, "POST", "/api/v1/sources/prod/rotate-key", "")
	if rotated["key"] == key || rotated["key"] == "" {
		t.Errorf("rotated key %v", rotated["key"])
	}
	for pointer, body := range map[string]string{
		"/name": `{"name":"no spaces"}`, "/driver": `{"name":"a","driver":"nagios"}`,
		"/group_by": `{"name":"a","group_by":7}`, "/signature": `{"name":"a","signature":"md5"}`,
	} {
		if p := problem(t, h.call(h.edit, "POST", "/api/v1/sources", body), 422); len(p.Errors) != 1 || p.Errors[0].Pointer != pointer {
			t.Errorf("%s: %+v, want one error at %s", body, p.Errors, pointer)
		}
	}
	if w := h.call(h.read, "GET", "/api/v1/sources", ""); strings.Contains(w.Body.String(), "canary") || strings.Contains(w.Body.String(), "key_hash") {
		t.Errorf("a secret is shown: %s", w.Body)
	}
	if w := h.call(h.edit, "DELETE", "/api/v1/sources/prod", ""); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("delete: %d %s", w.Code, w.Body)
	}
	problem(t, h.call(h.edit, "DELETE", "/api/v1/sources/prod", ""), 404)
}

const good = `{"version":"1.0","nodes":[{"id":"in","type":"ingest","next":"out"},{"id":"out","type":"notify","config":{"channels":["*"]}}]}`

func TestDefinitions(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	made := h.want(201, "POST", "/api/v1/definitions", `{"name":"mine","config":`+good+`,"tags":["a"]}`)
	if made["version"] != 1.0 || made["node_count"] != 2.0 || made["created_by"] != "admin key" || made["is_active"] != true {
		t.Errorf("made %v", made)
	}
	changed := h.want(200, "PATCH", "/api/v1/definitions/mine", `{"config":`+strings.Replace(good, `"*"`, `"ops"`, 1)+`}`)
	if changed["version"] != 2.0 || !cmp.Equal(changed["tags"], []any{"a"}) {
		t.Errorf("changed %v", changed)
	}
	if got := h.want(200, "GET", "/api/v1/definitions/mine/versions", ""); len(got["items"].([]any)) != 2 {
		t.Errorf("versions %v", got)
	}
	problem(t, h.call(h.edit, "PATCH", "/api/v1/definitions/mine", `{"description":"x","version":1}`), 409)
	if w := h.call(h.edit, "PUT", "/api/v1/definitions/mine", mustJSON(t, changed)); w.Code != 200 {
		t.Errorf("what was read cannot be sent back: %d %s", w.Code, w.Body)
	}
	clone := h.want(201, "POST", "/api/v1/definitions/mine/clone", `{"name":"copy"}`)
	if clone["is_active"] != false || clone["name"] != "copy" {
		t.Errorf("clone %v", clone)
	}
	if got := h.want(200, "GET", "/api/v1/definitions?include_inactive=false", ""); len(got["items"].([]any)) != 1 {
		t.Errorf("active %v", got)
	}
	p := problem(t, h.call(h.edit, "POST", "/api/v1/definitions",
		`{"name":"bad","config":{"version":"1.0","nodes":[{"id":"a","type":"ingst","next":"b"},{"id":"a","type":"notify","config":{"chanels":1}}]}}`), 422)
	var pointers []string
	for _, e := range p.Errors {
		pointers = append(pointers, e.Pointer)
	}
	for _, want := range []string{"/config/nodes/0/type", "/config/nodes/0/next", "/config/nodes/1/id"} {
		if !strings.Contains(strings.Join(pointers, " ")+" ", want+" ") {
			t.Errorf("no error at %s: %v", want, pointers)
		}
	}
	before := h.count()
	lint := h.want(200, "POST", "/api/v1/definitions/lint", `{"version":"1.0","nodes":[{"id":"a","type":"ingst"}]}`)
	if lint["valid"] != false || len(lint["problems"].([]any)) == 0 {
		t.Errorf("lint %v", lint)
	}
	if lint = h.want(200, "POST", "/api/v1/definitions/lint", good); lint["valid"] != true {
		t.Errorf("lint of a good one %v", lint)
	}
	if lint = h.want(200, "POST", "/api/v1/definitions/lint", `{"version": `); lint["valid"] != false {
		t.Errorf("lint of half a document %v", lint)
	}
	if diff := cmp.Diff(before, h.count()); diff != "" {
		t.Errorf("lint wrote something:\n%s", diff)
	}
	if schema := h.want(200, "GET", "/api/v1/definitions/schema", ""); schema["$schema"] == nil {
		t.Errorf("schema %v", schema)
	}
	if w := h.call(h.edit, "DELETE", "/api/v1/definitions/mine", ""); w.Code != 204 {
		t.Errorf("delete: %d", w.Code)
	}
	problem(t, h.call(h.edit, "GET", "/api/v1/definitions/mine", ""), 404)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	made := h.want(201, "POST", "/api/v1/keys", `{"name":"bot","scopes":["read"],"expires_at":"2999-01-01T00:00:00Z"}`)
	key := made["key"].(string)
	if w := h.call(key, "GET", "/api/v1/alerts", ""); w.Code != 200 {
		t.Errorf("the new key: %d", w.Code)
	}
	if w := h.call(h.admin, "GET", "/api/v1/keys", ""); strings.Contains(w.Body.String(), key) || !strings.Contains(w.Body.String(), key[:10]) {
		t.Errorf("list %s", w.Body)
	}
	if got := h.want(200, "DELETE", "/api/v1/keys/bot", ""); got["is_active"] != false {
		t.Errorf("revoked %v", got)
	}
	problem(t, h.call(key, "GET", "/api/v1/alerts", ""), 401)
	p := problem(t, h.call(h.admin, "POST", "/api/v1/keys", `{"name":"x","scopes":["root"]}`), 422)
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "/scopes" {
		t.Errorf("errors %+v", p.Errors)
	}
}
