package server_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestActs: what people do to an incident, and what they cannot.
func TestActs(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		i := h.Incident()
		path := "/api/v1/incidents/" + i.ID + "/"

		if got := h.Act(i.ID, "acknowledge", nil); got.Status != "acknowledged" {
			t.Errorf("acknowledged: %+v", got)
		}
		before := h.Incident().EventSeq
		if got := h.Act(i.ID, "acknowledge", nil); got.EventSeq != before {
			t.Error("acknowledging twice is two events")
		}
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)") // acknowledged is still on
		if got := h.Incident().Status; got != "acknowledged" {
			t.Errorf("a repeat made it %s", got)
		}
		h.Act(i.ID, "notes", obj{"text": "a <b>note</b>\x00\x1b[31m"})
		if status, raw := h.Do(http.MethodPost, path+"notes", obj{"text": "  "}); status != http.StatusUnprocessableEntity {
			t.Errorf("empty note: %d %s", status, raw)
		}
		if got := h.Act(i.ID, "resolve", obj{"summary": "done"}); got.Status != "resolved" || got.Summary != "done" {
			t.Errorf("resolved: %+v", got)
		}
		h.Over()
		h.Act(i.ID, "resolve", nil) // nothing more happens
		if got := h.Act(i.ID, "close", nil); got.Status != "closed" {
			t.Errorf("closed: %+v", got)
		}
		if status, raw := h.Do(http.MethodPost, path+"acknowledge", nil); status != http.StatusConflict {
			t.Errorf("acknowledge what is closed: %d %s", status, raw)
		}
		if got := h.Act(i.ID, "reopen", nil); got.Status != "open" || got.ResolvedAt != nil || got.Summary != "done" {
			t.Errorf("reopened: %+v", got)
		}
		h.Over()
		told(t, r, "firing", "resolved")

		var kinds []string
		var line struct {
			Items []struct{ Kind, Event, Actor string }
		}
		h.Get(path+"timeline", &line)
		for _, e := range line.Items {
			if e.Kind == "incident" {
				kinds = append(kinds, e.Event)
			}
		}
		slices.Reverse(kinds)
		if want := []string{"opened", "acknowledged", "note", "resolved", "closed", "reopened"}; !slices.Equal(kinds, want) {
			t.Errorf("timeline %q, want %q", kinds, want)
		}

		for _, what := range []string{"acknowledge", "resolve", "close", "reopen"} {
			for _, who := range []string{id.New().String(), "nonsense"} {
				if status, raw := h.Do(http.MethodPost, "/api/v1/incidents/"+who+"/"+what, nil); status != http.StatusNotFound {
					t.Errorf("%s %s: %d %s", what, who, status, raw)
				}
			}
		}
		atRest(t, h, nil)
	})
}

// TestReopenBeside: two open incidents for one thing are impossible.
func TestReopenBeside(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		one, two := alert{Name: "Disk", Labels: map[string]string{"disk": "a"}}, alert{Name: "Disk", Labels: map[string]string{"disk": "b"}}
		h.SendTo("generic/?sync=1", servertest.Generic(one))
		h.Rest()
		old := h.Act(h.Incident().ID, "close", nil)
		h.SendTo("generic/?sync=1", servertest.Generic(two)) // a new alert of the group opens a new incident
		h.Rest()
		all := h.Incidents()
		if len(all) != 2 || all[1].Status != "open" {
			t.Fatalf("incidents %+v", all)
		}
		a := h.Ask(http.MethodPost, "/api/v1/incidents/"+old.ID+"/reopen", nil)
		if a.Status != http.StatusConflict || a.JSON()["open_incident_id"] != all[1].ID {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		h.Act(all[1].ID, "resolve", nil)
		if got := h.Act(old.ID, "reopen", nil); got.Status != "open" {
			t.Errorf("%+v", got)
		}
		// The firing repeat of the second alert goes to the one that is open.
		h.SendTo("generic/?sync=1", servertest.Generic(two))
		h.Rest()
		all = h.Incidents()
		if all[0].Status != "open" || all[1].Status != "resolved" || all[0].Firing != 2 {
			t.Errorf("incidents %+v", all)
		}
		one.Status, two.Status = "resolved", "resolved"
		h.SendTo("generic/?sync=1", servertest.Generic(one, two))
		if all = h.Incidents(); all[0].Status != "resolved" || all[0].Firing != 0 {
			t.Errorf("at the end %+v", all)
		}
		atRest(t, h, nil)
	})
}

// TestReprocess: a receipt can be taken in again, as a new one.
func TestReprocess(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		got := h.Send(servertest.Fire("Disk"), "Idempotency-Key", "k")
		h.Rest()
		again := h.Want(http.StatusAccepted, http.MethodPost, "/api/v1/receipts/"+got.ReceiptID+"/reprocess", nil)["receipt_id"].(string)
		h.Rest()
		if again == got.ReceiptID || h.Became(again) != "suppressed(duplicate)" {
			t.Errorf("%s became %s", again, h.Became(again))
		}
		var rec struct {
			Of   *string `json:"reprocess_of"`
			Body string  `json:"body"`
		}
		h.Get("/api/v1/receipts/"+again, &rec)
		if rec.Of == nil || *rec.Of != got.ReceiptID || rec.Body != servertest.Fire("Disk") {
			t.Errorf("%+v", rec)
		}
		bad := h.Ask(http.MethodPost, door, `{"nothing":"known"}`).JSON()["receipt_id"].(string)
		if again := h.Want(http.StatusAccepted, http.MethodPost, "/api/v1/receipts/"+bad+"/reprocess", nil)["receipt_id"].(string); h.Became(again) != "rejected(unusable)" {
			t.Errorf("became %s", h.Became(again))
		}
		told(t, r, "firing")
		atRest(t, h, nil)
	})
}
