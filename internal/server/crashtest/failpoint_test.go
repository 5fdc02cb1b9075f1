//go:build unix

package crashtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// failVariable names the point and the hit at which a hub under test dies (internal/platform/failpoint).
const failVariable = "HUB_FAILPOINT"

// shortLease is how long work is held in tests that lose a process again and again: as that of a fleet.
func shortLease() time.Duration { return fleetLease() }

// taken is the bar for the work of a lost process where a lease lasts lease: 45 s with the product's 30.
func taken(lease time.Duration) time.Duration { return lease + 15*time.Second }

// failTimes is how often a process dies at each point, and failWithin at which of its first hits.
func failTimes() int { return pick(2, 20) }

const failWithin = 12

// TestFailpoints kills a hub of one process exactly at each of the points where one thing is done and the next is not. What it held is
// taken up by its next start.
func TestFailpoints(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	one := slices.DeleteFunc(failpoint.Points(), func(p failpoint.Point) bool {
		return p == failpoint.Rung || p == failpoint.Deciding || p == failpoint.Decided // there is no Redis, and nothing is told but pushes
	})
	slowly(t, func(t *testing.T, engine, url string) {
		if !long() {
			(&pointed{t: t, c: row(t, "C2", engine, "kill -9 at each point"), url: url, points: one}).run()
			return
		}
		for _, p := range one {
			t.Run(string(p), func(t *testing.T) {
				t.Parallel()
				url := url
				if url != "" {
					url = testkit.DurablePostgres(t)
				}
				(&pointed{t: t, c: row(t, "C2", engine, "kill -9 at "+string(p)), url: url, points: []failpoint.Point{p}}).run()
			})
		}
	})
}

func needsFailpoints(t *testing.T) {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("-short: takes seconds")
	case !failpoint.Built:
		row(t, "C2", "", "kill -9 at failpoints")
		t.Skip("built without failpoints: add -tags chaos, as make test does")
	}
}

// pointed kills a hub of one process at points.
type pointed struct {
	t      *testing.T
	c      recorder
	url    string
	points []failpoint.Point
}

func (p *pointed) run() {
	t := p.t
	h, r := newHub(t, p.url, map[string]string{"HUB_LEASE": shortLease().String()}), newReceiver(t)
	h.await(h.spawn())
	h.tell(r)
	if slices.Contains(p.points, failpoint.Claimed) { // other work goes on in place, and is never claimed
		r.refuse = func(visits int, _ string) bool { return visits == 0 && len(r.trails)%4 == 0 }
	}
	l := newLoad(h, 20)
	w := newWitness(h, l, r)
	l.start(0)
	random := rand.New(rand.NewPCG(1, 1))
	faults := 0
	for range failTimes() {
		for _, point := range p.points {
			h.kill()
			r.forget()
			w.look(t)
			l.allow(0)
			killed := h.die(point, 1+random.IntN(failWithin))
			faults++
			w.look(t)
			if !long() {
				continue
			}
			l.hold()
			h.await(h.spawn())
			p.c.within("taken up", h.caughtUp(killed), taken(shortLease()))
		}
	}
	if !long() {
		h.await(h.spawn())
	}
	l.allow(0)
	l.wait(t, 5)
	l.end()
	o := (&audit{hub: h, load: l, receiver: r, witness: w}).check(t)
	p.c.faults(faults)
	p.c.count(o)
	plausible(t, p.points, o)
}

// plausible checks that processes died where they should: what is on the wire then is on its way, and what was answered comes again.
func plausible(t *testing.T, points []failpoint.Point, o outcome) {
	t.Helper()
	switch {
	case len(points) > 1:
	case points[0] == failpoint.BeforeSend && o.onWay < failTimes():
		t.Errorf("%d deaths before a send, %d deliveries were on their way", failTimes(), o.onWay)
	case points[0] == failpoint.AfterSend && o.repeats < failTimes():
		t.Errorf("%d deaths after an answer, %d repeats", failTimes(), o.repeats)
	}
}

// die starts a hub that dies at a point, and waits until it has. A load must be on.
func (h *hub) die(point failpoint.Point, hit int) time.Time {
	h.t.Helper()
	_, address := h.arm(point, hit)
	return h.dead(address)
}

// arm starts a hub that will die at a point.
func (h *hub) arm(point failpoint.Point, hit int) (started time.Time, address <-chan string) {
	h.t.Helper()
	h.settings[failVariable] = fmt.Sprintf("%s@%d", point, hit)
	defer delete(h.settings, failVariable)
	return h.spawn()
}

// dead waits until a hub that was just spawned has died by itself.
func (h *hub) dead(address <-chan string) time.Time {
	h.t.Helper()
	if a := <-address; a != "" { // else it has died before it could say so
		h.mu.Lock()
		h.addr = a
		h.mu.Unlock()
	}
	return h.died()
}

// died waits until a hub has died by itself.
func (h *hub) died() time.Time {
	h.t.Helper()
	h.mu.Lock()
	cmd, gone := h.cmd, h.gone
	h.mu.Unlock()
	select {
	case <-gone:
	case <-time.After(patience):
		h.t.Fatalf("the hub has not come to the point where it dies")
	}
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGKILL {
		h.t.Fatalf("the hub ended by itself: %s\n%s", cmd.ProcessState, h.tail(2000))
	}
	killed := time.Now()
	h.kill()
	return killed
}

