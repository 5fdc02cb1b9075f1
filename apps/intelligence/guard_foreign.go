package intelligence

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/providers"
)

const (
	leastForeign = 12  // bytes of a command that is looked for in foreign text
	mostPlaces   = 100 // of one word in it
	leastEncoded = 16  // characters of a text in base64
)

// foreignText is everything that came from outside with a question, in the forms in which it is looked for. What is encoded in it is there
// decoded as well: models decode what they are told to.
type foreignText struct {
	folded   string           // small, single spaces
	squeezed string           // only letters and digits
	words    []string         // of folded, without what is around them
	places   map[string][]int // of words
	own      string           // folded: what the hub measured itself and operators wrote
}

// foreign collects what came from outside. Ours are texts that operators wrote, which may be repeated like what our checks say.
func foreign(in *providers.Incident, ev *providers.Evidence, ours ...string) *foreignText {
	var b, own strings.Builder
	add := func(texts ...string) {
		for _, t := range texts {
			b.WriteString(t)
			b.WriteByte('\n')
		}
	}
	if in != nil {
		add(in.Title, in.Description)
		for k, v := range in.Labels {
			add(k, v)
		}
		addAll(in.Metadata, add)
	}
	for _, a := range ev.Alerts {
		add(a.Name, a.Description)
		for k, v := range a.Labels {
			add(k, v)
		}
	}
	for _, h := range ev.History {
		add(h.Title, h.Summary)
	}
	for _, c := range ev.Changes {
		add(c.Title, c.Service, c.URL, c.Author)
		for k, v := range c.Labels {
			add(k, v)
		}
	}
	add(ev.Runbook...) // links of alerts
	own.WriteString(strings.Join(ours, "\n") + "\n")
	for _, c := range ev.Checks {
		own.WriteString(c.Name + "\n" + c.Message + "\n" + c.Host + "\n")
		addAll(c.Metrics, func(texts ...string) { own.WriteString(strings.Join(texts, "\n") + "\n") })
	}
	return newForeign(b.String(), own.String())
}

func addAll(v any, add func(...string)) {
	switch v := v.(type) {
	case string:
		add(v)
	case map[string]any:
		for k, item := range v {
			add(k)
			addAll(item, add)
		}
	case []any:
		for _, item := range v {
			addAll(item, add)
		}
	}
}

func newForeign(text, own string) *foreignText {
	all := []string{text}
	for _, d := range decoded(text) {
		all = append(append(all, d), decoded(d)...)
	}
	f := &foreignText{folded: fold(ascii(strings.Join(all, "\n"))), places: map[string][]int{}, own: fold(ascii(own))}
	f.squeezed = squeeze(f.folded)
	for w := range strings.FieldsSeq(f.folded) {
		if w = trimWord(w); w != "" {
			f.places[w] = append(f.places[w], len(f.words))
			f.words = append(f.words, w)
		}
	}
	return f
}

// holdsAll reports whether every one of these texts stands in what came from outside: then they are no analysis, but an echo.
func (f *foreignText) holdsAll(texts []string) bool {
	size := 0
	for _, t := range texts {
		s := squeeze(fold(ascii(t)))
		if !strings.Contains(f.squeezed, s) {
			return false
		}
		size += len(s)
	}
	return size > 0
}

// holds reports whether a text stands in what came from outside, and not in what is ours.
func (f *foreignText) holds(folded string) bool {
	return len(folded) >= leastForeign && strings.Contains(f.folded, folded) && !strings.Contains(f.own, folded)
}

// run returns how many of the words from the first on stand in a row in what came from outside.
func (f *foreignText) run(words []string) int {
	best := 0
	for i, at := range f.places[words[0]] {
		if i == mostPlaces {
			break
		}
		n := 1
		for n < len(words) && at+n < len(f.words) && words[n] == f.words[at+n] {
			n++
		}
		best = max(best, n)
	}
	return best
}

