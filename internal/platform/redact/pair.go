package redact

import "strings"

// pair takes the value out of name=value and name: value, as settings, headers, queries, JSON and YAML write them. i is the sign's place.
func (sc *scanner) pair(i int) int {
	s := sc.s
	end := i
	for end > 0 && i-end < 6 && (s[end-1] == ' ' || s[end-1] == '\t' || quote(s[end-1]) || s[end-1] == '\\' || s[end-1] == ']') {
		end--
	}
	from := end
	for from > 0 && end-from < maxName && dotted[s[from-1]] {
		from--
	}
	if from == end || strings.HasSuffix(s[:from], opening) {
		return i + 1
	}
	n := named(s[from:end])
	if n.kind == "" {
		return i + 1
	}
	at := i + 1
	for at < len(s) && at-i <= 3 && (s[at] == '=' || s[at] == '>' || s[at] == ':') {
		at++
	}
	return sc.value(at, n)
}

// flag takes the value out of --name value.
func (sc *scanner) flag(i int) int {
	s := sc.s
	if !strings.HasPrefix(s[i:], "--") || i > 0 && (base64ID[s[i-1]] || s[i-1] == '.') {
		return i + 1
	}
	end := base64ID.run(s, i+2)
	if end+1 >= len(s) || s[end] != ' ' || s[end+1] == '-' {
		return i + 1
	}
	n := named(s[i+2 : end])
	if n.kind == "" {
		return i + 1
	}
	n.line = false
	return sc.value(end+1, n)
}

// login takes user:password out that curl is given.
func (sc *scanner) login(i int) int {
	s, at := sc.s, i
	switch rest := s[i:]; {
	case strings.HasPrefix(rest, "-u "):
		at += len("-u ")
	case strings.HasPrefix(rest, "--user "):
		at += len("--user ")
	default:
		return 0
	}
	const before = 256
	word := at
	if word < len(s) && quote(s[word]) {
		word++
	}
	value := s[word:wordEnd(s, word)]
	if !strings.Contains(s[max(0, i-before):i], "curl ") || !strings.Contains(value, ":") || strings.Trim(value, "0123456789:") == "" {
		return 0
	}
	return sc.value(at, naming{kind: "url_credentials"})
}

func quote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// value takes out what stands at a place, in quotes or up to where a word ends.
func (sc *scanner) value(at int, n naming) int {
	s := sc.s
	for spaces := 0; at < len(s) && (s[at] == ' ' || s[at] == '\t') && spaces < 16; spaces++ {
		at++
	}
	if at >= len(s) {
		return at
	}
	if n.weak && s[at] == '/' { // a path
		return at
	}
	from, to := quoted(s, at)
	switch {
	case from > 0:
		at = from
	case n.line && n.kind == kindAuthorization:
		to = credentialEnd(s, at)
	case n.line:
		to = lineEnd(s, at)
	default:
		to = wordEnd(s, at)
	}
	if to <= at || n.spares(s[at:to]) || marked(s[at:to]) == to-at {
		return at
	}
	return sc.take(at, to, n.kind)
}

// quoted returns where a value in quotes, also escaped ones, begins and ends; from is 0 when there are no quotes. What is never closed
// ends with its line.
func quoted(s string, at int) (from, to int) {
	open := at
	for open < len(s) && s[open] == '\\' && open-at < 8 {
		open++
	}
	if open >= len(s) || !quote(s[open]) {
		return 0, 0
	}
	from = open + 1
	for i := from; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\n', c == '\r':
			return from, i
		case c == '\\' && open == at:
			i++ // an escaped byte
		case c == s[open] && open == at:
			return from, i
		case c == '\\' && strings.HasPrefix(s[i:], s[at:from]):
			return from, i
		case c == '\\': // of another depth
			for i+1 < len(s) && s[i+1] == '\\' {
				i++
			}
			i++
		}
	}
	return from, len(s)
}

func lineEnd(s string, i int) int {
	for i < len(s) && s[i] != '\n' && s[i] != '\r' && !quote(s[i]) {
		i++
	}
	return i
}

// wordEnd returns where an unquoted value ends.
func wordEnd(s string, i int) int {
	for i < len(s) {
		if n := marked(s[i:]); n > 0 {
			i += n
			continue
		}
		switch c := s[i]; {
		case c <= ' ', quote(c), c == '&', c == ';', c == ',', c == '<', c == '>', c == ')', c == ']', c == '}', c == '\\':
			return i
		}
		i++
	}
	return i
}

// credentialEnd returns where the credential of an Authorization header ends: behind a scheme and a word, or with the line when more
// parameters follow.
func credentialEnd(s string, from int) int {
	first := wordEnd(s, from)
	switch {
	case first >= len(s):
		return first
	case s[first] == ',', s[first] == ';':
		return lineEnd(s, first)
	case s[first] != ' ':
		return first
	}
	switch scheme := strings.ToLower(s[from:first]); {
	case schemes[scheme]:
		return wordEnd(s, first+1)
	case scheme == "digest", scheme == "aws4-hmac-sha256", scheme == "hawk", scheme == "oauth":
		return lineEnd(s, first)
	}
	return first
}

// schemes are the words before the credential of an Authorization header.
var schemes = map[string]bool{
	"bearer": true, "basic": true, "token": true, "apikey": true, "bot": true, "key": true, "genie": true, "geniekey": true, "negotiate": true,
	"ntlm": true, "splunk": true,
}
