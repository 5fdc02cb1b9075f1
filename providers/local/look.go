package local

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// look is what one analysis sees of the host and of the incident. Detectors share it and only read it.
type look struct {
	*view
	req     *providers.Request
	words   words
	targets targets
}

// view is the host between two samples. Analyses that are asked for within the life of one pair of samples share it.
type view struct {
	a, b  *host.Sample
	gap   float64 // seconds from a to b, never 0
	probe host.Probe
	procs []*proc         // of b, by pid: without the hub, its descendants and threads of the kernel
	byPID map[int]*proc   // the same
	kids  map[int][]*proc // by parent
	own   map[int]bool    // the hub and its descendants
	hub   string          // the hub's name as a process

	found  flight[[]finding] // by the detectors that ask nothing
	walked flight[[]finding] // by those of them that walk
	probed memo              // what the probe said to questions that more than one analysis may have

	mu     sync.Mutex
	unread []string
}

// proc is a process with what it did between the samples.
type proc struct {
	host.Process
	fresh   bool    // it started between the samples: rates are since its start
	cpu     float64 // processors used: 1.5 is one and a half
	kidsCPU float64 // processors used by children that ended meanwhile
	growth  float64 // bytes of RSS a second
	written float64 // bytes a second
	read    float64
	waited  float64 // seconds for block devices, a second
}

// see takes two samples, gap apart. A probe that keeps its samples for others (host.Shared) gives them by itself.
func see(ctx context.Context, p host.Probe, gap time.Duration) (a, b *host.Sample, err error) {
	if s, ok := p.(interface {
		Pair(ctx context.Context, gap time.Duration) (a, b *host.Sample, err error)
	}); ok {
		return s.Pair(ctx, gap)
	}
	if a, err = p.Sample(ctx); err != nil {
		return nil, nil, err
	}
	if err = p.Wait(ctx, gap); err != nil {
		return nil, nil, err
	}
	b, err = p.Sample(ctx)
	return a, b, err
}

func newView(a, b *host.Sample, p host.Probe) *view {
	v := &view{a: a, b: b, probe: p, byPID: map[int]*proc{}, kids: map[int][]*proc{}}
	if v.gap = b.TakenAt.Sub(a.TakenAt).Seconds(); v.gap < 0.05 {
		v.gap = 0.05
	}
	v.unread = slices.Clone(b.Unread)
	v.own = family(b)
	before := make(map[int]*host.Process, len(a.Processes))
	for i := range a.Processes {
		before[a.Processes[i].PID] = &a.Processes[i]
	}
	for i := range b.Processes {
		p := b.Processes[i]
		if p.PID == b.Self {
			v.hub = p.Name
		}
		if p.Kernel || v.own[p.PID] {
			continue
		}
		old := before[p.PID]
		if old != nil && old.Started != p.Started {
			old = nil
		}
		n := rates(p, old, v.gap)
		v.procs = append(v.procs, n)
		v.byPID[p.PID] = n
		v.kids[p.PPID] = append(v.kids[p.PPID], n)
	}
	slices.SortFunc(v.procs, func(x, y *proc) int { return x.PID - y.PID })
	return v
}

// newLook is the view with a request. An empty request makes a look that has nothing of an incident.
func newLook(v *view, r *providers.Request) *look {
	return &look{view: v, req: r, words: read(r), targets: aim(r)}
}

// family is the hub with all its descendants, and other processes of the hub.
func family(s *host.Sample) map[int]bool {
	own := map[int]bool{s.Self: true}
	var exe string
	for _, p := range s.Processes {
		if p.PID == s.Self {
			exe = p.Exe
		}
	}
	for _, p := range s.Processes {
		if exe != "" && p.Exe == exe && hubCommand(p.Cmdline) {
			own[p.PID] = true
		}
	}
	for grew := true; grew; {
		grew = false
		for _, p := range s.Processes {
			if own[p.PPID] && p.PPID != 0 && !own[p.PID] {
				own[p.PID], grew = true, true
			}
		}
	}
	return own
}

