package settings_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":              `"plain"`,
		"é 漢 👩‍🚒":            `"é 漢 👩‍🚒"`,
		"a\x00b":             `"ab"`,
		`a\u0000b`:           `"a\\u0000b"`,
		`\` + "\x00" + `\`:   `"\\\\"`,
		"\u202eevil\u200b":   `"\u202eevil\u200b"`,
		"\x1b[31m\u009b":     `"\u001b[31m\u009b"`,
		"<b>&\u2028":         `"\u003cb\u003e\u0026\u2028"`,
		"\ufeffx\u2066y\xff": `"\ufeffx\u2066y\ufffd"`,
	} {
		got, err := settings.Encode(in)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if _, err := settings.Encode(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}

// FuzzEncode: any JSON reader gets the same text back, but for NUL.
func FuzzEncode(f *testing.F) {
	f.Add("a\x00\\u0000\u202e\\", "\u0080")
	f.Fuzz(func(t *testing.T, a, b string) {
		raw, err := settings.Encode([]string{a, b})
		if err != nil {
			t.Fatal(err)
		}
		var back []string
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		plain, _ := json.Marshal([]string{a, b})
		var want []string
		_ = json.Unmarshal(plain, &want)
		for i := range want {
			if strings.ReplaceAll(want[i], "\x00", "") != back[i] {
				t.Errorf("%q came back as %q", want[i], back[i])
			}
		}
	})
}
