//go:build unix

package crashtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestHandDeaths kills a hub while it sends by hand, as tests of a channel and as messages that callers write: each is one attempt whatever
// happens, is on record before it is on the wire, and ends.
func TestHandDeaths(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	engines(t, func(t *testing.T, engine, url string) {
		s := newScene(t, engine, url, "sending by hand")
		s.witness = nil // it knows messages that come again when nobody has booked them
		s.channel("ops", nil)
		s.kill()
		all := []death{{failpoint.BeforeSend, 1}, {"", 1}, {failpoint.AfterSend, 1}, {failpoint.Committed, 1}, {failpoint.Deciding, 1}}
		var want []byHand
		for range pick(1, 4) {
			for cause, list := range map[string][]death{
				"test": s.share(pick(all[:4], all)...), "sent": s.share(pick(all[4:], all)...),
			} {
				path, body := "/api/v1/channels/ops/test", map[string]any{}
				if cause == "sent" {
					path, body = "/notify/send/ops", map[string]any{"title": "deploy", "message": "the new release is out"}
				}
				for _, d := range list {
					if d.point == failpoint.Deciding { // nothing else shall be written by itself then
						s.hub.await(s.hub.spawn())
						s.rests()
						s.hub.kill()
					}
					s.dies(d, func() { s.ask(path, body) })
					switch d.point {
					case failpoint.Deciding: // nothing is on record
					case failpoint.Committed:
						want = append(want, byHand{cause, "delivered ", 1})
					case failpoint.BeforeSend:
						want = append(want, byHand{cause, "dead interrupted", 0})
					default:
						want = append(want, byHand{cause, "dead interrupted", 1})
					}
					s.later(2 * time.Minute) // after which nobody comes back to it
				}
			}
		}
		s.hub.await(s.hub.spawn())
		s.rests()
		db := s.hub.open(t)
		if diff := cmp.Diff(want, s.byHand(db)); diff != "" {
			t.Errorf("what was sent by hand (-want +got):\n%s", diff)
		}
		s.hub.must(http.StatusOK, http.MethodPost, "/api/v1/channels/ops/test", nil)
		if diff := cmp.Diff(append(want, byHand{"test", "delivered ", 1}), s.byHand(db)); diff != "" {
			t.Errorf("after one more test (-want +got):\n%s", diff)
		}
		if n := number(t, db, `SELECT count(*) FROM jobs`); n != 0 {
			t.Errorf("%d jobs are left over", n)
		}
		intact(t, db)
	})
}

// byHand is an attempt by hand, and how often it came to the receiver.
type byHand struct {
	Cause, State string
	Came         int
}

func (s *scene) byHand(db *storage.DB) []byHand {
	s.t.Helper()
	var rows []struct{ Cause, State, IdemKey string }
	if err := db.Read(s.t.Context()).Raw(`SELECT cause, state || ' ' || reason AS state, idem_key FROM deliveries ORDER BY id`).Scan(&rows).Error; err != nil {
		s.t.Fatal(err)
	}
	arrived := s.receiver.arrivals()
	var out []byHand
	for _, r := range rows {
		out = append(out, byHand{r.Cause, r.State, arrived[r.IdemKey].came})
		delete(arrived, r.IdemKey)
	}
	if len(arrived) > 0 {
		s.t.Errorf("what came and is not on record: %v", arrived)
	}
	return out
}
