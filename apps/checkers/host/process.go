package host

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// Process checks whether processes are running.
type Process struct{}

var _ checkers.Checker = Process{}

// ProcessConfig are its settings.
type ProcessConfig struct {
	Processes checkers.Texts `json:"processes" jsonschema:"description=Parts of the names of processes\\, upper and lower case alike. All of them have to run."`
}

// Validate implements checkers.Validator.
func (c *ProcessConfig) Validate() error {
	if len(c.Processes) > 200 {
		return errors.New("processes: want at most 200")
	}
	return nil
}

// Spec implements checkers.Checker.
func (Process) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "process", Doc: "Whether processes are running.", Unit: "%", Warning: at(100), Critical: at(50), Inverted: true, Pair: true,
		Metric: "running_percent", Config: ProcessConfig{Processes: checkers.Texts{}},
	}
}

// Check implements checkers.Checker.
func (Process) Check(_ context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, ProcessConfig{})
	if err != nil {
		return checkers.Finding{}, err
	}
	found := map[string]any{}
	running := 0
	var missing []string
	for _, name := range cfg.Processes {
		p, n := pick(in, name)
		entry := map[string]any{"running": false, "pid": nil, "status": "not_found", "cpu_percent": nil, "memory_percent": nil, "count": n}
		if p != nil {
			entry["running"], entry["pid"], entry["status"] = p.State != "Z", p.PID, stateName(p.State)
			entry["cpu_percent"] = checkers.Round(shareOf(orItself(in.Before, in.Sample), in.Sample, p), 1)
			entry["memory_percent"] = checkers.Round(checkers.Percent(float64(p.RSS), float64(in.Sample.Memory.Total)), 1)
		}
		switch {
		case p == nil:
			missing = append(missing, name)
		case p.State == "Z":
			missing = append(missing, name+" (zombie)")
		default:
			running++
		}
		found[name] = entry
	}
	all := len(cfg.Processes)
	if all == 0 {
		return checkers.Finding{Status: checkers.OK, Message: "No processes to look for", Metrics: map[string]any{
			"processes": found, "running_count": 0, "total_count": 0, "running_percent": 100.0,
		}}, nil
	}
	percent := checkers.Percent(float64(running), float64(all))
	f := checkers.Finding{Status: in.JudgeInverted(percent), Metrics: map[string]any{
		"processes": found, "running_count": running, "total_count": all, "running_percent": checkers.Round(percent, 1),
	}}
	f.Message = fmt.Sprintf("%d of %d running", running, all)
	if len(missing) > 0 {
		f.Message += "; not running: " + strings.Join(missing, ", ")
	}
	return f, nil
}

// pick finds the process that a name means, and how many there are: one of that very name rather than one that only has it in its name,
// a living one rather than a zombie, and the oldest of equals. The hub's own process counts only where nothing else has the name, and for
// a command line, which looks for others, not at all.
func pick(in checkers.Input, name string) (best *host.Process, n int) {
	want, rank := strings.ToLower(name), 0
	for i := range in.Sample.Processes {
		p := &in.Sample.Processes[i]
		r := matches(p, want)
		if r == 0 || p.PID == in.Sample.Self && in.Command {
			continue
		}
		n++
		if p.State != "Z" {
			r += 4
		}
		if p.PID == in.Sample.Self {
			r = 1
		}
		if best == nil || r > rank || r == rank && p.Started < best.Started {
			best, rank = p, r
		}
	}
	return best, n
}

// matches is 0 for no, 2 for a part of the name, 3 for the name.
func matches(p *host.Process, want string) int {
	r := 0
	for _, name := range names(p) {
		switch name = strings.ToLower(name); {
		case name == want:
			return 3
		case strings.Contains(name, want):
			r = 2
		}
	}
	return r
}

// commSize is how much of a name Linux keeps.
const commSize = 15

// names of a process: the kernel's, and where that is cut off, the whole one from its command line.
func names(p *host.Process) []string {
	list := []string{p.Name}
	if len(p.Name) == commSize {
		first, _, _ := strings.Cut(p.Cmdline, " ")
		if whole := path.Base(first); strings.HasPrefix(whole, p.Name) {
			list = append(list, whole)
		}
	}
	return list
}

func orItself(before, now *host.Sample) *host.Sample {
	if before == nil {
		return now
	}
	return before
}

// stateName is what process tools call a state.
func stateName(state string) string {
	words := map[string]string{
		"R": "running", "S": "sleeping", "D": "disk-sleep", "T": "stopped", "t": "tracing-stop", "Z": "zombie", "I": "idle", "X": "dead",
	}
	if n := words[state]; n != "" {
		return n
	}
	return "unknown"
}
