package host

import (
	"context"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// DiskTemp checks the hottest sensor of a drive.
type DiskTemp struct{}

var _ checkers.Checker = DiskTemp{}

// Spec implements checkers.Checker.
func (DiskTemp) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "disk_temp", Doc: "How hot drives are, NVMe ones and others with a sensor.", Unit: "°C", Warning: at(55), Critical: at(60), Metric: "hottest_c", Config: struct{}{},
	}
}

// Check implements checkers.Checker.
func (DiskTemp) Check(_ context.Context, in checkers.Input) (checkers.Finding, error) {
	return hottest(in, "disk", "drive")
}
