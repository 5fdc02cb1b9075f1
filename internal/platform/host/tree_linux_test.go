package host_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// tree lays out a file of testdata: "-- path --" begins a file, "-- path -> target --" is a symbolic link, what is before the first is for
// people. The words of command lines are written with Go's escapes.
func tree(t *testing.T, name string) *host.Live {
	t.Helper()
	root := t.TempDir()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files, links := map[string]*strings.Builder{}, map[string]string{}
	var now *strings.Builder
	for lines := bufio.NewScanner(f); lines.Scan(); {
		head, ok := strings.CutPrefix(lines.Text(), "-- ")
		head, ok2 := strings.CutSuffix(head, " --")
		if !ok || !ok2 {
			if now != nil {
				now.WriteString(lines.Text() + "\n")
			}
			continue
		}
		now = &strings.Builder{}
		if path, target, ok := strings.Cut(head, " -> "); ok {
			links[path] = target
			continue
		}
		files[head] = now
	}
	for path, text := range files {
		body := text.String()
		if strings.HasSuffix(path, "/cmdline") {
			if body, err = strconv.Unquote(`"` + strings.ReplaceAll(strings.TrimSuffix(body, "\n"), `\0`, `\x00`) + `"`); err != nil {
				t.Fatal(path, err)
			}
		}
		make1(t, filepath.Join(root, path), func(at string) error { return os.WriteFile(at, []byte(body), 0o600) })
	}
	for path, target := range links {
		make1(t, filepath.Join(root, path), func(at string) error { return os.Symlink(target, at) })
	}
	return host.New(host.Config{
		Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys"), Etc: filepath.Join(root, "etc"), Root: filepath.Join(root, "root"),
	})
}

