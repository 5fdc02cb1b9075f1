package server

import (
	"context"
	"log/slog"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// trialsOfCommands try stored providers for commands, as a hub does and without one.
type trialsOfCommands struct {
	cfg       config.Config
	db        *storage.DB
	providers *analysts.Service
	log       *slog.Logger
}

// Test asks a provider once, with the settings that are stored now. Those that are of no use are *analysts.Invalid.
func (t trialsOfCommands) Test(ctx context.Context, tenant, ref string) (intelligence.TestResult, error) {
	l, err := t.providers.Open(ctx, tenant, ref)
	if err == nil {
		err = analysts.Unusable(l.Err)
	}
	if err != nil {
		return intelligence.TestResult{}, err
	}
	one, err := Analyzer(t.cfg, t.log)
	if err != nil {
		return intelligence.TestResult{}, err
	}
	about, err := alerts.NewReader(t.db)
	if err != nil {
		return intelligence.TestResult{}, err
	}
	s, err := intelligence.New(intelligence.Config{DB: t.db, Analyzer: one, Incidents: toAnalyse{about}, Log: t.log})
	if err != nil {
		return intelligence.TestResult{}, err
	}
	defer s.Stop() //nolint:contextcheck // what is left to store is stored whatever becomes of ctx
	got, err := s.Test(ctx, tenant, configured(l))
	return got, analysts.Unusable(err)
}
