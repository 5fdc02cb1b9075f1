package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
)

// providerWords are labels and hints of providers' settings. Where there is no hint the setting's own words stand.
var providerWords = map[string]settingWord{
	"api_key":            {"API key", "", ""},
	"model":              {"Model", "", ""},
	"base_url":           {"Address", "", ""},
	"host":               {"Address", "", ""},
	"calls_per_hour":     {"Calls an hour, at most", "", ""},
	"calls_per_incident": {"Calls for one incident, at most", "", ""},
	"tokens_per_day":     {"Tokens a day, at most", "", ""},
	"money_per_day":      {"Money a day, at most", "", ""},
	"price_input":        {"Price of a million tokens of questions", "", "as in the table"},
	"price_output":       {"Price of a million tokens of answers", "", "as in the table"},
	"redact_emails":      {"Take mail addresses out, too", "Keys, passwords and tokens are always taken out. Host names, IP addresses and paths stay.", ""},
	"store_prompts":      {"Keep what was asked and what came back", "With each analysis, after secrets were taken out.", ""},
	"timeout_s":          {"Time limit in seconds", "", ""},
	"max_tokens":         {"Longest answer, in tokens", "", ""},
	"input_tokens":       {"Longest question, in tokens", "", ""},
	"context_tokens":     {"What the model takes in all, in tokens", "", "as in the table"},
	"temperature":        {"Temperature", "", ""},
	"effort":             {"Effort", "", ""},
	"structured":         {"Form of the answer", "", ""},
	"headers":            {"More headers", "", ""},
}

// fieldGroup is a part of a form that can wait.
type fieldGroup struct {
	Name   string
	Keys   []string // empty: whatever has no other place
	Fields []Field
	Open   bool
}

// providerGroups are the parts of a provider's form: what is always shown, and what has a default that fits most.
func providerGroups() []fieldGroup {
	return []fieldGroup{
		{Keys: []string{"api_key", "model", "base_url", "host"}},
		{Name: "Budgets and prices", Keys: []string{"calls_per_hour", "calls_per_incident", "tokens_per_day", "money_per_day", "price_input", "price_output"}},
		{Name: "Privacy", Keys: []string{"redact_emails", "store_prompts"}},
		{Name: "Question and answer"},
	}
}

// providerSettings are a kind's settings as a form shows them. None is required: what is missing has a default, or the environment has it.
func providerSettings(spec providers.Spec) settingForm {
	return settingForm{fields: spec.Fields, words: providerWords, required: func(int, settings.Field) bool { return false }}
}

// groups spreads the settings over the parts of the form. A part with something set in it is open.
func (w *Web) groups(spec providers.Spec, stored map[string]any) []fieldGroup {
	out := providerGroups()
	for _, f := range providerSettings(spec).inputs(stored) {
		key := strings.TrimPrefix(f.ID, settingPrefix)
		if key == "model" && w.Models != nil {
			f.Suggest = w.Models(spec.Name)
		}
		i := slices.IndexFunc(out, func(g fieldGroup) bool { return len(g.Keys) == 0 || slices.Contains(g.Keys, key) })
		f.Usual = f.Placeholder != "" || i > 0
		_, set := stored[key]
		out[i].Fields, out[i].Open = append(out[i].Fields, f), out[i].Open || set
	}
	slices.SortStableFunc(out[0].Fields, func(a, b Field) int {
		place := func(f Field) int { return slices.Index(out[0].Keys, strings.TrimPrefix(f.ID, settingPrefix)) }
		return cmp.Compare(place(a), place(b))
	})
	return slices.DeleteFunc(out, func(g fieldGroup) bool { return len(g.Fields) == 0 })
}

// kindsOfProviders are those that a person can add, experimental ones last.
func (w *Web) kindsOfProviders() []providers.Spec {
	out := slices.Clone(w.Providers.Kinds())
	slices.SortStableFunc(out, func(a, b providers.Spec) int { return cmp.Compare(boolInt(a.Experimental), boolInt(b.Experimental)) })
	return out
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// providerKind returns what is known of a kind. Of one that this release does not have only the name is.
func (w *Web) providerKind(name string) (providers.Spec, bool) {
	for _, k := range w.Providers.Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return providers.Spec{Name: name, Label: title(name)}, false
}

// receiver is the host that a provider's questions go to.
func receiver(spec providers.Spec, stored map[string]any) string {
	address := ""
	for _, f := range spec.Fields {
		set, _ := stored[f.Key].(string)
		if f.Destination && set != "" {
			address = set
			break
		}
		if f.Destination {
			address = cmp.Or(address, f.Default)
		}
	}
	if u, err := url.Parse(address); err == nil {
		return u.Host
	}
	return ""
}

// limitOf is a number among the settings, or its default; 0: there is none.
func limitOf(spec providers.Spec, stored map[string]any, key string) float64 {
	if v, ok := stored[key].(float64); ok {
		return v
	}
	for _, f := range spec.Fields {
		if f.Key == key {
			v, _ := strconv.ParseFloat(f.Default, 64)
			return v
		}
	}
	return 0
}
