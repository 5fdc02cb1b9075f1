package texts_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/jinja"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/templates"
)

func set(tb testing.TB, o texts.Options) *texts.Set {
	tb.Helper()
	s, err := texts.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func inline(s string) settings.Template { return settings.Template{Key: "template", Inline: s} }

func brackets(s string) string { return "[" + s + "]" }

// TestBuiltins: every built-in template compiles.
func TestBuiltins(t *testing.T) {
	t.Parallel()
	paths, err := fs.Glob(templates.FS, "*/*.j2")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		source, err := fs.ReadFile(templates.FS, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jinja.Compile(string(source)); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	for name, tt := range map[string]struct {
		o    texts.Options
		want texts.Made
	}{
		"none":       {texts.Options{Driver: "nobody"}, texts.Made{Text: n.Text}},
		"escaped":    {texts.Options{Driver: "nobody", Escape: brackets}, texts.Made{Text: "[" + n.Text + "]"}},
		"own":        {texts.Options{Text: inline("{{ severity }}: {{ title }}\n"), Escape: brackets}, texts.Made{Text: "[critical]: [" + n.Title + "]", Own: true}},
		"missing":    {texts.Options{Text: inline("x{{ nope }}{{ labels.zone }}")}, texts.Made{Text: "x", Own: true, Missing: []string{"nope", "labels.zone"}}},
		"a file":     {texts.Options{Text: settings.Template{File: "default/default.text.j2"}}, texts.Made{Text: n.Text, Own: true}},
		"a folder":   {texts.Options{Text: settings.Template{File: "default_text", Bare: true}}, texts.Made{Text: n.Text, Own: true}},
		"fails":      {texts.Options{Text: inline("a\n{{ 1 / 0 }}"), Escape: brackets}, texts.Made{Text: "[" + n.Text + "]", Remark: "template failed (line 2: divides by zero): the built-in text was sent"}},
		"is endless": {texts.Options{Text: inline("{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}")}, texts.Made{Text: n.Text, Remark: "template failed (line 1: takes more than 200000 steps): the built-in text was sent"}},
		"is empty":   {texts.Options{Text: inline("{% if false %}x{% endif %}\n")}, texts.Made{Text: n.Text, Remark: "template failed (it made nothing): the built-in text was sent"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := set(t, tt.o).Text(n)
			got.Remark = strings.Replace(got.Remark, "takes too long", "takes more than 200000 steps", 1) // on a slow machine its time is over first
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestNewComplains(t *testing.T) {
	t.Parallel()
	_, err := texts.New(texts.Options{
		Text:    settings.Template{Key: "text_template", Inline: "a\nb {{ x|safe }}"},
		Payload: settings.Template{Key: "payload_template", File: "no such text", Bare: true},
		HTML:    settings.Template{Key: "html_template", File: "nobody/none"},
	})
	_, twice := texts.New(texts.Options{Text: inline("{{ x"), Payload: inline("{{ x")})
	if n := len(channel.KeyErrors(twice)); n != 1 {
		t.Errorf("one template in two roles has %d complaints: %v", n, twice)
	}
	var got []string
	for _, k := range channel.KeyErrors(err) {
		m, _, _ := strings.Cut(k.Message, "re are ")
		got = append(got, k.Key+": "+m)
	}
	want := []string{
		"text_template: line 2: the filter safe is not available",
		`payload_template: names no built-in template; for a text of your own write {"type":"inline","template":"…"}. The`,
		"html_template: names no built-in template; the",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	n := channeltest.HostileNotice()
	doc, made, ok := set(t, texts.Options{Payload: inline(`{"t": "{{ title }}", "l": {{ labels|tojson }}, "n": {{ alerts|length }}}`)}).Payload(n)
	var back map[string]any
	if !ok || !made.Own || json.Unmarshal(doc, &back) != nil || back["n"] != 1.0 || !strings.Contains(back["t"].(string), "<script>") {
		t.Errorf("%v %+v %s", ok, made, doc)
	}
	doc, made, ok = set(t, texts.Options{Payload: inline("{\n\"t\": {{ title }}\n}")}).Payload(n)
	if ok || doc != nil || !strings.Contains(made.Remark, "no JSON document: line 2 of the output") {
		t.Errorf("%v %+v %s", ok, made, doc)
	}
	if _, made, ok = set(t, texts.Options{}).Payload(n); ok || made.Remark != "" {
		t.Errorf("none: %v %+v", ok, made)
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	n := channeltest.HostileNotice()
	n.Source = "JavaScript:alert(1)"
	made, ok := set(t, texts.Options{HTML: inline(`<p title="{{ title }}">{{ message }}</p><a href="{{ source }}">`)}).HTML(n)
	if !ok || !made.Own || strings.Contains(made.Text, "<script") || strings.Contains(made.Text, `"JavaScript`) || strings.ContainsAny(made.Text, "\x1b\u202e") {
		t.Errorf("%v %+v", ok, made)
	}
	if made, ok = set(t, texts.Options{HTML: inline("{{ 1 // 0 }}")}).HTML(n); !strings.Contains(made.Remark, "template failed") {
		t.Errorf("%v %+v", ok, made)
	}
}

// TestVariables: what each name gives, of an ordinary page.
func TestVariables(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	n.At = n.StartedAt.Add(2*time.Hour + 5*time.Minute)
	n.Context["environment"] = "ignored"
	n.Context["cpu_count"], n.Context["ram_total_bytes"] = 8, json.Number("17179869184")
	n.Context["intelligence"] = map[string]any{
		"provider": "local", "summary": "Free space", "overview": "The journal fills the disk.", "probable_cause": "journald", "rung": "local", "grounded": true,
		"confidence": 0.8, "recommendations": map[string]any{
			"b": map[string]any{"title": "Second", "priority": "low"}, "a": map[string]any{"title": "First", "description": "Do\nit"},
		},
	}
	for source, want := range map[string]string{
		"{{ title }}": "[CRITICAL] DiskFull on db-1:9100",
		"{{ severity }} {{ color }} {{ emoji }} {{ channel }} {{ event }} {{ status }} {{ source }}":                                 "critical #dc3545 :rotating_light: ops firing open alertmanager",
		"{{ incident.title }} {{ incident.severity }} {{ incident.environment }} {{ environment }}":                                  "DiskFull on db-1:9100 critical production production",
		"{{ incident.alert_count }} {{ incident_id == incident.incident_id }}":                                                       "1 True",
		"{{ alerts[0].name }} {{ alerts[0].labels.team }} {{ alerts[0].instance }} {{ alerts[0].started_at }}":                       "DiskFull storage db-1:9100 2026-03-01T10:00:00Z",
		"{{ labels.team }} {{ tags.fingerprint }} {{ links.runbook }} {{ links.incident == url }}":                                   "storage 00ff00ff00ff00ff https://runbooks.example/disk?a=1&b=2 True",
		"{{ started_at }} {{ ended_at }}{{ duration_human }}":                                                                        "2026-03-01T10:00:00Z 2 h 5 m",
		"{{ analysis.summary }} {{ analysis.probable_cause }} {{ analysis.rung }} {{ analysis.grounded }} {{ analysis.confidence }}": "The journal fills the disk. journald local True 0.8",
		"{{ analysis.recommendations|map(attribute='title')|join(',') }} {{ recommendations|length }}":                               "First,Second 2",
		"{{ recommendations_pretty }}": "- First: Do it\n- [low] Second",
		"{{ ingest.alerts_created + 1 }} {{ context.ingest.source }} {{ intelligence.provider }}": "2 alertmanager local",
		"{{ incident.cpu_count }} {{ incident.ram_total_human }}":                                 "8 16.0 GB",
		"{{ incident.disk_total_bytes is number }}{{ 'title' in incident }}":                      "TrueTrue",
		"{% for k, v in incident %}{% if k == 'status' %}{{ v }}{% endif %}{% endfor %}":          "open",
	} {
		got := set(t, texts.Options{Text: inline(source)}).Text(n)
		if got.Text != want || got.Remark != "" || len(got.Missing) > 0 {
			t.Errorf("%s: got %q (%s, missing %v), want %q", source, got.Text, got.Remark, got.Missing, want)
		}
	}
	bare := channel.Notice{Kind: channel.KindTest, Title: "Test", Text: "Test."}
	got := set(t, texts.Options{Text: inline("x{{ analysis.summary }}{{ links.runbook }}{{ recommendations }}{{ labels }}{{ duration_human }}")}).Text(bare)
	if diff := cmp.Diff(texts.Made{Text: "x[]{}", Own: true, Missing: []string{"analysis.summary", "links.runbook"}}, got); diff != "" {
		t.Errorf("bare (-want +got)\n%s", diff)
	}
}

// TestAnalysisOfEarlier: the built-in templates that write the analysis themselves say when it was made, if it was not made for the message.
func TestAnalysisOfEarlier(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"slack", "discord", "mattermost", "email"} {
		n := channeltest.Notice()
		said := map[string]any{"provider": "local", "rung": "local", "grounded": true, "summary": "The journal fills the disk."}
		n.Context = map[string]any{"intelligence": said}
		text := func() string {
			s := set(t, texts.Options{Driver: driver})
			page, _ := s.HTML(n)
			return s.Text(n).Text + page.Text
		}
		if got := text(); strings.Contains(got, "made ") || !strings.Contains(got, "ocal analyzer") {
			t.Errorf("%s: %s", driver, got)
		}
		said["made_at"] = "2026-03-01T11:30:00Z"
		if got := text(); !strings.Contains(got, "made 2026-03-01 11:30:00 UTC") {
			t.Errorf("%s: %s", driver, got)
		}
	}
}

// TestAnalysisElsewhere: of another machine than the alerts' built-in texts have the one line that the message has; templates of one's own can tell.
func TestAnalysisElsewhere(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	n.Context = map[string]any{"intelligence": map[string]any{
		"provider": "local", "rung": "facts", "elsewhere": []string{"db-1"}, "summary": "Looked at vm, which is not db-1", "recommendations": []any{},
	}}
	for _, driver := range []string{"slack", "discord", "mattermost", "email"} {
		s := set(t, texts.Options{Driver: driver})
		page, _ := s.HTML(n)
		if got := s.Text(n).Text + page.Text; strings.Contains(got, "Looked at vm") || strings.Contains(got, "acts without an analysis") || strings.Contains(got, "acts, without") {
			t.Errorf("%s: %s", driver, got)
		}
	}
	got := set(t, texts.Options{Text: inline("{{ analysis.rung }} {{ analysis.elsewhere }} {{ analysis.summary }} {{ intelligence.elsewhere[0] }}")}).Text(n)
	if got.Text != "facts True Looked at vm, which is not db-1 db-1" {
		t.Error(got)
	}
}
