package parse

import (
	"strings"
	"unicode"
)

// maxLevels is how often JSON may stand in a string of JSON.
const maxLevels = 3

// reader looks for the answer in a text.
type reader struct {
	limit bool // the answer ended at a limit
	work  int  // bytes that may still be looked at, so that no text takes longer than its length allows
	inner string
	json  int // letters of the text that are JSON
}

// span is a value that was found in a text.
type span struct {
	value
	from, to int
	open     bool // the text ended before it did
	cut      bool // …inside it
}

// whole reads a text that is JSON and nothing else.
func (r *reader) whole(s string) (answer, bool) {
	if s == "" || strings.IndexByte(`{["`, s[0]) < 0 {
		return answer{}, false
	}
	if v, ok := r.exact(s); ok {
		return r.read(&v, 0, true)
	}
	return answer{}, false
}

// exact decodes a text that is JSON.
func (r *reader) exact(s string) (value, bool) {
	r.work -= len(s)
	v, d, ok := decode(s, 0, true, false, false)
	if d.space(); !ok || d.at < len(s) {
		return value{}, false
	}
	return v, true
}

// best finds the answer in a text: the last of those there are.
func (r *reader) best(s string, level int) (answer, bool) {
	if level > maxLevels || r.work <= 0 {
		return answer{}, false
	}
	if v, ok := r.exact(s); ok {
		if level == 0 && v.kind != words {
			r.json = letters(s)
		}
		return r.read(&v, level, true)
	}
	if a, ok := r.braced(s, level); ok {
		return a, true
	}
	all := r.scan(s, level)
	if level == 0 {
		r.json = 0
		for _, f := range all {
			r.json += letters(s[f.from:f.to])
		}
	}
	one, ok := r.choose(s, all, level)
	if parts := fenced(s); len(parts) > 1 {
		// What stands between fences ends with them, also if it does not know that.
		var apart answer
		var found bool
		for _, part := range parts {
			if a, is := r.choose(part, r.scan(part, level), level); is && (!found || !a.empty() || apart.empty()) {
				apart, found = a, true
			}
		}
		if found && (!ok || one.empty() || !apart.empty() && (one.cut || !apart.cut)) {
			one, ok = apart, true
		}
	}
	if ok && !one.empty() {
		return one, true
	}
	for _, part := range append([]string{s}, fenced(s)...) {
		if a, is := r.mended(part, level); is {
			return a, true
		}
	}
	return one, ok
}

// mended reads what is JSON but for its outermost layer: a string without its quotes, an object without its first bracket.
func (r *reader) mended(s string, level int) (answer, bool) {
	s = strings.TrimSpace(s)
	if strings.Contains(s, `\"`) {
		d := decoder{s: `"` + s, plain: true}
		var b strings.Builder
		for d.at = 1; d.at < len(d.s); {
			if n := strings.IndexByte(d.s[d.at:], '\\'); n != 0 {
				if n < 0 {
					n = len(d.s) - d.at
				}
				b.WriteString(d.s[d.at : d.at+n])
				d.at += n
				continue
			}
			if !d.escape(&b) {
				break
			}
		}
		if a, ok := r.best(b.String(), level+1); ok {
			return a, true
		}
	}
	return r.braced(s, level)
}

// braced reads an object whose first bracket is missing.
func (r *reader) braced(s string, level int) (answer, bool) {
	if s == "" || !isQuote(s, 0) {
		return answer{}, false
	}
	if d := (decoder{s: s}); !d.isKey(0) {
		return answer{}, false
	}
	s = "{" + s
	return r.choose(s, r.scan(s, level), level)
}

// fenced splits a text at its fences, whatever is named behind them. One part: there are none.
func fenced(s string) []string {
	var out []string
	from := 0
	for at := 0; at < len(s); {
		i := strings.IndexAny(s[at:], "`~")
		if i < 0 {
			break
		}
		at += i
		n := 0
		for at+n < len(s) && s[at+n] == s[at] {
			n++
		}
		if n >= 3 {
			out = append(out, s[from:at])
			from = at + n
		}
		at += n
	}
	if len(out) > 200 {
		return nil // not a text that somebody wrote
	}
	return append(out, s[from:])
}

