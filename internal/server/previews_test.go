package server

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestTemplatesLoseNothing: of two channels one has a template without an end. Both are told, and its delivery says why it looks as it does; the
// previews show the same before and after.
func TestTemplatesLoseNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCore(t, url, nil)
		r := newReceiver(t)
		c.tells(t, r)
		raw, _ := json.Marshal(map[string]any{"endpoint": r.URL, "payload_template": map[string]any{
			"type": "inline", "template": "{\n\"title\": \"{% for a in range(1000) %}" + strings.Repeat("x", 1000) + "{% endfor %}\"}", // too long in a few hundred steps, before it takes too long
		}})
		if _, err := c.channels.Create(t.Context(), tenant, notify.ChannelInput{Name: "endless", Driver: "generic", Config: raw, IsActive: true}); err != nil {
			t.Fatal(err)
		}
		body := am("firing", "DiskFull")
		c.showsEndless(t, notify.PreviewInput{Payload: json.RawMessage(body)})
		c.push(t, body)
		c.rest(t)
		if got := r.titles(); len(got) != 2 || got[0] != got[1] || !strings.Contains(got[0], "DiskFull") {
			t.Errorf("told %q", got)
		}
		var remark string
		if err := c.db.Read(t.Context()).Raw(`SELECT m.remark FROM messages m JOIN channels c ON c.id = m.channel_id WHERE c.name = 'endless'`).
			Scan(&remark).Error; err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(remark, "payload_template failed (line 2: makes more than 262144 bytes of output") {
			t.Errorf("remark %q", remark)
		}
		list, err := c.alerts.Incidents(t.Context(), tenant, alerts.IncidentFilter{}, storage.Paging{})
		if err != nil || len(list.Items) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		c.showsEndless(t, notify.PreviewInput{IncidentID: list.Items[0].ID.String()})
	})
}

func (c *core) showsEndless(t *testing.T, in notify.PreviewInput) {
	t.Helper()
	list, err := c.previews.Previews(t.Context(), tenant, in)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, p := range list {
		seen[p.Channel] = p.Remark
		if p.Error != "" || !strings.Contains(p.Title, "DiskFull") || len(p.Shown) == 0 || !strings.Contains(p.Shown[0].Text, "DiskFull") {
			t.Errorf("%+v", p)
		}
	}
	if len(seen) != 3 || seen["ops"] != "" || !strings.Contains(seen["endless"], "payload_template failed (line 2") {
		t.Errorf("remarks %q", seen)
	}
}