var (
	base64Text = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}={0,2}`)
	hexText    = regexp.MustCompile(`(?i)\b(?:0x)?((?:[0-9a-f]{2}[ :]?){8,})\b`)
	escapeText = regexp.MustCompile(`(?i)(\\x[0-9a-f]{2}|\\u[0-9a-f]{4})`)
	defanged   = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", " dot ", ".", "hxxp", "http", "[:]", ":", "[/]", "/", "hXXp", "http")
)

// decoded are the texts that a text holds in another form.
func decoded(s string) []string {
	var out []string
	add := func(t string) {
		if t != s && t != "" && readable(t) {
			out = append(out, t)
		}
	}
	const most = 200
	for _, m := range base64Text.FindAllString(s, most) {
		m = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(m, "="))
		if raw, err := base64.RawStdEncoding.DecodeString(m[:len(m)-oddEnd(m)]); err == nil {
			add(string(raw))
		}
	}
	for _, m := range hexText.FindAllStringSubmatch(s, most) {
		if raw, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "").Replace(m[1])); err == nil {
			add(string(raw))
		}
	}
	if strings.Contains(s, "%") {
		if t, err := url.PathUnescape(s); err == nil {
			add(t)
		} else {
			for w := range strings.FieldsSeq(s) {
				if t, err := url.PathUnescape(w); err == nil && t != w {
					add(t)
				}
			}
		}
	}
	if strings.Contains(s, "&") {
		add(html.UnescapeString(s))
	}
	if strings.Contains(s, `\`) {
		add(escapeText.ReplaceAllStringFunc(s, func(e string) string {
			raw, err := hex.DecodeString(e[2:])
			if err != nil {
				return e
			}
			n := rune(0)
			for _, c := range raw {
				n = n<<8 | rune(c)
			}
			return string(n)
		}))
		add(strings.NewReplacer(`\"`, `"`, `\n`, "\n", `\t`, " ", `\\`, `\`).Replace(s))
	}
	add(defanged.Replace(s))
	return out
}

// oddEnd is how many characters are too many for base64: a text may end with one that does not belong to it.
func oddEnd(s string) int {
	if len(s)%4 == 1 {
		return 1
	}
	return 0
}

func readable(s string) bool {
	bad := 0
	for _, r := range s {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			bad++
		}
	}
	return bad == 0
}

func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// ascii writes characters that look like those of ASCII as these: wide ones, those of formulas, dashes, quotes and blanks.
func ascii(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 {
		return s
	}
	return strings.Map(asciiRune, s)
}

func asciiRune(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case r >= 0xff01 && r <= 0xff5e:
		return r - 0xff01 + '!'
	case r >= 0x1d400 && r <= 0x1d6a3:
		n := (r - 0x1d400) % 52
		if n < 26 {
			return 'A' + n
		}
		return 'a' + n - 26
	case r >= 0x1d7ce && r <= 0x1d7ff:
		return '0' + (r-0x1d7ce)%10
	case unicode.Is(unicode.Pd, r), r == '\u2212':
		return '-'
	case unicode.IsSpace(r):
		return ' '
	}
	switch r {
	case '\u2018', '\u2019', '\u201a', '\u201b', '\u2032', '\u00b4':
		return '\''
	case '\u201c', '\u201d', '\u201e', '\u201f', '\u2033':
		return '"'
	case '\u2044', '\u2215', '\u29f8':
		return '/'
	case '\u2223', '\u01c0', '\u2502':
		return '|'
	}
	return r
}

// squeeze leaves letters and digits.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return r
		}
		return -1
	}, s)
}

// trimWord takes away what stands around a word in a sentence.
func trimWord(w string) string {
	return strings.TrimRight(strings.TrimLeft(w, "\"'`([{<*_>"), "\"'`)]}>*_,;:!?.")
}

// isAddress says whether a word names something elsewhere without a scheme: ppa:x/y, host.example/path, user@host:path.
func isAddress(w string) bool {
	slash := strings.IndexByte(w, '/')
	if len(w) < leastForeign || slash <= 0 || strings.ContainsAny(w[:1], "/.~-$") || strings.Trim(w, "0123456789./:") == "" {
		return false
	}
	return strings.ContainsAny(w[:slash], ".:") && !slices.Contains([]string{".", ".."}, w[:slash])
}
