package silences

import "regexp"

// NoEnd is said, of ends_at, when nothing ends a silence.
const NoEnd = "say when it ends: ends_at, duration, until_resolved, unused_for or a recurrence"

// fieldName finds what may be the name of a field: ends_at, recurrence.duration.
var fieldName = regexp.MustCompile(`[a-z_]+(?:\.[a-z_]+)?`)

// Reword says the message of a Problem to somebody who knows its fields by other names, such as the flags of a command.
func Reword(message string, names map[string]string) string {
	return fieldName.ReplaceAllStringFunc(message, func(word string) string {
		if name := names[word]; name != "" {
			return name
		}
		return word
	})
}
