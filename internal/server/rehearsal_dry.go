package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// dryTime is how long the nodes of a dry run may take together.
const dryTime = 60 * time.Second

// DryRun does with one body what the hub would do, on a stage of its own: nothing is stored in the hub and nothing is sent.
func (c *core) DryRun(ctx context.Context, tenant string, in rehearsal.DryRun) (out rehearsal.DryRunResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, dryTime)
	defer cancel()
	entry, err := c.entryNamed(tenant, in.Source)
	if err != nil {
		return out, err
	}
	driver := in.Driver
	if driver == "" {
		driver = entry.Driver
	}
	var parsed alerts.Parsed
	if len(in.Body) > 0 {
		if parsed, err = alerts.Parse(c.parsers, driver, in.Body, c.limits()); err != nil {
			return out, fmt.Errorf("%w: %w", rehearsal.ErrBadInput, err)
		}
		relabel(parsed.Observations, in.Labels)
	}
	p := api.NewPush(entry, driver, in.Body, parsed)
	p.Origin, p.Source = cmp.Or(in.Origin, p.Origin), in.RunSource
	p.Tenant, p.Pipeline, p.Environment, p.TraceID = tenant, in.Pipeline, in.Environment, in.TraceID
	if p.TraceID == "" {
		p.TraceID = trace.New()
	}
	s, err := c.openStage(ctx, stageOptions{tenant: tenant, candidate: in.Candidate, pretend: wouldSend, handlers: c.stageHandlers()})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.close()) }() //nolint:contextcheck // it ends whatever ctx says
	if err := s.seedFor(ctx, p); err != nil {
		return out, err
	}
	s.engine.Start(Work{}.queues()) //nolint:contextcheck // its work ends with the stage
	s.notify.Start()                //nolint:contextcheck // as above
	d := dryRun{stage: s, tenant: tenant, push: p, began: c.clock.Now()}
	got, err := s.begin(ctx, p, in)
	if errors.Is(err, orchestration.ErrUnknownPipeline) {
		return out, fmt.Errorf("%w: %w", rehearsal.ErrBadInput, err)
	}
	if err != nil {
		return out, err
	}
	s.engine.Settle()
	if err := s.rest(ctx); err != nil {
		return out, err
	}
	return d.result(ctx, got)
}

// begin takes a push in, or begins a run without one.
func (s *stage) begin(ctx context.Context, p *orchestration.Push, in rehearsal.DryRun) (orchestration.Accepted, error) {
	if len(in.Body) > 0 {
		return s.engine.Intake.Accept(ctx, p)
	}
	if err := (&seeding{s: s, tenant: p.Tenant, active: map[string]bool{}}).incidents(ctx, []id.ID{in.Incident}); err != nil {
		return orchestration.Accepted{}, err
	}
	route := s.catalog.Named(p.Tenant, in.Pipeline)
	if route == nil {
		return orchestration.Accepted{}, fmt.Errorf("%w: %q", orchestration.ErrUnknownPipeline, in.Pipeline)
	}
	_, err := s.starts.Start(ctx, orchestration.Start{
		Tenant: p.Tenant, Route: route, Origin: p.Origin, Source: p.Source, Environment: p.Environment, TraceID: p.TraceID, By: "rehearsal",
		Incident: in.Incident,
	})
	return orchestration.Accepted{TraceID: p.TraceID, Outcome: orchestration.OutcomeQueued}, err
}

// wouldSend makes a channel take every message at once.
func wouldSend(l *notify.Live) {
	l.Pretend = func(*event.Tell, channel.Kind) (state, reason string) { return event.StateDelivered, "" }
}

// stageHandlers are those of the hub, but for analyses: the stage makes its own, which give the facts and ask nobody.
func (c *core) stageHandlers() map[string]orchestration.Handler {
	h := maps.Clone(c.handlers)
	delete(h, "intelligence")
	return h
}

// entryNamed finds a source entry by name, "" for the default one.
func (c *core) entryNamed(tenant, name string) (sources.Entry, error) {
	if name != "" {
		if e, ok := c.entries.ByName(tenant, name); ok {
			return e, nil
		}
		return sources.Entry{}, fmt.Errorf("source %.100q: %w", name, storage.ErrNotFound)
	}
	if e, ok := c.entries.Default(tenant); ok {
		return e, nil
	}
	return sources.Entry{}, fmt.Errorf("the default source: %w", storage.ErrNotFound)
}

func (c *core) limits() doc.Limits {
	return doc.Limits{Depth: c.cfg.Intake.MaxDepth, Items: c.cfg.Intake.MaxAlerts}
}

// seedFor brings what the hub knows of a push's alerts to the stage.
func (s *stage) seedFor(ctx context.Context, p *orchestration.Push) error {
	g := &seeding{s: s, tenant: p.Tenant, active: map[string]bool{}}
	var known, incidents []id.ID
	db := s.hub.db.Read(ctx)
	list := slices.DeleteFunc(p.Stored(), func(o event.Stored) bool { return o.Rejected != "" })
	for part := range slices.Chunk(list, seedPage) {
		groups := make([]string, 0, len(part))
		bySource := map[string][]string{}
		for _, o := range part {
			groups = append(groups, o.GroupKey)
			bySource[o.Source] = append(bySource[o.Source], o.Fingerprint)
		}
		for source, prints := range bySource {
			var rows []struct {
				ID         id.ID `gorm:"column:id"`
				IncidentID id.ID `gorm:"column:incident_id"`
			}
			if err := db.Table("alerts").Where("tenant_id = ? AND source = ? AND fingerprint IN ?", p.Tenant, source, prints).Find(&rows).Error; err != nil {
				return fmt.Errorf("look for known alerts: %w", storage.Classify(err))
			}
			for _, r := range rows {
				known = append(known, r.ID)
				if !r.IncidentID.IsZero() {
					incidents = append(incidents, r.IncidentID)
				}
			}
		}
		var open []id.ID
		if err := db.Table("incidents").Where("group_key IN ? AND tenant_id = ? AND status IN ('open', 'acknowledged')", groups, p.Tenant).
			Pluck("id", &open).Error; err != nil {
			return fmt.Errorf("look for open incidents: %w", storage.Classify(err))
		}
		incidents = append(incidents, open...)
	}
	if err := g.incidents(ctx, incidents); err != nil {
		return err
	}
	return g.alerts(ctx, known)
}

// restEvery is how often a stage is asked whether all is done.
const restEvery = 5 * time.Millisecond

// Questions to a stage: what is not folded yet, and which runs are under way.
const (
	notFolded = `SELECT count(*) FROM receipts WHERE folded_at IS NULL AND outcome IN ('queued', 'no_route')`
	retrying  = `SELECT count(*) FROM jobs WHERE kind = 'node'`
	underWay  = `SELECT count(*) FROM runs WHERE state IN ('pending', 'running', 'retrying')`
)

// rest waits until everything that came in is folded and no run is under way.
func (s *stage) rest(ctx context.Context) error {
	return errors.Join(s.none(ctx, notFolded), s.none(ctx, underWay))
}

// folded waits until everything that came in is folded.
func (s *stage) folded(ctx context.Context) error { return s.none(ctx, notFolded) }

func (s *stage) none(ctx context.Context, question string) error {
	for {
		var n int64
		if err := s.db.Read(ctx).Raw(question).Scan(&n).Error; err != nil {
			return fmt.Errorf("look whether the rehearsal is over: %w", storage.Classify(err))
		}
		if n == 0 {
			return nil
		}
		if err := clock.Sleep(ctx, restEvery); err != nil {
			return fmt.Errorf("wait for the rehearsal: %w", err)
		}
	}
}
