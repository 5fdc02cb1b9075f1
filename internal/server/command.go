package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	channels "github.com/incidenthub/incidenthub/apps/notify/registry"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	drivers "github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Open opens and migrates the database for one command, without anything that works in the background. The database of a new
// data folder is made.
func Open(ctx context.Context, cfg config.Config, log *slog.Logger) (*cli.Hub, error) {
	if err := os.MkdirAll(cfg.Storage.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	db, err := storage.Open(ctx, storage.Config{URL: cfg.Storage.DatabaseURL.Reveal(), Log: log})
	if err != nil {
		return nil, err
	}
	h := &cli.Hub{}
	closeAll := func() error { return db.Close() }
	if err = db.Migrate(ctx); err == nil {
		h.Auth, err = auth.New(auth.Config{DB: db, Log: log, AdminKey: cfg.Access.AdminKey, AdminTenant: tenant})
	}
	if err == nil {
		var shut func()
		h.Target, h.Kinds, shut, err = configuration(cfg, db)
		closeAll = func() error { shut(); return db.Close() }
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	h.Secrets, h.Close = h.Target.Secrets, closeAll
	h.Test = trialsOfCommands{cfg: cfg, db: db, providers: h.Target.Providers, log: log}.Test
	reader, err := intelligence.NewReader(db)
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	h.Usage = reader.Usage
	return h, nil
}

// configuration makes the services that apply and export work with, apart from those of a running hub: they log nothing, since
// a trial run looks like a change to them, and they reload nothing, since that would happen inside apply's transaction.
func configuration(cfg config.Config, db *storage.DB) (target *apply.Target, of []channel.Spec, shut func(), err error) {
	ring, _, err := secret.Load(secret.Source{Key: cfg.Secrets.Key, File: cfg.Secrets.KeyFile, Dir: cfg.Storage.DataDir})
	if err != nil {
		return nil, nil, nil, err
	}
	parsers, err := drivers.New(drivers.Builtin()...)
	if err != nil {
		return nil, nil, nil, err
	}
	client, err := httpclient.New(httpclient.Config{Allow: cfg.Egress.All()})
	if err != nil {
		return nil, nil, nil, err
	}
	kinds, err := channels.New(channels.Builtin(channels.Deps{HTTP: client, Console: io.Discard})...)
	if err != nil {
		return nil, nil, nil, err
	}
	log := slog.New(slog.DiscardHandler)
	minds, err := kindsOfProviders(cfg, client, nil, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	known, err := checkSet(config.Checks{})
	if err != nil {
		return nil, nil, nil, err
	}
	words := graph.Known{WebhookDrivers: parsers.Names(), ChannelDrivers: kinds.Names(), Providers: minds.Names(), Checkers: known.Names()}
	reader, err := alerts.NewReader(db)
	if err != nil {
		return nil, nil, nil, err
	}
	var errs [5]error
	c := apply.Config{DB: db}
	if c.Secrets, err = secretstore.New(secretstore.Config{DB: db, Keyring: ring}); err != nil {
		return nil, nil, nil, err
	}
	c.Sources, errs[0] = sources.New(sources.Config{DB: db, Secrets: c.Secrets, Log: log, Drivers: parsers.Names(), Env: cfg.Webhook.Secret})
	c.Channels, errs[1] = notify.NewChannelService(notify.ChannelConfig{DB: db, Secrets: c.Secrets, Drivers: kinds, URLs: client, Log: log})
	c.Pipelines, errs[2] = orchestration.NewDefinitionService(orchestration.DefinitionConfig{DB: db, Log: log, Specs: kindsWith(db, words)})
	c.Providers, errs[3] = analysts.New(analysts.Config{DB: db, Secrets: c.Secrets, Kinds: minds, URLs: client, Log: log})
	c.Silences, errs[4] = silences.New(silences.Config{DB: db, Log: log, Firing: reader.Firing})
	if err := errors.Join(errs[:]...); err != nil {
		return nil, nil, nil, err
	}
	target, err = apply.New(c)
	return target, kinds.Specs(), client.Close, err
}

// gcPercent is GOGC for the commands serve and worker, defaultGC Go's own; gcLimit is GOMEMLIMIT.
const (
	gcPercent = 300
	defaultGC = 100
	gcLimit   = 320 << 20
)

// CollectLess tunes the garbage collector for a hub: it lives on a small heap with many short-lived values, where collecting less
// often costs some memory and saves a fifth of the CPU. Under overload the heap is not small, and there memory is what is short. GOGC and
// GOMEMLIMIT in the environment win.
func CollectLess() {
	if was := debug.SetGCPercent(gcPercent); was != defaultGC {
		debug.SetGCPercent(was)
	}
	if was := debug.SetMemoryLimit(gcLimit); was != math.MaxInt64 {
		debug.SetMemoryLimit(was)
	}
}

// Run is the command serve: a hub until ctx ends. What a person needs to begin goes to stdout.
func Run(ctx context.Context, cfg config.Config, getenv func(string) string, stdout io.Writer, log *slog.Logger) error {
	for _, w := range cfg.Warnings() {
		log.WarnContext(ctx, "settings", "warning", w)
	}
	w := workOf(cfg)
	if err := w.check(); err != nil {
		return err
	}
	if len(w.Queues) > 0 && cfg.Storage.RedisURL.Reveal() == "" {
		return errors.New("HUB_QUEUES (--queues): what this process leaves, workers must do, and they need HUB_DATABASE_URL and HUB_REDIS_URL; leave it out")
	}
	CollectLess()
	s, err := New(ctx, cfg, log, stdout, Options{Work: w, Apply: func(ctx context.Context, s *Server, path string) error {
		return s.applyFile(ctx, path, getenv, stdout)
	}})
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil { //nolint:contextcheck // its work ends with Stop, in order, not with ctx
		return errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	_, err = io.WriteString(stdout, s.greeting())
	debug.FreeOSMemory() // starting takes several times what an idle hub needs
	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "stopping")
	case failed := <-s.served:
		err = errors.Join(err, failed)
	}
	return errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
}

// applyFile brings the hub to what the file of HUB_APPLY says. It prunes nothing: deleting is for people to ask for.
func (s *Server) applyFile(ctx context.Context, path string, getenv func(string) string, stdout io.Writer) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	file, err := apply.Read(raw, getenv)
	if err != nil {
		return err
	}
	target, _, shut, err := configuration(s.core.cfg, s.core.db)
	if err != nil {
		return err
	}
	defer shut()
	plan, err := target.Apply(ctx, file, apply.Options{Tenant: tenant, By: "HUB_APPLY"})
	if err != nil {
		return err
	}
	for _, w := range plan.Warnings {
		s.log.WarnContext(ctx, "configuration applied", "warning", w)
	}
	for _, step := range plan.Steps {
		if step.Action != apply.Unchanged {
			s.log.InfoContext(ctx, "configuration applied", "action", step.Action, "kind", step.Kind, "name", step.Name)
		}
		if step.Key != "" {
			if _, err := fmt.Fprintf(stdout, "Ingest key of source %q, shown this once: %s\n", step.Name, step.Key); err != nil {
				return err
			}
		}
	}
	return s.core.reload.now(ctx)
}
