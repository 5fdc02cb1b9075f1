package e2e

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// checksAtOnce: whoever has the same trouble checked at the same time, callers and pipelines, it is one alert and one incident, and it ends
// once.
func checksAtOnce(t *testing.T, begin func(setup) hub) {
	m := &machine{}
	h := begin(setup{Probe: m})
	r := servertest.NewReceiver(t)
	h.Tell("ops", r)
	h.Only("hosts", pipeline(obj{"on": "check"}, ingest("n"), notify("n", "ops")),
		"tools", pipeline(obj{}, ingest("look"), obj{"id": "look", "type": "context", "config": obj{"checker_names": []string{"memory"}, "create_alerts": true}}))
	const n = 50
	together := func(percent int64, round string) {
		t.Helper()
		m.percent.Store(percent)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				path, want := "/api/v1/checks/run", http.StatusOK
				var body any = obj{"checkers": []any{"memory"}, "create_alerts": true}
				if i%5 == 0 {
					path, want, body = "/alerts/webhook/", http.StatusAccepted, servertest.Fire("Tool "+round+strconv.Itoa(i))
				}
				if a, err := h.Try(http.MethodPost, path, body); err != nil || a.Status != want {
					t.Errorf("%s: %d %v %s", path, a.Status, err, a.Body)
				}
			})
		}
		all.Wait()
		h.Rest()
	}
	type alert struct {
		ID, Name, Status string
	}
	checks := func() []alert {
		t.Helper()
		var list struct{ Items []alert }
		h.Get("/api/v1/alerts?source=server-checkers", &list)
		return list.Items
	}
	together(95, "a")
	list := checks()
	if len(list) != 1 || list[0].Status != "firing" {
		t.Fatalf("%d alerts: %+v", len(list), list)
	}
	together(20, "b")
	if list = checks(); len(list) != 1 || list[0].Status != "resolved" {
		t.Fatalf("after its end %d alerts: %+v", len(list), list)
	}
	incidents := 0
	for _, i := range h.Incidents() {
		if i.Title == list[0].Name {
			incidents++
		}
	}
	if incidents != 1 {
		t.Errorf("%d incidents", incidents)
	}
	var past struct {
		History []struct {
			Event string `json:"event"`
		} `json:"history"`
	}
	h.Get("/api/v1/alerts/"+list[0].ID, &past)
	events := map[string]int{}
	for _, e := range past.History {
		events[e.Event]++
	}
	if events["created"] != 1 || events["resolved"] != 1 || events["refired"] != 0 {
		t.Errorf("history %v", events)
	}
	told := map[string]int{}
	for _, m := range r.All() {
		told[m.Event]++
	}
	if told["firing"] != 1 || told["resolved"] != 1 {
		t.Errorf("told %v", told)
	}
}
