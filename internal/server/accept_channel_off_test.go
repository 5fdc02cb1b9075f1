package server_test

import (
	"net/http"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// work counts how often the only incident was told again, and the deliveries that there are.
func work(h hub) int {
	n := len(h.Deliveries("ops")) + len(h.Deliveries("inbox"))
	var timeline struct{ Items []struct{ Event string } }
	h.Get("/api/v1/incidents/"+h.Incident().ID+"/timeline", &timeline)
	for _, e := range timeline.Items {
		if e.Event == "retold" {
			n++
		}
	}
	return n
}

// TestChannelIsOff: a repeat makes no work for channels that are switched off. Once one is on, the next repeat tells it, once.
func TestChannelIsOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		off, on func(endpoint string) obj // changes of the channel
		all     bool                      // the pipeline tells everybody, the inbox too
		first   string                    // what becomes of the first push
	}{
		"disabled": {
			off:   func(u string) obj { return obj{"config": obj{"endpoint": u, "disabled": true}} },
			on:    func(u string) obj { return obj{"config": obj{"endpoint": u, "disabled": false}} },
			first: "suppressed(channel_off)",
		},
		"disabled beside the inbox": {
			off:   func(u string) obj { return obj{"config": obj{"endpoint": u, "disabled": true}} },
			on:    func(u string) obj { return obj{"config": obj{"endpoint": u, "disabled": false}} },
			all:   true,
			first: "suppressed(channel_off)",
		},
		"not active": {
			off:   func(string) obj { return obj{"is_active": false} },
			on:    func(string) obj { return obj{"is_active": true} },
			first: "dead(run_failed)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(t, nil, func(t *testing.T, h hub) {
				r := servertest.NewReceiver(t)
				h.Tell("ops", r)
				whom := "ops"
				if tt.all {
					whom = "*"
				}
				h.Only("page", servertest.Pipeline(obj{}, servertest.Ingest("tell"), servertest.Notify("tell", whom)))
				h.Want(http.StatusOK, http.MethodPatch, "/api/v1/channels/ops", tt.off(r.URL))
				became(t, h, h.Send(servertest.Fire("Disk")), tt.first)
				was := work(h)
				for range 3 {
					became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(channel_off)")
				}
				if got := work(h); got != was {
					t.Errorf("repeats made %d events and deliveries", got-was)
				}
				told(t, r)
				h.Want(http.StatusOK, http.MethodPatch, "/api/v1/channels/ops", tt.on(r.URL))
				became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
				became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)")
				told(t, r, "firing")
				became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
				told(t, r, "firing", "resolved")
				atRest(t, h, nil)
			})
		})
	}
}

// TestChannelIsOffAndAnotherIsMade: nobody was told, so whom a pipeline tells by now is.
func TestChannelIsOffAndAnotherIsMade(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r, other := servertest.NewReceiver(t), servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/channels/ops", obj{"config": obj{"endpoint": r.URL, "disabled": true}})
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(channel_off)")
		h.Tell("other", other)
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		told(t, other, "firing")
		told(t, r)
		atRest(t, h, nil)
	})
}
