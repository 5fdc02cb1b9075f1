package endpoint

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
)

// show is how a web target is named, and what is taken out of texts about it.
type show struct {
	name string
	r    *redact.Redactor
}

// newShow knows what is secret of a target: what headers say, and of the URL everything but scheme, host and path.
func newShow(c *HTTPConfig) *show {
	var secrets []string
	for name, value := range c.Headers {
		if !strings.EqualFold(name, "Host") {
			secrets = append(secrets, value)
			if _, credential, ok := strings.Cut(value, " "); ok {
				secrets = append(secrets, credential)
			}
		}
	}
	s := &show{name: c.Name}
	u, err := url.Parse(c.URL)
	if err == nil {
		password, _ := u.User.Password()
		secrets = append(secrets, password, u.User.Username(), u.RawQuery, u.Fragment)
		for _, values := range u.Query() {
			secrets = append(secrets, values...)
		}
	}
	s.r = redact.New(secrets...)
	if s.name == "" && err == nil {
		s.name = u.Scheme + "://" + u.Host + hiddenPath(u.EscapedPath())
		if u.RawQuery != "" {
			s.name += "?…"
		}
	}
	s.name = s.text(s.name)
	return s
}

// text takes what is secret out of a text.
func (s *show) text(text string) string { return s.r.Short(text, 500) }

// hiddenPath hides the parts of a path that are no words: addresses of webhooks have their secret there.
func hiddenPath(path string) string {
	if path == "/" {
		return ""
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if len(part) > 100 || len(part) >= 16 && strings.ContainsFunc(part, unicode.IsDigit) && strings.ContainsFunc(part, unicode.IsLetter) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}
