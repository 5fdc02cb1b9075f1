package channel

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Capital makes "Runbook" of runbook.
func Capital(word string) string {
	first, size := utf8.DecodeRuneInString(word)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + word[size:]
}

// linkWords are what people call the links of a notice, by name.
var linkWords = map[string]string{
	"incident": "Incident", "runbook": "Runbook", "dashboard": "Dashboard", "panel": "Panel", "source": "Source", "rule": "Rule", "generator": "Query",
	"silence": "Silence",
}

// LinkWord is what people call a link of a notice, by its name; "" for other names.
func LinkWord(name string) string { return linkWords[name] }

// LinkLabel is LinkWord, and for other names the name itself, with a capital.
func LinkLabel(name string) string { return cmp.Or(linkWords[name], Capital(name)) }

// Limit is the beginning of a text, at most so many characters.
func Limit(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}

// Shorten is Limit that says so.
func Shorten(s string, most int) string {
	const end = "… (shortened)"
	if len(s) <= most || utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimRight(Limit(s, most-utf8.RuneCountInString(end)), " ") + end
}

// CheckLine complains about a setting that is no line of at most so many characters.
func CheckLine(key, value string, most int) error {
	if Units(value) > most || VisibleLine(value) != value {
		return Bad(key, "must be one line of at most %d characters", most)
	}
	return nil
}

// ShowDocument shows a stored body that is one JSON document as it is: laid out to be read, or as text when it is none. An empty one is
// not shown.
func ShowDocument(name string, body []byte) []Shown {
	if len(body) == 0 {
		return nil
	}
	if pretty := PrettyJSON(body); pretty != "" {
		return []Shown{{Name: name, Media: "application/json", Text: pretty}}
	}
	return []Shown{{Name: name, Media: "text/plain", Text: string(body)}}
}

// PrettyJSON lays a JSON document out to be read: the same document, in which <, > and & stand as they are. What is no JSON is "".
func PrettyJSON(raw []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return ""
	}
	return readableJSON(out.Bytes())
}

// readableJSON undoes the escapes that encoding/json writes for the sake of pages.
func readableJSON(doc []byte) string {
	if !bytes.Contains(doc, []byte(`\u00`)) {
		return string(doc)
	}
	var b strings.Builder
	b.Grow(len(doc))
	for i := 0; i < len(doc); i++ {
		if doc[i] != '\\' || i+1 == len(doc) {
			b.WriteByte(doc[i])
			continue
		}
		if i+6 <= len(doc) {
			if c := escaped[strings.ToLower(string(doc[i:i+6]))]; c != "" {
				b.WriteString(c)
				i += 5
				continue
			}
		}
		b.Write(doc[i : i+2]) // with what it escapes, so that \\u003c stays what it is
		i++
	}
	return b.String()
}

var escaped = map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"}
