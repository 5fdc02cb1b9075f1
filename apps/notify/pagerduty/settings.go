package pagerduty

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Settings are the channel's configuration.
type Settings struct {
	channel.OwnText

	IntegrationKey string `json:"integration_key"`
	BaseURL        string `json:"base_url"`
	EventAction    string `json:"event_action"`
	DedupKey       string `json:"dedup_key"`
	Client         string `json:"client"`
	ClientURL      string `json:"client_url"`
	Analysis       *bool  `json:"analysis"` // nil: true
	// Timeout is in seconds; 0 means channel.MaxTimeout.
	Timeout         float64           `json:"timeout"`
	PayloadTemplate settings.Template `json:"payload_template"`

	address string
	timeout time.Duration
}

const (
	defaultBase   = "https://events.pagerduty.com"
	path          = "/v2/enqueue"
	defaultClient = "IncidentHub"
	minKey        = 20  // contract 8.2; PagerDuty's own keys have 32 characters
	maxKey        = 255 // of a dedup_key
)

// The actions of the API.
const (
	actionTrigger     = "trigger"
	actionAcknowledge = "acknowledge"
	actionResolve     = "resolve"
)

var actions = [...]string{actionTrigger, actionAcknowledge, actionResolve}

func fields() (required, optional []channel.Field) {
	required = []channel.Field{{
		Key: "integration_key", Type: channel.FieldText, Secret: true,
		Doc: "The Integration Key (routing key) of an Events API v2 integration of the service, or of an event orchestration; 32 characters as a rule, at least 20.",
	}}
	optional = []channel.Field{
		{
			Key: "base_url", Type: channel.FieldURL, Default: defaultBase, Destination: true,
			Doc: "Where PagerDuty is. Accounts in the EU service region: https://events.eu.pagerduty.com. Without a path, " + path + " is added.",
		},
		{
			Key: "event_action", Type: channel.FieldText, Default: actionTrigger, Enum: actions[:],
			Doc: "What messages that begin or change an incident do. Acknowledged and resolved incidents always send acknowledge and resolve.",
		},
		{
			Key: "dedup_key", Type: channel.FieldText,
			Doc: "One deduplication key for all messages: everything becomes one alert in PagerDuty. Without it each incident has its own.",
		},
		{Key: "client", Type: channel.FieldText, Default: defaultClient, Doc: "The name of the monitoring client that PagerDuty shows."},
		{Key: "client_url", Type: channel.FieldURL, Doc: "Where the client's name leads; without it to the incident in the hub."},
		{Key: "analysis", Type: channel.FieldBool, Default: "true", Doc: "Add an analysis that is ready later to the open alert. It notifies nobody again."},
		channel.TimeoutField(),
		{Key: "text_template", Type: channel.FieldTemplate, Doc: "Template of custom_details.message. One that renders a JSON object counts as payload_template."},
		channel.OtherName("template", "text_template"),
		{
			Key: "payload_template", Type: channel.FieldTemplate,
			Doc: "Template of a JSON object: summary, source, severity, component, group, class, timestamp and custom_details replace the hub's; other keys become custom_details.",
		},
	}
	return required, optional
}

// payload is the template of the payload: a text that is a JSON object counts as well. It is rendered with its values escaped for JSON; no
// rendered text is read as JSON, or an alert could write keys.
func (s *Settings) payload() settings.Template {
	if !s.PayloadTemplate.IsZero() {
		return s.PayloadTemplate
	}
	if text := s.Text(); texts.HasPayload(text) {
		return text
	}
	return settings.Template{} // a built-in text such as file:slack makes no document
}

func load(config json.RawMessage) (s Settings, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, err
	}
	var errs []error
	s.IntegrationKey = strings.TrimSpace(s.IntegrationKey)
	switch {
	case s.IntegrationKey == "":
		errs = append(errs, channel.Bad("integration_key", "is required: the Integration Key of an Events API v2 integration"))
	case utf8.RuneCountInString(s.IntegrationKey) < minKey:
		errs = append(errs, channel.Bad("integration_key", "is too short: it has at least %d characters", minKey))
	case strings.ContainsFunc(s.IntegrationKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		errs = append(errs, channel.Bad("integration_key", "has a character that no key has: copy it again"))
	}
	if s.EventAction == "" {
		s.EventAction = actionTrigger
	}
	if !slices.Contains(actions[:], s.EventAction) {
		errs = append(errs, channel.Bad("event_action", "must be one of %s", strings.Join(actions[:], ", ")))
	}
	if utf8.RuneCountInString(s.DedupKey) > maxKey {
		errs = append(errs, channel.Bad("dedup_key", "must have at most %d characters", maxKey))
	}
	if s.Client == "" {
		s.Client = defaultClient
	}
	s.address, err = base(s.BaseURL)
	errs = append(errs, err)
	if s.ClientURL != "" {
		_, err = channel.WebAddress("client_url", s.ClientURL)
		errs = append(errs, err)
	}
	errs = append(errs, s.Once("template", "text_template"))
	s.timeout, err = channel.Timeout(s.Timeout)
	return s, errors.Join(append(errs, err)...)
}

// base is where events are posted to.
func base(raw string) (string, error) {
	if raw == "" {
		return defaultBase + path, nil
	}
	const key = "base_url"
	u, err := channel.WebAddress(key, raw)
	switch {
	case err != nil:
		return "", err
	case u.RawQuery != "":
		return "", channel.Bad(key, "must hold no query")
	}
	if u.Path = strings.TrimRight(u.Path, "/"); !strings.HasSuffix(u.Path, path) {
		u.Path = strings.TrimSuffix(u.Path, "/v2") + path
	}
	u.RawPath = ""
	return u.String(), nil
}
