package web

import (
	"bytes"
	"encoding/json"
	"html"
	"html/template"
	"strings"
)

// maxCode bounds what is coloured; the rest is cut and says so.
const maxCode = 64 << 10

// code shows text: JSON indented as it was sent, in order and with its numbers untouched, and coloured; anything else as it
// stands. All of it is escaped.
func code(v any) template.HTML {
	var raw string
	switch v := v.(type) {
	case string:
		raw = v
	case json.RawMessage:
		raw = string(v)
	case []byte:
		raw = string(v)
	}
	cutOff := len(raw) > maxCode
	if cutOff {
		raw = raw[:maxCode]
	}
	var b strings.Builder
	var in bytes.Buffer
	if !cutOff && json.Valid([]byte(raw)) && json.Indent(&in, []byte(raw), "", "  ") == nil {
		paint(&b, in.String())
	} else {
		b.WriteString(html.EscapeString(strings.ToValidUTF8(raw, "\uFFFD")))
	}
	if cutOff {
		b.WriteString("\n… cut here; the whole of it can be downloaded")
	}
	return template.HTML(b.String()) //nolint:gosec // every piece was escaped
}

// paint writes valid JSON with a span around each key, text, number and word.
func paint(b *strings.Builder, s string) {
	span := func(class, text string) {
		b.WriteString(`<span class="` + class + `">` + html.EscapeString(strings.ToValidUTF8(text, "\uFFFD")) + `</span>`)
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"':
			end := i + 1
			for end < len(s) && s[end] != '"' {
				if s[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(s))
			class := "s"
			if strings.HasPrefix(s[end:], ":") {
				class = "k"
			}
			span(class, s[i:end])
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i + len(s[i:]) - len(strings.TrimLeft(s[i:], "+-.0123456789eE"))
			span("d", s[i:end])
			i = end
		case c >= 'a' && c <= 'z':
			end := i + len(s[i:]) - len(strings.TrimLeft(s[i:], "abcdefghijklmnopqrstuvwxyz"))
			span("w", s[i:end])
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
}
