package web_test

import (
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// TestDeliveriesSayWhatWentOtherwise: what was not told to all, told by another, or refused with an answer, is on the pages.
func TestDeliveriesSayWhatWentOtherwise(t *testing.T) {
	t.Parallel()
	h := demo(now())
	other := id.New()
	d := &h.told[0]
	d.State, d.Reason, d.Partly, d.IncidentTitle, d.Title, d.Kind = "delivered", "", "not taken for 1 of 2 <b>", "", "", "sent"
	d.Attempts = []notify.AttemptView{{N: 1, Verdict: "done", Error: "not taken", Response: "550 no such user"}}
	h.told[1].State, h.told[1].Reason, h.told[1].InsteadID = "suppressed", "throttled", other
	v := visit(t, serve(t, h)).signIn(ownerToken)
	for path, want := range map[string][]string{
		"/deliveries":                         {"Partly", "A message sent by hand", "not taken for 1 of 2 &lt;b&gt;", "550 no such user", "; told later", `href="/deliveries/` + other.String() + `"`},
		"/deliveries/" + d.ID.String():        {"Partly", "550 no such user", "Not taken for 1 of 2 &lt;b&gt;"},
		"/incidents/" + d.IncidentID.String(): {"Partly"},
	} {
		a := v.get(path)
		for _, s := range want {
			if !strings.Contains(a.text, s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
	}
}

// TestManyChannelsAreOneRow: what is to be said of many channels is said once on the incident's page.
func TestManyChannelsAreOneRow(t *testing.T) {
	t.Parallel()
	h := demo(now())
	about := h.told[0].IncidentID
	for range 21 {
		d := h.told[0]
		d.ID, d.ChannelID, d.ChannelName, d.EventSeq, d.State, d.Reason = id.New(), id.New(), "many", 77, "suppressed", "silenced"
		h.told = append(h.told, d)
	}
	a := visit(t, serve(t, h)).signIn(ownerToken).get("/incidents/" + about.String())
	for _, s := range []string{"21 channels", "many, many, many and 18 more</a> were not told"} {
		if !strings.Contains(a.text, s) {
			t.Errorf("no %q", s)
		}
	}
	if n := strings.Count(a.text, "was not told"); n > 5 {
		t.Errorf("%d lines of their own", n)
	}
}
