package server

import (
	"context"
	"log/slog"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// DB gives the acceptance suite a look at the tables: what was not written cannot be seen through the API.
func (s *Server) DB() *storage.DB { return s.core.db }

// AnalyzerOn is Analyzer on a machine that probe shows.
func AnalyzerOn(probe host.Probe) func(config.Config, *slog.Logger) (*intelligence.Analyzer, error) {
	return func(cfg config.Config, log *slog.Logger) (*intelligence.Analyzer, error) {
		return analyzerOn(probe, cfg, log)
	}
}

// DataDir is the data folder.
func (s *Server) DataDir() string { return s.core.cfg.Storage.DataDir }

// DryRun is what the doors ask for.
func (s *Server) DryRun(ctx context.Context, tenant string, in rehearsal.DryRun) (rehearsal.DryRunResult, error) {
	return s.core.DryRun(ctx, tenant, in)
}

// Look has the hub look for what is due in a queue now. By itself it looks every second when there is nothing else to do.
func (s *Server) Look(queue string) { s.core.bell.Ring(queue) }

// Routes are the addresses that the server answers.
func Routes(s *Server) gin.RoutesInfo { return s.http.Handler.(legible).next.(*gin.Engine).Routes() }
