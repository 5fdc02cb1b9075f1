package prompt

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Cut keeps the head and the tail of a text that is longer than limit bytes, and says how many characters it left out. Of what is as short
// as a label there is no tail. Marks of the redactor stay whole.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const most = len("[cut 1234567890 chars]")
	room := max(limit-min(most, len("[cut  chars]")+digits(len(s))), 0)
	tail := room / 4
	if limit <= maxLabel {
		tail = 0
	}
	first, last := s[:headAt(s, room-tail)], s[tailAt(s, len(s)-tail):]
	left := utf8.RuneCountInString(s) - utf8.RuneCountInString(first) - utf8.RuneCountInString(last)
	return first + "[cut " + strconv.Itoa(left) + " chars]" + last
}

func digits(n int) int { return len(strconv.Itoa(n)) }

// headAt is the last place up to n where a character begins and no mark is cut.
func headAt(s string, n int) int {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	if at := inMark(s, n); at >= 0 {
		return at
	}
	return n
}

// tailAt is the first place from n on where a character begins and no mark is cut.
func tailAt(s string, n int) int {
	for n < len(s) && !utf8.RuneStart(s[n]) {
		n++
	}
	if inMark(s, n) >= 0 {
		return n + strings.IndexByte(s[n:], ']') + 1
	}
	return n
}

// inMark returns where the mark begins that n is in the middle of, or -1.
func inMark(s string, n int) int {
	const opening, longest = "[redacted:", 48
	from := max(0, n-longest)
	at := strings.LastIndex(s[from:min(len(s), n+len(opening)-1)], opening)
	if at < 0 || from+at >= n {
		return -1
	}
	at += from
	if end := strings.IndexByte(s[at:], ']'); end < 0 || end > longest || at+end < n {
		return -1
	}
	return at
}