// hubCommand tells the hub's servers from other things that one binary may be asked to do.
func hubCommand(cmdline string) bool {
	f := strings.Fields(cmdline)
	return len(f) > 1 && (f[1] == "serve" || f[1] == "worker")
}

func rates(p host.Process, old *host.Process, gap float64) *proc {
	n := &proc{Process: p, fresh: old == nil}
	if old == nil {
		if p.Age > gap || p.Age <= 0 {
			return n // seen for the first time, though older: it has no rate
		}
		gap = max(p.Age, 0.2)
		old = &host.Process{}
		old.RSS = p.RSS // no growth for what has only just begun
	}
	n.cpu = rise(p.UserTime+p.SystemTime, old.UserTime+old.SystemTime, gap)
	n.kidsCPU = rise(p.ChildrenTime, old.ChildrenTime, gap)
	n.growth = (float64(p.RSS) - float64(old.RSS)) / gap
	n.written = rise(float64(p.WriteBytes), float64(old.WriteBytes), gap)
	n.read = rise(float64(p.ReadBytes), float64(old.ReadBytes), gap)
	n.waited = rise(p.IODelay, old.IODelay, gap)
	return n
}

// rise is how fast a counter grew; one that went back tells nothing.
func rise(now, before, gap float64) float64 { return max(0, now-before) / gap }

// missed notes what could not be read, for the summary.
func (v *view) missed(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := fmt.Sprintf(format, args...); !slices.Contains(v.unread, s) {
		v.unread = append(v.unread, s)
	}
}

// before is the process in the first sample, or nil.
func (v *view) before(p *proc) *host.Process {
	i, ok := slices.BinarySearchFunc(v.a.Processes, p.PID, func(q host.Process, pid int) int { return q.PID - pid })
	if !ok || v.a.Processes[i].Started != p.Started {
		return nil
	}
	return &v.a.Processes[i]
}

// walks says whether directories are worth reading: the incident is about disks, or a file system with a size has under a tenth of its
// blocks or inodes left.
func (l *look) walks() bool {
	if l.words.topic(providers.Disk) > 0 {
		return true
	}
	for _, m := range l.b.Mounts {
		if m.ReadOnly || m.Total == 0 || m.Type == "squashfs" {
			continue
		}
		if fullness(&m) > .9 || m.Inodes > 0 && m.InodesFree < m.Inodes/10 {
			return true
		}
	}
	return false
}

// label is how a process is called in texts: "python3 (pid 4711)".
func (p *proc) label() string { return fmt.Sprintf("%s (pid %d)", p.called(), p.PID) }

// called is the process's name, or the script that an interpreter runs: "worker.py" says more than "python3".
func (p *proc) called() string {
	name := clean(p.Name, 40)
	if name == "" {
		name = "?"
	}
	f := strings.Fields(p.Cmdline)
	if len(f) < 2 || !interpreter(path.Base(f[0])) {
		return name
	}
	for _, arg := range f[1:] {
		if strings.HasPrefix(arg, "-") {
			if arg == "-c" || arg == "-e" || arg == "-m" {
				return name
			}
			continue
		}
		if s := clean(path.Base(arg), 40); s != "" && s != name && strings.Trim(s, "0123456789") != "" {
			return name + " " + s
		}
		break
	}
	return name
}

func interpreter(s string) bool {
	s = strings.TrimRight(s, "0123456789.")
	return slices.Contains([]string{"python", "perl", "ruby", "node", "bash", "sh", "dash", "java", "php"}, s)
}

// blame is the process as a culprit.
func (p *proc) blame() providers.Culprit {
	return providers.Culprit{Kind: "process", PID: p.PID, Name: clean(p.Name, 64), Path: clean(p.Exe, 200)}
}
