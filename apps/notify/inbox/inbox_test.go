package inbox_test

import (
	"encoding/json"
	"flag"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/inbox"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestSettings(t *testing.T) {
	t.Parallel()
	channeltest.Settings(t, inbox.New())
	if s := inbox.New().Spec(); !s.Local || len(s.Fields()) != 0 {
		t.Errorf("spec %+v", s)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	channeltest.Bodies(t, channeltest.Open(t, inbox.New(), `{}`))
	many := channeltest.Notice()
	for range 60 {
		many.Alerts = append(many.Alerts, many.Alerts[0])
	}
	for name, n := range map[string]channel.Notice{
		"firing": channeltest.Notice(), "resolved": channeltest.Resolved(), "hostile": channeltest.HostileNotice(), "many": many,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := channeltest.Rendered(t, channeltest.Open(t, inbox.New(), `{}`), n)
			var m inbox.Message
			if err := json.Unmarshal(o.Body, &m); err != nil {
				t.Fatal(err)
			}
			if m.Title != n.Title || m.Text != n.Text || m.AlertCount != len(n.Alerts) {
				t.Errorf("title %q, text %q, %d alerts came back", m.Title, m.Text, m.AlertCount)
			}
			if name == "many" {
				if len(m.Alerts) != 50 {
					t.Errorf("%d alerts are listed", len(m.Alerts))
				}
				return
			}
			channeltest.Golden(t, *update, name, o.Body)
		})
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	c := channeltest.Open(t, inbox.New(), ``)
	if got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice())); got.Verdict != channel.Done {
		t.Errorf("got %+v", got)
	}
}
