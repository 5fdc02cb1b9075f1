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
		SELECT DISTINCT v.run_id AS owner, v.incident_id AS incident_id, a.id, a.source, a.fingerprint, a.name, a.severity, a.status, a.description, CAST(a.labels AS text) AS labels,
		       CAST(a.annotations AS text) AS annotations, a.occurrences, a.started_at, a.ended_at
		FROM ledger l JOIN alerts a ON a.id = l.alert_id WHERE l.receipt_id = v.receipt_id AND l.run_id = v.run_id AND l.incident_id = v.incident_id`)

	// incidentAlerts are of the incidents of runs that no push is behind.
	incidentAlerts = storage.Lookup([]storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("fingerprint", storage.Text)}, `
		SELECT a.incident_id AS owner, a.incident_id, a.id, a.source, a.fingerprint, a.name, a.severity, a.status, a.description,
		       CAST(a.labels AS text) AS labels, CAST(a.annotations AS text) AS annotations, a.occurrences, a.started_at, a.ended_at
		FROM alerts a WHERE a.incident_id = v.incident_id
		ORDER BY CASE WHEN a.fingerprint = v.fingerprint THEN 0 WHEN a.status = 'firing' THEN 1 ELSE 2 END, a.id LIMIT 100`)
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
	if s.wantFacts(x) {
		s.failure = errors.Join(s.failure, s.tx.Flush())
	}
}

// about says whose alerts a run tells of: those that a push brought to an incident, by the run that has them in the books, or all of an
// incident that no push is behind.
type about struct{ owner, incident id.ID }

// wantFacts queues the look-up of the incidents and alerts of loaded runs, as far as they have not been read. It reports whether there is
// something to flush.
func (s *session) wantFacts(runs ...*run) bool {
	incidents, pushed, whole := runIncident.Rows(), runAlerts.Rows(), incidentAlerts.Rows()
	byIncident, byOwner := map[id.ID][]*run{}, map[about][]*run{}
	for _, x := range runs {
		if x.loaded || x.folded {
			continue
		}
		x.loaded = true
		if x.incidentID.IsZero() {
			continue
		}
		if byIncident[x.incidentID] == nil {
			incidents.Add(x.incidentID)
		}
		byIncident[x.incidentID] = append(byIncident[x.incidentID], x)
		of := about{x.id, x.incidentID}
		switch {
		case x.receipt.IsZero():
			of.owner = x.incidentID
		case x.repeats():
			of.owner = x.parent
		}
		if byOwner[of] == nil {
			if x.receipt.IsZero() {
				whole.Add(x.incidentID, x.fingerprint)
			} else {
				pushed.Add(x.receipt, of.owner, x.incidentID)
			}
		}
		byOwner[of] = append(byOwner[of], x)
	}
	if len(byIncident) == 0 {
		return false
	}
	s.tx.Query(runIncident, incidents, func(r storage.Row) error {
		var i event.Incident
		if err := r.Scan(&i.ID, &i.GroupKey, &i.Title, &i.Description, &i.Summary, &i.Status, &i.Severity, &i.EventSeq, &i.CreatedAt, &i.ResolvedAt); err != nil {
			return err
		}
		for _, x := range byIncident[i.ID] {
			own := i
			x.incident = &own
		}
		return nil
	})
	scan := func(r storage.Row) error {
		var of about
		var a event.Alert
		var labels, annotations []byte
		if err := r.Scan(&of.owner, &of.incident, &a.ID, &a.Source, &a.Fingerprint, &a.Name, &a.Severity, &a.Status, &a.Description, &labels, &annotations,
			&a.Occurrences, &a.StartedAt, &a.EndedAt); err != nil {
			return err
		}
		a.IncidentID = of.incident
		for _, x := range byOwner[of] {
			own := a
			_ = json.Unmarshal(labels, &own.Labels)           // written by the fold
			_ = json.Unmarshal(annotations, &own.Annotations) // written by the fold
			x.alerts = append(x.alerts, &own)
		}
		return nil
	}
	if pushed.Len() > 0 {
		s.tx.Query(runAlerts, pushed, scan)
	}
	if whole.Len() > 0 {
		s.tx.Query(incidentAlerts, whole, scan)
	}
	return true
}
