package host

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// groupsMost bounds how many control groups are read.
const groupsMost = 2000

// controllers are those with numbers for us. Version 2, which has them all in one tree, is "".
var controllers = []string{"memory", "cpu", "cpuacct", "pids", ""}

// hierarchy is a mounted cgroup tree. Both versions may be mounted, version 2 without any controller.
type hierarchy struct {
	controllers []string
	root        string // of the tree, what is mounted: not "/" in a container that sees the host's paths
	at          string
}

// hierarchies finds the trees among the mounts.
func (l *Live) hierarchies(proc dir) []hierarchy {
	var all []hierarchy
	add := func(lines []mountLine, at func(string) string) {
		for _, m := range lines {
			h := hierarchy{root: m.root, at: at(m.path)}
			switch m.kind {
			case "cgroup2":
				h.controllers = []string{""}
			case "cgroup":
				h.controllers = strings.Split(m.super, ",")
			default:
				continue
			}
			all = append(all, h)
		}
	}
	add(l.mountTable(proc), l.at)
	if l.elsewhere() {
		if text, err := proc.read("self/mountinfo"); err == nil { // the container's own mounts
			add(parseMounts(text), func(p string) string { return p })
		}
	}
	return all
}

// where finds a group's directory for a controller, "" if this process does not see it.
func where(trees []hierarchy, controller, group string) string {
	for _, h := range trees {
		if !slices.Contains(h.controllers, controller) {
			continue
		}
		rest, ok := group, true
		if h.root != "/" {
			rest, ok = strings.CutPrefix(group, h.root)
			ok = ok && (rest == "" || rest[0] == '/')
		}
		if ok && !strings.Contains(rest+"/", "/../") {
			return path.Join(h.at, rest)
		}
	}
	return ""
}

// place is one path of the cgroup trees, all controllers that have processes there joined.
type place struct {
	group       Cgroup
	controllers map[string]bool
	direct      bool // processes are in it, not only below
	seen        bool // it has numbers
}

// cgroups reads the groups that processes are in and those above that have a limit, and tells each process its most telling one.
func (l *Live) cgroups(proc dir, members []membership, s *Sample) {
	places := map[string]*place{}
	for _, m := range members {
		for _, line := range m.lines {
			enter(places, line, s.Processes[m.process].PID)
		}
	}
	var own []cgroupLine
	if text, err := proc.read("self/cgroup"); err == nil {
		own = parseCgroupLines(text)
		for _, line := range own {
			enter(places, line, 0)
		}
	}
	trees := l.hierarchies(proc)
	for name, p := range places {
		p.group.Path = name
		for _, c := range controllers {
			if !p.controllers[c] {
				continue
			}
			if at := where(trees, c, name); at != "" {
				p.numbers(c, at)
			}
		}
	}
	for _, m := range members {
		s.Processes[m.process].Cgroup = telling(places, m.lines)
	}
	s.SelfCgroup = telling(places, own)
	for _, p := range places {
		if p.seen && (p.direct || p.limited()) {
			slices.Sort(p.group.PIDs)
			p.group.PIDs = slices.Compact(p.group.PIDs)
			s.Cgroups = append(s.Cgroups, p.group)
		}
	}
	slices.SortFunc(s.Cgroups, func(a, b Cgroup) int { return strings.Compare(a.Path, b.Path) })
}

// enter notes a process in the group of a line and in all above it. pid 0 is nobody.
func enter(places map[string]*place, line cgroupLine, pid int) {
	var mine []string
	for c := range strings.SplitSeq(line.controllers, ",") {
		if slices.Contains(controllers, c) {
			mine = append(mine, c)
		}
	}
	if len(mine) == 0 {
		return
	}
	for name := line.path; ; name = path.Dir(name) {
		p := places[name]
		if p == nil {
			if len(places) >= groupsMost {
				return
			}
			p = &place{controllers: map[string]bool{}}
			places[name] = p
		}
		for _, c := range mine {
			p.controllers[c] = true
		}
		p.direct = p.direct || name == line.path
		if n := len(p.group.PIDs); pid != 0 && (n == 0 || p.group.PIDs[n-1] != pid) {
			p.group.PIDs = append(p.group.PIDs, pid)
		}
		if name == "/" {
			return
		}
	}
}

func (p *place) limited() bool {
	g := p.group
	return g.CPUQuota > 0 || g.MemoryMax > 0 || g.MemoryHigh > 0 || g.PIDsMax > 0
}

