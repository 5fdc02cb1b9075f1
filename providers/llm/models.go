package llm

import (
	"slices"
	"strings"
	"time"
)

// Models are the models that are known by their whole names, of each kind the default one first.
func Models() []Model {
	return slices.DeleteFunc(table(), func(m Model) bool { return strings.HasSuffix(m.Name, "*") })
}

// Names are the known models of a kind that have not ended, the default one first.
func Names(kind string, now time.Time) []string {
	var out []string
	for _, m := range Models() {
		if m.Kind == kind && (m.Ends.IsZero() || now.Before(m.Ends)) {
			out = append(out, m.Name)
		}
	}
	return out
}
