package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// text takes the text that a template made: a JSON object is a message as it is, a JSON array a list of what messages hold, the rest is
// text, of several messages if it is long. left is how many characters are too many.
func (f *Frame) text(s string, wakes bool, page string) (out []json.RawMessage, left int, err error) {
	trimmed := strings.TrimSpace(s)
	if trimmed == "" {
		return nil, 0, errors.New("it is empty")
	}
	if (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid([]byte(trimmed)) {
		out, err = f.messages(json.RawMessage(trimmed), wakes)
		return out, 0, err
	}
	return f.plain(f.voice.Address(s, wakes), wakes, page)
}

// plain makes messages of text alone. calls: the first one may mention somebody.
func (f *Frame) plain(s string, calls bool, page string) (out []json.RawMessage, left int, err error) {
	pieces, left := f.Bounds(f.Text, page).Parts(s, "")
	for i, piece := range pieces {
		raw, err := channel.Encode(f.voice.Plain(piece, calls && i == 0))
		if err != nil {
			return nil, 0, err
		}
		out = append(out, raw)
	}
	return out, left, nil
}

// messages takes the JSON that a template made: a message, or a list of what messages hold; more than one takes become several.
func (f *Frame) messages(raw json.RawMessage, wakes bool) ([]json.RawMessage, error) {
	v, err := Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	var given []map[string]any
	switch v := v.(type) {
	case map[string]any:
		given = append(given, v)
	case []any:
		if len(v) == 0 {
			return nil, errors.New("it has no " + f.List)
		}
		for len(v) > 0 {
			n := len(v)
			if f.Items > 0 {
				n = min(n, f.Items)
			}
			given = append(given, map[string]any{f.List: v[:n]})
			v = v[n:]
		}
		if len(given) > channel.MaxParts {
			return nil, fmt.Errorf("its %s take more than %d messages", f.List, channel.MaxParts)
		}
	default:
		return nil, errors.New("it must be a JSON object (a message) or a JSON array (" + f.List + ")")
	}
	out := make([]json.RawMessage, 0, len(given))
	for _, m := range given {
		if err := f.voice.Fit(m, wakes); err != nil {
			return nil, err
		}
		one, err := channel.Encode(m)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// Decode reads JSON whose numbers go out again as they came.
func Decode(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// Each applies f to every text in decoded JSON but the keys, in place where it can.
func Each(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		for i := range v {
			v[i] = Each(v[i], f)
		}
	case map[string]any:
		for k := range v {
			v[k] = Each(v[k], f)
		}
	}
	return v
}
