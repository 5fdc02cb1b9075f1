package llm

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// reader checks settings one by one and keeps its complaints.
type reader struct{ errs []error }

func (r *reader) bad(key, format string, args ...any) {
	r.errs = append(r.errs, settings.Bad(key, format, args...))
}

func (r *reader) whole(key string, got *int, standard, least, most int) int {
	if got == nil {
		return standard
	}
	if *got < least || *got > most {
		r.bad(key, "must be a whole number from %d to %d", least, most)
	}
	return *got
}

func (r *reader) number(key string, got *float64, standard, least, most float64) float64 {
	if got == nil {
		return standard
	}
	if math.IsNaN(*got) || *got < least || *got > most {
		r.bad(key, "must be a number from %g to %g", least, most)
	}
	return *got
}

func (r *reader) price(key string, got *float64) *float64 {
	if got != nil {
		r.number(key, got, 0, 0, 1e6)
	}
	return got
}

func (r *reader) oneOf(key, got, standard string, known ...string) string {
	if got == "" {
		return standard
	}
	if !slices.Contains(known, got) {
		r.bad(key, "must be one of %s", strings.Join(known, ", "))
	}
	return got
}

// line takes a text that becomes a header.
func (r *reader) line(key, got string) string {
	got = strings.TrimSpace(got)
	if len(got) > 8<<10 || !headerValue(got) {
		r.bad(key, "must be one line of at most 8192 printable ASCII characters: copy it again, without line breaks")
	}
	return got
}

func headerValue(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r >= utf8.RuneSelf || r == 0x7f }) < 0
}

// effort is a word: which ones there are depends on the model, and models are newer than tables.
func (r *reader) effort(got string) string {
	if len(got) > 20 || strings.IndexFunc(got, func(c rune) bool { return c < 'a' || c > 'z' }) >= 0 {
		r.bad("effort", "must be a word that the model knows, such as none, low, medium or high")
	}
	return got
}

func (r *reader) model(got string) string {
	got = strings.TrimSpace(got)
	if len(got) > 200 || strings.IndexFunc(got, func(c rune) bool { return !unicode.IsPrint(c) || unicode.IsSpace(c) }) >= 0 {
		r.bad("model", "must be the name of a model, at most 200 characters without spaces")
	}
	return got
}

func (r *reader) address(spec Defaults, g given, d Deps) string {
	key, raw := "base_url", strings.TrimSpace(g.BaseURL)
	if host := strings.TrimSpace(g.Host); host != "" {
		if raw != "" && strings.TrimRight(raw, "/") != strings.TrimRight(host, "/") {
			r.bad("host", "is another name for base_url: give one of them")
		}
		key, raw = "host", host
	}
	if raw == "" {
		return spec.BaseURL
	}
	if key == "host" && !strings.Contains(raw, "://") {
		raw = "http://" + raw // as OLLAMA_HOST is written
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		r.bad(key, "must be an address such as %s", spec.BaseURL)
	case u.User != nil:
		r.bad(key, "a user name or password in it is not taken: use api_key or headers")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		r.bad(key, "must end with its path: leave out everything from ? or # on")
	case d.HTTP != nil:
		// What is not allowed today is found out at the call: the allow-list may change, and then nothing need be saved again.
		if err := d.HTTP.CheckURL(raw); err != nil && !errors.Is(err, httpclient.ErrBlocked) {
			r.bad(key, "%v", err)
		}
	}
	return strings.TrimRight(raw, "/")
}

const maxHeaders = 20

// ownHeaders are the connection's or come from other settings.
var ownHeaders = [...]string{
	"Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Te", "Trailer",
	"Proxy-Authorization", "Proxy-Connection", "Expect", "Accept-Encoding",
}

func (r *reader) headers(got map[string]string) http.Header {
	h := http.Header{}
	if len(got) > maxHeaders {
		r.bad("headers", "must be at most %d", maxHeaders)
	}
	for name, value := range got {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !token(name):
			r.bad("headers", "a name must be of letters, digits and - only")
		case canonical == "Authorization" || canonical == "X-Api-Key" || canonical == "X-Goog-Api-Key":
			r.bad("headers."+name, "comes from api_key: put the key there")
		case slices.Contains(ownHeaders[:], canonical):
			r.bad("headers."+name, "is made by the connection: leave it out")
		default:
			h.Set(name, r.line("headers."+name, value))
		}
	}
	return h
}

func token(name string) bool {
	return name != "" && len(name) <= 100 && strings.IndexFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) < 0
}
