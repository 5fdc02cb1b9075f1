package web

import (
	"slices"
	"strings"

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

const allowed = " Hosts inside your own network must be allowed with HUB_EGRESS_ALLOW."

// channelWords are labels and hints of channels' settings; "driver.key" is for one driver. Where there is no hint the setting's own words
// stand.
var channelWords = map[string]settingWord{
	"generic.endpoint":    {"Address", "Gets the message as JSON." + allowed, "https://example.com/hooks/incidents"},
	"generic.webhook_url": {"Address", "Gets the message as JSON." + allowed, "https://example.com/hooks/incidents"},
	"generic.query":       {"Query parameters", "", ""},
	"generic.secret":      {"Signing key", "", ""},
	"generic.channel":     {"Name in the message", "", ""},
	"generic.disabled":    {"Send nothing", "", ""},
	"generic.username":    {"User", "", ""},
	"sign_timestamp":      {"Sign the time, too", "", ""},
	"acknowledged":        {"Tell also who took care of it", "", ""},
	"analysis":            {"Tell also that an analysis is ready", "", ""},

	"webhook_url":    {"Webhook address", "", ""},
	"timeout":        {"Timeout in seconds", "", ""},
	"base_url":       {"Address of the API", "", ""},
	"server":         {"Server", "", ""},
	"mention":        {"Mention", "", "here"},
	"username":       {"Name shown", "", ""},
	"icon_url":       {"Picture shown", "", ""},
	"icon_emoji":     {"Emoji shown as picture", "", ":rotating_light:"},
	"avatar_url":     {"Picture shown", "", ""},
	"thread_id":      {"Thread", "", ""},
	"ntfy.username":  {"User", "", ""},
	"email.username": {"User", "", ""},

	"smtp_host":         {"Mail server", "", "smtp.example.com"},
	"smtp_port":         {"Port", "", ""},
	"from_address":      {"From", "", "hub@example.com"},
	"to_addresses":      {"To", "", "team@example.com"},
	"cc":                {"Copy to", "", ""},
	"bcc":               {"Hidden copy to", "", ""},
	"use_tls":           {"STARTTLS", "", ""},
	"use_ssl":           {"TLS from the start", "", ""},
	"integration_key":   {"Integration key", "", ""},
	"event_action":      {"Event action", "", ""},
	"dedup_key":         {"One deduplication key for everything", "", ""},
	"client":            {"Client's name", "", ""},
	"client_url":        {"Client's address", "", ""},
	"bot_token":         {"Bot token", "", ""},
	"chat_id":           {"Chat", "", ""},
	"message_thread_id": {"Topic", "", ""},
	"silent":            {"Without a sound", "", ""},
	"topic":             {"Topic", "", "incidents-9f2k"},
	"priorities":        {"Priority by severity", "", ""},
	"template":          {"Text", "", ""},
	"text_template":     {"Text", "", ""},
	"html_template":     {"HTML", "", ""},
	"payload_template":  {"Whole message", "", ""},
	"subject_template":  {"Subject", "", ""},
}

// channelSettings are a driver's settings as a form shows them.
func channelSettings(spec channel.Spec) settingForm {
	return settingForm{
		fields: spec.Fields(), words: channelWords, plugin: spec.Name,
		required: func(i int, f settings.Field) bool {
			return (i < len(spec.Required) || f.Destination) && f.Default == "" && f.Or == ""
		},
	}
}

// channelLead are settings that are no driver's must and most want to set all the same.
var channelLead = map[string][]string{
	"slack": {"bot_token", "channel"}, "email": {"smtp_port", "to_addresses", "username", "password"}, "ntfy": {"server", "token"},
}

// channelGroups are the parts of a channel's form that can wait. The last takes whatever has no other place.
func channelGroups() []fieldGroup {
	return []fieldGroup{
		{Name: "Look and mentions", Keys: []string{
			"channel", "thread_id", "message_thread_id", "username", "icon_emoji", "icon_url", "avatar_url", "mention", "priorities", "tags", "silent", "client",
			"client_url", "format",
		}},
		{Name: "What it hears of", Keys: []string{"acknowledged", "analysis", "event_action", "dedup_key"}},
		{Name: "Templates", Keys: []string{"subject_template", "template", "text_template", "html_template", "payload_template"}},
		{Name: "Connection"},
	}
}

// channelFields are the settings that are always shown, and the groups of the others. A group with something set in it is open.
func channelFields(spec channel.Spec, stored map[string]any) (first []Field, groups []fieldGroup) {
	groups = channelGroups()
	lead := channelLead[spec.Name]
	last := len(groups) - 1
	for _, f := range channelSettings(spec).inputs(stored) {
		key := strings.TrimPrefix(f.ID, settingPrefix)
		i := slices.IndexFunc(spec.Required, func(r channel.Field) bool { return r.Key == key })
		if f.Required || i >= 0 || slices.Contains(lead, key) {
			f.Usual = f.Usual || i >= 0 // one of several, or with a default
			first = append(first, f)
			continue
		}
		i = slices.IndexFunc(groups, func(g fieldGroup) bool { return slices.Contains(g.Keys, key) })
		if i < 0 || spec.Name == "generic" && key == "username" { // there it signs in
			i = last
		}
		f.Usual = true
		_, set := stored[key]
		groups[i].Fields, groups[i].Open = append(groups[i].Fields, f), groups[i].Open || set
	}
	return first, slices.DeleteFunc(groups, func(g fieldGroup) bool { return len(g.Fields) == 0 })
}
