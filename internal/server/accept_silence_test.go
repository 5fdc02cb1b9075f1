package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// silence makes one and returns its id.
func silence(h hub, fields obj, matchers ...string) string {
	in := obj{"matchers": matchers}
	maps.Copy(in, fields)
	id, _ := h.Want(http.StatusCreated, http.MethodPost, "/api/v1/silences", in)["id"].(string)
	return id
}

func expire(h hub, id string) {
	h.Want(http.StatusNoContent, http.MethodDelete, "/api/v1/silences/"+id, nil)
}

// hears waits until a receiver was told this, and a moment longer: nothing more may come.
func hears(t *testing.T, h hub, r *servertest.Receiver, want ...string) {
	t.Helper()
	testkit.Eventually(t, 2*time.Minute, func() bool { return len(r.Told()) >= len(want) }, "the message did not come")
	h.Rest()
	time.Sleep(1500 * time.Millisecond)
	h.Over() // also what is written down of it
	told(t, r, want...)
}

func status(h hub, id string) string {
	var s struct{ Status string }
	h.Get("/api/v1/silences/"+id, &s)
	return s.Status
}

// TestSilenceEndsByTime: what it held back is told once, whoever pushes at the moment at which it ends.
func TestSilenceEndsByTime(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		id := silence(h, obj{"duration": "1h", "comment": "new disk"}, `alertname="Disk"`)
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(silenced)")
		told(t, r)
		if i := h.Incident(); i.Status != "open" || i.Firing != 1 {
			t.Errorf("the incident is there all the same: %+v", i)
		}
		d := h.Deliveries("ops")
		if len(d) != 1 || d[0].State != "suppressed" || d[0].Reason != "silenced" {
			t.Errorf("deliveries %+v", d)
		}
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/silences/"+id, obj{"duration": 2}) // from now on: nothing has to be over before
		testkit.Eventually(t, time.Minute, func() bool {
			h.Send(servertest.Fire("Disk"))
			return status(h, id) == "expired"
		}, "it does not end")
		for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
			h.Send(servertest.Fire("Disk"))
		}
		hears(t, h, r, "firing")
		if got := status(h, id); got != "expired" {
			t.Errorf("the silence is %s", got)
		}
		h.Send(servertest.Resolve("Disk"))
		hears(t, h, r, "firing", "resolved")
		if l := h.Rest(); !l.Balanced {
			t.Errorf("not balanced: %s", l.Problem)
		}
	})
}

// TestSilenceOfWhatWasTold: its end passes the silence, and what happened meanwhile is told once the silence is over.
func TestSilenceOfWhatWasTold(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Send(servertest.Push(servertest.Alert{Name: "Disk", Severity: "warning"}))
		hears(t, h, r, "firing")
		id := silence(h, obj{"until_resolved": true}, `alertname="Disk"`)
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(silenced)") // it is worse now
		told(t, r, "firing")
		expire(h, id)
		hears(t, h, r, "firing", "firing")
		if m := r.Last(); m.Severity != "critical" {
			t.Errorf("told as %s", m.Severity)
		}
		silence(h, obj{"duration": "1h"}, `alertname="Disk"`)
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		hears(t, h, r, "firing", "firing", "resolved")
	})
}

// TestSilenceOfWhatIsOver: nobody hears of it, neither at its end nor at the silence's. The same goes for what somebody took.
func TestSilenceOfWhatIsOver(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		id := silence(h, obj{"duration": "1h"}, `alertname=~"Disk|Memory"`)
		h.Send(servertest.Push(servertest.Alert{Name: "Disk"}, servertest.Alert{Name: "Memory"}))
		h.Rest()
		for _, i := range h.Incidents() {
			if i.Title == "Memory" {
				h.Act(i.ID, "acknowledge", nil)
			}
		}
		became(t, h, h.Send(servertest.Resolve("Disk")), "suppressed(nobody_was_told)")
		expire(h, id)
		hears(t, h, r)
		var list struct{ Items []struct{ Holding int } }
		h.Get("/api/v1/silences", &list)
		if len(list.Items) != 1 || list.Items[0].Holding != 0 {
			t.Errorf("%+v", list)
		}
	})
}

// TestSilencedInPart: the message goes out if one firing alert of it is not silenced; what was held back alone waits for the end of its
// own silence, whatever else of the incident fires.
func TestSilencedInPart(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/sources/default", obj{"group_by": []string{"alertname"}})
		id := silence(h, obj{"duration": "1h"}, `instance=~"web-[23]"`)
		h.Send(servertest.Push(servertest.Alert{Name: "Disk", Instance: "web-1"}, servertest.Alert{Name: "Disk", Instance: "web-2"}))
		hears(t, h, r, "firing")
		became(t, h, h.Send(servertest.Push(servertest.Alert{Name: "Disk", Instance: "web-3"})), "suppressed(silenced)")
		time.Sleep(6 * time.Second)
		told(t, r, "firing")
		expire(h, id)
		hears(t, h, r, "firing", "firing")
		m := r.Last()
		if len(m.Alerts) != 1 || h.Incident().Firing != 3 {
			t.Errorf("told of %+v", m.Alerts)
		}
		h.Send(servertest.Push(servertest.Alert{Name: "Disk", Instance: "web-1", Status: "resolved"}, servertest.Alert{Name: "Disk", Instance: "web-2", Status: "resolved"}, servertest.Alert{Name: "Disk", Instance: "web-3", Status: "resolved"}))
		hears(t, h, r, "firing", "firing", "resolved")
	})
}

