//go:build unix

package crashtest

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// branched has a node of every kind that this suite can run: two branches at once, one of them slow, that meet in a condition.
const branched = `{"version":"1.0","defaults":{"max_retries":20,"backoff_factor":1},"nodes":[
	{"id":"in","type":"ingest","config":{},"next":["shape","look"]},
	{"id":"shape","type":"transform","config":{"source_node":"in","mapping":{"severity":"severity"}},"next":"choose"},
	{"id":"look","type":"context","config":{},"next":"choose"},
	{"id":"choose","type":"condition","config":{"expression":"incident.severity == 'critical'","then":["page"],"else":["mail"]}},
	{"id":"page","type":"notify","config":{"channels":["ops"]}},
	{"id":"mail","type":"notify","config":{"channels":["ops"]}}]}`

// TestNodesCommit restarts Postgres while two servers commit nodes of runs: each node is booked once, and whatever was done again had a
// reason.
func TestNodesCommit(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres and Redis")
	}
	c := row(t, "C8", scaled, "Postgres restarted while nodes commit")
	f := newFleet(t)
	// No process is lost here. With a lease of seconds a busy machine sends again what it only books late, for which the fault is no reason.
	for _, h := range f.all() {
		h.settings["HUB_LEASE"] = pick(lease(), fleetLease()).String()
	}
	path := checked(t, f.servers[:]...)
	f.start(f.servers[:]...)
	f.servers[0].tell(f.receiver)
	f.servers[0].only("branched", branched)
	f.receiver.answerAfter(20 * time.Millisecond)
	loads := f.loads(pick(15, 40))
	times := pick(2, 10)
	for n := range times {
		for _, l := range loads {
			l.wait(t, pick(15, 60))
		}
		down := f.postgres.Stop // in order
		if n%2 == 1 {
			down = f.postgres.Abort // at once
		}
		f.must(down())
		for _, l := range loads {
			l.mark()
		}
		f.restart()
		back := time.Now()
		for _, l := range loads {
			testkit.Eventually(t, patience, func() bool { _, first := l.since(); return !first.IsZero() }, "a server does not come back")
		}
		c.within("back", time.Since(back), backIn)
	}
	for _, l := range loads {
		l.wait(t, 5)
		l.end()
	}
	o := f.check(t, loads[:]...)
	c.faults(times)
	c.count(o)
	c.within("at rest", o.rest, 0)
	runs, again := bookedOnce(t, f.servers[0].open(t), executions(t, path))
	c.say("%d runs, %d executions more than one of their slow nodes, all with a reason", runs, again)
}

// bookedOnce checks that every node of every run was booked once. It returns the number of runs, and how many executions of slow nodes there
// were beyond the first.
func bookedOnce(t *testing.T, db *storage.DB, executed map[string]int) (runs, again int) {
	t.Helper()
	for what, q := range map[string]string{
		"nodes that are not over":            `SELECT count(*) FROM node_runs WHERE finished_at IS NULL`,
		"runs whose nodes are not all there": `SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM node_runs n WHERE n.run_id = r.id) <> 6`,
		"runs that did not page, or told both ways": `SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM node_runs n
			WHERE n.run_id = r.id AND n.node IN ('page', 'mail') AND n.state = 'succeeded') <> 1`,
		"nodes with the same execution booked as failed and as their last": `SELECT count(*) FROM node_runs n JOIN node_attempts a
			ON a.run_id = n.run_id AND a.node = n.node AND a.attempt = n.attempt`,
		"deliveries too many":                    `SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM deliveries d WHERE d.run_id = r.id) <> 1`,
		"ledger rows too many":                   `SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM ledger l WHERE l.run_id = r.id) <> 1`,
		"in-place nodes executed more than once": `SELECT count(*) FROM node_runs WHERE type IN ('ingest', 'transform', 'condition') AND attempt <> 1`,
	} {
		if n := number(t, db, q); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	var rows []struct {
		Run                        string
		Attempt, Failures, Rescues int
	}
	if err := db.Read(t.Context()).Raw(`SELECT run_id::text AS run, attempt, failures, rescues FROM node_runs WHERE node = 'look'`).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		n := executed[r.Run+" look"]
		if n > 1+r.Failures+r.Rescues || n > r.Attempt {
			t.Errorf("run %s: its slow node was executed %d times; %d failures, %d lost leases, attempt %d", r.Run, n, r.Failures, r.Rescues, r.Attempt)
		}
		again += max(0, n-1)
	}
	return len(rows), again
}
