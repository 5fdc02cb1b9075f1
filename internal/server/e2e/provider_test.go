package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

// languageModels are the kinds of providers that are asked in words.
var languageModels = []string{"claude", "copilot", "gemini", "grok", "mistral", "ollama", "openai"}

// TestProviders has each preset that analyses ask each language model by its own API: receivers are told what it said and who said it. Then
// the key is refused, and they are told who wrote it instead, and why.
func TestProviders(t *testing.T) {
	t.Parallel()
	features := map[string]feature{}
	for _, kind := range languageModels {
		features[kind] = func(t *testing.T, begin func(setup) hub) {
			disk := obj{"checks_run": 1, "checks_failed": 1, "results": obj{"disk": obj{"status": "critical", "message": "/ is 97 % full"}}}
			s := contexts(func(*orchestration.NodeContext) orchestration.Result { return gives(disk) })
			s.Probe = newBox(20, 20) // web-01, which the alerts are about
			h := begin(s)
			r, model := servertest.NewReceiver(t), providertest.New(t, kind)
			h.Tell("ops", r)
			h.Asks(model, nil)
			h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/direct", obj{"is_active": false})
			for n, preset := range []string{"ai-analyzed", "full", "local-smart"} {
				name := "Down-" + preset
				h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/"+preset, obj{"is_active": true})
				got := h.SendTo("?sync=1&pipeline="+preset, servertest.Fire(name))
				run := ended(t, h, got.RunIDs[0])
				m := r.Waits(n + 1)[n]
				reads(t, m, "Analysis by "+kind+" (fake-model-1):\n", "The disk of web-3 is nearly full.", "[high] Free space on /var: The spool below /var/spool grew.")
				if m.Title != "[CRITICAL] "+name || m.Severity != "critical" || run.Definition != preset {
					t.Errorf("%s: message %q, %s", preset, m.Title, m.Severity)
				}
				wrote(t, h, run.ID, servertest.Analysis{Provider: kind, Record: kind, Model: "fake-model-1", Status: "succeeded", Rung: "provider", Grounded: true, Count: 1})
				asked := model.Requests()
				if len(asked) != n+1 {
					t.Fatalf("%s: the model was asked %d times", preset, len(asked))
				}
				// JSON in JSON: what stands between the lines of the prompt.
				said := strings.ReplaceAll(string(asked[n].Body), `\"`, `"`)
				if !strings.Contains(said, name) || !strings.Contains(said, `"A1"`) || (preset != "ai-analyzed") != strings.Contains(said, "/ is 97 % full") {
					t.Errorf("%s: the model was asked %s", preset, said)
				}
			}
			model.Answer(providertest.Script{Status: http.StatusUnauthorized, Body: `{"error":{"message":"that is no key: ` + providertest.Key + `"}}`})
			run := ended(t, h, h.SendTo("?sync=1&pipeline=ai-analyzed", servertest.Fire("Refused")).RunIDs[0])
			m := r.Waits(4)[3]
			reads(t, m, "Analysis by the local analyzer ("+kind+": ")
			if m.Title != "[CRITICAL] Refused" || strings.Contains(string(m.Raw), providertest.Key) || strings.Contains(string(m.Raw), "that is no key") {
				t.Errorf("message %q\n%s", m.Title, m.Raw)
			}
			wrote(t, h, run.ID, servertest.Analysis{Provider: kind, Record: kind, Model: "local", Status: "failed", Rung: "local", ErrorClass: "auth", Fallback: true, Grounded: true})
			books(t, h, map[string]int64{"delivered": 4})
		}
	}
	inBothForms(t, features)
}

// wrote compares who wrote the one analysis of a run, and how.
func wrote(t *testing.T, h hub, run string, is servertest.Analysis) {
	t.Helper()
	list := h.Analyses("run_id=" + run)
	if len(list) != 1 {
		t.Fatalf("%d analyses", len(list))
	}
	a := list[0]
	if is.Rung == "provider" {
		if a.PromptTokens == nil || *a.PromptTokens != 900 || a.AnswerTokens == nil || *a.AnswerTokens != 120 || a.PromptVersion == "" {
			t.Errorf("tokens %v and %v, prompt %q", a.PromptTokens, a.AnswerTokens, a.PromptVersion)
		}
	} else {
		is.Count = a.Count // of the local analyzer, whatever it has found
	}
	want(t, "analysis", servertest.Analysis{
		Provider: a.Provider, Record: a.Record, Model: a.Model, Status: a.Status, Rung: a.Rung, ErrorClass: a.ErrorClass, Fallback: a.Fallback, Grounded: a.Grounded,
		Truncated: a.Truncated, Cached: a.Cached, Count: a.Count,
	}, is)
}
