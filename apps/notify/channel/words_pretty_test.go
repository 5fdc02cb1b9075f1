package channel_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// TestPrettyJSON: the document stays the same, and is read as people write it.
func TestPrettyJSON(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`"\u003c!here\u003E \u0026"`: `"<!here> &"`,
		`"\\u003c"`:                  `"\\u003c"`,
		`"\\\u003c"`:                 `"\\<"`,
		`"\"\u003c\u2028\u0000"`:     `"\"<\u2028\u0000"`,
		`{"a":"\u003c"}`:             "{\n  \"a\": \"<\"\n}",
		`"\u00`:                      "",
		`[`:                          "",
	} {
		got := channel.PrettyJSON([]byte(doc))
		if got != want {
			t.Errorf("%s: got %s, want %s", doc, got, want)
		}
		var a, b any
		if want != "" && (json.Unmarshal([]byte(doc), &a) != nil || json.Unmarshal([]byte(got), &b) != nil || !reflect.DeepEqual(a, b)) {
			t.Errorf("%s became another document: %s", doc, got)
		}
	}
}
