package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/apps/web"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// intake fits the engine to the webhook door.
type intake struct{ engine *orchestration.Engine }

// Accept implements api.Intake.
func (i intake) Accept(ctx context.Context, p *orchestration.Push) (orchestration.Accepted, error) {
	return i.engine.Intake.Accept(ctx, p)
}

// Wait implements api.Intake.
func (i intake) Wait(ctx context.Context, tenant string, receipt id.ID) *event.Folded {
	return i.engine.Wait(ctx, tenant, receipt)
}

func (s *Server) api(engine *gin.Engine, metrics *prometheus.Registry, version string) error {
	c := s.core
	a, err := api.New(api.Config{
		Log: s.log, Version: version, SessionCookie: web.SessionCookie, Auth: c.auth, Keys: c.auth, Alerts: c.alerts, Acts: c.acts, RunActs: c.runActs, Pipelines: pipelines{c}, Flow: c.flow,
		Reprocess: c, Sources: c.sources, Channels: c.channels, Deliveries: c.deliveries, Inbox: c.inbox, Definitions: c.definitions,
		Ledger: c.totals, Retention: c.retention, Books: balance{s.self}, Ready: s, Events: c.events, Metrics: metrics,
		ChannelKinds:     c.channelKind,
		Hand:             c.notify.Hand,
		Previews:         c.previews,
		Resender:         c.notify,
		Queues:           c.queues,
		Changes:          c.changes,
		Silences:         c.silences,
		Preflights:       preflights{c},
		Checks:           c.checks,
		CheckRuns:        c.checkRuns,
		Analysts:         c.analysts,
		Analyses:         c.analyses,
		Providers:        c.providers,
		ProviderTests:    trials{c},
		ProviderUsage:    c.analyses,
		Backtests:        c.desk,
		DefinitionSchema: func(context.Context, string) (json.RawMessage, error) { return graph.Schema(c.specs) },
	})
	if err != nil {
		return err
	}
	a.Register(engine)
	return nil
}

// web adds the pages and returns what answers a browser that asks for one that is not there.
func (s *Server) web(engine *gin.Engine) (missing gin.HandlerFunc, err error) {
	c := s.core
	w, err := web.New(web.Config{
		Incidents: c.alerts, Flow: c.flow, Deliveries: c.deliveries, Resender: c.notify, Shows: c.live, Inbox: c.inbox, Channels: c.channels, Hand: c.notify.Hand, Previews: c.previews, Silences: c.silences, Sources: c.sources, Pipelines: c.definitions,
		Acts: c.acts, Samples: samples{c}, Reprocess: c, Books: c.checker, Why: c.totals, Ledger: c.totals, Sessions: c.auth, Events: c.events, Queues: c.queues, Checks: c.checkRuns, Checker: c.checks, Analyses: c.analyses, Analyst: c.analysts,
		Providers: c.providers, Spending: c.analyses, Tester: trials{c}, Paused: c.analysts.Paused,
		Models:  func(kind string) []string { return llm.Names(kind, c.clock.Now()) },
		Changes: c.changes, Preflights: preflights{c}, Draw: c.draw, Log: s.log, Kinds: c.channelKind,
		PublicURL: c.cfg.Server.PublicURL, Clock: c.clock, SecureCookies: strings.HasPrefix(c.cfg.Server.PublicURL, "https://"),
	})
	if err != nil {
		return nil, err
	}
	w.Register(engine)
	return w.Missing, nil
}

// Reprocess takes a stored body in again, as a new receipt, with today's drivers and routes.
func (c *core) Reprocess(ctx context.Context, tenant string, receipt id.ID) (id.ID, error) {
	old, err := c.flow.Receipt(ctx, tenant, receipt)
	if err != nil {
		return id.ID{}, err
	}
	body, err := c.flow.Body(ctx, tenant, receipt)
	if errors.Is(err, storage.ErrNotFound) {
		err = fmt.Errorf("the body of this push is no longer kept (HUB_KEEP_BODY_DAYS), so it cannot be taken in again: %w", event.ErrRefused)
	}
	if err != nil {
		return id.ID{}, err
	}
	if old.Driver == checkers.Source {
		return c.reprocessChecks(ctx, tenant, body, receipt)
	}
	e, ok := c.entries.ByID(old.SourceID)
	if !ok {
		if e, ok = c.entries.Default(tenant); !ok {
			return id.ID{}, fmt.Errorf("the receipt's source is gone and there is no default one: %w", event.ErrRefused)
		}
	}
	return c.take(ctx, tenant, e, c.driverOf(old.Driver), body, receipt)
}

// driverOf keeps the driver that was named or recognised; what nobody recognised is looked at afresh.
func (c *core) driverOf(name string) string {
	if _, err := c.parsers.Get(name); err != nil {
		return ""
	}
	return name
}

func (c *core) take(ctx context.Context, tenant string, e sources.Entry, driver string, body []byte, again id.ID) (id.ID, error) {
	parsed, err := alerts.Parse(c.parsers, driver, body, c.limits())
	if err != nil {
		return id.ID{}, err
	}
	p := api.NewPush(e, driver, body, parsed)
	p.Tenant, p.Origin, p.ReprocessOf = tenant, orchestration.OriginManual, again
	got, err := c.engine.Intake.Accept(ctx, p)
	return got.ReceiptID, err
}

// samples sends the sample alert of a driver by the hub's own intake.
type samples struct{ c *core }

// Send implements web.Samples.
func (s samples) Send(ctx context.Context, tenant, driver string) (id.ID, error) {
	body, err := web.Sample(driver, s.c.clock.Now())
	if err != nil {
		return id.ID{}, err
	}
	e, ok := s.c.entries.Default(tenant)
	if !ok {
		return id.ID{}, fmt.Errorf("there is no default source to send a sample by: %w", event.ErrRefused)
	}
	return s.c.take(ctx, tenant, e, driver, body, id.ID{})
}

// draw places a stored definition for a picture; nil when this release cannot read it.
func (c *core) draw(config json.RawMessage) *orchestration.Drawing {
	g, err := graph.Load(config, orchestration.NodeKinds())
	if err != nil {
		return nil
	}
	d := g.Describe()
	return &d
}
