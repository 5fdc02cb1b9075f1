package local

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// made is a recording of a quiet host of two processors and 8 GiB, changed by hand: for what needs a kernel, a version or a size that a
// test machine has not. change gets both samples, the first one with late false.
func made(change func(s *host.Sample, late bool)) *host.Recording {
	rec := &host.Recording{}
	for _, late := range []bool{false, true} {
		s := &host.Sample{
			TakenAt: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), Hostname: "web-1", OS: "linux", Root: true, Self: 900,
			CPU:    host.CPU{Count: 2, Total: host.CPUTimes{User: 1000, Idle: 9000}},
			Memory: host.Memory{Total: 8 << 30, Available: 6 << 30},
			Files:  host.FileTable{Open: 1000, Most: 100000},
			Mounts: []host.Mount{{Path: "/", Type: "ext4", Device: "/dev/vda", Total: 100 << 30, Free: 60 << 30, Available: 55 << 30, Inodes: 1e6, InodesFree: 9e5}},
			Processes: []host.Process{
				{PID: 1, Name: "systemd", Cmdline: "/sbin/init", State: "S", Age: 1e5, RSS: 10 << 20, Threads: 1},
				{PID: 500, PPID: 1, Name: "nginx", Cmdline: "nginx: master", State: "S", Age: 9e4, RSS: 20 << 20, Threads: 1, Cgroup: "/system.slice/nginx.service"},
				{PID: 600, PPID: 1, Name: "worker", Cmdline: "/usr/bin/worker", State: "S", Age: 9e4, RSS: 30 << 20, Threads: 4, Cgroup: "/system.slice/worker.service", FDs: 20, FDLimit: 1024},
				{PID: 900, PPID: 1, Name: "incidenthub", Cmdline: "incidenthub serve", State: "S", Age: 9e4, RSS: 3 << 30, Threads: 900, FDs: 1023, FDLimit: 1024},
				{PID: 901, PPID: 900, Name: "helper", State: "T", Age: 9e4},
			},
			Cgroups: []host.Cgroup{{Path: "/system.slice/worker.service", Version: 2, PIDs: []int{600}}},
		}
		if late {
			s.TakenAt = s.TakenAt.Add(1500 * time.Millisecond)
			s.CPU.Total.User += .1
			s.CPU.Total.Idle += 2.9
		}
		change(s, late)
		rec.Samples = append(rec.Samples, s)
	}
	return rec
}

func worker(s *host.Sample) *host.Process { return &s.Processes[2] }

func TestHandMadeFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change   func(s *host.Sample, late bool)
		fault    string // of the first recommendation
		priority string
		pid      int
		command  string
	}{
		"quota, version 2": {func(s *host.Sample, late bool) {
			g := &s.Cgroups[0]
			g.CPUQuota, g.Periods, g.Throttled = .2, 1000, 400
			if late {
				g.Periods, g.Throttled, g.ThrottledS = 1015, 415, 1.2
				worker(s).UserTime = .3
			}
		}, "cpu_quota", "high", 600, "systemctl show worker.service -p CPUQuotaPerSecUSec"},
		"near the limit, version 2": {func(s *host.Sample, late bool) {
			g := &s.Cgroups[0]
			g.MemoryMax, g.MemoryUsed, g.MemoryFile, g.MaxEvents = 256<<20, 250<<20, 4<<20, 10
			if late {
				g.MaxEvents = 90
			}
		}, "memory_cgroup", "high", 600, "cat /sys/fs/cgroup/system.slice/worker.service/memory.current"},
		"killed, version 2": {func(s *host.Sample, late bool) {
			s.Cgroups[0].MemoryMax, s.Cgroups[0].OOMKills = 64<<20, 3
			if late {
				s.Cgroups[0].OOMKills, s.OOMKills = 5, 2
			}
		}, "oom_loop", "critical", 600, "journalctl -u worker.service"},
		"killed, no group": {func(s *host.Sample, late bool) {
			if !late {
				s.Processes = append(s.Processes, host.Process{PID: 2000, PPID: 600, Name: "eater", State: "R", RSS: 4 << 30})
				return
			}
			s.OOMKills = 1
		}, "oom_loop", "critical", 600, "dmesg -T"},
		"memory almost gone": {func(s *host.Sample, _ bool) {
			s.Memory.Available = 100 << 20
			worker(s).RSS = 6 << 30
		}, "memory_big", "critical", 600, "/proc/600/smaps_rollup"},
		"grows until it is gone": {func(s *host.Sample, late bool) {
			s.Memory.Available = 2 << 30
			worker(s).RSS = 2 << 30
			if late {
				worker(s).RSS += 90 << 20
			}
		}, "memory_growing", "medium", 600, "/proc/600/status"},
		"descriptors of the host": {func(s *host.Sample, _ bool) { s.Files.Open = 99000 }, "fd_host", "critical", 600, "file-nr"},
		"descriptors":             {func(s *host.Sample, _ bool) { worker(s).FDs = 1000 }, "fd_limit", "high", 600, "ls -l /proc/600/fd"},
		"stopped with a port": {func(s *host.Sample, _ bool) {
			worker(s).State = "T"
			s.Sockets = []host.Socket{{State: "LISTEN", Local: "0.0.0.0", Port: 8080, PID: 600}}
		}, "stopped", "high", 600, "ps -o pid"},
		"traced": {func(s *host.Sample, _ bool) { worker(s).State = "t" }, "stopped", "medium", 600, "TracerPid"},
		"few zombies": {func(s *host.Sample, _ bool) {
			for i := range 5 {
				s.Processes = append(s.Processes, host.Process{PID: 3000 + i, PPID: 600, Name: "job", State: "Z", Started: uint64(i + 1), Age: 50})
			}
		}, "zombies", "medium", 600, "ps --ppid 600"},
		"swarm at the limit of tasks": {func(s *host.Sample, late bool) {
			s.Cgroups[0].PIDsNow, s.Cgroups[0].PIDsMax = 98, 100
			for i := range 90 {
				s.Processes = append(s.Processes, host.Process{PID: 3000 + i, PPID: 600, Name: "job", State: "S", Started: uint64(i + 1), Age: 50})
			}
		}, "swarm_children", "high", 600, "--ppid 600"},
		"restarted by systemd": {func(s *host.Sample, late bool) {
			pid := 4000
			if late {
				pid = 4001
			}
			s.Processes = append(s.Processes, host.Process{PID: pid, PPID: 1, Name: "apid", Cmdline: "/usr/bin/apid", State: "R", Started: uint64(pid), Age: .3, Cgroup: "/system.slice/apid.service"})
		}, "crash_loop", "medium", 4001, "systemctl status apid.service"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := analyzed(t, made(tt.change), incidentOf("host unhealthy")).Recommendations[0]
			got := culpritOf(t, &first)
			if first.Details["fault"] != tt.fault || first.Priority != tt.priority || got.PID != tt.pid {
				t.Errorf("first = %v %s %+v, want %s %s, pid %d: %s", first.Details["fault"], first.Priority, got, tt.fault, tt.priority, tt.pid, first.Description)
			}
			if !strings.Contains(strings.Join(first.Actions, "\n"), tt.command) {
				t.Errorf("no action has %q: %q", tt.command, first.Actions)
			}
		})
	}
}

// The hub itself and what it started are out of the question: here it is large, has many threads and no descriptor left.
func TestTheHubBlamesNeitherItselfNorItsChildren(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"host unhealthy", "High memory usage", "Process alert: threads", "Too many open files"} {
		res := analyzed(t, made(func(*host.Sample, bool) {}), incidentOf(title))
		for _, rec := range res.Recommendations {
			if c, ok := rec.Details["culprit"].(providers.Culprit); ok && (c.PID == 900 || c.PID == 901) || rec.Priority != providers.Low {
				t.Errorf("%q: %s: %s", title, rec.Priority, rec.Title)
			}
		}
		if res.Recommendations[0].Details["fault"] != "none" || *res.Confidence > .4 || !strings.Contains(res.Summary, "web-1") {
			t.Errorf("%q: first %q, confidence %v: %s", title, res.Recommendations[0].Title, *res.Confidence, res.Summary)
		}
	}
}

