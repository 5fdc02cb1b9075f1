package telegram

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Settings are the channel's configuration.
type Settings struct {
	channel.OwnText

	BotToken        string  `json:"bot_token"`
	ChatID          chat    `json:"chat_id"`
	MessageThreadID float64 `json:"message_thread_id"`
	Server          string  `json:"server"`
	Silent          bool    `json:"silent"`
	Acknowledged    *bool   `json:"acknowledged"`
	Timeout         float64 `json:"timeout"`

	timeout time.Duration
	thread  int64
}

// publicAPI is Telegram's own server of the Bot API.
const publicAPI = "https://api.telegram.org"

// chat is a number, given as one or as a text, or the @name of a public channel.
type chat string

// UnmarshalJSON implements json.Unmarshaler.
func (c *chat) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	var n json.Number
	var s string
	switch {
	case bytes.Equal(raw, []byte("null")):
	case json.Unmarshal(raw, &s) == nil:
		*c = chat(strings.TrimSpace(s))
	case json.Unmarshal(raw, &n) == nil:
		*c = chat(n.String())
	default:
		return channel.Bad("", "must be a number or the @name of a channel")
	}
	return nil
}

var (
	tokenForm = regexp.MustCompile(`^[0-9]{1,20}:[A-Za-z0-9_-]{1,100}$`)
	chatForm  = regexp.MustCompile(`^(-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{2,63})$`)
)

func fields() (required, optional []channel.Field) {
	required = []channel.Field{
		{Key: "bot_token", Type: channel.FieldText, Secret: true, Doc: "Token of the bot, 123456:ABC…, as @BotFather gives it."},
		{
			Key: "chat_id", Type: channel.FieldText,
			Doc: "Chat to write to: the number of a person, group or channel (groups are negative), or the @name of a public channel. The bot must be a member.",
		},
	}
	optional = []channel.Field{
		{Key: "message_thread_id", Type: channel.FieldNumber, Doc: "Topic of a group with topics. Without it the general one."},
		{Key: "server", Type: channel.FieldURL, Destination: true, Default: publicAPI, Doc: "Address of a Bot API server of your own."},
		{Key: "silent", Type: channel.FieldBool, Default: "false", Doc: "Messages make no sound."},
		{Key: "acknowledged", Type: channel.FieldBool, Default: "true", Doc: "Show in the message that somebody took care of the incident. It makes no sound."},
		channel.TimeoutField(),
		{
			Key: "template", Type: channel.FieldTemplate,
			Doc: "Template of the whole message, in Telegram's HTML (<b>, <i>, <code>, <pre>, <a href>). Values are escaped. text_template is another name for it.",
		},
		channel.OtherName("text_template", "template"),
	}
	return required, optional
}

// load reads and checks settings; base is the address up to the method's name.
func load(config json.RawMessage) (s Settings, base string, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, "", err
	}
	var errs []error
	switch {
	case s.BotToken == "":
		errs = append(errs, channel.Bad("bot_token", "is required: the token that @BotFather gave the bot"))
	case !tokenForm.MatchString(s.BotToken):
		errs = append(errs, channel.Bad("bot_token", "must look like 123456:ABC-def, without bot before it"))
	}
	switch {
	case s.ChatID == "":
		errs = append(errs, channel.Bad("chat_id", "is required: the number of the chat, or the @name of a public channel"))
	case !chatForm.MatchString(string(s.ChatID)):
		errs = append(errs, channel.Bad("chat_id", "must be a number such as -1001234567890, or the @name of a public channel"))
	}
	if n := s.MessageThreadID; n < 0 || n != math.Trunc(n) || n > 1<<53 {
		errs = append(errs, channel.Bad("message_thread_id", "must be a whole number"))
	}
	s.thread = int64(s.MessageThreadID)
	api, err := s.checkServer()
	errs = append(errs, err)
	s.timeout, err = channel.Timeout(s.Timeout)
	errs = append(errs, err)
	errs = append(errs, s.Once("text_template", "template"))
	return s, api + "/bot" + s.BotToken + "/", errors.Join(errs...)
}

func (s *Settings) checkServer() (string, error) {
	raw := strings.TrimSpace(s.Server)
	if raw == "" {
		raw = publicAPI
	}
	u, err := channel.WebAddress("server", raw)
	switch {
	case err != nil:
		return "", err
	case u.RawQuery != "" || strings.Contains(raw, "#"):
		return "", channel.Bad("server", "must end with the host or a folder; the token is a setting of its own")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// secrets are the values that must not be shown; the part of the token after the colon is the secret one.
func (s *Settings) secrets() []string {
	_, key, _ := strings.Cut(s.BotToken, ":")
	return []string{s.BotToken, key}
}
