package mattermost

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// Settings are the channel's configuration.
type Settings struct {
	chat.Settings

	WebhookURL string `json:"webhook_url"`
	Channel    string `json:"channel"`
	Username   string `json:"username"`
	IconURL    string `json:"icon_url"`
	IconEmoji  string `json:"icon_emoji"`

	timeout time.Duration
}

// fields documents the settings.
func fields() (required, optional []channel.Field) {
	required = []channel.Field{{
		Key: "webhook_url", Type: channel.FieldURL, Secret: true,
		Doc: "Address of an incoming webhook, https://<server>/hooks/<key>. Servers in your own network must be listed in HUB_EGRESS_ALLOW.",
	}}
	optional = []channel.Field{
		{
			Key: "channel", Type: channel.FieldText,
			Doc: "Another channel than the webhook's: the name in its address, such as town-square, or @username. Webhooks locked to a channel refuse it.",
		},
		{Key: "username", Type: channel.FieldText, Doc: "Name shown with messages, if the server lets integrations override it."},
		{Key: "icon_url", Type: channel.FieldText, Doc: "Address of the picture shown with messages; like username."},
		{Key: "icon_emoji", Type: channel.FieldText, Doc: "Emoji shown as the picture, such as :rotating_light:; wins over icon_url."},
	}
	optional = append(optional, chat.Fields("here, channel, all, or names of users and groups", "markdown", "attachments")...)
	return required, optional
}

var (
	channelName = regexp.MustCompile(`^@?[a-z0-9][a-z0-9._-]{0,63}$`)
	userName    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	emojiName   = regexp.MustCompile(`^:?[a-z0-9_+-]{1,64}:?$`)
	hookPath    = regexp.MustCompile(`/hooks/[a-z0-9]{8,64}/?$`)
)

// load reads and checks settings.
func load(config json.RawMessage) (s Settings, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, err
	}
	errs := []error{s.checkAddress()}
	if s.Channel != "" && !channelName.MatchString(s.Channel) {
		errs = append(errs, channel.Bad("channel", "must be the name in the channel's address, such as town-square, or @username"))
	}
	errs = append(errs, channel.CheckLine("username", s.Username, 64))
	if u, err := url.Parse(s.IconURL); s.IconURL != "" && (err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(s.IconURL) > 2000) {
		errs = append(errs, channel.Bad("icon_url", "must begin with https:// or http://"))
	}
	if s.IconEmoji != "" && !emojiName.MatchString(s.IconEmoji) {
		errs = append(errs, channel.Bad("icon_emoji", "must be the name of an emoji, such as :rotating_light:"))
	}
	s.timeout, err = s.Check(userName, "here, channel, all, or names of users and groups without @")
	return s, errors.Join(append(errs, err)...)
}

func (s *Settings) checkAddress() error {
	const key = "webhook_url"
	if s.WebhookURL == "" {
		return channel.Bad(key, "is required: the address of an incoming webhook")
	}
	u, err := url.Parse(strings.TrimSpace(s.WebhookURL))
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") || !hookPath.MatchString(u.Path) {
		return channel.Bad(key, "must look like https://<server>/hooks/<key>: in Mattermost, Integrations, Incoming Webhooks")
	}
	return nil
}

// secrets are the values that must not be shown: the whole address, and the key at its end.
func (s *Settings) secrets() []string {
	address := strings.TrimSuffix(strings.TrimSpace(s.WebhookURL), "/")
	return []string{s.WebhookURL, address[strings.LastIndexByte(address, '/')+1:]}
}

// mentions is the text that mentions whom the settings name, "" for none: nobody is called for what need not be looked at now (wake).
func (s *Settings) mentions(wake bool) string {
	if !wake || len(s.Mention) == 0 {
		return ""
	}
	return "@" + strings.Join(s.Mention, " @")
}
