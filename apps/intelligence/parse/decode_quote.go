package parse

import (
	"bytes"
	"strings"
)

// window is how far it is looked ahead for what follows a quote, in bytes.
const window = 300

// ends says whether the quote before p ends a string, by what follows: models forget to escape quotes inside of texts.
func (d *decoder) ends(p int, r role) bool {
	j := d.blank(p)
	if j >= len(d.s) || r == asKey {
		return true
	}
	if r == alone {
		return false
	}
	switch c := d.s[j]; c {
	case ',', ';':
		return d.follows(d.blank(j+1), r)
	case '}', ']':
		return d.closed(j)
	case '/':
		return strings.HasPrefix(d.s[j:], "//") || strings.HasPrefix(d.s[j:], "/*")
	case '#':
		return j > p
	case '+':
		k := d.blank(j + 1)
		return k < len(d.s) && strings.IndexByte("\"'`", d.s[k]) >= 0
	default:
		if r == inObject {
			return j > p && d.isKey(j) // the comma is missing
		}
		return j > p && isQuote(d.s, j) || c == '{' && strings.IndexByte(d.s[p:j], '\n') >= 0
	}
}

// follows says whether what stands behind a comma is the next member.
func (d *decoder) follows(k int, r role) bool {
	if k >= len(d.s) {
		return true
	}
	c := d.s[k]
	if strings.IndexByte(",]}", c) >= 0 || strings.HasPrefix(d.s[k:], "//") || strings.HasPrefix(d.s[k:], "/*") || c == '#' {
		return true
	}
	if r == inObject {
		return d.isKey(k)
	}
	if isQuote(d.s, k) || c == '{' || c == '[' || c == '-' || c >= '0' && c <= '9' {
		return true
	}
	for _, word := range []string{"true", "false", "null", "None", "True", "False", "undefined"} {
		if strings.HasPrefix(d.s[k:], word) {
			return true
		}
	}
	return strings.HasPrefix(d.s[k:], "...")
}

// isKey says whether a key and its colon stand at k.
func (d *decoder) isKey(k int) bool {
	s := d.s[k:min(len(d.s), k+window)]
	if isQuote(s, 0) {
		n := width(s[0])
		for i := n; i < len(s) && i < 120; i++ {
			if isQuote(s, i) {
				return isColon(s, i+width(s[i]))
			}
			if s[i] == '\n' || s[i] == ':' || s[i] == ',' {
				return false
			}
		}
		return k+len(s) == len(d.s) // the text ends in the key
	}
	i := 0
	for i < len(s) && i < 60 && isName(s[i]) {
		i++
	}
	return i > 0 && (isColon(s, i) || k+i == len(d.s))
}

func isColon(s string, i int) bool {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i == len(s) || s[i] == ':' || s[i] == '=' || s[i] == '[' || s[i] == '{' // the last two: the colon is missing
}

func isQuote(s string, i int) bool {
	d := decoder{s: s, at: i}
	return d.quote() > 0
}

// closed says whether the brackets from j on close what is open, and something sensible follows.
func (d *decoder) closed(j int) bool {
	open := len(d.open)
	for j < len(d.s) {
		c := d.s[j]
		if c != '}' && c != ']' {
			break
		}
		at := bytes.LastIndexByte(d.open[:open], c)
		if at < 0 {
			return false
		}
		if open = at; open == 0 {
			return true
		}
		j = d.blank(j + 1)
	}
	if j >= len(d.s) {
		return true
	}
	c := d.s[j]
	return c == ',' || c == '{' || c == '[' || c == '#' || c == '`' || strings.HasPrefix(d.s[j:], "//") || strings.HasPrefix(d.s[j:], "/*") || isQuote(d.s, j) && c != '\''
}

// blank is the next place that is not blank, no further than the window.
func (d *decoder) blank(j int) int {
	for stop := min(len(d.s), j+window); j < stop; j++ {
		if c := d.s[j]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return j
		}
	}
	return j
}
