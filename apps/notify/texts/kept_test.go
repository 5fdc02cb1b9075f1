package texts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
)

// TestKept: built-in templates leave out of a text what a message says beside it, and nothing that only looks like it.
func TestKept(t *testing.T) {
	t.Parallel()
	const facts = "\n\nSeverity: critical\nStatus: open\nWhere: db-1:9100\n\nLinks:\n- Incident: https://hub.example/incidents/1"
	for name, tt := range map[string]struct {
		kind channel.Kind
		text string
		gone []string
	}{
		"facts and links":       {channel.KindFiring, "Disk full" + facts, []string{"Severity: critical", "Status: open", "Links:", "- Incident: https://hub.example/incidents/1"}},
		"no description":        {channel.KindFiring, strings.TrimSpace(facts), []string{"Severity: critical", "Status: open", "Links:", "- Incident: https://hub.example/incidents/1"}},
		"looks like a fact":     {channel.KindFiring, "Severity: the disk is full: 97%\n  Status: bad" + facts, []string{"Severity: critical", "Status: open", "Links:", "- Incident: https://hub.example/incidents/1"}},
		"looks like links":      {channel.KindFiring, "Links:\n  eth0 and eth1 are down" + facts, []string{"Severity: critical", "Status: open", "- Incident: https://hub.example/incidents/1"}},
		"sent by hand":          {channel.KindSent, "Severity: high\nStatus: bad\nSource: me\n\nLinks:\n- https://ci.example/1\n\nAnalysis by me: done\n\nend", nil},
		"sent, ends with links": {channel.KindSent, "Deployed\n\nLinks:\n- https://ci.example/1", nil},
	} {
		for _, driver := range []string{"discord", "mattermost", "slack"} {
			t.Run(name+" "+driver, func(t *testing.T) {
				t.Parallel()
				n := channeltest.Enriched()
				n.Kind, n.Text = tt.kind, tt.text
				if tt.kind == channel.KindSent {
					n.Links = nil
				}
				set, err := texts.New(texts.Options{Driver: driver})
				if err != nil {
					t.Fatal(err)
				}
				made := set.Text(n)
				if made.Remark != "" {
					t.Fatal(made.Remark)
				}
				got := strings.Split(made.Text, "\n")
				for line := range strings.SplitSeq(tt.text, "\n") {
					there, want := slices.Contains(got, line), !slices.Contains(tt.gone, line)
					if line != "" && there != want {
						t.Errorf("%q is there: %v, want %v, in\n%s", line, there, want, made.Text)
					}
				}
			})
		}
	}
}
