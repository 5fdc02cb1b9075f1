package orchestration

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/signals"
)

// run is one execution of a definition while a transaction works on it.
type run struct {
	id, receipt, parent, incidentID, definition      id.ID
	tenant, trace, name, source, origin, environment string
	entry, fingerprint, current, errType, errMessage string
	version, eventSeq                                int64
	eventKind                                        event.EventKind
	errRetryable                                     bool
	createdAt, startedAt, finishedAt                 time.Time
	graph                                            *graph.Graph
	state                                            *graph.State
	incident                                         *event.Incident
	alerts                                           []*event.Alert
	folded                                           bool // begun by this fold: its rows are in the session
	loaded                                           bool // incident and alerts were read
	fresh                                            bool // its row is not stored yet
	expires                                          bool // its deadline is set, or was in this transaction
	began                                            map[string]time.Time
	dirty                                            map[string]bool
	attempts                                         []attempt
	decisions                                        []event.Decision
	fault                                            string                     // why there is nothing to take in
	told                                             *signals.Run               // for signals, nil before the first
	recorded                                         map[string]json.RawMessage // of a replay: outputs that are taken over
}

// attempt is one finished execution of a node.
type attempt struct {
	node      string
	number    int
	input     any
	errType   string
	err       string
	retryable bool
	at        time.Time
	took      time.Duration
}

// Result is what a node's handler gives back.
type Result struct {
	Output any  // encodes to a JSON object
	Input  any  // what went in, for the record
	Wait   bool // the node ends later, when its deliveries do
	Err    error
	Type   string // class of Err
	Retry  bool
}

// NodeContext is what a handler sees.
type NodeContext struct {
	Ctx     context.Context // lives for one execution
	Node    *graph.Node
	Run     RunFacts
	Plain   bool // go out with what there is
	Outputs map[string]json.RawMessage
	Vars    func() graph.Vars
	Tell    func(*event.Tell) ([]event.Told, error)
	Graph   *graph.Graph
	Ingest  *IngestOutput // of the fold, for the ingest node
	Fault   string        // why there is nothing to take in: the ingest node fails
}

// RunFacts names the run to its nodes.
type RunFacts struct {
	ID, DefinitionID    id.ID
	Receipt             id.ID // zero: none is behind it
	Tenant, TraceID     string
	Source, Environment string
	Incident            *event.Incident
	Event               event.EventKind
	Version, EventSeq   int64 // of the definition, and of the incident's last event
	Alerts              []*event.Alert
	PreviousTypes       map[string]string // node id to type
}

// Handler executes one node kind. In-place kinds run inside the transaction and do no I/O.
type Handler interface {
	Run(c *NodeContext) Result
}

func (s *session) add(x *run) {
	x.began, x.dirty = map[string]time.Time{}, map[string]bool{}
	x.startedAt = s.tx.Now()
	s.runs[x.id] = x
	s.order = append(s.order, x)
	s.signal(x, signals.Event{Kind: signals.RunStarted, At: x.startedAt})
}

// ingested completes the fold's part of a run and carries it on as far as it goes in place.
func (s *session) ingested(x *run, output *IngestOutput, stop string) error {
	entry := x.graph.Entry()
	if stop != "" && entry.Spec.Type != "ingest" {
		for _, n := range x.graph.Nodes {
			x.state.Nodes[n.ID] = &graph.NodeState{Status: graph.NodeSkipped, Reason: stop}
			x.dirty[n.ID] = true
		}
		x.state.Run = graph.RunSucceeded
		x.finishedAt = s.tx.Now()
		s.ended(x)
		return nil
	}
	w := &walk{s: s, x: x, ingest: output, stop: stop}
	return w.step(graph.RunStarted{})
}

// walk carries one run on through whatever can be done in place.
type walk struct {
	s      *session
	x      *run
	ingest *IngestOutput
	stop   string
}

func (w *walk) step(ev graph.Event) error {
	x := w.x
	before := marks(x.state)
	effects, err := x.graph.Step(w.s.tx.Context(), x.state, ev, graph.Inputs{
		Vars: w.vars, Rand: w.s.r.random, Now: w.s.tx.Now(),
	})
	if errors.Is(err, graph.ErrStale) {
		return nil
	}
	if err != nil {
		return err
	}
	for node, st := range x.state.Nodes {
		if before[node] != markOf(st) {
			x.dirty[node] = true
		}
	}
	for _, e := range effects {
		if err := w.effect(e); err != nil {
			return err
		}
	}
	return nil
}

type mark struct {
	status                     graph.NodeStatus
	attempt, failures, rescues int
	taken                      int
	passed, armed              bool
}

func markOf(n *graph.NodeState) mark {
	return mark{n.Status, n.Attempt, n.Failures, n.Rescues, len(n.Taken), n.Passed, n.Armed}
}

func marks(s *graph.State) map[string]mark {
	out := make(map[string]mark, len(s.Nodes))
	for node, st := range s.Nodes {
		out[node] = markOf(st)
	}
	return out
}

