package servertest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// patience is how long a test waits for what it causes, on any machine.
const patience = 2 * time.Minute

// Over waits until nothing is on its way by these channels, none: by all, and returns what was, oldest first by channel. The ledger, see
// Rest, knows nothing of what acts, reminders, silences and throttles tell; and a receiver knows of a message before the hub has written
// down what became of it.
func (h *Hub) Over(channels ...string) (all []Delivery) {
	h.t.Helper()
	if len(channels) == 0 {
		channels = []string{""}
	}
	testkit.Eventually(h.t, patience, func() bool {
		all = nil
		for _, c := range channels {
			all = append(all, h.Deliveries(c)...)
		}
		return !slices.ContainsFunc(all, func(d Delivery) bool { return d.State == "pending" || d.State == "sending" })
	}, "deliveries are still on their way")
	return all
}

// folded waits for the fold of a push whose answer did not, because it took too long, and adds what it did.
func (h *Hub) folded(a Answer, out *Accepted) {
	h.t.Helper()
	if a.Status != http.StatusAccepted || out.Outcome == "ignored" || out.Outcome == "rejected" {
		return
	}
	var r struct {
		Folded *time.Time      `json:"folded_at"`
		Result json.RawMessage `json:"result"`
	}
	testkit.Eventually(h.t, patience, func() bool {
		h.Get("/api/v1/receipts/"+out.ReceiptID, &r)
		return r.Folded != nil
	}, "a push is not folded")
	if err := json.Unmarshal(r.Result, out); err != nil {
		h.t.Fatalf("what a fold did: %v in %s", err, r.Result)
	}
}

// waits reports whether a push to the rest of an address is one that is answered after its fold.
func waits(rest string) bool { return strings.Contains(rest, "sync=1") }
