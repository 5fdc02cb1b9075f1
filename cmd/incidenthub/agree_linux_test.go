package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

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

// agree asks the tool before and after: what check-health says lies between. It asks again when something moved there and back meanwhile.
func agree(t *testing.T, what string, within float64, ours, theirs func() float64) {
	t.Helper()
	var before, got, after float64
	for range 10 {
		before, got, after = theirs(), ours(), theirs()
		if got >= min(before, after)-within && got <= max(before, after)+within {
			return
		}
	}
	t.Errorf("%s: check-health says %v, the tool %v before and %v after", what, got, before, after)
}

const gigabyte = 1 << 30

// TestCheckHealthAgrees: the command, as people run it, says of this machine what df, free, /proc/stat and ss say.
func TestCheckHealthAgrees(t *testing.T) { //nolint:paralleltest // with the machine at rest
	root := func() map[string]any {
		return checkHealth(t, "disk", "--disk-paths", "/")["disks"].(map[string]any)["/"].(map[string]any)
	}
	df := func(column string) float64 {
		return number(t, tool(t, "/", "df", "-B1", "--output=target,"+column, "/")[1])
	}
	agree(t, "df, percent", 1, func() float64 { return root()["percent"].(float64) + 0.5 }, func() float64 { return df("pcent") }) // df rounds up
	agree(t, "df, size", 0.011, func() float64 { return root()["total_gb"].(float64) }, func() float64 { return df("size") / gigabyte })
	agree(t, "df, available", 0.1, func() float64 { return root()["free_gb"].(float64) }, func() float64 { return df("avail") / gigabyte })
	sample, err := host.New(host.Config{}).Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sample.Containers {
		t.Log("in a container its limits count, of which free knows nothing")
	} else {
		free := func(column int) float64 { return number(t, tool(t, "Mem:", "free", "-b")[column]) / gigabyte }
		agree(t, "free, total", 0.011, func() float64 { return checkHealth(t, "memory")["memory_total_gb"].(float64) }, func() float64 { return free(1) })
		agree(t, "free, available", 0.3, func() float64 { return checkHealth(t, "memory")["memory_available_gb"].(float64) }, func() float64 { return free(6) })
		agreesWithTicks(t)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var differ []string
	for range 10 { // a server that is started again is away and back at its port
		if differ = ports(t, port); len(differ) == 0 {
			return
		}
	}
	for _, what := range differ {
		t.Error(what)
	}
}

// ports says where check-health and ss differ about who listens. Others open and close ports meanwhile: what one shows before and after, the
// other shows between.
func ports(t *testing.T, own string) (differ []string) {
	t.Helper()
	ours := func() map[string]bool {
		ports := map[string]bool{}
		for _, one := range checkHealth(t, "listening_ports")["ports"].([]any) {
			ports[strconv.Itoa(int(one.(map[string]any)["port"].(float64)))] = true
		}
		return ports
	}
	theirs := [2]map[string]bool{listening(t)}
	hub := [2]map[string]bool{ours()}
	theirs[1] = listening(t)
	hub[1] = ours()
	if !theirs[0][own] || !hub[0][own] {
		differ = append(differ, fmt.Sprintf("port %s, which listens: ss shows it: %v, check-health: %v", own, theirs[0][own], hub[0][own]))
	}
	for p := range theirs[0] {
		if theirs[1][p] && !hub[0][p] {
			differ = append(differ, fmt.Sprintf("ss shows port %s, check-health does not", p))
		}
	}
	for p := range hub[0] {
		if hub[1][p] && !theirs[1][p] {
			differ = append(differ, fmt.Sprintf("check-health shows port %s, ss does not", p))
		}
	}
	return differ
}

// agreesWithTicks: what check-health measures is how busy /proc/stat says that the machine was for as long, at some time while the command
// ran: when it measures it does not say, and its own start is as busy as anything else.
func agreesWithTicks(t *testing.T) {
	t.Helper()
	var ours, closest float64
	for range 10 {
		all, at, done := [][2]float64{ticks(t)}, []time.Time{time.Now()}, make(chan float64, 1)
		go func() { done <- checkHealth(t, "cpu", "--set", "cpu.samples=2")["cpu_percent"].(float64) }()
		for over := false; !over; {
			select {
			case ours = <-done:
				over = true
			case <-time.After(50 * time.Millisecond):
			}
			all, at = append(all, ticks(t)), append(at, time.Now())
		}
		closest = math.Inf(1)
		for i := range all {
			for j := i + 1; j < len(all); j++ {
				if took := at[j].Sub(at[i]); took < 1900*time.Millisecond || took > 2600*time.Millisecond { // two measurements of one second
					continue
				}
				if busy := 100 * (all[j][0] - all[i][0]) / (all[j][1] - all[i][1]); math.Abs(busy-ours) < math.Abs(closest-ours) {
					closest = busy
				}
			}
		}
		if math.Abs(closest-ours) <= 10 {
			return
		}
	}
	t.Errorf("check-health says that the processors are %v %% busy, /proc/stat %v %% at most like it", ours, closest)
}

// listening are the ports that ss shows.
func listening(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ss", "-ltnH").Output()
	if err != nil {
		t.Fatalf("ss: %v; make packages installs it", err)
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