func (w *walk) effect(e graph.Effect) error {
	x, s := w.x, w.s
	switch e := e.(type) {
	case graph.StartNode:
		x.current = e.Node
		if out, ok := x.recorded[e.Node]; ok {
			return w.takeOver(e.Node, e.Attempt, out)
		}
		if n, ok := x.graph.Node(e.Node); e.Queue == "" || !ok || s.r.inPlace || s.r.handlers[n.Spec.Type] == nil {
			return w.execute(e.Node, e.Attempt, e.Plain) // a kind that this release cannot run fails at once, on record
		}
		s.rings[e.Queue] = true
		s.jobs.Insert(s.tx, queue.New{Kind: JobNode, Ref: x.id, Node: e.Node, Tenant: x.tenant, Queue: e.Queue})
		w.expires()
	case graph.RetryNode:
		q := e.Queue
		if q == "" {
			q = QueueIngest
		}
		s.jobs.Insert(s.tx, queue.New{Kind: JobNode, Ref: x.id, Node: e.Node, Tenant: x.tenant, Queue: q, After: e.After})
		w.expires()
		if n, ok := x.graph.Node(e.Node); ok {
			st := x.state.Nodes[e.Node]
			w.stage(n, signals.Event{Kind: signals.StageRetrying, Attempt: st.Attempt, At: s.tx.Now(), Delay: e.After, Count: st.Failures})
		}
	case graph.SkipNode:
		return w.skipped(e)
	case graph.CancelNode:
		s.jobs.Remove(queue.Key{Kind: JobNode, Ref: x.id, Node: e.Node})
	case graph.ArmDeadline:
		after := s.r.enrichLocal
		if e.Provider || e.Active && (s.r.remote == nil || s.r.remote(x.tenant)) {
			after = s.r.enrichProvider
		}
		s.jobs.Insert(s.tx, queue.New{Kind: JobDeadline, Ref: x.id, Node: e.Node, Tenant: x.tenant, Queue: QueueIngest, After: after})
	case graph.Decision:
		x.decisions = append(x.decisions, event.Decision{What: e.What, Name: e.Node, Result: "noted", Why: e.Why})
	case graph.FinishRun:
		x.finishedAt = s.tx.Now()
		if e.Err != nil {
			x.errType, x.errMessage, x.errRetryable = e.Err.Type, e.Err.Error(), e.Err.Retryable
		}
		s.ended(x)
		w.over()
	case graph.LateOutput:
		x.decisions = append(x.decisions, event.Decision{What: "late", Name: e.Node, Result: "noted", Why: "it finished after the notification had left"})
	}
	return nil
}

// expires sets the run's deadline when it begins with what takes time; a deadline that is set stays.
func (w *walk) expires() {
	if x := w.x; !x.expires {
		x.expires = true
		w.s.jobs.Insert(w.s.tx, queue.New{Kind: JobExpiry, Ref: x.id, Tenant: x.tenant, Queue: QueueIngest, After: x.graph.Deadline})
	}
}

// tookTime reports whether a node of the run may have set its deadline.
func (x *run) tookTime() bool {
	for _, n := range x.graph.Nodes {
		if st := x.state.Nodes[n.ID]; st != nil && (st.Attempt > 1 || st.Attempt > 0 && n.Spec.Queue != "") {
			return true
		}
	}
	return false
}

// over drops what waits for a run that has ended.
func (w *walk) over() {
	x := w.x
	if !x.folded && x.tookTime() {
		w.s.jobs.Remove(queue.Key{Kind: JobExpiry, Ref: x.id})
	}
	if x.graph.MaxRuns > 0 && !x.folded {
		w.s.ends = append(w.s.ends, x)
	}
}

// execute runs a node in place and feeds its end back into the engine.
func (w *walk) execute(node string, number int, plain bool) error {
	n, ok := w.x.graph.Node(node)
	if !ok {
		return graph.ErrUnknownNode
	}
	at := w.s.tx.Now()
	w.x.began[node] = at
	w.stage(n, stageStarted(number, at))
	res := w.s.r.handle(w.context(n, plain))
	return w.end(n, number, at, 0, res)
}

// takeOver ends a node with what it gave out in the run that is replayed.
func (w *walk) takeOver(node string, number int, output json.RawMessage) error {
	n, ok := w.x.graph.Node(node)
	if !ok {
		return graph.ErrUnknownNode
	}
	at := w.s.tx.Now()
	w.x.began[node] = at
	return w.end(n, number, at, 0, Result{Output: output, Input: recordedInput{w.x.parent.String()}})
}

// recordedInput is the input of a node whose output was taken over.
type recordedInput struct {
	RecordedIn string `json:"recorded_in"` // run
}

