// Package server is the composition root: it alone knows every part, fits them to each other, and starts and stops them.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	channels "github.com/incidenthub/incidenthub/apps/notify/registry"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/apps/orchestration/nodes"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/apps/retention"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	drivers "github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/signals"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/worker"
	"github.com/incidenthub/incidenthub/providers/registry"
)

// tenant is the one tenant of a hub without tenants of its own.
const tenant = "default"

// core is the hub without its doors: storage, services, engine.
type core struct {
	cfg         config.Config
	log         *slog.Logger
	clock       clock.Clock
	db          *storage.DB
	http        *httpclient.Client
	events      *pubsub.Broadcaster
	parsers     *drivers.Registry
	sources     *sources.Service
	entries     *entries
	auth        *auth.Service
	definitions *orchestration.DefinitionService
	channels    *notify.ChannelService
	live        *notify.Channels
	notify      *notify.Service
	hush        notify.Hush // what is silenced; nil: nothing is
	silences    *silences.Service
	silent      *silences.Live
	keeper      *silences.Keeper
	retells     *orchestration.Retells
	catalog     *orchestration.Catalog
	engine      *orchestration.Engine
	acts        *orchestration.Acts
	runActs     *orchestration.RunActs
	starts      *orchestration.Starts
	scheduler   *orchestration.Scheduler
	checker     *ledger.Checker
	totals      *ledger.Reader
	retention   *retention.Service
	changes     *changes.Service
	history     *history.Service
	probe       host.Probe // this machine; looks at it are shared
	look        host.Probe // the same; each look is one
	checks      *checkers.Service
	checkRuns   *checkers.Store
	byHand      intelligence.Gatherer // nil in rehearsals
	models      *httpclient.Client    // calls language models
	minds       *registry.Registry    // the kinds of providers
	providers   *analysts.Service
	directory   *analysts.Directory
	analysts    *intelligence.Service
	analyses    *intelligence.Reader
	alerts      *alerts.Reader
	flow        *orchestration.Reader
	deliveries  *notify.Reader
	previews    *notify.Previewer
	inbox       *notify.Inbox
	specs       []graph.NodeSpec
	channelKind []channel.Spec
	secrets     *secretstore.Store
	claims      *storage.Queue[*queue.Claim]
	reload      *reloader
	usage       sync.WaitGroup // of auth's book-keeping
	endUsage    context.CancelFunc
	bell        doorbell
	queues      *queue.Viewer
	pages       bool // it serves them
	signals     *signals.Signals
	redact      *redact.Redactor
	work        Work
	preset      string
	version     string
	handlers    map[string]orchestration.Handler
	rehearsing  *rehearsing // nil: this is the hub itself
	desk        *rehearsal.Desk
}

// coreOptions are what servers and workers differ in.
type coreOptions struct {
	version string
	unsafe  bool
	work    Work
	pages   bool // it serves pages, which want to know what changes in other processes
	// handlers execute node kinds instead of the built-in ones.
	handlers map[string]orchestration.Handler
	// preset is active from the first start on; "": orchestration.ActivePreset.
	preset string
	// clock is the system's when nil.
	clock clock.Clock
	// probe looks at this machine; nil: the real one.
	probe host.Probe
	// rehearsing makes it a hub that tells nobody, on a database that is thrown away.
	rehearsing *rehearsing
}

// openCore connects to the database, migrates it, and wires everything. Nothing runs yet but the write queues.
func openCore(ctx context.Context, cfg config.Config, log *slog.Logger, console io.Writer, opt coreOptions) (c *core, err error) {
	c = &core{cfg: cfg, log: log, clock: clock.System(), events: &pubsub.Broadcaster{}, work: opt.work, preset: cmp.Or(opt.preset, orchestration.ActivePreset), version: opt.version, handlers: nodes.Builtin(), rehearsing: opt.rehearsing}
	maps.Copy(c.handlers, opt.handlers)
	if opt.clock != nil {
		c.clock = opt.clock
	}
	if c.redact = redact.New(); c.rehearsing != nil {
		c.redact, c.hush = c.rehearsing.redact, c.rehearsing.hush
	}
	c.pages = opt.pages
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	ring, from, err := secret.Load(secret.Source{Key: cfg.Secrets.Key, File: cfg.Secrets.KeyFile, Dir: cfg.Storage.DataDir})
	if err != nil {
		return c, err
	}
	log.DebugContext(ctx, "secret key loaded", "from", from)
	c.db, err = storage.Open(ctx, storage.Config{URL: cfg.Storage.DatabaseURL.Reveal(), Log: log, Clock: c.clock, Unsafe: opt.unsafe})
	if err != nil {
		return c, err
	}
	if err := c.db.Migrate(ctx); err != nil {
		return c, err
	}
	if c.secrets, err = secretstore.New(secretstore.Config{DB: c.db, Keyring: ring}); err != nil {
		return c, err
	}
	if err := c.secrets.Verify(ctx); err != nil {
		return c, fmt.Errorf("start refused: %w", err)
	}
	if c.parsers, err = drivers.New(drivers.Builtin()...); err != nil {
		return c, err
	}
	c.reload = &reloader{db: c.db, log: log}
	if c.probe, c.look = opt.probe, opt.probe; c.probe == nil {
		c.look = host.New(host.Config{Clock: c.clock})
		c.probe = host.Share(c.look, 0)
	}
	c.desk = rehearsal.NewDesk(c, c.clock, log)
	if err := c.services(console); err != nil {
		return c, err
	}
	if err := c.openChecks(); err != nil {
		return c, err
	}
	if err := c.openContext(); err != nil {
		return c, err
	}
	if err := c.openIntelligence(); err != nil {
		return c, err
	}
	return c, c.wire() //nolint:contextcheck // transactions have their own
}

