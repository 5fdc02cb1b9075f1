package server_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

// injection is an alert by somebody who wants something of the model, what a model says that obeys, and what must hold all the same.
type injection struct {
	ID    string
	Alert struct {
		Name, Severity, Description string
		Labels, Annotations         map[string]string
	}
	Context struct {
		Provider map[string]any   `json:"provider_config"`
		Checks   []map[string]any `json:"checks"`
		History  []map[string]any `json:"history"`
	}
	Obedient string `json:"obedient_output"`
	Must     struct {
		Delimited      bool
		SystemClean    bool `json:"system_text_clean"`
		NoEscape       bool `json:"no_marker_escape"`
		Severity       string
		Title          string   `json:"title_contains"`
		NoSideEffects  bool     `json:"no_side_effects"`
		OutboundAbsent []string `json:"outbound_absent"`
		Outbound       []string `json:"outbound_present"`
		ResultAbsent   []string `json:"result_absent"`
		Result         []string `json:"result_present"`
		Grounded       []bool
	}
}

// TestInjections: what an alert says steers nobody, even if the model does all that it says.
func TestInjections(t *testing.T) {
	t.Parallel()
	injections(t, filepath.Join("testdata", "injection.json"))
}

// TestInjectionFixtures does the same with the cases that lie beside the repository on development machines.
func TestInjectionFixtures(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("INCIDENTHUB_FIXTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	path := filepath.Join(dir, "llm", "injection.json")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no fixtures: %v", err)
	}
	injections(t, path)
}

func injections(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []injection }
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Cases) == 0 {
		t.Fatalf("%s: %d cases, %v", path, len(file.Cases), err)
	}
	// The same without anything hostile, to compare with.
	var harmless injection
	if err := json.Unmarshal([]byte(`{"alert": {"name": "HighCPU", "severity": "warning", "description": "busy", "labels": {"instance": "web-3"}}}`), &harmless); err != nil {
		t.Fatal(err)
	}
	harmless.Obedient = providertest.Analysis
	want := inject(t, &harmless)
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			got := inject(t, &c)
			got.outbound(t, &c, &want)
			got.shown(t, &c)
			if diff := cmp.Diff(want.state, got.state); c.Must.NoSideEffects && diff != "" {
				t.Errorf("something else has changed:\n%s", diff)
			}
		})
	}
}

// injected is what came of a case.
type injected struct {
	bodies  [][]byte // of questions to the model
	system  string
	user    string
	message servertest.Message
	run     servertest.Analysis
	state   map[string]int // rows by table, and files of the hub
	in      servertest.Incident
}