func sampleOf(t *testing.T, name string) *host.Sample {
	t.Helper()
	s, err := tree(t, name).Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// about compares seconds.
var about = cmpopts.EquateApprox(0, 1e-6)

func TestSampleOfATree(t *testing.T) {
	t.Parallel()
	s := sampleOf(t, "v2.txt")
	some := func(v float64) *float64 { return &v }
	got := host.Sample{
		Hostname: s.Hostname, FQDN: s.FQDN, Family: s.Family, BootedAt: s.BootedAt, Self: s.Self, CPU: s.CPU, Load: s.Load, Memory: s.Memory,
		Pressure: s.Pressure, OOMKills: s.OOMKills, Forks: s.Forks, Files: s.Files, TCP: s.TCP, Resolvers: s.Resolvers, Disks: s.Disks,
		Sockets: s.Sockets, SelfCgroup: s.SelfCgroup, Containers: s.Containers,
	}
	got.CPU.Cores = 0 // of this machine where the tree does not say
	want := host.Sample{
		Hostname: "web7", FQDN: "web7.example.com", Family: "rhel", BootedAt: time.Unix(1770000000, 0).UTC(), Self: 300,
		CPU: host.CPU{
			Count: 2, Running: 3, Blocked: 1,
			Total: host.CPUTimes{User: 10, Nice: .2, System: 3, Idle: 400, IOWait: .5, IRQ: .13, Steal: .08},
			PerCPU: []host.CPUTimes{
				{User: 5, Nice: .1, System: 1.5, Idle: 200, IOWait: .25, IRQ: .06, Steal: .04},
				{User: 5, Nice: .1, System: 1.5, Idle: 200, IOWait: .25, IRQ: .07, Steal: .04},
			},
		},
		Load: [3]float64{.1, .2, .3},
		Memory: host.Memory{
			Total: 8000000 << 10, Available: 6000000 << 10, Used: (8000000 - 1000000 - 100000 - 5200000) << 10, Shared: 400000 << 10,
			SwapTotal: 2000000 << 10, SwapFree: 1500000 << 10,
		},
		Pressure: host.Pressure{CPU: some(12.5), IO: some(31), IOFull: some(28.25), Memory: some(0)},
		OOMKills: 7, Forks: 4242, Files: host.FileTable{Open: 3200, Most: 1<<63 - 1},
		TCP:       host.TCPCounters{ListenOverflows: 22, ListenDrops: 33, Retransmits: 44},
		Resolvers: []string{"10.0.0.2", "fd00::53"},
		Disks: []host.Disk{{
			Name: "vda", Reads: 1000, Writes: 2000, ReadBytes: 80000 * 512, WriteBytes: 160000 * 512, Busy: 3 * time.Second,
			ReadTime: 1500 * time.Millisecond, WriteTime: 2500 * time.Millisecond, HasBusy: true,
		}},
		Sockets: []host.Socket{
			{State: "LISTEN", Local: "0.0.0.0", Port: 8080, Remote: "0.0.0.0", Receive: 5, UID: 1000, PID: 300, Inode: 4242},
			{State: "CLOSE_WAIT", Local: "127.0.0.1", Port: 8080, Remote: "127.0.0.1", RPort: 50000, Receive: 1, UID: 1000, PID: 300, Inode: 4243},
			{State: "TIME_WAIT", Local: "127.0.0.1", Port: 50001, Remote: "127.0.0.1", RPort: 8080},
			{State: "LISTEN", Local: "::1", Port: 80, Remote: "::", Inode: 5001},
			{State: "ESTABLISHED", Local: "127.0.0.1", Port: 81, Remote: "127.0.0.2", RPort: 49153, Receive: 32, Send: 16, Inode: 5002},
		},
		SelfCgroup: "/system.slice/web.service",
	}
	if diff := cmp.Diff(want, got, about); diff != "" {
		t.Errorf("sample (-want +got):\n%s", diff)
	}
}

func TestProcessesOfATree(t *testing.T) {
	t.Parallel()
	want := []host.Process{
		{
			PID: 1, Started: 1, Age: 1000.49, Name: "systemd", User: "root", State: "S", Threads: 1, FDs: -1, FDLimit: 1024, ReadBytes: 4096, WriteBytes: 8192,
			Cgroup: "/init.scope",
		},
		{PID: 2, Started: 1, Age: 1000.49, Name: "kthreadd", User: "root", State: "S", Threads: 1, FDs: -1, Kernel: true},
		{
			PID: 300, PPID: 1, Started: 50000, Age: 500.5, Name: "web", Cmdline: "web --port 8080", Exe: "/usr/bin/web", Dir: "/srv/web", User: "web",
			UID: 1000, State: "S", UserTime: 15, SystemTime: 2.5, ChildrenTime: .5, IODelay: 1.5, RSS: 200 << 20, Shared: 12 << 20, Swap: 512 << 10,
			Threads: 12, FDs: 4, FDLimit: 1024, ReadBytes: 4096, WriteBytes: 8192, Cgroup: "/system.slice/web.service", NetNamespace: 4026531840,
			MountNamespace: 4026531841,
		},
		{
			PID: 301, PPID: 1, Started: 100, Age: 999.5, Name: "worker", User: "4711", UID: 4711, State: "D", WChan: "folio_wait_bit_common", RSS: 1 << 20,
			Threads: 1, FDs: -1, FDLimit: 1024, ReadBytes: 4096, WriteBytes: 8192, Cgroup: "/system.slice/web.service/inner",
		},
		{
			PID: 302, PPID: 300, Started: 100, Age: 999.5, Name: "gone", User: "root", State: "Z", Threads: 1, FDs: -1,
			Cgroup: "/system.slice/web.service",
		},
	}
	if diff := cmp.Diff(want, sampleOf(t, "v2.txt").Processes, about); diff != "" {
		t.Errorf("processes (-want +got):\n%s", diff)
	}
}

func TestCgroups(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		want []host.Cgroup
		of   map[int]string // the group a process is told
		self string
	}{
		"v2.txt": {
			want: []host.Cgroup{
				{Path: "/init.scope", Version: 2, PIDs: []int{1}, MemoryUsed: 1000000},
				{
					Path: "/system.slice/web.service", Version: 2, PIDs: []int{300, 301, 302}, CPUQuota: 1.5, Periods: 100, Throttled: 40, ThrottledS: 2.5,
					CPUTime: 5, MemoryUsed: 500000000, MemoryFile: 50000000, MemoryMax: 512 << 20, MemoryHigh: 530000000, OOMKills: 2, MaxEvents: 17,
					PIDsNow: 14, PIDsMax: 100,
				},
				{Path: "/system.slice/web.service/inner", Version: 2, PIDs: []int{301}, MemoryUsed: 1000, PIDsNow: 1},
			},
			of:   map[int]string{300: "/system.slice/web.service", 301: "/system.slice/web.service/inner"},
			self: "/system.slice/web.service",
		},
		"v1.txt": {
			want: []host.Cgroup{{
				Path: "/docker/abc", Version: 1, PIDs: []int{1}, CPUQuota: .5, Periods: 10, Throttled: 5, ThrottledS: 1.5, CPUTime: 2.5, MemoryUsed: 200000000,
				MemoryFile: 3000, MemoryMax: 256 << 20, OOMKills: 3, MaxEvents: 12, PIDsNow: 9,
			}},
			of:   map[int]string{1: "/docker/abc"},
			self: "/docker/abc",
		},
		"hybrid.txt": {
			want: []host.Cgroup{
				{Path: "/", Version: 1, PIDs: []int{1, 10, 11, 12}, CPUTime: 7, MemoryUsed: 9000000},
				{Path: "/held", Version: 1, PIDs: []int{10}, CPUQuota: .2, Periods: 50, Throttled: 49},
				{Path: "/open", Version: 1, PIDs: []int{12}},
				{Path: "/session", Version: 1, PIDs: []int{10, 11, 12}, MemoryUsed: 800000, MemoryMax: 1000000}, // nobody is in it, but it has a limit
				{Path: "/session/one", Version: 1, PIDs: []int{10, 12}, MemoryUsed: 300000},
				{Path: "/session/two", Version: 1, PIDs: []int{11}, MemoryUsed: 490000, MemoryMax: 500000},
			},
			of:   map[int]string{1: "/", 10: "/held", 11: "/session/two", 12: "/session/one"},
			self: "/session/two",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sampleOf(t, name)
			if diff := cmp.Diff(tt.want, s.Cgroups, about); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			for _, p := range s.Processes {
				if want, ok := tt.of[p.PID]; ok && p.Cgroup != want {
					t.Errorf("process %d is in %q, want %q", p.PID, p.Cgroup, want)
				}
			}
			if s.SelfCgroup != tt.self {
				t.Errorf("the hub is in %q, want %q", s.SelfCgroup, tt.self)
			}
		})
	}
}

