package redact

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// look are the bytes where something may begin, or that stand in the middle of it.
var look = func() *set {
	var out set
	for c := range shapes {
		out[c] = len(shapes[c]) > 0
	}
	for _, c := range "[-e:=@%bBtT0123456789" {
		out[c] = true
	}
	return &out
}()

// scanner looks for what has the form of a secret.
type scanner struct {
	editor
	atSign int // the next @ at or after it, len(s) for none; -1: not looked for
	emails bool
}

// patterns takes out what looks like a secret. Each byte is visited a bounded number of times.
func patterns(s string, emails bool) string {
	sc := scanner{editor: editor{s: s}, atSign: -1, emails: emails}
	for i := 0; i < len(s); {
		if !look[s[i]] {
			i++
			continue
		}
		i = max(sc.at(i), i+1)
	}
	return sc.String()
}

// at deals with what begins or stands at i and returns where to go on.
func (sc *scanner) at(i int) int {
	s := sc.s
	switch c := s[i]; c {
	case '[':
		return i + marked(s[i:])
	case '-':
		if end := privateKey(s, i); end > 0 {
			return sc.take(i, end, kindPrivateKey)
		}
		if end := sc.login(i); end > 0 {
			return end
		}
		return sc.flag(i)
	case 'e':
		if end := webToken(s, i); end > 0 {
			return sc.take(i, end, "jwt")
		}
	case ':':
		if strings.HasPrefix(s[i:], "://") {
			return sc.address(i)
		}
		if end := telegram(s, i, sc.done); end > 0 {
			return sc.take(i+1, end, kindToken)
		}
		return sc.pair(i)
	case '=':
		return sc.pair(i)
	case '@':
		if end := sc.email(i, 1); end > 0 {
			return end
		}
		return sc.source(i)
	case '%':
		if strings.HasPrefix(s[i:], "%40") {
			return max(sc.email(i, 3), i+1)
		}
	case 'b', 'B', 't', 'T':
		if end := sc.scheme(i); end > 0 {
			return end
		}
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		end, next := card(s, i)
		if end > 0 {
			return sc.take(i, end, "card")
		}
		return next
	}
	if from, end, kind := shaped(s, i); end > 0 {
		return sc.take(from, end, kind)
	}
	return i + 1
}

func (sc *scanner) take(from, to int, kind string) int {
	for to < len(sc.s) && !utf8.RuneStart(sc.s[to]) {
		to++
	}
	sc.replace(from, to, kind)
	return to
}

// scheme takes the credential that follows "Bearer", "Basic" or "Token".
func (sc *scanner) scheme(i int) int {
	s := sc.s
	if i > 0 && wordByte[s[i-1]] {
		return 0
	}
	for _, name := range []string{"bearer", "basic", "token"} {
		at := i + len(name)
		if at >= len(s) || !strings.EqualFold(s[i:at], name) || s[at] != ' ' && s[at] != '+' && s[at] != '\t' {
			continue
		}
		for at < len(s) && (s[at] == ' ' || s[at] == '\t' || s[at] == '+') && at-i < len(name)+4 {
			at++
		}
		if end := webToken(s, at); end > 0 {
			return sc.take(at, end, "jwt")
		}
		value := strings.TrimRight(s[at:token68.run(s, at)], ".")
		if len(value) >= 8 && (name == "basic" && decodesToPair(value) || name == "bearer" && random(value) || name == "token" && len(value) >= 20) {
			return sc.take(at, at+len(value), name)
		}
	}
	return 0
}

// decodesToPair reports whether a value, cut or whole, is user:password in base64.
func decodesToPair(value string) bool {
	value = strings.TrimRight(value, "=")
	raw, err := base64.RawStdEncoding.DecodeString(value[:len(value)&^3])
	return err == nil && strings.Contains(string(raw), ":")
}

// random reports whether a value is not a word of a language: it has digits, marks, capitals inside, or is too long.
func random(value string) bool {
	if len(value) >= 20 {
		return true
	}
	for i := range len(value) {
		switch c := value[i]; {
		case c >= 'a' && c <= 'z', c == '-', c >= 'A' && c <= 'Z' && i == 0:
		default:
			return true
		}
	}
	return false
}

// address takes the user's part of a URL out, of which s[i:] is "://...".
func (sc *scanner) address(i int) int {
	s, from := sc.s, i+3
	end, colon := from, -1
	for ; end < len(s); end++ {
		c := s[end]
		if c == '/' || c == '?' || c == '#' || ends(c) {
			break
		}
		if c == ':' && colon < 0 {
			colon = end
		}
	}
	at := strings.LastIndexByte(s[from:end], '@')
	// A password that is not escaped may hold / ? #; a port may not.
	if at < 0 && colon > from && colon+1 < end && !digits[s[colon+1]] && s[from] != '[' && sc.nextAt(end) < min(len(s), end+256) {
		stop := sc.nextAt(end)
		if strings.IndexFunc(s[end:stop], func(r rune) bool { return r < 0x80 && ends(byte(r)) }) < 0 {
			at = stop - from
		}
	}
	if at <= 0 {
		return from
	}
	user := s[from : from+at]
	named := strings.Contains(user, ":")
	if n := marked(user); n == len(user) || !named && !strings.HasSuffix(strings.ToLower(s[max(0, i-5):i]), "http") &&
		!strings.HasSuffix(strings.ToLower(s[max(0, i-5):i]), "https") {
		return from + at
	}
	return sc.take(from, from+at, "url_credentials")
}

// ends reports whether a byte cannot be part of a URL in a text.
func ends(c byte) bool {
	return c <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || c == '\\'
}

// nextAt is the place of the next @.
func (sc *scanner) nextAt(i int) int {
	if sc.atSign < i {
		sc.atSign = len(sc.s)
		if n := strings.IndexByte(sc.s[i:], '@'); n >= 0 {
			sc.atSign = i + n
		}
	}
	return sc.atSign
}

// source takes user and password out of user:password@tcp(host).
func (sc *scanner) source(i int) int {
	s := sc.s
	if !strings.HasPrefix(s[i:], "@tcp(") && !strings.HasPrefix(s[i:], "@unix(") {
		return i + 1
	}
	from, colon := i, false
	for from > sc.done && i-from < 256 && !ends(s[from-1]) && s[from-1] != '=' && s[from-1] != ',' {
		from--
		colon = colon || s[from] == ':'
	}
	if !colon || marked(s[from:i]) == i-from {
		return i + 1
	}
	return sc.take(from, i, "url_credentials")
}

// telegram returns where a bot's token ends of which the number stands before the colon at i.
func telegram(s string, i, done int) int {
	from := i
	for from > done && digits[s[from-1]] && i-from <= 10 {
		from--
	}
	if n := i - from; n < 8 || n > 10 {
		return 0
	}
	if end := base64ID.run(s, i+1); end-i-1 >= 30 {
		return end
	}
	return 0
}
