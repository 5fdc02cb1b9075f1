package settings

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// Template is a setting of the type TemplateText. The zero value is none.
type Template struct {
	Key    string // of the setting; Decode fills it in
	File   string // name of a built-in template, which need not exist
	Inline string
	// Bare: a string without "file:" before it. Should no file have that name, somebody meant it as the text.
	Bare bool
}

// IsZero reports whether there is no template.
func (t Template) IsZero() bool { return t.File == "" && t.Inline == "" }

// The forms that a template is given in.
const (
	filePrefix  = "file:"
	formInline  = "inline"
	formFile    = "file"
	badTemplate = `must be the name of a built-in template, "file:name" or {"type":"inline","template":"…"}`
)

// maxFileName is more than any built-in template has.
const maxFileName = 200

// UnmarshalJSON takes "file:name", a bare name, or {"type":"inline"|"file","template":"…"}. Inline text is taken in the second form only.
// Complaints are KeyErrors without a key: Decode knows it.
func (t *Template) UnmarshalJSON(raw []byte) error {
	*t = Template{}
	raw = bytes.TrimSpace(raw)
	switch {
	case bytes.Equal(raw, []byte("null")):
		return nil
	case len(raw) > 0 && raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return Bad("", badTemplate)
		}
		return t.read(s)
	case len(raw) > 0 && raw[0] == '{':
		return t.readForm(raw)
	default:
		return Bad("", badTemplate)
	}
}

func (t *Template) read(s string) error {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	name, prefixed := strings.CutPrefix(s, filePrefix)
	if !prefixed && strings.ContainsAny(s, "\r\n{}") { // no name looks like this: somebody wrote the text itself
		return Bad("", `is the text of a template: write {"type":"inline","template":"…"}`)
	}
	t.Bare = !prefixed
	return t.named(name)
}

// named takes a name inside the folder of templates and no other.
func (t *Template) named(name string) error {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return Bad("", badTemplate)
	case strings.HasPrefix(name, "/"), len(name) > 1 && name[1] == ':':
		return Bad("", "must name a template inside the folder of templates: no absolute path")
	case strings.Contains(name, `\`):
		return Bad("", "must name a template inside the folder of templates: no backslash")
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || Hides(r) }) || !utf8.ValidString(name):
		return Bad("", "must name a template inside the folder of templates: no control characters")
	case slices.Contains(strings.Split(name, "/"), ".."):
		return Bad("", `must name a template inside the folder of templates: no ".."`)
	case len(name) > maxFileName:
		return Bad("", "must name a built-in template: the name is too long")
	}
	t.File = name
	return nil
}

// readForm reads the object, strictly.
func (t *Template) readForm(raw []byte) error {
	var given map[string]any
	if json.Unmarshal(raw, &given) != nil {
		return Bad("", badTemplate)
	}
	for key := range given {
		if key != "type" && key != "template" {
			return Bad("", "has a key that is unknown; known are template, type")
		}
	}
	form, _ := given["type"].(string)
	text, isText := given["template"].(string)
	if given["template"] != nil && !isText {
		return Bad("", "template must be a string")
	}
	switch form {
	case formInline:
		t.Inline = text
		return nil
	case formFile:
		return t.named(strings.TrimPrefix(text, filePrefix))
	default:
		return Bad("", "type must be inline or file")
	}
}