func (c *core) services(console io.Writer) (err error) {
	secrets, changed := c.secrets, c.reload.poke
	if c.sources, err = sources.New(sources.Config{
		DB: c.db, Secrets: secrets, Log: c.log, Drivers: c.parsers.Names(), Env: c.cfg.Webhook.Secret, Changed: changed,
	}); err != nil {
		return err
	}
	c.entries = &entries{sources: c.sources}
	if c.auth, err = auth.New(auth.Config{
		DB: c.db, Log: c.log, AdminKey: c.cfg.Access.AdminKey, Sources: auth.SourceKeysFunc(c.entries.keys),
	}); err != nil {
		return err
	}
	if c.http, err = httpclient.New(httpclient.Config{Allow: c.cfg.Egress.All(), Clock: c.clock}); err != nil {
		return err
	}
	kinds, err := channels.New(channels.Builtin(channels.Deps{HTTP: c.http, Console: console, Clock: c.clock})...)
	if err != nil {
		return err
	}
	c.channelKind = kinds.Specs()
	if c.channels, err = notify.NewChannelService(notify.ChannelConfig{
		DB: c.db, Secrets: secrets, Drivers: kinds, URLs: c.http, Log: c.log, Changed: changed,
	}); err != nil {
		return err
	}
	if err := c.openProviders(); err != nil {
		return err
	}
	known, err := checkSet(c.cfg.Checks)
	if err != nil {
		return err
	}
	words := graph.Known{WebhookDrivers: c.parsers.Names(), ChannelDrivers: kinds.Names(), Providers: c.minds.Names(), Checkers: known.Names()}
	c.specs = graph.Builtin(words)
	if c.definitions, err = orchestration.NewDefinitionService(orchestration.DefinitionConfig{DB: c.db, Log: c.log, Specs: kindsWith(c.db, words)}); err != nil {
		return err
	}
	c.catalog = orchestration.NewCatalog(c.db, c.specs, c.log)
	active := c.channels.Active
	if c.rehearsing != nil {
		active = c.rehearsing.channels
	}
	c.live = notify.NewChannels(active)
	if err := c.readers(); err != nil {
		return err
	}
	return c.openSilences()
}

func (c *core) readers() error {
	var errs [7]error
	c.checker, errs[0] = ledger.NewChecker(c.db)
	c.totals, errs[1] = ledger.NewReader(c.db)
	c.alerts, errs[2] = alerts.NewReader(c.db)
	c.flow, errs[3] = orchestration.NewReader(c.db)
	c.deliveries, errs[4] = notify.NewReader(c.db)
	c.inbox, errs[5] = notify.NewInbox(c.db)
	c.changes, errs[6] = changes.New(c.db)
	return errors.Join(append(errs[:], c.openRetention())...)
}

