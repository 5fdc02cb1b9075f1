package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// settingPrefix begins the names of inputs that hold a plugin's settings, as it does the fields of problems.
const settingPrefix = "config."

// settingForm is what a form knows of a plugin's settings.
type settingForm struct {
	fields   []settings.Field
	words    map[string]settingWord
	required func(i int, f settings.Field) bool // i is the place among the fields
	plugin   string                             // words may be for it alone: "slack.username"
}

// settingWord is a label and a hint that say more to a person than a key and its reference.
type settingWord struct{ label, hint, placeholder string }

// complaint is what is wrong with a field, in words.
type complaint struct{ Field, Message string }

// title makes a label of a key.
func title(key string) string {
	return strings.TrimSuffix(sentence(strings.ReplaceAll(key, "_", " ")), ".")
}

// inputs are the settings as fields that hold what is stored. Of several addresses the one in use is shown.
func (s settingForm) inputs(stored map[string]any) []Field {
	var out []Field
	address := s.address(stored)
	for i, f := range s.fields {
		if f.Destination && f.Key != address || !f.Destination && secondName(f) && stored[f.Key] == nil {
			continue
		}
		words, own := s.words[s.plugin+"."+f.Key]
		if !own {
			words = s.words[f.Key]
		}
		field := Field{
			ID: settingPrefix + f.Key, Label: words.label, Hint: words.hint, Placeholder: words.placeholder,
			Required: s.required(i, f), Mono: f.Type != settings.Bool && len(f.Enum) == 0,
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

// secondName reports whether a setting is another name for an earlier one: a form shows it only where it is in use.
func secondName(f settings.Field) bool { return strings.HasPrefix(f.Doc, "Another name for ") }

// address is the key under which the address is given.
func (s settingForm) address(stored map[string]any) string {
	first := ""
	for _, f := range s.fields {
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

func (f *Field) fill(spec settings.Field, value any) {
	switch {
	case spec.Type == settings.Map:
		f.Kind, f.Pairs = kindPairs, pairsOf(value)
	case spec.Type == settings.List:
		f.Kind, f.Value, f.Lines = kindArea, listText(value), 2
	case spec.Type == settings.TemplateText:
		f.Kind, f.Value, f.Lines, f.Usual = kindArea, templateText(value), 6, true
	case spec.Secret:
		f.Kind, f.Configured, f.Clear = kindSecret, value != nil, value != nil && !f.Required
	case spec.Type == settings.Bool:
		f.Kind, f.Value = kindBool, settingText(value, spec.Default)
	case len(spec.Enum) > 0:
		f.Kind, f.Value = kindChoice, settingText(value, spec.Default)
		for _, v := range spec.Enum {
			f.Options = append(f.Options, Option{v, v})
		}
	default:
		f.Kind, f.Value = kindText, settingText(value, "")
		switch spec.Type { //nolint:exhaustive // the rest is text
		case settings.URL:
			f.Kind = kindURL
		case settings.Number:
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

// listText is a stored list as it is typed: a line for each.
func listText(v any) string {
	list, _ := v.([]any)
	lines := make([]string, len(list))
	for i, one := range list {
		lines[i] = settingText(one, "")
	}
	return strings.Join(lines, "\n")
}

// listTyped are the lines of a list; commas part, too.
func listTyped(text string) []string {
	var out []string
	for one := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' }) {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// templateFile begins the name of a built-in template where a template is typed.
const templateFile = "file:"

// templateText is a stored template as it is typed: its text, or file: and a name.
func templateText(v any) string {
	switch v := v.(type) {
	case string:
		return templateFile + strings.TrimPrefix(v, templateFile)
	case map[string]any:
		text, _ := v["template"].(string)
		if v["type"] == "file" {
			return templateFile + strings.TrimPrefix(text, templateFile)
		}
		return text
	default:
		return ""
	}
}

// templateTyped is the setting that a typed template stands for.
func templateTyped(text string) any {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if strings.HasPrefix(text, templateFile) && !strings.Contains(text, "\n") {
		return text
	}
	return map[string]any{"type": "inline", "template": text}
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

// typed brings what was typed over the stored settings. Keys that the form does not show stay as they are. A secret that
// was left empty is left out, which keeps it; one that is to go is null.
func (s settingForm) typed(stored map[string]any, form posted) (config json.RawMessage, err error) {
	out := maps.Clone(stored)
	address := s.address(stored)
	for _, f := range s.fields {
		name := settingPrefix + f.Key
		typed := form.PostForm(name)
		if f.Type != settings.Bool && !f.Secret {
			typed = strings.TrimSpace(typed)
		}
		if secondName(f) && !f.Destination && stored[f.Key] == nil {
			continue
		}
		delete(out, f.Key)
		switch {
		case f.Destination && f.Key != address:
		case f.Type == settings.Map:
			out[f.Key] = pairsTyped(form, name, stored[f.Key])
		case f.Secret && form.PostForm(name+partRemove) != "":
			out[f.Key] = nil
		case f.Type == settings.Bool && strconv.FormatBool(typed != "") != f.Default:
			out[f.Key] = typed != ""
		case f.Type == settings.List:
			if list := listTyped(typed); len(list) > 0 {
				out[f.Key] = list
			}
		case f.Type == settings.TemplateText && typed != "":
			out[f.Key] = templateTyped(typed)
		case typed == "" || f.Type == settings.Bool || len(f.Enum) > 0 && typed == f.Default:
		case f.Type == settings.Number:
			if n, err := strconv.ParseFloat(typed, 64); err == nil {
				out[f.Key] = n
				continue
			}
			out[f.Key] = typed // for the plugin to complain about
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

// pairProblems finds rows that the plugin would not miss: a secret without a value, and a name given twice.
func (s settingForm) pairProblems(stored map[string]any, form posted) []complaint {
	var out []complaint
	for _, f := range s.fields {
		if f.Type != settings.Map {
			continue
		}
		name, seen := settingPrefix+f.Key, map[string]bool{}
		for _, p := range pairRows(form, name, stored[f.Key]) {
			key := strings.ToLower(p.Name)
			switch {
			case p.Name == "":
			case seen[key]:
				out = append(out, complaint{Field: name, Message: p.Name + " is there twice; keep one"})
			case p.Value == "" && !p.Configured && f.Secret && channel.LooksSecret(p.Name):
				out = append(out, complaint{Field: name, Message: p.Name + " needs a value"})
			}
			seen[key] = true
		}
	}
	return out
}
