package retention

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Conditions. Everything is looked up by a key. "(SELECT …) IS NULL" says what NOT EXISTS would: for that Postgres may read a whole table
// into memory.
const (
	runOver = `%[1]s.state IN ('succeeded', 'failed', 'canceled')
		AND coalesce(%[1]s.finished_at, %[1]s.updated_at) < @old
		AND (%[1]s.state <> 'failed' OR coalesce(%[1]s.finished_at, %[1]s.updated_at) < @dead)`

	noJobs = `(SELECT 1 FROM jobs j WHERE j.kind IN ('node', 'deadline', 'expiry') AND j.ref = x.id LIMIT 1) IS NULL`

	deliveryOver = `%[1]s.state IN ('delivered', 'suppressed', 'dead')
		AND coalesce(%[1]s.finished_at, %[1]s.created_at) < @old
		AND (%[1]s.state <> 'dead' OR coalesce(%[1]s.finished_at, %[1]s.created_at) < @dead)`

	// incidentOver is also met where there is none, or none any more.
	incidentOver = `(SELECT 1 FROM incidents i WHERE i.id = %s AND i.status IN ('open', 'acknowledged') LIMIT 1) IS NULL`

	// rowsOver is about all rows of a push. The index of open rows is what finds them.
	rowsOver = `(SELECT 1 FROM ledger l WHERE l.tenant_id = @tenant AND l.receipt_id = %s AND l.state IN ('pending', 'dead')
		AND (l.state = 'pending' OR coalesce(l.settled_at, l.created_at) >= @dead) LIMIT 1) IS NULL`

	// pushFolded is also met where a push is not there, or not there any more.
	pushFolded = `(SELECT 1 FROM receipts r WHERE r.id = x.receipt_id AND r.folded_at IS NULL AND r.outcome NOT IN ('ignored', 'rejected') LIMIT 1) IS NULL
		AND (SELECT 1 FROM jobs j WHERE j.kind = 'fold' AND j.ref = x.receipt_id LIMIT 1) IS NULL`

	folded = `(x.folded_at IS NOT NULL OR x.outcome IN ('ignored', 'rejected'))
		AND (SELECT 1 FROM jobs j WHERE j.kind = 'fold' AND j.ref = x.id LIMIT 1) IS NULL`
)

var bodies = sweep{
	name: "bodies", table: "receipt_bodies", key: "receipt_id", rows: "1",
	until: func(l limits) time.Time { return l.bodies },
	over: func(bool) string {
		return all(pushFolded, `(SELECT 1 FROM ledger l WHERE l.tenant_id = @tenant AND l.receipt_id = x.receipt_id
			AND l.state IN ('pending', 'dead') AND l.state = 'pending' LIMIT 1) IS NULL`)
	},
	remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
		return nil, p.each(ctx, p.args(keys), removeBodies)
	},
}

var removeBodies = removal{"receipt_bodies", `DELETE FROM receipt_bodies WHERE receipt_id IN @keys AND tenant_id = @tenant`}

// hasSnapshot tells the rows of nodes that have something to remove.
const hasSnapshot = `NOT %[1]s.pruned AND (%[1]s.input IS NOT NULL OR %[1]s.output IS NOT NULL)`

var snapshots = sweep{
	name: "snapshots", table: "runs", key: "id",
	until: func(l limits) time.Time { return l.snapshots },
	over: func(bool) string {
		return all(`x.state IN ('succeeded', 'failed', 'canceled') AND coalesce(x.finished_at, x.updated_at) < @snapshots`, noJobs)
	},
	done: `(SELECT 1 FROM node_runs n WHERE n.run_id = x.id AND ` + fmt.Sprintf(hasSnapshot, "n") + ` LIMIT 1) IS NULL
		AND (SELECT 1 FROM node_attempts n WHERE n.run_id = x.id AND NOT n.pruned AND n.input IS NOT NULL LIMIT 1) IS NULL`,
	rows: nodeRows,
	remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
		return nil, p.each(ctx, p.args(keys), removeSnapshots...)
	},
}

