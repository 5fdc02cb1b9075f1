package local

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// Words of a detector (about) are those that ask for just this fault. What merely names its kind is in topicWords.
var cpuWords = []string{"busy", "busy loop", "runaway", "spinning", "hog", "hogging"}

// busyProcess finds processes that use much CPU. A host that works is not ill: it is never more than abnormal unless others wait in a long queue.
func busyProcess(_ context.Context, l *look) []finding {
	top := slices.Clone(l.procs)
	slices.SortStableFunc(top, func(x, y *proc) int { return compare(y.cpu, x.cpu) })
	count := float64(max(1, l.b.CPU.Count))
	var out []finding
	for i, p := range top[:min(3, len(top))] {
		var score float64
		switch {
		case p.cpu >= .5:
			score = 42 + 10*min(1, p.cpu)
		case p.cpu >= .2:
			score = suspect
		case p.cpu >= .05 && i == 0:
			score = mention
		default:
			continue
		}
		if builds(p.Name) {
			score -= 12
		}
		waiting := l.starved()
		share := min(1, p.cpu/count)
		text := fmt.Sprintf("%s used %s of one processor for the last %.1f s, %s of the host's %d", p.label(), percent(p.cpu, 1), l.gap, percent(share, 1), l.b.CPU.Count)
		switch {
		case waiting && share >= .6 && l.b.Load[0] >= 4*count:
			score = hurting
			text += fmt.Sprintf("; load is %.1f, others wait", l.b.Load[0])
		case waiting:
			score += 4
			text += fmt.Sprintf("; the host is %s busy and others wait", percent(l.busy(), 1))
		default:
			text += fmt.Sprintf("; the host is %s busy", percent(l.busy(), 1))
		}
		if i+1 < len(top) && top[i+1].cpu >= .05 {
			text += fmt.Sprintf(". Next is %s with %s", top[i+1].label(), percent(top[i+1].cpu, 1))
		}
		out = append(out, finding{
			class: "cpu_busy", kind: providers.CPU, score: score, share: share, sure: .5 + .4*min(1, p.cpu), about: cpuWords, culprit: p.blame(),
			title:       fmt.Sprintf("Busy process: %s uses %s of one CPU", p.label(), percent(p.cpu, 1)),
			description: text + ".",
			actions: append(p.looks(
				fmt.Sprintf("top -H -b -n 1 -p %d | head -25", p.PID),
				fmt.Sprintf("cat /proc/%d/stack /proc/%d/wchan 2>/dev/null; ls -l /proc/%d/exe /proc/%d/cwd", p.PID, p.PID, p.PID, p.PID),
			), fmt.Sprintf("If it may run but slower: renice -n 10 -p %d", p.PID), p.remedy("stop or restart it")),
			details: map[string]any{
				"cpu": round(p.cpu), "host_busy": round(l.busy()), "processors": l.b.CPU.Count, "load": l.b.Load[:], "user": clean(p.User, 40),
				"cmdline": clean(p.Cmdline, 200),
			},
		})
	}
	return append(out, busyFamily(l, count)...)
}

// busyFamily finds siblings of one name that are busy together, none of them by itself.
func busyFamily(l *look, count float64) []finding {
	var out []finding
	for _, ppid := range parents(l) {
		parent := l.byPID[ppid]
		if parent == nil || ppid == 1 {
			continue
		}
		sum, most, n := 0.0, 0.0, 0
		for _, k := range l.kids[ppid] {
			if k.Name == l.kids[ppid][0].Name && !k.fresh {
				sum, most, n = sum+k.cpu, max(most, k.cpu), n+1
			}
		}
		if n < 3 || sum < .6 || most > sum/2 {
			continue
		}
		name := clean(l.kids[ppid][0].Name, 40)
		out = append(out, finding{
			class: "cpu_family", kind: providers.CPU, score: 42 + 10*min(1, sum), share: min(1, sum/count), sure: .7, about: cpuWords, culprit: parent.blame(),
			title:       fmt.Sprintf("%d children of %s use %s of one CPU together", n, parent.label(), percent(sum, 1)),
			description: fmt.Sprintf("%d processes %s of %s used %s of one processor together, the busiest %s.", n, name, parent.label(), percent(sum, 1), percent(most, 1)),
			actions:     append(parent.looks(fmt.Sprintf("ps --ppid %d -o pid,etime,pcpu,args --sort=-pcpu | head -20", ppid)), parent.remedy("let it start fewer of them")),
			details:     map[string]any{"children": n, "cpu": round(sum)},
		})
	}
	return out
}

