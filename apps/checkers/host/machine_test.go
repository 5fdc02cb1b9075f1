package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

const gigabyte = 1 << 30

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// spent are processor times after so many seconds of which a share was busy, on two processors that share it as 1 to 3.
func spent(seconds, busy float64) host.CPU {
	all := 2 * seconds * busy
	return host.CPU{
		Count: 2, Total: host.CPUTimes{User: all, Idle: 2*seconds - all - seconds/10, IOWait: seconds / 10},
		PerCPU: []host.CPUTimes{{User: all / 4, Idle: seconds - all/4}, {System: all * 3 / 4, Idle: seconds - all*3/4}},
	}
}

func ticks(seconds float64) int { return int(math.Round(seconds * 100)) }

// stat writes processor times as /proc/stat does.
func stat(c host.CPU) string {
	var b strings.Builder
	line := func(name string, t host.CPUTimes) {
		fmt.Fprintf(&b, "%s %d 0 %d %d %d 0 0 0 0 0\n", name, ticks(t.User), ticks(t.System), ticks(t.Idle), ticks(t.IOWait))
	}
	line("cpu ", c.Total)
	for i, t := range c.PerCPU {
		line(fmt.Sprintf("cpu%d", i), t)
	}
	return b.String() + "intr 1 2 3\n"
}

// turning is a host whose /proc/stat goes on by a second with each look.
type turning struct {
	checkertest.Host

	busy  []float64 // of each second
	looks int
	all   float64
}

// Read implements host.Probe.
func (h *turning) Read(_ context.Context, path string) ([]byte, error) {
	if path != "/proc/stat" {
		return nil, fmt.Errorf("who reads %s?", path)
	}
	h.all += h.busy[h.looks]
	h.looks++
	c := spent(float64(101+h.looks), 0)
	c.Total.User, c.Total.Idle = 2*h.all, c.Total.Idle-2*h.all
	return []byte(stat(c)), nil
}

