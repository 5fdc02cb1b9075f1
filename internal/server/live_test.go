package server_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// stream is what a reader of a hub's events was told.
type stream struct {
	mu    sync.Mutex
	lines []string
}

func (s *stream) count(line string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if l == line {
			n++
		}
	}
	return n
}

// follow reads the events of h until the test ends. It returns when the stream is open.
func follow(t *testing.T, h *servertest.Hub) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/api/v1/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+servertest.AdminKey)
	transport := &http.Transport{}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{}
	var work sync.WaitGroup
	work.Go(func() {
		in := bufio.NewScanner(res.Body)
		for in.Scan() {
			s.mu.Lock()
			s.lines = append(s.lines, in.Text())
			s.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = res.Body.Close()
		work.Wait()
		transport.CloseIdleConnections()
	})
	testkit.Eventually(t, time.Minute, func() bool { return s.count("event: reload") > 0 }, "the stream does not open")
	return s
}

// pair is two hubs on one database.
func pair(t *testing.T, env map[string]string) (a, b *servertest.Hub) {
	t.Helper()
	env["HUB_DATABASE_URL"] = servertest.Postgres(t)
	env["HUB_SECRET_KEY"] = "a passphrase of at least thirty-two characters"
	return servertest.Start(t, env), servertest.Start(t, env)
}

// TestChangesReachPagesOfOtherServers posts alerts to one server and reads the events of the other.
func TestChangesReachPagesOfOtherServers(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	a, b := pair(t, map[string]string{"HUB_REDIS_URL": r.URL()})
	of := follow(t, b)
	post := func(name string) {
		t.Helper()
		if status, body := a.Do(http.MethodPost, "/alerts/webhook/alertmanager", servertest.Fire(name)); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, body)
		}
	}
	// Both servers take jobs, so an act is what tells for sure: only the server that is asked does it.
	post("Disk")
	var incident string
	testkit.Eventually(t, time.Minute, func() bool {
		_, body := b.Do(http.MethodGet, "/api/v1/incidents", nil)
		_, rest, ok := strings.Cut(string(body), `"id":"`)
		if ok {
			incident = rest[:36]
		}
		return ok
	}, "no incident")
	note := func(h *servertest.Hub) {
		t.Helper()
		if status, body := h.Do(http.MethodPost, "/api/v1/incidents/"+incident+"/notes", map[string]string{"text": "seen"}); status/100 != 2 {
			t.Fatalf("%d %s", status, body)
		}
	}
	told := func() int { return of.count(`data: {"id":"` + incident + `"}`) }
	// settled is how often it was told when nothing more comes.
	settled := func() (n int) {
		t.Helper()
		a.Rest()
		a.Over()
		n = -1
		for same, end := 0, time.Now().Add(2*time.Minute); same < 4; same++ {
			if now := told(); now != n {
				n, same = now, 0
			}
			if time.Now().After(end) {
				t.Fatalf("told %d times, and it goes on", n)
			}
			time.Sleep(500 * time.Millisecond)
		}
		return n
	}
	for _, when := range []string{"at first", "again"} {
		testkit.Eventually(t, time.Minute, func() bool {
			before := told()
			note(a)
			time.Sleep(500 * time.Millisecond) // streams write five times a second at most
			return told() > before
		}, when+": the other server's readers are told nothing")
	}
	before := settled()
	note(b)
	testkit.Eventually(t, time.Minute, func() bool { return told() > before }, "an act on the reader's own server is not told")
	if n := settled() - before; n != 1 {
		t.Errorf("an act on the reader's own server is told %d times", n)
	}

	// Without Redis: nothing waits, readers are told to read everything, and the queues say why.
	reloads := of.count("event: reload")
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	note(a)
	post("Memory")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("without Redis an act and an alert took %v", took)
	}
	testkit.Eventually(t, 2*time.Minute, func() bool { return of.count("event: reload") > reloads }, "nobody tells the readers to read anew")
	testkit.Eventually(t, time.Minute, func() bool {
		_, body := b.Do(http.MethodGet, "/api/v1/queues", nil)
		return strings.Contains(string(body), `"away":"Redis is away since `)
	}, "the queues do not say that Redis is away")
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 2*time.Minute, func() bool {
		before := told()
		note(a)
		time.Sleep(500 * time.Millisecond)
		return told() > before
	}, "after the return of Redis the readers are told nothing")
	testkit.Eventually(t, time.Minute, func() bool {
		_, body := b.Do(http.MethodGet, "/api/v1/queues", nil)
		return strings.Contains(string(body), `"away":""`) && strings.Count(string(body), `"pid":`) == 2
	}, "the queues do not show both processes")
}

// TestReadersWithoutRedis: on a shared database without Redis nobody tells a server what others do.
func TestReadersWithoutRedis(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits for ten seconds")
	}
	_, b := pair(t, map[string]string{})
	alone := servertest.Start(t, nil)
	of, ofAlone := follow(t, b), follow(t, alone)

	testkit.Eventually(t, time.Minute, func() bool { return of.count("event: reload") >= 2 }, "no reload")
	if n := ofAlone.count("event: reload"); n != 1 {
		t.Errorf("a hub of one process tells its readers %d times to read everything", n)
	}
	_, body := b.Do(http.MethodGet, "/api/v1/queues", nil)
	if !strings.Contains(string(body), `"kind":"local"`) {
		t.Errorf("%s", body)
	}
}
