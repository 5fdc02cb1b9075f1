package host

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cmdlineBytes is the most of a command line in a sample.
const cmdlineBytes = 200

// clean makes text from outside printable: no control characters, no broken UTF-8.
func clean(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.TrimSpace(string(b)))
}

// cut shortens s to at most n bytes, between two runes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// parseResolvers reads the name servers of resolv.conf(5).
func parseResolvers(text []byte) []string {
	var servers []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == "nameserver" && len(servers) < 16 {
			servers = append(servers, clean([]byte(f[1])))
		}
	}
	return servers
}
