package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// CPU checks how busy the processors are.
type CPU struct{}

var _ checkers.Checker = CPU{}

// CPUConfig are its settings.
type CPUConfig struct {
	Samples  checkers.Count   `json:"samples" jsonschema:"description=How many measurements are averaged. Pipelines measure one second unless this is set.,minimum=1"`
	Interval checkers.Seconds `json:"sample_interval" jsonschema:"description=Seconds that one measurement takes.,minimum=0"`
	PerCPU   bool             `json:"per_cpu" jsonschema:"description=Let the busiest processor decide instead of the average."`
}

// Validate implements checkers.Validator.
func (c *CPUConfig) Validate() error {
	switch {
	case c.Samples < 1 || c.Samples > 600:
		return errors.New("samples: want 1 to 600")
	case c.Interval < 0 || c.Interval > 60:
		return errors.New("sample_interval: want 0 to 60 seconds")
	}
	return nil
}

// Spec implements checkers.Checker.
func (CPU) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "cpu", Doc: "How busy the processors are.", Unit: "%", Warning: at(70), Critical: at(90), Pair: true, Metric: "cpu_percent",
		Config: CPUConfig{Samples: 5, Interval: 1},
	}
}

// pairTime is what lies between the two samples that every check of its kind is given.
const pairTime = 1

// Check implements checkers.Checker.
func (CPU) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, CPUConfig{Samples: 5, Interval: 1})
	if err != nil {
		return checkers.Finding{}, err
	}
	if in.Shared && brief(in.Config) {
		cfg.Samples, cfg.Interval = 1, pairTime
	}
	loads, err := measure(ctx, in, cfg)
	if err != nil {
		return checkers.Finding{}, err
	}
	now := in.Sample
	u := averageOf(loads)
	metrics := map[string]any{"samples": len(loads), "cpu_count": now.CPU.Count}
	if in.Shared && len(loads) == 1 {
		metrics["samples"] = 2 // looks, not measurements: there is nothing to average
	}
	value, values, what := u.all, column(loads, func(l load) float64 { return l.all }), "CPU"
	if cfg.PerCPU && len(u.each) > 0 {
		busiest := slices.Index(u.each, slices.Max(u.each))
		value, values = u.each[busiest], column(loads, func(l load) float64 { return l.each[busiest] })
		metrics["average_percent"] = checkers.Round(u.all, 1)
		metrics["per_cpu_percent"] = rounded(u.each)
		what = fmt.Sprintf("Processor %d of %d", busiest, now.CPU.Count)
	}
	note, on := "", "on "+count(now.CPU.Count, "processor")
	status := in.Judge(value)
	if q := quotaOf(now); q > 0 {
		metrics["cpu_quota"], metrics["cgroup_percent"] = checkers.Round(q, 2), checkers.Round(u.own, 1)
		note = fmt.Sprintf("; the hub's own control group uses %.1f%% of its limit of %.2f processors", u.own, q)
		switch {
		case now.Containers: // it is all that the container can have
			metrics["host_percent"] = checkers.Round(value, 1)
			value, values, what = u.own, column(loads, func(l load) float64 { return l.own }), "CPU"
			status, note, on = in.Judge(value), "", fmt.Sprintf("of the container's limit of %.2f processors", q)
		case in.Judge(u.own).Rank() > status.Rank():
			status = in.Judge(u.own)
		default:
			note = ""
		}
	}
	metrics["cpu_percent"] = checkers.Round(value, 1)
	metrics["cpu_min"], metrics["cpu_max"] = checkers.Round(slices.Min(values), 1), checkers.Round(slices.Max(values), 1)
	f := checkers.Finding{Status: status, Metrics: metrics}
	f.Message = fmt.Sprintf("%s %.1f%% busy over %s %s%s", what, value, spanOf(loads), on, note)
	if p, share := busiest(in.Before, now); status != checkers.OK && p != nil {
		f.Message += fmt.Sprintf("; busiest is %s with %.0f%% of one processor", named(p), share)
	}
	return f, nil
}

// brief reports whether settings leave open for how long to measure.
func brief(config json.RawMessage) bool {
	var given map[string]json.RawMessage
	if len(config) > 0 && json.Unmarshal(config, &given) != nil {
		return false
	}
	_, samples := given["samples"]
	_, interval := given["sample_interval"]
	return !samples && !interval
}

// spanOf is how long was measured.
func spanOf(loads []load) time.Duration {
	var d time.Duration
	for _, l := range loads {
		d += l.took
	}
	return d.Round(100 * time.Millisecond)
}

func rounded(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = checkers.Round(v, 1)
	}
	return out
}

func column(loads []load, of func(load) float64) []float64 {
	out := make([]float64, len(loads))
	for i, l := range loads {
		out[i] = of(l)
	}
	return out
}

// busiest is the process that used most between two samples, in percent of one processor.
func busiest(before, now *host.Sample) (*host.Process, float64) {
	if before == nil || now == nil {
		return nil, 0
	}
	var most *host.Process
	var share float64
	for i := range now.Processes {
		p := &now.Processes[i]
		if v := shareOf(before, now, p); v > share {
			most, share = p, v
		}
	}
	return most, share
}

// shareOf is what a process used between two samples, in percent of one processor; one that began in between, since it began.
func shareOf(before, now *host.Sample, p *host.Process) float64 {
	span := now.TakenAt.Sub(before.TakenAt).Seconds()
	used := p.UserTime + p.SystemTime
	i, found := slices.BinarySearchFunc(before.Processes, p.PID, func(q host.Process, pid int) int { return q.PID - pid })
	if found && before.Processes[i].Started == p.Started {
		used -= before.Processes[i].UserTime + before.Processes[i].SystemTime
	}
	if span <= 0 {
		return 0
	}
	return max(0, 100*used/span)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
