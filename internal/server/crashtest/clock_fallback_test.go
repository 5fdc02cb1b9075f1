//go:build unix

package crashtest

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestFallbackDeaths kills a hub around the moment at which a channel cannot be told: the other one is told once, and of the end as well.
func TestFallbackDeaths(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	engines(t, func(t *testing.T, engine, url string) {
		s := newFallback(t, engine, url, "fallback of what is dead", map[string]any{"channel": "phone"})
		s.kill()
		n := atOnce()
		var all []string
		for range pick(1, 4) {
			for _, d := range s.share(append(deaths(n), claimed()...)...) {
				names := s.names(n)
				all = append(all, names...)
				s.receiver.refuses(http.StatusNotFound, s.channels["ops"])
				s.dies(d, func() { s.push("firing", true, names...) })
				s.back()
				s.wants("ops firing dead(http_404)", names...)
				s.wants("phone firing delivered", names...)
				s.rests()
				s.kill()
			}
		}
		s.hub.await(s.hub.spawn())
		s.wants("phone resolved delivered", all...)
		s.ends(0, all...)
	})
}

// TestFallbackAfterDeaths kills a hub when a channel has not been reached for too long: the other one is told once, and the first one too
// when it is there again.
func TestFallbackAfterDeaths(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	engines(t, func(t *testing.T, engine, url string) {
		s := newFallback(t, engine, url, "fallback after a time", map[string]any{"channel": "phone", "after": "5m"})
		var all []string
		for range pick(1, 4) {
			var names []string // of this round
			for _, d := range s.share(append(deaths(atOnce())[:pick(2, 5)], claimed()...)...) {
				late := s.names(atOnce())
				names = append(names, late...)
				s.receiver.refuses(http.StatusServiceUnavailable, s.channels["ops"])
				s.push("firing", false, late...)
				s.until("not all of them wait to be tried again", func(db *storage.DB) bool {
					return number(t, db, `SELECT count(*) FROM deliveries d JOIN jobs j ON j.ref = d.id AND j.kind = 'deliver' AND j.lease_token IS NULL
						JOIN alerts a ON a.incident_id = d.incident_id AND a.name IN ? WHERE d.state = 'pending'`, late) == int64(len(late))
				})
				s.kill()
				s.later(5 * time.Minute)
				s.dies(d, nil)
				s.back()
				s.wants("ops firing delivered", late...)
				s.wants("phone firing delivered", late...)
				s.until("the other channel is not told", func(db *storage.DB) bool {
					told := s.told(db)
					return !slices.ContainsFunc(late, func(n string) bool { return !slices.Contains(told[n], "phone firing delivered") })
				})
			}
			s.kill()
			s.receiver.refuses(http.StatusOK)
			s.later(5 * time.Minute)
			s.hub.await(s.hub.spawn())
			s.rests()
			all = append(all, names...)
		}
		s.wants("ops resolved delivered", all...)
		s.wants("phone resolved delivered", all...)
		s.ends(0, all...)
	})
}

// newFallback is a scene with a channel ops, which alone is told, and a channel phone that it falls back on.
func newFallback(t *testing.T, engine, url, what string, fallback map[string]any) *scene {
	t.Helper()
	s := newScene(t, engine, url, what)
	s.channel("phone", nil)
	s.channel("ops", map[string]any{"fallback": fallback})
	s.pages("ops")
	return s
}
