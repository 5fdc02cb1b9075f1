package e2e

import (
	"log/slog"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestDivisionOfWork: in the scaled form a process works on its own queues and on nothing else. A server without any takes alerts in and
// leaves them; a worker that does not send plans what others send.
func TestDivisionOfWork(t *testing.T) {
	t.Parallel()
	h := servertest.Server(t, setup{})
	r := only(t, h, ingest("tell"), notify("tell", "ops"))
	got := h.SendTo("", servertest.Fire("Disk"))
	const still = 700 * time.Millisecond // longer than anything takes that is not left alone
	time.Sleep(still)
	if n := len(h.Alerts()); n != 0 || len(r.All()) != 0 {
		t.Fatalf("without a worker there are %d alerts, and the receiver was called %d times", n, len(r.All()))
	}
	h.Work(t, nil, slog.DiscardHandler, "ingest", "context", "intelligence")
	testkit.Eventually(t, time.Minute, func() bool { return len(h.Deliveries("ops")) == 1 }, "the worker does not fold")
	time.Sleep(still)
	if d := h.Deliveries("ops")[0]; d.State != "pending" || d.Count != 0 || len(r.All()) != 0 {
		t.Fatalf("a worker without the queue notify has sent it: %+v", d)
	}
	h.Work(t, nil, slog.DiscardHandler, "notify")
	became(t, h, got, "delivered")
	told(t, r, "firing")
	want(t, "run", states(ended(t, h, got.RunIDs[0])), map[string]string{"": "succeeded", "in": "succeeded", "tell": "succeeded"})
	books(t, h, map[string]int64{"delivered": 1})
}
