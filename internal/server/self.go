package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// checkEvery is how often the hub checks its own books.
const checkEvery = time.Minute

// selfCheck compares the ledger with what was accepted and raises an incident on the hub itself when they differ.
type selfCheck struct {
	core    *core
	cancel  context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	knows   bool // whether it is raised
	raised  bool
}

// selfSource is the alerts' source of what the hub reports of itself.
const selfSource = "incidenthub"

const notBalanced = "LedgerNotBalanced"

func (s *selfCheck) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.running.Go(func() {
		t := time.NewTicker(checkEvery)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				if err := s.check(ctx); err != nil && ctx.Err() == nil {
					s.core.log.WarnContext(ctx, "check the ledger", "error", err)
				}
				if err := s.core.budgetsAgain(ctx); err != nil && ctx.Err() == nil {
					s.core.log.WarnContext(ctx, "look for budgets that are fresh", "error", err)
				}
			}
		}
	})
}

func (s *selfCheck) stop() {
	if s.cancel != nil {
		s.cancel()
		s.running.Wait()
	}
}

func (s *selfCheck) check(ctx context.Context) error {
	r, err := s.core.checker.Check(ctx, tenant)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.knows { // an earlier process may have raised it
		found, err := s.core.alerts.Alerts(ctx, tenant, alerts.AlertFilter{Status: string(event.StatusFiring), Source: selfSource}, storage.Paging{})
		if err != nil {
			return err
		}
		s.raised = slices.ContainsFunc(found.Items, func(a alerts.Alert) bool { return a.Name == notBalanced })
		s.knows = true
	}
	if r.Balanced == !s.raised {
		return nil
	}
	status, text := event.StatusFiring, r.Problem
	if r.Balanced {
		status, text = event.StatusResolved, "The ledger is balanced again."
	}
	if err := s.core.raise(ctx, notBalanced, nil, status, event.SeverityCritical, text); err != nil {
		return err
	}
	s.raised = !r.Balanced
	return nil
}

// raise reports trouble of the hub itself by the same door as everything else. More are labels beside its own.
func (c *core) raise(ctx context.Context, name string, more map[string]string, status event.Status, severity event.Severity, text string) error {
	e, ok := c.entries.Default(tenant)
	if !ok {
		return fmt.Errorf("no default source to raise %s by", name)
	}
	labels := map[string]string{"alertname": name, "instance": "incidenthub", "severity": string(severity)}
	maps.Copy(labels, more)
	o := event.Observation{
		Fingerprint: event.Fingerprint(name, labels), Name: name, Status: status, Severity: severity, Description: text, Labels: labels,
		StartedAt: c.clock.Now(), Source: selfSource,
	}
	_, err := c.engine.Intake.Accept(ctx, &orchestration.Push{
		Tenant: tenant, On: "webhook", Origin: "hub_self_check", Driver: selfSource, Body: []byte(`{}`),
		Parsed: event.Parsed{Source: selfSource, Observations: []event.Observation{o}},
		Entry:  orchestration.Entry{ID: e.ID, Name: e.Name, SourceName: selfSource},
	})
	return err
}

// balance is for the API: it checks now, so that the answer holds for what is at rest.
type balance struct{ self *selfCheck }

// Balance implements api.Books.
func (b balance) Balance(ctx context.Context, t string) (api.Balance, error) {
	r, err := b.self.core.checker.Check(ctx, t)
	return api.Balance{Balanced: r.Balanced, Problem: r.Problem, CheckedAt: r.CheckedAt}, err
}
