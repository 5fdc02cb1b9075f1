package host

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/mem"
	"golang.org/x/sys/unix"
)

// fill reads everything of a Linux host. Only a /proc that cannot be listed is an error.
func (l *Live) fill(ctx context.Context, s *Sample) error {
	var buf []byte
	proc, err := openDir(unix.AT_FDCWD, l.proc, &buf)
	if err != nil {
		return fmt.Errorf("%w: open %s: %w", ErrUnseen, l.proc, err)
	}
	defer proc.close()
	missing := &unread{root: os.Geteuid() == 0, counts: map[string]int{}}
	s.OS, s.Root = runtime.GOOS, missing.root

	t := &table{
		l: l, proc: proc, users: l.users(), sockets: map[uint64]int{}, unread: missing,
	}
	text, err := proc.read("uptime")
	if err == nil {
		t.uptime, _ = parseFloats(text)
	}
	if text, err = proc.read("stat"); err != nil {
		return fmt.Errorf("%w: read %s/stat: %w", ErrUnseen, l.proc, err)
	}
	parseSystemStat(text, s)
	if s.Processes, err = t.read(ctx); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		return fmt.Errorf("%w: list %s: %w", ErrUnseen, l.proc, err)
	}
	if self, err := proc.link("self"); err == nil {
		s.Self = int(number([]byte(self)))
	}

	l.identity(proc, s)
	l.kernel(ctx, proc, s)
	l.network(ctx, proc, t.sockets, s)
	mounts := l.mountTable(proc)
	l.cgroups(proc, t.groups, s)
	s.Mounts = l.mounts(ctx, mounts)
	l.disks(ctx, s)
	l.sensors(ctx, s)
	s.Unread = append(s.Unread, missing.texts()...)
	s.Unread = append(s.Unread, gaps(s)...)
	return ctx.Err()
}

// gaps says what is missing as a whole.
func gaps(s *Sample) []string {
	var texts []string
	if s.Containers {
		texts = append(texts, "processes outside the hub's own container")
	}
	if len(s.Processes) > 0 && s.Processes[0].PID != 1 {
		texts = append(texts, "processes of other users: hidden (hidepid)")
	}
	hidden := 0
	for _, k := range s.Sockets {
		if k.State == "LISTEN" && k.PID == 0 {
			hidden++
		}
	}
	if hidden > 0 && !s.Root {
		texts = append(texts, "processes of "+strconv.Itoa(hidden)+" listening sockets: not root")
	}
	if len(s.Cgroups) == 0 {
		texts = append(texts, "control groups: none is to be seen")
	}
	if s.Pressure == (Pressure{}) {
		texts = append(texts, "pressure: the kernel does not say")
	}
	return texts
}

// kernel reads the host-wide numbers.
func (l *Live) kernel(ctx context.Context, proc dir, s *Sample) {
	if text, err := proc.read("loadavg"); err == nil {
		s.Load = parseLoad(text)
	}
	if text, err := proc.read("vmstat"); err == nil {
		s.OOMKills = int64(parseKey(text, "oom_kill"))
	}
	if text, err := proc.read("sys/fs/file-nr"); err == nil {
		s.Files = parseFileTable(text)
	}
	s.Pressure = readPressure(proc)
	if s.CPU.Cores, _ = cpu.CountsWithContext(ctx, false); s.CPU.Cores > s.CPU.Count {
		s.CPU.Cores = 0
	}
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		s.Memory = Memory{
			Total: m.Total, Available: min(m.Available, m.Total), Used: m.Used, Shared: m.Shared, SwapTotal: m.SwapTotal, SwapFree: m.SwapFree,
		}
		if s.Memory.Used > m.Total {
			s.Memory.Used = m.Total - s.Memory.Available
		}
	} else {
		s.Unread = append(s.Unread, "memory: "+reason(err))
	}
}

func readPressure(proc dir) Pressure {
	some := func(name string) *float64 {
		text, err := proc.read("pressure/" + name)
		if err != nil {
			return nil
		}
		v, _ := parsePressure(text)
		return v
	}
	p := Pressure{CPU: some("cpu"), Memory: some("memory")}
	if text, err := proc.read("pressure/io"); err == nil {
		p.IO, p.IOFull = parsePressure(text)
	}
	return p
}

// identity says which host this is.
func (l *Live) identity(proc dir, s *Sample) {
	if text, err := proc.read("sys/kernel/hostname"); err == nil {
		s.Hostname = clean(text)
	}
	if l.etc != "/etc" { // the host's own tree: this process has the container's name
		if text, err := readSmall(l.etc+"/hostname", 4096); err == nil && len(text) > 0 {
			s.Hostname = clean(text)
		}
	}
	if hosts, err := readSmall(l.etc+"/hosts", mostRead); err == nil {
		s.FQDN = parseFQDN(hosts, s.Hostname)
	}
	if text, err := readSmall(l.etc+"/os-release", mostRead); err == nil {
		s.Family = parseFamily(text)
	} else if text, err := readSmall(l.at("/usr/lib/os-release"), mostRead); err == nil {
		s.Family = parseFamily(text)
	}
	if text, err := readSmall(l.etc+"/resolv.conf", mostRead); err == nil {
		s.Resolvers = parseResolvers(text)
	}
	// In a container's pid namespace the kernel's threads are not to be seen, and the namespace is not the first one (PROC_PID_INIT_INO).
	own, err := proc.link("self/ns/pid")
	if err == nil && bracketed(own) != 0xEFFF_FFFC {
		s.Containers = true
		if text, err := proc.read("2/stat"); err == nil {
			if p, err := parseStat(text); err == nil && p.Name == "kthreadd" {
				s.Containers = false
			}
		}
	}
}

// elsewhere reports whether what is read is another tree than this process's own /proc.
func (l *Live) elsewhere() bool { return l.proc != "/proc" }

func (l *Live) users() map[int]string {
	text, err := readSmall(l.etc+"/passwd", mostRead)
	if err != nil {
		return nil
	}
	return parsePasswd(text)
}

// reason is an error's last part, without the path.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

const statfsLimit = 500 * time.Millisecond
