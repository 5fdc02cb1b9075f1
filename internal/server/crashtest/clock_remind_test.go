//go:build unix

package crashtest

import (
	"testing"
	"time"
)

// TestReminderDeaths kills a hub whenever reminders fall due: each incident is reminded of once a window, under one key, and the next
// window begins.
func TestReminderDeaths(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	const window = 30 * time.Minute
	engines(t, func(t *testing.T, engine, url string) {
		s := newScene(t, engine, url, "reminders")
		s.channel("ops", map[string]any{"renotify": "30m"})
		names := s.names(atOnce())
		s.push("firing", false, names...)
		s.wants("ops firing delivered", names...)
		s.rests()
		s.kill()
		for range pick(1, 5) {
			for _, d := range s.share(append(deaths(len(names)), claimed()...)...) {
				s.later(window)
				s.dies(d, nil)
				s.back()
				s.wants("ops reminder delivered", names...)
				s.rests()
				s.kill()
			}
		}
		s.hub.await(s.hub.spawn())
		s.wants("ops resolved delivered", names...)
		s.ends(window, names...)
	})
}
