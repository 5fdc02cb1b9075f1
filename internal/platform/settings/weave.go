package settings

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

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

// Stored is what is there before a change: settings with masks, and the secrets behind them by field: a setting's key, or key.name
// inside a map. The zero Stored is nothing.
type Stored struct {
	Settings map[string]any
	Secrets  map[string]secret.String
}

// Read returns settings as an object; false: they are something else. No settings at all (empty, null) are an empty object.
func Read(config json.RawMessage) (map[string]any, bool) {
	if config = bytes.TrimSpace(config); len(config) == 0 || bytes.Equal(config, []byte("null")) {
		return map[string]any{}, true
	}
	var m map[string]any
	if json.Unmarshal(config, &m) != nil {
		return nil, false
	}
	return m, true
}

// weaver replaces the secrets in given by masks and remembers their values, new and kept.
type weaver struct {
	fields   []Field
	was      Stored
	given    map[string]any
	secrets  map[string]secret.String
	kept     []string // fields whose stored value stays
	problems []*KeyError
}

func (w *weaver) weave() {
	for _, f := range w.fields {
		switch {
		case !f.Secret:
		case f.Type == Map:
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
		return // of another type: the plugin complains
	case !present:
		inner = map[string]any{}
	}
	names := slices.Sorted(maps.Keys(inner))
	for field := range w.was.Secrets {
		name, mine := strings.CutPrefix(field, key+".")
		if mine && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			w.one(inner, name, field)
		}
	}
	for _, name := range names {
		if LooksSecret(name) {
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
				w.problems = append(w.problems, &KeyError{field, `enter the value: {"configured": true} stands for a stored one, and there is none`})
			}
			return
		}
		w.secrets[field], m[key] = old, mask()
		w.kept = append(w.kept, field)
	default:
		if s, ok := value.(string); ok { // another type is for the plugin to complain about
			w.secrets[field], m[key] = secret.NewString(s), mask()
		}
	}
}

// old finds a stored secret; names of headers are the same in any case.
func (w *weaver) old(field string) (secret.String, bool) {
	if v, ok := w.was.Secrets[field]; ok {
		return v, true
	}
	for have, v := range w.was.Secrets {
		if strings.EqualFold(have, field) {
			return v, true
		}
	}
	return secret.String{}, false
}

// moved complains about secrets that would go to another place than the one they were entered for: whoever may edit settings could
// otherwise have them sent to himself.
func (w *weaver) moved() []*KeyError {
	from, to := destinations(w.fields, w.was.Settings), destinations(w.fields, w.given)
	if !slices.ContainsFunc(to, func(d string) bool { return !slices.Contains(from, d) }) {
		return nil
	}
	place := "another one"
	if len(from) > 0 {
		place = strings.Join(from, ", ")
	}
	var p []*KeyError
	for _, field := range slices.Sorted(slices.Values(w.kept)) {
		p = append(p, &KeyError{field, "enter it again: the address has another host now, and the stored one was for " + place})
	}
	return p
}

// destinations are the places that secrets may go to: scheme, host and port of every address that is set, or else of those that plugins
// take when none is.
func destinations(fields []Field, settings map[string]any) []string {
	var given, usual []string
	for _, f := range fields {
		if !f.Destination {
			continue
		}
		if raw, _ := settings[f.Key].(string); f.Port != "" && strings.TrimSpace(raw) != "" {
			given = append(given, hostPlace(fields, f, settings))
		} else if strings.TrimSpace(raw) != "" {
			given = append(given, place(f, raw))
		} else if f.Default != "" {
			usual = append(usual, place(f, f.Default))
		}
	}
	if len(given) > 0 {
		return given
	}
	return usual
}

// place is scheme, host and port of an address, or the whole text of what is none: no two of those are the same place.
func place(f Field, raw string) string {
	raw = strings.TrimSpace(raw)
	full := raw
	if !strings.Contains(full, "://") {
		full = "http://" + full
	}
	if u, err := url.Parse(full); f.Type == URL && err == nil && u.Hostname() != "" {
		return strings.ToLower(u.Scheme) + "://" + httpclient.Destination(u)
	}
	return strings.ToLower(raw)
}

// Reveal puts secrets back in the place of their masks. It returns the fields whose secret is missing.
func Reveal(fields []Field, settings map[string]any, secrets map[string]secret.String) (full json.RawMessage, missing []string, err error) {
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
	for _, f := range fields {
		if !f.Secret {
			continue
		}
		if f.Type != Map {
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
