package main

import (
	"encoding/json"
	"errors"
	"math"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// checked is what check-health prints.
type checked struct {
	Results []struct {
		Name    string         `json:"checker_name"`
		Status  string         `json:"status"`
		Message string         `json:"message"`
		Metrics map[string]any `json:"metrics"`
	} `json:"results"`
	Summary struct{ Total, OK, Warning, Critical, Unknown int }
}

// checkHealth runs check-health as a process and returns the metrics of its one check.
func checkHealth(t *testing.T, args ...string) map[string]any {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, append([]string{"check-health", "--json"}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var got checked
	if err := json.Unmarshal(out, &got); err != nil || len(got.Results) != 1 || got.Summary.Total != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	want := map[string]int{"ok": 0, "warning": 0, "critical": 2, "unknown": 1}[got.Results[0].Status]
	if code := cmd.ProcessState.ExitCode(); code != want || got.Results[0].Status == "unknown" {
		t.Fatalf("exit code %d, want %d: %+v", code, want, got.Results[0])
	}
	return got.Results[0].Metrics
}

// tool returns the fields of the line that begins so, of what a program prints.
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

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// agree looks at both again when something moved in between.
func agree(t *testing.T, what string, within float64, both func() (ours, theirs float64)) {
	t.Helper()
	var ours, theirs float64
	for range 5 {
		if ours, theirs = both(); math.Abs(ours-theirs) <= within {
			return
		}
	}
	t.Errorf("%s: check-health says %v, the tool %v", what, ours, theirs)
}

const gigabyte = 1 << 30

// TestCheckHealthAgrees: the command, as people run it, says of this machine what df, free, /proc/stat and ss say.
func TestCheckHealthAgrees(t *testing.T) { //nolint:paralleltest // with the machine at rest
	root := func() map[string]any {
		return checkHealth(t, "disk", "--disk-paths", "/")["disks"].(map[string]any)["/"].(map[string]any)
	}
	agree(t, "df, percent", 1, func() (float64, float64) { // df rounds up
		return root()["percent"].(float64) + 0.5, number(t, tool(t, "/", "df", "--output=target,pcent", "/")[1])
	})
	agree(t, "df, size", 0.011, func() (float64, float64) {
		return root()["total_gb"].(float64), number(t, tool(t, "/", "df", "-B1", "--output=target,size", "/")[1]) / gigabyte
	})
	agree(t, "df, available", 0.1, func() (float64, float64) {
		return root()["free_gb"].(float64), number(t, tool(t, "/", "df", "-B1", "--output=target,avail", "/")[1]) / gigabyte
	})
	sample, err := host.New(host.Config{}).Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sample.Containers {
		t.Log("in a container its limits count, of which free knows nothing")
	} else {
		agree(t, "free, total", 0.011, func() (float64, float64) {
			return checkHealth(t, "memory")["memory_total_gb"].(float64), number(t, tool(t, "Mem:", "free", "-b")[1]) / gigabyte
		})
		agree(t, "free, available", 0.3, func() (float64, float64) {
			return checkHealth(t, "memory")["memory_available_gb"].(float64), number(t, tool(t, "Mem:", "free", "-b")[6]) / gigabyte
		})
		agree(t, "/proc/stat", 15, func() (float64, float64) { // which counts the start of the command too
			before := ticks(t)
			ours := checkHealth(t, "cpu", "--set", "cpu.samples=2")["cpu_percent"].(float64)
			after := ticks(t)
			return ours, 100 * (after[0] - before[0]) / (after[1] - before[1])
		})
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	agree(t, "ss", 0, func() (float64, float64) {
		ours := map[string]bool{}
		found := false
		for _, one := range checkHealth(t, "listening_ports")["ports"].([]any) {
			port := strconv.Itoa(int(one.(map[string]any)["port"].(float64)))
			ours[port] = true
			found = found || strings.HasSuffix(l.Addr().String(), ":"+port)
		}
		if !found {
			t.Errorf("what listens on %s is missing", l.Addr())
		}
		return float64(len(ours)), float64(len(listening(t)))
	})
}

// listening are the ports that ss shows.
func listening(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ss", "-ltnH").Output()
	if err != nil {
		t.Skipf("ss: %v", err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		local := strings.Fields(line)[3]
		all[local[strings.LastIndexByte(local, ':')+1:]] = true
	}
	return all
}

// ticks are the busy and all ticks of /proc/stat.
func ticks(t *testing.T) [2]float64 {
	t.Helper()
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	var sum [2]float64
	for i, f := range strings.Fields(strings.SplitN(string(raw), "\n", 2)[0])[1:9] {
		v := number(t, f)
		sum[1] += v
		if i != 3 && i != 4 { // idle, iowait
			sum[0] += v
		}
	}
	return sum
}
