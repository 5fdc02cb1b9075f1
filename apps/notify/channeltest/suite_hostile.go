package channeltest

import (
	"encoding/json"
	"strings"
	"testing"
)

// inert checks that no text of requests holds characters that change how the rest is shown, and that nothing leads to code.
func (h HTTP) inert(t *testing.T, made []Request) {
	t.Helper()
	for _, q := range made {
		for _, raw := range []string{"\x00", "\x1b", "\u202e", "\r"} {
			if text := h.Text(t, q); !h.Exact && strings.Contains(text, raw) {
				t.Errorf("%q arrives as it is in %q", raw, text)
			}
		}
		var body any
		if json.Unmarshal(q.Body, &body) != nil {
			continue
		}
		leadsAway(t, body, "")
	}
}

// leadsAway finds values that are addresses of another kind than http, and links of markup to such.
func leadsAway(t *testing.T, v any, key string) {
	t.Helper()
	switch v := v.(type) {
	case string:
		low := strings.ToLower(v)
		for _, scheme := range []string{"javascript:", "data:text"} {
			if strings.HasPrefix(low, scheme) {
				t.Errorf("%s leads to %s", key, v)
			}
			for _, before := range []string{"](", "<a href=\"", "<"} {
				if strings.Contains(low, before+scheme) {
					t.Errorf("%s has a link to %s: %s", key, scheme, v)
				}
			}
		}
	case []any:
		for _, one := range v {
			leadsAway(t, one, key)
		}
	case map[string]any:
		for k, one := range v {
			leadsAway(t, one, k)
		}
	}
}
