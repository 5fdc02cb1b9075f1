package near_test

import (
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/near"
)

func TestWord(t *testing.T) {
	t.Parallel()
	known := []string{"name", "driver", "min_severity", "is_active", "to"}
	for word, want := range map[string]string{
		"minseverity":              "min_severity",
		" Driver":                  "driver",
		"nmae":                     "name", //nolint:misspell // that is what it is about
		"is_activ":                 "is_active",
		"ot":                       "to",
		"nonsense":                 "",
		"":                         "",
		strings.Repeat("é", 1<<20): "",
		"\x00\xff":                 "",
	} {
		if got := near.Word(word, known); got != want {
			t.Errorf("%.20q is near %q, want %q", word, got, want)
		}
	}
}
