package orchestration

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

var (
	liveRuns = storage.Lookup([]storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("definition_id", storage.Key)}, `
		SELECT t.incident_id, t.definition_id FROM runs t
		WHERE t.incident_id = v.incident_id AND t.definition_id = v.definition_id AND t.state IN ('pending', 'running', 'retrying') LIMIT 1`)

	markFolded = storage.Update("receipts", []storage.Column{storage.Col("id", storage.UUID), storage.Col("result", storage.Document), storage.Col("folded_at", storage.Time)},
		"result = v.result, folded_at = v.folded_at", "t.id = v.id", "")

	updateRun = storage.Update("runs", []storage.Column{
		storage.Col("id", storage.UUID), storage.Col("incident_id", storage.UUID), storage.Col("event_seq", storage.Int), storage.Col("event_kind", storage.Text), storage.Col("state", storage.Text),
		storage.Col("status", storage.Text), storage.Col("current_node", storage.Text), storage.Col("alert_fingerprint", storage.Text), storage.Col("error_type", storage.Text),
		storage.Col("error_message", storage.Text), storage.Col("error_retryable", storage.Bool), storage.Col("updated_at", storage.Time), storage.Col("started_at", storage.Time),
		storage.Col("finished_at", storage.Time),
	}, `incident_id = v.incident_id, event_seq = v.event_seq, event_kind = v.event_kind, state = v.state, status = v.status,
		current_node = v.current_node, alert_fingerprint = v.alert_fingerprint, error_type = v.error_type, error_message = v.error_message,
		error_retryable = v.error_retryable, updated_at = v.updated_at, started_at = v.started_at, finished_at = v.finished_at`,
		"t.id = v.id", "")

	nodeColumns = []storage.Column{
		storage.Col("run_id", storage.UUID), storage.Col("node", storage.Text), storage.Col("tenant_id", storage.Text), storage.Col("type", storage.Text), storage.Col("state", storage.Text),
		storage.Col("attempt", storage.Int), storage.Col("failures", storage.Int), storage.Col("rescues", storage.Int), storage.Col("has_errors", storage.Bool), storage.Col("reason", storage.Text),
		storage.Col("choice", storage.Text), storage.Col("detail", storage.Document), storage.Col("input", storage.Document), storage.Col("output", storage.Document),
		storage.Col("error_type", storage.Text), storage.Col("error", storage.Text), storage.Col("retryable", storage.Bool), storage.Col("started_at", storage.Time),
		storage.Col("duration_us", storage.Int), storage.Col("finished_at", storage.Time),
	}

	// insertNode is for runs that the fold begins: their nodes have no rows yet.
	insertNode = storage.Insert("node_runs", nodeColumns, "")
	upsertNode = storage.Insert("node_runs", nodeColumns, `ON CONFLICT (run_id, node) DO UPDATE SET state = excluded.state, attempt = excluded.attempt, failures = excluded.failures,
		rescues = excluded.rescues, has_errors = excluded.has_errors, reason = excluded.reason, choice = excluded.choice, detail = excluded.detail,
		input = COALESCE(excluded.input, t.input), output = excluded.output, error_type = excluded.error_type, error = excluded.error,
		retryable = excluded.retryable, started_at = COALESCE(t.started_at, excluded.started_at),
		duration_us = CASE WHEN excluded.duration_us = 0 THEN t.duration_us ELSE excluded.duration_us END, finished_at = excluded.finished_at`)

	insertAttempt = storage.Insert("node_attempts", []storage.Column{
		storage.Col("run_id", storage.UUID), storage.Col("node", storage.Text), storage.Col("attempt", storage.Int), storage.Col("tenant_id", storage.Text), storage.Col("state", storage.Text),
		storage.Col("input", storage.Document), storage.Col("error_type", storage.Text), storage.Col("error", storage.Text), storage.Col("retryable", storage.Bool),
		storage.Col("started_at", storage.Time), storage.Col("duration_us", storage.Int),
	}, `ON CONFLICT (run_id, node, attempt) DO NOTHING`)
)

// detail is what of a node's state has no column of its own.
type detail struct {
	Taken  []string        `json:"taken,omitempty"`
	Passed bool            `json:"passed,omitempty"`
	Armed  bool            `json:"armed,omitempty"`
	DueAt  time.Time       `json:"due_at,omitzero"`
	Err    *graph.RunError `json:"error,omitempty"`
}

// write queues everything that the session did.
func (s *session) write() {
	if s.alerts != nil {
		s.alerts.Write()
	}
	s.writeRuns()
	s.unhold()
	s.told.Write()
	s.jobs.Queue(s.tx)
}

