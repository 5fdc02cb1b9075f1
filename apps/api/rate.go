package api

import (
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// rates counts calls of the clock's minute, by who makes them. This process counts for itself.
type rates struct {
	clock  clock.Clock
	mu     sync.Mutex
	minute time.Time
	calls  map[string]int
}

// maxCallers bounds the callers of a minute that are told apart; the rest share one count.
const maxCallers = 10_000

func newRates(c clock.Clock) *rates { return &rates{clock: c, calls: map[string]int{}} }

// take counts one call of who. With more than most in this UTC minute it returns how long is left of it.
func (r *rates) take(who string, most int) (wait time.Duration, ok bool) {
	now := r.clock.Now().UTC()
	minute := now.Truncate(time.Minute)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !minute.Equal(r.minute) {
		r.minute = minute
		clear(r.calls)
	}
	if _, known := r.calls[who]; !known && len(r.calls) >= maxCallers {
		who = ""
	}
	if r.calls[who] >= most {
		return minute.Add(time.Minute).Sub(now), false
	}
	r.calls[who]++
	return 0, true
}
