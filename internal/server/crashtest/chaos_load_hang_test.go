//go:build unix

package crashtest

import (
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// oneKeyIn reports whether a key is one of n, by chance.
func oneKeyIn(key string, n uint32) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return h.Sum32()%n == 0
}

// TestChannelHangs tells of many alerts to two channels, one of which hangs: what is told to the other one comes as fast as ever, also what
// that refuses at first, so that it has to be found among all that waits. In the end both have everything.
func TestChannelHangs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C20", engine, "one channel hangs")
		hubs := serversOn(t, url, nil)
		good, stuck := newReceiver(t), newReceiver(t)
		good.refuse = func(visits int, key string) bool { return visits == 0 && oneKeyIn(key, 16) }
		good.answerAfter(5 * time.Millisecond)
		stuck.holdNext(1 << 30)
		startAll(hubs)
		hubs[0].channel("good", good.server.URL)
		hubs[0].channel("stuck", stuck.server.URL)
		time.Sleep(2 * seenIn) // the other server follows
		alerts, rate := pick(150, 1000), pick(50, 100)
		p := newPulse("Hang", hubs...)
		began := time.Now()
		p.run(alerts, rate)
		heard := p.heard(t, good)
		c.within("p99 of the other channel", heard.at(0.99), 5*time.Second)
		db := hubs[0].open(t)
		waiting := number(t, db, `SELECT count(*) FROM deliveries d JOIN channels c ON c.id = d.channel_id WHERE c.name = 'stuck' AND d.state IN ('pending', 'sending')`)
		if waiting != int64(alerts) {
			t.Errorf("%d deliveries wait for the channel that hangs, of %d", waiting, alerts)
		}
		if long() {
			time.Sleep(time.Until(began.Add(30 * time.Second)))
		}
		stuck.release()
		released := time.Now()
		l, _ := settle(t, hubs[0], db, released)
		p.heard(t, stuck)
		if l.Counts["delivered"] != int64(alerts) {
			t.Errorf("ledger %+v", l.Counts)
		}
		c.faults(1)
		c.count(found(l, alerts))
		c.within("at rest after it", time.Since(released), 0)
		c.say("p50 %s of the other channel, %d deliveries waited", heard.at(0.5).Round(time.Millisecond), waiting)
	})
}

// TestOneProcessIsCutOff lets a receiver refuse whatever comes from one of two servers: that one's breaker opens, and the other one sends
// what the first took in, soon.
func TestOneProcessIsCutOff(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres and Redis")
	}
	if runtime.GOOS != "linux" {
		t.Skip("nobody says which process sends what")
	}
	c := row(t, "C20", scaled, "one process cannot reach a receiver")
	f := newFleet(t)
	for _, h := range f.servers {
		h.settings["HUB_LEASE"] = "" // nothing is killed
	}
	f.start(f.servers[:]...)
	cut, other := f.servers[0], f.servers[1]
	var mu sync.Mutex
	refused := 0
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if senderOf(req.RemoteAddr, []int{cut.cmd.Process.Pid}) != 0 {
			mu.Lock()
			refused++
			mu.Unlock()
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		f.receiver.ServeHTTP(w, req)
	}))
	t.Cleanup(gate.Close)
	cut.channel("ops", gate.URL)
	time.Sleep(2 * seenIn)
	p := newPulse("Cut", cut)
	alerts := pick(40, 200)
	p.run(alerts, pick(10, 20))
	db := other.open(t)
	defer func() {
		if t.Failed() {
			t.Logf("%d are dead; what waits:\n%s", number(t, db, `SELECT count(*) FROM deliveries WHERE state = 'dead'`), dump(t, db))
		}
	}()
	heard := p.heard(t, f.receiver)
	l, rest := settle(t, other, db, time.Now())
	if l.Counts["delivered"] != int64(alerts) {
		t.Errorf("ledger %+v", l.Counts)
	}
	mu.Lock()
	defer mu.Unlock()
	if long() && refused > alerts/4 {
		t.Errorf("the server that is cut off has tried %d times", refused)
	}
	c.faults(refused)
	c.count(found(l, alerts))
	c.within("p99 by the other process", heard.at(0.99), 10*time.Second)
	c.within("at rest", rest, 0)
	testkit.Eventually(t, patience, func() bool { return cut.healthy() && other.healthy() }, "a server is not ready")
}
