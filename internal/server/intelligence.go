package server

import (
	"log/slog"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	providers "github.com/incidenthub/incidenthub/providers/registry"
)

// Analyzer analyses without a hub, for one command: it looks at the machine by itself.
func Analyzer(log *slog.Logger) (*intelligence.Analyzer, error) {
	return analyzer(host.New(host.Config{}), redact.New(), log)
}

func analyzer(probe host.Probe, r *redact.Redactor, log *slog.Logger) (*intelligence.Analyzer, error) {
	kinds, err := providers.New(providers.Builtin(providers.Deps{Probe: probe})...)
	if err != nil {
		return nil, err
	}
	return intelligence.NewAnalyzer(intelligence.AnalyzerConfig{Providers: kinds, Log: log, Redact: r})
}
