package intelligence

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// readFixture reads one of the shared files of answers; the test is skipped where they are not.
func readFixture(t *testing.T, name string, out any) {
	t.Helper()
	dir := os.Getenv("INCIDENTHUB_FIXTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "llm", name))
	if err != nil {
		t.Skipf("no shared fixtures (INCIDENTHUB_FIXTURES): %v", err)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
}

// judged is what becomes of a model's text: the analysis, or false when somebody else has to answer.
func judged(t *testing.T, r *providers.Request, text, finish string, secrets ...string) (*Analysis, bool) {
	t.Helper()
	a, err := NewAnalyzer(AnalyzerConfig{Providers: noProviders{}, Log: slog.New(slog.DiscardHandler), Redact: redact.New(secrets...)})
	if err != nil {
		t.Fatal(err)
	}
	if finish == "refusal" || finish == "content_filter" { // every provider makes an error of it
		return nil, false
	}
	answer := &providers.Answer{Text: text, Cut: finish == "length"}
	if err := understand(r, answer, ""); err != nil {
		return nil, false
	}
	out := &Analysis{}
	a.finish(out, r, climbed{answer: answer, rung: providers.RungProvider})
	return out, true
}

type noProviders struct{}

func (noProviders) Names() []string { return nil }

func (noProviders) Make(string, json.RawMessage) (providers.Provider, error) {
	return nil, ErrUnknownProvider
}

// shown are the texts of an analysis, apart from those of commands that were taken out.
func shown(a *Analysis) string {
	all := []string{a.Summary, a.ProbableCause}
	for _, r := range a.Recommendations {
		all = append(append(all, r.Title, r.Description), r.Actions...)
	}
	return strings.Join(all, "\n")
}

type malformedCase struct {
	ID, Finish string
	Context    struct {
		Evidence []string `json:"evidence_ids"`
	}
	Raw      string `json:"raw_output"`
	Expected struct {
		Parse, Fallback string
		Count           *int              `json:"recommendations_count"`
		Types           []string          `json:"types"`
		Priorities      []string          `json:"priorities"`
		Summary         string            `json:"summary_contains"`
		NotSummary      string            `json:"summary_not_contains"`
		Cause           string            `json:"probable_cause_contains"`
		Titles          []string          `json:"titles_contain"`
		Description     string            `json:"description_contains"`
		Actions         []string          `json:"actions_contain"`
		NotActions      []string          `json:"actions_must_not_include"`
		Counts          []json.RawMessage `json:"actions_counts"`
		Confidence      json.RawMessage   `json:"confidence"`
		Evidence        [][]string        `json:"evidence"`
		Grounded        []bool            `json:"grounded"`
		Truncated       *bool             `json:"truncated"`
		Longest         int               `json:"description_max"`
		Absent          []string          `json:"result_absent"`
	}
}

// TestFixtureMalformed runs the shared texts of models through the parser and the guards.
func TestFixtureMalformed(t *testing.T) {
	t.Parallel()
	var file struct{ Cases []malformedCase }
	readFixture(t, "malformed.json", &file)
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			r := &providers.Request{Incident: &providers.Incident{Title: "Disk full"}}
			for _, id := range c.Context.Evidence {
				switch id[0] {
				case 'A':
					r.Evidence.Alerts = append(r.Evidence.Alerts, providers.Alert{ID: id, Name: "Disk"})
				case 'C':
					r.Evidence.Checks = append(r.Evidence.Checks, providers.Check{ID: id, Name: "disk"})
				case 'H':
					r.Evidence.History = append(r.Evidence.History, providers.Past{ID: id})
				case 'R':
					r.Evidence.Changes = append(r.Evidence.Changes, providers.Change{ID: id})
				}
			}
			a, ok := judged(t, r, c.Raw, c.Finish)
			if local := c.Expected.Fallback == "local"; local || !ok {
				if local == ok {
					t.Fatalf("answered %t: %+v", ok, a)
				}
				return
			}
			c.check(t, a)
		})
	}
}

