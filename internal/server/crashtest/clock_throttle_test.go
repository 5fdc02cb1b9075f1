//go:build unix

package crashtest

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestThrottleDeaths kills a hub when there is room for what a throttle holds back: each incident is told once, nothing stays held back, and
// no job is left.
func TestThrottleDeaths(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	const per = time.Hour
	engines(t, func(t *testing.T, engine, url string) {
		s := newScene(t, engine, url, "room for what a throttle holds back")
		n := atOnce()
		s.channel("ops", map[string]any{"throttle": map[string]any{"messages": n, "per": "1h"}})
		var all []string
		for range pick(1, 4) {
			for _, d := range s.share(append(deaths(n), claimed()...)...) {
				first, late := s.names(n), s.names(n)
				all = append(append(all, first...), late...)
				s.push("firing", false, first...)
				s.wants("ops firing delivered", first...)
				s.rests()
				s.push("firing", false, late...)
				s.wants("ops firing suppressed(throttled)", late...)
				s.rests()
				s.kill()
				s.later(per)
				s.dies(d, nil)
				s.back()
				s.wants("ops firing delivered", late...)
				s.rests()
				s.until("something stays held back", func(db *storage.DB) bool {
					return number(t, db, `SELECT (SELECT count(*) FROM throttle_holds) + (SELECT count(*) FROM jobs WHERE kind = 'throttle')`) == 0
				})
				s.kill()
				s.later(per)
				s.hub.await(s.hub.spawn())
			}
		}
		s.wants("ops resolved delivered", all...)
		s.ends(0, all...)
	})
}
