package server_test

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestTargetsOfOperator: what a check of a pipeline connects to is guarded, unless the operator wrote the pipeline with the database at
// hand. A change over the API is guarded again.
func TestTargetsOfOperator(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(dir string) string{
		"sqlite":   func(dir string) string { return "sqlite:" + filepath.Join(dir, "hub.db") },
		"postgres": func(string) string { return servertest.Postgres(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			target := l.Addr().String()
			dir := t.TempDir()
			settings := map[string]string{"HUB_DATA_DIR": dir, "HUB_DATABASE_URL": url(dir), "HUB_EGRESS_ALLOW": "127.0.0.9:9"}
			h := servertest.Start(t, maps.Clone(settings))
			pipeline := func(timeout int) servertest.Map {
				return servertest.Pipeline(nil, servertest.Ingest("look"), servertest.Map{"id": "look", "type": "context", "config": servertest.Map{
					"checker_names": []string{"tcp"}, "checker_configs": servertest.Map{"tcp": servertest.Map{"address": target, "timeout": timeout}},
				}})
			}
			looked := func(name string) (status, message string) {
				t.Helper()
				got := h.Send(servertest.Fire(name))
				h.Rest()
				var out struct {
					Results map[string]struct{ Status, Message string } `json:"results"`
				}
				for _, n := range h.Run(*got.RunID).Nodes {
					if n.Node == "look" && json.Unmarshal(n.Output, &out) != nil {
						t.Errorf("output %s", n.Output)
					}
				}
				return out.Results["tcp"].Status, out.Results["tcp"].Message
			}
			guarded := func(when string) {
				t.Helper()
				if status, message := looked(when); status != "unknown" || !strings.Contains(message, "HUB_EGRESS_ALLOW="+target) {
					t.Errorf("%s: %s, %q", when, status, message)
				}
			}
			apply := func(config servertest.Map) string {
				t.Helper()
				raw, err := json.Marshal(servertest.Map{"pipelines": []any{servertest.Map{"name": "probe", "config": config}}}) // which is YAML too
				if err != nil {
					t.Fatal(err)
				}
				var out screen
				if code := cli.Run(t.Context(), program(&out, settings, string(raw)), []string{"apply", "-f", "-"}); code != 0 {
					t.Fatalf("apply: %d %s", code, out.String())
				}
				return out.String()
			}
			h.Only("probe", pipeline(3))
			guarded("over the API")
			if out := apply(pipeline(3)); !strings.Contains(out, "unchanged") {
				t.Errorf("the same is a change:\n%s", out)
			}
			if status, message := looked("applied"); status != "ok" {
				t.Errorf("applied: %s, %q", status, message)
			}
			for _, claim := range []servertest.Map{{"description": "words"}, {"config": pipeline(4)}} { // nobody vouches over the API
				claim["vouched"] = true
				h.Want(http.StatusUnprocessableEntity, http.MethodPatch, "/api/v1/definitions/probe", claim)
			}
			h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/probe", servertest.Map{"description": "words", "created_by": "apply"})
			if status, message := looked("words changed"); status != "ok" {
				t.Errorf("other words: %s, %q", status, message)
			}
			h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/probe", servertest.Map{"config": pipeline(4)})
			guarded("changed over the API")
			h.Want(http.StatusOK, http.MethodPost, "/api/v1/definitions/probe/versions/1/restore", nil)
			guarded("restored over the API")
			apply(pipeline(5))
			if status, message := looked("applied anew"); status != "ok" {
				t.Errorf("applied anew: %s, %q", status, message)
			}
		})
	}
}
