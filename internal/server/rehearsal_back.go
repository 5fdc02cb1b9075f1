package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// restTime is how long runs of a back-test that did not end at once may take.
const restTime = 20 * time.Second

// Check implements rehearsal.Stage.
func (c *core) Check(ctx context.Context, tenant string, b *rehearsal.Backtest) error {
	now := c.clock.Now()
	if b.Until.IsZero() || b.Until.After(now) {
		b.Until = now
	}
	if !b.Since.Before(b.Until) {
		return fmt.Errorf("%w: the window ends before it begins; give a time in the past as since", rehearsal.ErrBadInput)
	}
	if b.Candidate == nil && len(b.GroupBy) == 0 {
		return fmt.Errorf("%w: nothing would be otherwise; give a definition, or a grouping of a source", rehearsal.ErrBadInput)
	}
	if _, err := c.groupings(tenant, b.GroupBy); err != nil {
		return err
	}
	if b.Candidate == nil {
		return nil
	}
	if b.Candidate.Name == "" {
		return fmt.Errorf("%w: say by name which pipeline the definition is for; a new name makes it stand beside the others", rehearsal.ErrBadInput)
	}
	if len(b.Candidate.Config) == 0 {
		_, err := c.definitions.Get(ctx, tenant, b.Candidate.Name)
		return err
	}
	problems, err := c.definitions.Validate(ctx, tenant, b.Candidate.Config)
	if err != nil {
		return err
	}
	if orchestration.HasErrors(problems) {
		for i := range problems {
			problems[i].Pointer = "/definition" + problems[i].Pointer
		}
		return &orchestration.InvalidDefinition{Problems: problems}
	}
	return nil
}

// groupings are other groupings by the ids of the source entries.
func (c *core) groupings(tenant string, by map[string][]string) (map[id.ID]sources.GroupBy, error) {
	out := map[id.ID]sources.GroupBy{}
	for name, labels := range by {
		e, err := c.entryNamed(tenant, name)
		if err != nil {
			return nil, err
		}
		g := sources.GroupBy{Labels: labels}
		if len(labels) == 1 && labels[0] == "vendor" {
			g = sources.GroupBy{Vendor: true}
		}
		out[e.ID] = g
	}
	return out, nil
}

// Backtest implements rehearsal.Stage: the window's receipts go once more through the real engine, on a stage of their own, and what comes
// out is set against what really happened.
func (c *core) Backtest(ctx context.Context, tenant string, b rehearsal.Backtest, tell rehearsal.Progress) (report *rehearsal.Report, err error) {
	watch := clock.Start()
	r := &replay{entries: map[id.ID]sources.Entry{}}
	for _, e := range c.entries.set().list {
		if e.Tenant == tenant {
			r.entries[e.ID] = e
		}
	}
	if r.grouped, err = c.groupings(tenant, b.GroupBy); err != nil {
		return nil, err
	}
	handlers := maps.Clone(c.handlers)
	handlers["context"], handlers["intelligence"] = r, r
	s, err := c.openStage(ctx, stageOptions{tenant: tenant, candidate: b.Candidate, pretend: r.pretend, inPlace: true, handlers: handlers})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }() //nolint:contextcheck // it ends whatever ctx says
	tell("counting", 0, 0)
	w, found, err := s.findWindow(ctx, tenant, b.Since, b.Until)
	if err != nil {
		return nil, err
	}
	began := c.clock.Now()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	r.w = w
	if found {
		if err := r.through(ctx, tell); err != nil {
			return nil, err
		}
	}
	tell("comparing", w.total, w.total)
	if report, err = (&comparison{w: w, began: began}).compare(ctx); err != nil {
		return nil, err
	}
	report.Since, report.Until = b.Since.UTC().Format(time.RFC3339), b.Until.UTC().Format(time.RFC3339)
	if b.Candidate != nil {
		report.Definition = b.Candidate.Name
	}
	if report.Notes, err = r.notes(ctx); err != nil {
		return nil, err
	}
	report.TookMS = watch.Elapsed().Milliseconds()
	report.Summarize()
	return report, nil
}

// through reads what happened, sets the stage as it was before the window, and plays the window.
func (r *replay) through(ctx context.Context, tell rehearsal.Progress) error {
	w := r.w
	tell("reading what happened", 0, w.total)
	if err := w.recorded(ctx); err != nil {
		return err
	}
	tell("setting the stage", 0, w.total)
	g := &seeding{s: w.s, tenant: w.tenant, active: map[string]bool{}, before: &edge{at: w.at, first: w.first}}
	if err := w.eachIncident(ctx, func(ids []id.ID) error { return g.incidents(ctx, ids) }); err != nil {
		return err
	}
	if err := w.eachAlert(ctx, func(ids []id.ID) error { return g.alerts(ctx, ids) }); err != nil {
		return err
	}
	w.s.engine.Start([]string{orchestration.QueueIngest}) //nolint:contextcheck // its work ends with the stage
	tell("replaying", 0, w.total)
	if err := r.run(ctx, tell); err != nil {
		return err
	}
	rest, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	if err := w.s.folded(rest); err != nil {
		return err
	}
	_ = w.s.none(rest, retrying) // what takes longer counts as under way
	return ctx.Err()
}

// notes say what the comparison cannot show.
func (r *replay) notes(ctx context.Context) ([]string, error) {
	notes := []string{}
	add := func(n int64, one, many string) {
		switch {
		case n == 1:
			notes = append(notes, one)
		case n > 1:
			notes = append(notes, fmt.Sprintf(many, n))
		}
	}
	var slow, failed int64
	db := r.w.s.db.Read(ctx)
	if err := errors.Join(
		db.Raw(`SELECT count(*) FROM real_messages WHERE slow`).Scan(&slow).Error,
		db.Raw(`SELECT count(*) FROM node_runs WHERE error_type = 'not_recorded'`).Scan(&failed).Error,
	); err != nil {
		return nil, fmt.Errorf("read the stage: %w", storage.Classify(err))
	}
	add(slow, "One message failed after many tries; it is taken as sent, so a later repeat that was told because of that shows as one less.",
		"%d messages failed after many tries; they are taken as sent, so later repeats that were told because of that show as fewer.")
	add(failed, "One context or intelligence node had no recorded output and was left out.",
		"%d context or intelligence nodes had no recorded output and were left out.")
	add(int64(r.gone), "The body of one receipt is not stored any more; it is left out on both sides.",
		"The bodies of %d receipts are not stored any more; they are left out on both sides.")
	add(int64(r.strange), "The source of one receipt is not active any more; no pipeline that names sources takes it.",
		"The sources of %d receipts are not active any more; no pipeline that names sources takes them.")
	var strangers []string
	if err := db.Raw(`SELECT DISTINCT x.name FROM definitions x WHERE x.is_active AND x.deleted_at IS NULL
		AND (x.config LIKE '%"on":"schedule"%' OR x.config LIKE '%"on":"manual"%'
		OR x.config LIKE '%"on":["schedule"%' OR x.config LIKE '%"on":["manual"%') ORDER BY x.name`).Scan(&strangers).Error; err != nil {
		return nil, fmt.Errorf("read the stage: %w", storage.Classify(err))
	}
	if len(strangers) > 0 {
		notes = append(notes, "Pipelines that begin by schedule or by hand are not part of it: "+strings.Join(slices.Compact(strangers), ", ")+".")
	}
	return notes, nil
}
