package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestManyHoldsOfOne: an incident of more alerts than are looked at at once; the few that are let go are told, the rest goes on waiting.
func TestManyHoldsOfOne(t *testing.T) {
	t.Parallel()
	const many, few = 1400, 100
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/sources/default", obj{"group_by": []string{"alertname"}})
		most := silence(h, obj{"duration": "1h"}, `part="most"`)
		rest := silence(h, obj{"duration": "1h"}, `part="rest"`)
		alerts := make([]servertest.Alert, many)
		for n := range 6 {
			for i := range alerts {
				part := "most"
				if i >= many-few {
					part = "rest"
				}
				alerts[i] = servertest.Alert{Name: "Job", Instance: fmt.Sprintf("i%04d", i), Severity: []string{"warning", "critical"}[n%2], Labels: map[string]string{"part": part}}
			}
			h.Send(servertest.Push(alerts...))
			h.Rest()
		}
		told(t, r)
		expire(h, rest)
		hears(t, h, r, "firing")
		shows(t, h, "incidenthub_held_alerts", strconv.Itoa(many-few))
		expire(h, most)
		hears(t, h, r, "firing", "firing")
		shows(t, h, "incidenthub_held_alerts", "0")
		if l := h.Rest(); !l.Balanced {
			t.Errorf("not balanced: %s", l.Problem)
		}
	})
}
