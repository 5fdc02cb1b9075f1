package prompt

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// outbound is a hostile alert, and what must hold of what leaves.
type outbound struct {
	ID    string `json:"id"`
	Alert struct {
		Name, Severity, Description string
		Labels, Annotations         map[string]string
	} `json:"alert"`
	Context struct {
		History []json.RawMessage `json:"history"` // a text, or an incident
		Checks  []json.RawMessage `json:"checks"`
		Config  map[string]any    `json:"provider_config"`
	} `json:"context"`
	Must struct {
		Delimited bool     `json:"delimited"`
		Clean     bool     `json:"system_text_clean"`
		NoEscape  bool     `json:"no_marker_escape"`
		Absent    []string `json:"outbound_absent"`
		Present   []string `json:"outbound_present"`
	} `json:"must"`
}

// request is the case as an analysis sees it; foreign are its texts.
func (c *outbound) request(t *testing.T) (req *providers.Request, foreign []string) {
	t.Helper()
	a := c.Alert
	req = &providers.Request{Incident: &providers.Incident{
		Title: a.Name, Description: a.Description, Severity: a.Severity, Status: "firing", Labels: a.Labels, StartedAt: noon,
		Metadata: map[string]any{"annotations": a.Annotations},
	}}
	req.Evidence.Alerts = []providers.Alert{{
		Name: a.Name, Description: a.Description, Severity: a.Severity, Status: "firing", Labels: map[string]string{}, Count: 1,
	}}
	foreign = append(foreign, a.Name, a.Description)
	for k, v := range a.Labels {
		req.Evidence.Alerts[0].Labels["own_"+k] = v
		foreign = append(foreign, v)
	}
	for _, v := range a.Annotations {
		foreign = append(foreign, v)
	}
	for _, raw := range c.Context.History {
		one := providers.Past{Summary: said(t, raw)}
		_ = json.Unmarshal(raw, &one) // an object, or the text
		req.Evidence.History = append(req.Evidence.History, one)
		foreign = append(foreign, one.Title, one.Summary)
	}
	for _, raw := range c.Context.Checks {
		one := providers.Check{Name: "check", Status: "critical", Message: said(t, raw)}
		_ = json.Unmarshal(raw, &one)
		req.Evidence.Checks = append(req.Evidence.Checks, one)
		foreign = append(foreign, one.Message)
	}
	return req, foreign
}

// said is all that a piece of context says.
func said(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	return s
}

// check builds the prompt of a case and looks at it as a provider's server would.
func (c *outbound) check(t *testing.T) {
	t.Helper()
	var secrets []string
	for _, v := range c.Context.Config {
		secrets = append(secrets, fmt.Sprint(v))
	}
	req, foreign := c.request(t)
	p, _, err := Build(prepared(redact.New(secrets...), req, 0))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"messages": []map[string]string{{"role": "system", "content": p.System}, {"role": "user", "content": p.User}}})
	if err != nil {
		t.Fatal(err)
	}
	marker, _, _ := strings.Cut(p.User, "\n")
	before, doc, raw := parts(t, p, marker) // one document between two lines, and the fixed text
	if c.Must.Clean && p.System != System || before != "" {
		t.Errorf("foreign text may be outside of the document: %q", before)
	}
	for _, text := range foreign {
		for line := range strings.SplitSeq(text, "\n") {
			if line = strings.TrimSpace(redact.New(secrets...).WithPlain().Text(line)); len(line) < 12 {
				continue
			}
			if c.Must.Clean && strings.Contains(p.System, line) || strings.Contains(after, line) {
				t.Errorf("%q is in the text of the hub", line)
			}
			if strings.Contains(line, marker) {
				t.Errorf("%q holds the marker", line)
			}
		}
	}
	if c.Must.NoEscape && strings.Count(string(body), marker) != 2 {
		t.Errorf("the marker occurs %d times", strings.Count(string(body), marker))
	}
	texts := make([]string, 0, 64)
	for _, s := range doc.texts() {
		texts = append(texts, *s)
	}
	whole := strings.Join(texts, "\n")
	for _, s := range c.Must.Absent {
		if strings.Contains(string(body), s) || strings.Contains(p.User, s) || strings.Contains(whole, s) {
			t.Errorf("%q leaves:\n%s", s, raw)
		}
	}
	for _, s := range c.Must.Present {
		if !strings.Contains(string(body), s) && !strings.Contains(whole, s) {
			t.Errorf("%q does not leave:\n%s", s, raw)
		}
	}
}

func runOutbound(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []outbound `json:"cases"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	if len(file.Cases) == 0 {
		t.Fatalf("%s has no cases", path)
	}
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			c.check(t)
		})
	}
}

func TestOutbound(t *testing.T) {
	t.Parallel()
	runOutbound(t, filepath.Join("testdata", "outbound.json"))
}

// TestFixtureInjections runs the shared cases where they are.
func TestFixtureInjections(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("INCIDENTHUB_FIXTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "fixtures")
	}
	path := filepath.Join(dir, "llm", "injection.json")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared fixtures (INCIDENTHUB_FIXTURES): %v", err)
	}
	runOutbound(t, path)
}
