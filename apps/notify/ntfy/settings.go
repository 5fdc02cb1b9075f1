package ntfy

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Settings are the channel's configuration.
type Settings struct {
	channel.OwnText

	Topic        string            `json:"topic"`
	Server       string            `json:"server"`
	Token        string            `json:"token"`
	Username     string            `json:"username"`
	Password     string            `json:"password"`
	Priorities   map[string]string `json:"priorities"`
	Tags         []string          `json:"tags"`
	Acknowledged bool              `json:"acknowledged"`
	Timeout      float64           `json:"timeout"`

	timeout time.Duration
}

// publicServer is the service that the makers of ntfy run.
const publicServer = "https://ntfy.sh"

// usual are the priorities of ntfy by severity: 5 rings through "do not disturb", 4 rings long, 3 rings.
var usual = map[string]int{"critical": 5, "warning": 4, "info": 3, "success": 3}

const maxTags = 10

// The topics of ntfy's own pages (server/server.go, disallowedTopics, v2.11).
var reserved = []string{
	"docs", "static", "file", "app", "metrics", "account", "settings", "signup", "login", "reset-password", "v1",
}

var (
	topicForm = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)
	tagForm   = regexp.MustCompile(`^[^\s,\x00-\x1f\x7f]{1,64}$`)
)

func fields() (required, optional []channel.Field) {
	required = []channel.Field{
		{Key: "topic", Type: channel.FieldText, Doc: "Topic that messages are published to. Whoever knows it can read it unless the server has access control."},
	}
	optional = []channel.Field{
		{Key: "server", Type: channel.FieldURL, Destination: true, Default: publicServer, Doc: "Address of an ntfy server of your own."},
		{Key: "token", Type: channel.FieldText, Secret: true, Doc: "Access token (tk_…). It or username and password, where the topic is protected."},
		{Key: "username", Type: channel.FieldText, Doc: "User of basic authentication."},
		{Key: "password", Type: channel.FieldText, Secret: true, Doc: "Password of basic authentication."},
		{
			Key: "priorities", Type: channel.FieldMap,
			Doc: `Priority from 1 (silent) to 5 (rings through "do not disturb") by severity, such as {"warning":"3"}. Without it critical is 5, ` +
				"warning 4, info and success 3. Updates are at most 3 unless the severity was raised, acknowledged is 2.",
		},
		{Key: "tags", Type: channel.FieldList, Doc: "More tags, at most 10; names of emojis (https://docs.ntfy.sh/emojis) become emojis."},
		{Key: "acknowledged", Type: channel.FieldBool, Default: "false", Doc: "Tell also that somebody took care of an incident, without a sound."},
		channel.TimeoutField(),
		{Key: "template", Type: channel.FieldTemplate, Doc: "Template of the message text. text_template is another name for it."},
		channel.OtherName("text_template", "template"),
	}
	return required, optional
}

// load reads and checks settings.
func load(config json.RawMessage) (s Settings, address string, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, "", err
	}
	var errs []error
	switch {
	case s.Topic == "":
		errs = append(errs, channel.Bad("topic", "is required: the name of the topic to publish to"))
	case !topicForm.MatchString(s.Topic):
		errs = append(errs, channel.Bad("topic", "must be 1 to 64 letters, digits, - and _, without the server's address"))
	case slices.Contains(reserved, s.Topic):
		errs = append(errs, channel.Bad("topic", "is a page of the server; choose another name"))
	}
	address, err = s.checkServer()
	errs = append(errs, err)
	s.timeout, err = channel.Timeout(s.Timeout)
	errs = append(errs, err, s.checkLogin())
	for _, severity := range slices.Sorted(maps.Keys(s.Priorities)) {
		p, err := strconv.Atoi(s.Priorities[severity])
		switch {
		case usual[severity] == 0:
			errs = append(errs, channel.Bad("priorities", "takes critical, warning, info and success"))
		case err != nil || p < 1 || p > 5:
			errs = append(errs, channel.Bad("priorities."+severity, "must be from 1 to 5"))
		}
	}
	if len(s.Tags) > maxTags || slices.ContainsFunc(s.Tags, func(tag string) bool { return !tagForm.MatchString(tag) }) {
		errs = append(errs, channel.Bad("tags", "at most %d tags, each a word without spaces and commas", maxTags))
	}
	errs = append(errs, s.Once("text_template", "template"))
	return s, address, errors.Join(errs...)
}

func (s *Settings) checkServer() (string, error) {
	raw := strings.TrimSpace(s.Server)
	if raw == "" {
		raw = publicServer
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", channel.Bad("server", "cannot be read: write it as https://host")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", channel.Bad("server", "must begin with http:// or https:// and name a host")
	case u.User != nil:
		return "", channel.Bad("server", "must hold no user or password: use username and password")
	case u.RawQuery != "" || u.Fragment != "":
		return "", channel.Bad("server", "must end with the host or a folder: the topic is a setting of its own")
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	return u.String(), nil
}

func (s *Settings) checkLogin() error {
	switch {
	case s.Token != "" && (s.Username != "" || s.Password != ""):
		return channel.Bad("token", "or username and password: give one of them")
	case (s.Username == "") != (s.Password == ""):
		return channel.Bad("password", "username and password go together: give both or neither")
	case strings.ContainsFunc(s.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return channel.Bad("token", "must be one word of ASCII letters and digits")
	default:
		return nil
	}
}

func (s *Settings) header() http.Header {
	req := http.Request{Header: http.Header{}}
	switch {
	case s.Token != "":
		req.Header.Set("Authorization", "Bearer "+s.Token)
	case s.Username != "":
		req.SetBasicAuth(s.Username, s.Password)
	}
	return req.Header
}

// secrets are the values that must not be shown; the login also in the form that it has on the wire.
func (s *Settings) secrets() []string {
	_, credential, _ := strings.Cut(s.header().Get("Authorization"), " ")
	return []string{s.Token, s.Password, credential}
}

// priority of a severity.
func (s *Settings) priority(severity string) int {
	if p, err := strconv.Atoi(s.Priorities[severity]); err == nil {
		return p
	}
	if p := usual[severity]; p != 0 {
		return p
	}
	return usual["info"]
}
