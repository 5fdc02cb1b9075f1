package silences

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Keep is how long silences are kept after their end.
const Keep = 365 * 24 * time.Hour

// How often a Keeper looks.
const (
	lookEvery  = 5 * time.Second
	pruneEvery = time.Hour
	// share is the part of the time that looking may take, so that many alerts do not make it a burden.
	share = 20
)

// Keeper ends silences that are over. Any number of processes may have one.
type Keeper struct {
	s       *Service
	log     *slog.Logger
	end     context.CancelFunc
	running sync.WaitGroup
	pruned  clock.Stopwatch
	first   bool
}

// NewKeeper returns a Keeper that is not started.
func NewKeeper(s *Service) *Keeper { return &Keeper{s: s, log: s.log, first: true} }

// Start begins to look.
func (k *Keeper) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	k.end = cancel
	k.running.Go(func() {
		for wait := time.Duration(0); clock.Sleep(ctx, wait) == nil; {
			watch := clock.Start()
			if _, err := k.s.Sweep(ctx); err != nil && !errors.Is(err, context.Canceled) {
				k.log.WarnContext(ctx, "end silences", "error", err)
			}
			wait = max(lookEvery, share*watch.Elapsed())
			k.prune(ctx)
		}
	})
}

// Stop ends it and waits for a look under way.
func (k *Keeper) Stop() {
	if k.end != nil {
		k.end()
		k.running.Wait()
	}
}

func (k *Keeper) prune(ctx context.Context) {
	if !k.first && k.pruned.Elapsed() < pruneEvery {
		return
	}
	k.first, k.pruned = false, clock.Start()
	now, err := k.s.now(ctx)
	if err == nil {
		err = k.s.db.From(ctx).Exec(`DELETE FROM silences WHERE expired_at < ?`, now.Add(-Keep)).Error
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		k.log.WarnContext(ctx, "remove old silences", "error", fmt.Errorf("delete: %w", storage.Classify(err)))
	}
}

// Sweep ends what is over by the database's clock: by its time, because its last window is past, because nothing that it matches fires any
// more, or because it was not used. It returns how many it ended.
func (s *Service) Sweep(ctx context.Context) (ended int, err error) {
	now, err := s.now(ctx)
	if err != nil {
		return 0, err
	}
	var rows []row
	if err := s.db.Read(ctx).Where("expired_at IS NULL").Order("tenant_id, id").Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("look at the silences: %w", storage.Classify(err))
	}
	var used []*looked
	var over []ending
	for i := range rows {
		one, err := rows[i].silence()
		if err != nil {
			return 0, fmt.Errorf("read silence %s: %w", rows[i].ID, err)
		}
		switch one.stand(now); {
		case one.Status == Expired && (one.Recurrence == nil || one.exhausted(now)):
			at := now
			if !one.EndsAt.IsZero() && one.EndsAt.Before(now) {
				at = one.EndsAt
			}
			over = append(over, ending{one: one, at: at})
		case one.Status == Active && (one.UntilResolved || one.UnusedFor > 0):
			if ms, bad := ParseMatchers(one.Matchers); len(bad) == 0 {
				used = append(used, &looked{one: one, matchers: ms})
			}
		}
	}
	if err := s.look(ctx, used); err != nil {
		return 0, err
	}
	var met []id.ID
	for _, l := range used {
		switch {
		case l.fires && l.one.stale(now):
			met = append(met, l.one.ID)
		case !l.fires && l.one.unused(now):
			over = append(over, ending{one: l.one, at: now, bump: true})
		}
	}
	if len(met) > 0 { // no new version: nobody has changed it
		if err := s.db.From(ctx).Exec(`UPDATE silences SET used_at = ? WHERE id IN ? AND expired_at IS NULL`, now, met).Error; err != nil {
			return 0, fmt.Errorf("note that silences are used: %w", storage.Classify(err))
		}
	}
	return s.finish(ctx, over, now)
}

// exhausted reports whether a rule has no window left, and not only none that this release can read.
func (s *Silence) exhausted(now time.Time) bool {
	c, bad := compileRule(*s.Recurrence, s.StartsAt, s.EndsAt)
	return len(bad) == 0 && len(c.windows(now, now.Add(lookAhead), 1)) == 0
}

type ending struct {
	one  Silence
	at   time.Time
	bump bool // others cannot know by the time
}

// finish books ends.
func (s *Service) finish(ctx context.Context, over []ending, now time.Time) (ended int, err error) {
	if len(over) == 0 {
		return 0, nil
	}
	bump := false
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		ended, bump = 0, false
		for _, e := range over {
			res := s.db.From(ctx).Exec(`UPDATE silences SET expired_at = ?, updated_at = ?, version = version + 1
				WHERE id = ? AND version = ? AND expired_at IS NULL`, e.at, now, e.one.ID, e.one.Version)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected > 0 {
				ended++
				bump = bump || e.bump
			}
		}
		if bump {
			return s.db.BumpGeneration(ctx)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("end silences: %w", storage.Classify(err))
	}
	if bump {
		s.changed()
	}
	for _, e := range over {
		s.log.InfoContext(ctx, "silence is over", "silence_id", e.one.ID, "used_at", e.one.UsedAt, "unused", e.bump)
	}
	return ended, nil
}

// looked is a silence that ends with what it matches.
type looked struct {
	one      Silence
	matchers Matchers
	fires    bool
}

// look finds out which of them match an alert that fires.
func (s *Service) look(ctx context.Context, list []*looked) error {
	byTenant := map[string][]*looked{}
	for _, l := range list {
		byTenant[l.one.TenantID] = append(byTenant[l.one.TenantID], l)
	}
	for tenant, list := range byTenant {
		left := len(list)
		if err := s.firing(ctx, tenant, func(a *event.Alert) bool {
			for _, l := range list {
				if !l.fires && l.matchers.Match(a) {
					l.fires = true
					left--
				}
			}
			return left > 0
		}); err != nil {
			return err
		}
	}
	return nil
}

// stale reports whether it should be noted that it is used.
func (s *Silence) stale(now time.Time) bool {
	if s.UsedAt.IsZero() {
		return true
	}
	return s.UnusedFor > 0 && now.Sub(s.UsedAt) >= min(s.UnusedFor/20, time.Minute)
}

// unused reports whether it is over, given that nothing fires which it matches.
func (s *Silence) unused(now time.Time) bool {
	if s.UntilResolved && !s.UsedAt.IsZero() {
		return true
	}
	since := later(later(s.UsedAt, s.StartsAt), s.UpdatedAt) // somebody who changes it begins anew
	return s.UnusedFor > 0 && !now.Before(since.Add(s.UnusedFor))
}
