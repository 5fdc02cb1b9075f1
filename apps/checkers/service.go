package checkers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// MaxAge is how old a result may be that pipelines share.
const MaxAge = 15 * time.Second

// Config is what a Service needs.
type Config struct {
	Set   *Set
	Probe host.Probe
	Log   *slog.Logger
	// Shared is looked through by those that share results, a *host.Shared; nil: they use Probe.
	Shared host.Probe
	Store  *Store      // nil: nothing is kept
	Intake Intake      // nil: nothing becomes an alert
	Guard  Guard       // of addresses that others gave; nil: none of them is connected to
	Clock  clock.Clock // nil: the system's
	// Changed is told which check was kept; nil: nobody. It must not block.
	Changed func(tenant, kind string, i id.ID)
}

// Service runs checks. It is safe for concurrent use.
type Service struct {
	Config
	life context.Context // of checks under way
	end  context.CancelFunc
	wg   sync.WaitGroup

	name atomic.Pointer[string] // of this host, once it is known

	mu      sync.Mutex
	flights map[string]*flight
}

// New returns a Service. It starts nothing.
func New(c Config) (*Service, error) {
	if c.Set == nil || c.Probe == nil || c.Log == nil {
		return nil, errors.New("checkers: Set, Probe and Log are required")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	c.Log = c.Log.With("app", "checkers")
	s := &Service{Config: c, flights: map[string]*flight{}}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Stop ends checks under way and waits for them.
func (s *Service) Stop() {
	s.end()
	s.wg.Wait()
}

// Specs describes the checks that there are.
func (s *Service) Specs() []Spec { return s.Set.Specs() }

// What asks for checks.
const (
	OriginAPI      = "api"
	OriginCLI      = "cli"
	OriginPage     = "page"
	OriginPipeline = "pipeline"
)

// Request asks for checks. The zero value runs all that look at this host.
type Request struct {
	Tenant string
	// Names are the checks to run, in the order of the answer. Empty: all that look at this host and are not switched off, and those of
	// endpoints that Configs has settings for.
	Names []string
	// Configs are settings per check; those under All hold for every check that knows them. A check's own win.
	Configs map[string]json.RawMessage
	// Timeout, Warning and Critical hold for all checks whose Configs do not say otherwise; zero and nil: as the check has it.
	Timeout           time.Duration
	Warning, Critical *float64
	Hostname          string            // name to report; "": this host's
	Labels            map[string]string // put onto alerts
	// CreateAlerts turns what is found into alerts, or resolves them. A pipeline's run that a check's alert began must not ask for it: it
	// would begin itself again.
	CreateAlerts bool
	NoIncidents  bool   // alerts without an incident: nobody is told
	Pipeline     string // whose step asks, "" for none: its alerts go to it where no trigger takes them
	Origin       string
	TraceID      string
	RunID        id.ID // of a pipeline
	// Shared takes results that others asked for in the same words up to MaxAge ago, and looks as briefly as possible.
	Shared  bool
	Guarded bool // the targets come from somebody who is not the operator of this process
}

// Report is what came of a Request.
type Report struct {
	Hostname string   `json:"hostname"`
	Results  []Result `json:"results"`
	// Run, Passed and Failed count the results; one that is not ok has failed.
	Run    int `json:"checks_run"`
	Passed int `json:"checks_passed"`
	Failed int `json:"checks_failed"`
	// Errors are checks that could not be started, and what went wrong with alerts.
	Errors []string `json:"errors"`
	// Alerts tells what became of alerts, nil when none were asked for or they could not be stored.
	Alerts *Alerted `json:"alerts,omitempty"`
}

// Alerted is what checks did to alerts.
type Alerted struct {
	event.Counters
	ReceiptID id.ID   `json:"receipt_id"`
	RunIDs    []id.ID `json:"run_ids"`
}

// Worst is the worst status of the results.
func (r *Report) Worst() Status {
	worst := OK
	for i := range r.Results {
		worst = Worse(worst, r.Results[i].Status)
	}
	return worst
}

// Run runs checks, in parallel, and returns when all have answered or their time is up. A check that fails is a result. Its error wraps
// ErrUnknown when none of the names is a check; else it is nil.
func (s *Service) Run(ctx context.Context, req Request) (Report, error) {
	plan, report := s.plan(req)
	if len(plan) == 0 && len(report.Errors) > 0 && len(req.Names) > 0 {
		_, err := s.Set.Checker(req.Names[0])
		return report, err
	}
	v := s.see(ctx, req.Shared)
	report.Results = make([]Result, len(plan))
	flights := make([]*flight, len(plan))
	var measuring, all sync.WaitGroup
	for _, p := range plan {
		if p.spec.Pair {
			measuring.Add(1)
		}
	}
	for i, p := range plan {
		all.Go(func() {
			if p.spec.Pair {
				defer measuring.Done()
			} else if p.spec.Busy {
				measuring.Wait() // or it would measure this one
			}
			report.Results[i], flights[i] = s.one(ctx, v, req, p)
		})
	}
	all.Wait()
	report.Hostname = s.hostname(req, v)
	for i := range report.Results {
		report.Run++
		if report.Results[i].Status == OK {
			report.Passed++
		} else {
			report.Failed++
		}
	}
	if req.CreateAlerts {
		s.alert(ctx, req, &report, flights)
	}
	return report, nil
}

// planned is a check with its settings.
type planned struct {
	checker Checker
	spec    Spec
	config  json.RawMessage
	err     error // of its settings
}

// plan finds out what to run. What cannot be is among the report's errors.
func (s *Service) plan(req Request) ([]planned, Report) {
	report := Report{Results: []Result{}, Errors: []string{}}
	for _, name := range sortedKeys(req.Configs) {
		if _, err := s.Set.Checker(name); err != nil && name != All {
			report.Errors = append(report.Errors, "settings: "+err.Error())
		}
	}
	names, named := req.Names, len(req.Names) > 0
	if !named {
		for i := range s.Set.specs {
			spec := &s.Set.specs[i]
			if _, configured := req.Configs[spec.Name]; configured || !spec.Endpoint {
				names = append(names, spec.Name)
			}
		}
	}
	var plan []planned
	seen := map[string]bool{}
	for _, name := range names {
		c, err := s.Set.Checker(name)
		if err != nil {
			report.Errors = append(report.Errors, err.Error())
			continue
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		p := planned{checker: c, spec: c.Spec()}
		p.config, p.err = s.settings(req, p.spec)
		if off(p.config) && !named {
			continue
		}
		plan = append(plan, p)
	}
	for _, err := range s.useless(req, plan) {
		report.Errors = append(report.Errors, err.Error())
	}
	return plan, report
}

// one runs a check, or shares what another request finds out.
func (s *Service) one(ctx context.Context, v *view, req Request, p planned) (Result, *flight) {
	f, mine := s.board(req, p)
	if mine {
		s.wg.Go(func() { s.fly(ctx, f, v, req, p) })
	}
	select {
	case <-f.done:
		r := f.result
		return r, f
	case <-ctx.Done():
		r := failed(p.spec, fmt.Errorf("nobody waits for the answer any more: %w", ctx.Err()))
		return r, nil
	}
}
