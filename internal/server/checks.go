package server

import (
	"log/slog"

	"github.com/incidenthub/incidenthub/apps/checkers"
	checkkinds "github.com/incidenthub/incidenthub/apps/checkers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Checks runs checks without a hub, for one command: nothing is kept and nobody is told.
func Checks(cfg config.Config, log *slog.Logger) (*checkers.Service, error) {
	guard, err := httpclient.New(httpclient.Config{Allow: cfg.Egress.All()})
	if err != nil {
		return nil, err
	}
	set, err := checkers.NewSet(checkkinds.Builtin()...)
	if err != nil {
		return nil, err
	}
	return checkers.New(checkers.Config{Set: set, Probe: host.New(host.Config{}), Log: log, Guard: guard})
}
