package web

import (
	"bytes"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// visible makes characters that reorder or hide text readable as \u202e and its like, wherever in a page they are: alerts come from
// outside, and an override would let one show other words than it holds, and drag along what stands beside it. Text that runs from
// right to left needs no such characters; the stylesheet keeps it apart from its surroundings.
func visible(page []byte) []byte {
	at := bytes.IndexFunc(page, hidden)
	if at < 0 {
		return page
	}
	out := bytes.NewBuffer(make([]byte, 0, len(page)+64))
	for ; at >= 0; at = bytes.IndexFunc(page, hidden) {
		r, size := utf8.DecodeRune(page[at:])
		out.Write(page[:at])
		out.WriteString(trace.Escape(string(r)))
		page = page[at+size:]
	}
	out.Write(page)
	return out.Bytes()
}

// hidden reports whether trace.Escape would change r. Line breaks and tabs are layout here.
func hidden(r rune) bool {
	switch {
	case r >= ' ' && r < 0x7f, r == '\n', r == '\r', r == '\t':
		return false
	case r < ' ', r < 0xa0, r == 0x061c, r == 0xfeff:
		return true
	default:
		return r >= 0x2000 && r < 0x2070 && r != 0x2009 && trace.Escape(string(r)) != string(r)
	}
}