func (c *malformedCase) check(t *testing.T, a *Analysis) {
	t.Helper()
	want := &c.Expected
	var got struct{ types, priorities, titles, descriptions, actions []string }
	var evidence [][]string
	var grounded []bool
	for _, r := range a.Recommendations {
		got.types, got.priorities = append(got.types, r.Type), append(got.priorities, r.Priority)
		got.titles, got.descriptions = append(got.titles, r.Title), append(got.descriptions, r.Description)
		got.actions = append(got.actions, r.Actions...)
		evidence, grounded = append(evidence, r.Evidence), append(grounded, r.Grounded != nil && *r.Grounded)
		if want.Longest > 0 && len(r.Description) > want.Longest {
			t.Errorf("a description of %d bytes", len(r.Description))
		}
	}
	if want.Count != nil && len(a.Recommendations) != *want.Count {
		t.Errorf("%d recommendations, want %d", len(a.Recommendations), *want.Count)
	}
	for name, pair := range map[string][2]any{"types": {want.Types, got.types}, "priorities": {want.Priorities, got.priorities}, "evidence": {want.Evidence, evidence}, "grounded": {want.Grounded, grounded}} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" && !isEmpty(pair[0]) {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if !strings.Contains(a.Summary, want.Summary) || !strings.Contains(a.ProbableCause, want.Cause) || want.NotSummary != "" && strings.Contains(a.Summary, want.NotSummary) {
		t.Errorf("summary %q, cause %q", a.Summary, a.ProbableCause)
	}
	for i, s := range want.Titles {
		if i >= len(got.titles) || !strings.Contains(got.titles[i], s) {
			t.Errorf("titles %q lack %q", got.titles, s)
		}
	}
	for _, s := range want.Actions {
		if !slices.ContainsFunc(got.actions, func(a string) bool { return strings.Contains(a, s) }) {
			t.Errorf("actions %q lack %q", got.actions, s)
		}
	}
	for _, s := range want.NotActions {
		if slices.ContainsFunc(got.actions, func(a string) bool { return strings.Contains(a, s) }) {
			t.Errorf("actions %q hold %q", got.actions, s)
		}
	}
	if !strings.Contains(strings.Join(got.descriptions, "\n"), want.Description) {
		t.Errorf("descriptions %q", got.descriptions)
	}
	for _, s := range want.Absent {
		if strings.Contains(shown(a), s) {
			t.Errorf("%q is left", s)
		}
	}
	if want.Truncated != nil && a.Truncated != *want.Truncated {
		t.Errorf("truncated %t", a.Truncated)
	}
	c.counts(t, a)
	c.confidence(t, a.Confidence)
}

func isEmpty(v any) bool {
	raw, err := json.Marshal(v)
	return err == nil && (string(raw) == "null" || string(raw) == "[]")
}

func (c *malformedCase) counts(t *testing.T, a *Analysis) {
	t.Helper()
	for i, raw := range c.Expected.Counts {
		var most [2]int
		if json.Unmarshal(raw, &most) != nil {
			if err := json.Unmarshal(raw, &most[0]); err != nil {
				t.Fatal(err)
			}
			most[1] = most[0]
		}
		if n := len(a.Recommendations[i].Actions); n < most[0] || n > most[1] {
			t.Errorf("%d actions of item %d, want %v", n, i, most)
		}
	}
}

func (c *malformedCase) confidence(t *testing.T, got *float64) {
	t.Helper()
	if c.Expected.Confidence == nil {
		return
	}
	var want *[2]float64
	if err := json.Unmarshal(c.Expected.Confidence, &want); err != nil {
		t.Fatal(err)
	}
	if (want == nil) != (got == nil) || want != nil && (*got < want[0] || *got > want[1]) {
		t.Errorf("confidence %v, want %s", got, c.Expected.Confidence)
	}
}

type injectionCase struct {
	ID    string
	Alert struct {
		Name, Severity, Description string
		Labels, Annotations         map[string]string
	}
	Output  string `json:"obedient_output"`
	Context struct {
		Provider map[string]any    `json:"provider_config"`
		History  []json.RawMessage `json:"history"`
		Checks   []json.RawMessage `json:"checks"`
	}
	Must struct {
		Absent   []string `json:"result_absent"`
		Present  []string `json:"result_present"`
		Grounded []bool
	}
}

// TestFixtureInjection lets a model do what hostile alerts want, and looks at what is left of its answers.
func TestFixtureInjection(t *testing.T) {
	t.Parallel()
	var file struct{ Cases []injectionCase }
	readFixture(t, "injection.json", &file)
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			labels := map[string]string{}
			for _, m := range []map[string]string{c.Alert.Labels, c.Alert.Annotations} {
				maps.Copy(labels, m)
			}
			var secrets []string
			for _, v := range c.Context.Provider {
				if s, ok := v.(string); ok {
					secrets = append(secrets, s)
				}
			}
			r := &providers.Request{
				Incident: &providers.Incident{Title: c.Alert.Name, Description: c.Alert.Description, Severity: c.Alert.Severity, Labels: labels},
				Evidence: providers.Evidence{Alerts: []providers.Alert{{ID: "A1", Name: c.Alert.Name, Description: c.Alert.Description, Labels: labels}}},
			}
			for _, h := range c.Context.History {
				r.Evidence.History = append(r.Evidence.History, providers.Past{ID: "H1", Summary: string(h)})
			}
			for _, h := range c.Context.Checks {
				r.Evidence.Checks = append(r.Evidence.Checks, providers.Check{ID: "C1", Message: string(h)})
			}
			a, ok := judged(t, r, c.Output, "stop", secrets...)
			if !ok { // the local analyzer says nothing of what the model said
				if len(c.Must.Present) > 0 || len(c.Must.Grounded) > 0 {
					t.Fatal("the answer was thrown away")
				}
				return
			}
			for _, s := range c.Must.Absent {
				if strings.Contains(shown(a), s) {
					t.Errorf("%q is left in\n%s", s, shown(a))
				}
			}
			for _, s := range c.Must.Present {
				if !strings.Contains(shown(a), s) {
					t.Errorf("%q is not in\n%s", s, shown(a))
				}
			}
			var grounded []bool
			for _, i := range a.Recommendations {
				grounded = append(grounded, i.Grounded != nil && *i.Grounded)
			}
			if diff := cmp.Diff(c.Must.Grounded, grounded); len(c.Must.Grounded) > 0 && diff != "" {
				t.Errorf("grounded (-want +got):\n%s", diff)
			}
		})
	}
}
