package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// Limits of connections and of stopping.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 16 << 10
	maxConns      = 4096
	stopTime      = 24 * time.Second // of everything together; the process has 25
	balancerTime  = 3 * time.Second  // of that, for a balancer to send its calls elsewhere
	watched       = time.Minute      // a balancer asks at least this often
)

// Options change how a server runs; the zero value is right for production.
type Options struct {
	Version string
	// Unsafe turns fsync off on SQLite and the wait for balancers when stopping, for unit tests.
	Unsafe bool
	// Work is what this process works on, beside taking alerts in; the zero value is everything.
	Work Work
	// Preset is the pipeline that is active from the first start on, orchestration.ActivePreset when "". Tests of what does not look at the
	// host have another one.
	Preset string
	// Handlers execute node kinds instead of the built-in ones, for tests.
	Handlers map[string]orchestration.Handler
	// Probe looks at the machine; nil: the real one.
	Probe host.Probe
	// Apply is run on the open hub before it takes alerts in, with the path of HUB_APPLY.
	Apply func(ctx context.Context, s *Server, path string) error
}

func (o Options) core() coreOptions {
	return coreOptions{version: o.Version, preset: o.Preset, unsafe: o.Unsafe, work: o.Work, handlers: o.Handlers, probe: o.Probe}
}

// Server is a running hub.
type Server struct {
	core     *core
	log      *slog.Logger
	listener net.Listener
	http     *http.Server
	self     *selfCheck
	welcome  welcome
	ready    atomic.Bool
	asked    atomic.Int64 // when somebody last asked whether it is, in Unix seconds
	patient  bool         // wait for a balancer when stopping
	served   chan error
}

// New opens the database, applies what HUB_APPLY names, and listens. Nothing is taken in before Start.
func New(ctx context.Context, cfg config.Config, log *slog.Logger, console io.Writer, opt Options) (*Server, error) {
	if err := os.MkdirAll(cfg.Storage.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := sweepStages(cfg.Storage.DataDir); err != nil {
		log.WarnContext(ctx, "remove old rehearsals", "error", err)
	}
	own := opt.core()
	own.pages = true
	c, err := openCore(ctx, cfg, log, console, own)
	if err != nil {
		return nil, err
	}
	s := &Server{core: c, log: log, served: make(chan error, 1), patient: !opt.Unsafe}
	if err := s.open(ctx, opt); err != nil {
		return nil, errors.Join(err, c.stop(ctx), c.close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context, opt Options) (err error) {
	cfg := s.core.cfg
	// First the address: a hub that cannot listen must not have used up the keys that are shown once.
	if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Server.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w; set HUB_LISTEN to a free address", cfg.Server.Listen, err)
	}
	if s.welcome, err = s.core.first(ctx); err != nil {
		return errors.Join(err, s.listener.Close())
	}
	if cfg.Startup.Apply != "" && opt.Apply != nil {
		if err := opt.Apply(ctx, s, cfg.Startup.Apply); err != nil {
			return errors.Join(fmt.Errorf("apply %s: %w", cfg.Startup.Apply, err), s.listener.Close())
		}
	}
	own := s.listener.Addr().String()
	if err := errors.Join(s.core.http.Deny(own), s.core.models.Deny(own)); err != nil {
		return err
	}
	s.self = &selfCheck{core: s.core}
	handler, err := s.handler(opt) //nolint:contextcheck // handlers have their requests' contexts
	if err != nil {
		return errors.Join(err, s.listener.Close())
	}
	s.http = &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return nil
}

// Addr is where the hub listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// OwnerToken is the admin token of a first start, shown once; "" later.
func (s *Server) OwnerToken() string { return s.welcome.ownerToken }

// IngestKey is the default source's key of a first start, shown once; "" later.
func (s *Server) IngestKey() string { return s.welcome.ingestKey }

// Start takes alerts in and works.
func (s *Server) Start() error {
	if err := s.core.start(); err != nil {
		return err
	}
	s.self.start()
	s.ready.Store(true)
	go func() {
		err := s.http.Serve(limit(s.listener, maxConns))
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		s.served <- err
	}()
	return nil
}

// Stop lets requests and sends end, gives back what is left, and closes the database: not ready at once, then the doors, then
// the workers.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	s.ready.Store(false)
	s.letBalancerSee(ctx)
	s.core.events.Close() // ends the streams, which would hold Shutdown up
	var errs []error
	if err := s.http.Shutdown(ctx); err != nil {
		errs = append(errs, fmt.Errorf("close the doors: %w", err), s.http.Close())
	}
	s.self.stop()
	errs = append(errs, s.core.stop(ctx), s.core.close())
	return errors.Join(errs...)
}

// letBalancerSee goes on taking alerts in, unready, until a balancer has noticed; it does not wait where nobody has asked of late.
func (s *Server) letBalancerSee(ctx context.Context) {
	last := time.Unix(s.asked.Load(), 0)
	if s.patient && s.core.clock.Now().Sub(last) < watched {
		_ = clock.Sleep(ctx, balancerTime) // a second signal ends it sooner
	}
}

// Ready implements api.Ready: the hub takes alerts in and the database answers.
func (s *Server) Ready(ctx context.Context) error {
	s.asked.Store(s.core.clock.Now().Unix())
	if !s.ready.Load() {
		return errors.New("starting or stopping")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := errors.Join(s.core.db.Ping(ctx), s.core.db.Writable(ctx)); err != nil {
		return err
	}
	return s.core.backlog(ctx)
}

// standstill is the age of the oldest due job at which the hub calls itself unready.
const standstill = 5 * time.Minute

func (c *core) backlog(ctx context.Context) error {
	var due []time.Time
	err := c.db.Read(ctx).Raw(`SELECT due_at FROM jobs WHERE queue IN ('ingest', 'notify') AND due_at < ? ORDER BY due_at LIMIT 1`,
		c.clock.Now().Add(-standstill)).Scan(&due).Error
	if err == nil && len(due) > 0 {
		return fmt.Errorf("work that was due at %s has not been done", due[0].UTC().Format(time.RFC3339))
	}
	return err
}

func (s *Server) handler(opt Options) (http.Handler, error) {
	cfg := s.core.cfg
	metrics := prometheus.NewRegistry()
	if err := s.core.measure(metrics); err != nil {
		return nil, err
	}
	var missing gin.HandlerFunc // set below, before anything is served
	engine, err := api.NewEngine(api.EngineConfig{
		Log: s.log, TrustedProxies: cfg.Server.TrustedProxies.Strings(), Metrics: metrics, Missing: func(c *gin.Context) { missing(c) },
	})
	if err != nil {
		return nil, err
	}
	hook, err := api.NewWebhook(api.WebhookConfig{
		Log: s.log.With("app", "api"), Clock: s.core.clock, Auth: s.core.auth, Entries: s.core.entries, Drivers: s.core.parsers,
		Names: s.core.parsers.Names(), Intake: intake{s.core.engine},
		Limits:  doc.Limits{Depth: cfg.Intake.MaxDepth, Items: cfg.Intake.MaxAlerts},
		MaxBody: int64(cfg.Intake.MaxBody), InFlight: int64(cfg.Intake.MaxInflightBytes), Tenant: tenant,
	})
	if err != nil {
		return nil, err
	}
	hook.Register(engine)
	if err := s.api(engine, metrics, opt.Version); err != nil {
		return nil, err
	}
	missing, err = s.web(engine)
	return legible{engine}, err
}
