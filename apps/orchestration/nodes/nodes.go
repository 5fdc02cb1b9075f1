// Package nodes holds the handlers of the node kinds, a file each: the only code that hands one app's result to another.
package nodes

import (
	"bytes"
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// Builtin returns the handlers of this release by node type.
func Builtin() map[string]orchestration.Handler {
	return map[string]orchestration.Handler{"ingest": ingest{}, "notify": notify{}, "transform": transform{}, "condition": condition{}}
}

// decode reads a node's output with exact numbers; nothing and broken documents are nil.
func decode(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

func failed(kind string, err error) orchestration.Result {
	return orchestration.Result{Err: err, Type: kind}
}
