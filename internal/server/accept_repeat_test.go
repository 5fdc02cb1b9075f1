package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestDeliveryKeys: a sender's own id of a delivery makes a repeat of it harmless, and nothing else does.
func TestDeliveryKeys(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only(
			"first", pipeline(obj{"priority": 10, "continue": true}, ingest("n"), notify("n", "ops")),
			"second", pipeline(obj{"priority": 20}, ingest("n"), notify("n", "ops")),
		)
		long := strings.Repeat("k", 300)
		three := servertest.Push(alert{Name: "A"}, alert{Name: "B"}, alert{Name: "C"})
		for name, tt := range map[string]struct {
			path, body string
			headers    []string
		}{
			"Idempotency-Key":    {"", three, []string{"Idempotency-Key", "k1"}},
			"X-Webhook-Id":       {"alertmanager", three, []string{"X-Webhook-Id", "k2"}},
			"both":               {"", three, []string{"X-Webhook-Id", "k2", "Idempotency-Key", "k3"}},
			"PagerDuty event.id": {"", pagerduty("triggered", "P1", "event-1"), nil},
			"long":               {"", three, []string{"Idempotency-Key", long + "a"}},
			"long, other end":    {"", three, []string{"Idempotency-Key", long + "b"}},
			"ping":               {"", `{"event":{"id":"ping-1","event_type":"pagey.ping","resource_type":"pagey","data":{"type":"ping"}}}`, nil},
		} {
			first := h.SendTo(tt.path, tt.body, tt.headers...)
			if first.Duplicate {
				t.Errorf("%s: the first one is called a repeat", name)
			}
			h.Rest() // the fold gives the further incidents runs of their own, which the answer does not list
			for range 2 {
				again := h.SendTo(tt.path, tt.body, tt.headers...)
				want := first
				want.Duplicate = true
				if diff := cmp.Diff(want, again); diff != "" {
					t.Errorf("%s: repeat (-want +got):\n%s", name, diff)
				}
			}
		}
		receipts := count(t, h, "receipts")
		if receipts != 7 {
			t.Errorf("%d receipts for 7 deliveries", receipts)
		}
		// An unusable body with a key is kept once, too.
		one := h.Ask(http.MethodPost, door, `{"hello":1}`, "Idempotency-Key", "bad").JSON()
		two := h.Ask(http.MethodPost, door, `{"hello":1}`, "Idempotency-Key", "bad").JSON()
		if one["receipt_id"] != two["receipt_id"] || one["duplicate"] != false || two["duplicate"] != true {
			t.Errorf("unusable: %v, %v", one, two)
		}
		// Keys of one entry mean nothing to another; without a key nothing is a repeat.
		_, key := newSource(t, h, "east", nil)
		if a := h.SendTo("", three, "Idempotency-Key", "k1", "Authorization", "Bearer "+key); a.Duplicate {
			t.Error("a key of another entry counts")
		}
		if a, b := h.SendTo("", three), h.SendTo("", three); a.Duplicate || b.Duplicate || a.ReceiptID == b.ReceiptID {
			t.Error("without a key the same body is a repeat")
		}
		// ?sync=1 on a repeat tells what the first one did.
		a := h.Send(servertest.Fire("Sync"), "Idempotency-Key", "s")
		b := h.Send(servertest.Fire("Sync"), "Idempotency-Key", "s")
		if !b.Duplicate || b.AlertsCreated != 1 || a.ReceiptID != b.ReceiptID {
			t.Errorf("%+v, %+v", a, b)
		}
		atRest(t, h, nil)
	})
}

// together runs fn n times at once.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; fn(i) })
	}
	close(start)
	wg.Wait()
}

// TestSameKeyAtOnce: 32 senders of one delivery.
func TestSameKeyAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		answers := make([]servertest.Answer, 32)
		together(32, func(i int) {
			a, err := h.Try(http.MethodPost, door, servertest.Fire("Disk"), "Idempotency-Key", "one")
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
		firsts := 0
		for _, a := range answers {
			b := a.JSON()
			if a.Status != http.StatusAccepted || b["receipt_id"] != answers[0].JSON()["receipt_id"] || b["run_id"] == nil || b["run_id"] != answers[0].JSON()["run_id"] {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			if b["duplicate"] == false {
				firsts++
			}
		}
		if firsts != 1 || count(t, h, "receipts") != 1 {
			t.Errorf("%d firsts, %d receipts", firsts, count(t, h, "receipts"))
		}
		atRest(t, h, map[string]int64{"delivered": 1})
	})
}

