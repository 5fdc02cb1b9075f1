package intelligence

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Configured is a stored provider, ready to be asked.
type Configured struct {
	ID      id.ID // zero: nothing is stored, the kind's own defaults and environment count
	Name    string
	Kind    string // of providers/registry
	Version int64  // of the record; a breaker that a bad key opened closes when it changes
	Config  json.RawMessage
	Err     error // why it cannot be asked: a secret that cannot be opened
}

// Directory finds stored providers, in memory: it is asked for each analysis.
type Directory interface {
	// Active is the one active provider of a tenant; false: there is none, the local analyzer is.
	Active(tenant string) (Configured, bool)
	// Find returns the provider of this name, or else one of this kind: the active one, or the first by name.
	Find(tenant, name string) (Configured, bool)
}
