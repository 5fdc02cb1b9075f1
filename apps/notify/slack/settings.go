package slack

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Settings are the channel's configuration: webhook_url, or bot_token and channel.
type Settings struct {
	chat.Settings

	WebhookURL string `json:"webhook_url"`
	BotToken   string `json:"bot_token"`
	Channel    string `json:"channel"`
	BaseURL    string `json:"base_url"`
	Username   string `json:"username"`
	IconEmoji  string `json:"icon_emoji"`

	timeout time.Duration
}

const (
	usualBase = "https://slack.com/api"
	maxName   = 80
)

// fields documents the settings.
func fields() (required, optional []channel.Field) {
	required = []channel.Field{{
		Key: "webhook_url", Type: channel.FieldURL, Secret: true, Or: "bot_token",
		Doc: "Address of an incoming webhook, https://hooks.slack.com/services/…; other hosts must be listed in HUB_EGRESS_ALLOW. Not with bot_token.",
	}}
	optional = []channel.Field{
		{
			Key: "bot_token", Type: channel.FieldText, Secret: true,
			Doc: "Instead of webhook_url: the app's bot token, xoxb-…. Messages are then changed in place and have threads. Needs channel.",
		},
		{
			Key: "channel", Type: channel.FieldText,
			Doc: "With bot_token: the channel's ID, such as C0123456789 (in Slack: the channel's details, at the bottom). With webhook_url: a name for " +
				"webhooks of the old kind; those of Slack apps have one channel and ignore it.",
		},
		{
			Key: "base_url", Type: channel.FieldURL, Destination: true, Default: usualBase,
			Doc: "Base of the Web API for bot_token: slack.com, slack-gov.com, or a host that HUB_EGRESS_ALLOW lists.",
		},
		{Key: "username", Type: channel.FieldText, Doc: "Name shown with messages; a bot needs the scope chat:write.customize for it."},
		{Key: "icon_emoji", Type: channel.FieldText, Doc: "Picture shown with messages, such as :rotating_light:; like username."},
	}
	optional = append(optional, chat.Fields("here, channel, or the IDs of users (U…) and user groups (S…)", "Slack's mrkdwn", "blocks")...)
	return required, optional
}

var (
	channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{6,20}$`)
	mentionID = regexp.MustCompile(`^(?:here|channel|[UWS][A-Z0-9]{6,20})$`)
	emojiName = regexp.MustCompile(`^:[a-z0-9_+'-]{1,100}:$`)
	botToken  = regexp.MustCompile(`^xox[be][A-Za-z0-9.-]{8,}$`)
)

// load reads and checks settings. client, which may be nil, knows the hosts that the operator has listed.
func load(config json.RawMessage, client *httpclient.Client) (s Settings, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, err
	}
	errs := []error{s.checkMode(client)}
	s.timeout, err = s.Check(mentionID, "here, channel, or the IDs of users (U…) and user groups (S…), which Slack shows in their profiles")
	errs = append(errs, err, channel.CheckLine("username", s.Username, maxName), channel.CheckLine("channel", s.Channel, maxName))
	if s.IconEmoji != "" && !emojiName.MatchString(s.IconEmoji) {
		errs = append(errs, channel.Bad("icon_emoji", "must be the name of an emoji between colons, such as :rotating_light:"))
	}
	return s, errors.Join(errs...)
}

// bot reports whether messages go through the Web API.
func (s *Settings) bot() bool { return s.BotToken != "" }

func (s *Settings) checkMode(client *httpclient.Client) error {
	switch {
	case s.WebhookURL != "" && s.BotToken != "":
		return channel.Bad("bot_token", "webhook_url sends already: give one of them")
	case s.WebhookURL == "" && s.BotToken == "":
		return channel.Bad("webhook_url", "is required: the address of an incoming webhook, or instead of it bot_token and channel")
	case s.WebhookURL != "":
		if s.BaseURL != "" {
			return channel.Bad("base_url", "goes with bot_token only")
		}
		return home("webhook_url", s.WebhookURL, client, "hooks.slack.com", "hooks.slack-gov.com")
	}
	var errs []error
	if !botToken.MatchString(s.BotToken) {
		errs = append(errs, channel.Bad("bot_token", "must be a bot token, which begins with xoxb-: in the app's settings, OAuth & Permissions"))
	}
	if s.Channel == "" || !channelID.MatchString(s.Channel) {
		errs = append(errs, channel.Bad("channel", "must be the channel's ID, such as C0123456789: in Slack, open the channel's details, it is at the bottom"))
	}
	if s.BaseURL != "" {
		errs = append(errs, home("base_url", s.BaseURL, client, "slack.com", "slack-gov.com"))
	}
	return errors.Join(errs...)
}

func home(key, raw string, client *httpclient.Client, hosts ...string) error {
	_, err := channel.Home(key, raw, "Slack", client, hosts...)
	return err
}

// secrets are the values that must not be shown: of the webhook's address also the path alone.
func (s *Settings) secrets() []string {
	out := []string{s.BotToken, s.WebhookURL}
	if u, err := url.Parse(strings.TrimSpace(s.WebhookURL)); err == nil && len(u.Path) > 8 {
		out = append(out, u.RequestURI(), strings.TrimPrefix(u.Path, "/services/"))
	}
	return out
}

// mentions is the text that mentions whom the settings name, "" for none: nobody is called for what need not be looked at now (wake).
func (s *Settings) mentions(wake bool) string {
	if !wake {
		return ""
	}
	var out []string
	for _, m := range s.Mention {
		switch m[0] {
		case 'U', 'W':
			out = append(out, "<@"+m+">")
		case 'S':
			out = append(out, "<!subteam^"+m+">")
		default:
			out = append(out, "<!"+m+">")
		}
	}
	return strings.Join(out, " ")
}
