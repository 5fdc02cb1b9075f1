package discord

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Settings are the channel's configuration.
type Settings struct {
	chat.Settings

	WebhookURL string `json:"webhook_url"`
	ThreadID   string `json:"thread_id"`
	Username   string `json:"username"`
	AvatarURL  string `json:"avatar_url"`

	timeout time.Duration
	address *url.URL
}

// fields documents the settings.
func fields() (required, optional []channel.Field) {
	required = []channel.Field{{
		Key: "webhook_url", Type: channel.FieldURL, Secret: true,
		Doc: "Address of the webhook, https://discord.com/api/webhooks/…; other hosts must be listed in HUB_EGRESS_ALLOW.",
	}}
	optional = []channel.Field{
		{Key: "thread_id", Type: channel.FieldText, Doc: "ID of a thread of the channel, or of a post of a forum, to send to."},
		{Key: "username", Type: channel.FieldText, Doc: "Name shown with messages instead of the webhook's."},
		{Key: "avatar_url", Type: channel.FieldText, Doc: "Address of the picture shown with messages; Discord fetches it."},
	}
	optional = append(optional, chat.Fields("here, everyone, user:<id>, role:<id>", "Discord's markdown", "embeds")...)
	return required, optional
}

var (
	snowflake   = regexp.MustCompile(`^[0-9]{15,20}$`)
	mentionWord = regexp.MustCompile(`^(?:here|everyone|(?:user|role):[0-9]{15,20})$`)
	hookPath    = regexp.MustCompile(`^/api(?:/v[0-9]{1,2})?/webhooks/[0-9]{15,20}/[A-Za-z0-9_-]{20,200}/?$`)
	hosts       = [...]string{"discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com"}
)

// load reads and checks settings. client, which may be nil, knows the hosts that the operator has listed.
func load(config json.RawMessage, client *httpclient.Client) (s Settings, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, err
	}
	s.address, err = checkAddress(s.WebhookURL, client)
	errs := []error{err}
	if s.ThreadID != "" && !snowflake.MatchString(s.ThreadID) {
		errs = append(errs, channel.Bad("thread_id", "must be the thread's ID, a long number: in Discord, with developer mode on, Copy Thread ID"))
	}
	low := strings.ToLower(s.Username)
	errs = append(errs, channel.CheckLine("username", s.Username, 80))
	if strings.Contains(low, "discord") || strings.Contains(low, "clyde") {
		errs = append(errs, channel.Bad("username", `must not hold "discord" or "clyde": Discord refuses that`))
	}
	if u, err := url.Parse(s.AvatarURL); s.AvatarURL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || len(s.AvatarURL) > 2000) {
		errs = append(errs, channel.Bad("avatar_url", "must begin with https://"))
	}
	s.timeout, err = s.Check(mentionWord, "here, everyone, user:<id>, role:<id>")
	return s, errors.Join(append(errs, err)...)
}

// checkAddress takes https on the hosts of Discord, and http too on hosts that the operator of the machine has listed.
func checkAddress(raw string, client *httpclient.Client) (*url.URL, error) {
	const key, form = "webhook_url", "must look like https://discord.com/api/webhooks/<id>/<token>: in Discord, the channel's settings, Integrations, Webhooks"
	if raw == "" {
		return nil, channel.Bad(key, "is required: the address of a webhook of the channel")
	}
	u, err := channel.Home(key, raw, "Discord", client, hosts[:]...)
	if err != nil {
		return nil, err
	}
	if !hookPath.MatchString(u.Path) {
		return nil, channel.Bad(key, form)
	}
	u.Path, u.RawPath, u.RawQuery = strings.TrimSuffix(u.Path, "/"), "", ""
	return u, nil
}

// secrets are the values that must not be shown: the whole address, and the token at its end.
func (s *Settings) secrets() []string {
	if s.address == nil {
		return []string{s.WebhookURL}
	}
	path := s.address.Path
	return []string{s.WebhookURL, path, path[strings.LastIndexByte(path, '/')+1:]}
}

// mentions is the text that mentions whom the settings name, and what lets Discord do so. Without them nobody is mentioned.
func (s *Settings) mentions(wake bool) (string, allowed) {
	a := allowed{Parse: []string{}}
	if !wake {
		return "", a
	}
	var out []string
	for _, m := range s.Mention {
		kind, id, _ := strings.Cut(m, ":")
		switch kind {
		case "user":
			out, a.Users = append(out, "<@"+id+">"), append(a.Users, id)
		case "role":
			out, a.Roles = append(out, "<@&"+id+">"), append(a.Roles, id)
		default:
			out = append(out, "@"+kind)
			if len(a.Parse) == 0 {
				a.Parse = append(a.Parse, "everyone")
			}
		}
	}
	return strings.Join(out, " "), a
}

// disarm keeps a content from calling everyone or here when only the other one is configured: Discord has one permission for both.
func (s *Settings) disarm(content string) string {
	for _, word := range []string{"everyone", "here"} {
		if !slices.Contains(s.Mention, word) {
			content = strings.ReplaceAll(content, "@"+word, "@\u200b"+word)
		}
	}
	return content
}
