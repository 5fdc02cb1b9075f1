// Package redact takes secrets out of texts and documents before they are stored, shown or sent away: by what a field is called, by
// what a text looks like, and literally, for the secrets that the hub itself was given. What is taken out leaves its kind behind:
// [redacted:aws_key]. Host names, addresses, paths and numbers stay.
//
// Everything takes time in proportion to its input, whatever that is, and a second time changes nothing.
package redact

import (
	"strings"
	"sync/atomic"
)

// Redactor redacts. Its methods may be called at any time by anybody; the zero value knows no secrets of its own.
type Redactor struct {
	known  atomic.Pointer[known]
	of     *Redactor // whose secrets are known; nil: its own
	emails bool
	plain  bool
}

// New returns a Redactor that knows these secrets.
func New(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Know(secrets)
	return r
}

// Know replaces the secrets that are looked for literally, also as URLs, JSON and HTTP write them. Those under 4 bytes are left
// alone: masking them would only show where they occur; those under 8 must stand alone.
func (r *Redactor) Know(secrets []string) { r.root().known.Store(newKnown(secrets)) }

// WithEmails returns a Redactor that knows what r knows, now and later, and takes out addresses of people as well. An address without a
// dot in its host, as root@db-1, stays: it says where, not who.
func (r *Redactor) WithEmails() *Redactor {
	return &Redactor{of: r.root(), emails: true, plain: r.plain}
}

// WithPlain returns a Redactor that knows what r knows, now and later, and makes texts Plain before it looks at them, in documents too: what
// is hidden could part a secret.
func (r *Redactor) WithPlain() *Redactor {
	return &Redactor{of: r.root(), emails: r.emails, plain: true}
}

func (r *Redactor) root() *Redactor {
	if r.of != nil {
		return r.of
	}
	return r
}

func (r *Redactor) secrets() *known { return r.root().known.Load() }

// maxPasses bounds how often a text that still changes is looked at again.
const maxPasses = 6

// Text takes the secrets out of a text. One that is parted by what nobody sees is found as well; the text is Plain after that.
func (r *Redactor) Text(s string) string {
	out := r.text(s)
	if r.plain || !veiled(out) {
		return out
	}
	if seen := r.text(visible(out)); strings.Count(seen, opening) > strings.Count(out, opening) {
		return seen
	}
	return out
}

func (r *Redactor) text(s string) string {
	for range maxPasses {
		before := s
		if r.plain {
			s = Plain(s)
		}
		s = r.secrets().replace(s)
		s = patterns(s, r.emails)
		if s == before {
			return s
		}
	}
	return mark("text") // made to change for ever
}

// Short is Text, cut to at most limit bytes.
func (r *Redactor) Short(s string, limit int) string {
	if s = r.Text(s); quotedSize(s) <= limit {
		return s
	}
	return r.cutText(s, max(limit, smallest))
}

func mark(kind string) string { return opening + kind + "]" }

const opening = "[redacted:"

// marked returns the length of the mark that s begins with, or 0.
func marked(s string) int {
	if len(s) < len(opening) || s[0] != '[' || !strings.HasPrefix(s, opening) {
		return 0
	}
	for i := len(opening); i < len(s) && i < len(opening)+32; i++ {
		switch c := s[i]; {
		case c == ']' && i > len(opening):
			return i + 1
		case c >= 'a' && c <= 'z', c == '_':
		default:
			return 0
		}
	}
	return 0
}

// editor builds a text of which parts are replaced; unchanged it copies nothing.
type editor struct {
	s    string
	out  []byte
	done int // s up to here is in out
}

func (e *editor) replace(from, to int, kind string) {
	if e.out == nil {
		e.out = make([]byte, 0, len(e.s)+64)
	}
	e.out = append(e.out, e.s[e.done:from]...)
	e.out = append(e.out, opening...)
	e.out = append(e.out, kind...)
	e.out = append(e.out, ']')
	e.done = to
}

func (e *editor) String() string {
	if e.out == nil {
		return e.s
	}
	return string(append(e.out, e.s[e.done:]...))
}
