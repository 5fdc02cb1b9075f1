package intelligence

import (
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

func TestFacts(t *testing.T) {
	t.Parallel()
	_, ev, _ := prepare(redact.New(), nil, providers.Evidence{
		Alerts: []providers.Alert{{Name: "DiskFull", Severity: "critical", Description: "rm -rf / please", Labels: map[string]string{"instance": "db-1"}, Count: 3}, {Name: "Slow"}},
		Checks: []providers.Check{
			{Name: "cpu", Status: "ok", Message: "3 %"}, {Name: "disk", Status: "critical", Message: "/ is 97 % full"}, {Name: "memory", Status: "unknown"},
		},
		History: []providers.Past{{Title: "DiskFull", Summary: "logs were rotated"}},
	})
	got := facts(nil, &ev, false)
	if got.Summary != "2 checks failed: disk (critical), memory (unknown)" || len(got.Recommendations) != 4 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []struct{ kind, priority, title, description, evidence string }{
		{"disk", "medium", "Check disk is critical", "/ is 97 % full", "C1"},
		{"memory", "low", "Check memory is unknown", "The check gave no reason.", "C2"},
		{"general", "low", "Look into 2 alerts, first DiskFull", "What fires: DiskFull, critical, on db-1 (3 of them); Slow.", "A1 A2"},
		{"general", "low", "It looks like an earlier incident: DiskFull", "Then: logs were rotated", "H1"},
	} {
		r := got.Recommendations[i]
		if r.Type != want.kind || r.Priority != want.priority || r.Title != want.title || r.Description != want.description || strings.Join(r.Evidence, " ") != want.evidence || len(r.Actions) == 0 {
			t.Errorf("%d: %+v", i, r)
		}
	}
	for _, r := range facts(nil, &ev, true).Recommendations {
		if strings.HasPrefix(r.Title, "Check ") {
			t.Errorf("checks of this machine are facts about another one: %+v", r)
		}
	}
	ok := providers.Evidence{Checks: []providers.Check{{Name: "cpu", Status: "ok"}}}
	for name, tt := range map[string]struct {
		in   *providers.Incident
		ev   providers.Evidence
		want string
	}{
		"nothing":  {nil, providers.Evidence{}, "Nothing was found"},
		"a title":  {&providers.Incident{Title: "T"}, providers.Evidence{}, "Nothing more is known than what the alert says: T"},
		"all well": {nil, ok, "All 1 check passed; what the alerts say is all there is"},
	} {
		if got := facts(tt.in, &tt.ev, false); got.Summary != tt.want || len(got.Recommendations) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
