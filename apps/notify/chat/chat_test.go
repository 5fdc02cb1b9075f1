package chat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

var markdown = chat.Markdown{
	Address: regexp.MustCompile(`https?://[^\s*]+`), Special: regexp.MustCompile(`[\\*\[\]]`), Begins: regexp.MustCompile(`(?m)^(\s*)([#-])`),
	InLink: strings.NewReplacer("(", "%28", ")", "%29"),
}

// plain is a service of little: messages of at most 40 characters, lists of at most 2 parts.
var plain = chat.Dialect{
	Driver: "chattest", Escape: markdown.Escape, Whole: regexp.MustCompile(`\\.`), Bold: "*", List: "parts", Items: 2, Text: 40,
	Link: func(a, w string) string { return markdown.Link(a, w, markdown.Escape) },
	Lines: func(m map[string]any) []string {
		var out chat.Lines
		out.Add(m["text"], "", "")
		for _, p := range chat.Items(m, "parts") {
			out.Add(p["text"], "part ", ".")
		}
		return out
	},
}

// quiet lets messages mention nobody but @ops.
type quiet struct{}

func (quiet) Address(text string, wakes bool) string {
	if text = strings.ReplaceAll(text, "@", "(at)"); wakes {
		return "@ops " + text
	}
	return text
}

func (quiet) Plain(text string, calls bool) any { return map[string]any{"text": text, "calls": calls} }

func (quiet) Fit(m map[string]any, _ bool) error {
	chat.Each(m, func(s string) string { return strings.ReplaceAll(s, "@", "(at)") })
	if m["bad"] != nil {
		return errors.New("it is bad")
	}
	return nil
}

func builtin(_ channel.Notice, body string) (chat.Document, error) {
	raw, err := channel.Encode(map[string]string{"text": body})
	return chat.Document{Messages: []json.RawMessage{raw}}, err
}

func frame(t *testing.T, text, payload string) chat.Frame {
	t.Helper()
	f, err := chat.NewFrame(&plain, quiet{}, settings.Template{Key: "template", Inline: text}, settings.Template{Key: "payload_template", Inline: payload}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRender: what a template makes is sent, with the built-in message behind it; what cannot be sent is not, and that is said.
func TestRender(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text, payload string
		kind          channel.Kind
		want          []string // messages; none: the built-in one
		remark        string
	}{
		"none":          {"", "", channel.KindFiring, nil, ""},
		"text":          {"hi @all", "", channel.KindFiring, []string{`{"calls":true,"text":"@ops hi (at)all"}`}, ""},
		"text, calm":    {"hi @all", "", channel.KindResolved, []string{`{"calls":false,"text":"hi (at)all"}`}, ""},
		"long text":     {strings.Repeat("0123456789 ", 5), "", channel.KindFiring, []string{`{"calls":true,"text":"@ops 0123456789 0123456789 0123456789"}`, `{"calls":false,"text":"0123456789 0123456789"}`}, ""},
		"object":        {` {"text":"@x","n":1.50} `, "", channel.KindFiring, []string{`{"n":1.50,"text":"(at)x"}`}, ""},
		"list":          {`[1,{"a":["@"]},3]`, "", channel.KindFiring, []string{`{"parts":[1,{"a":["(at)"]}]}`, `{"parts":[3]}`}, ""},
		"payload wins":  {"text", `{"text":"p"}`, channel.KindFiring, []string{`{"text":"p"}`}, ""},
		"empty list":    {"[]", "", channel.KindFiring, nil, "it has no parts"},
		"a number":      {"", "7", channel.KindFiring, nil, "a JSON object (a message) or a JSON array (parts)"},
		"not fit":       {`{"bad":1}`, "", channel.KindFiring, nil, "what the template made was not sent: it is bad"},
		"fails":         {"{{ 1 // 0 }}", "", channel.KindFiring, nil, "template failed"},
		"payload fails": {"", "{", channel.KindFiring, nil, "payload_template failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := channeltest.Notice()
			n.Kind = tt.kind
			f := frame(t, tt.text, tt.payload)
			made, err := f.Render(n, builtin)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(made.Remark, tt.remark) || (tt.remark == "") != (made.Remark == "") {
				t.Errorf("remark %q, want %q", made.Remark, tt.remark)
			}
			var doc chat.Document
			if err := json.Unmarshal(made.Body, &doc); err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				if len(doc.Messages) != 1 || len(doc.Instead) != 0 || !strings.Contains(string(doc.Messages[0]), "97% full") {
					t.Errorf("want the built-in message: %s", made.Body)
				}
				return
			}
			var got []string
			for _, m := range doc.Messages {
				got = append(got, string(m))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || len(doc.Instead) != 1 || made.Parts != len(tt.want) {
				t.Errorf("%d parts, %d instead, messages (-want +got)\n%s", made.Parts, len(doc.Instead), diff)
			}
		})
	}
}

// TestNewFrame: complaints about templates come with those about the settings.
func TestNewFrame(t *testing.T) {
	t.Parallel()
	_, err := chat.NewFrame(&plain, quiet{}, settings.Template{Key: "template", Inline: "{{ x"}, settings.Template{}, channel.Bad("other", "is wrong"))
	var keys []string
	for _, k := range channel.KeyErrors(err) {
		keys = append(keys, k.Key)
	}
	if diff := cmp.Diff([]string{"other", "template"}, keys); diff != "" {
		t.Errorf("%s%v", diff, err)
	}
}

