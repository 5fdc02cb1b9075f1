package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// Memory checks how much memory is used.
type Memory struct{}

var _ checkers.Checker = Memory{}

// MemoryConfig are its settings.
type MemoryConfig struct {
	IncludeSwap bool `json:"include_swap" jsonschema:"description=Tell about swap too. The thresholds are about memory."`
}

// Spec implements checkers.Checker.
func (Memory) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "memory", Doc: "How much memory is used, by what programs can still get.", Unit: "%",
		Warning: at(70), Critical: at(90), Metric: "memory_percent", Config: MemoryConfig{},
	}
}

// Check implements checkers.Checker.
func (Memory) Check(_ context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, MemoryConfig{})
	if err != nil {
		return checkers.Finding{}, err
	}
	m := in.Sample.Memory
	if m.Total == 0 {
		return checkers.Finding{}, errors.New("the size of the memory cannot be read")
	}
	u := usage{of: m.Total, used: m.Total - min(m.Available, m.Total)}
	metrics := map[string]any{}
	note, what := "", "Memory"
	if own, limited := ownLimit(in.Sample); limited {
		metrics["cgroup_limit_gb"], metrics["cgroup_percent"] = checkers.GB(own.of), checkers.Round(own.percent(), 1)
		if in.Sample.Containers { // the container's memory is all there is
			metrics["host_percent"] = checkers.Round(u.percent(), 1)
			u, what = own, "The container's memory"
		} else if in.Judge(own.percent()).Rank() > in.Judge(u.percent()).Rank() {
			note = fmt.Sprintf("; the hub's own control group uses %.1f%% of its limit of %.2f GB", own.percent(), checkers.GB(own.of))
		}
	}
	metrics["memory_percent"] = checkers.Round(u.percent(), 1)
	metrics["memory_total_gb"] = checkers.GB(u.of)
	metrics["memory_used_gb"] = checkers.GB(u.used)
	metrics["memory_available_gb"] = checkers.GB(u.of - u.used)
	f := checkers.Finding{Metrics: metrics, Status: in.Judge(u.percent())}
	if v, limited := metrics["cgroup_percent"].(float64); limited {
		f.Status = checkers.Worse(f.Status, in.Judge(v))
	}
	f.Message = fmt.Sprintf("%s %.1f%% used: %.2f of %.2f GB, %.2f GB available%s", what, u.percent(), checkers.GB(u.used), checkers.GB(u.of), checkers.GB(u.of-u.used), note)
	if cfg.IncludeSwap {
		swap := usage{of: m.SwapTotal, used: m.SwapTotal - min(m.SwapFree, m.SwapTotal)}
		metrics["swap_percent"] = checkers.Round(swap.percent(), 1)
		metrics["swap_total_gb"] = checkers.GB(swap.of)
		metrics["swap_used_gb"] = checkers.GB(swap.used)
		f.Message += fmt.Sprintf("; swap %.1f%% used", swap.percent())
	}
	if p := largest(in.Sample); f.Status != checkers.OK && p != nil {
		f.Message += fmt.Sprintf("; largest is %s with %.2f GB", named(p), checkers.GB(p.RSS))
	}
	return f, nil
}

// usage is how much of something is used, in bytes.
type usage struct{ of, used uint64 }

func (u usage) percent() float64 { return checkers.Percent(float64(u.used), float64(u.of)) }

// ownLimit is what the hub's own control group uses of its limit, if that is less than the host has. Page cache that can be given back
// does not count.
func ownLimit(s *host.Sample) (usage, bool) {
	c := ownCgroup(s)
	if c == nil || c.MemoryMax == 0 || c.MemoryMax >= s.Memory.Total {
		return usage{}, false
	}
	return usage{of: c.MemoryMax, used: min(c.MemoryUsed-min(c.MemoryFile, c.MemoryUsed), c.MemoryMax)}, true
}

// ownCgroup is the control group that the hub runs in, nil when there is none.
func ownCgroup(s *host.Sample) *host.Cgroup {
	for i := range s.Cgroups {
		if s.Cgroups[i].Path == s.SelfCgroup {
			return &s.Cgroups[i]
		}
	}
	return nil
}

// largest is the process with the most memory of its own.
func largest(s *host.Sample) *host.Process {
	var most *host.Process
	for i := range s.Processes {
		if p := &s.Processes[i]; most == nil || p.RSS > most.RSS {
			most = p
		}
	}
	return most
}

// named is how messages name a process. Never by its command line: that may hold a secret.
func named(p *host.Process) string { return fmt.Sprintf("%s (pid %d)", p.Name, p.PID) }

// at is a threshold.
func at(v float64) *float64 { return new(v) }
