package intelligence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
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
	Details         map[string]any
}

// Config is what a Service needs. Clock may be nil, and Gather, without which requests have the evidence that they bring.
type Config struct {
	DB        *storage.DB
	Analyzer  *Analyzer
	Incidents Incidents
	Gather    Gatherer
	Log       *slog.Logger
	Clock     clock.Clock
	// Note writes analyses into the history of their incidents, in the transaction that stores them; it can do nothing else to them. Nil:
	// nobody does.
	Note func(tx *storage.Tx, list []Noted) error
	// Changed is told which analysis was stored and which incident it is about; nil: nobody. It must not block.
	Changed func(tenant, kind string, i id.ID)
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
	note      func(tx *storage.Tx, list []Noted) error
	changed   func(tenant, kind string, i id.ID)
	writes    *storage.Queue[*write]

	sweeping sync.WaitGroup

	life  context.Context // of analyses, which outlive who asked first
	end   context.CancelFunc
	mu    sync.Mutex
	under map[string]*flight
}

// flight is an analysis under way.
type flight struct {
	done chan struct{}
	out  *Analysis
	err  error
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
		under: map[string]*flight{},
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.writes = storage.NewQueue(c.DB, storage.QueueOptions{Name: "analysis", Max: 100, Workers: 1}, s.apply)
	return s, nil
}

// Stop ends analyses under way and stores what is left to store.
func (s *Service) Stop() {
	s.end()
	s.sweeping.Wait()
	s.writes.Stop()
}

// shownAfter is how long an analysis may take before it is shown as running.
const shownAfter = time.Second

// Analyze makes an analysis and stores it. Requests that name a stored incident get its facts here; what they bring themselves is used
// when those cannot be read. When ctx ends first the facts are returned, with the class timeout. Those who ask the same of one incident at
// the same time share one analysis, each with a row of its own.
func (s *Service) Analyze(ctx context.Context, r *Request) (*Analysis, error) {
	if _, err := s.who(r); err != nil {
		return nil, err
	}
	if err := s.load(ctx, r); err != nil {
		return nil, err
	}
	w := &write{request: r, id: id.New(), createdAt: s.clock.Now()}
	f, first := s.fly(r) //nolint:contextcheck // an analysis outlives who asked first
	slow := time.NewTimer(shownAfter)
	defer slow.Stop()
	var out *Analysis
	var err error
	for out == nil && err == nil {
		select {
		case <-f.done:
			out, err = f.out, f.err
		case <-slow.C:
			s.store(ctx, w.running(s.name(r)), false)
		case <-ctx.Done():
			out, err = s.late(r) //nolint:contextcheck // it takes no time, and ctx is over
		}
	}
	if out == nil {
		return nil, err
	}
	own := *out
	own.ID, own.Cached = w.id, !first
	s.store(ctx, w.done(&own), true)
	return &own, err
}

// name is who is asked.
func (s *Service) name(r *Request) string {
	who, _ := s.who(r) // Analyze has looked
	return who.Kind
}

// late is what is left when the time is up.
func (s *Service) late(r *Request) (*Analysis, error) {
	plain := *r
	plain.FactsOnly, plain.NoFallback = true, false
	out, err := s.Analyzer.Analyze(context.Background(), &plain)
	if err != nil {
		return nil, err
	}
	out.ErrorClass, out.FallbackUsed = providers.ErrTimeout, true
	if r.NoFallback {
		return out, &providers.Error{Class: providers.ErrTimeout, Err: errors.New("the time for the analysis was over")}
	}
	return out, nil
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

// fly starts an analysis, or joins the one of the same incident that is under way.
func (s *Service) fly(r *Request) (f *flight, first bool) {
	key := s.key(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.under[key]; f != nil && key != "" {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	if key != "" {
		s.under[key] = f
	}
	go func() {
		defer func() {
			s.mu.Lock()
			delete(s.under, key)
			s.mu.Unlock()
			close(f.done)
		}()
		own := *r // r is read by those who wait
		ctx, cancel := context.WithTimeout(s.life, longest)
		defer cancel()
		s.gather(ctx, &own)
		f.out, f.err = s.Analyzer.Analyze(ctx, &own)
	}()
	return f, true
}

// key is the same for requests that one analysis can answer, "" when there are none.
func (s *Service) key(r *Request) string {
	if r.IncidentID.IsZero() || r.FactsOnly {
		return ""
	}
	raw, err := json.Marshal([]any{
		r.Tenant, r.IncidentID, s.name(r), r.Kind, r.Options, r.Hint, r.Context, r.Config, r.NoFallback, r.Gather, r.Incident.Severity, r.Incident.Status,
	})
	if err != nil {
		return ""
	}
	return string(raw)
}
