package pagerduty

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// outputs are those of the pipeline's nodes as plain JSON, made safe to show, and the names of those that have no JSON form.
func outputs(given map[string]any) (out map[string]any, odd []string) {
	out = make(map[string]any, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		raw, err := json.Marshal(given[name])
		var v any
		if err == nil {
			d := json.NewDecoder(bytes.NewReader(raw))
			d.UseNumber()
			err = d.Decode(&v)
		}
		if err != nil {
			odd = append(odd, channel.Limit(channel.VisibleLine(name), maxField))
			continue
		}
		out[channel.VisibleLine(name)] = visible(v)
	}
	return out, odd
}

func visible(v any) any {
	switch v := v.(type) {
	case string:
		return channel.Visible(v)
	case []any:
		for i := range v {
			v[i] = visible(v[i])
		}
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[channel.VisibleLine(k)] = visible(v[k])
		}
		return out
	default:
		return v
	}
}
