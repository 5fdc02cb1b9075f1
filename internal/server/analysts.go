package server

import (
	"context"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/registry"
)

// openProviders makes the kinds of providers, the records of those that are configured, and the directory in which analyses find them.
func (c *core) openProviders() (err error) {
	if c.models, err = llm.NewHTTP(c.cfg.Egress.All(), c.clock); err != nil {
		return err
	}
	if c.minds, err = kindsOfProviders(c.cfg, c.models, c.probe, c.clock); err != nil {
		return err
	}
	if c.providers, err = analysts.New(analysts.Config{
		DB: c.db, Secrets: c.secrets, Kinds: c.minds, URLs: c.models, Log: c.log, Changed: c.reload.poke,
	}); err != nil {
		return err
	}
	load := c.providers.All
	if c.rehearsing != nil {
		load = c.rehearsing.providers
	}
	c.directory = analysts.NewDirectory(load)
	return nil
}

// kindsOfProviders are all kinds of this release. Without a probe the local one cannot be asked.
func kindsOfProviders(cfg config.Config, client *httpclient.Client, probe host.Probe, c clock.Clock) (*registry.Registry, error) {
	return registry.New(registry.Builtin(registry.Deps{
		// The two samples that checks are made of serve the analyzer too: whoever comes first looks, nobody waits twice.
		Probe: probe, Gap: host.DefaultGap, LLM: llm.Deps{HTTP: client, Clock: c, Getenv: cfg.Models.Env},
	})...)
}

// understudies are the hub's providers of a tenant by their names, without their settings: on a stage nobody is asked.
func (c *core) understudies(ctx context.Context, tenant string) ([]analysts.Live, error) {
	list, err := c.providers.List(ctx, tenant)
	out := make([]analysts.Live, len(list))
	for i, r := range list {
		out[i] = analysts.Live{ID: r.ID, Tenant: tenant, Name: r.Name, Provider: r.Provider, IsActive: r.IsActive, Version: r.Version}
	}
	return out, err
}

// directory fits apps/analysts to intelligence.
type directory struct{ of *analysts.Directory }

// Active implements intelligence.Directory.
func (d directory) Active(tenant string) (intelligence.Configured, bool) {
	l, ok := d.of.Active(tenant)
	return configured(l), ok
}

// Find implements intelligence.Directory.
func (d directory) Find(tenant, name string) (intelligence.Configured, bool) {
	l, ok := d.of.Find(tenant, name)
	return configured(l), ok
}

func configured(l analysts.Live) intelligence.Configured {
	return intelligence.Configured{ID: l.ID, Name: l.Name, Kind: l.Provider, Version: l.Version, Config: l.Config, Err: l.Err}
}

// trials tries stored providers for people and the API.
type trials struct{ c *core }

// Test asks a provider once, with the settings that are stored now. Those that are of no use are *analysts.Invalid.
func (t trials) Test(ctx context.Context, tenant, ref string) (intelligence.TestResult, error) {
	l, err := t.c.providers.Open(ctx, tenant, ref)
	if err == nil {
		err = analysts.Unusable(l.Err)
	}
	if err != nil {
		return intelligence.TestResult{}, err
	}
	got, err := t.c.analysts.Test(ctx, tenant, configured(l))
	return got, analysts.Unusable(err)
}
