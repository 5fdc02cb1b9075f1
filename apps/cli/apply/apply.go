package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Config holds what a Target needs; every field is required. The services' own logs are better discarded: a trial run looks
// like a change to them, and the Plan says what happened.
type Config struct {
	DB        *storage.DB
	Secrets   *secretstore.Store
	Sources   *sources.Service
	Channels  *notify.ChannelService
	Providers *analysts.Service
	Pipelines *orchestration.DefinitionService
	Silences  *silences.Service
}

// Target is a hub whose configuration is applied or exported.
type Target struct{ Config }

// New returns a Target. It reads nothing.
func New(c Config) (*Target, error) {
	if c.DB == nil || c.Secrets == nil || c.Sources == nil || c.Channels == nil || c.Providers == nil || c.Pipelines == nil || c.Silences == nil {
		return nil, errors.New("apply: DB, Secrets, Sources, Channels, Providers, Pipelines and Silences are required")
	}
	return &Target{c}, nil
}

// Options say how a document is applied.
type Options struct {
	Tenant string
	By     string // who does it, for the versions of pipelines
	DryRun bool   // say what would be done and write nothing
	Prune  bool   // delete what the file does not have, of the kinds it has a list for
}

// Action is what was done to one thing.
type Action string

// The actions.
const (
	Created   Action = "create"
	Updated   Action = "update"
	Unchanged Action = "unchanged"
	Deleted   Action = "delete"
)

// Step is one line of a Plan.
type Step struct {
	Action  Action   `json:"action"`
	Kind    Kind     `json:"kind"`
	Name    string   `json:"name"`
	Changes []string `json:"changes,omitempty"` // the fields of an update
	// Key is the ingest key of a source that was made. It is shown this once; a dry run has none.
	Key string `json:"key,omitempty"`
}

// Plan is what was done, or would be done, in order.
type Plan struct {
	Steps  []Step `json:"steps"`
	DryRun bool   `json:"dry_run"`
	// Warnings say in sentences which channels pipelines name in vain afterwards: active ones, and those of the file.
	Warnings []string `json:"warnings,omitempty"`
}

// Changes counts the steps that change something.
func (p Plan) Changes() int {
	n := 0
	for _, s := range p.Steps {
		if s.Action != Unchanged {
			n++
		}
	}
	return n
}

// errDryRun undoes a transaction whose outcome was only of interest.
var errDryRun = errors.New("dry run")

// Apply brings the hub to what the document says, in one transaction: all of it or nothing. A dry run does the same and undoes
// it. The error is *Problems when the document cannot be applied as it is.
func (t *Target) Apply(ctx context.Context, doc *Document, o Options) (Plan, error) {
	run := &run{Target: t, o: o, doc: doc, probed: map[Kind]map[string][]string{}, plan: Plan{Steps: []Step{}, DryRun: o.DryRun}}
	if err := errors.Join(run.probeChannels(ctx), run.probeProviders(ctx)); err != nil {
		return Plan{}, err
	}
	err := t.DB.InTx(ctx, func(ctx context.Context) error {
		if err := run.all(ctx); err != nil {
			return err
		}
		if err := run.vain(ctx); err != nil {
			return err
		}
		if o.DryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return Plan{}, err
	}
	return run.plan, nil
}

// run is one application of a document.
type run struct {
	*Target
	o        Options
	doc      *Document
	plan     Plan
	problems Problems
	probed   map[Kind]map[string][]string // what an update would change, by the name of the channel or provider
	active   string                       // the provider that is active before
}

func (r *run) all(ctx context.Context) error {
	r.plan.Steps = r.plan.Steps[:0]
	apply := map[Kind]func(context.Context, entry) (Step, error){
		KindChannel: r.channel, KindProvider: r.provider, KindSource: r.source, KindSilence: r.silence, KindPipeline: r.pipeline,
	}
	for _, kind := range Kinds() {
		for _, e := range fallbacksFirst(r.doc.entries[kind]) {
			step, err := apply[kind](ctx, e)
			if r.blame(kind, e, err) {
				continue
			}
			if err != nil {
				return fmt.Errorf("apply %s %q: %w", kind, e.name, err)
			}
			step.Kind, step.Name = kind, e.name
			r.plan.Steps = append(r.plan.Steps, step)
		}
		if kind == KindProvider {
			r.replaced()
		}
	}
	if err := r.problems.err(); err != nil {
		return err
	}
	if !r.o.Prune {
		return nil
	}
	return r.prune(ctx)
}

func (r *run) source(ctx context.Context, e entry) (Step, error) {
	fields, err := r.Sources.Changes(ctx, r.o.Tenant, e.name, e.source)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		_, key, err := r.Sources.Create(ctx, r.o.Tenant, e.source)
		if r.o.DryRun {
			key = ""
		}
		return Step{Action: Created, Key: key}, err
	case err != nil || len(fields) == 0:
		return Step{Action: Unchanged}, err
	}
	_, err = r.Sources.Update(ctx, r.o.Tenant, e.name, 0, e.source)
	return Step{Action: Updated, Changes: fields}, err
}

