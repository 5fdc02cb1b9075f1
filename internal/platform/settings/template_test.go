package settings_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

type withTemplate struct {
	Template settings.Template `json:"template"`
	To       []string          `json:"to"`
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		want   settings.Template
	}{
		"none":         {`{}`, settings.Template{}},
		"null":         {`{"template":null}`, settings.Template{}},
		"empty":        {`{"template":" "}`, settings.Template{}},
		"file":         {`{"template":"file:slack/firing.text"}`, settings.Template{Key: "template", File: "slack/firing.text"}},
		"bare":         {`{"template":"slack_text.j2"}`, settings.Template{Key: "template", File: "slack_text.j2", Bare: true}},
		"form file":    {`{"template":{"type":"file","template":"slack"}}`, settings.Template{Key: "template", File: "slack"}},
		"form prefix":  {`{"template":{"type":"file","template":"file:slack"}}`, settings.Template{Key: "template", File: "slack"}},
		"inline":       {`{"template":{"type":"inline","template":"{{ title }}\n"}}`, settings.Template{Key: "template", Inline: "{{ title }}\n"}},
		"inline empty": {`{"template":{"type":"inline","template":""}}`, settings.Template{}},
		"inline dots":  {`{"template":{"type":"inline","template":"../x"}}`, settings.Template{Key: "template", Inline: "../x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got withTemplate
			if err := settings.Decode(json.RawMessage(tt.config), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Template); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestTemplateRefused(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"template":"file:../secret"}`:                             "..",
		`{"template":"a/../../b"}`:                                  "..",
		`{"template":"file:/etc/passwd"}`:                           "absolute",
		`{"template":"C:/x"}`:                                       "absolute",
		`{"template":"file:a\\b"}`:                                  "backslash",
		`{"template":"file:a\u0000b"}`:                              "control",
		`{"template":"file:a\u202eb"}`:                              "control",
		`{"template":"file:"}`:                                      "built-in",
		`{"template":"{{ title }}"}`:                                `{"type":"inline"`,
		`{"template":7}`:                                            "built-in",
		`{"template":[]}`:                                           "built-in",
		`{"template":{}}`:                                           "inline or file",
		`{"template":{"type":"http","template":"x"}}`:               "inline or file",
		`{"template":{"type":"inline","template":7}}`:               "must be a string",
		`{"template":{"type":"inline","template":"x","more":true}}`: "unknown",
		`{"template":{"type":"file","template":"../x"}}`:            "..",
		`{"template":{"type":"file"}}`:                              "built-in",
		`{"template":"` + strings.Repeat("a", 300) + `"}`:           "too long",
		`{"to":"a"}`:                                                "a list of strings",
		`{"to":[1]}`:                                                "a list of strings",
	} {
		t.Run(config[:min(len(config), 60)], func(t *testing.T) {
			t.Parallel()
			var got withTemplate
			found := settings.KeyErrors(settings.Decode(json.RawMessage(config), &got))
			if len(found) != 1 || found[0].Key == "" || !strings.Contains(found[0].Message, want) {
				t.Errorf("%s: got %v, want a word of %q", config, found, want)
			}
			if !got.Template.IsZero() {
				t.Errorf("%s: kept %+v", config, got.Template)
			}
		})
	}
}
