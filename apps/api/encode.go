package api

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/danielgtaylor/huma/v2"
)

// plainFormat writes JSON as people type it: & < and > stand for themselves, also in documents that were stored with escapes for pages. Answers
// are sent as JSON, with nosniff, and no page embeds them.
var plainFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
		_, err := w.Write(unescape(b.Bytes()))
		return err
	},
	Unmarshal: json.Unmarshal,
}

// unescape replaces \u0026, \u003c and \u003e in a JSON document by what they mean, in place.
func unescape(doc []byte) []byte {
	if !bytes.Contains(doc, []byte(`\u00`)) {
		return doc
	}
	out := doc[:0]
	for i := 0; i < len(doc); i++ {
		if doc[i] != '\\' || i+1 == len(doc) {
			out = append(out, doc[i])
			continue
		}
		if i+6 <= len(doc) {
			if c := meant(string(doc[i : i+6])); c != 0 {
				out, i = append(out, c), i+5
				continue
			}
		}
		out, i = append(out, doc[i], doc[i+1]), i+1 // what follows a backslash begins no escape of its own
	}
	return out
}

// meant is the character of an escape that JSON does not need, 0 for other escapes.
func meant(escape string) byte {
	switch escape {
	case `\u0026`:
		return '&'
	case `\u003c`, `\u003C`:
		return '<'
	case `\u003e`, `\u003E`:
		return '>'
	default:
		return 0
	}
}
