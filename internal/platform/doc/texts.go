package doc

import (
	"encoding/json"
	"maps"
	"slices"
)

// Texts encodes a map of texts as a JSON object, as encoding/json does it, several times faster: labels and annotations are written for
// every alert. nil and the empty map are {}.
func Texts(m map[string]string) []byte {
	if len(m) == 0 {
		return []byte(`{}`)
	}
	size := 2
	for k, v := range m {
		if !unescaped(k) || !unescaped(v) {
			raw, err := json.Marshal(m)
			if err != nil { // a map of texts cannot fail
				return []byte(`{}`)
			}
			return raw
		}
		size += len(k) + len(v) + 6
	}
	var room [32]string
	out := append(make([]byte, 0, size), '{')
	for i, k := range sorted(m, room[:0]) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), k...), `":"`...)
		out = append(append(out, m[k]...), '"')
	}
	return append(out, '}')
}

func sorted(m map[string]string, room []string) []string {
	keys := slices.AppendSeq(room, maps.Keys(m))
	slices.Sort(keys)
	return keys
}

// unescaped reports whether a text stands in JSON as it is.
func unescaped(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&', c >= 0x7f:
			return false
		}
	}
	return true
}
