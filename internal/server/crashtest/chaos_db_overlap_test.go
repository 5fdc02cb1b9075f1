//go:build unix

package crashtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestOverlap has 32 senders change the same few incidents through two servers at once, each in an order of its own, while people act on
// them: nobody is refused for good, nothing is left undone, and the last word counts.
func TestOverlap(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres")
	}
	const senders, names = 32, 24
	c := row(t, "C10", "Postgres", "32 senders, overlapping incidents")
	p := testkit.OwnPostgres(t)
	hubs, r := serversOn(t, p.URL(), nil), newReceiver(t)
	startAll(hubs)
	hubs[0].tell(r)
	db := hubs[0].open(t)
	var refused, acts, late, alerts atomic.Int64
	var over sync.WaitGroup
	began := time.Now()
	for s := range senders {
		over.Go(func() {
			random := rand.New(rand.NewPCG(uint64(s), 10))
			h := hubs[s%2]
			for range pick(6, 60) {
				var list []alert
				for _, n := range random.Perm(names)[:8] {
					list = append(list, alert{
						name: fmt.Sprintf("Overlap%02d", n), status: []string{"firing", "firing", "resolved"}[random.IntN(3)],
						severity: []string{"critical", "warning", "info"}[random.IntN(3)],
					})
				}
				n, ok := h.deliver(push(list...))
				if !ok {
					return
				}
				refused.Add(int64(n))
				alerts.Add(int64(len(list)))
				if random.IntN(4) == 0 {
					acted, stale := actOnAny(h, random)
					acts.Add(acted)
					late.Add(stale)
				}
			}
		})
	}
	over.Wait()
	took := time.Since(began)
	l, rest := settle(t, hubs[0], db, time.Now())
	if l.Counts["dead"]+l.Counts["rejected"]+l.Counts["no_route"] != 0 {
		t.Errorf("the ledger has %+v, by reason %+v", l.Counts, l.ByReason)
	}
	lastWord(t, db)
	raw, err := os.ReadFile(filepath.Join(p.Dir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	deadlocks := strings.Count(string(raw), "deadlock detected")
	if _, first, found := strings.Cut(string(raw), "deadlock detected"); found { // it was resolved, after a second
		t.Logf("deadlock%s", first[:min(len(first), 3000)])
	}
	o := found(l, int(alerts.Load()))
	if o.lost != 0 {
		t.Errorf("%d alerts were accepted, the ledger has %+v", o.accepted, l.Counts)
	}
	c.faults(senders)
	c.count(o)
	c.within("at rest", rest, 0)
	c.say("%d alerts/s, %d acts, %d of them too late, %d posts tried again, %d deadlocks", int(float64(alerts.Load())/took.Seconds()),
		acts.Load(), late.Load(), refused.Load(), deadlocks)
}

// actOnAny acknowledges, resolves, or annotates an incident, as people do: somebody else may have been faster, and who is asked to come back
// does.
func actOnAny(h *hub, random *rand.Rand) (acted, stale int64) {
	var page struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	a, err := h.again(http.MethodGet, "/api/v1/incidents?limit=50", nil)
	if err != nil || a.status != http.StatusOK || json.Unmarshal(a.body, &page) != nil {
		h.t.Errorf("list the incidents: %d %s %v", a.status, a.body, err)
	}
	if len(page.Items) == 0 { // nothing is folded yet
		return 0, 0
	}
	verb := []string{"acknowledge", "resolve", "notes"}[random.IntN(3)]
	body, err := json.Marshal(map[string]string{"text": "seen"})
	if err != nil {
		panic(err)
	}
	if verb != "notes" {
		body = []byte(`{}`)
	}
	a, err = h.again(http.MethodPost, "/api/v1/incidents/"+page.Items[random.IntN(len(page.Items))].ID+"/"+verb, body)
	switch {
	case err == nil && a.status/100 == 2:
		return 1, 0
	case err == nil && a.status == http.StatusConflict:
		return 1, 1
	default:
		h.t.Errorf("%s: %d %s %v", verb, a.status, a.body, err)
		return 0, 0
	}
}

// again makes a request again and again while the answer is 503 with Retry-After.
func (h *hub) again(method, path string, body []byte) (a answer, err error) {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(100 * time.Millisecond) {
		if a, err = h.do(method, path, body); err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			break
		}
	}
	return a, err
}

// lastWord checks that alerts are as the last of their observations says, and that incidents are open once at most, and only while one
// of their alerts fires.
func lastWord(t *testing.T, db *storage.DB) {
	t.Helper()
	for what, q := range map[string]string{
		"alerts that are not as their last observation": `SELECT count(*) FROM alerts a JOIN observations o
			ON o.source = a.source AND o.fingerprint = a.fingerprint WHERE o.status <> a.status
			AND NOT EXISTS (SELECT 1 FROM observations p WHERE p.source = o.source AND p.fingerprint = o.fingerprint AND p.seq > o.seq)`,
		"alerts that were counted wrongly": `SELECT count(*) FROM alerts a WHERE a.last_seq <> (SELECT max(o.seq) FROM observations o
			WHERE o.source = a.source AND o.fingerprint = a.fingerprint)`,
		"groups with several open incidents": `SELECT count(*) - count(DISTINCT group_key) FROM incidents WHERE status IN ('open', 'acknowledged')`,
		"open incidents without a firing alert": `SELECT count(*) FROM incidents i WHERE i.status IN ('open', 'acknowledged')
			AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.incident_id = i.id AND a.status = 'firing')`,
	} {
		if n := number(t, db, q); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}
