package channel

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxParts is how many messages a long text becomes at most: who is told something wants to read it.
const MaxParts = 10

// Bounds is how a text is cut into parts. What is more than fits into them is left out, and the last part says so.
type Bounds struct {
	Limit int              // of a part, in Units; at least 100
	Bytes bool             // Limit counts bytes
	Whole *regexp.Regexp   // what is not cut in two; nil: nothing is
	Most  int              // parts; 0: MaxParts
	Where string           // where all of it can be read, in the channel's markup; "" is nowhere
	Read  func(string) int // how many characters people see of a text in the channel's markup; nil: as many as it has
}

// Parts cuts a text, and what stands at its end whatever is left out, unless that is long itself. They are joined by an empty line. left is how many characters are left
// out; 0 is none.
func (b Bounds) Parts(text, end string) (parts []string, left int) {
	text, end = strings.TrimSpace(text), strings.TrimSpace(end)
	whole := strings.TrimSpace(text + "\n\n" + end)
	most := b.Most
	if most <= 0 {
		most = MaxParts
	}
	if parts = split(whole, b.Limit, b.size(), b.Whole, most+1); len(parts) <= most {
		return parts, 0
	}
	if b.length(end) > b.Limit/4 {
		text, end = whole, "" // long itself
	}
	parts, text = splitOff(text, b.Limit, b.size(), b.Whole, most-1)
	if end != "" {
		end = "\n\n" + end
	}
	note := b.note(b.seen(text))
	room := max(b.Limit-b.length(note)-b.length(end)-2, utf8.UTFMax)
	cut, skip := len(text), 0
	if b.length(text) > room {
		cut, skip = cutAt(text, room, b.size(), b.Whole)
	}
	if left = b.seen(strings.TrimSpace(text[cut+skip:])); left == 0 {
		return append(parts, text[:cut]+end), 0
	}
	return append(parts, strings.TrimRight(text[:cut], " \n")+"\n\n"+b.note(left)+end), left
}

// note is what the last part says.
func (b Bounds) note(left int) string {
	if where := b.Where; where != "" && b.length(where) <= b.Limit/8 {
		return fmt.Sprintf("… %d characters are left out. All of it: %s", left, where)
	}
	return fmt.Sprintf("… %d characters are left out.", left)
}

// LeftOut says for people who look at a delivery what it does not say; "" when nothing is left out.
func LeftOut(left int) string {
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("it was too long for %d messages: %d characters were left out", MaxParts, left)
}

// Remark puts remarks about a message into one; empty ones are none, and the same is said once.
func Remark(list ...string) string {
	var said []string
	for _, r := range list {
		if r != "" && !slices.Contains(said, r) {
			said = append(said, r)
		}
	}
	return strings.Join(said, "; ")
}

func (b Bounds) seen(s string) int {
	if b.Read != nil {
		return b.Read(s)
	}
	return utf8.RuneCountInString(s)
}

func (b Bounds) size() func(rune) int {
	if b.Bytes {
		return utf8Len
	}
	return units
}

func (b Bounds) length(s string) int {
	if b.Bytes {
		return len(s)
	}
	return Units(s)
}

// utf8Len is what a character takes of a text; what is none is one byte.
func utf8Len(r rune) int {
	if r == utf8.RuneError {
		return 3
	}
	return utf8.RuneLen(r)
}