// wire makes the engine. Its write queues share SQLite's transactions in the order they are made here: outcomes, claims, folds, accepts.
func (c *core) wire() (err error) {
	lease := c.cfg.Jobs.Lease
	var ears worker.Ears
	if c.pages {
		ears = c.events
	}
	if c.bell, err = newBell(c.cfg, c.db, c.work.queues(), ears, c.log, c.clock); err != nil {
		return err
	}
	c.queues = &queue.Viewer{DB: c.db, Clock: c.clock, Names: worker.Queues(), Doorbell: c.bell.Doorbell, Away: c.bell.Away}
	notices, err := notify.NewNotices(c.redact)
	if err != nil {
		return err
	}
	public := c.cfg.Server.PublicURL
	page := func(i id.ID) string {
		if public == "" {
			return ""
		}
		return public + "/incidents/" + i.String()
	}
	if err := c.openPreviews(notices, page); err != nil {
		return err
	}
	c.claims = queue.NewClaims(c.db, c.clock)
	if c.notify, err = notify.New(notify.Config{
		DB: c.db, Log: c.log, Clock: c.clock, Bell: c.bell, Claims: c.claims, Channels: c.live, Notices: notices, Lease: lease, Admin: c.channels, Incidents: subjects{}, Hush: c.hush,
		PageURL: page,
		Changed: c.changed, Slots: c.work.Concurrency,
	}); err != nil {
		return err
	}
	if c.rehearsing == nil { // nobody hears what a rehearsal does
		if c.signals, err = signals.New(signals.Config{
			Backend: c.cfg.Signals.Backend, Host: c.cfg.Signals.StatsdHost, Port: c.cfg.Signals.StatsdPort, Prefix: c.cfg.Signals.StatsdPrefix,
			Endpoint: c.cfg.Signals.Endpoint, Version: c.version, Log: c.log,
		}); err != nil {
			return err
		}
	}
	runs := &runsOfDeliveries{}
	c.notify.Attach(runs)
	c.engine, err = orchestration.New(orchestration.Config{
		DB: c.db, Log: c.log, Clock: c.clock, Bell: c.bell, Claims: c.claims, Catalog: c.catalog, Handlers: c.handlers, Lease: lease,
		Slots:    c.work.Concurrency,
		PushTime: c.rehearsing != nil, InPlace: c.rehearsing != nil && c.rehearsing.inPlace,
		Default: c.cfg.Pipeline.Default,
		Alerts:  func(tx *storage.Tx, rs []*event.Receipt) orchestration.AlertFold { return alerts.Begin(tx, rs) },
		Teller: func(tx *storage.Tx, jobs *queue.Writes) orchestration.TellBatch {
			return c.notify.Planner.Begin(tx, jobs)
		},
		Ledger:  func(tx *storage.Tx) orchestration.LedgerBatch { return ledger.Begin(tx) },
		Remote:  func(t string) bool { return c.analysts.Remote(t, intelligence.Active) },
		Reload:  c.reload.now,
		Redact:  c.redact,
		Signals: c.signals,
		Changed: c.changed,
	})
	if err != nil {
		return err
	}
	runs.runner = c.engine.Runner
	c.acts = orchestration.NewActs(c.db, c.engine.Runner, act)
	c.runActs = orchestration.NewRunActs(c.db, c.engine.Runner, act)
	c.starts = orchestration.NewStarts(c.db, c.engine.Runner, act)
	c.scheduler = orchestration.NewScheduler(c.db, c.catalog, c.starts, c.log)
	c.reload.parts = []func(context.Context) error{c.forget, c.entries.reload, c.live.Reload, c.directory.Reload, c.silent.Reload}
	c.reload.last = c.catalog.Reload
	c.reload.auth = c.auth
	return c.openRetells()
}

// changed tells open pages what to show anew, here and in other processes.
func (c *core) changed(tenant, kind string, i id.ID) {
	e := pubsub.Event{Kind: kind, ID: i}
	c.events.Publish(tenant, e)
	c.bell.Tell(tenant, e)
}

// act fits apps/alerts to orchestration.
func act(tx *storage.Tx, a event.Act) (*orchestration.Acted, error) {
	got, err := alerts.Act(tx, a)
	if err != nil {
		return nil, err
	}
	return &orchestration.Acted{Incident: got.Incident, Seq: got.Seq, Ended: got.Ended, Alerts: got.Alerts}, nil
}

// runsOfDeliveries fits the engine to notify.
type runsOfDeliveries struct{ runner *orchestration.Runner }

// BeginOutcomes implements notify.Runs.
func (r *runsOfDeliveries) BeginOutcomes(tx *storage.Tx, told *notify.Batch, jobs *queue.Writes) notify.RunBatch {
	return r.runner.BeginOutcomes(tx, told, jobs)
}

// first writes what a new hub starts with, and reads the configuration. It returns what must be shown once.
func (c *core) first(ctx context.Context) (welcome, error) {
	var w welcome
	if err := c.channels.EnsureInbox(ctx, tenant); err != nil {
		return w, err
	}
	if err := c.definitions.InstallPresets(ctx, tenant, c.preset); err != nil {
		return w, err
	}
	_, key, created, err := c.sources.EnsureDefault(ctx, tenant)
	if err != nil {
		return w, err
	}
	if created {
		w.ingestKey = key
	}
	if w.ownerToken, _, err = c.auth.EnsureOwner(ctx); err != nil {
		return w, err
	}
	return w, c.reload.now(ctx)
}

// welcome is what the first start shows, once.
type welcome struct{ ownerToken, ingestKey string }
