package notify

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// The mask {"configured": true} stands in stored and shown settings where a secret is.
const maskKey = "configured"

func mask() map[string]any { return map[string]any{maskKey: true} }

func isMask(v any) bool {
	m, ok := v.(map[string]any)
	configured, _ := m[maskKey].(bool)
	return ok && configured && len(m) == 1
}

// weaver replaces the secrets in given by masks and remembers their values, new and kept.
type weaver struct {
	spec     channel.Spec
	was      stored
	given    map[string]any
	secrets  map[string]secret.String
	kept     []string // fields whose stored value stays
	problems []Problem
}

func (w *weaver) weave() {
	for _, f := range w.spec.Fields() {
		switch {
		case !f.Secret:
		case f.Type == channel.FieldMap:
			w.weaveMap(f.Key)
		default:
			w.one(w.given, f.Key, f.Key)
		}
	}
}

// weaveMap deals with the secrets in a map of settings. Those that are left out are kept, null for the map removes all.
func (w *weaver) weaveMap(key string) {
	value, present := w.given[key]
	inner, ok := value.(map[string]any)
	switch {
	case present && value == nil:
		delete(w.given, key)
		return
	case present && !ok:
		return // of another type: the driver complains
	case !present:
		inner = map[string]any{}
	}
	names := slices.Sorted(maps.Keys(inner))
	for field := range w.was.secrets {
		name, mine := strings.CutPrefix(field, key+".")
		if mine && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			w.one(inner, name, field)
		}
	}
	for _, name := range names {
		if channel.LooksSecret(name) {
			w.one(inner, name, key+"."+name)
		}
	}
	if len(inner) == 0 {
		delete(w.given, key)
		return
	}
	w.given[key] = inner
}

// one deals with one secret setting, m[key]. Left out or masked it keeps its stored value, null and "" remove it.
func (w *weaver) one(m map[string]any, key, field string) {
	value, present := m[key]
	switch {
	case present && value == nil, value == "":
		delete(m, key)
	case !present, isMask(value):
		old, have := w.old(field)
		if !have {
			delete(m, key)
			if present {
				w.problems = append(w.problems, Problem{
					"config." + field, `enter the value: {"configured": true} stands for a stored one, and there is none`,
				})
			}
			return
		}
		w.secrets[field], m[key] = old, mask()
		w.kept = append(w.kept, field)
	default:
		if s, ok := value.(string); ok { // another type is for the driver to complain about
			w.secrets[field], m[key] = secret.NewString(s), mask()
		}
	}
}

// old finds a stored secret; names of headers are the same in any case.
func (w *weaver) old(field string) (secret.String, bool) {
	if v, ok := w.was.secrets[field]; ok {
		return v, true
	}
	for have, v := range w.was.secrets {
		if strings.EqualFold(have, field) {
			return v, true
		}
	}
	return secret.String{}, false
}

// moved complains about secrets that would go to another place than the one they were entered for: whoever may edit a channel
// could otherwise have them sent to himself.
func (w *weaver) moved() []Problem {
	from, to := destination(w.spec, w.was.settings), destination(w.spec, w.given)
	if from == to || from == "" {
		return nil
	}
	var p []Problem
	for _, field := range slices.Sorted(slices.Values(w.kept)) {
		p = append(p, Problem{"config." + field, "enter it again: the address has another host now, and the stored one was for " + from})
	}
	return p
}

// destination is where the secrets go: scheme, host and port of the first address that is set.
func destination(spec channel.Spec, settings map[string]any) string {
	for _, f := range spec.Fields() {
		raw, _ := settings[f.Key].(string)
		if !f.Destination || raw == "" {
			continue
		}
		if f.Type != channel.FieldURL {
			return strings.ToLower(strings.TrimSpace(raw))
		}
		u, err := url.Parse(strings.TrimSpace(raw))
		if err != nil {
			return "(unreadable)"
		}
		return strings.ToLower(u.Scheme) + "://" + httpclient.Destination(u)
	}
	return ""
}

// reveal puts the secrets back in the place of their masks. It returns the fields whose secret is missing.
func reveal(spec channel.Spec, settings map[string]any, secrets map[string]secret.String) (full json.RawMessage, missing []string, err error) {
	out := maps.Clone(settings)
	put := func(m map[string]any, key, field string) {
		if !isMask(m[key]) {
			return
		}
		v, ok := secrets[field]
		if !ok {
			missing = append(missing, field)
			return
		}
		m[key] = v.Reveal()
	}
	for _, f := range spec.Fields() {
		if !f.Secret {
			continue
		}
		if f.Type != channel.FieldMap {
			put(out, f.Key, f.Key)
			continue
		}
		inner, ok := out[f.Key].(map[string]any)
		if !ok {
			continue
		}
		inner = maps.Clone(inner)
		out[f.Key] = inner
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			put(inner, name, f.Key+"."+name)
		}
	}
	full, err = json.Marshal(out)
	return full, missing, err
}
