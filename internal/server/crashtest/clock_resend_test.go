//go:build unix

package crashtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// TestResendDeaths kills a hub while somebody has a message sent again: a dead one, under its own key; a dead one to another channel; one
// that has arrived, as a new event. Whoever asked and got no answer finds it either done or not begun.
func TestResendDeaths(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	engines(t, func(t *testing.T, engine, url string) {
		s := newScene(t, engine, url, "sending again")
		s.channel("ops", nil)
		s.channel("phone", nil)
		s.pages("ops")
		var all []string
		for range pick(1, 4) {
			for kind, tt := range map[string]struct {
				body map[string]any
				says int      // to what is sent first
				told []string // after that
				then []string // after it was sent again
				list []death
			}{
				"a dead one": {
					map[string]any{}, http.StatusNotFound, []string{"ops firing dead(http_404)"}, []string{"ops firing delivered"}, s.share(deaths(1)[:pick(3, 5)]...),
				},
				"to another channel": {
					map[string]any{"channel": "phone"},
					http.StatusNotFound,
					[]string{"ops firing dead(http_404)"},
					[]string{"ops firing dead(http_404)", "phone firing delivered"},
					s.share(deaths(1)[:pick(1, 5)]...),
				},
				"one that arrived": {
					map[string]any{},
					http.StatusOK,
					[]string{"ops firing delivered"},
					[]string{"ops firing delivered", "ops firing delivered"},
					s.share(deaths(1)[:pick(2, 5)]...),
				},
			} {
				if len(tt.list) == 0 { // the other engine has it
					continue
				}
				names := s.names(len(tt.list))
				all = append(all, names...)
				s.receiver.refuses(tt.says)
				if tt.says != http.StatusOK {
					s.receiver.refuses(tt.says, s.channels["ops"])
				}
				s.push("firing", false, names...)
				for _, n := range names {
					s.want[n] = tt.told
				}
				s.rests()
				s.receiver.refuses(http.StatusOK)
				for n, d := range tt.list {
					t.Logf("%s: %s", kind, d)
					path := "/api/v1/deliveries/" + s.delivery(names[n], "ops") + "/resend"
					s.kill()
					s.dies(d, func() { s.ask(path, tt.body) })
					s.back()
					if d.point == failpoint.Deciding { // so it was not stored, and can be asked for again
						s.rests()
						s.hub.must(http.StatusOK, http.MethodPost, path, tt.body)
					}
					s.want[names[n]] = tt.then
					s.rests()
				}
			}
		}
		for _, n := range all {
			for _, c := range []string{"ops", "phone"} {
				if s.hears(n, c) {
					s.want[n] = append(slices.Clip(s.want[n]), c+" resolved delivered")
				}
			}
		}
		s.ends(0, all...)
	})
}

// ask makes a request that may get no answer, without waiting for one.
func (s *scene) ask(path string, body map[string]any) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	over := make(chan struct{})
	s.t.Cleanup(func() { <-over })
	go func() {
		defer close(over)
		_, _ = s.hub.do(http.MethodPost, path, raw)
	}()
}

// delivery is the id of what a channel was told of an alert first.
func (s *scene) delivery(alert, channel string) string {
	s.t.Helper()
	db, end := s.open()
	defer end()
	var i id.ID
	if err := db.Read(s.t.Context()).Raw(`SELECT d.id FROM deliveries d JOIN channels c ON c.id = d.channel_id AND c.name = ?
		JOIN alerts a ON a.incident_id = d.incident_id AND a.name = ? ORDER BY d.event_seq LIMIT 1`, channel, alert).Row().Scan(&i); err != nil {
		s.t.Fatal(err)
	}
	return i.String()
}

// hears reports whether a channel has been told of an alert.
func (s *scene) hears(alert, channel string) bool {
	return slices.Contains(s.want[alert], channel+" firing delivered")
}
