package server_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// oneGroup puts all alerts of a name into one incident.
func oneGroup(h hub) {
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/sources/default", obj{"group_by": []string{"alertname"}})
}

// holding is how many alerts silences hold back.
func holding(t *testing.T, h hub) (n int) {
	t.Helper()
	if err := h.Server.DB().Read(t.Context()).Raw(`SELECT count(*) FROM holds`).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTwoSilencesOfOneIncident: each alert is told at the end of its own silence.
func TestTwoSilencesOfOneIncident(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		oneGroup(h)
		first := silence(h, obj{"duration": "1h"}, `instance="web-1"`)
		second := silence(h, obj{"duration": "1h"}, `instance="web-2"`)
		one := servertest.Alert{Name: "Disk", Instance: "web-1", Severity: "warning"}
		two := servertest.Alert{Name: "Disk", Instance: "web-2", Severity: "critical"}
		became(t, h, h.Send(servertest.Push(one)), "suppressed(silenced)")
		became(t, h, h.Send(servertest.Push(two)), "suppressed(silenced)")
		told(t, r)
		expire(h, first)
		hears(t, h, r, "firing")
		if m := r.Last(); len(m.Alerts) != 1 || m.Alerts[0].Labels["instance"] != "web-1" {
			t.Errorf("told of %+v", m.Alerts)
		}
		expire(h, second)
		hears(t, h, r, "firing", "firing") // web-2, the critical one
		if m := r.Last(); len(m.Alerts) != 1 || m.Alerts[0].Labels["instance"] != "web-2" {
			t.Errorf("told of %+v", m.Alerts)
		}
	})
}

// TestManyHeldInOneIncident: what a silence holds stays held, however many alerts the incident has.
func TestManyHeldInOneIncident(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		const many = 1100
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		oneGroup(h)
		id := silence(h, obj{"duration": "1h"}, `alertname="Disk"`)
		alerts := make([]servertest.Alert, many)
		for i := range alerts {
			alerts[i] = servertest.Alert{Name: "Disk", Instance: fmt.Sprintf("web-%04d", i)}
		}
		h.Send(servertest.Push(alerts...))
		h.Rest()
		if n := holding(t, h); n != many {
			t.Fatalf("%d alerts are held, want %d", n, many)
		}
		alerts[0].Status = "resolved"
		h.Send(servertest.Push(alerts[0]))
		testkit.Eventually(t, 2*time.Minute, func() bool { return holding(t, h) < many }, "nobody looked at what is held")
		if n := holding(t, h); n != many-1 {
			t.Errorf("one of %d alerts has ended, and %d are held", many, n)
		}
		// All but the last hundred end.
		for i := range alerts[:1000] {
			alerts[i].Status = "resolved"
		}
		h.Send(servertest.Push(alerts[:1000]...))
		h.Rest()
		expire(h, id)
		hears(t, h, r, "firing")
	})
}

// TestRetoldByASlowPipeline: a run that takes its time tells of the alert whose silence is over, not of others of the incident.
func TestRetoldByASlowPipeline(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		const many = 105 // a message names a hundred
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		oneGroup(h)
		h.Only("slow", servertest.Pipeline(nil, servertest.Ingest("look"),
			obj{"id": "look", "type": "context", "config": obj{"checker_names": []string{"cpu"}}, "next": "tell"}, servertest.Notify("tell", "ops")))
		silence(h, obj{"duration": "1h"}, `instance=~"quiet-.*"`)
		id := silence(h, obj{"duration": "1h"}, `instance="web-1"`)
		alerts := make([]servertest.Alert, many)
		for i := range alerts {
			alerts[i] = servertest.Alert{Name: "Disk", Instance: fmt.Sprintf("quiet-%04d", i)}
		}
		h.Send(servertest.Push(alerts...))
		h.Rest()
		became(t, h, h.Send(servertest.Push(servertest.Alert{Name: "Disk", Instance: "web-1"})), "suppressed(silenced)")
		told(t, r)
		expire(h, id)
		hears(t, h, r, "firing")
		if m := r.Last(); len(m.Alerts) == 0 || m.Alerts[0].Labels["instance"] != "web-1" {
			t.Errorf("told of %+v", m.Alerts)
		}
	})
}