func TestAProcessThatTheAlertNamesIsNotThere(t *testing.T) {
	t.Parallel()
	first := analyzed(t, made(func(*host.Sample, bool) {}), incidentOf("Process down", "process", "redis-server")).Recommendations[0]
	if first.Details["fault"] != "absent" || culpritOf(t, &first).Name != "redis-server" || first.Priority != providers.Medium {
		t.Errorf("first = %+v", first)
	}
	for _, name := range []string{"nginx", "worker", "worker.service"} {
		for _, rec := range analyzed(t, made(func(*host.Sample, bool) {}), incidentOf("Process down", "process", name)).Recommendations {
			if rec.Details["fault"] == "absent" {
				t.Errorf("%s runs: %s", name, rec.Title)
			}
		}
	}
}

// Names of processes, paths and everything in an incident may come from someone who means harm.
func TestHostileNamesStayWords(t *testing.T) {
	t.Parallel()
	evil := "a\x1b[31m'; rm -rf / #\n$(reboot)\u202e" + strings.Repeat("x", 500)
	rec := made(func(s *host.Sample, _ bool) {
		p := worker(s)
		p.Name, p.Cmdline, p.Exe, p.State, p.Cgroup, p.User = evil, evil, evil, "T", "/"+evil+".service", evil
		s.Cgroups[0] = host.Cgroup{Path: "/" + evil + ".service", Version: 2, PIDs: []int{600}, MemoryMax: 1 << 20, MemoryUsed: 1 << 20}
	})
	rec.Pidfiles = []host.Pidfile{{Path: "/run/" + evil + ".pid", PID: 77, ModifiedAt: rec.Samples[1].TakenAt}}
	r := incidentOf(evil, "process", evil, "instance", "web-1", "port", "999999", "path", "/"+evil)
	r.Incident.Description, r.Incident.Metadata = strings.Repeat(evil, 100), map[string]any{"labels": map[string]any{"x": 1, "y": evil}, "z": []any{evil}}
	r.Evidence.Alerts = []providers.Alert{{ID: "A1", Name: evil, Description: evil, Labels: map[string]string{evil: evil}}}
	res := analyzed(t, rec, r)
	for _, rec := range res.Recommendations {
		for _, s := range append([]string{rec.Title, rec.Description, res.Summary, res.ProbableCause}, rec.Actions...) {
			if strings.ContainsAny(s, "\x1b\n\u202e") || len(s) > 2500 {
				t.Errorf("%d bytes: %q", len(s), s)
			}
		}
		for _, a := range rec.Actions {
			before, _, found := strings.Cut(a, "; rm -rf")
			if found && !strings.HasSuffix(before, `'\''`) && !strings.HasSuffix(before, `\x27`) && !strings.HasPrefix(a, "Once") {
				t.Errorf("a name left its quotes: %q", a)
			}
		}
	}
}

// Clocks that jump, counters that go back and samples without anything are no reason to fail.
func TestOddSamples(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for name, rec := range map[string]*host.Recording{
		"empty":         {Samples: []*host.Sample{{}, {}}},
		"the same time": {Samples: []*host.Sample{{TakenAt: now}, {TakenAt: now}}},
		"backwards": made(func(s *host.Sample, late bool) {
			if late {
				s.TakenAt, s.CPU.Total, s.Forks, s.OOMKills = now.Add(-time.Hour), host.CPUTimes{}, -5, -3
			}
		}),
		"parents in a circle": made(func(s *host.Sample, _ bool) {
			s.Processes = append(s.Processes, host.Process{PID: 7, PPID: 8, Name: "a", State: "S"}, host.Process{PID: 8, PPID: 7, Name: "a", State: "S"})
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z, err := New(Config{Probe: host.Replay(rec)})
			if err != nil {
				t.Fatal(err)
			}
			a, err := z.Analyze(context.Background(), incidentOf("memory cpu disk process network"))
			if err != nil || a.Result.Summary == "" || len(a.Result.Recommendations) == 0 {
				t.Errorf("Analyze = %+v, %v", a, err)
			}
		})
	}
}
