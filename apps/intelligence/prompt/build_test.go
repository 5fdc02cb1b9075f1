package prompt

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

func TestHintsAreApart(t *testing.T) {
	t.Parallel()
	req := full("x", 1)
	req.Hint, req.Context = "Answer in German.\npassword=hunter2hunter2", "web-3 is behind\x1b[31m lb-1"
	p, _, err := Build(Input{Request: req, Marker: marked})
	if err != nil {
		t.Fatal(err)
	}
	before, _, raw := parts(t, p, testMarker)
	want := "From the operators of this hub:\nAnswer in German.\npassword=[redacted:password]\n\nWhat they know of this place:\nweb-3 is behind lb-1\n\n"
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("what operators add (-want +got):\n%s", diff)
	}
	if strings.Contains(raw, "German") || strings.Contains(raw, "lb-1") {
		t.Error("it is in the document as well")
	}
	req.Hint = strings.Repeat("h", 3*MaxHint)
	if p, b, err := Build(Input{Request: req}); err != nil || strings.Count(p.User, "h") > MaxHint+200 || !b.Cut {
		t.Errorf("a hint of any length goes in: %d bytes, %v", len(p.User), err)
	}
}

func TestMarker(t *testing.T) {
	t.Parallel()
	req := full("x data-0123456789ABCDEF y", 1)
	draws := []string{testMarker, testMarker, "data-fedcba9876543210"}
	next := func() string { m := draws[0]; draws = draws[1:]; return m }
	p, _, err := Build(Input{Request: req, Marker: next})
	if err != nil || len(draws) != 0 {
		t.Fatalf("drawn until one does not occur: %d left, %v", len(draws), err)
	}
	parts(t, p, "data-fedcba9876543210")
	if _, _, err := Build(Input{Request: &providers.Request{Hint: "0123456789abcdef"}, Marker: marked}); err == nil {
		t.Error("a marker that stands in a hint was taken")
	}
	if _, _, err := Build(Input{Request: req, Marker: marked}); err == nil {
		t.Error("a marker that occurs was taken when there is no other")
	}
	if _, _, err := Build(Input{Request: req, Marker: func() string { return "data-1\n" }}); err == nil {
		t.Error("what is no marker was taken")
	}
	seen := map[string]bool{}
	for range 50 {
		p, _, err := Build(Input{Request: full("x", 1)})
		if err != nil {
			t.Fatal(err)
		}
		m, _, _ := strings.Cut(p.User, "\n")
		if !markers.MatchString(m) || seen[m] {
			t.Fatalf("marker %q, seen %v", m, seen[m])
		}
		seen[m] = true
		parts(t, p, m)
	}
}

// keysOf are all keys of objects in a value.
func keysOf(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			out = append(append(out, k), keysOf(item)...)
		}
	case []any:
		for _, item := range v {
			out = append(out, keysOf(item)...)
		}
	}
	return out
}

func TestForeignTextIsNoKey(t *testing.T) {
	t.Parallel()
	p, _, err := Build(Input{Request: full("zqx", 2), Marker: marked})
	if err != nil {
		t.Fatal(err)
	}
	_, _, raw := parts(t, p, testMarker)
	var v any
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		t.Fatal(err)
	}
	for _, k := range keysOf(v) {
		if strings.Contains(k, "zqx") || k == "instance" || k == "usage_percent" {
			t.Errorf("the key %q is not of the hub", k)
		}
	}
	for _, s := range []string{`"zqx=zqx"`, `"instance=web-3"`, `\"usage_percent\":97.5`} {
		if !strings.Contains(raw, s) {
			t.Errorf("%s is not in the document:\n%s", s, raw)
		}
	}
}

