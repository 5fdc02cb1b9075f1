package worker

import (
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// health is whether Redis takes rings. One goroutine feeds it, so that it cannot flutter between what two connections see.
type health struct {
	log   *slog.Logger
	clock clock.Clock

	mu    sync.Mutex
	away  bool
	since time.Time
	why   string
}

// saw notes the end of an attempt, and logs when that is news.
func (h *health) saw(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && !h.away:
		h.away, h.since, h.why = true, h.clock.Now(), fault.Public(err)
		h.log.Warn("Redis is away: other processes are not woken, they look for work by themselves", "error", err)
	case err != nil:
		h.why = fault.Public(err)
	case h.away:
		h.log.Info("Redis is back", "away_for", h.clock.Now().Sub(h.since))
		h.away, h.since, h.why = false, time.Time{}, ""
	}
}

func (h *health) isAway() bool {
	away, _, _ := h.state()
	return away
}

func (h *health) state() (away bool, since time.Time, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.away, h.since, h.why
}