func TestCPU(t *testing.T) {
	t.Parallel()
	sample := func(at, busy float64, change func(*host.Sample)) *host.Sample {
		s := &host.Sample{OS: "linux", TakenAt: noon.Add(time.Duration(at * float64(time.Second))), CPU: spent(at, busy)}
		s.Processes = []host.Process{{PID: 1, Name: "init"}, {PID: 7, Name: "burn", Cmdline: "burn --password x", UserTime: at * busy}}
		if change != nil {
			change(s)
		}
		return s
	}
	group := func(containers bool, quota, used float64) func(*host.Sample) {
		return func(s *host.Sample) {
			s.Containers, s.SelfCgroup = containers, "/hub"
			s.Cgroups = []host.Cgroup{{Path: "/other"}, {Path: "/hub", CPUQuota: quota, CPUTime: used}}
		}
	}
	for name, tt := range map[string]struct {
		before, now *host.Sample
		shared      bool
		config      string
		status      checkers.Status
		message     string
		metrics     map[string]any
	}{
		"one second, shared": {
			before: sample(0, 0, nil), now: sample(1, 0.75, nil), shared: true, status: checkers.Warning,
			message: "CPU 75.0% busy over 1s on 2 processors; busiest is burn (pid 7) with 75% of one processor",
			metrics: map[string]any{"cpu_percent": 75.0, "cpu_min": 75.0, "cpu_max": 75.0, "samples": 2, "cpu_count": 2},
		},
		"waiting for disks is idle": {
			before: sample(0, 0, nil), now: sample(1, 0, nil), config: `{"samples":1}`, status: checkers.OK, message: "CPU 0.0% busy over 1s on 2 processors",
			metrics: map[string]any{"cpu_percent": 0.0, "cpu_min": 0.0, "cpu_max": 0.0, "samples": 1, "cpu_count": 2},
		},
		"the busiest decides": {
			before: sample(0, 0, nil), now: sample(1, 0.4, nil), config: `{"samples":1,"per_cpu":true,"warning_threshold":60,"critical_threshold":61}`, status: checkers.Warning,
			message: "Processor 1 of 2 60.0% busy over 1s on 2 processors; busiest is burn (pid 7) with 40% of one processor",
			metrics: map[string]any{
				"cpu_percent": 60.0, "cpu_min": 60.0, "cpu_max": 60.0, "samples": 1, "cpu_count": 2, "average_percent": 40.0, "per_cpu_percent": []float64{20, 60},
			},
		},
		"a container's limit": {
			before: sample(0, 0, group(true, 0.5, 10)), now: sample(1, 0.25, group(true, 0.5, 10.475)), shared: true, status: checkers.Critical,
			message: "CPU 95.0% busy over 1s of the container's limit of 0.50 processors; busiest is burn (pid 7) with 25% of one processor",
			metrics: map[string]any{
				"cpu_percent": 95.0, "cpu_min": 95.0, "cpu_max": 95.0, "samples": 2, "cpu_count": 2, "cpu_quota": 0.5, "cgroup_percent": 95.0, "host_percent": 25.0,
			},
		},
		"a service's limit": {
			before: sample(0, 0, group(false, 0.5, 10)), now: sample(1, 0.25, group(false, 0.5, 10.4)), shared: true, status: checkers.Warning,
			message: "CPU 25.0% busy over 1s on 2 processors; the hub's own control group uses 80.0% of its limit of 0.50 processors; busiest is burn (pid 7) with 25% of one processor",
			metrics: map[string]any{"cpu_percent": 25.0, "cpu_min": 25.0, "cpu_max": 25.0, "samples": 2, "cpu_count": 2, "cpu_quota": 0.5, "cgroup_percent": 80.0},
		},
		"nothing moves": {before: sample(1, 0, nil), now: sample(1, 0, nil), config: `{"samples":1,"sample_interval":0}`, status: checkers.Unknown, message: "Check failed: the processors' times do not move", metrics: map[string]any{}},
		"bad settings":  {before: sample(0, 0, nil), now: sample(1, 0, nil), config: `{"samples":0}`, status: checkers.Unknown, message: "Check failed: samples: want 1 to 600", metrics: map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &checkertest.Host{Samples: []*host.Sample{tt.now}}
			r := checkertest.With(t, hostchecks.CPU{}, checkers.Input{Probe: p, Before: tt.before, Sample: tt.now, Shared: tt.shared, Config: json.RawMessage(tt.config)})
			if diff := cmp.Diff(tt.metrics, r.Metrics); diff != "" || r.Status != tt.status || r.Message != tt.message {
				t.Errorf("%s %q\nmetrics (-want +got):\n%s", r.Status, r.Message, diff)
			}
		})
	}
	p := &turning{busy: []float64{0.9, 0.5, 0.1, 0.7}}
	before, now := sample(100, 0, nil), sample(101, 0, nil)
	r := checkertest.With(t, hostchecks.CPU{}, checkers.Input{Probe: p, Before: before, Sample: now})
	want := map[string]any{"cpu_percent": 44.0, "cpu_min": 0.0, "cpu_max": 90.0, "samples": 5, "cpu_count": 2}
	if diff := cmp.Diff(want, r.Metrics); diff != "" || p.looks != 4 || r.Message != "CPU 44.0% busy over 5s on 2 processors" {
		t.Errorf("five seconds, %d looks: %q (-want +got):\n%s", p.looks, r.Message, diff)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	sample := func(available uint64, group *host.Cgroup, containers bool) *host.Sample {
		s := &host.Sample{OS: "linux", Memory: host.Memory{Total: 16 * gigabyte, Available: available * gigabyte, SwapTotal: 4 * gigabyte, SwapFree: 3 * gigabyte}, Containers: containers}
		s.Processes = []host.Process{{PID: 1, Name: "init", RSS: 1}, {PID: 9, Name: "java", RSS: 5 * gigabyte}}
		if group != nil {
			s.Cgroups, s.SelfCgroup = []host.Cgroup{*group}, group.Path
		}
		return s
	}
	limit := &host.Cgroup{Path: "/hub", MemoryMax: 2 * gigabyte, MemoryUsed: 2 * gigabyte, MemoryFile: gigabyte / 10}
	for name, tt := range map[string]struct {
		sample  *host.Sample
		config  string
		status  checkers.Status
		message string
		metrics map[string]any
	}{
		"fine": {
			sample(12, nil, false), ``, checkers.OK, "Memory 25.0% used: 4.00 of 16.00 GB, 12.00 GB available",
			map[string]any{"memory_percent": 25.0, "memory_total_gb": 16.0, "memory_used_gb": 4.0, "memory_available_gb": 12.0},
		},
		"with swap": {
			sample(1, nil, false), `{"include_swap":true}`, checkers.Critical,
			"Memory 93.8% used: 15.00 of 16.00 GB, 1.00 GB available; swap 25.0% used; largest is java (pid 9) with 5.00 GB",
			map[string]any{
				"memory_percent": 93.8, "memory_total_gb": 16.0, "memory_used_gb": 15.0, "memory_available_gb": 1.0, "swap_percent": 25.0, "swap_total_gb": 4.0, "swap_used_gb": 1.0,
			},
		},
		"a container's limit": {
			sample(12, limit, true), ``, checkers.Critical,
			"The container's memory 95.0% used: 1.90 of 2.00 GB, 0.10 GB available; largest is java (pid 9) with 5.00 GB",
			map[string]any{
				"memory_percent": 95.0, "memory_total_gb": 2.0, "memory_used_gb": 1.9, "memory_available_gb": 0.1, "cgroup_limit_gb": 2.0, "cgroup_percent": 95.0, "host_percent": 25.0,
			},
		},
		"a service's limit": {
			sample(12, limit, false), ``, checkers.Critical,
			"Memory 25.0% used: 4.00 of 16.00 GB, 12.00 GB available; the hub's own control group uses 95.0% of its limit of 2.00 GB; largest is java (pid 9) with 5.00 GB",
			map[string]any{"memory_percent": 25.0, "memory_total_gb": 16.0, "memory_used_gb": 4.0, "memory_available_gb": 12.0, "cgroup_limit_gb": 2.0, "cgroup_percent": 95.0},
		},
		"a limit that is none": {
			sample(12, &host.Cgroup{Path: "/hub", MemoryMax: 64 * gigabyte, MemoryUsed: 60 * gigabyte}, true), ``, checkers.OK, "Memory 25.0% used: 4.00 of 16.00 GB, 12.00 GB available",
			map[string]any{"memory_percent": 25.0, "memory_total_gb": 16.0, "memory_used_gb": 4.0, "memory_available_gb": 12.0},
		},
		"unknown": {&host.Sample{}, ``, checkers.Unknown, "Check failed: the size of the memory cannot be read", map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, hostchecks.Memory{}, &checkertest.Host{Samples: []*host.Sample{tt.sample}}, tt.config)
			if diff := cmp.Diff(tt.metrics, r.Metrics); diff != "" || r.Status != tt.status || r.Message != tt.message {
				t.Errorf("%s %q\nmetrics (-want +got):\n%s", r.Status, r.Message, diff)
			}
		})
	}
}

