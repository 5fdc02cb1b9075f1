package parse

import "strings"

// kind is what a value is.
type kind uint8

const (
	null kind = iota
	boolean
	number
	words // a string
	list
	object
)

// value is a value as it stands in an answer, objects in their order.
type value struct {
	kind  kind
	cut   bool   // the text ended inside it
	text  string // of words what they say, of numbers and booleans how they are written
	keys  []string
	items []value
}

// get returns the value of a key, which is spelled without capitals and underscores. Of several the last one counts, as everywhere in JSON.
func (v *value) get(names ...string) *value {
	if v.kind != object {
		return nil
	}
	for _, name := range names {
		for i := len(v.keys) - 1; i >= 0; i-- {
			if v.keys[i] == name {
				return &v.items[i]
			}
		}
	}
	return nil
}

// spelled is a key as it is looked for: models write probableCause, "Probable Cause" and probable-cause.
func spelled(key string) string {
	const longest = 100
	if len(key) > longest {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == '-' || r == ' ':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, key)
}
