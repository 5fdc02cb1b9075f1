//go:build unix

package crashtest

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestBackendKilled kills a process that Postgres works for the hub with: the server drops all connections and recovers by itself.
func TestBackendKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres")
	}
	c := row(t, "C7", "Postgres", "backend killed")
	p := testkit.OwnPostgres(t)
	h, r := newHub(t, p.URL(), nil), newReceiver(t)
	r.answerAfter(100 * time.Millisecond) // so that some are always on the wire
	h.start()
	h.tell(r)
	l := newLoad(h, rate())
	l.start(0)
	times := pick(2, 10)
	for range times {
		l.wait(t, pick(20, 80))
		pid := backend(t, p.URL())
		l.mark() // before it: the server may be back before this test goes on
		killed := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, patience, func() bool { refused, _ := l.since(); return len(refused) > 0 }, "nothing was refused, so nothing happened")
		l.mark()
		testkit.Eventually(t, patience, func() bool { _, first := l.since(); return !first.IsZero() && h.healthy() }, "the hub does not come back")
		c.within("back", time.Since(killed), backIn)
	}
	l.end()
	if l.silent != 0 {
		t.Errorf("%d alerts got no answer", l.silent)
	}
	o := (&audit{hub: h, load: l, receiver: r}).check(t)
	c.faults(times)
	c.count(o)
	c.within("at rest", o.rest, 0)
}

// backend is a process of Postgres that commits for the hub.
func backend(t *testing.T, url string) (pid int) {
	t.Helper()
	testkit.Eventually(t, patience, func() bool {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return false
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		return conn.QueryRow(t.Context(), `SELECT pid FROM pg_stat_activity WHERE application_name = 'incidenthub-hot'
			ORDER BY state_change DESC LIMIT 1`).Scan(&pid) == nil
	}, "Postgres does not work for the hub")
	return pid
}

// TestNoConnections takes all connections that Postgres has: 503 meanwhile. With a few left, fewer than the hub has use for, it goes on;
// nobody waits for a connection while holding another one for ever.
func TestNoConnections(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres")
	}
	c := row(t, "C9", "Postgres", "max_connections used up")
	p := testkit.OwnPostgres(t, "max_connections=24")
	h, r := newHub(t, p.URL(), nil), newReceiver(t)
	h.start()
	h.tell(r)
	l := newLoad(h, rate())
	l.start(0)
	times := pick(1, 3)
	for range times {
		l.wait(t, 20)
		g := &greedy{t: t, url: p.URL()}
		g.all()
		l.mark()
		testkit.Eventually(t, patience, func() bool { refused, _ := l.since(); return refused[http.StatusServiceUnavailable] > 0 }, "no 503s")
		time.Sleep(pick(time.Second, 5*time.Second))
		if h.healthy() {
			t.Error("ready without a connection")
		}
		if a, err := h.do(http.MethodGet, "/livez", nil); err != nil || a.status != http.StatusOK {
			t.Errorf("not alive without a connection: %d %v", a.status, err)
		}
		g.leave(3)
		few := time.Now()
		l.wait(t, 20)
		c.within("20 alerts with three connections", time.Since(few), backIn)
		g.leave(len(g.held))
		back := time.Now()
		l.mark()
		testkit.Eventually(t, patience, func() bool { _, first := l.since(); return !first.IsZero() && h.healthy() }, "the hub does not come back")
		c.within("back", time.Since(back), backIn)
	}
	l.end()
	if l.silent != 0 {
		t.Errorf("%d alerts got no answer", l.silent)
	}
	o := (&audit{hub: h, load: l, receiver: r}).check(t)
	c.faults(times)
	c.count(o)
	c.within("at rest", o.rest, 0)
}

// greedy takes connections.
type greedy struct {
	t    *testing.T
	url  string
	held []*pgx.Conn
}

// all takes every connection there is, the hub's as well.
func (g *greedy) all() {
	g.t.Helper()
	g.t.Cleanup(func() { g.leave(len(g.held)) })
	most := 1
	without := 0 // looks in a row: one that is just being made is not seen
	testkit.Eventually(g.t, patience, func() bool {
		for {
			conn, err := pgx.Connect(g.t.Context(), g.url)
			if err != nil {
				if !strings.Contains(err.Error(), "53300") { // too_many_connections
					g.t.Fatal(err)
				}
				break
			}
			g.held = append(g.held, conn)
		}
		var hubs int
		if err := g.held[0].QueryRow(g.t.Context(), `SELECT count(pg_terminate_backend(pid)), current_setting('max_connections')::int
			FROM pg_stat_activity WHERE application_name LIKE 'incidenthub%'`).Scan(&hubs, &most); err != nil {
			g.t.Fatal(err)
		}
		if without++; hubs > 0 || len(g.held) < most { // who is not seen yet may be on its way in
			without = 0
		}
		return without == 5
	}, "the hub keeps connections")
}

// leave gives n connections back.
func (g *greedy) leave(n int) {
	for _, conn := range g.held[len(g.held)-n:] {
		_ = conn.Close(context.WithoutCancel(g.t.Context()))
	}
	g.held = g.held[:len(g.held)-n]
}
