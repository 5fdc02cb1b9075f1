package teams

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Settings are the channel's configuration.
type Settings struct {
	channel.OwnText

	WebhookURL   string `json:"webhook_url"`
	Acknowledged bool   `json:"acknowledged"`
	Analysis     bool   `json:"analysis"`
	Narrow       bool   `json:"narrow"`
	// Timeout is in seconds; 0 means channel.MaxTimeout.
	Timeout         float64           `json:"timeout"`
	PayloadTemplate settings.Template `json:"payload_template"`

	address string
	timeout time.Duration
}

func fields() (required, optional []channel.Field) {
	required = []channel.Field{{
		Key: "webhook_url", Type: channel.FieldURL, Secret: true, Destination: true,
		Doc: "The address of the workflow's webhook (in Teams: Workflows, \"Send webhook alerts to a channel\"). Whoever has it can post, so it is kept sealed.",
	}}
	optional = []channel.Field{
		{Key: "acknowledged", Type: channel.FieldBool, Default: "false", Doc: "Also tell that somebody acknowledged an incident."},
		{Key: "analysis", Type: channel.FieldBool, Default: "false", Doc: "Also tell that an analysis is ready that was not when the incident was told. It is a message of its own."},
		{Key: "narrow", Type: channel.FieldBool, Default: "false", Doc: "Cards are as narrow as Teams makes them, not as wide as the channel."},
		channel.TimeoutField(),
		{Key: "text_template", Type: channel.FieldTemplate, Doc: "Template of the card's text, without markup: each line becomes a line, \"- \" begins a bullet."},
		channel.OtherName("template", "text_template"),
		{Key: "payload_template", Type: channel.FieldTemplate, Doc: "Template of a whole Adaptive Card ({\"type\": \"AdaptiveCard\", …}), or of the message around it."},
	}
	return required, optional
}

func load(config json.RawMessage) (s Settings, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, err
	}
	var errs []error
	s.address, err = address(s.WebhookURL)
	errs = append(errs, err)
	errs = append(errs, s.Once("template", "text_template"))
	s.timeout, err = channel.Timeout(s.Timeout)
	return s, errors.Join(append(errs, err)...)
}

func address(raw string) (string, error) {
	const key = "webhook_url"
	if strings.TrimSpace(raw) == "" {
		return "", channel.Bad(key, "is required: the address of the workflow's webhook")
	}
	u, err := channel.WebAddress(key, raw)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// secrets are what must not be shown: the address, and the parts of it that are credentials.
func (s *Settings) secrets() []string {
	out := []string{s.address, strings.TrimSpace(s.WebhookURL)}
	u, err := url.Parse(s.address)
	if err != nil {
		return out
	}
	if u.RawQuery != "" {
		out = append(out, u.RequestURI(), u.RawQuery)
	}
	for name, values := range u.Query() {
		if name != "sig" && !channel.LooksSecret(name) {
			continue
		}
		for _, v := range values {
			out = append(out, v, url.QueryEscape(v))
		}
	}
	if path := u.EscapedPath(); len(path) > 16 { // connectors have their credential in the path
		out = append(out, path, u.Path)
		for part := range strings.SplitSeq(path, "/") {
			if len(part) >= 20 {
				out = append(out, part)
			}
		}
	}
	return out
}
