//go:build unix

package crashtest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestRest has the hub work and rest: what it took for that (goroutines, files, connections to the database) it gives back.
func TestRest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C26", engine, "10,000 alerts, then rest")
		h, r := newHub(t, url, nil), newReceiver(t)
		h.start()
		h.tell(r)
		work := func(n, from int) *load {
			l := newLoad(h, 1000)
			l.sent.Add(int64(from))
			l.start(n)
			l.over.Wait()
			return l
		}
		db := h.open(t)
		first := work(pick(100, 1000), 0) // which opens what stays open
		settle(t, h, db, time.Now())
		before := quiet(t, h, r, nil)
		second := work(pick(500, 10_000), 100_000)
		l, rest := settle(t, h, db, time.Now())
		peak := held(t, h)
		at := time.Now()
		after := quiet(t, h, r, before)
		accepted := len(first.promises()) + len(second.promises())
		o := found(l, accepted)
		if o.lost != 0 || l.Counts["delivered"] != int64(accepted) {
			t.Errorf("%d accepted, ledger %+v", accepted, l.Counts)
		}
		c.faults(1)
		c.count(o)
		c.within("at rest", rest, 0)
		c.within("all given back", time.Since(at), 0)
		for _, what := range []string{"goroutines", "files", connections} {
			if before[what] > 0 {
				c.say("%s %d before, %d right after it, %d at rest", what, before[what], peak[what], after[what])
			}
		}
	})
}

// allowed is how much of something the hub may hold at rest: a tenth more than before, and one. How many connections to the database stay
// open depends on how often two questions meet, on a busy machine more often than on a quiet one: the short form wants no more than the
// pools keep for the next ones.
func allowed(h *hub, what string, before int) int {
	if what == connections && !long() {
		if h.settings["HUB_DATABASE_URL"] == "" {
			return 1 + 4 // who writes, and who reads
		}
		return 4 + 10
	}
	return before + before/10 + 1
}

// quiet waits until the hub holds no more than it may after what it held before, or, without that, until it holds as little as it will.
func quiet(t *testing.T, h *hub, r *receiver, before map[string]int) (now map[string]int) {
	t.Helper()
	h.client.CloseIdleConnections()
	if !long() || before == nil { // the long form waits until the hub closes what it does not use
		r.server.CloseClientConnections()
	}
	if before == nil {
		// On a busy machine there is always a look at some queue under way: what counts is the least that is seen, when it goes no lower.
		for same := 0; same < 15; same++ {
			time.Sleep(200 * time.Millisecond)
			for what, n := range held(t, h) {
				if least, known := now[what]; !known || n < least {
					if now == nil {
						now = map[string]int{}
					}
					now[what], same = n, 0
				}
			}
		}
		return now
	}
	var excess []string // what is too much
	defer func() {
		if excess != nil {
			t.Logf("it holds %q", excess)
		}
	}()
	testkit.Eventually(t, patience, func() bool {
		time.Sleep(100 * time.Millisecond)
		excess, now = nil, held(t, h)
		for what, n := range now {
			if most := allowed(h, what, before[what]); n > most {
				excess = append(excess, fmt.Sprintf("%d %s, before %d, at most %d", n, what, before[what], most))
			}
		}
		return excess == nil
	}, "the hub does not give back what it took")
	return now
}

// connections are to the database, on Linux also those to SQLite's file; they do not count as files.
const connections = "database connections"

// held is what the hub holds now, by its own account and by the database's. Both are of one moment: else a connection that was opened in between
// would be missing among the files.
func held(t *testing.T, h *hub) (out map[string]int) {
	t.Helper()
	testkit.Eventually(t, patience, func() bool {
		n, files := connected(t, h)
		out = accounted(t, h)
		out[connections] = n
		if out["files"] > 0 { // else nobody counts them here
			out["files"] -= files
		}
		again, of := connected(t, h)
		return again == n && of == files
	}, "the hub opens and closes connections all the time")
	return out
}

// accounted is what the hub holds by its own account.
func accounted(t *testing.T, h *hub) map[string]int {
	t.Helper()
	a, err := h.do(http.MethodGet, "/metrics", nil)
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("read the metrics: %d %v", a.status, err)
	}
	out := map[string]int{}
	for line := range strings.Lines(string(a.body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		what := map[string]string{"go_goroutines": "goroutines", "process_open_fds": "files"}[name]
		if what == "" {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		out[what] = int(n)
	}
	if out["goroutines"] == 0 {
		t.Fatalf("the metrics say nothing: %s", a.body)
	}
	return out
}

// connected is how many connections to its database the hub has, and how many of its files these are: of those to SQLite some are of its log.
func connected(t *testing.T, h *hub) (n, files int) {
	t.Helper()
	if url := h.settings["HUB_DATABASE_URL"]; url != "" {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND application_name LIKE 'incidenthub%'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n, n
	}
	h.mu.Lock()
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", h.cmd.Process.Pid))
	h.mu.Unlock()
	for _, f := range all {
		switch to, _ := os.Readlink(f); {
		case to == h.database():
			n++
			files++
		case strings.HasPrefix(to, h.database()): // its log
			files++
		}
	}
	return n, files
}
