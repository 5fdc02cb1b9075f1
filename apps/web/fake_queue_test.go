package web_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// queuePart is the queues of an in-memory hub.
type queuePart struct{ h *hub }

// queues of a hub with nothing to do.
func quiet(now time.Time) queue.View {
	v := queue.View{At: now, Doorbell: queue.Doorbell{Kind: "local", Processes: []queue.Process{}}}
	for _, name := range []string{"ingest", "notify", "timers", "context", "intelligence", "maintenance"} {
		v.Queues = append(v.Queues, queue.Depth{Name: name})
	}
	return v
}

// busy gives the hub Redis, two processes and a queue that is late.
func (h *hub) busy() {
	v := quiet(h.now)
	old := h.ago(4 * time.Minute)
	for i := range v.Queues {
		v.Queues[i].Rings = &queue.Rings{Processed: 1204 * (5 - i)}
	}
	notify := &v.Queues[1]
	notify.Due, notify.DueMore, notify.Later, notify.Held, notify.Expired, notify.Rescued, notify.OldestDue, notify.Late = 10_000, true, 1830, 48, 3, 5, &old, true
	notify.Rings.Pending = 32
	v.Queues[0].Held = 6
	v.Queues[4].Later = 2
	v.Doorbell = queue.Doorbell{Kind: "redis", Processes: []queue.Process{
		{ID: "1", Host: "hub-1.eu-west.internal", PID: 7, Queues: []string{"ingest", "maintenance", "notify"}, StartedAt: h.ago(26 * time.Hour), Status: "active"},
		{ID: "2", Host: "hub-worker-1.eu-west.internal", PID: 31, Queues: []string{"context", "intelligence"}, StartedAt: h.ago(9 * time.Minute), Status: "active"},
	}}
	h.queues, h.trouble = v, queue.Trouble{Late: "notify", Since: old}
	for i := range 60 {
		r := queue.Row{Kind: "deliver", Ref: id.New(), Queue: "notify", State: queue.StateDue, DueAt: old.Add(time.Duration(i) * time.Second), Attempt: 1, CreatedAt: old}
		switch i {
		case 0, 2:
			r.State, r.Rescues, r.Attempt = queue.StateExpired, 1, 3
		case 1:
			r.Kind, r.Node, r.State, r.Held, r.DueAt = "deadline", "tell-everybody", queue.StateHeld, true, h.now.Add(20*time.Second)
		case 3:
			r.Kind, r.Failures, r.Attempt, r.State, r.DueAt = "expiry", 2, 4, queue.StateLater, h.now.Add(time.Hour)
		case 4:
			r.Kind = "something_new"
		}
		h.jobs = append(h.jobs, r)
	}
}

func (p queuePart) View(context.Context) (queue.View, error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	return p.h.queues, nil
}

func (p queuePart) Trouble(context.Context) (queue.Trouble, error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	return p.h.trouble, nil
}

func (p queuePart) Jobs(_ context.Context, _, name string, f queue.Filter) (storage.Page[queue.Row], error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	if !slices.ContainsFunc(p.h.queues.Queues, func(d queue.Depth) bool { return d.Name == name }) {
		return storage.Page[queue.Row]{}, storage.ErrNotFound
	}
	var rows []queue.Row
	for _, r := range p.h.jobs {
		if r.Queue == name && (f.State == "" || f.State == r.State) {
			rows = append(rows, r)
		}
	}
	if f.Newest {
		slices.Reverse(rows)
	}
	from := 0
	if f.Cursor != "" {
		if _, err := fmt.Sscanf(f.Cursor, "from-%d", &from); err != nil || from > len(rows) {
			return storage.Page[queue.Row]{}, storage.ErrCursor
		}
	}
	page := storage.Page[queue.Row]{Items: rows[from:]}
	if len(page.Items) > storage.DefaultPageSize {
		page.Items, page.NextCursor = page.Items[:storage.DefaultPageSize], fmt.Sprintf("from-%d", from+storage.DefaultPageSize)
	}
	return page, nil
}
