package channel

import (
	"encoding/json"
	"maps"
	"slices"
)

// Object reads a node's output as a JSON object: decoded already, still encoded, or a Go value that encodes to one. Anything
// else is nil.
func Object(v any) map[string]any {
	switch o := v.(type) {
	case nil, string:
		return nil
	case map[string]any:
		return o
	default:
		plain, _ := decoded(v)
		m, _ := plain.(map[string]any)
		return m
	}
}

// Recommendations brings what a provider or a caller gave into a list (contract 8.4): a list is kept, an object of objects gives
// its values in key order, anything else is one item, nothing is none.
func Recommendations(v any) []any {
	switch r := v.(type) {
	case nil:
		return nil
	case []any:
		return r
	case map[string]any:
		values := make([]any, 0, len(r))
		for _, k := range slices.Sorted(maps.Keys(r)) {
			if _, ok := r[k].(map[string]any); !ok {
				return []any{r}
			}
			values = append(values, r[k])
		}
		return values
	case string:
		return []any{r}
	default:
		plain, ok := decoded(v)
		if !ok {
			return nil
		}
		return Recommendations(plain)
	}
}

// Recommended are the recommendations in the context of a message: the caller's own, else those of the analysis in it.
func Recommended(of map[string]any) []any {
	given := of["recommendations"]
	if given == nil {
		given = Object(of["intelligence"])["recommendations"]
	}
	return Recommendations(given)
}

// decoded turns v into a map, a list or a string, as JSON sees it.
func decoded(v any) (any, bool) {
	raw, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return nil, false
		}
	}
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return nil, false
	}
	switch plain.(type) {
	case map[string]any, []any, string:
		return plain, true
	default: // a number or a boolean tells nothing, and Recommendations would ask again for ever
		return nil, false
	}
}