// starved reports whether the processors have no time left and somebody waits for one.
func (v *view) starved() bool {
	return v.busy() >= .95 && (v.b.Pressure.CPU == nil && v.b.Load[0] >= 2*float64(v.b.CPU.Count) || v.b.Pressure.CPU != nil && *v.b.Pressure.CPU >= 50)
}

// quota finds control groups that are held back by their CPU limit.
func quota(_ context.Context, l *look) []finding {
	var out []finding
	for i := range l.b.Cgroups {
		g := &l.b.Cgroups[i]
		old := cgroupIn(l.a, g)
		if g.CPUQuota <= 0 || old == nil || g.Periods <= old.Periods {
			continue
		}
		held := rise(float64(g.Throttled), float64(old.Throttled), float64(g.Periods-old.Periods))
		lost := rise(g.ThrottledS, old.ThrottledS, l.gap)
		if held < .1 {
			continue
		}
		p := busiest(l, g)
		score := 46 + 16*min(1, held)
		if held >= .5 {
			score = 66
		}
		if held >= .8 {
			score = hurting
		}
		culprit := providers.Culprit{Kind: "cgroup", Path: clean(g.Path, 200), Name: clean(unitOr(g.Path), 100)}
		whom := "group " + culprit.Name
		actions := []string{fmt.Sprintf("cat %s %s", quote(cgroupFile(g, "cpu", "cpu.stat")), quote(cgroupFile(g, "cpu", cpuMaxFile(g))))}
		details := map[string]any{
			"quota_processors": round(g.CPUQuota), "throttled_periods": round(held), "throttled_s_per_s": round(lost), "host_busy": round(l.busy()), "cgroup": clean(g.Path, 200),
		}
		if p != nil {
			culprit.PID = p.PID
			whom = p.label()
			actions = append(actions, p.looks(fmt.Sprintf("cat /proc/%d/cgroup", p.PID))...)
			details["process"] = p.blame()
		}
		if u := unit(g.Path); u != "" {
			actions = append(actions, fmt.Sprintf("systemctl show %s -p CPUQuotaPerSecUSec", quote(u)))
		}
		actions = append(actions, fmt.Sprintf("Once that is confirmed: raise or take away the CPU quota of %s where it is set (unit, container or pod)", culprit.Name))
		out = append(out, finding{
			class: "cpu_quota", kind: providers.CPU, score: score, share: held, sure: .9, culprit: culprit, actions: actions, details: details,
			about: []string{"quota", "throttled", "throttling", "cpu limit", "cgroup", "cfs"},
			title: fmt.Sprintf("%s is held back by its CPU quota of %s processors", whom, number(g.CPUQuota)),
			description: fmt.Sprintf("The CPU quota of control group %s is %s processors; it was throttled in %s of the last periods, while the host is only %s busy.",
				clean(g.Path, 200), number(g.CPUQuota), percent(held, 1), percent(l.busy(), 1)),
		})
	}
	return out
}

// cgroupIn is the same group in another sample, or nil.
func cgroupIn(s *host.Sample, g *host.Cgroup) *host.Cgroup {
	for i := range s.Cgroups {
		if s.Cgroups[i].Path == g.Path && s.Cgroups[i].Version == g.Version {
			return &s.Cgroups[i]
		}
	}
	return nil
}

// busiest is the process of a group that uses most CPU with what its children used, or nil.
func busiest(l *look, g *host.Cgroup) *proc {
	var best *proc
	for _, pid := range g.PIDs {
		if p := l.byPID[pid]; p != nil && (best == nil || p.cpu+p.kidsCPU > best.cpu+best.kidsCPU) {
			best = p
		}
	}
	return best
}

func compare(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func round(f float64) float64 { return math.Round(f*1000) / 1000 }

// number is a small number for people: "0.2", "4".
func number(f float64) string { return fmt.Sprintf("%.3g", f) }

// parents are all pids that have children here, in order.
func parents(l *look) []int {
	out := make([]int, 0, len(l.kids))
	for pid := range l.kids {
		out = append(out, pid)
	}
	slices.Sort(out)
	return out
}
