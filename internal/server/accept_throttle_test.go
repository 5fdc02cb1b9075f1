package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// named counts the messages of an event by the alert that their title names.
func named(r *servertest.Receiver, event string) map[string]int {
	out := map[string]int{}
	for _, m := range r.All() {
		if m.Event == event {
			words := strings.Fields(m.Title)
			out[words[len(words)-1]]++
		}
	}
	return out
}

// TestThrottled: of a flood a channel hears as much as it takes, the rest when there is room, each once; the end of what it never heard of is
// told to nobody, and the books explain all of it.
func TestThrottled(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r, free := servertest.NewReceiver(t), servertest.NewReceiver(t)
		h.Tell("ops", r, "throttle", obj{"messages": 2, "per": "15s"})
		h.Tell("free", free)
		h.Only("page", servertest.Pipeline(obj{}, servertest.Ingest("tell"), servertest.Notify("tell", "ops")))
		begin := time.Now()
		for n := range 2 {
			became(t, h, h.Send(servertest.Fire(fmt.Sprintf("Early%d", n))), "delivered")
		}
		late := h.Send(servertest.Fire("Late"))
		became(t, h, late, "suppressed(throttled)")
		over := h.Send(servertest.Fire("Over"))
		became(t, h, over, "suppressed(throttled)")
		end := h.Send(servertest.Resolve("Over"))
		became(t, h, end, "suppressed(nobody_was_told)")
		quick := time.Since(begin) < 14*time.Second // else a slow machine has room already
		if got := figure(h, `incidenthub_throttled_incidents{channel="ops"}`); quick && got != "2" && got != "1" {
			t.Errorf("%q are held back", got)
		}
		if got := named(r, "firing"); quick && len(got) != 2 {
			t.Errorf("told at once: %v", got)
		}
		testkit.Eventually(t, 2*time.Minute, func() bool { return named(r, "firing")["Late"] == 1 }, "it is not told when there is room")
		h.Over()
		if took := time.Since(begin); took < 15*time.Second {
			t.Errorf("three messages at two in 15 s took %s", took)
		}
		if m := r.Last(); !strings.Contains(m.Text, "This was held back for") || !strings.Contains(m.Text, "at most 2 messages in 15s") {
			t.Errorf("it does not say why it is late: %s", m.Text)
		}
		says(t, explained(t, h, late.ReceiptID), "Channel ops was told of the firing at *, as soon as its throttle had room",
			"channel|ops|held_back|the channel had as many messages as it takes: the channel takes at most 2 messages in 15s; *. When there was room, channel ops was told of the firing at *, by delivery *",
			"channel|ops|told|of the firing at *, as soon as its throttle had room")
		became(t, h, h.Send(servertest.Fire("Late")), "suppressed(duplicate)")
		for _, name := range []string{"Early0", "Early1", "Late"} {
			became(t, h, h.Send(servertest.Resolve(name)), "delivered")
		}
		if f, e := named(r, "firing"), named(r, "resolved"); fmt.Sprint(f) != "map[Early0:1 Early1:1 Late:1]" || fmt.Sprint(e) != fmt.Sprint(f) {
			t.Errorf("told %v and ends %v", f, e)
		}
		shows(t, h, `incidenthub_throttled_incidents{channel="ops"}`, "0")
		var detail string
		for _, d := range h.Deliveries("ops") {
			if d.State == "suppressed" && d.Reason == "throttled" {
				detail = d.Detail
				if a := h.Ask(http.MethodPost, "/api/v1/deliveries/"+d.ID+"/resend", nil); a.Status != http.StatusConflict || !strings.Contains(string(a.Body), "a later delivery tells its incident") {
					t.Errorf("sent again: %d %s", a.Status, a.Body)
				}
			}
		}
		if !strings.Contains(detail, "the channel takes at most 2 messages in 15s; it is told as soon as there is room") {
			t.Errorf("the delivery says %q", detail)
		}
		atRest(t, h, nil)
	})
}

// TestThrottleByHub: taken away, what was held back is told by itself; a fallback has a throttle of its own.
func TestThrottleByHub(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		phone, ops := servertest.NewReceiver(t), moved(t)
		h.Tell("phone", phone, "throttle", obj{"messages": 1, "per": "1d"})
		h.Tell("ops", ops, "fallback", obj{"channel": "phone"})
		h.Only("page", servertest.Pipeline(obj{}, servertest.Ingest("tell"), servertest.Notify("tell", "ops")))
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		became(t, h, h.Send(servertest.Fire("Memory")), "dead(http_404)") // the other is not told yet, either
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/channels/phone", obj{"throttle": nil})
		testkit.Eventually(t, 2*time.Minute, func() bool { return slices.Equal(phone.Told(), []string{"firing", "firing"}) }, "it is not told without a throttle")
		h.Over()
		if got := fmt.Sprint(named(phone, "firing")); got != "map[Disk:1 Memory:1]" {
			t.Errorf("told %s", got)
		}
		atRest(t, h, nil)
	})
}
