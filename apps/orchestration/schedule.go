package orchestration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// How often a scheduler looks.
const (
	lookNext   = time.Second           // for changed definitions, at least
	lookSoon   = 20 * time.Millisecond // when the database's clock is a little behind
	askTime    = 10 * time.Second      // what time it is
	pruneSlots = time.Hour
)

// QueueMaintenance is worked on by processes that do what has to be done at certain times.
const QueueMaintenance = "maintenance"

// Scheduler starts runs of pipelines with a schedule. Any number of processes may have one: a slot is a key in the database, taken in
// the transaction that starts its run. What counts is the database's clock.
type Scheduler struct {
	db      *storage.DB
	catalog *Catalog
	starts  *Starts
	log     *slog.Logger
	time    func(ctx context.Context) (time.Time, error)

	running sync.WaitGroup
	end     context.CancelFunc

	at     time.Time // the database's time when it was asked
	since  clock.Stopwatch
	asked  bool
	pruned time.Time
	seen   map[id.ID]*watched
}

// watched is a schedule as this process knows it.
type watched struct {
	version int64
	until   time.Time // every slot up to here is dealt with
	warned  time.Time // of this slot
}

// NewScheduler returns a Scheduler that is not started.
func NewScheduler(db *storage.DB, catalog *Catalog, starts *Starts, log *slog.Logger) *Scheduler {
	return &Scheduler{db: db, catalog: catalog, starts: starts, log: log.With("app", "orchestration"), time: db.Time, seen: map[id.ID]*watched{}}
}

// Start begins to fire.
func (s *Scheduler) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	s.running.Go(func() {
		for wait := time.Duration(0); clock.Sleep(ctx, wait) == nil; {
			wait = s.turn(ctx)
		}
	})
}

// Stop ends it and waits for a start under way.
func (s *Scheduler) Stop() {
	if s.end != nil {
		s.end()
		s.running.Wait()
	}
}

// turn fires what is due and returns when to look again.
func (s *Scheduler) turn(ctx context.Context) time.Duration {
	routes := s.catalog.scheduled()
	if len(routes) == 0 {
		clear(s.seen)
		return lookNext
	}
	now, err := s.now(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "look at the schedules", "error", err)
		}
		return lookNext
	}
	wait := lookNext
	there := make(map[id.ID]bool, len(routes))
	for _, r := range routes {
		there[r.ID] = true
		w := s.seen[r.ID]
		if w == nil || w.version != r.Version {
			w = &watched{version: r.Version}
			s.seen[r.ID] = w
		}
		if s.look(ctx, r, w, now) {
			wait = lookSoon
		}
		if next := r.Graph.Trigger.Schedule.Next(now); !next.IsZero() {
			wait = min(wait, max(next.Sub(now), lookSoon))
		}
	}
	for i := range s.seen {
		if !there[i] { // should it come back, its slots are looked at anew
			delete(s.seen, i)
		}
	}
	s.prune(ctx, now)
	return wait
}

// look fires the last slot of a schedule that came since it was looked at; true: soon again.
func (s *Scheduler) look(ctx context.Context, r scheduledRoute, w *watched, now time.Time) (soon bool) {
	from := now.Add(-catchUp)
	if w.until.After(from) && !w.until.After(now) { // else it is new, or the clock was set: the table knows what was fired
		from = w.until
	}
	slot := r.Graph.Trigger.Schedule.Last(from, now)
	if slot.IsZero() {
		w.until = now
		return false
	}
	end, err := s.fire(ctx, r, slot, now)
	switch {
	case err != nil:
		if ctx.Err() == nil && !w.warned.Equal(slot) {
			w.warned = slot
			s.log.WarnContext(ctx, "start a scheduled run", "definition", r.Name, "slot", slot, "error", err)
		}
		return false // the next turn tries again
	case end == slotEarly:
		s.asked = false
		return true
	case end == slotFired:
		s.log.InfoContext(ctx, "schedule fired", "definition", r.Name, "slot", slot, "late", now.Sub(slot))
	}
	w.until = now
	return false
}

func (s *Scheduler) fire(ctx context.Context, r scheduledRoute, slot, now time.Time) (slotEnd, error) {
	var end, none slotEnd
	_, err := s.starts.Start(ctx, Start{
		Tenant: r.tenant, Route: r.Route, Origin: OriginSchedule, Source: OriginSchedule, By: "its schedule", Slot: slot, Late: now.Sub(slot),
		Only: func(tx *storage.Tx, run id.ID) (bool, error) {
			var err error
			end, err = s.take(tx, r.tenant, r.Route, slot, run)
			return end == slotFired, err
		},
	})
	if err != nil {
		return none, err // the transaction may still be under way: end is not to be looked at
	}
	return end, nil
}

// now is the database's time, asked now and then and counted on by a clock that nobody can set.
func (s *Scheduler) now(ctx context.Context) (time.Time, error) {
	if s.asked && s.since.Elapsed() < askTime && s.db.Engine() != storage.SQLite { // there it costs nothing
		return s.at.Add(s.since.Elapsed()), nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	watch := clock.Start()
	at, err := s.time(ctx)
	if err != nil {
		s.asked = false
		return at, err
	}
	s.at, s.since, s.asked = at, watch, true
	return at, nil
}

func (s *Scheduler) prune(ctx context.Context, now time.Time) {
	if since := now.Sub(s.pruned); since < pruneSlots && since > -pruneSlots {
		return
	}
	s.pruned = now
	if err := s.db.From(ctx).Exec(`DELETE FROM schedule_slots WHERE slot < ?`, now.Add(-keepSlots)).Error; err != nil && !errors.Is(err, context.Canceled) {
		s.log.WarnContext(ctx, "remove old slots of schedules", "error", fmt.Errorf("delete: %w", storage.Classify(err)))
	}
}

// scheduledRoute is an active definition with a schedule.
type scheduledRoute struct {
	*Route

	tenant string
}

func (c *Catalog) scheduled() (out []scheduledRoute) {
	for tenant, list := range c.now.Load().byTenant {
		for _, r := range list {
			if r.Graph.Trigger.Schedule != nil && r.Graph.Entry() != nil {
				out = append(out, scheduledRoute{r, tenant})
			}
		}
	}
	return out
}
