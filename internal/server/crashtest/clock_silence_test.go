//go:build unix

package crashtest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
)

// TestSilenceDeaths kills a hub around the end of silences, by their time and by hand: what they held back is told once, what another one
// holds as well is not, and in the end nothing is held.
func TestSilenceDeaths(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	const lasts = time.Hour
	engines(t, func(t *testing.T, engine, url string) {
		s := newScene(t, engine, url, "the end of silences")
		s.channel("ops", nil)
		long := s.silence("maintenance of the rest", "720h", `alertname="Stays"`)
		s.push("firing", false, "Stays")
		s.wants(heldBack, "Stays")
		all := []string{"Stays"}
		// round has silenced alerts, and the hub dies when that is over.
		round := func(d death, byHand bool) {
			names := s.names(atOnce())
			all = append(all, names...)
			made := s.silence("new disks", "1h", `alertname=~"Alert.*|Stays"`)
			s.push("firing", false, names...)
			s.wants(heldBack, names...)
			s.rests()
			s.kill()
			if byHand {
				s.dies(d, func() { _, _ = s.hub.do(http.MethodDelete, "/api/v1/silences/"+made, nil) })
			} else {
				s.later(lasts)
				s.dies(d, nil)
			}
			s.back()
			s.wants("ops firing delivered", names...)
			s.rests()
		}
		for range pick(1, 4) {
			list := deaths(atOnce())
			list[0].hits, list[1].hits = 1, 1 // one transaction has them all
			for _, d := range s.share(list...) {
				round(d, false)
			}
			for _, d := range s.share(death{failpoint.Committed, 1}, list[1], list[0]) {
				round(d, true)
			}
		}
		s.hub.must(http.StatusNoContent, http.MethodDelete, "/api/v1/silences/"+long, nil)
		s.wants("ops firing delivered", "Stays")
		s.rests()
		s.wants("ops resolved delivered", all...)
		s.ends(0, all...)
	})
}

// silence makes a silence and returns its id.
func (s *scene) silence(comment, lasts string, matchers ...string) string {
	s.t.Helper()
	var made struct{ ID string }
	raw := s.hub.must(http.StatusCreated, http.MethodPost, "/api/v1/silences", map[string]any{"matchers": matchers, "duration": lasts, "comment": comment})
	if err := json.Unmarshal(raw, &made); err != nil {
		s.t.Fatal(err)
	}
	return made.ID
}
