package changes

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kinds that pages know by name. Any other word will do.
const (
	Deploy      = "deploy"
	Config      = "config"
	FeatureFlag = "feature_flag"
	Scale       = "scale"
	Other       = "other"
)

// Most of what a change may carry, in characters.
const (
	maxTitle  = 200
	maxName   = 200 // service, author
	maxURL    = 2000
	maxLabels = 50
	maxKey    = 200
	maxValue  = 500
)

// ahead is how far clocks of those who report may be ahead of the hub's.
const ahead = time.Hour

// kindForm is what a kind looks like.
var kindForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,49}$`)

// Input is a change as somebody reports it. Everything but the title may be left out.
type Input struct {
	Title   string
	Kind    string // "": other
	Service string
	Labels  map[string]string
	At      time.Time // zero: now
	URL     string
	Author  string
}

// Problem is one thing that is wrong with an input.
type Problem struct{ Field, Message string }

// Invalid lists all that is wrong with an input.
type Invalid struct{ Problems []Problem } //nolint:errname // reads changes.Invalid, as in every app

func (e *Invalid) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.Field + " " + p.Message
	}
	return strings.Join(parts, "; ")
}

// change checks an input and makes the row of it.
func (in Input) change(now time.Time) (Change, error) {
	var bad Invalid
	wrong := func(field, format string, args ...any) {
		bad.Problems = append(bad.Problems, Problem{field, fmt.Sprintf(format, args...)})
	}
	text := func(field, s string, most int) string {
		s = clean(s)
		if n := utf8.RuneCountInString(s); n > most {
			wrong(field, "has %d characters, at most %d are kept", n, most)
		}
		return s
	}
	c := Change{
		Title: text("title", in.Title, maxTitle), Kind: strings.ToLower(clean(in.Kind)), Service: text("service", in.Service, maxName),
		Author: text("author", in.Author, maxName), URL: text("url", in.URL, maxURL), At: now, Labels: map[string]string{},
	}
	if c.Title == "" {
		wrong("title", "must say what was changed, such as \"api 2.4.1\"")
	}
	if c.Kind == "" {
		c.Kind = Other
	}
	if !kindForm.MatchString(c.Kind) {
		wrong("kind", "must be one word of letters, digits and _ . -, such as %s, %s, %s, %s or %s", Deploy, Config, FeatureFlag, Scale, Other)
	}
	if !in.At.IsZero() {
		c.At = in.At.UTC().Truncate(time.Microsecond)
		switch {
		case c.At.After(now.Add(ahead)):
			wrong("at", "lies more than an hour ahead; leave it out for now")
		case c.At.Before(now.Add(-Keep)):
			wrong("at", "is more than 90 days ago, which is how long changes are kept")
		}
	}
	if why := badURL(c.URL); why != "" {
		wrong("url", "%s", why)
	}
	if len(in.Labels) > maxLabels {
		wrong("labels", "are %d, at most %d are kept", len(in.Labels), maxLabels)
		return Change{}, &bad
	}
	for _, key := range slices.Sorted(maps.Keys(in.Labels)) {
		k := clean(key)
		if k == "" || utf8.RuneCountInString(k) > maxKey {
			wrong("labels", "have a name that is empty or longer than %d characters", maxKey)
			continue
		}
		c.Labels[k] = text("labels/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(k), in.Labels[key], maxValue)
	}
	if len(bad.Problems) > 0 {
		return Change{}, &bad
	}
	return c, nil
}

func badURL(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "must be an address like https://ci.example.com/build/7"
	case u.User != nil:
		return "must not have a user and a password in it"
	default:
		return ""
	}
}

// clean takes control characters out of a line and folds its white space.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == utf8.RuneError:
			return -1
		default:
			return r
		}
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
