package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// settingPrefix begins the names of inputs that hold a driver's settings, as it does the fields of notify.Problem.
const settingPrefix = "config."

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

// settingWords are labels and hints that say more to a person than a key and its reference.
var settingWords = map[string]struct{ label, hint, placeholder string }{
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

// title makes a label of a key.
func title(key string) string {
	return strings.TrimSuffix(sentence(strings.ReplaceAll(key, "_", " ")), ".")
}

// settingFields are a driver's settings as inputs that hold what is stored. Of several addresses the one in use is shown.
func settingFields(spec channel.Spec, stored map[string]any) []Field {
	var out []Field
	address := addressOf(spec, stored)
	for i, f := range spec.Fields() {
		if f.Destination && f.Key != address {
			continue
		}
		words := settingWords[f.Key]
		field := Field{
			ID: settingPrefix + f.Key, Label: words.label, Hint: words.hint, Placeholder: words.placeholder,
			Required: i < len(spec.Required) || f.Destination, Mono: f.Type != channel.FieldBool && len(f.Enum) == 0,
		}
		if field.Label == "" {
			field.Label = title(f.Key)
		}
		if field.Hint == "" {
			field.Hint = f.Doc
		}
		field.fill(f, stored[f.Key])
		out = append(out, field)
	}
	return out
}

// addressOf is the key under which the address is given.
func addressOf(spec channel.Spec, stored map[string]any) string {
	first := ""
	for _, f := range spec.Fields() {
		if !f.Destination {
			continue
		}
		if text, _ := stored[f.Key].(string); text != "" {
			return f.Key
		}
		if first == "" {
			first = f.Key
		}
	}
	return first
}

func (f *Field) fill(spec channel.Field, value any) {
	switch {
	case spec.Type == channel.FieldMap:
		f.Kind, f.Pairs = kindPairs, pairsOf(value)
	case spec.Secret:
		f.Kind, f.Configured, f.Clear = kindSecret, value != nil, value != nil && !f.Required
	case spec.Type == channel.FieldBool:
		f.Kind, f.Value = kindBool, settingText(value, spec.Default)
	case len(spec.Enum) > 0:
		f.Kind, f.Value = kindChoice, settingText(value, spec.Default)
		for _, v := range spec.Enum {
			f.Options = append(f.Options, Option{v, v})
		}
	default:
		f.Kind, f.Value = kindText, settingText(value, "")
		switch spec.Type { //nolint:exhaustive // the rest is text
		case channel.FieldURL:
			f.Kind = kindURL
		case channel.FieldNumber:
			f.Kind = kindNumber
		}
		if spec.Default != "" && f.Placeholder == "" {
			f.Placeholder = spec.Default
		}
	}
}

// settingText is a stored value as it is typed.
func settingText(v any, unset string) string {
	switch v := v.(type) {
	case nil:
		return unset
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// pairsOf lists a map by name; a value that is no text is a stored secret.
func pairsOf(v any) []Pair {
	m, _ := v.(map[string]any)
	var out []Pair
	for _, name := range slices.Sorted(maps.Keys(m)) {
		value, plain := m[name].(string)
		out = append(out, Pair{Name: name, Value: value, Configured: !plain})
	}
	return out
}

// readSettings reads stored settings; what cannot be read is as good as none.
func readSettings(config json.RawMessage) map[string]any {
	var m map[string]any
	if json.Unmarshal(config, &m) != nil || m == nil {
		return map[string]any{}
	}
	return m
}

// Names of the inputs that belong to a setting of several parts.
const (
	partName   = ".name"
	partValue  = ".value"
	partRemove = ".remove"
)

// posted is a form that was filled in; *gin.Context fits.
type posted interface {
	PostForm(name string) string
	PostFormArray(name string) []string
}

// settingsTyped brings what was typed over the stored settings. Keys that the form does not show stay as they are. A secret that
// was left empty is left out, which keeps it; one that is to go is null.
func settingsTyped(spec channel.Spec, stored map[string]any, form posted) (config json.RawMessage, err error) {
	out := maps.Clone(stored)
	address := addressOf(spec, stored)
	for _, f := range spec.Fields() {
		name := settingPrefix + f.Key
		typed := form.PostForm(name)
		if f.Type != channel.FieldBool && !f.Secret {
			typed = strings.TrimSpace(typed)
		}
		delete(out, f.Key)
		switch {
		case f.Destination && f.Key != address:
		case f.Type == channel.FieldMap:
			out[f.Key] = pairsTyped(form, name, stored[f.Key])
		case f.Secret && form.PostForm(name+partRemove) != "":
			out[f.Key] = nil
		case f.Type == channel.FieldBool && strconv.FormatBool(typed != "") != f.Default:
			out[f.Key] = typed != ""
		case typed == "" || f.Type == channel.FieldBool || len(f.Enum) > 0 && typed == f.Default:
		case f.Type == channel.FieldNumber:
			if n, err := strconv.ParseFloat(typed, 64); err == nil {
				out[f.Key] = n
				continue
			}
			out[f.Key] = typed // for the driver to complain about
		default:
			out[f.Key] = typed
		}
	}
	return json.Marshal(out)
}

// pairsTyped is the map that rows of names and values stand for.
func pairsTyped(form posted, name string, stored any) map[string]any {
	out := map[string]any{}
	for _, p := range pairRows(form, name, stored) {
		switch {
		case p.Name == "" && p.Value == "":
		case p.Configured && p.Value == "":
			// left out: the stored one is kept
		default:
			out[p.Name] = p.Value
		}
	}
	for _, gone := range form.PostFormArray(name + partRemove) {
		out[gone] = nil
	}
	return out
}

// pairRows are the rows as they were posted.
func pairRows(form posted, name string, stored any) []Pair {
	was, _ := stored.(map[string]any)
	names, values := form.PostFormArray(name+partName), form.PostFormArray(name+partValue)
	var out []Pair
	for i := range min(len(names), len(values)) {
		p := Pair{Name: strings.TrimSpace(names[i]), Value: values[i]}
		if old, ok := was[p.Name]; ok {
			_, plain := old.(string)
			p.Configured = !plain
		}
		out = append(out, p)
	}
	return out
}

// retype draws the settings as they were typed, but for secrets: those are not sent back.
func retype(fields []Field, stored map[string]any, form posted) {
	for i := range fields {
		f := &fields[i]
		typed := form.PostForm(f.ID)
		switch f.Kind {
		case kindSecret:
			f.Remove = form.PostForm(f.ID+partRemove) != ""
			if typed != "" {
				f.Wrong = append(f.Wrong, typeAgain)
			}
		case kindPairs:
			f.Pairs = nil
			again, gone := false, form.PostFormArray(f.ID+partRemove)
			for _, p := range pairRows(form, f.ID, stored[strings.TrimPrefix(f.ID, settingPrefix)]) {
				if p.Name == "" && p.Value == "" {
					continue
				}
				if p.Value != "" && (p.Configured || channel.LooksSecret(p.Name)) {
					p.Value, p.Again, again = "", true, true
				}
				p.Remove = slices.Contains(gone, p.Name)
				f.Pairs = append(f.Pairs, p)
			}
			if again {
				f.Wrong = append(f.Wrong, typeAgain)
			}
		case kindBool:
			f.Value = strconv.FormatBool(typed != "")
		default:
			f.Value = typed
		}
	}
}

// typeAgain stands beside a secret that was typed into a form that could not be saved.
const typeAgain = "Enter it once more: it was not saved, and the page does not send it back."

// pairProblems finds rows that the driver would not miss: a secret without a value, and a name given twice.
func pairProblems(spec channel.Spec, stored map[string]any, form posted) []notify.Problem {
	var out []notify.Problem
	for _, f := range spec.Fields() {
		if f.Type != channel.FieldMap {
			continue
		}
		name, seen := settingPrefix+f.Key, map[string]bool{}
		for _, p := range pairRows(form, name, stored[f.Key]) {
			key := strings.ToLower(p.Name)
			switch {
			case p.Name == "":
			case seen[key]:
				out = append(out, notify.Problem{Field: name, Message: p.Name + " is there twice; keep one"})
			case p.Value == "" && !p.Configured && f.Secret && channel.LooksSecret(p.Name):
				out = append(out, notify.Problem{Field: name, Message: p.Name + " needs a value"})
			}
			seen[key] = true
		}
	}
	return out
}
