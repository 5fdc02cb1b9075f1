package channel_test

import (
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "runbook": "Runbook", "émeute": "Émeute", "🔥x": "🔥x", "\xffx": "\ufffdx"} {
		if got := channel.Capital(in); got != want {
			t.Errorf("Capital(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"": "", "short": "short", "exactly 20 é letters": "exactly 20 é letters", "this is far too long for it": "this is… (shortened)"} {
		if got := channel.Shorten(in, 20); got != want {
			t.Errorf("Shorten(%q) = %q, want %q", in, got, want)
		}
	}
	if got := channel.Limit("éée", 2); got != "éé" {
		t.Errorf("got %q", got)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	client, err := httpclient.New(httpclient.Config{Allow: []string{"chat.lan:8065"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for raw, want := range map[string]struct {
		web, home bool
	}{
		" https://chat.example/x?y#z ":      {true, true},
		"http://chat.example/x":             {true, false},
		"http://chat.lan:8065/x":            {true, true},
		"https://other.example":             {true, false},
		"https://chat.example@evil.example": {false, false},
		"ftp://chat.example":                {false, false},
		"https:///x":                        {false, false},
		"https://a b/%zz":                   {false, false},
		"":                                  {false, false},
	} {
		u, err := channel.WebAddress("url", raw)
		if (err == nil) != want.web || err != nil && !errors.Is(err, channel.ErrConfig) || err == nil && u.Fragment != "" {
			t.Errorf("%s: %v", raw, err)
		}
		if _, err := channel.Home("url", raw, "Chat", client, "chat.example"); (err == nil) != want.home {
			t.Errorf("%s as home: %v", raw, err)
		}
	}
}

func TestOwnText(t *testing.T) {
	t.Parallel()
	type all struct {
		channel.OwnText

		Other string `json:"other"`
	}
	for config, want := range map[string]string{
		`{}`:                                      "",
		`{"template":"file:a"}`:                   "a",
		`{"text_template":"file:b","other":"x"}`:  "b",
		`{"template":"a","text_template":"b"}`:    "config: template: means the same as text_template: give one of them",
		`{"template":"a","TEXT_TEMPLATE":"b"}`:    "config: TEXT_TEMPLATE: unknown; known are other, template, text_template",
		`{"OwnText":{"template":"a"},"other":""}`: "config: OwnText: unknown; known are other, template, text_template",
	} {
		var s all
		err := channel.Decode([]byte(config), &s)
		if err == nil {
			err = s.Once("template", "text_template")
		}
		got := s.Text().File
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", config, got, want)
		}
	}
	if f := channel.OtherName("a", "b"); f.Type != settings.TemplateText || f.Doc == "" {
		t.Errorf("%+v", f)
	}
}

func TestDoubt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body        error
		class, says string
	}{{nil, channel.ClassBadAnswer, "why"}, {io.ErrUnexpectedEOF, "reset", "the answer broke off"}} {
		r := channel.Result{Verdict: channel.Done, Status: 200}
		r.Doubt(&httpclient.Response{Status: 200, BodyErr: tt.body}, "why")
		if diff := cmp.Diff(channel.Result{Verdict: channel.Retry, Status: 200, Class: tt.class, Error: tt.says}, r); diff != "" {
			t.Error(diff)
		}
	}
}

func TestShowDocument(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]channel.Shown{
		"":        nil,
		`{"a":1}`: {{Name: "event", Media: "application/json", Text: "{\n  \"a\": 1\n}"}},
		`{"a"`:    {{Name: "event", Media: "text/plain", Text: `{"a"`}},
	} {
		if diff := cmp.Diff(want, channel.ShowDocument("event", []byte(body))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
	}
}

func TestWebLink(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://a.example/x?y=1#z":                      "https://a.example/x?y=1#z",
		"http://a.example":                               "http://a.example",
		"https://good.example@evil.example/":             "https://evil.example/",
		"https://a.example/\"><b> \u202e|)](":            "https://a.example/%22%3E%3Cb%3E%20%E2%80%AE%7C%29%5D%28",
		"javascript:alert(1)":                            "",
		"JAVASCRIPT://a.example/%0aalert(1)":             "",
		"//a.example":                                    "",
		"https://":                                       "",
		"https://a.example/\r\nX: y":                     "",
		"https://a.example/" + string(make([]byte, 200)): "",
	} {
		got, ok := channel.WebLink(raw, 100)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}
