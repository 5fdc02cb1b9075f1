package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhy(t *testing.T) {
	t.Parallel()
	step := func(at, what, name, result, why, more string) string {
		return `{"at":"` + at + `","what":"` + what + `","name":` + text(name) + `,"result":"` + result + `","why":` + text(why) + more + `}`
	}
	link := func(r string) string { return `,"links":{"receipt":"` + r + `"}` }
	repeat := func(at, r string) string {
		return strings.Join([]string{
			step(at, "receipt", "default", "queued", "1 alert", link(r)), step(at, "fold", "Disk", "updated", "it fires already", link(r)),
			step(at, "ledger", "Disk", "suppressed(duplicate)", "told before", link(r)),
		}, ",")
	}
	a := newAPI(t, map[string]string{"GET /api/v1/why/a-1": `{"subject":{"kind":"alert","id":"a-1","title":` + text(hostile) + `},
		"verdict":"Nobody was told: the alert repeats a firing that channel ops was told of at 10:02:11Z","steps":[` + strings.Join([]string{
		step("2026-03-01T10:02:11Z", "route", "other", "miss", "severity is critical, wanted is warning", `,"values":{"alerts":3}`+link("r-1")),
		step("2026-03-01T10:02:11.25Z", "channel", "ops", "held_back", strings.Repeat("word ", 20), `,"links":{}`),
		step("2026-03-01T10:02:12Z", "ledger", "Disk", "dead(http_404)", "refused", link("r-1")),
		repeat("2026-03-01T10:03:00Z", "r-2"), repeat("2026-03-02T10:03:00Z", "r-3"), repeat("2026-03-02T10:04:00Z", "r-4"),
	}, ",") + `],"left_out":["Only the newest 50 receipts are shown; there are older ones."]}`})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	want := `disk [2J full
alert a-1

Nobody was told: the alert repeats a firing that channel ops was told of at
10:02:11Z

2026-03-01 (UTC)
10:02:11.000  route     other: miss - severity is critical, wanted is warning (3
                        alerts)
10:02:11.250  channel   ops: held back - word word word word word word word word
                        word word word word word word word word word word word
                        word
10:02:12.000  ledger    Disk: dead(http_404) - refused
10:03:00.000  ledger    Disk: suppressed(duplicate) - told before (3 such, the
                        last at 2026-03-02 10:04:00Z)

Repeats are cut short: --all shows 8 decisions more.

Only the newest 50 receipts are shown; there are older ones.
`
	if diff := cmp.Diff(want, s.ok(t, "", "why", "a-1")); diff != "" {
		t.Error(diff)
	}
	all := s.ok(t, "", "why", "a-1", "--all")
	if strings.Count(all, "fold ") != 3 || !strings.Contains(all, "\n2026-03-02 (UTC)\n") || strings.Contains(all, "cut short") {
		t.Error(all)
	}
	var got map[string]any
	decode(t, s.ok(t, "", "why", "a-1", "--json"), &got)
	if got["verdict"] == nil || len(got["steps"].([]any)) != 12 {
		t.Errorf("%v", got)
	}
}
