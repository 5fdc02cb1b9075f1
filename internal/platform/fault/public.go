package fault

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// maxPublic is the longest text, in bytes, that Public returns before its ellipsis.
const maxPublic = 500

// These find what must not be shown in free text. A URL keeps its scheme and host only: webhook addresses carry their
// secret in the path or the query as often as in the user part.
var (
	anyURL     = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'<>]*`)
	keyValue   = regexp.MustCompile(`(?i)\b(password|passwd|pwd|secret|token|api[_-]?key|sslpassword)=('[^']*'|"[^"]*"|[^\s&,;]+)`)
	authScheme = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}`)
)

// Public returns the text of err for people who may see a failure but no secrets: rows, API answers, pages. URLs are cut
// to scheme and host, password=… pairs and Authorization values masked, control characters made spaces, the whole kept to
// 500 bytes. It returns "" for nil. It is a net below, not a licence: an error text must hold no secret to begin with.
func Public(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	for _, ue := range urlErrors(err) {
		text = strings.ReplaceAll(text, ue.Error(), ue.Op+" "+plainURL(ue))
	}
	text = anyURL.ReplaceAllStringFunc(text, func(found string) string {
		raw := strings.TrimRight(found, ":;,.)") // the sentence around it
		return bareURL(raw) + found[len(raw):]
	})
	text = keyValue.ReplaceAllString(text, "$1=***")
	text = authScheme.ReplaceAllString(text, "$1 ***")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return cut(text)
}

// plainURL writes what a *url.Error says without its URL. The cause of a "parse" error quotes the part it could not read,
// which may be a password, so it is dropped.
func plainURL(ue *url.Error) string {
	if ue.Op == "parse" {
		return "URL: malformed"
	}
	return bareURL(ue.URL) + ": " + Public(ue.Err)
}

// bareURL cuts a URL, well-formed or not, to scheme://host.
func bareURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		scheme, _, ok := strings.Cut(raw, "://")
		if !ok {
			return "(URL)"
		}
		return scheme + "://…"
	}
	return u.Scheme + "://" + u.Host
}

// urlErrors returns every *url.Error in err's tree, outermost first.
func urlErrors(err error) []*url.Error {
	var found []*url.Error
	if ue, ok := err.(*url.Error); ok { //nolint:errorlint // this function is the walk
		found = append(found, ue)
	}
	switch e := err.(type) { //nolint:errorlint // this function is the walk
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			found = append(found, urlErrors(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if inner != nil {
				found = append(found, urlErrors(inner)...)
			}
		}
	}
	return found
}

// StripURL replaces a *url.Error, as net/http's client returns it, by its cause under a text without the URL. Other errors
// come back unchanged. What errors.Is and errors.As find stays the same but for the *url.Error itself.
func StripURL(err error) error {
	var ue *url.Error
	if !errors.As(err, &ue) || ue.Err == nil {
		return err
	}
	return &strippedError{text: Public(err), cause: ue.Err}
}

type strippedError struct {
	text  string
	cause error
}

func (s *strippedError) Error() string { return s.text }
func (s *strippedError) Unwrap() error { return s.cause }

func cut(s string) string {
	if len(s) <= maxPublic {
		return s
	}
	return strings.ToValidUTF8(s[:maxPublic], "") + "…"
}
