//go:build unix

package worker_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/worker"
)

// back is how long rings may need after Redis has returned, which is what is promised.
const back = 30 * time.Second

// long is more than anything waits that gives a hanging Redis 2 s.
const long = 9 * time.Second

// diary keeps what is logged above debug.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

func (d *diary) count(text string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), text)
}

// pair is one process that rings and one that works, on one Redis; what the first logs goes into the diary.
func pair(t *testing.T, url string) (rings, hears *worker.Bell, log *diary) {
	t.Helper()
	log = &diary{}
	rings, err := worker.NewBell(worker.Config{URL: secret.NewString(url), Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := rings.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rings.Stop(context.WithoutCancel(t.Context())) })
	return rings, open(t, url, worker.Queues()...), log
}

// works rings until it is heard.
func works(t *testing.T, rings, hears *worker.Bell, when string) {
	t.Helper()
	began := time.Now()
	testkit.Eventually(t, back, func() bool {
		rings.Ring("ingest")
		return isRung(hears, "ingest", 20*time.Millisecond)
	}, when+": no ring is heard")
	t.Logf("%s: heard after %v", when, time.Since(began).Round(time.Millisecond))
}

// silence drains what is still on the way.
func silence(b *worker.Bell) {
	for isRung(b, "ingest", 200*time.Millisecond) {
		continue
	}
}

// fast rings n times and fails when a caller had to wait.
func fast(t *testing.T, rings *worker.Bell, n int) {
	t.Helper()
	quick(t, n, func() { rings.Ring("ingest") })
}

// quick does it n times and fails when that had to wait. One time may be this test losing its core; waiting for Redis would be a second, and
// again when it is done again.
func quick(t *testing.T, n int, do func()) {
	t.Helper()
	var longest, mean time.Duration
	for range 3 {
		longest = 0
		all := time.Now()
		for range n {
			began := time.Now()
			do()
			longest = max(longest, time.Since(began))
		}
		if mean = time.Since(all) / time.Duration(n); mean <= time.Millisecond && longest <= 500*time.Millisecond {
			return
		}
	}
	t.Errorf("it took %v on average and %v at most", mean, longest)
}

func TestRedisComesLate(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	rings, hears, log := pair(t, r.URL())
	fast(t, rings, 1000)
	testkit.Eventually(t, back, func() bool { return rings.Rings().Failed > 1 }, "nothing was tried")
	if isRung(hears, "ingest", 0) {
		t.Fatal("heard without Redis")
	}
	if away := rings.View(t.Context()).Away; !strings.HasPrefix(away, "Redis is away since 2") || !strings.Contains(away, "connection refused") {
		t.Errorf("the view says %q", away)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	if !isRung(hears, "ingest", back) { // what was rung meanwhile
		t.Error("rings from before are not heard")
	}
	works(t, rings, hears, "Redis came late")
	if a, b := log.count("Redis is away"), log.count("Redis is back"); a != 1 || b != 1 {
		t.Errorf("logged %d times that Redis is away and %d times that it is back", a, b)
	}
}

func TestRedisIsKilledAndComesBackEmpty(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	rings, hears, log := pair(t, r.URL())
	for n := range 2 {
		works(t, rings, hears, "before")
		if err := r.Kill(); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, back, func() bool {
			rings.Ring("ingest")
			return log.count("Redis is away") == n+1
		}, "nobody notices that Redis is gone")
		fast(t, rings, 1000)
		silence(hears)
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
		works(t, rings, hears, "killed and restarted")
	}
	testkit.Eventually(t, back, func() bool {
		v := rings.View(t.Context())
		return v.Away == "" && v.Queues[0].Processed > 0 && len(v.Servers) == 1
	}, "the view does not recover")
}

func TestFlushAll(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	rings, hears, log := pair(t, r.URL())
	client := dial(t, r.URL())
	heard := hear(t, hears, "ingest")
	flushed := 0
	testkit.Eventually(t, back, func() bool {
		if err := client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		flushed++
		rings.Ring("ingest")
		time.Sleep(10 * time.Millisecond)
		return flushed >= 100 && heard() >= 20
	}, "rings are not heard between one FLUSHALL and the next")
	before := heard()
	rings.Ring("ingest")
	testkit.Eventually(t, back, func() bool { return heard() > before }, "nothing is heard after FLUSHALL")
	testkit.Eventually(t, back, func() bool { // the list of queues is written anew, and servers report
		rings.Ring("ingest")
		v := rings.View(t.Context())
		return v.Away == "" && v.Queues[0].Processed > 0 && len(v.Servers) == 1
	}, "the view does not recover")
	if log.count("Redis is away") > 0 {
		t.Error("an empty Redis was taken for one that is away")
	}
}

func TestRedisHangs(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	rings, hears, log := pair(t, r.URL())
	leaves := open(t, r.URL(), worker.Queues()...)
	works(t, rings, hears, "before")
	if err := r.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	fast(t, rings, 1000)
	view, viewed := make(chan worker.View, 1), time.Duration(0)
	began := time.Now()
	go func() {
		v := hears.View(t.Context())
		viewed = time.Since(began)
		view <- v
	}()
	leaves.Stop(t.Context())
	if took := time.Since(began); took > long {
		t.Errorf("Stop took %v", took)
	}
	if v := <-view; v.Away == "" || viewed > long {
		t.Errorf("view %+v after %v", v, viewed)
	}
	testkit.Eventually(t, back, func() bool { return log.count("Redis is away") == 1 }, "nobody notices that Redis hangs")
	fast(t, rings, 1000)
	silence(hears)
	if err := r.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	works(t, rings, hears, "Redis goes on")
	if a, b := log.count("Redis is away"), log.count("Redis is back"); a != 1 || b > 1 {
		t.Errorf("logged %d times that Redis is away and %d times that it is back", a, b)
	}
}

func TestRedisDropsConnections(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	rings, hears, _ := pair(t, r.URL())
	client := dial(t, r.URL())
	for range 50 {
		if err := client.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
			t.Fatal(err)
		}
		rings.Ring("ingest")
		time.Sleep(10 * time.Millisecond)
	}
	silence(hears)
	works(t, rings, hears, "connections were dropped")
}

// TestRedisIsFull has reads that work and writes that do not: that must not flutter.
func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	rings, hears, log := pair(t, r.URL())
	works(t, rings, hears, "before")
	client := dial(t, r.URL())
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, back, func() bool {
		rings.Ring("ingest")
		return log.count("Redis is away") == 1
	}, "nobody notices that Redis is full")
	failed := rings.Rings().Failed
	testkit.Eventually(t, back, func() bool { return rings.Rings().Failed >= failed+3 }, "nothing is tried again")
	if log.count("Redis is back") != 0 || !strings.Contains(rings.View(t.Context()).Away, "OOM") {
		t.Errorf("view %+v", rings.View(t.Context()))
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	silence(hears)
	works(t, rings, hears, "Redis has room again")
	testkit.Eventually(t, back, func() bool { return log.count("Redis is back") == 1 }, "the return is not logged")
	if log.count("Redis is away") != 1 {
		t.Error("the state flutters")
	}
}