func TestContainerIsTold(t *testing.T) {
	t.Parallel()
	if s := sampleOf(t, "v1.txt"); !s.Containers || !slices.Contains(s.Unread, "processes outside the hub's own container") {
		t.Errorf("in a container: %v, unread %q", s.Containers, s.Unread)
	}
}

func TestHostileTree(t *testing.T) {
	t.Parallel()
	s := sampleOf(t, "hostile.txt")
	type seen struct {
		PID, UID       int
		Name, Cmd, Run string
	}
	var got []seen
	for _, p := range s.Processes {
		got = append(got, seen{p.PID, p.UID, p.Name, p.Cmdline, p.State})
	}
	want := []seen{
		{1, 0, "init", "", "S"},
		{20, 1000, "a) R 1 1 (b", "x?[31m rm -rf?/?", "S"},
		{21, 1000, `evil\nUid:\t0`, "", "S"},
		{22, 0, "spaced  name", "", "S"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("processes (-want +got):\n%s", diff)
	}
	if s.Pressure.IO != nil || s.Pressure.IOFull != nil || s.Pressure.CPU == nil {
		t.Errorf("pressure %+v", s.Pressure)
	}
	if len(s.Sockets) != 3 || s.Sockets[0].Port != 8082 || s.Sockets[0].Receive != 0 || s.Sockets[0].Inode != 0 {
		t.Errorf("sockets %+v", s.Sockets)
	}
	var mounts []string
	for _, m := range s.Mounts {
		mounts = append(mounts, m.Path+"|"+m.Device)
		if m.Path == "/srv" && !m.ReadOnly {
			t.Error("/srv is not read-only")
		}
	}
	if diff := cmp.Diff([]string{"/|/dev/vda1", "/proc|proc", "/sys|sysfs", "/mnt/with space\tand\nline|tmp\\fs", "/srv|/dev/b", "/net|auto"}, mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	for _, m := range s.Mounts {
		if m.Path == "/net" && (m.Total != 0 || m.Unread != "") {
			t.Errorf("an automount point was asked: %+v", m)
		}
	}
	for _, text := range s.Unread {
		if strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("unread: %q", text)
		}
	}
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	if _, err := host.New(host.Config{Proc: t.TempDir()}).Sample(t.Context()); err == nil {
		t.Error("an empty /proc gave a sample")
	}
}
