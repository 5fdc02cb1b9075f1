package channel

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// MaxAnswer is the longest answer of a receiver that is kept, in bytes.
const MaxAnswer = 2 << 10

const masked = "***"

// A URL loses its user part and the values of parameters that look secret; an Authorization value its credential.
var (
	userInfo   = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/?#"'<>@]*@`)
	parameter  = regexp.MustCompile(`(?i)([\w.-]*(?:key|secret|token|passw|pwd|credential|signature)[\w.-]*["']?\s*[=:]\s*["']?)[^\s&,;"'<>}]+`)
	authScheme = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}`)
)

// Redactor masks the secrets of one channel in text that is shown. It is safe for concurrent use.
type Redactor struct{ known *strings.Replacer }

// NewRedactor knows the secrets of a channel. Those under 4 characters are left alone: masking them would only show where
// they occur.
func NewRedactor(secrets ...string) Redactor {
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // a longer one first, should it hold a shorter
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 4 {
			pairs = append(pairs, s, masked)
		}
	}
	return Redactor{known: strings.NewReplacer(pairs...)}
}

// Text masks known secrets and whatever looks like one, and shows control characters and marks that reorder text as spaces.
func (r Redactor) Text(s string) string {
	if s == "" {
		return ""
	}
	if r.known != nil {
		s = r.known.Replace(s)
	}
	s = userInfo.ReplaceAllString(s, "${1}"+masked+"@")
	s = parameter.ReplaceAllString(s, "${1}"+masked)
	s = authScheme.ReplaceAllString(s, "$1 "+masked)
	return strings.Map(func(c rune) rune {
		if c != '\n' && (unicode.IsControl(c) || settings.Hides(c)) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// Answer is what is kept of a receiver's answer: the beginning, at most MaxAnswer bytes, as Text shows it.
func (r Redactor) Answer(body []byte) string {
	// More than is kept is looked at, so that a secret on the edge is seen whole.
	const look = MaxAnswer + 1024
	more := len(body) > look
	if more {
		body = body[:look]
	}
	s := strings.TrimSpace(r.Text(string(body)))
	if len(s) <= MaxAnswer && !more {
		return s
	}
	const end = "…"
	return strings.ToValidUTF8(s[:min(len(s), MaxAnswer-len(end))], "") + end
}