func TestSecretsStayHere(t *testing.T) {
	t.Parallel()
	r := redact.New("canary-of-the-hub")
	req := full("canary-of-the-hub password=Hunter2Hunter2 bob@example.com", 3)
	req.Hint, req.Context = "canary-of-the-hub", "bob@example.com"
	req.Incident.Metadata = map[string]any{"headers": map[string]any{"X-Api-Key": "Hunter2Hunter2"}, "mail": "bob@example.com"}
	req.Evidence.Alerts[0].Labels = map[string]string{"db_password": "Hunter2Hunter2"}
	p, b, err := Build(Input{Request: req, Redactor: r, RedactEmails: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"canary-of-the-hub", "Hunter2", "bob@example.com"} {
		if strings.Contains(p.User, secret) || strings.Contains(string(b.Document), secret) {
			t.Errorf("%q is in the prompt", secret)
		}
	}
	if p, _, _ = Build(Input{Request: req, Redactor: r}); !strings.Contains(p.User, "bob@example.com") || strings.Contains(p.User, "canary-of-the-hub") {
		t.Error("e-mail addresses go by default, or secrets stay")
	}
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terms providers.Terms
		want  int
	}{
		"nothing said":     {providers.Terms{}, 6000},
		"the operator's":   {providers.Terms{MaxInput: 9000, Window: 200_000, MaxOutput: 4096}, 9000},
		"a small window":   {providers.Terms{MaxInput: 9000, Window: 8192, MaxOutput: 4096}, 4096},
		"hardly any":       {providers.Terms{Window: 8192, MaxOutput: 8000}, 2048},
		"an unknown model": {providers.Terms{MaxOutput: 4096}, 6000},
	} {
		if got := Budget(tt.terms); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	_, b, err := Build(Input{Request: full("some text", 40)})
	if err != nil || b.Half() >= b.Tokens || b.Half() <= tokens(fixed) {
		t.Fatalf("half of %d tokens is %d, %v", b.Tokens, b.Half(), err)
	}
	if _, small, err := Build(Input{Request: full("some text", 40), Budget: b.Half()}); err != nil || small.Tokens > b.Half() {
		t.Errorf("with half: %d of %d tokens, %v", small.Tokens, b.Half(), err)
	}
	for _, budget := range []int{1, tokens(fixed)} {
		if _, _, err := Build(Input{Request: full("some text", 40), Budget: budget}); !errors.Is(err, ErrBudget) {
			t.Errorf("a budget of %d tokens: %v", budget, err)
		}
	}
	if _, _, err := Build(Input{}); err == nil {
		t.Error("a prompt about nothing")
	}
}

// TestLeavesOut goes through all budgets: what is left out, in which order, and what never is.
func TestLeavesOut(t *testing.T) {
	t.Parallel()
	r := redact.New()
	in := prepared(r, full("some \"text\" of a log, äöü", 60), 0)
	before := []int{1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20}
	var least int
	shortened := false
	for budget := 30000; ; budget -= 119 {
		in.Budget, in.Marker = budget, marked
		p, b, err := Build(in)
		if errors.Is(err, ErrBudget) {
			least = budget
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_, d, _ := parts(t, p, testMarker)
		if n := tokens(len(p.System) + len(p.User)); n > budget || n != b.Tokens {
			t.Fatalf("%d tokens, said to be %d, of %d", n, b.Tokens, budget)
		}
		failed := 0
		for _, c := range d.Checks {
			if c.Status != "ok" {
				failed++
			}
		}
		if d.Incident == nil || !strings.HasPrefix(d.Incident.Title, "title") || d.Incident.Severity != "critical" || failed != 5 || d.Counts.ChecksFailed != 5 {
			t.Fatalf("at %d tokens the incident or some of the 5 failed checks are gone: %d, %+v", budget, failed, d.Incident)
		}
		got := []int{len(d.History), len(d.Changes), len(d.Runbooks), len(d.Checks), len(d.Alerts), len(d.Incident.Description)}
		want := Counts{
			Alerts: got[4], AlertsAll: 42, Checks: got[3], ChecksAll: 14, ChecksBad: 5, History: got[0], Changes: got[1], Runbooks: got[2], HasIncident: true, Cut: true,
		}
		if diff := cmp.Diff(want, b.Input); diff != "" || !b.Cut {
			t.Fatalf("counts (-want +got):\n%s", diff)
		}
		if d.Counts.Alerts != 42 || d.Counts.AlertsShown != len(d.Alerts) || d.Counts.Checks != 14 || d.Counts.ChecksShown != len(d.Checks) {
			t.Fatalf("counts in the document: %+v", d.Counts)
		}
		for i, n := range got[:5] {
			full := []int{5, 10, 5, 10, 10}
			if n > before[i] {
				t.Fatalf("at %d tokens there is more than before: %v, then %v", budget, before, got)
			}
			if n < full[i] && i > 0 && slices.Max(got[:i]) > 0 && i != 3 && i != 4 || i == 3 && n < full[i] && got[0]+got[1]+got[2] > 0 ||
				i == 4 && n < full[i] && (got[0]+got[1]+got[2] > 0 || got[3] > failed) {
				t.Fatalf("at %d tokens something went before its turn: %v", budget, got)
			}
		}
		shortened = shortened || strings.Contains(d.Incident.Description, " chars]") && len(d.Alerts) == 10
		before = got
	}
	if least < tokens(fixed) || least > tokens(fixed)+900 || before[4] != 0 || !shortened {
		t.Errorf("the least budget is %d tokens beside %d that are fixed; left at the end: %v", least, tokens(fixed), before)
	}
}

// TestShares: small texts stay whole beside large ones, and those keep their head and tail.
func TestShares(t *testing.T) {
	t.Parallel()
	log := "first line\n" + strings.Repeat("a line of a log that is long\n", 40) + "last line"
	req := &providers.Request{Incident: &providers.Incident{Title: "Disk full on db-1", Description: log, Severity: "critical", Status: "firing"}}
	for range 8 {
		req.Evidence.Alerts = append(req.Evidence.Alerts, providers.Alert{Name: "Log", Description: log[:760] + "the end", Severity: "warning"})
	}
	req.Evidence.Alerts = append(req.Evidence.Alerts, providers.Alert{Name: "Small", Description: "91.5 % of /var is used on db-1:9100", Severity: "warning"})
	p, b, err := Build(Input{Request: req, Budget: 3000, Marker: marked})
	if err != nil || b.Tokens < 2900 {
		t.Fatalf("%d tokens of 3000, %v", b.Tokens, err)
	}
	_, d, _ := parts(t, p, testMarker)
	if len(d.Alerts) != 9 || d.Alerts[8].Description != "91.5 % of /var is used on db-1:9100" || d.Incident.Title != "Disk full on db-1" {
		t.Errorf("what is small is not whole: %+v", d.Alerts)
	}
	for _, s := range []string{d.Incident.Description, d.Alerts[0].Description} {
		if !strings.Contains(s, "[cut ") || !strings.HasPrefix(s, "first line\n") || !strings.HasSuffix(s, "last line") && !strings.HasSuffix(s, "the end") {
			t.Errorf("not cut in the middle: %q", s)
		}
	}
	if a, b := quoted(d.Incident.Description), quoted(d.Alerts[0].Description); a-b > 12 || b-a > 12 {
		t.Errorf("the shares differ: %d and %d", a, b)
	}
}
