//go:build unix

package crashtest

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/servers"
)

// fleet is a hub of several processes: two servers and two workers on a Postgres and a Redis of their own.
type fleet struct {
	t        *testing.T
	postgres *servers.Postgres
	redis    *servers.Redis
	servers  [2]*hub
	workers  [2]*hub
	receiver *receiver

	mu    sync.Mutex
	names map[int]string // every process there was
	hit   map[int]bool   // those that were killed or stopped

	onWay  int            // deliveries on their way at a fault, of all faults
	cut    map[string]int // by key: faults while it was on its way, each of which explains one repeat
	tokens map[string]string
	booked map[string]int  // by key: how often it had come when it was found delivered and no fault had touched it
	shaken map[string]bool // keys on their way while the database was killed: nobody could book them
}

// fleetLease is how long work is held. It is short: what a killed process held shall be taken over while the load lasts. A machine that takes
// longer to claim, send and book sends again, for which no fault is the reason: the short form has time for that.
func fleetLease() time.Duration { return pick(10*time.Second, 5*time.Second) }

// scaled is the engine of a fleet.
const scaled = "Postgres, Redis"

// newFleet prepares the processes; start starts them.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{
		t: t, postgres: testkit.OwnPostgres(t, "max_connections=200"), redis: testkit.OwnRedis(t), receiver: newReceiver(t),
		names: map[int]string{}, hit: map[int]bool{}, cut: map[string]int{}, tokens: map[string]string{}, booked: map[string]int{}, shaken: map[string]bool{},
	}
	f.receiver.who = func(address string) int {
		f.mu.Lock()
		pids := slices.Collect(maps.Keys(f.names))
		f.mu.Unlock()
		return senderOf(address, pids)
	}
	env := map[string]string{
		"HUB_REDIS_URL": f.redis.URL(), "HUB_SECRET_KEY": strings.Repeat("fleet ", 8), "HUB_LEASE": fleetLease().String(),
	}
	for n := range 2 {
		f.servers[n] = newHub(t, f.postgres.URL(), env)
	}
	env[childVariable] = asWorker
	for n := range 2 {
		f.workers[n] = newHub(t, f.postgres.URL(), env)
	}
	return f
}

// start starts processes one after the other.
func (f *fleet) start(hubs ...*hub) {
	f.t.Helper()
	for _, h := range hubs {
		started, address := h.spawn()
		f.mu.Lock()
		f.names[h.cmd.Process.Pid] = f.nameOf(h)
		f.mu.Unlock()
		h.await(started, address)
	}
}

func (f *fleet) nameOf(h *hub) string {
	if n := slices.Index(f.servers[:], h); n >= 0 {
		return fmt.Sprintf("server %d", n+1)
	}
	return fmt.Sprintf("worker %d", slices.Index(f.workers[:], h)+1)
}

func (f *fleet) strike(h *hub) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hit[h.cmd.Process.Pid] = true
}

// kill ends a process by SIGKILL and notes what was on its way.
func (f *fleet) kill(h *hub) {
	f.t.Helper()
	f.strike(h)
	h.kill()
	f.look(false)
}

// pause stops a process by SIGSTOP and notes what was on its way. resume lets it go on; so does the end of the test, however it ends.
func (f *fleet) pause(h *hub) (resume func()) {
	f.t.Helper()
	f.strike(h)
	pid := h.cmd.Process.Pid
	guard := exec.CommandContext(context.WithoutCancel(f.t.Context()), "/bin/sh", "-c", fmt.Sprintf("read x; kill -CONT %d", pid))
	hold, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGSTOP)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	resume = sync.OnceFunc(func() { _ = hold.Close(); _ = guard.Wait() })
	f.t.Cleanup(resume)
	f.look(false)
	return resume
}

// look reads what is on its way, right after a fault.
func (f *fleet) look(shaken bool) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.postgres.URL())
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(f.t.Context()))
	type row struct{ Key, State, Token string }
	rows, err := conn.Query(f.t.Context(), `SELECT d.idem_key, d.state, coalesce(j.lease_token::text, '') FROM`+toldElsewhere+
		`LEFT JOIN jobs j ON j.kind = 'deliver' AND j.ref = d.id`)
	if err != nil {
		f.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		f.t.Fatal(err)
	}
	arrived := f.receiver.arrivals() // after the rows: what is delivered has come by then
	for _, d := range list {
		_, known := f.booked[d.Key]
		switch {
		case d.State == "delivered" && f.cut[d.Key] == 0 && !known:
			f.booked[d.Key] = arrived[d.Key].came
		case d.State == "sending" && d.Token != "" && d.Token != f.tokens[d.Key]:
			f.tokens[d.Key] = d.Token
			f.cut[d.Key]++
			f.onWay++
			f.shaken[d.Key] = f.shaken[d.Key] || shaken
		}
	}
}

// restart starts Postgres again and notes what was on its way when it went. The processes stand still until then: one that is back sooner than
// the look could have done some of that again.
func (f *fleet) restart() {
	f.t.Helper()
	signal := func(s syscall.Signal) {
		for _, h := range f.all() {
			if h.running() {
				_ = syscall.Kill(h.cmd.Process.Pid, s)
			}
		}
	}
	signal(syscall.SIGSTOP)
	defer signal(syscall.SIGCONT)
	// What is left of a killed one may keep the next from starting for a moment.
	testkit.Eventually(f.t, patience, func() bool { return f.postgres.Start() == nil }, "Postgres does not start again")
	f.look(true)
}

// all are the processes, servers first.
func (f *fleet) all() []*hub { return append(f.servers[:], f.workers[:]...) }

// loads begin to send to both servers, other alerts to each.
func (f *fleet) loads(rate int) [2]*load {
	l := [2]*load{newLoad(f.servers[0], rate), newLoad(f.servers[1], rate)}
	l[1].sent.Add(500_000)
	for _, one := range l {
		one.start(0)
	}
	return l
}

// shares says how many notifications each process sent, as far as that is known.
func (f *fleet) shares() string {
	counts := map[string]int{}
	for _, list := range f.receiver.came() {
		for _, v := range list {
			if name, ok := f.names[v.process]; ok {
				counts[name]++
			}
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s sent %d", name, counts[name]))
	}
	return strings.Join(out, ", ")
}
