package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Why implements web.Explainer for the runs of h.
func (h *hub) Why(_ context.Context, _ string, about id.ID) (ledger.Explanation, error) {
	for i := range h.runs {
		if r := &h.runs[i]; r.ID == about {
			return ledger.Explanation{
				Subject: ledger.WhySubject{Kind: "run", ID: about.String(), Title: r.DefinitionName}, Verdict: "Nobody was told: <b>channel</b> ops was held back",
				Steps: []ledger.WhyStep{
					{At: r.CreatedAt, What: "receipt", Name: "default", Result: "queued", Why: "1 alert, read as grafana", Links: ledger.WhyLinks{Receipt: h.receipts[0].ID.String()}},
					{At: r.CreatedAt, What: "channel", Name: "ops", Result: "held_back", Why: "severity info is less than the channel wants, critical"},
				},
				Left: []string{"Only the newest 50 receipts are shown; there are older ones."},
			}, nil
		}
	}
	return ledger.Explanation{}, storage.ErrNotFound
}

func TestWhyPage(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	run := h.runs[0].ID.String()
	a := v.get("/why/" + run)
	for _, want := range []string{
		"Nobody was told: &lt;b&gt;channel&lt;/b&gt; ops", "severity info is less than the channel wants", `href="/runs/` + run + `"`,
		`href="/receipts/` + h.receipts[0].ID.String() + `"`, "Only the newest 50 receipts",
	} {
		if a.StatusCode != http.StatusOK || !strings.Contains(a.text, want) {
			t.Errorf("%d: no %q in %s", a.StatusCode, want, a.text)
		}
	}
	for _, about := range []string{"nonsense", id.New().String()} {
		if a := v.get("/why/" + about); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", about, a.StatusCode)
		}
	}
	for page, about := range map[string]string{
		"/runs/" + run: run, "/incidents/" + h.incidents[0].ID.String(): h.incidents[0].ID.String(), "/receipts/" + h.receipts[0].ID.String(): h.receipts[0].ID.String(),
		"/deliveries": h.told[0].ID.String(),
	} {
		if a := v.get(page); !strings.Contains(a.text, `href="/why/`+about+`"`) {
			t.Errorf("%s does not lead to why", page)
		}
	}
}
