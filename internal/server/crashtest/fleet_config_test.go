//go:build unix

package crashtest

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// seenIn is the bar for all processes to follow a change of the configuration in one of them.
const seenIn = 2 * time.Second

// TestFleetConfig turns a channel off through one server: the other one tells it nothing any more, and workers that are left alone do not
// send what waits for it.
func TestFleetConfig(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres and Redis")
	}
	c := row(t, "config", scaled, "channel switched off and on")
	f := newFleet(t)
	f.start(f.all()...)
	one, two := f.servers[0], f.servers[1]
	one.tell(f.receiver)
	probe := newLoad(two, 1)
	// told posts an alert to the second server and reports whether the channel was told of it.
	told := func(n int) bool {
		before := len(probe.promises())
		testkit.Eventually(t, patience, func() bool { probe.push(n); return len(probe.promises()) > before }, "the second server takes nothing in")
		f.settled(two)
		alert := probe.promises()[before].alert
		return len(f.receiver.keys()[alert]) > 0
	}
	n := 0
	until := func(want bool, changed time.Time) (took time.Duration) {
		t.Helper()
		testkit.Eventually(t, patience, func() bool {
			took = time.Since(changed)
			n++
			return told(n) == want
		}, "the second server does not follow")
		for range 3 {
			if n++; told(n) != want {
				t.Errorf("the second server has followed a change, and then not: told %t", !want)
			}
		}
		return took
	}
	made := until(true, time.Now())
	off := until(false, f.setActive(one, false))
	on := until(true, f.setActive(one, true))
	c.within("server follows", max(made, off, on), seenIn)

	// Workers that are left alone deliver what was refused until then, so they know the channel.
	var alone atomic.Bool
	f.receiver.refuse = func(int, string) bool { return !alone.Load() } // nothing is under way now
	known := newLoad(one, 50)
	known.sent.Add(600_000)
	known.start(4)
	known.over.Wait()
	testkit.Eventually(t, patience, func() bool {
		return f.count(`state IN ('pending', 'sending') AND attempts > 0`) == len(known.promises())
	}, "nothing is refused")
	f.kill(two)
	f.kill(one)
	alone.Store(true)
	testkit.Eventually(t, patience, func() bool { return f.count(`state = 'delivered' AND attempts > 1`) == len(known.promises()) },
		"workers do not deliver to a channel that is newer than they are")
	f.start(one, two)

	f.receiver.refuse = func(int, string) bool { return true }
	l := newLoad(one, 50)
	l.sent.Add(700_000)
	l.start(4) // fewer failures in a row than open a breaker, which would keep workers from sending as well
	l.over.Wait()
	waiting := len(l.promises())
	refused := func() (keys int, last time.Time) {
		for _, trail := range f.receiver.came() {
			if v := trail[len(trail)-1]; v.refused {
				keys++
				if v.at.After(last) {
					last = v.at
				}
			}
		}
		return keys, last
	}
	testkit.Eventually(t, patience, func() bool { keys, _ := refused(); return keys == waiting }, "not all are sent")
	f.kill(two)
	changed := f.setActive(one, false)
	f.kill(one)
	testkit.Eventually(t, patience, func() bool { return f.count(`state = 'dead' AND reason = 'channel_gone'`) == waiting }, "workers do not give up what they may not send")
	_, last := refused()
	workers := max(0, last.Sub(changed))
	c.within("workers follow", workers, seenIn)
	f.start(one)
	f.settled(one)
	var books ledger
	testkit.Eventually(t, patience, func() bool { return one.get("/api/v1/ledger", &books) == nil && books.Balanced }, "the books do not balance")
	sum := int64(0)
	for _, n := range books.Counts {
		sum += n
	}
	if accepted := len(probe.promises()) + len(known.promises()) + waiting; sum < int64(accepted) {
		t.Errorf("%d accepted, the books have %+v", accepted, books.Counts)
	}
}

// settled waits until nothing is pending.
func (f *fleet) settled(h *hub) {
	f.t.Helper()
	testkit.Eventually(f.t, patience, func() bool {
		var l ledger
		return h.get("/api/v1/ledger", &l) == nil && l.Counts["pending"] == 0
	}, "something stays pending")
}

// setActive changes the channel through h, and says when that was done.
func (f *fleet) setActive(h *hub, active bool) time.Time {
	f.t.Helper()
	body := `{"is_active":false}`
	if active {
		body = `{"is_active":true}`
	}
	if a, err := h.do(http.MethodPatch, "/api/v1/channels/ops", []byte(body)); err != nil || a.status != http.StatusOK {
		f.t.Fatalf("change the channel: %d %s %v", a.status, a.body, err)
	}
	return time.Now()
}

// count counts deliveries to the receiver.
func (f *fleet) count(where string) (n int) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.postgres.URL())
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(f.t.Context()))
	if err := conn.QueryRow(f.t.Context(), `SELECT count(*) FROM deliveries d JOIN channels c ON c.id = d.channel_id AND c.driver <> 'inbox' WHERE `+
		where).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}