var removeSnapshots = []removal{
	{"snapshots", `UPDATE node_runs SET input = NULL, output = NULL, pruned = true WHERE run_id IN @keys AND tenant_id = @tenant AND ` +
		fmt.Sprintf(hasSnapshot, "node_runs")},
	{"snapshots", `UPDATE node_attempts SET input = NULL, pruned = true WHERE run_id IN @keys AND tenant_id = @tenant
		AND NOT pruned AND input IS NOT NULL`},
}

const nodeRows = `1 + (SELECT count(*) FROM node_runs n WHERE n.run_id = x.id) + (SELECT count(*) FROM node_attempts n WHERE n.run_id = x.id)`

// runs go before the push that they are of: a run that is there can be resumed and needs it.
var runs = sweep{
	name: "runs", table: "runs", key: "id", rows: nodeRows,
	until: func(l limits) time.Time { return l.old },
	over: func(bool) string {
		return all(fmt.Sprintf(runOver, "x"), noJobs, pushFolded, fmt.Sprintf(incidentOver, "x.incident_id"), fmt.Sprintf(rowsOver, "x.receipt_id"),
			`(SELECT 1 FROM deliveries d WHERE d.run_id = x.id AND NOT (`+fmt.Sprintf(deliveryOver, "d")+`) LIMIT 1) IS NULL`,
			`(SELECT 1 FROM deliveries d JOIN delivery_routes r ON r.delivery_id = d.id JOIN runs u ON u.id = r.run_id
			WHERE d.run_id = x.id AND NOT (`+fmt.Sprintf(runOver, "u")+`) LIMIT 1) IS NULL`)
	},
	remove: removeRuns,
}

var ofRuns = []removal{
	{"delivery_routes", `DELETE FROM delivery_routes WHERE run_id IN @keys AND tenant_id = @tenant`},
	{"node_attempts", `DELETE FROM node_attempts WHERE run_id IN @keys AND tenant_id = @tenant`},
	{"node_runs", `DELETE FROM node_runs WHERE run_id IN @keys AND tenant_id = @tenant`},
	{"runs", `DELETE FROM runs WHERE id IN @keys AND tenant_id = @tenant`},
}

type ofRun struct{ ID, RunID, MessageID id.ID }

func removeRuns(ctx context.Context, p *pass, keys []id.ID) (left []id.ID, err error) {
	args := p.args(keys)
	var list []ofRun
	err = p.s.db.From(ctx).Raw(`SELECT id, run_id, message_id FROM deliveries WHERE run_id IN @keys AND tenant_id = @tenant`, args).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("look for the deliveries of runs: %w", storage.Classify(err))
	}
	if len(list) > 0 {
		if left, list, err = p.holdDeliveries(ctx, list); err != nil {
			return nil, err
		}
	}
	if keys = without(keys, left); len(keys) == 0 {
		return left, nil
	}
	if err := p.removeDeliveries(ctx, list); err != nil {
		return nil, err
	}
	return left, p.each(ctx, p.args(keys), ofRuns...)
}

// holdDeliveries locks deliveries. It returns the runs whose deliveries somebody has in hand, and the deliveries of the others.
func (p *pass) holdDeliveries(ctx context.Context, list []ofRun) (left []id.ID, rest []ofRun, err error) {
	keys := make([]id.ID, len(list))
	for i, d := range list {
		keys[i] = d.ID
	}
	var held []id.ID
	err = p.s.db.From(ctx).Raw(told.lockSQL(p.s.db.Engine()), p.args(keys)).Scan(&held).Error
	if err != nil {
		return nil, nil, fmt.Errorf("lock deliveries: %w", storage.Classify(err))
	}
	busy, in := map[id.ID]bool{}, map[id.ID]bool{}
	for _, i := range held {
		in[i] = true
	}
	for _, d := range list {
		if !in[d.ID] && !busy[d.RunID] {
			busy[d.RunID], left = true, append(left, d.RunID)
		}
	}
	for _, d := range list {
		if !busy[d.RunID] {
			rest = append(rest, d)
		}
	}
	return left, rest, nil
}

