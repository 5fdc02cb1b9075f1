package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// What is under way in memory at once: receipts, packed bytes of their bodies, alerts in them.
const (
	replayReceipts = 200
	replayBytes    = 2 << 20
	replayAlerts   = 5000
)

// replay sends the window's receipts through the stage once more, in their order, and does in between what people did then.
type replay struct {
	w       *window
	entries map[id.ID]sources.Entry
	grouped map[id.ID]sources.GroupBy // instead of the entries' own
	page    atomic.Pointer[replayPage]
	acts    []pastAct // that come next
	later   int       // acts read so far
	done    int
	gone    int // receipts whose body is not there any more
	strange int // receipts whose source is not there any more
}

// replayPage is what really happened to the receipts that are under way.
type replayPage struct {
	fates map[fateKey]fate // of messages that did not get through
	nodes map[nodeKey][]recordedNode
}

type fateKey struct {
	trace   string
	channel id.ID
	kind    string
}

type fate struct{ state, reason string }

type nodeKey struct {
	receipt id.ID
	node    string
}

type recordedNode struct {
	definition, incident id.ID
	output               json.RawMessage
}

// recordedRow is one receipt of the window.
type recordedRow struct {
	ID          id.ID     `gorm:"column:id"`
	SourceID    id.ID     `gorm:"column:source_id"`
	Driver      string    `gorm:"column:driver"`
	TraceID     string    `gorm:"column:trace_id"`
	Origin      string    `gorm:"column:origin"`
	Outcome     string    `gorm:"column:outcome"`
	N           int       `gorm:"column:n"`
	Size        int       `gorm:"column:size"`
	Seq         int64     `gorm:"column:seq"`
	ReceivedAt  time.Time `gorm:"column:received_at"`
	Forced      string    `gorm:"column:forced"`
	Environment string    `gorm:"column:environment"`
}

// run goes through the window.
func (r *replay) run(ctx context.Context, tell rehearsal.Progress) error {
	after := id.ID{}
	for {
		rows, err := r.read(ctx, after)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return r.actUntil(ctx, r.w.until)
		}
		after = rows[len(rows)-1].ID
		slices.SortStableFunc(rows, func(a, b recordedRow) int { // numbers of observations are the order there is
			if a.Seq == 0 || b.Seq == 0 {
				return 0
			}
			return int(a.Seq - b.Seq)
		})
		for part := range parts(rows) {
			if err := r.play(ctx, part); err != nil {
				return err
			}
			r.done += len(part)
			tell("replaying", r.done, r.w.total)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
}

// read gives the next receipts in the order in which they came, without their bodies.
func (r *replay) read(ctx context.Context, after id.ID) ([]recordedRow, error) {
	from := r.w.first
	more := ">="
	if !after.IsZero() {
		from, more = after, ">"
	}
	var rows []recordedRow
	err := r.w.s.hub.db.Read(ctx).Raw(`SELECT r.id, r.source_id, r.driver, r.trace_id, r.origin, r.outcome, r.n, COALESCE(length(b.body), 0) AS size,
			COALESCE(o.seq, 0) AS seq, r.received_at, COALESCE(x.environment, '') AS environment,
			CASE WHEN CAST(l.trace AS text) LIKE '%"forced"%' THEN COALESCE(x.definition_name, '') ELSE '' END AS forced
		FROM receipts r LEFT JOIN receipt_bodies b ON b.receipt_id = r.id LEFT JOIN observations o ON o.receipt_id = r.id AND o.idx = 0
		LEFT JOIN ledger l ON l.receipt_id = r.id AND l.idx = 0 AND l.definition_id =
			(SELECT y.definition_id FROM ledger y WHERE y.receipt_id = r.id AND y.idx = 0 ORDER BY y.definition_id LIMIT 1)
		LEFT JOIN runs x ON x.id = l.run_id
		WHERE r.tenant_id = ? AND r.id `+more+` ? AND r.id <= ? AND (r.folded_at IS NOT NULL OR r.outcome IN ('ignored', 'rejected'))
		ORDER BY r.id LIMIT ?`, r.w.tenant, from, r.w.last, replayReceipts).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the receipts: %w", storage.Classify(err))
	}
	return rows, nil
}