// TestSameAlertAtOnce: one alert, one incident, one message (C16 in small).
func TestSameAlertAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		together(32, func(int) {
			if a, err := h.Try(http.MethodPost, door, servertest.Fire("Disk")); err != nil || a.Status != http.StatusAccepted {
				t.Errorf("%v %d %s", err, a.Status, a.Body)
			}
		})
		h.Rest()
		told(t, r, "firing")
		alerts := h.Alerts()
		if len(alerts) != 1 || alerts[0].Occurrences != 32 || len(h.Deliveries("ops")) != 1 || h.Incident().Status != "open" {
			t.Errorf("alerts %+v, deliveries %+v", alerts, h.Deliveries("ops"))
		}
		l := h.Rest()
		if l.Counts["delivered"] != 1 || l.Counts["suppressed"] != 31 || l.ByReason["duplicate"]+l.ByReason["superseded"] != 31 {
			t.Errorf("%+v", l)
		}
		atRest(t, h, nil)
	})
}

// TestC16: 50 keys, 32 simultaneous posts of each.
func TestC16(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		names := make([]string, 50)
		for i := range names {
			names[i] = "Key" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		}
		together(32, func(i int) {
			for n := range names { // each sender begins elsewhere
				a, err := h.Try(http.MethodPost, door, servertest.Fire(names[(n+i)%len(names)]))
				if err != nil || a.Status != http.StatusAccepted {
					t.Errorf("%v %d %s", err, a.Status, a.Body)
				}
			}
		})
		h.Rest()
		if alerts := h.Alerts(); len(alerts) != 50 {
			t.Errorf("%d alerts", len(alerts))
		}
		for _, a := range h.Alerts() {
			if a.Occurrences != 32 {
				t.Errorf("%s was counted %d times", a.Name, a.Occurrences)
			}
		}
		if n := len(h.Incidents()); n != 50 {
			t.Errorf("%d incidents", n)
		}
		if n := len(r.All()); n != 50 {
			t.Errorf("%d messages", n)
		}
		l := h.Rest()
		if l.Counts["delivered"] != 50 || l.Counts["suppressed"] != 1550 {
			t.Errorf("%+v", l)
		}
		atRest(t, h, nil)
	})
}

// TestC17: flips of one alert from 8 connections. The last number wins, and the receiver hears in order.
func TestC17(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		together(8, func(i int) {
			for n := range 13 {
				body := servertest.Fire("Flip")
				if (n+i)%2 == 1 {
					body = servertest.Resolve("Flip")
				}
				if a, err := h.Try(http.MethodPost, door, body); err != nil || a.Status != http.StatusAccepted {
					t.Errorf("%v %d %s", err, a.Status, a.Body)
				}
			}
		})
		h.Rest()
		var last string
		if err := h.Server.DB().Read(t.Context()).Raw(`SELECT status FROM observations ORDER BY seq DESC LIMIT 1`).Scan(&last).Error; err != nil {
			t.Fatal(err)
		}
		if got := h.Alerts()[0].Status; got != last {
			t.Errorf("the alert is %s, the last observation says %s", got, last)
		}
		for _, i := range h.Incidents() {
			open := i.Status == "open"
			if open != (last == "firing") {
				t.Errorf("the incident is %s, the alert %s", i.Status, last)
			}
		}
		// Every message about it comes in the order of its events, and ends answer beginnings.
		seqs := map[string]int{}
		for _, d := range h.Deliveries("ops") {
			seqs[d.Key] = eventSeq(d.Key)
		}
		before, on := 0, false
		for _, m := range r.All() {
			if seq := seqs[m.Key]; seq <= before {
				t.Errorf("event %d was told after %d", seq, before)
			} else {
				before = seq
			}
			if m.Event == "resolved" && !on {
				t.Error("told of an end twice, or before the beginning")
			}
			on = m.Event != "resolved"
		}
		if on != (last == "firing") {
			t.Errorf("the receiver believes that it fires: %v; the alert is %s", on, last)
		}
		atRest(t, h, nil)
	})
}

// eventSeq reads the number out of <incident>:<event>:<step>:<channel>.
func eventSeq(key string) int {
	parts := strings.Split(key, ":")
	n := 0
	for _, c := range parts[1] {
		n = n*10 + int(c-'0')
	}
	return n
}