var ofDeliveries = []removal{
	{"delivery_routes", `DELETE FROM delivery_routes WHERE delivery_id IN @keys AND tenant_id = @tenant`},
	{"deliveries", `DELETE FROM deliveries WHERE id IN @keys AND tenant_id = @tenant`},
}

// A message that another delivery is told by stays.
var ofMessages = []removal{
	{"messages", `DELETE FROM messages WHERE id IN @keys AND tenant_id = @tenant
		AND (SELECT 1 FROM deliveries d WHERE d.idem_key = messages.idem_key LIMIT 1) IS NULL`},
	{"message_attempts", `DELETE FROM message_attempts WHERE message_id IN @keys AND tenant_id = @tenant
		AND (SELECT 1 FROM messages m WHERE m.id = message_attempts.message_id LIMIT 1) IS NULL`},
}

func (p *pass) removeDeliveries(ctx context.Context, list []ofRun) error {
	var keys, messages []id.ID
	for _, d := range list {
		keys = append(keys, d.ID)
		if !d.MessageID.IsZero() {
			messages = append(messages, d.MessageID)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	if err := p.each(ctx, p.args(keys), ofDeliveries...); err != nil || len(messages) == 0 {
		return err
	}
	return p.each(ctx, p.args(messages), ofMessages...)
}

// receipts are pushes with what was in them. Their final rows in the ledger become totals.
var receipts = sweep{
	name: "receipts", table: "receipts", key: "id",
	rows:  `1 + (SELECT count(*) FROM ledger l WHERE l.receipt_id = x.id)`,
	until: func(l limits) time.Time { return l.old },
	over: func(dry bool) string {
		runs := `(SELECT 1 FROM ledger l JOIN runs u ON u.id = l.run_id WHERE l.receipt_id = x.id LIMIT 1) IS NULL`
		if dry {
			runs = `(SELECT 1 FROM ledger l JOIN runs u ON u.id = l.run_id WHERE l.receipt_id = x.id AND NOT (` + fmt.Sprintf(runOver, "u") + `) LIMIT 1) IS NULL`
		}
		return all(folded, fmt.Sprintf(rowsOver, "x.id"), runs, `(SELECT 1 FROM ledger l JOIN incidents i ON i.id = l.incident_id
			WHERE l.receipt_id = x.id AND i.status IN ('open', 'acknowledged') LIMIT 1) IS NULL`)
	},
	remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
		if err := p.removeObservations(ctx, keys, 0, math.MaxInt64); err != nil {
			return nil, err
		}
		return nil, p.each(ctx, p.args(keys), removeBodies, removeReceipts)
	},
	large: func(ctx context.Context, p *pass, c candidate) error {
		var last int64
		err := p.s.db.Read(ctx).Raw(`SELECT coalesce(max(idx), -1) FROM observations WHERE receipt_id = ?`, c.ID).Scan(&last).Error
		if err != nil {
			return fmt.Errorf("measure a large push: %w", storage.Classify(err))
		}
		step := max(1, most*(last+1)/c.N)
		for from := int64(0); from <= last; from += step {
			if err := p.tx(ctx, func(ctx context.Context) error {
				return p.removeObservations(ctx, []id.ID{c.ID}, from, from+step-1)
			}); err != nil {
				return err
			}
		}
		return nil
	},
}

var (
	removeReceipts     = removal{"receipts", `DELETE FROM receipts WHERE id IN @keys AND tenant_id = @tenant`}
	removeObservations = removal{"observations", `DELETE FROM observations WHERE receipt_id IN @keys AND idx BETWEEN @from AND @to AND tenant_id = @tenant`}
)

// removeObservations removes observations with an index from..to and their rows in the ledger.
func (p *pass) removeObservations(ctx context.Context, keys []id.ID, from, to int64) error {
	rows, err := p.s.books.RollUp(ctx, p.s.tenant, keys, from, to)
	if err != nil {
		return err
	}
	p.count("ledger", rows)
	args := p.args(keys)
	args["from"], args["to"] = from, to
	n, err := p.exec(ctx, removeObservations.table, removeObservations.sql, args)
	if err != nil || n == 0 {
		return err
	}
	return p.s.books.Pruned(ctx, p.s.tenant, n)
}
