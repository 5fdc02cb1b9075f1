package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestLine: a burst to a channel that answers quickly goes out from where it was planned, each once, and never on more connections than the
// channel may have. When the channel begins to fail, those in line go back to the queue unharmed.
func TestLine(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var now, most, tries atomic.Int64
		var broken atomic.Bool
		var mu sync.Mutex
		seen := map[string]int{}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			raise(&most, n)
			tries.Add(1)
			time.Sleep(2 * time.Millisecond)
			if broken.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen[r.Header.Get("Idempotency-Key")]++
		}))
		t.Cleanup(srv.Close)
		c := startCore(t, url, nil)
		c.tells(t, &receiver{Server: srv})
		c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"tell"},`+tellOps+`]`)
		burst := func(from, n int) string {
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("a%d", from+i)
			}
			return am("firing", names...)
		}
		count := func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(seen)
		}
		c.push(t, burst(0, 20)) // how quick it is must be known
		testkit.Eventually(t, time.Minute, func() bool { return count() == 20 }, "the first are not told")
		c.push(t, burst(1000, 400))
		testkit.Eventually(t, 2*time.Minute, func() bool { return count() == 420 }, "not all are told")
		c.rest(t)
		mu.Lock()
		for key, n := range seen {
			if n != 1 {
				t.Errorf("%s was sent %d times", key, n)
			}
		}
		mu.Unlock()
		if n := most.Load(); n > 48 {
			t.Errorf("%d sends at once", n)
		}
		broken.Store(true)
		before := tries.Load()
		c.push(t, burst(2000, 300))
		testkit.Eventually(t, time.Minute, func() bool { return tries.Load() > before }, "nothing was tried")
		time.Sleep(500 * time.Millisecond)
		if n := tries.Load() - before; n > 200 {
			t.Errorf("%d tries of a channel that fails", n)
		}
		var lost int64
		if err := c.db.Read(t.Context()).Raw(`SELECT count(*) FROM deliveries d WHERE d.state IN ('pending', 'sending') AND NOT EXISTS (
			SELECT 1 FROM jobs j WHERE j.kind = 'deliver' AND j.ref = d.id)`).Scan(&lost).Error; err != nil || lost != 0 {
			t.Errorf("%d deliveries without a job, %v", lost, err)
		}
		if !strings.Contains(fmt.Sprint(c.counts(t)), "pending") {
			t.Errorf("the ledger says %v", c.counts(t))
		}
	})
}

// raise makes most n, if it is less.
func raise(most *atomic.Int64, n int64) {
	for m := most.Load(); m < n; m = most.Load() {
		if most.CompareAndSwap(m, n) {
			return
		}
	}
}
