package orchestration

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
)

// What a run keeps of what a node took in and gave out, in bytes.
const (
	maxSnapshot = 64 << 10
	maxError    = 4 << 10
)

// clean takes secrets out of what came of a node, and cuts what is too long: what later nodes see is what is stored. Ingest and notify
// give out small structures of ours.
func (r *Runner) clean(n *graph.Node, res Result) Result {
	if n.Spec.Type != "ingest" && !n.Spec.Notifies {
		res.Output, res.Input = r.snapshot(res.Output), r.snapshot(res.Input)
	}
	if res.Err != nil {
		if text := r.redact.Short(res.Err.Error(), maxError); text != res.Err.Error() {
			res.Err = cleanError{text, res.Err}
		}
	}
	return res
}

func (r *Runner) snapshot(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case json.RawMessage:
		return r.redact.Document(v, maxSnapshot)
	default:
		return r.redact.Document(encode(v), maxSnapshot)
	}
}

// cleanError is an error without the secrets of its text.
type cleanError struct {
	text string
	err  error
}

func (e cleanError) Error() string { return e.text }

func (e cleanError) Unwrap() error { return e.err }