// TestMaintenanceWindow: it recurs, and its reason has a word of its own.
func TestMaintenanceWindow(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		window := func(began time.Duration, lasts string) obj {
			return obj{"starts_at": time.Now().Add(-began).UTC(), "recurrence": obj{"rrule": "FREQ=DAILY", "duration": lasts, "timezone": "Europe/Berlin"}}
		}
		in := window(time.Second, "1h")
		in["kind"] = "maintenance"
		id := silence(h, in, `alertname="Disk"`)
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(maintenance)")
		told(t, r)
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/silences/"+id, window(58*time.Second, "1m")) // it is over in a moment
		hears(t, h, r, "firing")
		if got := status(h, id); got != "pending" {
			t.Errorf("between its windows it is %s", got)
		}
	})
}

// TestSilenceOutlivesRestart: a hub that was down when the silence ended tells at its start.
func TestSilenceOutlivesRestart(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			env := map[string]string{"HUB_DATA_DIR": dir, "HUB_DATABASE_URL": "sqlite:" + filepath.Join(dir, "hub.db")}
			if engine == "postgres" {
				env["HUB_DATABASE_URL"] = servertest.Postgres(t)
			}
			h := servertest.Start(t, env)
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			ends := silence(h, obj{"duration": "1h"}, `alertname="Disk"`)
			silence(h, obj{"duration": "1h"}, `alertname="Memory"`)
			became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(silenced)")
			became(t, h, h.Send(servertest.Fire("Memory")), "suppressed(silenced)")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := h.Server.Stop(ctx); err != nil {
				t.Fatal(err)
			}
			letEnd(t, env["HUB_DATABASE_URL"], ends)
			told(t, r)
			h = servertest.Start(t, env)
			hears(t, h, r, "firing")
			became(t, h, h.Send(servertest.Fire("Memory")), "suppressed(silenced)")
			told(t, r, "firing")
		})
	}
}

// letEnd lets a silence be over in the database of a hub that is down.
func letEnd(t *testing.T, url, silence string) {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Config{URL: url, Log: slog.New(slog.DiscardHandler), Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	which, err := id.Parse(silence)
	if err == nil {
		done := db.From(t.Context()).Exec(`UPDATE silences SET ends_at = ? WHERE id = ?`, db.Now(), which)
		if err = done.Error; err == nil && done.RowsAffected != 1 {
			err = storage.ErrNotFound
		}
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestManyHolds: hundreds of incidents, several processes, pushes while the silence is taken away; each is told once.
func TestManyHolds(t *testing.T) {
	t.Parallel()
	const many = 400
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"HUB_SECRET_KEY": strings.Repeat("ab", 32)}
			if engine == "postgres" {
				env["HUB_DATABASE_URL"] = servertest.Postgres(t)
			}
			hubs := []hub{servertest.Start(t, env)}
			if engine == "postgres" {
				hubs = append(hubs, servertest.Start(t, env), servertest.Start(t, env))
			}
			h := hubs[0]
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			id := silence(h, obj{"duration": "1h"}, `job="batch"`)
			alerts := make([]servertest.Alert, many)
			for i := range alerts {
				alerts[i] = servertest.Alert{Name: fmt.Sprintf("Job%03d", i), Labels: map[string]string{"job": "batch"}}
			}
			h.Send(servertest.Push(alerts...))
			h.Rest()
			told(t, r)
			done := make(chan struct{})
			for n, other := range hubs {
				go func() {
					for i := range 30 {
						at := (i*37 + n*11) % (many - 10)
						if _, err := other.Try(http.MethodPost, "/alerts/webhook/?sync=1", servertest.Push(alerts[at:at+10]...)); err != nil {
							t.Error(err)
						}
					}
					done <- struct{}{}
				}()
			}
			expire(hubs[len(hubs)-1], id)
			for range hubs {
				<-done
			}
			testkit.Eventually(t, 3*time.Minute, func() bool { return len(r.Told()) >= many }, "not all were told")
			h.Rest()
			time.Sleep(6 * time.Second)
			times := map[string]int{}
			for _, m := range r.All() {
				times[m.IncidentID]++
			}
			twice := slices.DeleteFunc(r.All(), func(m servertest.Message) bool { return times[m.IncidentID] == 1 })
			if len(times) != many || len(twice) > 0 {
				t.Errorf("%d incidents were told, %d messages were too many", len(times), len(twice))
			}
			if l := h.Rest(); !l.Balanced {
				t.Errorf("not balanced: %s", l.Problem)
			}
		})
	}
}

// TestSilencePreview: what matches now, and what was told.
func TestSilencePreview(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Send(servertest.Push(servertest.Alert{Name: "Disk", Instance: "web-1"}, servertest.Alert{Name: "Memory", Instance: "web-2"}))
		r.Waits(2)
		h.Rest()
		got := h.Want(http.StatusOK, http.MethodPost, "/api/v1/silences/preview", obj{"matchers": []string{`instance="web-1"`}})
		now, past := got["now"].(obj), got["last_7_days"].(obj)
		if now["alerts"] != 1.0 || now["incidents"] != 1.0 || past["messages"] != 2.0 || past["looked_at"] != 4.0 || past["incidents"] != 1.0 || past["bounded"] != false {
			t.Errorf("now %v, past %v", now, past) // by ops and by the inbox
		}
	})
}
