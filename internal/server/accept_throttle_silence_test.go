package server_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// namedAlerts are the instances that the firing messages of an incident name, in order.
func namedAlerts(r *servertest.Receiver, incident string) [][]string {
	out := [][]string{}
	for _, m := range r.All() {
		if m.Event != "firing" || m.IncidentID != incident {
			continue
		}
		var names []string
		for _, a := range m.Alerts {
			names = append(names, a.Labels["instance"])
		}
		slices.Sort(names)
		out = append(out, names)
	}
	return out
}

// TestThrottledInPart: of an incident that is silenced in part a channel hears each alert once: what its throttle held back when there is
// room, what a silence holds at its end.
func TestThrottledInPart(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r, free := servertest.NewReceiver(t), servertest.NewReceiver(t)
		h.Tell("ops", r, "throttle", obj{"messages": 1, "per": "1d"})
		h.Tell("free", free)
		oneGroup(h)
		id := silence(h, obj{"duration": "1h"}, `instance="web-2"`)
		h.Send(servertest.Fire("Filler"))
		h.Rest()
		h.Send(servertest.Push(servertest.Alert{Name: "Disk", Instance: "web-1"}))
		became(t, h, h.Send(servertest.Push(servertest.Alert{Name: "Disk", Instance: "web-2"})), "suppressed(silenced)")
		incident := ""
		for _, i := range h.Incidents() {
			if i.Title == "Disk" {
				incident = i.ID
			}
		}
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/channels/ops", obj{"throttle": obj{"messages": 5, "per": "1d"}})
		testkit.Eventually(t, 2*time.Minute, func() bool { return len(namedAlerts(r, incident)) == 1 }, "it is not told when there is room")
		h.Over()
		expire(h, id)
		hears(t, h, free, "firing", "firing", "firing")
		want := [][]string{{"web-1"}, {"web-2"}}
		for name, got := range map[string][][]string{"ops": namedAlerts(r, incident), "free": namedAlerts(free, incident)} {
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s was told of %v, want %v", name, got, want)
			}
		}
		atRest(t, h, nil)
	})
}