// parts cuts rows so that the bodies of a part fit into memory.
func parts(rows []recordedRow) func(yield func([]recordedRow) bool) {
	return func(yield func([]recordedRow) bool) {
		from, bytes, items := 0, 0, 0
		for n, r := range rows {
			if n > from && (bytes+r.Size > replayBytes || items+r.N > replayAlerts) {
				if !yield(rows[from:n]) {
					return
				}
				from, bytes, items = n, 0, 0
			}
			bytes, items = bytes+r.Size, items+r.N
		}
		if from < len(rows) {
			yield(rows[from:])
		}
	}
}

// play sends some receipts through the stage.
func (r *replay) play(ctx context.Context, rows []recordedRow) error {
	bodies, err := r.bodies(ctx, rows)
	if err != nil {
		return err
	}
	if err := r.turn(ctx, rows); err != nil {
		return err
	}
	pushes := make([]*orchestration.Push, 0, len(rows))
	for _, row := range rows {
		p, err := r.push(ctx, row, bodies[row.ID])
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if next, err := r.nextAct(ctx); err != nil {
			return err
		} else if next != nil && !next.At.After(row.ReceivedAt) {
			if err := r.accept(ctx, pushes); err != nil {
				return err
			}
			pushes = pushes[:0]
			if err := r.actUntil(ctx, row.ReceivedAt); err != nil {
				return err
			}
		}
		pushes = append(pushes, p)
	}
	return r.accept(ctx, pushes)
}

func (r *replay) accept(ctx context.Context, pushes []*orchestration.Push) error {
	if len(pushes) == 0 {
		return nil
	}
	_, errs := r.w.s.engine.Intake.AcceptInOrder(ctx, pushes)
	for n, err := range errs {
		switch {
		case errors.Is(err, orchestration.ErrUnknownPipeline):
			if err := r.unreadable(ctx, pushes[n].Receipt, true, err.Error()); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("rehearse receipt %s: %w", pushes[n].Receipt, err)
		}
	}
	r.w.s.engine.Settle()
	return nil
}

