package local

import (
	"context"
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// nearLimit finds control groups close to their memory limit. Page cache that can be given back does not count.
func nearLimit(_ context.Context, l *look) []finding {
	var out []finding
	for i := range l.b.Cgroups {
		g := &l.b.Cgroups[i]
		limit, word := g.MemoryMax, "limit"
		if g.MemoryHigh > 0 && (limit == 0 || g.MemoryHigh < limit) {
			limit, word = g.MemoryHigh, "high mark"
		}
		if limit == 0 || limit >= l.b.Memory.Total {
			continue
		}
		needed := g.MemoryUsed - min(g.MemoryUsed, g.MemoryFile)
		share, all := float64(needed)/float64(limit), float64(g.MemoryUsed)/float64(limit)
		var hits float64
		if old := cgroupIn(l.a, g); old != nil {
			hits = rise(float64(g.MaxEvents), float64(old.MaxEvents), l.gap)
		}
		var score float64
		switch {
		case share >= .95 || share >= .85 && hits > 0:
			score = 78
		case share >= .88:
			score = 68
		case share >= .8:
			score = 58
		case share >= .5 && hits > 1:
			score = 50
		case all >= .95 && hits > 10:
			score = 44
		case share >= .7:
			score = suspect
		default:
			continue
		}
		p := largest(l, g)
		culprit := providers.Culprit{Kind: "cgroup", Path: clean(g.Path, 200), Name: clean(unitOr(g.Path), 100)}
		whom := "group " + culprit.Name
		used, most, events := memoryFiles(g)
		actions := []string{fmt.Sprintf("cat %s %s %s", quote(used), quote(most), quote(events))}
		details := map[string]any{
			"cgroup": clean(g.Path, 200), "used": g.MemoryUsed, "cache": g.MemoryFile, "limit": limit, "share": round(share), "limit_hits_per_s": round(hits),
			"oom_kills": g.OOMKills,
		}
		if p != nil {
			culprit.PID, whom = p.PID, p.label()
			actions = append(actions, p.looks(fmt.Sprintf("cat /proc/%d/cgroup; grep -E 'VmRSS|RssAnon|RssShmem' /proc/%d/status", p.PID, p.PID))...)
			details["process"] = p.blame()
		}
		text := fmt.Sprintf("Control group %s uses %s of its memory %s of %s (%s without page cache), while the host has %s available", clean(g.Path, 200), size(g.MemoryUsed), word,
			size(limit), percent(share, 1), size(l.b.Memory.Available))
		if hits > 0 {
			text += fmt.Sprintf("; it ran into the limit %.0f times a second", hits)
		}
		if p != nil {
			text += fmt.Sprintf(". Most of it is %s with %s", p.label(), size(p.RSS))
		}
		out = append(out, finding{
			class: "memory_cgroup", kind: providers.Memory, score: score, share: min(1, share), sure: .85, culprit: culprit, details: details,
			about:       []string{"cgroup", "container", "memory limit", "limit", "pod"},
			title:       fmt.Sprintf("%s is near its cgroup memory limit: %s of %s", whom, percent(share, 1), size(limit)),
			description: text + ".",
			actions:     append(actions, fmt.Sprintf("Once that is confirmed: raise the memory limit of %s where it is set (unit, container or pod), or make it use less", culprit.Name)),
		})
	}
	return out
}

// largest is the process of a group with most memory, or nil.
func largest(l *look, g *host.Cgroup) *proc {
	var best *proc
	for _, pid := range g.PIDs {
		if p := l.byPID[pid]; p != nil && (best == nil || p.RSS > best.RSS) {
			best = p
		}
	}
	return best
}

var oomWords = []string{"oom", "oom kill", "oom killed", "oomkilled", "killed", "out of memory", "oom killer"}

// killed finds processes that the kernel kills for memory, and what keeps starting them.
func killed(_ context.Context, l *look) []finding {
	kills := max(0, l.b.OOMKills-l.a.OOMKills)
	var out []finding
	for i := range l.b.Cgroups {
		g := &l.b.Cgroups[i]
		var now uint64
		if old := cgroupIn(l.a, g); old == nil {
			now = g.OOMKills // the group is new
		} else if g.OOMKills > old.OOMKills {
			now = g.OOMKills - old.OOMKills
		}
		young := slices.ContainsFunc(g.PIDs, func(pid int) bool { p := l.byPID[pid]; return p != nil && p.Age > 0 && p.Age < 30 })
		var score float64
		switch {
		case now > 0:
			score = failing
		case g.OOMKills >= 2 && young && g.MemoryMax > 0:
			score = hurting + 5
		case g.OOMKills > 0 && young && g.MemoryMax > 0:
			score = 60
		case g.OOMKills > 0 && g.MemoryMax > 0:
			score = 42
		default:
			continue
		}
		out = append(out, oomIn(l, g, score, now))
	}
	if kills > 0 && !slices.ContainsFunc(out, func(f finding) bool { return f.score >= 60 }) {
		out = append(out, oomSomewhere(l, kills))
	}
	return out
}

func oomIn(l *look, g *host.Cgroup, score float64, now uint64) finding {
	culprit := providers.Culprit{Kind: "cgroup", Path: clean(g.Path, 200), Name: clean(unitOr(g.Path), 100)}
	used, most, events := memoryFiles(g)
	actions := []string{fmt.Sprintf("cat %s %s %s", quote(used), quote(most), quote(events)), "dmesg -T | grep -iE 'oom|killed process' | tail -20"}
	whom := "group " + culprit.Name
	text := fmt.Sprintf("The kernel's OOM killer killed %d processes of control group %s so far, %d of them in the last %.1f s; its memory limit is %s", g.OOMKills, clean(g.Path, 200), now, l.gap, size(g.MemoryMax))
	if p := keeper(l, g); p != nil {
		culprit.PID = p.PID
		whom = p.label()
		text += fmt.Sprintf(". %s starts them again", p.label())
		actions = append(actions, p.looks(fmt.Sprintf("ps --ppid %d -o pid,etime,rss,args", p.PID))...)
	}
	return finding{
		class: "oom_loop", kind: providers.Memory, score: score, share: min(1, float64(g.OOMKills)/10), sure: .9, culprit: culprit, about: oomWords, actions: append(actions,
			fmt.Sprintf("Once that is confirmed: raise the memory limit of %s where it is set, or make the program use less; until then keep it from being started again", culprit.Name)),
		title:       fmt.Sprintf("OOM-kill loop: processes of %s are killed at a memory limit of %s", whom, size(g.MemoryMax)),
		description: text + ".",
		details:     map[string]any{"cgroup": clean(g.Path, 200), "oom_kills": g.OOMKills, "oom_kills_now": now, "limit": g.MemoryMax},
	}
}

// keeper is the process that keeps starting what is killed: the parent of the group's processes, or else the oldest of them.
func keeper(l *look, g *host.Cgroup) *proc {
	var oldest *proc
	for _, pid := range g.PIDs {
		if p := l.byPID[pid]; p != nil && (oldest == nil || p.Age > oldest.Age) {
			oldest = p
		}
	}
	if oldest == nil {
		return nil
	}
	starts := oldest.ChildrenTime > 0 || len(l.kids[oldest.PID]) > 0 || slices.ContainsFunc(l.a.Processes, func(p host.Process) bool { return p.PPID == oldest.PID })
	if parent := l.byPID[oldest.PPID]; parent != nil && parent.PID != 1 && oldest.Age < 5 && !starts {
		return parent
	}
	return oldest
}

// oomSomewhere is a kill that no group accounts for: the host itself ran out, or the group is gone.
func oomSomewhere(l *look, kills int64) finding {
	f := finding{
		class: "oom_loop", kind: providers.Memory, score: failing, share: .5, sure: .6, about: oomWords,
		title: fmt.Sprintf("OOM kills: the kernel killed %d processes in %.1f s", kills, l.gap),
		description: fmt.Sprintf("The kernel's OOM killer killed %d processes within %.1f s (%d since boot); %s of %s is available. Its log names them.", kills, l.gap, l.b.OOMKills,
			size(l.b.Memory.Available), size(l.b.Memory.Total)),
		actions: []string{"dmesg -T | grep -iE 'oom|killed process' | tail -20", "journalctl -k --since -15min --no-pager | grep -iE 'oom|killed process' | tail -20"},
		details: map[string]any{"oom_kills": l.b.OOMKills, "oom_kills_now": kills},
	}
	// What was there before and is not any more, and was the largest or is there again under the same name, was killed.
	var victim *host.Process
	for i := range l.a.Processes {
		p := &l.a.Processes[i]
		if q := l.byPID[p.PID]; !p.Kernel && (q == nil || q.Started != p.Started) && (victim == nil || p.RSS > victim.RSS) && !l.own[p.PPID] && p.Name != l.hub {
			victim = p
		}
	}
	if slices.ContainsFunc(l.a.Cgroups, func(g host.Cgroup) bool { return g.OOMKills > 0 && g.MemoryMax > 0 && cgroupIn(l.b, &g) == nil }) {
		f.score, f.sure = 50, .3 // it was in a group that is gone: that is over
		return f
	}
	if victim == nil || victim.RSS < 16<<20 {
		return f
	}
	f.culprit = providers.Culprit{Kind: "process", PID: victim.PID, Name: clean(victim.Name, 64)}
	f.description += fmt.Sprintf(" %s (pid %d) with %s has gone meanwhile.", clean(victim.Name, 40), victim.PID, size(victim.RSS))
	if parent := l.byPID[victim.PPID]; parent != nil && parent.PID != 1 {
		f.culprit = parent.blame()
		f.title += ", children of " + parent.label()
		f.actions = append(f.actions, parent.looks(fmt.Sprintf("ps --ppid %d -o pid,etime,rss,args", parent.PID))...)
	}
	return f
}