// inject sends a case through a hub of its own.
func inject(t *testing.T, c *injection) injected {
	t.Helper()
	dir := t.TempDir()
	h := servertest.StartWith(t, servertest.Setup{
		Env:      map[string]string{"HUB_DATA_DIR": dir, "HUB_DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "hub.db")},
		Handlers: map[string]orchestration.Handler{"context": known{c}}, Probe: &quiet{},
	})
	r, model := servertest.NewReceiver(t), providertest.New(t, "openai")
	if c.Context.Provider["api_key"] != nil {
		model.Lenient() // it wants its own key
	}
	model.OK(c.Obedient)
	h.Tell("ops", r)
	h.Asks(model, c.Context.Provider)
	preset(t, h, "full")
	body, err := json.Marshal(obj{"alerts": []obj{{
		"name": c.Alert.Name, "status": "firing", "severity": c.Alert.Severity, "description": c.Alert.Description, "labels": c.Alert.Labels,
		"annotations": c.Alert.Annotations,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	got := h.SendTo("generic/?sync=1", string(body))
	out := injected{message: r.Waits(1)[0]}
	h.Rest()
	out.in = h.Incident()
	out.run = h.Analysis(h.Analyses("run_id=" + *got.RunID)[0].ID)
	for _, q := range model.Requests() {
		out.bodies = append(out.bodies, q.Body)
	}
	if len(out.bodies) != 1 {
		t.Fatalf("the model was asked %d times", len(out.bodies))
	}
	var chat struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.Unmarshal(out.bodies[0], &chat); err != nil || len(chat.Messages) != 2 || chat.Messages[0].Role != "system" || chat.Messages[1].Role != "user" {
		t.Fatalf("the question is %s", out.bodies[0])
	}
	out.system, out.user = chat.Messages[0].Content, chat.Messages[1].Content
	out.state = map[string]int{"messages told": len(r.All())}
	for table, rows := range everyRow(t, h.Server.DB()) {
		switch table {
		case "incidents", "alerts", "runs", "channels", "definitions", "definition_versions", "sources", "api_keys", "providers", "deliveries", "secrets", "changes", "analyses":
			out.state[table] = strings.Count(rows, "\nid=") + strings.Count("\n"+rows[:min(len(rows), 3)], "\nid=")
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		out.state["file "+f.Name()] = 1
	}
	return out
}

// known is a context node that has found what a case says.
type known struct{ of *injection }

// Run implements orchestration.Handler.
func (k known) Run(*orchestration.NodeContext) orchestration.Result {
	return orchestration.Result{Output: obj{
		"checks_run": len(k.of.Context.Checks), "checks_failed": 0, "results": obj{},
		"evidence": obj{"checks": k.of.Context.Checks, "history": k.of.Context.History},
	}}
}

var marker = regexp.MustCompile(`data-[0-9a-f]{16}`)

// outbound looks at what the model was asked.
func (in *injected) outbound(t *testing.T, c *injection, harmless *injected) {
	t.Helper()
	if c.Must.SystemClean && in.system != harmless.system {
		t.Error("the system text is another one")
	}
	around := func(user string) (before, inside, after, mark string) {
		marks := marker.FindAllString(user, -1)
		if len(marks) < 2 || marks[0] != marks[len(marks)-1] {
			t.Fatalf("the document does not stand between two lines: %s", user)
		}
		mark = marks[0]
		first, last := strings.Index(user, mark), strings.LastIndex(user, mark)
		return user[:first], user[first+len(mark) : last], user[last+len(mark):], mark
	}
	before, inside, after, mark := around(in.user)
	wasBefore, _, wasAfter, wasMark := around(harmless.user)
	if c.Must.Delimited && (before != wasBefore || after != wasAfter || mark == wasMark) {
		t.Errorf("around the document, by %s:\n%s…\n%s", mark, before, after)
	}
	if c.Must.NoEscape && (strings.Count(in.user, mark) != strings.Count(harmless.user, wasMark) || strings.Contains(inside, mark) || !json.Valid([]byte(inside))) {
		t.Errorf("the document is open: %s", in.user)
	}
	var document any
	_ = json.Unmarshal([]byte(inside), &document)
	all := string(in.bodies[0]) + "\n" + in.user + "\n" + stringsOf(document)
	for _, s := range c.Must.OutboundAbsent {
		if strings.Contains(all, s) {
			t.Errorf("%q went out:\n%s", s, in.user)
		}
	}
	for _, s := range c.Must.Outbound {
		if !strings.Contains(all, s) {
			t.Errorf("%q did not go out:\n%s", s, in.user)
		}
	}
}

// stringsOf are all texts of a document, keys and values.
func stringsOf(v any) string {
	var b strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			b.WriteString(v + "\n")
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				b.WriteString(k + "\n")
				walk(v[k])
			}
		}
	}
	walk(v)
	return b.String()
}

// shown looks at what is stored and told.
func (in *injected) shown(t *testing.T, c *injection) {
	t.Helper()
	result := []string{in.run.Summary, in.run.Cause}
	grounded := []bool{}
	for _, r := range in.run.Recommendations {
		result = append(result, r.Title, r.Description)
		result = append(result, r.Actions...)
		grounded = append(grounded, len(r.Evidence) > 0)
	}
	stored := strings.Join(result, "\n")
	_, told, found := strings.Cut(in.message.Text, "\nAnalysis by ")
	if !found {
		_, told, found = strings.Cut(in.message.Text, "\nThe facts, without an analysis")
	}
	if !found { // of a machine that is not the alert's
		_, told, found = strings.Cut(in.message.Text, "\nLooked at web-01, which is not web-3; no analysis: ")
	}
	if !found {
		t.Errorf("the message has no analysis:\n%s", in.message.Text)
	}
	for _, s := range c.Must.ResultAbsent {
		if strings.Contains(stored, s) || strings.Contains(told, s) {
			t.Errorf("%q is in the analysis:\n%s\ntold:\n%s", s, stored, told)
		}
	}
	for _, s := range c.Must.Result {
		if !strings.Contains(stored, s) {
			t.Errorf("%q is not in the analysis:\n%s", s, stored)
		}
	}
	if c.Must.Grounded != nil && !slices.Equal(grounded, c.Must.Grounded) {
		t.Errorf("grounded %v, want %v", grounded, c.Must.Grounded)
	}
	if in.in.Severity != c.Must.Severity || in.message.Severity != c.Must.Severity || in.in.Status != "firing" && in.in.Status != "open" {
		t.Errorf("severity %s and %s, want %s; status %s", in.in.Severity, in.message.Severity, c.Must.Severity, in.in.Status)
	}
	if !strings.Contains(in.in.Title, c.Must.Title) || !strings.Contains(in.message.Title, c.Must.Title) {
		t.Errorf("titles %q and %q, want %q", in.in.Title, in.message.Title, c.Must.Title)
	}
	if key, _ := c.Context.Provider["api_key"].(string); key != "" && bytes.Contains(in.message.Raw, []byte(key)) {
		t.Error("the key is in the message")
	}
}
