package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// figure is the value of a metric, with its labels as they are written; "" when there is none.
func figure(h hub, name string) string {
	for line := range strings.Lines(string(h.Ask(http.MethodGet, "/metrics", nil).Body)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// shows waits until a metric has a value: figures are read beside the work.
func shows(t *testing.T, h hub, name, value string) {
	t.Helper()
	testkit.Eventually(t, time.Minute, func() bool { return figure(h, name) == value }, name+" does not become "+value)
}

// TestHeldByTheNext: when one of two silences ends, the other one says what it holds.
func TestHeldByTheNext(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		first := silence(h, obj{"duration": "1h"}, `alertname="Disk"`)
		second := silence(h, obj{"duration": "2h"}, `alertname=~"Disk|Memory"`)
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(silenced)")
		holds := func(id string, want int) {
			t.Helper()
			testkit.Eventually(t, 2*time.Minute, func() bool {
				var s struct{ Holding int }
				h.Get("/api/v1/silences/"+id, &s)
				return s.Holding == want
			}, "it holds another number")
		}
		holds(first, 1)
		holds(second, 0)
		expire(h, first)
		holds(second, 1)
		holds(first, 0)
		told(t, r)
		expire(h, second)
		hears(t, h, r, "firing")
	})
}

// TestToldAtTheEnd: whoever asks why finds that what a silence held back was told in the end, and by which delivery; the figures say how
// much is held.
func TestToldAtTheEnd(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		figures := func(want map[string]string) {
			t.Helper()
			for name, value := range want {
				shows(t, h, name, value)
			}
		}
		id := silence(h, obj{"duration": "1h", "comment": "new disk"}, `alertname="Disk"`)
		silence(h, obj{"kind": "maintenance", "starts_at": time.Now().Add(time.Hour).UTC(), "duration": "1h"}, `alertname="Memory"`)
		push := h.Send(servertest.Fire("Disk"))
		became(t, h, push, "suppressed(silenced)")
		figures(map[string]string{
			`incidenthub_silences{kind="silence",status="active"}`: "1", `incidenthub_silences{kind="maintenance",status="pending"}`: "1",
			`incidenthub_silences{kind="maintenance",status="active"}`: "0", "incidenthub_held_incidents": "1", "incidenthub_held_alerts": "1", "incidenthub_retold_total": "0",
		})
		if figure(h, "incidenthub_held_oldest_seconds") == "0" {
			t.Error("what is held has no age")
		}
		incident, held := h.Incident().ID, h.Deliveries("ops")[0].ID
		says(t, explained(t, h, push.ReceiptID), "Nobody was told: channel ops was held back: a silence covers it: silenced by * until *: new disk; channel inbox was held back: *: new disk")
		expire(h, id)
		hears(t, h, r, "firing")
		figures(map[string]string{
			`incidenthub_silences{kind="silence",status="active"}`: "0", "incidenthub_held_incidents": "0", "incidenthub_held_alerts": "0", "incidenthub_held_oldest_seconds": "0", "incidenthub_retold_total": "1",
		})
		var by string
		for _, d := range h.Deliveries("ops") {
			if d.State == "delivered" {
				by = d.ID
			}
		}
		const later = "*Once that was over, channel ops was told of the firing at *, by delivery "
		atEnd := "Channel ops was told of the firing at *, at the end of what silenced it*"
		for _, about := range []string{push.ReceiptID, alertID(t, h), incident} {
			says(t, explained(t, h, about), atEnd, "channel|ops|held_back|"+later+by, "incident||retold|*", "channel|ops|told|of the firing at *, at the end of what silenced it")
		}
		says(t, explained(t, h, by), atEnd)
		says(t, explained(t, h, held), "Channel ops was held back: *: new disk. Once that was over, channel ops was told of the firing at *, by delivery "+by)
		says(t, explained(t, h, push.RunIDs[0]), "Nobody was told: "+later+by+"*", "ledger|Disk|suppressed(silenced)|"+later+by)
		var lines struct{ Items []ledger.Line }
		h.Get("/api/v1/ledger/lines?receipt="+push.ReceiptID, &lines)
		if len(lines.Items) != 1 || lines.Items[0].Later == nil {
			t.Fatalf("%+v", lines)
		}
		told := map[string]string{}
		for _, c := range lines.Items[0].Later.Channels {
			told[c.Channel+" "+c.State] = c.DeliveryID.String()
		}
		if told["ops delivered"] != by || len(told) != 2 {
			t.Errorf("told %v, want ops by %s", told, by)
		}

		// What is held again, and ends meanwhile, was not told later.
		silence(h, obj{"duration": "1h"}, `alertname="Disk"`)
		worse := h.Send(servertest.Push(servertest.Alert{Name: "Disk", Severity: "warning"}))
		h.Send(servertest.Resolve("Disk"))
		h.Rest()
		if e := explained(t, h, worse.ReceiptID); strings.Contains(e.Verdict, "Once") || strings.Contains(e.Verdict, "at the end of") {
			t.Errorf("told later: %s", e.Verdict)
		}
	})
}