func (r *run) channel(ctx context.Context, e entry) (Step, error) {
	fields, exists := r.probed[KindChannel][e.name]
	switch {
	case !exists:
		_, err := r.Channels.Create(ctx, r.o.Tenant, e.channel)
		return Step{Action: Created}, err
	case len(fields) == 0:
		return Step{Action: Unchanged}, nil
	}
	_, err := r.Channels.Update(ctx, r.o.Tenant, e.name, 0, e.channel)
	return Step{Action: Updated, Changes: fields}, err
}

func (r *run) provider(ctx context.Context, e entry) (Step, error) {
	fields, exists := r.probed[KindProvider][e.name]
	switch {
	case !exists:
		_, err := r.Providers.Create(ctx, r.o.Tenant, e.provider)
		return Step{Action: Created}, err
	case len(fields) == 0:
		return Step{Action: Unchanged}, nil
	}
	_, err := r.Providers.Update(ctx, r.o.Tenant, e.name, 0, e.provider)
	return Step{Action: Updated, Changes: fields}, err
}

// replaced tells of the provider that is not in the file and made way for one that is.
func (r *run) replaced() {
	inFile, active := false, false
	for _, e := range r.doc.entries[KindProvider] {
		inFile = inFile || e.name == r.active
		active = active || e.provider.IsActive
	}
	if r.active != "" && active && !inFile {
		r.plan.Steps = append(r.plan.Steps, Step{Action: Updated, Kind: KindProvider, Name: r.active, Changes: []string{"is_active"}})
	}
}

func (r *run) pipeline(ctx context.Context, e entry) (Step, error) {
	e.pipeline.By, e.pipeline.Vouched = r.o.By, true // the file is the operator's
	fields, err := r.Pipelines.Changes(ctx, r.o.Tenant, e.name, e.pipeline)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		_, err := r.Pipelines.Create(ctx, r.o.Tenant, e.pipeline)
		return Step{Action: Created}, err
	case err != nil:
		return Step{}, err
	case len(fields) == 0:
		return Step{Action: Unchanged}, r.Pipelines.Vouch(ctx, r.o.Tenant, e.name)
	}
	if _, err = r.Pipelines.Update(ctx, r.o.Tenant, e.name, 0, e.pipeline); err == nil {
		err = r.Pipelines.Vouch(ctx, r.o.Tenant, e.name) // a change of other fields makes no version
	}
	return Step{Action: Updated, Changes: fields}, err
}

// blame notes the problems of an entry that its service refuses, with their lines, and reports whether that was it.
func (r *run) blame(kind Kind, e entry, err error) bool {
	note := func(field, message string) {
		r.problems.add(e.problem(kind, "/"+strings.ReplaceAll(field, ".", "/"), message))
	}
	var source *sources.Invalid
	var channel *notify.Invalid
	var provider *analysts.Invalid
	var silence *silences.Invalid
	var pipeline *orchestration.InvalidDefinition
	switch {
	case errors.As(err, &source):
		for _, p := range source.Problems {
			note(p.Field, p.Message)
		}
	case errors.As(err, &channel):
		for _, p := range channel.Problems {
			note(p.Field, p.Message)
		}
	case errors.As(err, &provider):
		for _, p := range provider.Problems {
			note(p.Field, p.Message)
		}
	case errors.As(err, &silence):
		for _, p := range silence.Problems {
			if p.Message == silences.NoEnd {
				p.Message = "say when it ends: ends_at, or starts_at with duration, or a recurrence"
			}
			note(p.Field, p.Message)
		}
	case errors.As(err, &pipeline):
		for _, p := range pipeline.Problems {
			r.problems.add(e.problem(kind, p.Pointer, lintWords(p)))
		}
	default:
		return false
	}
	return true
}