func (r *replay) bodies(ctx context.Context, rows []recordedRow) (map[id.ID][]byte, error) {
	ids := make([]id.ID, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	var packed []struct {
		ReceiptID id.ID  `gorm:"column:receipt_id"`
		Encoding  int    `gorm:"column:encoding"`
		Body      []byte `gorm:"column:body"`
	}
	if err := r.w.s.hub.db.Read(ctx).Raw(`SELECT receipt_id, encoding, body FROM receipt_bodies WHERE receipt_id IN ?`, ids).Scan(&packed).Error; err != nil {
		return nil, fmt.Errorf("read the bodies: %w", storage.Classify(err))
	}
	out := make(map[id.ID][]byte, len(packed))
	for _, p := range packed {
		body, err := pack.Unpack(p.Encoding, p.Body)
		if err != nil {
			continue // reported as a body that is not there
		}
		out[p.ReceiptID] = body
	}
	return out, nil
}

// push is a receipt on its way in once more, read as today; nil: it cannot be.
func (r *replay) push(ctx context.Context, row recordedRow, body []byte) (*orchestration.Push, error) {
	entry, ok := r.entries[row.SourceID]
	if body == nil { // nothing to compare with
		r.gone++
		return nil, errors.Join(r.w.s.exec(ctx, `DELETE FROM real_rows WHERE receipt_id = ?`, row.ID),
			r.w.s.exec(ctx, `DELETE FROM real_messages WHERE receipt_id = ?`, row.ID))
	}
	if row.Driver == checkers.Source {
		p, err := r.w.s.hub.checkAgain(r.w.tenant, body)
		if err != nil {
			return nil, r.unreadable(ctx, row.ID, true, err.Error())
		}
		p.Origin, p.TraceID, p.Receipt, p.At = row.Origin, row.TraceID, row.ID, row.ReceivedAt
		p.Pipeline, p.Environment = row.Forced, row.Environment
		return p, nil
	}
	if !ok {
		r.strange++
		entry = sources.Entry{ID: row.SourceID, Tenant: r.w.tenant}
	}
	if by, ok := r.grouped[entry.ID]; ok {
		entry.GroupBy = by
	}
	was := row.Outcome != orchestration.OutcomeRejected
	driver := r.w.s.hub.driverOf(row.Driver)
	parsed, err := alerts.Parse(r.w.s.hub.parsers, driver, body, r.w.s.hub.limits())
	if err != nil {
		return nil, r.unreadable(ctx, row.ID, true, err.Error())
	}
	if is := parsed.Unusable == ""; is != was {
		if err := r.unreadable(ctx, row.ID, was, parsed.Unusable); err != nil {
			return nil, err
		}
	}
	p := api.NewPush(entry, driver, body, parsed)
	p.Tenant, p.Origin, p.TraceID, p.Receipt, p.At = r.w.tenant, row.Origin, row.TraceID, row.ID, row.ReceivedAt
	p.Pipeline, p.Environment = row.Forced, row.Environment
	return p, nil
}

func (r *replay) unreadable(ctx context.Context, receipt id.ID, now bool, why string) error {
	return r.w.s.exec(ctx, `INSERT INTO unreadable (receipt_id, now_unreadable, why) VALUES (?, ?, ?)`, receipt, now, why)
}

// turn loads what really became of some receipts where the rehearsal needs it: messages that did not get through, and what slow nodes
// gave out.
func (r *replay) turn(ctx context.Context, rows []recordedRow) error {
	ids := make([]id.ID, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	page := &replayPage{fates: map[fateKey]fate{}, nodes: map[nodeKey][]recordedNode{}}
	var told []realMessage
	// One that got through shows that they could.
	if err := r.w.s.db.Read(ctx).Table("real_messages").Where("receipt_id IN ?", ids).
		Order("CASE WHEN state = 'dead' AND NOT slow THEN 0 WHEN reason = 'resolved_first' THEN 1 ELSE 2 END").Find(&told).Error; err != nil {
		return fmt.Errorf("read the stage: %w", storage.Classify(err))
	}
	for _, m := range told {
		k := fateKey{m.TraceID, m.ChannelID, m.Kind}
		switch {
		case m.State == event.StateDead && !m.Slow:
			page.fates[k] = fate{event.StateDead, m.Reason}
		case m.Reason == event.ReasonResolvedFirst:
			page.fates[k] = fate{event.StatePending, ""} // the end holds it back
		case m.State != event.StateSuppressed:
			delete(page.fates, k)
		}
	}
	var runs []id.ID
	if err := r.w.s.db.Read(ctx).Table("real_rows").Distinct("run_id").Where("receipt_id IN ? AND run_id IS NOT NULL", ids).
		Pluck("run_id", &runs).Error; err != nil {
		return fmt.Errorf("read the stage: %w", storage.Classify(err))
	}
	for part := range slices.Chunk(runs, seedPage) {
		var nodes []struct {
			ReceiptID    id.ID                         `gorm:"column:receipt_id"`
			DefinitionID id.ID                         `gorm:"column:definition_id"`
			IncidentID   id.ID                         `gorm:"column:incident_id"`
			Node         string                        `gorm:"column:node"`
			Output       storage.JSON[json.RawMessage] `gorm:"column:output"`
		}
		if err := r.w.s.hub.db.Read(ctx).Raw(`SELECT r.receipt_id, r.definition_id, r.incident_id, n.node, n.output FROM node_runs n
			JOIN runs r ON r.id = n.run_id WHERE n.run_id IN ? AND n.type IN ('context', 'intelligence') AND n.state = 'succeeded'`, part).
			Scan(&nodes).Error; err != nil {
			return fmt.Errorf("read what nodes gave out: %w", storage.Classify(err))
		}
		for _, n := range nodes {
			k := nodeKey{n.ReceiptID, n.Node}
			page.nodes[k] = append(page.nodes[k], recordedNode{n.DefinitionID, n.IncidentID, n.Output.V})
		}
	}
	r.page.Store(page)
	return nil
}

// pretend makes a channel do with a message what it did then: a few did not get through, all others do.
func (r *replay) pretend(l *notify.Live) {
	which := l.ID
	l.Pretend = func(t *event.Tell, kind channel.Kind) (state, reason string) {
		if page := r.page.Load(); page != nil {
			if f, ok := page.fates[fateKey{t.TraceID, which, string(kind)}]; ok {
				return f.state, f.reason
			}
		}
		return event.StateDelivered, ""
	}
}

// Run implements orchestration.Handler for the slow kinds: they give out what they gave out then.
func (r *replay) Run(c *orchestration.NodeContext) orchestration.Result {
	var found *recordedNode
	if page := r.page.Load(); page != nil {
		for _, n := range page.nodes[nodeKey{c.Run.Receipt, c.Node.ID}] {
			if found == nil || n.definition == c.Run.DefinitionID && found.definition != c.Run.DefinitionID {
				found = &n
			}
		}
	}
	if found == nil || len(found.output) == 0 {
		return orchestration.Result{Err: errors.New("the real run has no output of this node"), Type: "not_recorded"}
	}
	return orchestration.Result{Output: found.output}
}