func TestDisk(t *testing.T) {
	t.Parallel()
	mount := func(path string, total, free, available uint64) host.Mount {
		return host.Mount{Path: path, Type: "ext4", Total: total * gigabyte, Free: free * gigabyte, Available: available * gigabyte}
	}
	p := &checkertest.Host{Samples: []*host.Sample{{OS: "linux", Mounts: []host.Mount{
		mount("/", 100, 50, 50), mount("/var", 1, 0, 0), mount("/var", 100, 15, 10), {Path: "/proc", Type: "proc"}, {Path: "/nfs", Unread: "no answer within 2 s"}, mount("/full", 10, 0, 0),
	}}}}
	for name, tt := range map[string]struct {
		config  string
		status  checkers.Status
		message string
		worst   any
	}{
		"the root":            {``, checkers.OK, "/ 50.0% used, 50.00 of 100.00 GB free", 50.0},
		"the fullest decides": {`{"paths":["/","/var/log"]}`, checkers.Warning, "/var/log 89.5% used, 10.00 of 100.00 GB free", 89.5},
		"not a prefix":        {`{"paths":"/various"}`, checkers.OK, "/various 50.0% used, 50.00 of 100.00 GB free", 50.0},
		"full":                {`{"paths":"/full"}`, checkers.Critical, "/full 100.0% used, 0.00 of 10.00 GB free", 100.0},
		"unreadable":          {`{"paths":["/","/nfs/a","/proc"]}`, checkers.Unknown, "/ 50.0% used, 50.00 of 100.00 GB free; cannot read /nfs/a: no answer within 2 s, /proc: proc has no size", 50.0},
		"unreadable and full": {`{"paths":["/nfs","/full"]}`, checkers.Critical, "/full 100.0% used, 0.00 of 10.00 GB free; cannot read /nfs: no answer within 2 s", 100.0},
		"nothing readable":    {`{"paths":["/nfs"]}`, checkers.Unknown, "cannot read /nfs: no answer within 2 s", nil},
		"no path":             {`{"paths":["var"]}`, checkers.Unknown, `Check failed: paths: "var" is no absolute path`, nil},
		"no paths":            {`{"paths":[]}`, checkers.Unknown, "Check failed: paths: want 1 to 100", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, hostchecks.Disk{}, p, tt.config)
			if r.Status != tt.status || r.Message != tt.message || r.Metrics["worst_percent"] != tt.worst {
				t.Errorf("%s %q %v", r.Status, r.Message, r.Metrics)
			}
		})
	}
	r := checkertest.Run(t, hostchecks.Disk{}, host.New(host.Config{}), `{"paths":["/","/no/such/path"],"warning_threshold":100,"critical_threshold":100}`) // this one may be rather full
	if r.Status != checkers.Unknown || !strings.Contains(r.Message, "cannot read /no/such/path: there is no such path") || r.Error == "" {
		t.Errorf("a path that is not there: %+v", r)
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	sample := func(seconds float64) *host.Sample {
		return &host.Sample{
			OS: "linux", TakenAt: noon.Add(time.Duration(seconds) * time.Second), Self: 50, Memory: host.Memory{Total: 10 * gigabyte},
			Processes: []host.Process{
				{PID: 2, Started: 5, Name: "nginx-helper", State: "S"},
				{PID: 3, Started: 9, Name: "nginx", State: "S", UserTime: seconds / 4, RSS: gigabyte},
				{PID: 4, Started: 10, Name: "Nginx", State: "R"},
				{PID: 6, Started: 11, Name: "dead", State: "Z"},
				{PID: 8, Started: 12, Name: "a-very-long-nam", Cmdline: "/usr/bin/a-very-long-name-indeed --token x", State: "D"},
				{PID: 50, Started: 20, Name: "incidenthub", State: "R"},
			},
		}
	}
	p := &checkertest.Host{Samples: []*host.Sample{sample(1), sample(2)}}
	look := func(config string, command bool) checkers.Result {
		return checkertest.With(t, hostchecks.Process{}, checkers.Input{Probe: p, Before: sample(1), Sample: sample(2), Command: command, Config: json.RawMessage(config)})
	}
	for name, tt := range map[string]struct {
		processes string
		command   bool
		status    checkers.Status
		message   string
	}{
		"nothing to look for":   {``, false, checkers.OK, "No processes to look for"},
		"all":                   {"NGINX,name-indeed", false, checkers.OK, "2 of 2 running"},
		"half":                  {"nginx,redis", false, checkers.Warning, "1 of 2 running; not running: redis"},
		"less":                  {"nginx,redis,dead", false, checkers.Critical, "1 of 3 running; not running: redis, dead (zombie)"},
		"the hub itself":        {"incidenthub", false, checkers.OK, "1 of 1 running"},
		"not the command":       {"incidenthub", true, checkers.Critical, "0 of 1 running; not running: incidenthub"},
		"not the command lines": {"token", false, checkers.Critical, "0 of 1 running; not running: token"},
	} {
		r := look(fmt.Sprintf(`{"processes":%q}`, tt.processes), tt.command)
		if r.Status != tt.status || r.Message != tt.message {
			t.Errorf("%s: %s %q", name, r.Status, r.Message)
		}
	}
	want := map[string]any{
		"processes": map[string]any{
			"nginx": map[string]any{"running": true, "pid": 3, "status": "sleeping", "cpu_percent": 25.0, "memory_percent": 10.0, "count": 3},
			"redis": map[string]any{"running": false, "pid": nil, "status": "not_found", "cpu_percent": nil, "memory_percent": nil, "count": 0},
		},
		"running_count": 1, "total_count": 2, "running_percent": 50.0,
	}
	if diff := cmp.Diff(want, look(`{"processes":["nginx","redis"]}`, false).Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	none := look("", false).Metrics
	if none["total_count"] != 0 || none["running_count"] != 0 {
		t.Errorf("nothing to look for: %v", none)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	p := &checkertest.Host{Samples: []*host.Sample{{OS: "linux"}}}
	r := checkertest.Run(t, hostchecks.Network{}, p, `{"hosts":["127.0.0.1","no-such-host.invalid"],"timeout":"2s"}`)
	hosts, _ := r.Metrics["hosts"].(map[string]any)
	here, _ := hosts["127.0.0.1"].(map[string]any)
	if r.Status != checkers.Warning || r.Metrics["reachable_count"] != 1 || r.Metrics["total_hosts"] != 2 || r.Metrics["reachable_percent"] != 50.0 || here["reachable"] != true ||
		!strings.Contains(r.Message, "1 of 2 hosts reachable") || !strings.Contains(r.Message, "no-such-host.invalid (") {
		t.Errorf("%s %q %v", r.Status, r.Message, r.Metrics)
	}
	for config, want := range map[string]string{
		`{"hosts":[]}`:        "No hosts to look for",
		`{"ports":[0]}`:       "Check failed: ports: want 1 to 65535",
		`{"hosts":"a/b"}`:     `Check failed: hosts: "a/b" is neither a name nor an address`,
		`{"ping_count":"21"}`: "Check failed: ping_count: want 1 to 20",
	} {
		if r := checkertest.Run(t, hostchecks.Network{}, p, config); r.Message != want {
			t.Errorf("%s: %q", config, r.Message)
		}
	}
}
