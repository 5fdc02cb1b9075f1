//go:build unix

package crashtest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// must makes a request that has to be answered with status.
func (h *hub) must(status int, method, path string, body any) []byte {
	h.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := h.do(method, path, raw)
	if err != nil || a.status != status {
		h.t.Fatalf("%s %s: %d %s %v", method, path, a.status, a.body, err)
	}
	return a.body
}

// channel makes a generic channel to an address; more are further settings of it, names and values by turns.
func (h *hub) channel(name, endpoint string, more ...any) {
	h.t.Helper()
	config := map[string]any{"endpoint": endpoint}
	for n := 0; n+1 < len(more); n += 2 {
		config[more[n].(string)] = more[n+1]
	}
	h.must(http.StatusCreated, http.MethodPost, "/api/v1/channels", map[string]any{"name": name, "driver": "generic", "config": config})
}

// only makes definitions the only active ones: names and configurations by turns.
func (h *hub) only(definitions ...string) {
	h.t.Helper()
	h.must(http.StatusOK, http.MethodPatch, "/api/v1/definitions/direct", map[string]any{"is_active": false})
	for n := 0; n+1 < len(definitions); n += 2 {
		h.must(http.StatusCreated, http.MethodPost, "/api/v1/definitions", map[string]any{"name": definitions[n], "config": json.RawMessage(definitions[n+1])})
	}
}

// open opens the database of a hub that runs.
func (h *hub) open(t *testing.T) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Config{URL: h.database(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// number reads one number.
func number(t *testing.T, db *storage.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.Read(t.Context()).Raw(query, args...).Scan(&n).Error; err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// servers are the hubs of a test on an engine: one on SQLite, two on one Postgres.
func serversOn(t *testing.T, url string, env map[string]string) []*hub {
	t.Helper()
	first := newHub(t, url, env)
	if url == "" {
		return []*hub{first}
	}
	second := newHub(t, url, env)
	second.settings["HUB_DATA_DIR"] = first.settings["HUB_DATA_DIR"] // of the secret key
	return []*hub{first, second}
}

func startAll(hubs []*hub) {
	for _, h := range hubs {
		h.start()
	}
}

// alert is one alert of a push.
type alert struct{ name, status, severity, kind string }

// push writes alerts as Alertmanager does. An alert without status fires, without severity it is critical.
func push(alerts ...alert) []byte {
	items := make([]map[string]any, 0, len(alerts))
	for _, a := range alerts {
		if a.status == "" {
			a.status = "firing"
		}
		if a.severity == "" {
			a.severity = "critical"
		}
		labels := map[string]string{"alertname": a.name, "instance": "host-" + a.name, "severity": a.severity, "job": "node"}
		if a.kind != "" {
			labels["kind"] = a.kind
		}
		items = append(items, map[string]any{
			"status": a.status, "labels": labels, "annotations": map[string]string{"summary": "made to be lost"},
			"startsAt": "2026-11-20T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": a.name,
		})
	}
	raw, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": "{}", "status": "firing", "receiver": "hub", "groupLabels": map[string]string{},
		"commonLabels": map[string]string{}, "commonAnnotations": map[string]string{}, "externalURL": "http://am.test", "alerts": items,
	})
	if err != nil {
		panic(err) // texts only
	}
	return raw
}

// deliver posts a body as senders do, again and again while the answer is 503 with Retry-After. It returns how often it was refused, and
// false after any other answer.
func (h *hub) deliver(body []byte) (refused int, ok bool) {
	for began := time.Now(); time.Since(began) < patience; refused++ {
		a, err := h.do(http.MethodPost, "/alerts/webhook/", body)
		switch {
		case err == nil && a.status/100 == 2:
			return refused, true
		case err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "":
			h.t.Errorf("a push was answered with %d %s %v", a.status, a.body, err)
			return refused, false
		}
		time.Sleep(100 * time.Millisecond)
	}
	h.t.Errorf("a push was refused for %s", patience)
	return refused, false
}

// settle waits until nothing is left to do and checks the books; it returns what they say, and how long that took from began.
func settle(t *testing.T, h *hub, db *storage.DB, began time.Time) (l ledger, took time.Duration) {
	t.Helper()
	least, moved := int64(math.MaxInt64), time.Now()
	for {
		jobs := number(t, db, `SELECT count(*) FROM jobs`)
		l = ledger{}
		err := h.get("/api/v1/ledger", &l)
		if err == nil && jobs == 0 && l.Counts["pending"] == 0 {
			break
		}
		if jobs < least {
			least, moved = jobs, time.Now()
		}
		if time.Since(moved) > patience {
			t.Fatalf("not at rest, and nothing has got done for %s: %d jobs, ledger %+v %v\n%s", patience, jobs, l, err, dump(t, db))
		}
		time.Sleep(50 * time.Millisecond)
	}
	took = time.Since(began)
	testkit.Eventually(t, patience, func() bool { return h.get("/api/v1/ledger", &l) == nil && l.Balanced }, "the books do not balance")
	sum := int64(0)
	for _, n := range l.Counts {
		sum += n
	}
	if n := number(t, db, `SELECT count(*) FROM observations`); n != sum {
		t.Errorf("%d observations are stored, the ledger has %d: %+v", n, sum, l.Counts)
	}
	if n := number(t, db, `SELECT count(*) FROM receipts WHERE folded_at IS NULL`); n != 0 {
		t.Errorf("%d receipts are not folded", n)
	}
	intact(t, db)
	return l, took
}

// found sums up what a test without an audit of promises saw: lost is how many alerts the books miss.
func found(l ledger, accepted int) outcome {
	sum := 0
	for _, n := range l.Counts {
		sum += int(n)
	}
	return outcome{accepted: accepted, lost: max(0, accepted-sum), counts: l.Counts}
}

// pulse posts distinct alerts at a steady rate and remembers when; it tells how long each took to the receiver.
type pulse struct {
	hubs []*hub
	name string

	mu   sync.Mutex
	sent map[string]time.Time
	over sync.WaitGroup
}

func newPulse(name string, hubs ...*hub) *pulse {
	return &pulse{hubs: hubs, name: name, sent: map[string]time.Time{}}
}

// run posts n alerts and waits for the last answer.
func (p *pulse) run(n, rate int) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	slots := make(chan struct{}, abreast)
	for i := range n {
		<-tick.C
		slots <- struct{}{}
		p.over.Go(func() {
			defer func() { <-slots }()
			name := fmt.Sprintf("%s%05d", p.name, i)
			at := time.Now()
			if _, ok := p.hubs[i%len(p.hubs)].deliver(push(alert{name: name})); ok {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.sent[name] = at
			}
		})
	}
	p.over.Wait()
}

// heard waits until the receiver has taken all, and returns the times that took.
func (p *pulse) heard(t *testing.T, r *receiver) latencies {
	t.Helper()
	p.over.Wait()
	var out latencies
	testkit.Eventually(t, patience, func() bool {
		out = nil
		keys, trails := r.keys(), r.came()
		for name, at := range p.sent {
			for _, k := range keys[name] {
				if n := slices.IndexFunc(trails[k], func(v visit) bool { return !v.refused }); n >= 0 {
					out = append(out, trails[k][n].at.Sub(at))
				}
			}
		}
		return len(out) >= len(p.sent)
	}, "not all alerts come to the receiver")
	if len(out) != len(p.sent) {
		t.Errorf("%d alerts were accepted and %d messages taken", len(p.sent), len(out))
	}
	slices.Sort(out)
	return out
}

// latencies are times, in order.
type latencies []time.Duration

func (l latencies) at(part float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(len(l)-1, int(part*float64(len(l))))]
}
