package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/checkers"
	checkkinds "github.com/incidenthub/incidenthub/apps/checkers/registry"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Checks runs checks without a hub, for one command: nothing is kept and nobody is told.
func Checks(cfg config.Config, log *slog.Logger) (*checkers.Service, error) {
	guard, err := httpclient.New(httpclient.Config{Allow: cfg.Egress.All()})
	if err != nil {
		return nil, err
	}
	set, err := checkSet(cfg.Checks)
	if err != nil {
		return nil, err
	}
	return checkers.New(checkers.Config{Set: set, Probe: host.New(host.Config{}), Log: log, Guard: guard})
}

func checkSet(cfg config.Checks) (*checkers.Set, error) {
	home, _ := os.UserHomeDir() // without one the passwd file is asked
	return checkers.NewSet(checkkinds.Builtin(checkkinds.Options{ListeningPorts: cfg.ListeningPorts, Home: home})...)
}

// openChecks makes what runs checks in a hub. A rehearsal's keeps nothing and makes no alerts.
func (c *core) openChecks() error {
	set, err := checkSet(c.cfg.Checks)
	if err != nil {
		return err
	}
	c.checkRuns = checkers.NewStore(c.db)
	cfg := checkers.Config{Set: set, Probe: c.look, Shared: c.probe, Log: c.log, Guard: c.http, Clock: c.clock}
	if c.rehearsing == nil {
		cfg.Store, cfg.Intake, cfg.Changed = c.checkRuns, checkIntake{c}, c.changed
	}
	c.checks, err = checkers.New(cfg)
	return err
}

// checkIntake fits the engine and apps/alerts to checkers.
type checkIntake struct{ c *core }

// Known implements checkers.Intake.
func (i checkIntake) Known(ctx context.Context, tenant string, fingerprints []string) (map[string]checkers.Known, error) {
	out := map[string]checkers.Known{}
	for _, f := range fingerprints {
		page, err := i.c.alerts.Alerts(ctx, tenant, alerts.AlertFilter{Source: checkers.Source, Fingerprint: f}, storage.Paging{Limit: 1})
		if err != nil {
			return nil, err
		}
		for _, a := range page.Items {
			out[f] = checkers.Known{ID: a.ID, Firing: a.Status == event.StatusFiring}
		}
	}
	return out, nil
}

// foldWait is how long checks wait for what became of their alerts.
const foldWait = 10 * time.Second

// Accept implements checkers.Intake.
func (i checkIntake) Accept(ctx context.Context, tenant, traceID string, f checkers.Found) (checkers.Taken, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return checkers.Taken{}, fmt.Errorf("write what checks found: %w", err)
	}
	p, err := i.c.checkPush(tenant, f, body)
	if err != nil {
		return checkers.Taken{}, err
	}
	p.TraceID = traceID
	got, err := i.c.engine.Intake.Accept(ctx, p)
	if err != nil {
		return checkers.Taken{}, err
	}
	taken := checkers.Taken{Receipt: got.ReceiptID, Runs: got.RunIDs}
	ctx, cancel := context.WithTimeout(ctx, foldWait)
	defer cancel()
	if folded := i.c.engine.Wait(ctx, tenant, got.ReceiptID); folded != nil {
		taken.Counters = &folded.Counters
	}
	return taken, nil
}

// checkPush is what checks found on its way in, beside the default source. Its incidents are grouped by check and host, whatever other
// labels there are.
func (c *core) checkPush(tenant string, f checkers.Found, body []byte) (*orchestration.Push, error) {
	e, ok := c.entries.Default(tenant)
	if !ok {
		return nil, fmt.Errorf("there is no default source for what checks find to come in by: %w", event.ErrRefused)
	}
	return &orchestration.Push{
		Tenant: tenant, On: graph.TriggerCheck, Origin: orchestration.OriginCheck, Driver: checkers.Source, Body: body, NoIncidents: f.NoIncidents, Own: f.Pipeline,
		Parsed: event.Parsed{Source: checkers.Source, Observations: f.Observations()},
		Entry:  orchestration.Entry{ID: e.ID, Name: checkers.Source, GroupBy: []string{"checker", "hostname"}},
	}, nil
}

// checkAgain is a stored push of checks on its way in once more.
func (c *core) checkAgain(tenant string, body []byte) (*orchestration.Push, error) {
	f, err := checkers.Read(body)
	if err != nil {
		return nil, errors.Join(err, event.ErrRefused)
	}
	return c.checkPush(tenant, f, body)
}

// reprocessChecks takes a stored push of checks in again.
func (c *core) reprocessChecks(ctx context.Context, tenant string, body []byte, again id.ID) (id.ID, error) {
	p, err := c.checkAgain(tenant, body)
	if err != nil {
		return id.ID{}, err
	}
	p.Origin, p.ReprocessOf = orchestration.OriginManual, again
	got, err := c.engine.Intake.Accept(ctx, p)
	return got.ReceiptID, err
}
