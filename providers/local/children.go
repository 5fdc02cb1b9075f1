package local

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// Children that come and go are seen poorly by two samples. Parents whose children changed are asked again for a while: one small file of
// /proc each time, and the names of new children.
const (
	followEvery = 60 * time.Millisecond
	followTimes = 18
	followLong  = 30  // while a child that was not seen has not come again
	followMost  = 16  // parents
	followBirth = 150 // names read at most
)

// brood is what came and went below one parent.
type brood struct {
	parent  *proc
	cpu     float64 // processors used by children that have ended
	starts  int     // children that began, of all kinds
	sights  int     // how often children that began meanwhile were seen
	seconds float64 // in this time
	unseen  bool    // some ended between the samples
	kinds   []*litter
	seen    map[int]bool // children that began while they were watched
}

// litter is children that run the same command.
type litter struct {
	name    string // comm
	cmdline string // of the last one
	starts  int
	ends    int
	forked  bool // they run what the parent runs: workers, not a command that is started
	pid     int  // of the last one
}

// follow finds parents whose children change and watches them.
func follow(ctx context.Context, l *look) []*brood {
	broods := changing(l)
	known := map[int]map[int]*litter{} // parent → live child → its sort
	for _, b := range broods {
		known[b.parent.PID] = b.settle(l)
	}
	var births, rounds int
	for ; rounds < followLong && ctx.Err() == nil; rounds++ {
		if rounds >= followTimes && !slices.ContainsFunc(broods, (*brood).wanted) {
			break
		}
		if l.probe.Wait(ctx, followEvery) != nil {
			break
		}
		for _, b := range broods {
			pid := b.parent.PID
			text, err := l.probe.Read(ctx, fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
			if err != nil {
				continue
			}
			now := map[int]*litter{}
			for f := range bytes.FieldsSeq(text) {
				kid, err := strconv.Atoi(string(f))
				if err != nil || l.own[kid] {
					continue
				}
				k, old := known[pid][kid]
				if !old || k == nil {
					if births < followBirth {
						births++
						k = b.born(ctx, l, kid, old)
					}
					if !old {
						b.starts++
					}
				}
				now[kid] = k
				if !old {
					b.seen[kid] = true
				}
				if b.seen[kid] {
					b.sights++
				}
			}
			for kid, k := range known[pid] {
				if _, alive := now[kid]; !alive && k != nil {
					k.ends++
				}
			}
			known[pid] = now
		}
	}
	for _, b := range broods {
		b.seconds = l.gap + float64(rounds)*followEvery.Seconds()
		slices.SortStableFunc(b.kinds, func(x, y *litter) int { return cmp.Compare(y.starts+y.ends, x.starts+x.ends) })
	}
	return broods
}

// changing are the parents of which children began or ended between the samples, those with the most first.
func changing(l *look) []*brood {
	all := map[int]*brood{}
	at := func(pid int) *brood {
		if all[pid] == nil {
			all[pid] = &brood{parent: l.byPID[pid], seen: map[int]bool{}}
		}
		return all[pid]
	}
	gone := map[int]float64{} // CPU time that ended children had before the first sample
	for i := range l.a.Processes {
		p := &l.a.Processes[i]
		if q := l.byPID[p.PID]; l.byPID[p.PPID] != nil && !p.Kernel && !l.own[p.PPID] && p.Name != l.hub && (q == nil || q.Started != p.Started) {
			at(p.PPID)
			gone[p.PPID] += p.UserTime + p.SystemTime + p.ChildrenTime
		}
	}
	for _, p := range l.procs {
		if p.kidsCPU > 0 {
			at(p.PID).cpu = max(0, p.kidsCPU-gone[p.PID]/l.gap)
		}
		if old := l.before(p); old != nil && p.ChildFaults > old.ChildFaults { // a child began and ended unseen
			at(p.PID).unseen = true
		}
		// A young child of an old parent may be the latest of many.
		if parent := l.byPID[p.PPID]; parent != nil && p.State != "Z" && (p.fresh || p.Age > 0 && p.Age < 8 && parent.Age > p.Age+1) {
			at(p.PPID)
		}
	}
	out := make([]*brood, 0, len(all))
	for _, b := range all {
		if b.parent != nil {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(x, y *brood) int {
		return cmp.Or(-compare(x.cpu, y.cpu), cmp.Compare(truth(y.unseen), truth(x.unseen)), cmp.Compare(y.parent.PID, x.parent.PID))
	})
	return out[:min(followMost, len(out))]
}

// settle counts what the two samples show and returns the children that live.
func (b *brood) settle(l *look) map[int]*litter {
	alive := map[int]*litter{}
	for i := range l.a.Processes {
		p := &l.a.Processes[i]
		if p.PPID != b.parent.PID || p.State == "Z" || l.own[p.PID] {
			continue
		}
		if q := l.byPID[p.PID]; q == nil || q.Started != p.Started {
			b.sort(p.Name, p.Cmdline, p.PID).ends++
		}
	}
	for _, k := range l.kids[b.parent.PID] {
		if k.State == "Z" {
			continue
		}
		s := b.sort(k.Name, k.Cmdline, k.PID)
		alive[k.PID] = s
		if k.fresh && (k.Age <= l.gap+.1) {
			s.starts++
			b.starts++
		}
	}
	return alive
}

// born notes a new child. nil: it is gone already, or has not yet become what it will run; then it is asked again.
func (b *brood) born(ctx context.Context, l *look, pid int, again bool) *litter {
	text, err := l.probe.Read(ctx, fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil
	}
	cmdline := strings.TrimSpace(string(bytes.ReplaceAll(text[:min(200, len(text))], []byte{0}, []byte{' '})))
	if cmdline == "" || !again && cmdline == strings.TrimSpace(b.parent.Cmdline) {
		return nil
	}
	name := path.Base(strings.Fields(cmdline)[0])
	if text, err := l.probe.Read(ctx, fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		name = strings.TrimSpace(string(text))
	}
	s := b.sort(name, cmdline, pid)
	s.starts++
	return s
}

// sort is the sort of children with this name and command; numbers in commands do not tell them apart.
func (b *brood) sort(name, cmdline string, pid int) *litter {
	key := signature(cmdline)
	for _, k := range b.kinds {
		if k.name == name && signature(k.cmdline) == key {
			k.pid, k.cmdline = pid, cmdline
			return k
		}
	}
	s := &litter{name: name, cmdline: cmdline, pid: pid, forked: name == b.parent.Name && key == signature(b.parent.Cmdline)}
	b.kinds = append(b.kinds, s)
	return s
}

func signature(cmdline string) string {
	s := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, strings.TrimSpace(cmdline))
	return s[:min(100, len(s))]
}

// called is what the children are called: their script, or their name.
func (s *litter) called() string {
	p := proc{Process: host.Process{Name: s.name, Cmdline: s.cmdline}}
	if _, script, ok := strings.Cut(p.called(), " "); ok {
		return script
	}
	return p.called()
}

// wanted reports whether children of it ended unseen and none has come again yet.
func (b *brood) wanted() bool {
	k := b.most()
	return b.unseen && (k == nil || k.starts < 2)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// brief reports whether children end before they are seen twice, so that most are never seen.
func (b *brood) brief() bool { return b.sights < 2*max(1, len(b.seen)) }

// file is the path of the script or program that the children run, or "".
func (s *litter) file() string {
	for i, f := range strings.Fields(s.cmdline) {
		if i > 2 {
			break
		}
		if strings.HasPrefix(f, "/") && (i > 0 || !interpreter(path.Base(f))) {
			return clean(f, 200)
		}
	}
	return ""
}
