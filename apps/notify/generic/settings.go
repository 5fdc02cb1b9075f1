package generic

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Settings are the channel's configuration.
type Settings struct {
	channel.OwnText

	Endpoint   string            `json:"endpoint"`
	WebhookURL string            `json:"webhook_url"`
	Method     string            `json:"method"`
	Headers    map[string]string `json:"headers"`
	Query      map[string]string `json:"query"`
	Username   string            `json:"username"`
	Password   string            `json:"password"`
	// Timeout is in seconds; 0 means channel.MaxTimeout.
	Timeout       float64 `json:"timeout"`
	Secret        string  `json:"secret"`
	SignTimestamp bool    `json:"sign_timestamp"`
	Channel       string  `json:"channel"`
	Disabled      bool    `json:"disabled"`
	// Acknowledged and Analysis: tell these, too.
	Acknowledged    bool              `json:"acknowledged"`
	Analysis        bool              `json:"analysis"`
	PayloadTemplate settings.Template `json:"payload_template"`

	timeout time.Duration
}

const (
	maxHeaders     = 50
	maxHeaderBytes = 8 << 10
)

// fields documents the settings; the required one first.
func fields() (required, optional []channel.Field) {
	required = []channel.Field{
		{Key: "endpoint", Type: channel.FieldURL, Destination: true, Doc: "Where messages are sent; http or https. webhook_url is another name for it."},
	}
	optional = []channel.Field{
		{Key: "webhook_url", Type: channel.FieldURL, Destination: true, Doc: "Another name for endpoint; give one of them."},
		{Key: "method", Type: channel.FieldText, Default: http.MethodPost, Enum: methods[:], Doc: "HTTP method. GET has no body: it only rings."},
		{
			Key: "headers", Type: channel.FieldMap, Secret: true,
			Doc: "More headers. They win over the hub's, but for Idempotency-Key, X-IncidentHub-Signature and X-IncidentHub-Timestamp. " +
				"Values under names that look secret (Authorization, X-Api-Key …) are never shown again.",
		},
		{Key: "query", Type: channel.FieldMap, Secret: true, Doc: "More query parameters; secret by name like headers. Parameters of the endpoint that look secret move here."},
		{Key: "username", Type: channel.FieldText, Doc: "User of basic authentication. user:password@ of the endpoint moves here."},
		{Key: "password", Type: channel.FieldText, Secret: true, Doc: "Password of basic authentication."},
		channel.TimeoutField(),
		{Key: "secret", Type: channel.FieldText, Secret: true, Doc: "Key for X-IncidentHub-Signature: sha256=<hex HMAC-SHA256 of the body>."},
		{
			Key: "sign_timestamp", Type: channel.FieldBool, Default: "false",
			Doc: "Sign <timestamp>.<body> and send the Unix seconds as X-IncidentHub-Timestamp. It takes a secret to sign with.",
		},
		{Key: "acknowledged", Type: channel.FieldBool, Default: "false", Doc: "Also tell that somebody acknowledged an incident (event acknowledged)."},
		{Key: "analysis", Type: channel.FieldBool, Default: "false", Doc: "Also tell that an analysis is ready that was not when the incident was told (event updated)."},
		{
			Key: "payload_template", Type: channel.FieldTemplate,
			Doc: "Template of the whole body: a JSON object, to which incident is added if it has none. Any other text is sent as {title, message: text, incident}.",
		},
		{Key: "text_template", Type: channel.FieldTemplate, Doc: "The same, where payload_template is not given or fails."},
		channel.OtherName("template", "text_template"),
		{Key: "channel", Type: channel.FieldText, Doc: "What the body's channel says; without it the channel's name."},
		{Key: "disabled", Type: channel.FieldBool, Default: "false", Doc: "Send nothing: what is to be told is booked as held back (channel_off). So is what goes to a channel without any settings."},
	}
	return required, optional
}

var methods = [...]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet}

// templated reports whether bodies are not the built-in ones.
func (s *Settings) templated() bool { return !s.Text().IsZero() || !s.PayloadTemplate.IsZero() }