// TestShow: any body is shown; one of another making as what it says.
func TestShow(t *testing.T) {
	t.Parallel()
	f := frame(t, "", "")
	for body, want := range map[string]string{
		`{"messages":[{"text":"a"},{"parts":[{"text":"b"},1]},{},7],"call":{"text":"c"}}`: "text: a\n\npart b.\n\n(an empty message)\n\n(a message that cannot be read)|message after a change in place: c",
		`{"messages":[{"text":"a"}],"reply":{"text":"r"}}`:                                "text: a|reply in the thread, after a change in place: r",
		`{"title":"T*","message":"m"}`:                                                    "text: *T\\**\nm",
		`{"messages":[]}`:                                                                 "text: *Notification*",
		`x`:                                                                               "text: *Notification*",
	} {
		var got []string
		for _, s := range f.Show([]byte(body)) {
			if s.Name != "json" {
				got = append(got, s.Name+": "+s.Text)
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, "|")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
	}
}

func TestCard(t *testing.T) {
	t.Parallel()
	n := channeltest.Resolved()
	n.Source, n.Links = strings.Repeat("s", 50), append(n.Links, channel.Link{Name: "", URL: "javascript:alert(1)"}, channel.Link{Name: "[x]", URL: "https://a.example/(1)"})
	c := plain.Card(n, " body ", chat.Limits{Title: 20, Fact: 40, Text: 4000})
	if c.Title != "" || c.Heading != "Resolved: DiskFull on db-1:9100" || c.URL != n.URL || c.ID != n.IncidentID {
		t.Errorf("%+v", c)
	}
	wantFacts := []chat.Fact{
		{"Severity", "critical"}, {"Status", "resolved"}, {"Environment", "production"}, {"Since", "2026-03-01 10:00 UTC"}, {"Until", "2026-03-01 12:00 UTC"},
	}
	if diff := cmp.Diff(wantFacts, c.Facts); diff != "" {
		t.Error(diff)
	}
	want := "*Resolved: DiskFull on db-1:9100*\n\nbody\n\n[Incident](" + n.URL + `) · [Runbook](https://runbooks.example/disk?a=1&b=2) · Link: javascript:alert(1) · ` +
		`[\[x\]](https://a.example/%281%29)` + "\nSource: " + n.Source
	if diff := cmp.Diff([]string{want}, c.Pieces); diff != "" {
		t.Error(diff)
	}
	c = plain.Card(channel.Notice{URL: "http://" + strings.Repeat("x", chat.MaxLink)}, "", chat.Limits{Title: 20, Fact: 40, Text: 4000})
	if diff := cmp.Diff(chat.Card{Heading: "Notification", Title: "Notification", Pieces: []string{""}}, c); diff != "" {
		t.Error(diff)
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a *b* https://x.example/*y":   `a \*b\* https://x.example/\*y`,
		"# h\n  - x\nhttps://a_[b].c ": "\\# h\n  \\- x\nhttps://a_[b].c ",
		"\u202e\x1b":                   `\\u202e\\u001b`,
	} {
		if got := markdown.Escape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := chat.Settings{Timeout: 500, Mention: []string{"a", "B"}}
	s.Template.Inline, s.TextTemplate.Inline = "a", "b"
	_, err := s.Check(regexp.MustCompile(`^[a-z]$`), "letters")
	var got []string
	for _, k := range channel.KeyErrors(err) {
		got = append(got, k.Key)
	}
	if diff := cmp.Diff([]string{"timeout", "mention", "text_template"}, got); diff != "" {
		t.Errorf("%s%v", diff, err)
	}
	for _, f := range chat.Fields("x", "y", "z") {
		if channel.Decode(json.RawMessage(fmt.Sprintf(`{%q:null}`, f.Key)), &chat.Settings{}) != nil {
			t.Errorf("%s is documented and not known", f.Key)
		}
	}
}

// TestTooLong: no message is more parts than people read, and none is cut without saying so.
func TestTooLong(t *testing.T) {
	t.Parallel()
	long := plain
	long.Text = 1000
	n := channeltest.Notice()
	text := `{% for i in range(1000) %}01234567890123456789{% endfor %}`
	f, err := chat.NewFrame(&long, quiet{}, settings.Template{Key: "template", Inline: text}, settings.Template{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		f      chat.Frame
		parts  int
		remark string
	}{
		"a template's text": {f, channel.MaxParts, "it was too long for 10 messages: 10"},
		"a template's list": {frame(t, "["+strings.Repeat(`{"a":1},`, 20)+"1]", ""), 1, "what the template made was not sent: its parts take more than 10 messages"},
		"a list that fits":  {frame(t, "["+strings.Repeat(`{"a":1},`, 19)+"1]", ""), channel.MaxParts, ""},
		"the built-in text": {frame(t, "", ""), 1, "it was too long for 10 messages: 7 characters were left out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := tt.f.Render(n, func(n channel.Notice, body string) (chat.Document, error) {
				doc, err := builtin(n, body)
				if doc.Left = 0; name == "the built-in text" {
					doc.Left = 7
				}
				return doc, err
			})
			if err != nil || made.Parts != tt.parts || !strings.HasPrefix(made.Remark, tt.remark) || (tt.remark == "") != (made.Remark == "") {
				t.Errorf("%d parts, remark %q (%v)", made.Parts, made.Remark, err)
			}
		})
	}
	made, err := f.Render(n, builtin)
	if said := f.Show(made.Body)[0].Text; err != nil || !strings.Contains(said, "characters are left out. All of it: [the incident]("+n.URL+")") {
		t.Errorf("%v: it says %s", err, said[max(0, len(said)-300):])
	}
}