// writeRuns queues the runs' part and the ledger's.
func (s *session) writeRuns() {
	s.left()
	byRun := map[id.ID][]*event.LedgerRow{}
	for _, row := range s.rows {
		byRun[row.RunID] = append(byRun[row.RunID], row)
	}
	fresh, known, attempts := insertRun.Rows(), updateRun.Rows(), insertAttempt.Rows()
	newNodes, nodes := insertNode.Rows(), upsertNode.Rows()
	for _, x := range s.order {
		s.settle(x, byRun[x.id])
		if !x.folded && len(x.dirty) == 0 {
			continue // loaded, and nothing happened to it
		}
		s.writeRun(x, fresh, known)
		last := map[string]*attempt{}
		for n := range x.attempts {
			a := &x.attempts[n]
			if before := last[a.node]; before != nil {
				x.writeAttempt(before, attempts)
			}
			last[a.node] = a
		}
		for _, n := range x.graph.Nodes {
			a := last[n.ID]
			if a != nil && !x.state.Nodes[n.ID].Status.Final() {
				x.writeAttempt(a, attempts) // another one will follow
				a = nil
			}
			switch {
			case x.dirty[n.ID] && x.folded:
				s.writeNode(x, n, a, newNodes)
			case x.dirty[n.ID]:
				s.writeNode(x, n, a, nodes)
			}
		}
	}
	s.tx.Exec(insertRun, fresh)
	s.tx.Exec(updateRun, known)
	s.tx.Exec(insertNode, newNodes)
	s.tx.Exec(upsertNode, nodes)
	s.tx.Exec(insertAttempt, attempts)
	s.tx.Exec(markFolded, s.folded)
	for _, row := range s.rows {
		s.ledger.Update(row)
	}
	s.ledger.Write()
}

// settle gives the ledger rows of a run their state: pending while the run or one of its deliveries is not over.
func (s *session) settle(x *run, rows []*event.LedgerRow) {
	var told []event.Told
	for _, list := range s.told.OfRun(x.id) {
		told = append(told, list...)
	}
	state, reason := event.Worst(told)
	switch {
	case !x.state.Run.Final(), state == event.StatePending:
		state = event.StatePending
	case state == "" && x.state.Run == graph.RunCanceled:
		state, reason = event.StateSuppressed, event.ReasonCanceled
	case state == "" && x.state.Run == graph.RunFailed:
		state, reason = event.StateDead, event.ReasonRunFailed
	case state == "":
		state, reason = event.StateSuppressed, event.ReasonNoNotify
	}
	if state != event.StatePending && x.origin == OriginShadow {
		state, reason = event.StateSuppressed, event.ReasonShadow
	}
	if !x.folded { // loaded: its rows are in the table
		if state != event.StatePending {
			s.ledger.Settle(x.receipt, x.id, state, reason)
		}
		return
	}
	for _, row := range rows {
		if row.State == event.StatePending {
			row.State, row.Reason = state, reason
			row.Trace = append(row.Trace, x.decisions...)
			for _, t := range told {
				row.Trace = append(row.Trace, event.Decision{What: "channel", Name: t.Channel, Result: t.Status, Why: t.Because()})
			}
		}
	}
}

func (s *session) writeRun(x *run, fresh, known *storage.Rows) {
	state, status := string(x.state.Run), x.graph.WireStatus(x.state)
	if x.fresh {
		fresh.Add(x.id, x.tenant, x.trace, x.definition, x.name, x.version, x.receipt, x.parent, x.incidentID, x.eventSeq, string(x.eventKind), state, status,
			x.current, x.source, x.fingerprint, x.environment, x.origin, x.createdAt, s.tx.Now(), x.startedAt)
		if !x.state.Run.Final() {
			return
		}
	}
	known.Add(x.id, x.incidentID, x.eventSeq, string(x.eventKind), state, status, x.current, x.fingerprint, x.errType, x.errMessage, x.errRetryable,
		s.tx.Now(), x.startedAt, x.finishedAt)
}

// writeAttempt keeps an execution that was not a node's last: of those that give out anything there is no other after it.
func (x *run) writeAttempt(a *attempt, rows *storage.Rows) {
	rows.Add(x.id, a.node, a.number, x.tenant, "failed", a.recorded(), a.errType, a.err, a.retryable, a.at, int(a.took.Microseconds()))
}

// recorded is what went in, for the record.
func (a *attempt) recorded() json.RawMessage {
	if a.input == nil {
		return nil
	}
	return encode(a.input)
}

// writeNode writes where a node stands; last is its execution when it has ended with it here.
func (s *session) writeNode(x *run, n *graph.Node, last *attempt, rows *storage.Rows) {
	st := x.state.Nodes[n.ID]
	if last == nil {
		last = &attempt{}
	}
	var more json.RawMessage
	if d := (detail{Taken: st.Taken, Passed: st.Passed, Armed: st.Armed, DueAt: st.DueAt, Err: st.Err}); len(d.Taken) > 0 || d.Passed || d.Armed || d.Err != nil {
		more = encode(d)
	}
	var started, finished time.Time
	if st.Attempt > 0 {
		started = s.tx.Now()
		if at, ok := x.began[n.ID]; ok {
			started = at
		}
	}
	if st.Status.Final() {
		finished = s.tx.Now()
	}
	rows.Add(x.id, n.ID, x.tenant, n.Spec.Type, string(st.Status), st.Attempt, st.Failures, st.Rescues, st.HasErrors(), st.Reason, st.Choice, more,
		last.recorded(), st.Output, last.errType, last.err, last.retryable, started, int(last.took.Microseconds()), finished)
}
