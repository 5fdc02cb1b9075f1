package server_test

import (
	"net/http"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestResolvedByHand: whoever was told hears of it, and what fires on afterwards is a refire.
func TestResolvedByHand(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"resolve", "close"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			engines(t, nil, func(t *testing.T, h hub) {
				r, other := servertest.NewReceiver(t), servertest.NewReceiver(t)
				h.Tell("ops", r)
				h.Send(servertest.Fire("Disk"))
				h.Rest()
				h.Tell("later", other) // was not there when it fired
				i := h.Incident()
				var body any
				if how == "resolve" {
					body = obj{"summary": "cleaned up"}
				}
				i = h.Act(i.ID, how, body)
				h.Over()
				told(t, r, "firing", "resolved")
				told(t, other)
				if want := map[string]string{"resolve": "resolved", "close": "closed"}[how]; i.Status != want {
					t.Errorf("%s made it %s", how, i.Status)
				}
				if how == "resolve" && i.Summary != "cleaned up" {
					t.Errorf("summary %q", i.Summary)
				}
				// The alert never ended. Its repeat is no duplicate: it is on again.
				became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
				told(t, r, "firing", "resolved", "firing")
				if again := h.Incident(); again.ID != i.ID || again.Status != "open" {
					t.Errorf("after the repeat: %+v", again)
				}
				told(t, other, "firing")
				became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
				told(t, r, "firing", "resolved", "firing", "resolved")
				told(t, other, "firing", "resolved")
				if again := h.Incident(); again.Status != "resolved" || again.Firing != 0 {
					t.Errorf("at the end: %+v", again)
				}
				atRest(t, h, nil)
			})
		})
	}
}

// TestRefireAfterBothEnds: the alert has ended and a person closed the incident.
func TestRefireAfterBothEnds(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		h.Send(servertest.Resolve("Disk"))
		h.Rest()
		i := h.Act(h.Incident().ID, "close", nil)
		told(t, r, "firing", "resolved") // closing what is resolved tells nobody again
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		if again := h.Incident(); again.ID != i.ID || again.Status != "open" {
			t.Errorf("%+v", again)
		}
		told(t, r, "firing", "resolved", "firing")
		atRest(t, h, map[string]int64{"delivered": 3})
	})
}

func pagerduty(kind, id, event string) string {
	data := `"id":"` + id + `","type":"incident","title":"Disk full","urgency":"high","number":7,"service":{"id":"S1","summary":"db"}`
	if kind == "annotated" {
		data = `"id":"N1","type":"incident_note","content":"looking","incident":{"id":"` + id + `","type":"incident_reference","summary":"Disk full"}`
	}
	return `{"event":{"id":"` + event + `","event_type":"incident.` + kind + `","resource_type":"incident","occurred_at":"2026-11-20T10:00:00Z",
		"data":{` + data + `}}}`
}

func opsgenie(action, id string) string {
	return `{"action":"` + action + `","alert":{"alertId":"` + id + `","tinyId":"7","message":"Disk full","priority":"P1","note":"looking"},
		"integrationId":"1","integrationName":"hub"}`
}

// TestNotesNeverRefire: what only speaks about an alert does not bring it back.
func TestNotesNeverRefire(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ fire, note, end string }{
		"pagerduty acknowledged": {pagerduty("triggered", "P1", "e1"), pagerduty("acknowledged", "P1", "e2"), pagerduty("resolved", "P1", "e3")},
		"pagerduty annotated":    {pagerduty("triggered", "P1", "e1"), pagerduty("annotated", "P1", "e2"), pagerduty("resolved", "P1", "e3")},
		"opsgenie note":          {opsgenie("Create", "O1"), opsgenie("AddNote", "O1"), opsgenie("Close", "O1")},
		"opsgenie acknowledge":   {opsgenie("Create", "O1"), opsgenie("Acknowledge", "O1"), opsgenie("Close", "O1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := servertest.Start(t, nil)
			r := servertest.NewReceiver(t)
			h.Tell("ops", r)
			anew := func(body string) string { return body[:len(body)-1] + `,"x":"` + t.Name() + `"}` }
			h.Send(tt.fire)
			h.Rest()
			told(t, r, "firing")
			h.Send(anew(tt.note))
			h.Rest()
			told(t, r, "firing")
			// A person ends the incident while the alert is on.
			h.Act(h.Incident().ID, "resolve", nil)
			r.Waits(2)
			h.Send(tt.note, "Idempotency-Key", "again 1")
			h.Rest()
			if i := h.Incident(); i.Status != "resolved" {
				t.Errorf("a note made the incident %s", i.Status)
			}
			// The alert itself ends.
			h.Send(tt.end)
			h.Send(tt.note, "Idempotency-Key", "again 2")
			h.Rest()
			if i := h.Incident(); i.Status != "resolved" || i.Firing != 0 {
				t.Errorf("a note brought it back: %+v", i)
			}
			told(t, r, "firing", "resolved")
			became(t, h, h.Send(tt.fire, "Idempotency-Key", "again 3"), "delivered") // a real one does
			told(t, r, "firing", "resolved", "firing")
			atRest(t, h, nil)
		})
	}
}

// TestDeadIsRetold: nobody heard of it, so a repeat that changes nothing is told after all.
func TestDeadIsRetold(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t).Says(http.StatusNotFound)
		h.Tell("ops", r)
		first := h.Send(servertest.Fire("Disk"))
		became(t, h, first, "dead(http_404)")
		r.Says(http.StatusOK)
		again := h.Send(servertest.Fire("Disk"))
		became(t, h, again, "delivered")
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)")
		told(t, r, "firing")
		all := r.All()
		if len(all) != 2 || all[0].Key == all[1].Key {
			t.Errorf("the second try is a new message: %+v", all)
		}
		if h.Runs("receipt=" + again.ReceiptID)[0].EventKind != "retold" {
			t.Errorf("the event is %+v", h.Runs("receipt=" + again.ReceiptID)[0])
		}
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		told(t, r, "firing", "resolved")
		atRest(t, h, map[string]int64{"delivered": 2, "dead": 1, "suppressed": 1, "(http_404)": 1, "(duplicate)": 1})
	})
}

// TestResolveFirstSeen: an end without a beginning is kept, and nobody is bothered.
func TestResolveFirstSeen(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		got := h.Send(servertest.Resolve("Disk"))
		became(t, h, got, "suppressed(nobody_was_told)")
		if got.AlertsCreated != 1 || len(h.Incidents()) != 0 {
			t.Errorf("resolved when first seen: %+v, %d incidents", got, len(h.Incidents()))
		}
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		told(t, r, "firing")
		atRest(t, h, nil)
	})
}