// target returns the address and the key that it was given under.
func (s *Settings) target() (key, raw string) {
	if s.Endpoint == "" && s.WebhookURL != "" {
		return "webhook_url", s.WebhookURL
	}
	return "endpoint", s.Endpoint
}

// load reads and checks settings. off: nothing is to be sent.
func load(config json.RawMessage) (s Settings, address *url.URL, off bool, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, nil, false, err
	}
	empty := s.Endpoint == "" && s.WebhookURL == "" && s.Method == "" && len(s.Headers) == 0 && len(s.Query) == 0 && s.Username == "" &&
		s.Password == "" && s.Timeout == 0 && s.Secret == "" && !s.SignTimestamp && s.Channel == "" && !s.templated()
	if empty || s.Disabled && s.Endpoint == "" && s.WebhookURL == "" {
		return s, nil, true, nil
	}
	var errs []error
	address, err = s.checkTarget()
	errs = append(errs, err)
	s.Method = strings.ToUpper(s.Method)
	if s.Method == "" {
		s.Method = http.MethodPost
	}
	if !slices.Contains(methods[:], s.Method) {
		errs = append(errs, channel.Bad("method", "must be one of %s", strings.Join(methods[:], ", ")))
	}
	s.timeout, err = channel.Timeout(s.Timeout)
	errs = append(errs, err)
	if s.SignTimestamp && s.Secret == "" {
		errs = append(errs, channel.Bad("sign_timestamp", "needs a secret to sign with"))
	}
	if (s.Username == "") != (s.Password == "") {
		errs = append(errs, channel.Bad("password", "username and password go together: give both or neither"))
	}
	if s.Username != "" {
		for name := range s.Headers {
			if strings.EqualFold(name, "Authorization") {
				errs = append(errs, channel.Bad("headers."+name, "username and password make this header already: give one of them"))
			}
		}
	}
	errs = append(errs, s.Once("template", "text_template"))
	errs = append(errs, checkHeaders(s.Headers)...)
	return s, address, s.Disabled, errors.Join(errs...)
}

func (s *Settings) checkTarget() (*url.URL, error) {
	key, raw := s.target()
	switch {
	case s.Endpoint != "" && s.WebhookURL != "":
		return nil, channel.Bad("webhook_url", "means the same as endpoint: give one of them")
	case raw == "":
		return nil, channel.Bad("endpoint", "is required: the http or https address that messages are sent to")
	}
	u, err := channel.WebAddress(key, raw)
	if err != nil {
		return nil, err
	}
	if len(s.Query) > 0 {
		q := u.Query()
		for k, v := range s.Query {
			q.Set(k, v)
		}
		u.RawQuery = q.Encode()
	}
	return u, nil
}

// refused headers belong to the connection; the hub could not keep a promise about them.
var refused = [...]string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
	"Accept-Encoding",
}

func checkHeaders(headers map[string]string) []error {
	var errs []error
	total := 0
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		total += len(name) + len(headers[name])
		switch {
		case !isToken(name):
			errs = append(errs, channel.Bad("headers", "%q is not the name of a header", name))
		case slices.Contains(refused[:], http.CanonicalHeaderKey(name)):
			errs = append(errs, channel.Bad("headers."+name, "belongs to the connection and cannot be set"))
		case strings.ContainsFunc(headers[name], func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			errs = append(errs, channel.Bad("headers."+name, "must be one line without control characters"))
		}
	}
	if len(headers) > maxHeaders || total > maxHeaderBytes {
		errs = append(errs, channel.Bad("headers", "at most %d headers and %d bytes", maxHeaders, maxHeaderBytes))
	}
	return errs
}

// isToken follows RFC 9110 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// secrets are the values that must not be shown.
func (s *Settings) secrets() []string {
	out := []string{s.Secret, s.Password}
	for name, v := range s.Headers {
		if channel.LooksSecret(name) {
			out = append(out, v)
			if _, credential, ok := strings.Cut(v, " "); ok { // "Bearer x", of which a receiver may show x alone
				out = append(out, strings.TrimSpace(credential))
			}
		}
	}
	for name, v := range s.Query {
		if channel.LooksSecret(name) {
			out = append(out, v, url.QueryEscape(v))
		}
	}
	return out
}
