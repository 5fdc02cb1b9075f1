package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// telling is a definition with one step that tells channels.
func telling(name, channels string) string {
	return `{"name":"` + name + `","config":{"version":"1.0","nodes":[{"id":"in","type":"ingest"},{"id":"tell","type":"notify","config":{"channels":` + channels + `}}]}}`
}

// warnings are those of an answer, none when it has none.
func warnings(answer map[string]any) []string {
	out := []string{}
	list, _ := answer["warnings"].([]any)
	for _, w := range list {
		out = append(out, w.(string))
	}
	return out
}

// TestChannelsThatPipelinesName: whoever takes a name away that pipelines have for a channel hears of it, and so does whoever names one in vain.
func TestChannelsThatPipelinesName(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]func(*testing.T) *hub{"sqlite": onSQLite, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h(t)
			said := func(what string, answer map[string]any, want ...string) {
				t.Helper()
				if diff := cmp.Diff(append([]string{}, want...), warnings(answer)); diff != "" {
					t.Errorf("%s:\n%s", what, diff)
				}
			}
			h.want(201, "POST", "/api/v1/channels", `{"name":"ops","driver":"hook","config":{"endpoint":"https://ops.example/in"}}`)
			said("a pipeline whose channels are there", h.want(201, "POST", "/api/v1/definitions", telling("full", `["ops"]`)))
			const vain = `pipeline "more" names "desk", which does not exist, and others: only the others are told`
			said("one that names another", h.want(201, "POST", "/api/v1/definitions", telling("more", `["desk","ops"]`)), vain)
			said("it is read", h.want(200, "GET", "/api/v1/definitions/more", ""), vain)
			said("a copy", h.want(201, "POST", "/api/v1/definitions/full/clone", `{"name":"spare"}`))

			said("renamed", h.want(200, "PATCH", "/api/v1/channels/ops", `{"name":"desk"}`),
				`pipeline "full" names "ops": change it, or its messages go nowhere`,
				`pipeline "more" names "ops" and others: change it, or only the others are told`,
				`pipeline "spare", which is not active, names "ops": change it before it is activated`)
			said("another change", h.want(200, "PATCH", "/api/v1/channels/desk", `{"description":"x"}`))
			said("a plain read", h.want(200, "GET", "/api/v1/channels/desk", ""))
			said("switched off", h.want(200, "PATCH", "/api/v1/channels/desk", `{"is_active":false}`),
				`pipeline "more" names "desk", which is told nothing, and others: only the others are told`)
			said("the pipeline", h.want(200, "GET", "/api/v1/definitions/more", ""),
				`pipeline "more" names "desk", which is told nothing, and others: only the others are told`,
				`pipeline "more" names "ops", which does not exist, and others: only the others are told`)
			said("made again, and off", h.want(201, "POST", "/api/v1/channels", `{"name":"ops","driver":"hook","is_active":false,"config":{"endpoint":"https://ops.example/in"}}`),
				`pipeline "full" names "ops", which is told nothing: its messages go nowhere`,
				`pipeline "more" names "ops", which is told nothing, and others: only the others are told`,
				`pipeline "spare", which is not active, names "ops", which is told nothing`)

			p := problem(t, h.call(h.edit, "DELETE", "/api/v1/channels/ops", ""), http.StatusConflict)
			if p.Detail != `delete channel "ops": active pipelines name it; change them first, or switch the channel off instead: full, more` {
				t.Errorf("deleted: %s", p.Detail)
			}
			said("switched off for good", h.want(200, "PATCH", "/api/v1/definitions/full", `{"is_active":false}`),
				`pipeline "full", which is not active, names "ops", which is told nothing`)
			h.want(200, "PATCH", "/api/v1/definitions/more", strings.Replace(telling("more", `["*"]`), `"name":"more",`, "", 1))
			h.want(204, "DELETE", "/api/v1/channels/ops", "")
			said("activated", h.want(200, "PATCH", "/api/v1/definitions/full", `{"is_active":true}`), `pipeline "full" names "ops", which does not exist: its messages go nowhere`)
			for _, d := range h.want(200, "GET", "/api/v1/definitions", "")["items"].([]any) {
				d := d.(map[string]any)
				want := map[string][]string{
					"full":  {`pipeline "full" names "ops", which does not exist: its messages go nowhere`},
					"spare": {`pipeline "spare", which is not active, names "ops", which does not exist`},
				}[d["name"].(string)]
				said("in the list: "+d["name"].(string), d, want...)
			}
			problem(t, h.call(h.edit, "DELETE", "/api/v1/channels/nobody", ""), http.StatusNotFound)
			said("the contract's answer is as it was", h.want(200, "GET", "/orchestration/definitions/full", ""))
		})
	}
}
