package endpoint

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// HTTPConfig are the settings of the http check.
type HTTPConfig struct {
	URL             string            `json:"url" jsonschema:"description=What to call. Credentials in it are used and never shown."`
	Targets         Targets           `json:"targets" jsonschema:"description=More to call: URLs or objects with settings over these."`
	Name            string            `json:"name" jsonschema:"description=What to call it in messages. Empty: its URL without what may be secret."`
	Method          string            `json:"method" jsonschema:"description=GET or HEAD or POST and so on."`
	Headers         map[string]string `json:"headers" jsonschema:"description=To send. They are not sent on to another host."`
	Body            string            `json:"body" jsonschema:"description=To send."`
	ExpectStatus    StatusRanges      `json:"expect_status" jsonschema:"description=Statuses that are well: 200 or 200-299 or 2xx."`
	ExpectBody      string            `json:"expect_body" jsonschema:"description=A text that must be in the answer."`
	ExpectBodyRegex string            `json:"expect_body_regex" jsonschema:"description=A regular expression (RE2) that the answer must match."`
	ForbidBody      string            `json:"forbid_body" jsonschema:"description=A text that must not be in the answer."`
	ForbidBodyRegex string            `json:"forbid_body_regex" jsonschema:"description=A regular expression (RE2) that the answer must not match."`
	Follow          bool              `json:"follow" jsonschema:"description=Follow redirects. Else the redirect is the answer."`
	MaxRedirects    checkers.Count    `json:"max_redirects" jsonschema:"description=How many to follow."`
	SkipVerify      bool              `json:"skip_verify" jsonschema:"description=Take any certificate."`
	CAPEM           string            `json:"ca_pem" jsonschema:"description=Certificates of authorities to trust in place of the system's as PEM."`
}

func httpDefaults() HTTPConfig {
	return HTTPConfig{
		Targets: Targets{}, Method: http.MethodGet, Headers: map[string]string{}, ExpectStatus: StatusRanges{"200-299"}, Follow: true, MaxRedirects: 10,
	}
}

// Bounds of settings.
const (
	maxURL       = 4096
	maxPattern   = 1000
	maxRedirects = 20
)

// Validate implements checkers.Validator.
func (c *HTTPConfig) Validate() error {
	_, err := c.all()
	return err
}

// all lists the targets, each with its settings.
func (c *HTTPConfig) all() ([]HTTPConfig, error) {
	if err := c.valid(); err != nil {
		return nil, err
	}
	base := *c
	base.Targets = nil
	return each(base, c.URL != "", "url", c.Targets)
}

func (c *HTTPConfig) valid() error {
	errs := []error{checkURL(c.URL), checkMethod(c.Method), checkCA(c.CAPEM)}
	for name, value := range c.Headers {
		if !isToken(name) || strings.ContainsFunc(value, unicode.IsControl) {
			errs = append(errs, fmt.Errorf("headers: %.80q: not a header", name))
		}
	}
	for name, pattern := range map[string]string{"expect_body_regex": c.ExpectBodyRegex, "forbid_body_regex": c.ForbidBodyRegex} {
		if _, err := regexp.Compile(pattern); err != nil || len(pattern) > maxPattern {
			errs = append(errs, fmt.Errorf("%s: want a regular expression (RE2) of at most %d bytes", name, maxPattern))
		}
	}
	if c.MaxRedirects < 0 || c.MaxRedirects > maxRedirects {
		errs = append(errs, fmt.Errorf("max_redirects: want 0 to %d", maxRedirects))
	}
	if len(c.ExpectStatus) == 0 {
		errs = append(errs, errors.New("expect_status: want at least one"))
	}
	return errors.Join(errs...)
}

// checkURL says what is wrong with a URL, without repeating it: it may hold a secret.
func checkURL(raw string) error {
	if raw == "" {
		return nil // there may be targets
	}
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURL {
		return errors.New("url: it cannot be read: write it as https://host/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("url: it must begin with http:// or https://")
	}
	if _, err := hostPort(u.Host, 80); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	return nil
}

func checkMethod(method string) error {
	if method == "" || len(method) > 20 || !isToken(method) || method == http.MethodConnect {
		return errors.New("method: want GET, HEAD, POST or another")
	}
	return nil
}

// isToken is for names of methods and headers (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.Trim(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func checkCA(pem string) error {
	if pem != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(pem)) {
		return errors.New("ca_pem: want certificates as PEM")
	}
	return nil
}

// rootsOf are the authorities to trust; nil: the system's.
func rootsOf(pem string) *x509.CertPool {
	if pem == "" {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(pem))
	return pool
}

// StatusRanges are HTTP statuses: 200, "200-299", "2xx"; one of them, one text with commas, or a list.
type StatusRanges []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *StatusRanges) UnmarshalJSON(raw []byte) error {
	wrong := errors.New(`want statuses such as 200, "200-299" or "2xx"`)
	var list []any
	if json.Unmarshal(raw, &list) != nil {
		var one any
		if json.Unmarshal(raw, &one) != nil {
			return wrong
		}
		list = []any{one}
	}
	out := StatusRanges{}
	for _, item := range list {
		switch v := item.(type) {
		case string:
			for part := range strings.SplitSeq(v, ",") {
				out = append(out, strings.TrimSpace(part))
			}
		case float64:
			out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
		default:
			return wrong
		}
	}
	for _, text := range out {
		if _, _, ok := statusRange(text); !ok {
			return wrong
		}
	}
	*s = out
	return nil
}

func statusRange(text string) (first, last int, ok bool) {
	if len(text) == 3 && strings.EqualFold(text[1:], "xx") {
		text = text[:1] + "00-" + text[:1] + "99"
	}
	a, b, isRange := strings.Cut(text, "-")
	if !isRange {
		b = a
	}
	first, errA := strconv.Atoi(strings.TrimSpace(a))
	last, errB := strconv.Atoi(strings.TrimSpace(b))
	return first, last, errA == nil && errB == nil && first >= 100 && last >= first && last <= 599
}

func (s StatusRanges) has(status int) bool {
	for _, text := range s {
		if first, last, ok := statusRange(text); ok && status >= first && status <= last {
			return true
		}
	}
	return false
}
