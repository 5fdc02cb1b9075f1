package orchestration

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

var (
	lockRuns = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT t.id, t.tenant_id, t.trace_id, t.definition_id, t.definition_name, t.definition_version, t.receipt_id, t.parent_run_id, t.incident_id,
		       t.event_seq, t.event_kind, t.state, t.current_node, t.source, t.alert_fingerprint, t.environment, t.origin, t.error_type, t.error_message,
		       t.error_retryable, t.created_at, t.started_at, t.finished_at
		FROM runs t WHERE t.id = v.id {lock}`)

	runNodes = storage.Lookup([]storage.Column{storage.Col("run_id", storage.UUID)}, `
		SELECT t.run_id, t.node, t.state, t.attempt, t.failures, t.rescues, t.reason, t.choice, t.detail, t.output, t.started_at
		FROM node_runs t WHERE t.run_id = v.run_id`)

	runIncident = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT t.id, t.group_key, t.title, t.description, t.summary, t.status, t.severity, t.event_seq, t.created_at, t.resolved_at
		FROM incidents t WHERE t.id = v.id`)

	runAlerts = storage.Lookup([]storage.Column{storage.Col("receipt_id", storage.UUID), storage.Col("run_id", storage.UUID), storage.Col("incident_id", storage.UUID)}, `
		SELECT DISTINCT a.id, a.source, a.fingerprint, a.name, a.severity, a.status, a.description, CAST(a.labels AS text) AS labels,
		       CAST(a.annotations AS text) AS annotations, a.occurrences, a.started_at, a.ended_at
		FROM ledger l JOIN alerts a ON a.id = l.alert_id WHERE l.receipt_id = v.receipt_id AND l.run_id = v.run_id AND l.incident_id = v.incident_id`)

	// incidentAlerts are of the incidents of runs that no push is behind.
	incidentAlerts = storage.Lookup([]storage.Column{storage.Col("incident_id", storage.UUID)}, `
		SELECT a.id, a.source, a.fingerprint, a.name, a.severity, a.status, a.description, CAST(a.labels AS text) AS labels,
		       CAST(a.annotations AS text) AS annotations, a.occurrences, a.started_at, a.ended_at
		FROM alerts a WHERE a.incident_id = v.incident_id ORDER BY a.id LIMIT 100`)
)

// load queues the look-up of runs and their nodes; ready makes them usable after the flush.
func (s *session) load(runs []id.ID) {
	rows, nodes := lockRuns.Rows(), runNodes.Rows()
	for _, r := range unique(append([]id.ID(nil), runs...)) {
		rows.Add(r)
		nodes.Add(r)
	}
	s.tx.Query(lockRuns, rows, s.scanRun)
	s.tx.Query(runNodes, nodes, s.scanNode)
}

func (s *session) scanRun(r storage.Row) error {
	x := &run{began: map[string]time.Time{}, dirty: map[string]bool{}, state: graph.NewState()}
	if err := r.Scan(&x.id, &x.tenant, &x.trace, &x.definition, &x.name, &x.version, &x.receipt, &x.parent, &x.incidentID, &x.eventSeq, &x.eventKind,
		&x.state.Run, &x.current, &x.source, &x.fingerprint, &x.environment, &x.origin, &x.errType, &x.errMessage, &x.errRetryable, &x.createdAt,
		&x.startedAt, &x.finishedAt); err != nil {
		return fmt.Errorf("read a run: %w", err)
	}
	s.runs[x.id] = x
	s.order = append(s.order, x)
	return nil
}

func (s *session) scanNode(r storage.Row) error {
	var runID id.ID
	var node string
	var more, output []byte
	var started time.Time
	st := &graph.NodeState{}
	if err := r.Scan(&runID, &node, &st.Status, &st.Attempt, &st.Failures, &st.Rescues, &st.Reason, &st.Choice, &more, &output, &started); err != nil {
		return fmt.Errorf("read a node: %w", err)
	}
	x := s.runs[runID]
	if x == nil {
		return nil
	}
	if len(more) > 0 {
		var d detail
		if err := json.Unmarshal(more, &d); err != nil {
			return fmt.Errorf("read the detail of node %s: %w", node, err)
		}
		st.Taken, st.Passed, st.Armed, st.DueAt, st.Err = d.Taken, d.Passed, d.Armed, d.DueAt, d.Err
	}
	st.Output = output
	x.state.Nodes[node] = st
	x.began[node] = started
	return nil
}

// ready compiles the graphs of loaded runs.
func (s *session) ready() error {
	if s.compiled == len(s.order) {
		return nil
	}
	s.compiled = len(s.order)
	for _, x := range s.order {
		if x.graph != nil {
			continue
		}
		g, err := s.r.catalog.Graph(s.tx.Context(), x.definition, x.version)
		if err != nil {
			return err
		}
		x.graph = g
		if x.errType != "" && !x.state.Run.Final() {
			x.state.Err = &graph.RunError{Node: x.current, Type: x.errType, Message: x.errMessage, Retryable: x.errRetryable}
		}
		for _, st := range x.state.Nodes {
			// The first failure of a required node is what the run failed by.
			if x.state.Err == nil && st.Status == graph.NodeFailed && st.Err != nil {
				if n, ok := g.Node(st.Err.Node); ok && n.Required {
					x.state.Err = st.Err
				}
			}
		}
	}
	return nil
}

// facts reads the incident and the alerts of a loaded run, once.
func (s *session) facts(x *run) {
	if x.loaded || x.folded {
		return
	}
	x.loaded = true
	if x.incidentID.IsZero() {
		return
	}
	one, alerts := runIncident.Rows(), runAlerts.Rows()
	one.Add(x.incidentID)
	of := x.id
	if x.repeats() {
		of = x.parent
	}
	find := runAlerts
	if x.receipt.IsZero() { // no push is behind it
		find, alerts = incidentAlerts, incidentAlerts.Rows()
		alerts.Add(x.incidentID)
	} else {
		alerts.Add(x.receipt, of, x.incidentID)
	}
	s.tx.Query(runIncident, one, func(r storage.Row) error {
		i := &event.Incident{}
		x.incident = i
		return r.Scan(&i.ID, &i.GroupKey, &i.Title, &i.Description, &i.Summary, &i.Status, &i.Severity, &i.EventSeq, &i.CreatedAt, &i.ResolvedAt)
	})
	s.tx.Query(find, alerts, func(r storage.Row) error {
		a := &event.Alert{IncidentID: x.incidentID}
		var labels, annotations []byte
		if err := r.Scan(&a.ID, &a.Source, &a.Fingerprint, &a.Name, &a.Severity, &a.Status, &a.Description, &labels, &annotations, &a.Occurrences,
			&a.StartedAt, &a.EndedAt); err != nil {
			return err
		}
		_ = json.Unmarshal(labels, &a.Labels)           // written by the fold
		_ = json.Unmarshal(annotations, &a.Annotations) // written by the fold
		x.alerts = append(x.alerts, a)
		return nil
	})
	s.failure = errors.Join(s.failure, s.tx.Flush())
}
