package orchestration

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/signals"
)

// signal notes what a run did; it is told after the commit, and never if there is none.
func (s *session) signal(x *run, e signals.Event) {
	if s.r.signals == nil {
		return
	}
	if x.told == nil {
		x.told = &signals.Run{
			TraceID: x.trace, ID: x.id, Parent: x.parent, Incident: x.incidentID, Pipeline: x.name, Source: x.source, Fingerprint: x.fingerprint,
			Environment: environment(x.environment), Attempts: 1,
		}
	}
	e.Run = x.told
	s.signals = append(s.signals, e)
}

// stage notes what a node of a run did.
func (w *walk) stage(n *graph.Node, e signals.Event) {
	e.Stage, e.Node = n.Spec.Type, n.ID
	w.s.signal(w.x, e)
}

// ended notes the end of a run.
func (s *session) ended(x *run) {
	s.signal(x, signals.Event{
		Kind: signals.RunEnded, At: x.startedAt, Took: max(0, s.tx.Now().Sub(x.startedAt)), Status: x.graph.WireStatus(x.state),
		ErrorType: x.errType, Message: x.errMessage, Retryable: x.errRetryable,
	})
}

// emit tells the signals of a transaction that is committed.
func (s *session) emit() {
	if len(s.signals) > 0 {
		s.r.signals.Emit(s.signals)
	}
}

func stageStarted(number int, at time.Time) signals.Event {
	return signals.Event{Kind: signals.StageStarted, Attempt: number, At: at}
}

// finished notes an execution that is over.
func (w *walk) finished(n *graph.Node, number int, at time.Time, took time.Duration, res Result) {
	e := signals.Event{Kind: signals.StageSucceeded, Attempt: number, At: at, Took: took}
	if res.Err != nil {
		e.Kind, e.ErrorType, e.Message, e.Retryable, e.Count = signals.StageFailed, res.Type, res.Err.Error(), res.Retry, 1
		if st := w.x.state.Nodes[n.ID]; st != nil {
			e.Count = st.Failures + 1
		}
	}
	w.stage(n, e)
}
