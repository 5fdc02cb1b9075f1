package local

import (
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// madeUp is a hand-made host: a healthy, busy one, to which a test adds what is wrong. Both samples are made by one function.
func madeUp(change func(s *host.Sample, second bool)) *host.Recording {
	var rec host.Recording
	for i, second := range []bool{false, true} {
		s := healthyHost(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * 1500 * time.Millisecond))
		if second {
			s.CPU.Total.User += 1.2
			s.CPU.Total.Idle += 1.8
		}
		if change != nil {
			change(s, second)
		}
		rec.Samples = append(rec.Samples, s)
	}
	rec.Answers = []host.Answer{{Server: "192.0.2.53", Name: "localhost", Error: "no such host", Took: time.Millisecond}}
	return &rec
}

func healthyHost(at time.Time) *host.Sample {
	proc := func(pid int, name, cmdline string, uid int) host.Process {
		return host.Process{
			PID: pid, PPID: 1, Started: uint64(pid), Age: 90_000, Name: name, Cmdline: cmdline, UID: uid, State: "S", RSS: 40 << 20, Threads: 4, FDs: 20,
			FDLimit: 1024, UserTime: 10,
		}
	}
	return &host.Sample{
		TakenAt: at, Hostname: "web-1", FQDN: "web-1.example.net", Addresses: []string{"192.0.2.10"}, OS: "linux", Root: true, Self: 900,
		BootedAt: at.Add(-24 * time.Hour),
		CPU:      host.CPU{Count: 2, Cores: 2, Total: host.CPUTimes{User: 4000, System: 400, Idle: 90_000, IOWait: 20}},
		Memory:   host.Memory{Total: 8 << 30, Available: 5 << 30, Used: 3 << 30},
		Mounts: []host.Mount{
			{Path: "/", Device: "/dev/vda1", Type: "ext4", Options: "rw", Dev: 1, Total: 100 << 30, Free: 60 << 30, Available: 55 << 30, Inodes: 6e6, InodesFree: 5e6},
			{Path: "/run", Device: "tmpfs", Type: "tmpfs", Options: "rw", Dev: 2, Total: 800 << 20, Free: 790 << 20, Available: 790 << 20, Inodes: 1e6, InodesFree: 999e3},
		},
		Processes: []host.Process{
			proc(1, "systemd", "/sbin/init", 0), proc(700, "sshd", "/usr/sbin/sshd -D", 0), proc(800, "nginx", "nginx: master process /usr/sbin/nginx", 0),
			proc(900, "incidenthub", "/usr/local/bin/incidenthub serve", 0),
		},
		Sockets: []host.Socket{
			{State: "LISTEN", Local: "0.0.0.0", Port: 22, PID: 700, Inode: 10, Send: 128}, {State: "LISTEN", Local: "0.0.0.0", Port: 80, PID: 800, Inode: 11, Send: 511},
		},
		Interfaces: []host.Interface{
			{Name: "lo", Up: true, Carrier: true, Loopback: true, Kind: "virtual", Addresses: []string{"127.0.0.1"}},
			{Name: "eth0", Up: true, Carrier: true, Kind: "physical", Addresses: []string{"192.0.2.10"}, RxBytes: 9e9, TxBytes: 9e9},
		},
		Resolvers: []string{"192.0.2.53"},
	}
}

// withProcess gives a sample a process of its own.
func withProcess(s *host.Sample, p host.Process) {
	if p.State == "" {
		p.State = "S"
	}
	if p.Age == 0 {
		p.Age = 600
	}
	p.PPID, p.Started = 1, uint64(p.PID)
	s.Processes = append(s.Processes, p)
	slices.SortFunc(s.Processes, func(x, y host.Process) int { return x.PID - y.PID })
}

// firstOf is the first recommendation of kind, or nil.
func firstOf(r *providers.Result, kind string) *providers.Recommendation {
	for i := range r.Recommendations {
		if r.Recommendations[i].Type == kind {
			return &r.Recommendations[i]
		}
	}
	return nil
}

// alarmsOf are the titles of what is high or critical.
func alarmsOf(r *providers.Result) []string {
	var out []string
	for _, x := range r.Recommendations {
		if x.Priority == providers.High || x.Priority == providers.Critical {
			out = append(out, x.Title)
		}
	}
	return out
}
