package api_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]func(*testing.T) *hub{"sqlite": onSQLite, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h(t)
			refs := map[string]string{}
			for i, kind := range []string{"deliver", "node", "deadline", "expiry", "fold", "other"} {
				ref := id.New()
				refs[kind] = ref.String()
				h.exec(`INSERT INTO jobs (kind, ref, node, tenant_id, queue, attempt, failures, rescues, due_at, lease_token, created_at) VALUES (?, ?, 'tell', 'default', 'notify', 3, 2, 1, ?, NULL, ?)`,
					kind, ref, h.db.Now().Add(time.Duration(i-10)*time.Minute), h.db.Now())
			}
			h.exec(`INSERT INTO jobs (kind, ref, node, tenant_id, queue, due_at, created_at) VALUES ('node', ?, '', 'acme', 'notify', ?, ?)`, id.New(), h.db.Now(), h.db.Now())

			got := h.want(200, "GET", "/api/v1/queues", "")
			list := got["queues"].([]any)
			if len(list) != 2 {
				t.Fatalf("%v", got)
			}
			idle, notify := list[0].(map[string]any), list[1].(map[string]any)
			if idle["name"] != "ingest" || idle["due"] != 0.0 || idle["rings"] != nil || idle["oldest_due_at"] != nil || idle["late"] != false {
				t.Errorf("idle: %v", idle)
			}
			if notify["due"] != 7.0 || notify["rescued"] != 6.0 || notify["late"] != true || notify["oldest_due_seconds"].(float64) < 599 ||
				notify["rings"].(map[string]any)["processed"] != 5.0 {
				t.Errorf("notify: %v", notify)
			}
			bell := got["doorbell"].(map[string]any)
			if bell["kind"] != "redis" || bell["away"] != "" || bell["processes"].([]any)[0].(map[string]any)["pid"] != 7.0 {
				t.Errorf("doorbell: %v", bell)
			}

			var about []string
			first := h.want(200, "GET", "/api/v1/queues/notify/jobs?limit=4&state=due", "")
			second := h.want(200, "GET", "/api/v1/queues/notify/jobs?limit=4&state=due&cursor="+first["next_cursor"].(string), "")
			for _, item := range append(first["items"].([]any), second["items"].([]any)...) {
				row := item.(map[string]any)
				about = append(about, row["about"].(string)+" "+row["url"].(string))
				if row["attempt"] != 3.0 || row["failures"] != 2.0 || row["rescues"] != 1.0 || row["held"] != false || row["state"] != "due" {
					t.Errorf("%v", row)
				}
			}
			want := []string{
				"delivery /api/v1/deliveries/" + refs["deliver"], "run /api/v1/runs/" + refs["node"], "run /api/v1/runs/" + refs["deadline"],
				"run /api/v1/runs/" + refs["expiry"], "receipt /api/v1/receipts/" + refs["fold"], " ",
			}
			if diff := cmp.Diff(want, about); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if newest := h.want(200, "GET", "/api/v1/queues/notify/jobs?order=newest&limit=1", ""); newest["items"].([]any)[0].(map[string]any)["kind"] != "other" {
				t.Errorf("newest: %v", newest)
			}
			if empty := h.want(200, "GET", "/api/v1/queues/ingest/jobs?state=held", ""); len(empty["items"].([]any)) != 0 || empty["next_cursor"] != "" {
				t.Errorf("empty: %v", empty)
			}
		})
	}
}

func TestQueuesRefuse(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for path, want := range map[string]struct {
		status   int
		location string
	}{
		"/api/v1/queues/elsewhere/jobs":       {404, ""},
		"/api/v1/queues/notify/jobs?cursor=x": {422, "query.cursor"},
		"/api/v1/queues/notify/jobs?state=x":  {422, "query.state"},
		"/api/v1/queues/notify/jobs?order=x":  {422, "query.order"},
		"/api/v1/queues/notify/jobs?limit=0":  {422, "query.limit"},
	} {
		p := problem(t, h.call(h.read, "GET", path, ""), want.status)
		if want.location != "" && (len(p.Errors) != 1 || p.Errors[0].Location != want.location) {
			t.Errorf("%s: %+v", path, p)
		}
	}
	if w := h.call(h.ingest, "GET", "/api/v1/queues", ""); w.Code != 403 {
		t.Errorf("a key for intake: %d", w.Code)
	}
}