// caughtUp waits until nothing is pending and returns the time since.
func (h *hub) caughtUp(since time.Time) time.Duration {
	h.t.Helper()
	testkit.Eventually(h.t, patience, func() bool {
		time.Sleep(30 * time.Millisecond)
		var l ledger
		return h.get("/api/v1/ledger", &l) == nil && l.Counts["pending"] == 0
	}, "something stays pending")
	return time.Since(since)
}

// looked is a pipeline with a node that takes its time: any process executes it.
const looked = `{"version":"1.0","defaults":{"max_retries":20,"backoff_factor":1},"nodes":[
	{"id":"in","type":"ingest","config":{},"next":"look"},
	{"id":"look","type":"context","config":{},"next":"tell"},
	{"id":"tell","type":"notify","config":{"channels":["*"]}}]}`

// place is where a process of a fleet dies.
type place struct {
	point  failpoint.Point
	victim func(f *fleet) *hub
	slow   bool // with a node that workers execute
}

func (p place) String() string {
	if p.slow {
		return string(p.point) + " of a slow node"
	}
	return string(p.point)
}

func places() []place {
	server, worker := func(f *fleet) *hub { return f.servers[1] }, func(f *fleet) *hub { return f.workers[1] }
	return []place{
		{failpoint.Committed, server, false},
		{failpoint.Rung, server, false},
		{failpoint.NodeCommitted, server, false},
		{failpoint.Claimed, worker, false},
		{failpoint.BeforeSend, worker, false},
		{failpoint.AfterSend, worker, false},
		{failpoint.NodeCommitted, worker, true},
	}
}

// TestFleetFailpoints kills a server or a worker of a hub of several processes exactly at each point. Servers take in and fold, workers do
// the rest, so nothing is told unless one process leaves work to another. What the dead one held is taken up by those that live.
func TestFleetFailpoints(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	groups := [][]place{places()}
	if long() {
		groups = nil
		for _, p := range places() {
			groups = append(groups, []place{p})
		}
	}
	for _, list := range groups {
		name := "each point"
		if len(list) == 1 {
			name = list[0].String()
		}
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			c := row(t, "C2", scaled, "kill -9 at "+name)
			dieAt(t, c, newDistant(t), shortLease(), failTimes(), list)
		})
	}
}

// TestFleetTakenUp loses a worker that has the product's lease.
func TestFleetTakenUp(t *testing.T) {
	t.Parallel()
	needsFailpoints(t)
	if !long() {
		t.Skip("takes a minute: long form only")
	}
	c := row(t, "C2", scaled, "kill -9 at before_send, lease of the product (30 s)")
	dieAt(t, c, newDistant(t), 30*time.Second, 2, places()[4:5])
}

// dieAt loses processes at places, each so many times.
func dieAt(t *testing.T, c recorder, f *fleet, lease time.Duration, times int, list []place) {
	t.Helper()
	for _, h := range f.all() {
		h.settings["HUB_LEASE"] = lease.String()
	}
	slow := slices.ContainsFunc(list, func(p place) bool { return p.slow })
	if slow {
		checked(t, f.all()...)
	}
	f.start(f.servers[0])
	f.servers[0].tell(f.receiver)
	if slow {
		f.servers[0].only("looked", looked)
	}
	f.start(f.all()[1:]...) // now: whoever runs follows a change of the configuration a moment later
	loads := f.loads(10)
	random := rand.New(rand.NewPCG(1, 2))
	faults := 0
	for range times {
		for _, p := range list {
			h := p.victim(f)
			if h.running() {
				f.kill(h)
			}
			for _, l := range loads {
				l.allow(0)
			}
			killed := f.die(h, p.point, 1+random.IntN(failWithin))
			faults++
			if long() {
				for _, l := range loads {
					l.hold()
				}
				c.within("taken up", f.servers[0].caughtUp(killed), taken(lease))
				continue
			}
			f.start(h)
		}
	}
	for _, h := range f.all() {
		if !h.running() {
			f.start(h)
		}
	}
	for _, l := range loads {
		l.allow(0)
		l.wait(t, 5)
		l.end()
	}
	o := f.check(t, loads[:]...)
	c.faults(faults)
	c.count(o)
	c.within("at rest", o.rest, 0)
	c.say("%s", f.share())
}

// die starts a process of a fleet that dies at a point, and notes what was on its way then.
func (f *fleet) die(h *hub, point failpoint.Point, hit int) time.Time {
	f.t.Helper()
	h.settings[failVariable] = fmt.Sprintf("%s@%d", point, hit)
	_, address := h.spawn()
	delete(h.settings, failVariable)
	f.mu.Lock()
	f.names[h.cmd.Process.Pid] = f.nameOf(h)
	f.mu.Unlock()
	f.strike(h)
	killed := h.dead(address)
	f.look(false)
	return killed
}

// running reports whether the process is there.
func (h *hub) running() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cmd != nil
}
