package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// looksAtHolds waits until the hub has looked at what silences hold: it takes away what is held of an alert that has ended.
func looksAtHolds(t *testing.T, h hub) {
	t.Helper()
	n := holding(t, h)
	id := silence(h, obj{"duration": "1h"}, `alertname="Mark"`)
	h.Send(servertest.Fire("Mark"))
	h.Rest()
	h.Send(servertest.Resolve("Mark"))
	h.Rest()
	expire(h, id)
	testkit.Eventually(t, time.Minute, func() bool { return holding(t, h) <= n }, "nobody looks at what is held")
}

// TestOpenedAgainWhileSilenced: somebody ends, or takes, an incident that nobody was told of, and opens it again before the silence is over:
// the end tells it. Without that it tells nobody, and nothing stays held.
func TestOpenedAgainWhileSilenced(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		acts []string
		want []string
	}{
		"resolved":                    {[]string{"resolve"}, nil},
		"resolved and opened again":   {[]string{"resolve", "reopen"}, []string{"firing"}},
		"taken, closed, opened again": {[]string{"acknowledge", "close", "reopen"}, []string{"firing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(t, nil, func(t *testing.T, h hub) {
				r := servertest.NewReceiver(t)
				h.Tell("ops", r)
				id := silence(h, obj{"duration": "1h"}, `alertname="Disk"`)
				became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(silenced)")
				incident := h.Incident().ID
				for _, act := range tt.acts {
					open := h.Act(incident, act, nil).Status == "open"
					looksAtHolds(t, h)
					var s struct{ Holding int }
					h.Get("/api/v1/silences/"+id, &s)
					want := map[bool]string{true: "1", false: "0"}[open]
					if got := figure(h, "incidenthub_held_incidents"); got != want || (s.Holding == 1) != open {
						t.Errorf("after %s %s are held, %d by the silence, want %s", act, got, s.Holding, want)
					}
				}
				told(t, r)
				expire(h, id)
				hears(t, h, r, tt.want...)
				testkit.Eventually(t, time.Minute, func() bool { return holding(t, h) == 0 }, "something stays held")
				if tt.want != nil {
					became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)")
					h.Send(servertest.Resolve("Disk"))
					hears(t, h, r, append(tt.want, "resolved")...)
				}
				atRest(t, h, nil)
			})
		})
	}
}

// TestToldAndOpenedAgainWhileSilenced: who was told before the silence is not told at its end because somebody opened it again meanwhile.
func TestToldAndOpenedAgainWhileSilenced(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		id := silence(h, obj{"duration": "1h"}, `alertname="Disk"`)
		h.Send(servertest.Fire("Disk"))
		h.Act(h.Incident().ID, "resolve", nil)
		h.Act(h.Incident().ID, "reopen", nil)
		h.Want(http.StatusNoContent, http.MethodDelete, "/api/v1/silences/"+id, nil)
		hears(t, h, r, "firing", "resolved")
		atRest(t, h, nil)
	})
}