// scan finds the values of a text, from left to right, none within another.
func (r *reader) scan(s string, level int) []span {
	var out []span
	const most = 2000
	open, kept := span{from: -1}, 0 // what has no end and is no answer: one may stand inside, behind a bracket that means nothing
	for at := 0; at < len(s) && r.work > 0 && len(out) < most; {
		n := strings.IndexAny(s[at:], "{[")
		if n < 0 {
			break
		}
		at += n
		f, ok := r.at(s, at)
		if !ok {
			at++
			continue
		}
		if f.open {
			if _, ok := r.read(&f.value, level, false); !ok {
				if open.from < 0 {
					open, kept = f, len(out)
				}
				at++
				continue
			}
			open.from = -1
		}
		out = append(out, f)
		at = f.to
	}
	if open.from >= 0 {
		for i := kept; i < len(out); i++ {
			if a, ok := r.read(&out[i].value, level, false); ok && !a.empty() {
				return out
			}
		}
		out = append(out[:kept], open)
	}
	return out
}

// at reads the value that begins at a place: as JSON, then as models write it.
func (r *reader) at(s string, from int) (span, bool) {
	v, d, ok := r.attempt(s, from, true, false)
	if ok {
		return span{value: v, from: from, to: d.at}, true
	}
	if d.deep || r.work <= 0 {
		return span{}, false
	}
	v, d, ok = r.attempt(s, from, false, false)
	if !ok || d.ended && r.work > 0 { // the guess about quotes may be why
		if v, d, ok := r.attempt(s, from, false, true); ok && !d.ended {
			return span{value: v, from: from, to: d.at}, true
		}
	}
	return span{value: v, from: from, to: d.at, open: d.ended, cut: d.ended && d.mid}, ok
}

// try is what each attempt costs, however short it was.
const try = 64

func (r *reader) attempt(s string, from int, strict, plain bool) (value, *decoder, bool) {
	v, d, ok := decode(s, from, strict, plain, r.limit)
	r.work -= d.at - from + try
	return v, d, ok
}

// choose takes the last answer of those that a text holds. Items one behind the other are one.
func (r *reader) choose(s string, all []span, level int) (answer, bool) {
	var out answer
	found := false
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && isGap(s[all[j-1].to:all[j].from]) {
			j++
		}
		a, ok := r.group(all[i:j], level)
		if ok && a.empty() && a.bare && !standsAlone(s, all[i].from, all[j-1].to) {
			ok = false
		}
		if ok && (!found || !a.empty() || out.empty()) {
			out, found = a, true
		}
		i = j
	}
	return out, found
}

// isGap says whether what stands between two values only separates them.
func isGap(s string) bool {
	return len(s) <= 32 && strings.IndexFunc(s, unicode.IsLetter) < 0 && !strings.ContainsAny(s, "`~")
}

// standsAlone says whether nothing else stands on the lines of a value.
func standsAlone(s string, from, to int) bool {
	before := s[strings.LastIndexByte(s[:from], '\n')+1 : from]
	after, _, _ := strings.Cut(s[to:], "\n")
	return strings.TrimSpace(before) == "" && strings.Trim(after, " \t\r`~") == ""
}

// group reads values that stand one behind the other: the lines of a list, or answers of which the last one counts.
func (r *reader) group(all []span, level int) (answer, bool) {
	if len(all) > 1 {
		lines, heads := value{kind: list}, 0
		head := -1
		for i := range all {
			switch v := &all[i].value; {
			case v.kind == object && isItem(v):
				lines.items = append(lines.items, *v)
				lines.cut = lines.cut || v.cut
			case v.kind == object && (v.get(keySummary...) != nil || v.get(keyCause...) != nil) && v.get(keyItems...) == nil:
				heads++
				head = i
			default:
				heads = len(all) // not lines
			}
		}
		if len(lines.items) > 0 && len(lines.items)+heads == len(all) && heads < 2 {
			a, ok := r.read(&lines, level, true)
			if head >= 0 {
				h, _ := r.read(&all[head].value, level, true)
				a.fill(&h)
			}
			a.cut = a.cut || all[len(all)-1].cut
			return a, ok || !a.empty()
		}
	}
	var out answer
	found := false
	for i := range all {
		if a, ok := r.read(&all[i].value, level, true); ok && (!found || !a.empty() || out.empty()) {
			a.cut = a.cut || all[i].cut
			out, found = a, true
		}
	}
	return out, found
}

// prose says whether a text without an answer says something besides JSON.
func (r *reader) prose(s string) bool {
	return letters(r.said(s)) >= leastLetters && (r.inner != "" || letters(s)-r.json >= leastLetters)
}

// said is what a text without an answer says: what its JSON has as an answer, or all of it.
func (r *reader) said(s string) string {
	if r.inner != "" {
		return r.inner
	}
	return s
}