// telling picks the group of a process that says most: one with a limit, else the deepest.
func telling(places map[string]*place, lines []cgroupLine) string {
	var best *place
	for _, line := range lines {
		p := places[line.path]
		if p == nil || !p.seen {
			continue
		}
		if best == nil || cmp.Or(
			cmp.Compare(flag(p.limited()), flag(best.limited())),
			cmp.Compare(strings.Count(strings.TrimSuffix(p.group.Path, "/"), "/"), strings.Count(strings.TrimSuffix(best.group.Path, "/"), "/")),
			cmp.Compare(flag(p.controllers["memory"]), flag(best.controllers["memory"])),
		) > 0 {
			best = p
		}
	}
	if best == nil {
		return ""
	}
	return best.group.Path
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// numbers reads one controller's files. What version 1 said stands: in a hybrid set-up version 2 has no controllers.
func (p *place) numbers(controller, at string) {
	var buf []byte
	d, err := openDir(unix.AT_FDCWD, at, &buf)
	if err != nil {
		return
	}
	defer d.close()
	f := files{d: d}
	g := p.group
	switch controller {
	case "cpu":
		f.cpu1(&g)
	case "cpuacct":
		g.CPUTime = float64(f.number("cpuacct.usage")) / 1e9
	case "memory":
		f.memory1(&g)
	case "pids":
		f.pids(&g)
	case "":
		var v2 Cgroup
		f.cpu2(&v2)
		f.memory2(&v2)
		f.pids(&v2)
		g = joined(g, v2)
	}
	if !f.seen {
		return
	}
	p.group, p.seen = g, true
	if p.group.Version == 0 {
		p.group.Version = 1
		if controller == "" {
			p.group.Version = 2
		}
	}
}

// joined takes from version 2 what version 1 did not say.
func joined(g, v2 Cgroup) Cgroup {
	if g.Periods == 0 && g.CPUQuota == 0 {
		g.CPUQuota, g.Periods, g.Throttled, g.ThrottledS = v2.CPUQuota, v2.Periods, v2.Throttled, v2.ThrottledS
	}
	g.CPUTime = cmp.Or(g.CPUTime, v2.CPUTime)
	if g.MemoryUsed == 0 {
		g.MemoryUsed, g.MemoryFile, g.MemoryMax, g.MemoryHigh = v2.MemoryUsed, v2.MemoryFile, v2.MemoryMax, v2.MemoryHigh
		g.OOMKills, g.MaxEvents = v2.OOMKills, v2.MaxEvents
	}
	if g.PIDsNow == 0 {
		g.PIDsNow, g.PIDsMax = v2.PIDsNow, v2.PIDsMax
	}
	return g
}

// files reads the files of one group's directory.
type files struct {
	d    dir
	seen bool // one was there
}

func (f *files) text(name string) []byte {
	text, err := f.d.read(name)
	if err != nil {
		return nil
	}
	f.seen = true
	return text
}

// number reads a file with one number; "max", -1 and version 1's 9223372036854771712 are no limit: 0.
func (f *files) number(name string) uint64 { return limit(f.text(name)) }

func limit(text []byte) uint64 {
	if n := number(text); n < 1<<62 {
		return n
	}
	return 0
}

func (f *files) cpu1(g *Cgroup) {
	g.CPUQuota = quota(f.number("cpu.cfs_quota_us"), f.number("cpu.cfs_period_us"))
	stat := f.text("cpu.stat")
	g.Periods, g.Throttled = parseKey(stat, "nr_periods"), parseKey(stat, "nr_throttled")
	g.ThrottledS = float64(parseKey(stat, "throttled_time")) / 1e9
}

func (f *files) cpu2(g *Cgroup) {
	most, period, _ := strings.Cut(strings.TrimSpace(string(f.text("cpu.max"))), " ")
	g.CPUQuota = quota(limit([]byte(most)), number([]byte(period)))
	stat := f.text("cpu.stat")
	g.Periods, g.Throttled = parseKey(stat, "nr_periods"), parseKey(stat, "nr_throttled")
	g.ThrottledS = float64(parseKey(stat, "throttled_usec")) / 1e6
	g.CPUTime = float64(parseKey(stat, "usage_usec")) / 1e6
}

// quota is in processors.
func quota(most, period uint64) float64 {
	if period == 0 {
		return 0
	}
	return float64(most) / float64(period)
}

func (f *files) memory1(g *Cgroup) {
	g.MemoryUsed, g.MemoryMax = f.number("memory.usage_in_bytes"), f.number("memory.limit_in_bytes")
	stat := f.text("memory.stat")
	g.MemoryFile = min(parseKey(stat, "total_inactive_file")+parseKey(stat, "total_active_file"), g.MemoryUsed)
	g.MaxEvents = f.number("memory.failcnt")
	g.OOMKills = parseKey(f.text("memory.oom_control"), "oom_kill")
}

func (f *files) memory2(g *Cgroup) {
	g.MemoryUsed, g.MemoryMax, g.MemoryHigh = f.number("memory.current"), f.number("memory.max"), f.number("memory.high")
	stat := f.text("memory.stat")
	g.MemoryFile = min(parseKey(stat, "inactive_file")+parseKey(stat, "active_file"), g.MemoryUsed)
	events := f.text("memory.events")
	g.OOMKills, g.MaxEvents = parseKey(events, "oom_kill"), parseKey(events, "max")
}

func (f *files) pids(g *Cgroup) {
	g.PIDsNow, g.PIDsMax = f.number("pids.current"), f.number("pids.max")
}
