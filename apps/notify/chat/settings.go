package chat

import (
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// maxMention is how many can be mentioned.
const maxMention = 10

// Settings are those that all chats have. Drivers embed them in theirs.
type Settings struct {
	channel.OwnText

	PayloadTemplate settings.Template `json:"payload_template"`
	// Mention is whom to call when somebody should look now, in the driver's words.
	Mention []string `json:"mention"`
	// Timeout is in seconds; 0 means channel.MaxTimeout.
	Timeout float64 `json:"timeout"`
}

// Fields documents them. mention says who can be mentioned, markup what texts are written in, list what a JSON array of a template is.
func Fields(mention, markup, list string) []channel.Field {
	return []channel.Field{
		{Key: "mention", Type: channel.FieldList, Doc: "Whom to mention when something fires, gets worse or is still not taken care of: " + mention + "."},
		channel.TimeoutField(),
		{
			Key: "template", Type: channel.FieldTemplate,
			Doc: "Text of messages in " + markup + ". If what it makes is a JSON object, that is sent as it is; a JSON array is sent as " + list + ".",
		},
		channel.OtherName("text_template", "template"),
		{
			Key: "payload_template", Type: channel.FieldTemplate,
			Doc: "Like template, for one that makes JSON: its values are not escaped for " + markup + ".",
		},
	}
}

// Check complains about them; who says, in words, who can be mentioned.
func (s *Settings) Check(form *regexp.Regexp, who string) (timeout time.Duration, err error) {
	timeout, err = channel.Timeout(s.Timeout)
	errs := []error{err}
	if len(s.Mention) > maxMention || slices.ContainsFunc(s.Mention, func(m string) bool { return !form.MatchString(m) }) {
		errs = append(errs, channel.Bad("mention", "at most %d of %s", maxMention, who))
	}
	return timeout, errors.Join(append(errs, s.Once("text_template", "template"))...)
}
