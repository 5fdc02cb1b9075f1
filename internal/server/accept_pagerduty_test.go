package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestPagerDuty: an incident of the hub is one alert of PagerDuty from its beginning to its end, whatever fails on the way.
func TestPagerDuty(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		const key = "0123456789abcdef0123456789abcdef"
		pd := channeltest.NewPagerDuty(key)
		r := channeltest.Receive(t, channeltest.Answer(http.StatusServiceUnavailable, ""), pd.Step, channeltest.Reset(), pd.Step)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{
			"name": "pager", "driver": "pagerduty", "config": servertest.Map{"integration_key": key, "base_url": r.URL},
		})
		with := func(severity, status string) string {
			return servertest.Push(alert{Name: "Disk", Severity: severity, Status: status})
		}
		became(t, h, h.Send(with("warning", "firing")), "delivered")
		became(t, h, h.Send(with("critical", "firing")), "delivered")
		i := h.Incident()
		h.Act(i.ID, "acknowledge", servertest.Map{})
		h.Over("pager")
		if got := pd.Alerts(); len(got) != 1 || got[0].State != channeltest.PagerDutyAcknowledged {
			t.Errorf("acknowledged: %+v", got)
		}
		became(t, h, h.Send(with("-", "resolved")), "delivered")
		got := pd.Alerts()
		if len(got) != 1 {
			t.Fatalf("%d alerts: %+v", len(got), got)
		}
		p, _ := got[0].Last["payload"].(map[string]any)
		if p["severity"] != "critical" {
			t.Errorf("raised to %v", p["severity"])
		}
		got[0].Last = nil
		want := channeltest.PagerDutyAlert{
			DedupKey: "incidenthub:" + i.ID, State: channeltest.PagerDutyResolved, Notified: 1, Actions: []string{"trigger", "trigger", "acknowledge", "resolve"},
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("alert (-want +got):\n%s", diff)
		}
	})
}

// TestTeams: a card that may be there already says so in its repeat; the end is told to who heard of the beginning, in its colour.
func TestTeams(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		ms := channeltest.NewTeams("canary-signature")
		r := channeltest.Receive(t, channeltest.Reset(), ms.Step)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{
			"name": "room", "driver": "teams", "config": servertest.Map{"webhook_url": r.URL + ms.Path()},
		})
		if status, raw := h.Do(http.MethodGet, "/api/v1/channels", nil); status != http.StatusOK || strings.Contains(string(raw), "canary") {
			t.Errorf("the address is shown: %s", raw)
		}
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		h.Act(h.Incident().ID, "acknowledge", servertest.Map{}) // is not told: the channel did not ask for it
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		var styles []string
		for _, card := range ms.Cards() {
			styles = append(styles, card.Style)
		}
		if diff := cmp.Diff([]string{"attention", "good"}, styles); diff != "" {
			t.Fatalf("colours (-want +got):\n%s%+v", diff, ms.Cards())
		}
		for n, mark := range []bool{true, false} {
			if text := ms.Cards()[n].Text; strings.Contains(text, "(may repeat)") != mark || !strings.Contains(text, "Disk") {
				t.Errorf("card %d: %q", n, text)
			}
		}
	})
}
