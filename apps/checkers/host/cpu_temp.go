package host

import (
	"context"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// CPUTemp checks the hottest sensor of a processor.
type CPUTemp struct{}

var _ checkers.Checker = CPUTemp{}

// Spec implements checkers.Checker.
func (CPUTemp) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "cpu_temp", Doc: "How hot the processors are.", Unit: "°C", Warning: at(80), Critical: at(90), Metric: "hottest_c", Config: struct{}{},
	}
}

// Check implements checkers.Checker.
func (CPUTemp) Check(_ context.Context, in checkers.Input) (checkers.Finding, error) {
	return hottest(in, "cpu", "CPU")
}

// Readings outside of these are what broken sensors say.
const (
	coldest   = -40.0
	warmest   = 200.0
	sensorMax = 200 // in the metrics
)

// hottest judges the hottest sensor of one kind.
func hottest(in checkers.Input, kind, what string) (checkers.Finding, error) {
	if _, err := checkers.Settings(in, struct{}{}); err != nil {
		return checkers.Finding{}, err
	}
	var worst *host.Sensor
	all := map[string]float64{}
	for i := range in.Sample.Sensors {
		s := &in.Sample.Sensors[i]
		if s.Kind != kind || s.Celsius == 0 || !(s.Celsius > coldest && s.Celsius < warmest) { // NaN too
			continue
		}
		if old, twice := all[s.Name]; (!twice || s.Celsius > old) && (twice || len(all) < sensorMax) {
			all[s.Name] = checkers.Round(s.Celsius, 1)
		}
		if worst == nil || s.Celsius > worst.Celsius {
			worst = s
		}
	}
	if worst == nil {
		return checkers.Finding{Status: checkers.OK, Message: "no sensor for the temperature of a " + what, Metrics: map[string]any{"sensors": all}}, nil
	}
	return checkers.Finding{
		Status:  in.Judge(worst.Celsius),
		Message: fmt.Sprintf("%s at %.1f °C (%s, the hottest of %d)", what, worst.Celsius, worst.Name, len(all)),
		Metrics: map[string]any{"hottest_c": checkers.Round(worst.Celsius, 1), "hottest_sensor": worst.Name, "sensors": all},
	}, nil
}
