//go:build unix

package crashtest

import (
	"hash/fnv"
	"syscall"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestFleet posts alerts to both servers of a hub of several processes while each process in turn is lost: servers, workers, Postgres and
// Redis by SIGKILL, Redis and a worker by SIGSTOP as well. One in eight notifications is refused the first time, so that there is always
// work that any process may take.
func TestFleet(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres and Redis")
	}
	c := row(t, "fleet", scaled, "each process lost in turn")
	f := newFleet(t)
	f.start(f.all()...)
	f.servers[0].tell(f.receiver)
	// Beside a full load two servers have too few slots for that, so that workers send as well.
	f.receiver.answerAfter(pick(20*time.Millisecond, 1200*time.Millisecond))
	f.receiver.refuse = func(visits int, key string) bool {
		h := fnv.New32a()
		_, _ = h.Write([]byte(key))
		return visits == 0 && h.Sum32()%8 == 0
	}
	alerts := pick(0, 10_000)
	loads := f.loads(pick(20, 50))
	began := time.Now()
	steps := []struct {
		name string
		do   func()
	}{
		{"kill server 1", func() { f.kill(f.servers[0]); f.start(f.servers[0]) }},
		{"kill worker 1", func() { f.kill(f.workers[0]); f.start(f.workers[0]) }},
		{"kill Redis", func() { f.must(f.redis.Kill()); f.calm(loads[:]); f.must(f.redis.Start()) }},
		{"kill server 2", func() { f.kill(f.servers[1]); f.calm(loads[:1]); f.start(f.servers[1]) }},
		{"stop worker 2", func() {
			resume := f.pause(f.workers[1])
			f.calm(loads[:])
			time.Sleep(fleetLease() + time.Second)
			resume()
		}},
		{"kill worker 2", func() { f.kill(f.workers[1]); f.calm(loads[:]); f.start(f.workers[1]) }},
		{"stop Redis", func() {
			f.must(f.redis.Signal(syscall.SIGSTOP))
			f.calm(loads[:])
			time.Sleep(pick(time.Second, 5*time.Second))
			f.must(f.redis.Signal(syscall.SIGCONT))
		}},
		{"kill Postgres", func() {
			f.must(f.postgres.Kill())
			f.restart()
		}},
	}
	faults := 0
	enough := func() bool {
		return faults >= len(steps) && len(loads[0].promises())+len(loads[1].promises()) >= alerts
	}
	for ; !enough(); faults++ {
		s := steps[faults%len(steps)]
		for _, l := range loads { // it takes alerts in before each fault
			l.wait(t, pick(5, 60))
		}
		t.Logf("%5.1f s: %s", time.Since(began).Seconds(), s.name)
		s.do()
	}
	for _, l := range loads {
		l.wait(t, 5)
		l.end()
	}
	took := time.Since(began)
	o := f.check(t, loads[:]...)
	c.faults(faults)
	c.count(o)
	c.within("load", took, 0)
	c.within("at rest", o.rest, 0)
	c.say("%s", f.shares())
}

// calm waits until each load got some more alerts in: a fault of others must not keep the servers from that.
func (f *fleet) calm(loads []*load) {
	f.t.Helper()
	for _, l := range loads {
		l.wait(f.t, 5)
	}
}

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// TestFleetFence stops a worker that has notifications on the wire for longer than its lease. Others take them over; when it goes on, its
// late answers change nothing and it sends none of them again.
func TestFleetFence(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres and Redis")
	}
	c := row(t, "C14", scaled, "worker stopped for longer than its lease")
	f := newFleet(t)
	first, late := f.servers[0], f.workers[0]
	f.start(first, late)
	first.tell(f.receiver)
	f.receiver.holdNext(1000)
	l := newLoad(first, 50)
	l.start(12)
	l.over.Wait()
	n := len(l.promises())
	f.receiver.waitHeld(t, n)
	f.kill(first) // all are taken over by the worker, the only process left
	f.receiver.waitHeld(t, 2*n)
	resume := f.pause(late)
	f.receiver.holdNext(0)
	f.start(f.servers[0], f.servers[1], f.workers[1])
	testkit.Eventually(t, patience, func() bool {
		var now ledger
		return first.get("/api/v1/ledger", &now) == nil && now.Counts["pending"] == 0 && now.Counts["delivered"] == int64(n)
	}, "nobody takes over what a stopped worker holds")
	before := f.receiver.came()
	f.receiver.release() // the late worker finds its answers when it goes on
	resume()
	// An orderly end books all outcomes, and gives back what it has.
	if _, code := late.terminate(nil); code != 0 {
		t.Errorf("the worker ended with %d", code)
	}
	f.start(late)
	l.start(12)
	l.over.Wait()
	o := f.check(t, l)
	again := 0
	for key, trail := range f.receiver.came() {
		if was, ok := before[key]; ok {
			again += len(trail) - len(was)
		}
	}
	if again != 0 {
		t.Errorf("%d notifications were sent after others had taken them over and delivered them", again)
	}
	c.faults(2)
	c.count(o)
	c.say("lease %s, sent again after it went on: %d", fleetLease(), again)
}
