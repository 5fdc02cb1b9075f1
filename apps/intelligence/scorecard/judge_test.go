package scorecard_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/intelligence/scorecard"
	"github.com/incidenthub/incidenthub/providers"
)

// about is a recommendation with this title.
func about(kind, title string, evidence ...string) providers.Recommendation {
	return providers.Recommendation{Type: kind, Priority: "high", Title: title, Description: "d", Evidence: evidence, Details: map[string]any{}}
}

// blames is one with a culprit.
func blames(culprit map[string]any) providers.Recommendation {
	r := about("process", "java java java")
	r.Details["culprit"] = culprit
	return r
}

func judged(l scorecard.Label, list ...providers.Recommendation) scorecard.Score {
	return scorecard.Judge(&scorecard.Case{ID: "x", Label: l}, &scorecard.Said{Result: &providers.Result{Recommendations: list}, Rung: providers.RungProvider})
}

func shown(b *bool) string {
	switch {
	case b == nil:
		return "-"
	case *b:
		return "yes"
	default:
		return "no"
	}
}

// TestHits: who names the culprit, or without one the cause, or without that the type, has a hit.
func TestHits(t *testing.T) {
	t.Parallel()
	java := scorecard.Label{Culprit: &scorecard.Culprit{Name: "java"}}
	logs := scorecard.Label{Culprit: &scorecard.Culprit{Path: "/var/log/"}}
	pid := scorecard.Label{Culprit: &scorecard.Culprit{PID: 42, Name: "postgres"}}
	words := scorecard.Label{Keywords: scorecard.List{"deleted but open", "zombie"}}
	kind := scorecard.Label{Types: scorecard.List{"disk", "memory"}}
	all := scorecard.Label{Types: scorecard.List{"cpu"}, Culprit: &scorecard.Culprit{Name: "java"}, Keywords: scorecard.List{"loop"}}
	other := about("general", "Something else")
	for name, tt := range map[string]struct {
		label scorecard.Label
		said  []providers.Recommendation
		want  string // top-1, top-3, type, cause
	}{
		"nothing said":              {all, nil, "no no no no"},
		"named":                     {java, []providers.Recommendation{about("cpu", "Process JAVA is busy")}, "yes yes - -"},
		"a part of another name":    {java, []providers.Recommendation{about("cpu", "javac, java-agent, my.java.app, java.log and xjava")}, "no no - -"},
		"at the end of a sentence":  {java, []providers.Recommendation{about("cpu", "It is java.")}, "yes yes - -"},
		"second":                    {java, []providers.Recommendation{other, about("cpu", "java")}, "no yes - -"},
		"fourth":                    {java, []providers.Recommendation{other, other, other, about("cpu", "java")}, "no no - -"},
		"path":                      {logs, []providers.Recommendation{about("disk", "/var/log/ is full")}, "yes yes - -"},
		"a path below it":           {logs, []providers.Recommendation{about("disk", "/var/log/app is full, and /data/var/log")}, "no no - -"},
		"culprit given":             {pid, []providers.Recommendation{blames(map[string]any{"kind": "process", "pid": 42.0})}, "yes yes - -"},
		"another culprit given":     {java, []providers.Recommendation{blames(map[string]any{"name": "cron", "pid": 7.0})}, "no no - -"},
		"culprit of a wrong type":   {java, []providers.Recommendation{{Title: "java", Details: map[string]any{"culprit": "cron"}}}, "yes yes - -"},
		"cause":                     {words, []providers.Recommendation{about("disk", "Files are Deleted  but\nopen")}, "yes yes - yes"},
		"a word that goes on":       {words, []providers.Recommendation{about("process", "12 zombies")}, "yes yes - yes"},
		"a word inside another":     {words, []providers.Recommendation{about("process", "a crypto-xzombie")}, "no no - no"},
		"type alone":                {kind, []providers.Recommendation{about("memory", "m")}, "yes yes yes -"},
		"type alone, second":        {kind, []providers.Recommendation{other, about("disk", "d")}, "no yes no -"},
		"culprit without its cause": {all, []providers.Recommendation{about("cpu", "java")}, "yes yes yes no"},
		"cause without its culprit": {all, []providers.Recommendation{about("memory", "a loop")}, "no no no yes"},
	} {
		s := judged(tt.label, tt.said...)
		if got := shown(s.Top1) + " " + shown(s.Top3) + " " + shown(s.Type) + " " + shown(s.Cause); got != tt.want || s.FalseAlarm != nil {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	s := scorecard.Judge(&scorecard.Case{Label: words}, &scorecard.Said{Result: &providers.Result{ProbableCause: "A zombie."}, Rung: providers.RungProvider})
	if shown(s.Cause) != "yes" || shown(s.Top1) != "no" {
		t.Errorf("the cause without a recommendation: %+v", s)
	}
}

// TestHealthy: where nothing is wrong only an alarm is wrong, and silence by an error is none.
func TestHealthy(t *testing.T) {
	t.Parallel()
	low := about("cpu", "Busy, as always")
	low.Priority = "medium"
	l := scorecard.Label{Healthy: true}
	if s := judged(l, low); shown(s.FalseAlarm) != "no" || s.Top1 != nil || s.Type != nil {
		t.Errorf("%+v", s)
	}
	if s := judged(l, low, about("cpu", "On fire")); shown(s.FalseAlarm) != "yes" {
		t.Errorf("%+v", s)
	}
}

// TestClaims: what cites nothing that was given is unsupported, whatever the guards have made of it since.
func TestClaims(t *testing.T) {
	t.Parallel()
	known := &providers.Evidence{Alerts: make([]providers.Alert, 2), Checks: make([]providers.Check, 1)}
	guarded := about("disk", "One", "A1", "C1")
	guarded.Details["removed_actions"] = []any{map[string]any{"action": "rm -rf /"}, map[string]any{"action": "mkfs"}}
	said := &scorecard.Said{
		Result: &providers.Result{Recommendations: []providers.Recommendation{guarded, about("disk", "Two"), about("disk", "Three")}},
		Raw: &providers.Result{Recommendations: []providers.Recommendation{
			about("disk", "One", "a1 ", "C1", "C9"), about("disk", "Two", "A3", "H1"), about("disk", "Three"),
		}},
		Known: known, Rung: providers.RungProvider,
	}
	c := &scorecard.Case{Label: scorecard.Label{Types: scorecard.List{"disk"}, Evidence: scorecard.List{"C1", "A2"}}}
	s := scorecard.Judge(c, said)
	if s.Claims != 3 || s.Unsupported != 2 || s.Invented != 3 || s.Removed != 2 || s.Cited != 1 || s.ToCite != 2 {
		t.Errorf("%+v", s)
	}
	said.Raw = nil // then what is left of it
	if s := scorecard.Judge(c, said); s.Claims != 3 || s.Unsupported != 2 || s.Invented != 0 {
		t.Errorf("%+v", s)
	}
	said.Rung = providers.RungLocal
	if s := scorecard.Judge(c, said); s.Claims != 3 || s.Unsupported != 0 {
		t.Errorf("the local analyzer: %+v", s)
	}
	said.ErrorClass = providers.ErrTimeout // on a lower rung somebody else speaks
	if s := scorecard.Judge(c, said); s.Answered || s.Claims != 0 || s.Removed != 0 || s.Cited != 0 || shown(s.Top1) != "no" {
		t.Errorf("an error: %+v", s)
	}
	if s := scorecard.Judge(c, &scorecard.Said{Missing: true}); s.Top1 != nil || s.ToCite != 0 {
		t.Errorf("nothing recorded: %+v", s)
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	yes, no, n := new(true), new(false), func(v int64) *int64 { return &v }
	total := scorecard.Sum(scorecard.Contestant{Provider: "p"}, []scorecard.Score{
		{
			Rung: "provider", Answered: true, Grounded: true, Top1: yes, Top3: yes, Type: yes, Cause: no, Cited: 1, ToCite: 2, Claims: 3, Unsupported: 1, Removed: 2,
			PromptTokens: n(100), CompletionTokens: n(10), Cost: new(0.5), Seconds: 3,
		},
		{Rung: "provider", Answered: true, Truncated: true, Top1: no, Top3: yes, Invented: 2, Claims: 1, Cost: new(0.25), PromptTokens: n(1), Seconds: 1},
		{Rung: "facts", ErrorClass: "timeout", FalseAlarm: no, Seconds: 30},
		{Missing: true, Seconds: 99},
	})
	total.Scores = nil
	raw, err := json.Marshal(total)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"provider":"p","model":"","prompt_version":"","cases":4,"missing":1,"answered":2,"top1":{"n":1,"of":2},"top3":{"n":2,"of":2},"type":{"n":1,"of":1},` +
		`"cause":{"n":0,"of":1},"evidence":{"n":1,"of":2},"false_alarms":{"n":0,"of":1},"unsupported":{"n":1,"of":4},"unknown_ids":2,"removed_commands":2,` +
		`"truncated":1,"ungrounded":1,"rungs":{"facts":1,"provider":2},"error_classes":{"timeout":1},"prompt_tokens":101,"completion_tokens":10,` +
		`"tokens_unknown":1,"cost":0.75,"seconds":34,"median_seconds":3,"slowest_seconds":30,"incidents":null}`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Error(diff)
	}
}
