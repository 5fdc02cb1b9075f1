package channeltest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Fuzz is a driver's FuzzRender: no notice makes Render fail or panic, the body is one JSON document that Postgres takes, and Show can
// show it. check, if given, sees each result as well.
//
//	func FuzzRender(f *testing.F) {
//		channeltest.Fuzz(f, channeltest.Open(f, ntfy.New(nil, nil), `{"topic":"x"}`), nil)
//	}
func Fuzz(f *testing.F, c channel.Channel, check func(t *testing.T, n channel.Notice, r channel.Rendered)) {
	f.Helper()
	f.Add("title", "text\nof two lines", "name", "value", `{"summary":"s","recommendations":[{"title":"t"}]}`, "critical", uint8(1))
	f.Add(Hostile(), Hostile(), Hostile(), Hostile(), `{"recommendations":[[1]]}`, Hostile(), uint8(3))
	f.Add("\x00\u202e\\", "\xff\xfe", "\u2028", "```", `{"recommendations":{"a":{"title":1}}}`, "", uint8(0))
	f.Add("", "", "", "", ``, "\ud7ff", uint8(200))
	shower, shows := c.(channel.Shower)
	f.Fuzz(func(t *testing.T, title, text, name, value, output, severity string, many uint8) {
		n := Notice()
		n.Kind = kinds[int(many)%len(kinds)]
		n.Title, n.Text, n.Severity, n.Source, n.Status = title, text, severity, name, value
		n.Labels, n.Tags = map[string]string{name: value, value: name}, map[string]string{"fingerprint": value}
		n.Incident = &channel.Incident{Title: title, Description: text, Severity: severity, Environment: value}
		n.Context = map[string]any{"intelligence": json.RawMessage(output), name: output}
		n.Alerts = nil
		for range many {
			n.Alerts = append(n.Alerts, channel.Alert{
				Name: name, Status: event.Status(value), Severity: event.Severity(severity), Description: text, Source: name, Fingerprint: value,
				Labels: n.Labels, Annotations: map[string]string{value: text},
			})
		}
		r, err := c.Render(n)
		if err != nil {
			t.Fatal(err)
		}
		if body := bytes.TrimSpace(r.Body); !json.Valid(body) || body[0] != '{' || bytes.Contains(body, []byte{0}) {
			t.Fatalf("no JSON document: %q", r.Body)
		}
		if shows {
			shower.Show(r.Body)
			shower.Show([]byte(output))
		}
		if check != nil {
			check(t, n, r)
		}
	})
}

// FuzzMessages is Fuzz for drivers whose body is a list of messages, each posted to path as it is: the API takes all of them.
func FuzzMessages(f *testing.F, c channel.Channel, path string, refuses func(Request) error) {
	f.Helper()
	Fuzz(f, c, func(t *testing.T, _ channel.Notice, r channel.Rendered) {
		t.Helper()
		var doc struct{ Messages []json.RawMessage }
		if err := json.Unmarshal(r.Body, &doc); err != nil || len(doc.Messages) != r.Parts {
			t.Fatalf("%d messages, %d parts (%v)", len(doc.Messages), r.Parts, err)
		}
		for _, m := range doc.Messages {
			q := Request{Method: http.MethodPost, Body: m, Header: http.Header{"Content-Type": {"application/json"}}}
			q.URL.Path = path
			if err := refuses(q); err != nil {
				t.Errorf("%v: %s", err, m)
			}
		}
	})
}

var kinds = [...]channel.Kind{
	channel.KindFiring, channel.KindUpdated, channel.KindReminder, channel.KindAcknowledged, channel.KindResolved, channel.KindTest, channel.KindSent,
}
