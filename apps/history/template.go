package history

import (
	"net/netip"
	"strings"
	"unicode"
)

// maxTemplate bounds a template, in bytes; maxMined the text that is looked at.
const (
	maxTemplate = 400
	maxMined    = 4000
)

// Template is what stays the same in messages of one kind: numbers, addresses, ids, paths and quoted texts are replaced by marks such
// as <num>, <ip>, <id>, <path>, <str>, which is the first step of a Drain tree. The first two lines with words in them count.
func Template(message string) string {
	if len(message) > maxMined {
		message = message[:maxMined]
	}
	var out []string
	lines := 0
	for line := range strings.SplitSeq(strings.ToValidUTF8(strings.ReplaceAll(message, string(quoted), " "), " "), "\n") {
		tokens := mine(line)
		if len(tokens) > 2 {
			lines++
		}
		if out = append(out, tokens...); lines == 2 {
			break
		}
	}
	text := strings.Join(out, " ")
	if len(text) > maxTemplate {
		text = text[:max(strings.LastIndexByte(text[:maxTemplate], ' '), 0)]
	}
	return text
}

// quoted stands for a quoted text between the two steps of mine.
const quoted = '\x01'

// mine splits a line into lower-case words and marks. Several marks of one kind in a row are one.
func mine(line string) []string {
	var out []string
	for word := range strings.FieldsFuncSeq(hideQuoted(line), splits) {
		if word == string(quoted) {
			word = "<str>"
		} else if word = strings.Trim(word, ".:;-_/!?'`*#~<>"); word == "" {
			continue
		} else if kind := masked(word); kind != "" {
			word = kind
		} else {
			word = strings.ToLower(word)
		}
		if n := len(out); n > 0 && out[n-1] == word {
			continue
		}
		out = append(out, word)
	}
	return out
}

// splits tells what stands between words. Slashes, dots, colons and dashes may be part of one.
func splits(r rune) bool {
	return r != quoted && (unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("()[]{},;=|&\"“”«»", r))
}

// hideQuoted replaces texts in quotes.
func hideQuoted(line string) string {
	var b strings.Builder
	for {
		at := strings.IndexAny(line, "\"'`")
		if at < 0 {
			break
		}
		end := strings.IndexByte(line[at+1:], line[at])
		open := at == 0 || splits(rune(line[at-1])) || line[at-1] == ':'
		if end < 0 || line[at] == '\'' && !open { // an apostrophe
			b.WriteString(line[:at+1])
			line = line[at+1:]
			continue
		}
		b.WriteString(line[:at])
		b.WriteString(" " + string(quoted) + " ")
		line = line[at+end+2:]
	}
	b.WriteString(line)
	return b.String()
}

// masked names what a word is a value of, "" for a word.
func masked(word string) string {
	switch {
	case isAddress(word):
		return "<ip>"
	case strings.Contains(word, "://"):
		return "<url>"
	case strings.ContainsRune(word, '@') && strings.ContainsRune(word, '.'):
		return "<mail>"
	case isPath(word):
		return "<path>"
	case isHex(word):
		return "<id>"
	case isNumber(word):
		return "<num>"
	case digitsIn(word) >= 4: // names of pods and hosts
		return "<id>"
	default:
		return ""
	}
}

// isAddress knows IPs, with a port or a prefix length too.
func isAddress(word string) bool {
	if _, err := netip.ParseAddr(word); err == nil {
		return true
	}
	if _, err := netip.ParseAddrPort(word); err == nil {
		return true
	}
	_, err := netip.ParsePrefix(word)
	return err == nil
}

// isPath knows what has two slashes or starts with one. The word was trimmed of slashes at its ends, so "var/log/x" is one.
func isPath(word string) bool {
	return strings.Count(word, "/") >= 2 || strings.Count(word, "\\") >= 2 || strings.HasPrefix(word, "/") ||
		strings.Contains(word, "/") && strings.ContainsAny(word, "0123456789._")
}

// isNumber knows numbers with signs, units, times and dates: mostly digits, with at most three letters in a row.
func isNumber(word string) bool {
	digits, letters, row := 0, 0, 0
	for _, r := range word {
		switch {
		case r >= '0' && r <= '9':
			digits, row = digits+1, 0
		case unicode.IsLetter(r):
			letters, row = letters+1, row+1
			if row > 3 {
				return false
			}
		default:
			row = 0
		}
	}
	first := strings.TrimLeft(word, "+-.$€<>~v")
	return digits > 0 && letters <= 3 && len(first) > 0 && first[0] >= '0' && first[0] <= '9' || digits > 0 && letters <= digits/3
}

// isHex knows UUIDs, hashes and addresses of memory.
func isHex(word string) bool {
	digits, letters := 0, 0
	for _, r := range word {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F':
			letters++
		case r == '-' || r == ':':
		default:
			return strings.HasPrefix(word, "0x")
		}
	}
	return digits > 0 && letters > 0 && digits+letters >= 8
}

func digitsIn(word string) (n int) {
	for _, r := range word {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}
