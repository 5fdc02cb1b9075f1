package intelligence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// Incidents knows what is stored of incidents. internal/server fits apps/alerts to it.
type Incidents interface {
	// Load returns an incident with its alerts: the newest of each name, the worst first. storage.ErrNotFound when there is none.
	Load(ctx context.Context, tenant string, incident id.ID) (*providers.Incident, []providers.Alert, error)
}

// Gatherer finds what is known of a stored incident beside its alerts: checks of this machine, earlier incidents, changes, runbooks. It
// takes a few seconds at most. nodes.ByHand fits.
type Gatherer interface {
	GatherFor(ctx context.Context, tenant, traceID string, incident id.ID) (providers.Evidence, error)
}

// Noted is an analysis of an incident, for the incident's own history.
type Noted struct {
	Tenant, TraceID string
	IncidentID      id.ID
	RunID           id.ID // that asked for it, zero for none
	Details         map[string]any
	Analysis        *Analysis
}

// Config is what a Service needs. Clock may be nil, and Gather, without which requests have the evidence that they bring.
type Config struct {
	DB        *storage.DB
	Analyzer  *Analyzer
	Incidents Incidents
	Gather    Gatherer
	Log       *slog.Logger
	Clock     clock.Clock
	// Note writes analyses into the history of their incidents, in the transaction that stores them; it can do nothing else to them. What
	// it returns is called once it is known whether that was committed, and may be called again; nil: nothing follows. Note nil: nobody
	// hears of analyses.
	Note func(tx *storage.Tx, list []Noted) (after func(committed bool), err error)
	// Changed is told which analysis was stored and which incident it is about; nil: nobody. It must not block.
	Changed func(tenant, kind string, i id.ID)
	// Notice tells an operator that the budget of a provider is spent, once a day; nil: only the log does. It is called in a goroutine.
	Notice func(ctx context.Context, n Notice) error
}

// Service makes analyses and keeps them.
type Service struct {
	*Analyzer

	db        *storage.DB
	incidents Incidents
	gatherer  Gatherer
	owner     string // of rows that say that they run: this process
	log       *slog.Logger
	clock     clock.Clock
	note      func(tx *storage.Tx, list []Noted) (func(bool), error)
	changed   func(tenant, kind string, i id.ID)
	notice    func(ctx context.Context, n Notice) error
	writes    *storage.Queue[*write]
	turns     *storage.Queue[*turn]
	books     *storage.Queue[*booking]
	breaker   *breaker
	stats     stats

	sweeping sync.WaitGroup
	busy     atomic.Int64 // analyses under way, and calls of providers until they are written down

	life   context.Context // of analyses, which outlive who asked first
	end    context.CancelFunc
	mu     sync.Mutex
	under  map[string]*flight
	forgot map[circuitKey]time.Time // the day on which old hours of a provider were removed
}

// New returns a Service. Stop ends it.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Analyzer == nil || c.Incidents == nil || c.Log == nil {
		return nil, errors.New("intelligence: DB, Analyzer, Incidents and Log are required")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	s := &Service{
		Analyzer: c.Analyzer, db: c.DB, incidents: c.Incidents, gatherer: c.Gather, owner: thisProcess(), log: c.Log.With("app", "intelligence"), clock: c.Clock, note: c.Note, changed: c.Changed,
		notice: c.Notice, breaker: newBreaker(), under: map[string]*flight{}, forgot: map[circuitKey]time.Time{},
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.writes = storage.NewQueue(c.DB, storage.QueueOptions{Name: "analysis", Max: 100, Workers: 1}, s.apply)
	s.turns = storage.NewQueue(c.DB, storage.QueueOptions{Name: "provider", Max: 1, Workers: 2}, s.applyTurns) // each locks rows of its own
	s.books = storage.NewQueue(c.DB, storage.QueueOptions{Name: "provider's books", Max: 1, Workers: 1}, s.applyBooks)
	return s, nil
}

// Stop ends analyses under way and stores what is left to store.
func (s *Service) Stop() {
	s.end()
	s.sweeping.Wait()
	watch := clock.Start()
	for s.busy.Load() > 0 && watch.Elapsed() < bookTime { // some never come back
		_ = clock.Sleep(context.Background(), lookAt/10)
	}
	s.turns.Stop()
	s.books.Stop()
	s.writes.Stop()
}

func (s *Service) load(ctx context.Context, r *Request) error {
	if r.IncidentID.IsZero() {
		return nil
	}
	in, alerts, err := s.incidents.Load(ctx, r.Tenant, r.IncidentID)
	switch {
	case err == nil:
		r.Incident, r.Evidence.Alerts = in, alerts
	case r.Incident == nil:
		return fmt.Errorf("load incident %s: %w", r.IncidentID, err)
	default:
		s.log.WarnContext(ctx, "load an incident to analyse", "incident_id", r.IncidentID, "error", err)
	}
	return nil
}

// longest is how long an analysis may take, whatever it was given: one that says for longer that it runs does not.
const longest = 10 * time.Minute

// gather looks for evidence where a request wants that. What it takes is part of the request's time. That there is none stops nobody.
func (s *Service) gather(ctx context.Context, r *Request) {
	if !r.Gather || r.FactsOnly || r.IncidentID.IsZero() || s.gatherer == nil {
		return
	}
	watch := clock.Start()
	ev, err := s.gatherer.GatherFor(ctx, r.Tenant, r.TraceID, r.IncidentID)
	if err != nil {
		s.log.WarnContext(ctx, "gather evidence for an analysis", "incident_id", r.IncidentID, "error", err)
	}
	r.Evidence.Checks = slices.Concat(r.Evidence.Checks, ev.Checks)
	r.Evidence.History = slices.Concat(r.Evidence.History, ev.History)
	r.Evidence.Changes = slices.Concat(r.Evidence.Changes, ev.Changes)
	r.Evidence.Runbook = slices.Concat(r.Evidence.Runbook, ev.Runbook)
	if r.Timeout > 0 {
		r.Timeout = max(r.Timeout-watch.Elapsed(), time.Second)
	}
}
