package host_test

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// tool runs a program that people know, and returns the fields of a line of its output.
func tool(t *testing.T, line string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v; make packages installs it", args[0], err)
	}
	for l := range strings.Lines(string(out)) {
		if strings.HasPrefix(l, line) {
			return strings.Fields(l)
		}
	}
	t.Fatalf("%s says nothing of %q: %s", args[0], line, out)
	return nil
}

func parsed(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// metric reads both, again when something moved in between, until they agree within a bound.
func agrees(t *testing.T, what string, within float64, both func() (ours, theirs float64)) {
	t.Helper()
	var ours, theirs float64
	for range 10 {
		if ours, theirs = both(); math.Abs(ours-theirs) <= within {
			return
		}
	}
	t.Errorf("%s: the check says %v, the tool %v", what, ours, theirs)
}

// TestAgrees: checks say of this machine what the tools say that people look with.
func TestAgrees(t *testing.T) { //nolint:paralleltest // the machine is to be at rest
	p := host.New(host.Config{})
	check := func(c checkers.Checker, config string) map[string]any {
		t.Helper()
		r := checkertest.Run(t, c, p, config)
		if r.Status == checkers.Unknown {
			t.Fatalf("%+v", r)
		}
		return r.Metrics
	}
	agrees(t, "df", 1, func() (float64, float64) { // df rounds up
		return check(hostchecks.Disk{}, "")["worst_percent"].(float64) + 0.5, parsed(t, tool(t, "/", "df", "--output=target,pcent", "/")[1])
	})
	agrees(t, "df, bytes", 0.011, func() (float64, float64) {
		disk := check(hostchecks.Disk{}, "")["disks"].(map[string]any)["/"].(map[string]any)
		return disk["total_gb"].(float64), parsed(t, tool(t, "/", "df", "-B1", "--output=target,size", "/")[1]) / gigabyte
	})
	sample, err := p.Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !sample.Containers { // in one its limits count, of which free knows nothing
		agrees(t, "free", 0.2, func() (float64, float64) {
			f := tool(t, "Mem:", "free", "-b") // total used free shared cache available
			return check(hostchecks.Memory{}, "")["memory_available_gb"].(float64), parsed(t, f[6]) / gigabyte
		})
		agrees(t, "free, total", 0.011, func() (float64, float64) {
			return check(hostchecks.Memory{}, "")["memory_total_gb"].(float64), parsed(t, tool(t, "Mem:", "free", "-b")[1]) / gigabyte
		})
		agrees(t, "/proc/stat", 12, func() (float64, float64) { // other tests make it busy now and then
			before := times(t)
			ours := check(hostchecks.CPU{}, `{"samples":1}`)["cpu_percent"].(float64)
			after := times(t)
			return ours, 100 * (after[0] - before[0]) / (after[1] - before[1])
		})
	}
	agrees(t, "this very process, and others of its name", 0, func() (float64, float64) {
		self := check(hostchecks.Process{}, `{"processes":"`+name(t)+`"}`)
		return float64(self["running_count"].(int)), namesakes(t)
	})
}

// namesakes counts the processes that are called as this one is.
func namesakes(t *testing.T) (n float64) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if raw, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(raw)) == name(t) {
			n++
		}
	}
	if n == 0 {
		t.Error("this very process is not there")
	}
	return n
}

// times are the busy and all ticks of /proc/stat.
func times(t *testing.T) [2]float64 {
	t.Helper()
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	var sum [2]float64
	for i, f := range strings.Fields(strings.SplitN(string(raw), "\n", 2)[0])[1:9] {
		v := parsed(t, f)
		sum[1] += v
		if i != 3 && i != 4 { // idle, iowait
			sum[0] += v
		}
	}
	return sum
}

func name(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}