// end records an execution and tells the engine.
func (w *walk) end(n *graph.Node, number int, at time.Time, took time.Duration, res Result) error {
	x := w.x
	a := attempt{node: n.ID, number: number, input: res.Input, at: at, took: took}
	if !res.Wait || res.Err != nil {
		w.finished(n, number, at, took, res)
	}
	switch {
	case res.Err != nil:
		a.errType, a.err, a.retryable = res.Type, res.Err.Error(), res.Retry
		x.attempts = append(x.attempts, a)
		return w.step(graph.NodeErred{Node: n.ID, Type: res.Type, Message: res.Err.Error(), Retryable: res.Retry})
	case res.Wait: // its attempt is recorded when it ends
		if st := x.state.Nodes[n.ID]; st != nil {
			st.Output = encode(res.Output)
		}
		return w.step(graph.NodeStarted{Node: n.ID})
	default:
		x.attempts = append(x.attempts, a)
		stop := ""
		if n.Spec.Type == "ingest" {
			stop = w.stop
		}
		return w.step(graph.NodeDone{Node: n.ID, Output: encode(res.Output), Stop: stop})
	}
}

// skipped leaves a trace of what a notify node would have told.
func (w *walk) skipped(e graph.SkipNode) error {
	n, ok := w.x.graph.Node(e.Node)
	if !ok || !n.Spec.Notifies || e.Reason != graph.ReasonWhen || w.x.incident == nil || w.x.eventSeq == 0 || w.x.eventKind == event.EventResolved {
		return nil // ends are told by state, whatever a condition says
	}
	c := w.context(n, false)
	tell := c.Tell
	c.Tell = func(t *event.Tell) ([]event.Told, error) {
		t.Suppress = event.ReasonWhen
		return tell(t)
	}
	w.s.r.handle(c) // its deliveries are recorded as held back; the node stays skipped
	return nil
}

func (w *walk) context(n *graph.Node, plain bool) *NodeContext {
	x := w.x
	outputs := make(map[string]json.RawMessage, len(x.state.Nodes))
	types := make(map[string]string, len(x.graph.Nodes))
	for _, g := range x.graph.Nodes {
		types[g.ID] = g.Spec.Type
		if st := x.state.Nodes[g.ID]; st != nil && st.Status == graph.NodeSucceeded {
			outputs[g.ID] = st.Output
		}
	}
	w.s.facts(x)
	return &NodeContext{
		Ctx: w.s.tx.Context(), Node: n, Plain: plain, Outputs: outputs, Graph: x.graph, Ingest: w.ingest, Fault: x.fault,
		Vars: func() graph.Vars { return x.graph.Vars(x.state, w.vars()) },
		Tell: func(t *event.Tell) ([]event.Told, error) {
			t.Dry = x.dry()
			return w.s.tell(t)
		},
		Run: RunFacts{
			ID: x.id, Receipt: x.receipt, DefinitionID: x.definition, Version: x.version, Tenant: x.tenant, TraceID: x.trace, Source: x.source, Environment: x.environment,
			Incident: x.incident, Event: x.eventKind, EventSeq: x.eventSeq, Alerts: x.alerts, PreviousTypes: types,
		},
	}
}

// now is the time that a run's expressions see.
func (w *walk) now() time.Time {
	if w.s.r.pushTime && !w.x.receipt.IsZero() {
		return w.x.createdAt
	}
	return w.s.tx.Now()
}

// vars are the base variables of a run's expressions.
func (w *walk) vars() graph.Vars {
	x := w.x
	w.s.facts(x)
	alerts := make([]any, 0, len(x.alerts))
	for _, a := range x.alerts {
		alerts = append(alerts, alertVars(a))
	}
	v := graph.Vars{
		"alerts": alerts, "alert": map[string]any{}, "labels": map[string]any{}, "severity": "", "source": x.source, "now": w.now(),
		"run": map[string]any{
			"id": x.id.String(), "trace_id": x.trace, "definition": x.name, "version": x.version, "environment": x.environment, "origin": x.origin,
			"event": string(x.eventKind),
		},
		"incident": map[string]any{},
	}
	if len(x.alerts) > 0 {
		first := alertVars(x.alerts[0])
		v["alert"], v["labels"], v["severity"], v["source"] = first, first["labels"], first["severity"], first["source"]
	}
	if i := x.incident; i != nil {
		v["incident"] = map[string]any{
			"id": i.ID.String(), "title": i.Title, "description": i.Description, "status": string(i.Status), "severity": string(i.Severity),
			"started_at": i.CreatedAt, "event": string(x.eventKind), "alert_count": len(x.alerts),
		}
	}
	return v
}

func alertVars(a *event.Alert) map[string]any {
	return map[string]any{
		"name": a.Name, "status": string(a.Status), "severity": string(a.Severity), "source": a.Source, "description": a.Description,
		"fingerprint": a.Fingerprint, "labels": anyMap(a.Labels), "annotations": anyMap(a.Annotations), "started_at": a.StartedAt,
		"occurrences": a.Occurrences,
	}
}

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
