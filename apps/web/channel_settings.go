package web

import (
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// kindOf returns what is known of a driver's settings.
func (w *Web) kindOf(driver string) (channel.Spec, bool) {
	for _, k := range w.Kinds {
		if k.Name == driver {
			return k, true
		}
	}
	return channel.Spec{}, false
}

// channelKind is a driver's name as people say it.
func channelKind(driver string) string {
	switch driver {
	case "generic":
		return "Webhook"
	case notify.InboxName:
		return "Inbox"
	default:
		return title(driver)
	}
}

// channelWords are labels and hints of channels' settings.
var channelWords = map[string]settingWord{
	"endpoint": {
		"Address", "Gets a POST with the message as JSON. Addresses inside your own network must be allowed with HUB_EGRESS_ALLOW.",
		"https://example.com/hooks/incidents",
	},
	"webhook_url":    {"Address", "Gets a POST with the message as JSON. Addresses inside your own network must be allowed with HUB_EGRESS_ALLOW.", ""},
	"query":          {"Query parameters", "", ""},
	"timeout":        {"Timeout in seconds", "", ""},
	"secret":         {"Signing key", "", ""},
	"sign_timestamp": {"Sign the time, too", "", ""},
	"channel":        {"Name in the message", "", ""},
	"disabled":       {"Swallow messages", "", ""},
}

// channelSettings are a driver's settings as a form shows them.
func channelSettings(spec channel.Spec) settingForm {
	return settingForm{
		fields: spec.Fields(), words: channelWords,
		required: func(i int, f settings.Field) bool { return i < len(spec.Required) || f.Destination },
	}
}
