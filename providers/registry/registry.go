// Package registry lists the providers of this release and makes them from their settings.
package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/claude"
	"github.com/incidenthub/incidenthub/providers/gemini"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/local"
	"github.com/incidenthub/incidenthub/providers/ollama"
	"github.com/incidenthub/incidenthub/providers/openai"
)

// ErrUnknown is wrapped by errors about a name that is not in the registry.
var ErrUnknown = errors.New("unknown provider")

// Deps is what providers need from their surroundings.
type Deps struct {
	Probe host.Probe    // what the local analyzer looks through
	Gap   time.Duration // between its two samples; 0: its own
	LLM   llm.Deps      // of language models; without HTTP there are none
}

// Kind is one kind of provider.
type Kind struct {
	providers.Spec
	// New returns a provider with its settings, an object that only it decodes; empty: its defaults. It opens nothing.
	New func(config json.RawMessage) (providers.Provider, error)
}

// Builtin returns the kinds of this release.
func Builtin(d Deps) []Kind {
	// One for all: analyses of the same moment share what it sees of the host.
	one := sync.OnceValues(func() (providers.Provider, error) { return local.New(local.Config{Probe: d.Probe, Gap: d.Gap}) })
	kinds := []Kind{{Spec: local.Spec(), New: func(json.RawMessage) (providers.Provider, error) { return one() }}}
	if d.LLM.HTTP == nil {
		return kinds
	}
	for _, f := range openai.Flavours() {
		kinds = append(kinds, asked(f.Spec(), f.New, d.LLM))
	}
	return append(kinds,
		asked(claude.Spec(), claude.New, d.LLM),
		asked(gemini.Spec(), gemini.New, d.LLM),
		asked(ollama.Spec(), ollama.New, d.LLM),
	)
}

// asked is the kind of a language model.
func asked[P providers.Asked](spec providers.Spec, newProvider func(json.RawMessage, llm.Deps) (P, error), d llm.Deps) Kind {
	return Kind{Spec: spec, New: func(config json.RawMessage) (providers.Provider, error) {
		p, err := newProvider(config, d)
		if err != nil {
			return nil, err
		}
		return p, nil
	}}
}

// Registry finds kinds by name.
type Registry struct {
	kinds map[string]Kind
	names []string
}

// New refuses a name that is given twice.
func New(kinds ...Kind) (*Registry, error) {
	r := &Registry{kinds: map[string]Kind{}}
	for _, k := range kinds {
		if _, twice := r.kinds[k.Name]; twice || k.Name == "" || k.New == nil {
			return nil, fmt.Errorf("providers: %q is there twice, or lacks its name or its New", k.Name)
		}
		r.kinds[k.Name] = k
		r.names = append(r.names, k.Name)
	}
	slices.Sort(r.names)
	return r, nil
}

// Names are sorted.
func (r *Registry) Names() []string { return slices.Clone(r.names) }

// Spec says what a kind is; false: there is none of this name.
func (r *Registry) Spec(name string) (providers.Spec, bool) {
	k, ok := r.kinds[name]
	return k.Spec, ok
}

// Make returns a provider with its settings.
func (r *Registry) Make(name string, config json.RawMessage) (providers.Provider, error) {
	k, ok := r.kinds[name]
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknown, name)
	}
	return k.New(config)
}
