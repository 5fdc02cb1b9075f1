package silences

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/event"
)

// Bounds of matchers.
const (
	maxMatchers = 50
	maxName     = 200                           // characters of a label's name
	maxValue    = 4096                          // bytes of a value
	maxText     = 6*maxValue + 10*maxName + 100 // bytes of a matcher as it is written: any of it may need an escape
	maxPattern  = 8192                          // characters that a pattern compares, its repetitions written out
)

// Op is how a matcher compares.
type Op string

// The comparisons, as in Alertmanager.
const (
	Equal    Op = "="
	NotEqual Op = "!="
	Like     Op = "=~" // a regular expression (RE2) for the whole value
	NotLike  Op = "!~"
)

// Matcher compares one label. A label that is not there has the value "".
type Matcher struct {
	Name  string
	Op    Op
	Value string
	re    *regexp.Regexp
}

// SyntaxError says where a matcher cannot be read.
type SyntaxError struct {
	Text string
	At   int // characters before it, from 0
	Why  string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s, at character %d of %s", e.Why, e.At+1, clip(e.Text))
}

// ParseMatcher reads a matcher as people write it for Alertmanager: instance=~"a|b". Names and values may be quoted; they must be when they
// have white space or one of {}!=~,\"'` in them. In quotes \" \\ and \n stand for a quote, a backslash and the end of a line, \u202e and
// \u{202e} for the character of that number, which need not be visible; any other backslash is itself, so that regular expressions need
// no second one. The error is *SyntaxError.
func ParseMatcher(text string) (Matcher, error) {
	p := &parser{text: text, rest: text}
	if len(text) > maxText {
		return Matcher{}, p.wrong("it is too long")
	}
	if !utf8.ValidString(text) {
		return Matcher{}, p.wrong("it is not UTF-8")
	}
	var m Matcher
	var err error
	p.space()
	if m.Name, err = p.word("a label's name"); err != nil {
		return m, err
	}
	p.space()
	if m.Op, err = p.op(); err != nil {
		return m, err
	}
	p.space()
	at := len(p.text) - len(p.rest)
	if m.Value, err = p.value(); err != nil {
		return m, err
	}
	p.space()
	switch {
	case strings.HasPrefix(p.rest, ","):
		return m, p.wrong("one text is one matcher; write the next one as another text")
	case p.rest != "":
		return m, p.wrong("nothing may come after the value; put quotes around it if this is part of it")
	}
	return m, m.compile(p, at)
}

func (m *Matcher) compile(p *parser, at int) error {
	switch {
	case utf8.RuneCountInString(m.Name) > maxName:
		return p.wrongAt(0, fmt.Sprintf("the name has more than %d characters", maxName))
	case len(m.Value) > maxValue:
		return p.wrongAt(at, fmt.Sprintf("the value has more than %d bytes", maxValue))
	case m.Op == Equal || m.Op == NotEqual:
		return nil
	}
	tree, err := syntax.Parse(m.Value, syntax.Perl) // by itself: what closes the brackets around it would not be anchored
	var re *regexp.Regexp
	if err == nil {
		if size(tree) > maxPattern {
			return p.wrongAt(at, fmt.Sprintf("the regular expression is too large: with its repetitions written out it compares more than %d characters", maxPattern))
		}
		re, err = regexp.Compile("^(?:" + m.Value + ")$")
	}
	if err != nil {
		why := "the regular expression cannot be read"
		if bad, ok := err.(*syntax.Error); ok { //nolint:errorlint // regexp.Compile returns it bare
			why += ": " + bad.Code.String()
		}
		return p.wrongAt(at, why)
	}
	m.re = re
	return nil
}

// size is how many characters a pattern compares at most, once its repetitions are written out: memory and time grow with it.
func size(re *syntax.Regexp) int {
	n := max(len(re.Rune), 1)
	if re.Op == syntax.OpCharClass {
		n = 1
	}
	for _, sub := range re.Sub {
		n += size(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, 2*maxPattern)
}

// Matches reports whether a value satisfies the matcher.
func (m *Matcher) Matches(value string) bool {
	switch m.Op {
	case Equal:
		return value == m.Value
	case NotEqual:
		return value != m.Value
	case Like:
		return m.re.MatchString(value)
	default:
		return !m.re.MatchString(value)
	}
}

// String writes the matcher so that ParseMatcher reads the same, without characters that nobody sees.
func (m *Matcher) String() string {
	name := m.Name
	if name == "" || strings.IndexFunc(name, func(r rune) bool { return special(r) || hidden(r) }) >= 0 {
		name = quote(name)
	}
	return name + string(m.Op) + quote(m.Value)
}

// Matchers must all hold.
type Matchers []Matcher

// ParseMatchers reads all matchers of a silence. Problems come by their place in the list; a list that would silence whatever comes is one
// too, with the place -1.
func ParseMatchers(texts []string) (Matchers, map[int]string) {
	bad := map[int]string{}
	switch {
	case len(texts) == 0:
		bad[-1] = `give at least one, such as instance="web-1"`
		return nil, bad
	case len(texts) > maxMatchers:
		bad[-1] = fmt.Sprintf("are %d, at most %d are kept", len(texts), maxMatchers)
		return nil, bad
	}
	out, narrow := make(Matchers, 0, len(texts)), false
	for i, text := range texts {
		m, err := ParseMatcher(text)
		if err != nil {
			bad[i] = err.Error()
			continue
		}
		narrow = narrow || !m.Matches("")
		out = append(out, m)
	}
	if len(bad) == 0 && !narrow {
		bad[-1] = "all match an empty value, so that they would silence what has none of these labels; at least one must not"
	}
	// What is cheap to compare goes first.
	slices.SortStableFunc(out, func(a, b Matcher) int { return cost(a) - cost(b) })
	return out, bad
}

func cost(m Matcher) int {
	if m.re == nil {
		return 0
	}
	return 1
}

// Match reports whether all hold for an alert. It has its labels, and where it has none of these names also alertname, severity and source.
func (ms Matchers) Match(a *event.Alert) bool {
	for i := range ms {
		if !ms[i].Matches(label(a, ms[i].Name)) {
			return false
		}
	}
	return len(ms) > 0
}

func label(a *event.Alert, name string) string {
	if v, ok := a.Labels[name]; ok {
		return v
	}
	switch name {
	case "alertname":
		return a.Name
	case "severity":
		return string(a.Severity)
	case "source":
		return a.Source
	}
	return ""
}

func clip(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return s
}
