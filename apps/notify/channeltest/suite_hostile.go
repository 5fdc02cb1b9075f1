package channeltest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// HostileLinks is a notice whose ids, severity and links are hostile too, although the hub lets none through: what a driver is given counts.
func HostileLinks() channel.Notice {
	n := HostileNotice()
	h := Hostile()
	n.Kind, n.Severity, n.IncidentID, n.By, n.Event, n.RunID = channel.KindReminder, h, h, h, h, h
	n.URL = "javascript:alert(1)"
	n.Links = []channel.Link{
		{Name: h, URL: "https://evil.example/\"><script>alert(1)</script>)](|x)<!channel> @everyone?a=1&b=\u202e\r\nBcc: x"},
		{Name: "🔥", URL: "javascript:alert(1)"},
		{Name: "", URL: "data:text/html,<script>alert(1)</script>"},
		{Name: "incident", URL: "JaVaScRiPt:alert(1)"},
		{Name: "runbook", URL: "https://good.example@evil.example/"},
		{Name: "dashboard", URL: "//evil.example"},
	}
	return n
}

// inert checks that no text of requests holds characters that change how the rest is shown, and that nothing leads to code.
func (h HTTP) inert(t *testing.T, made []Request) {
	t.Helper()
	for _, q := range made {
		for _, raw := range []string{"\x00", "\x1b", "\u202e", "\r"} {
			if text := h.Text(t, q); !h.Exact && contains(text, raw) {
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
				if contains(low, before+scheme) {
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
