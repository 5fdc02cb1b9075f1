package local

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
)

// builders are parents for whom many short-lived children are the work itself.
var builders = []string{
	"make", "gmake", "ninja", "go", "cargo", "gcc", "g++", "cc1", "clang", "rustc", "mvn", "gradle", "bazel", "cmake", "npm", "pip", "apt", "apt-get", "dpkg",
	"git", "collect2", "ccache", "configure", "compile", "link", "asm", "cgo", "vet", "as", "ld", "cc1plus", "javac", "tsc", "xargs",
}

func builds(name string) bool {
	return slices.Contains(builders, name) || strings.HasPrefix(name, "golangci-lint")
}

// errands are small programs that scripts run all the time.
var errands = []string{
	"sleep", "grep", "tail", "head", "cat", "sed", "awk", "gawk", "mawk", "date", "ls", "ps", "cut", "tr", "sort", "uniq", "wc", "pgrep", "ss", "df", "du", "free", "find",
	"stat", "curl", "wget", "true", "test", "echo", "printf", "env", "id", "uname", "hostname", "basename", "dirname", "readlink", "pidof", "top", "git",
}

// comingAndGoing finds parents that burn CPU in short-lived children, and commands that are started again and again.
func comingAndGoing(ctx context.Context, l *look) []finding {
	broods := follow(ctx, l)
	var all float64
	for _, b := range broods {
		all += b.cpu
	}
	forks := rise(float64(l.b.Forks), float64(l.a.Forks), l.gap)
	var out []finding
	for _, b := range broods {
		rate := float64(b.starts) / max(.5, b.seconds)
		if all > 0 && b.brief() && (len(b.seen) > 0 || forks >= 8) { // most of them live too short to be seen: the host counts them
			rate = max(rate, forks*b.cpu/all)
		}
		if f, ok := shortLived(l, b, rate); ok {
			out = append(out, f)
		}
		if f, ok := crashLoop(l, b, rate); ok {
			out = append(out, f)
		}
	}
	return out
}

// shortLived is many short-lived children of one parent.
func shortLived(l *look, b *brood, rate float64) (finding, bool) {
	count := float64(max(1, l.b.CPU.Count))
	cpu := b.cpu
	for _, k := range l.kids[b.parent.PID] {
		if k.fresh {
			cpu += k.cpu * min(1, k.Age/l.gap)
		}
	}
	lost := l.busy()*count - l.seen()
	if b.cpu < .05 && rate >= 8 && lost > .3 { // nobody waits for them, so nobody was given their time
		cpu = max(cpu, min(lost, rate*.1))
	}
	if cpu < .12 || cpu > count*1.1 || rate < 4 && (!b.brief() || len(b.seen) == 0) || b.parent.PID == 1 {
		return finding{}, false
	}
	score := 46 + 12*min(1, cpu)
	if rate < 12 && !b.brief() {
		score -= 10
	}
	if builds(b.parent.Name) || len(b.kinds) > 0 && builds(b.kinds[0].name) {
		score -= 14
	}
	what := "children"
	if k := b.most(); k != nil {
		what = k.called()
	}
	p := b.parent
	return finding{
		class: "cpu_children", kind: providers.CPU, score: score, share: min(1, cpu/count), sure: .8, culprit: p.blame(),
		about: []string{"fork", "forks", "forking", "short lived", "children", "spawn", "spawns", "spawning"},
		title: fmt.Sprintf("Many short-lived children of %s use %s of one CPU", p.label(), percent(cpu, 1)),
		description: fmt.Sprintf("%s starts about %.0f short-lived child processes a second (%s); together they used %s of one processor, while the parent itself used %s. No single process looks busy.",
			p.label(), rate, what, percent(cpu, 1), percent(p.cpu, 1)),
		actions: append(p.looks(
			fmt.Sprintf("for i in 1 2 3 4 5; do ps --ppid %d -o pid,etime,time,args; sleep 0.2; done", p.PID),
			fmt.Sprintf("cat /proc/%d/cmdline | tr '\\0' ' '; ls -l /proc/%d/cwd", p.PID, p.PID),
		), p.remedy("stop it or make its loop wait between rounds")),
		details: map[string]any{"starts_per_second": round(rate), "children_cpu": round(cpu), "parent_cpu": round(p.cpu), "command": clean(what, 100)},
	}, true
}

// crashLoop is one command that ends soon after it was started and is started again.
func crashLoop(l *look, b *brood, rate float64) (finding, bool) {
	k := b.most()
	if k == nil || k.starts < 1 || k.starts+k.ends+truth(b.unseen) < 2 {
		return finding{}, false
	}
	for _, live := range l.kids[b.parent.PID] { // a pool that lives on and now and then takes another is none
		if live.Name == k.name && signature(live.Cmdline) == signature(k.cmdline) && live.Age > 20 {
			return finding{}, false
		}
	}
	score := 46.0
	if k.starts+k.ends+truth(b.unseen) >= 3 {
		score = 58
	}
	if k.starts >= 3 {
		score = 62
	}
	switch {
	case k.forked:
		score -= 12
	case rate > 20: // work by many small commands, more than a restart
		score -= 12
	case b.cpu*b.seconds/float64(max(1, b.starts)) > .12: // each worked all its life: jobs, one after the other
		score -= 24
	}
	if builds(b.parent.Name) || builds(k.name) {
		score -= 20
	}
	if slices.Contains(errands, k.name) || k.name == l.hub {
		score -= 20
	}
	p, name := b.parent, k.called()
	culprit := p.blame()
	if f := k.file(); f != "" {
		culprit.Path = f
	}
	whom := "started again and again by " + p.label()
	actions := p.looks(
		fmt.Sprintf("for i in 1 2 3 4 5 6; do ps --ppid %d -o pid,etime,stat,args; sleep 0.5; done", p.PID),
		fmt.Sprintf("cat /proc/%d/cmdline | tr '\\0' ' '; ls -l /proc/%d/cwd /proc/%d/fd/1 /proc/%d/fd/2", p.PID, p.PID, p.PID, p.PID),
	)
	if p.PID == 1 {
		culprit = providers.Culprit{Kind: "process", PID: k.pid, Name: clean(k.name, 64), Path: culprit.Path}
		if u := l.unitOf(k.pid); u != "" {
			culprit.Kind, culprit.Name = "service", u
			actions = []string{fmt.Sprintf("systemctl status %s --no-pager; journalctl -u %s --since -15min --no-pager | tail -50", quote(u), quote(u))}
		} else {
			actions = []string{fmt.Sprintf("ps -C %s -o pid,ppid,etime,stat,args; journalctl -t %s --since -15min --no-pager | tail -50", quote(k.name), quote(k.name))}
		}
		whom = "started again and again by init (pid 1)"
	}
	return finding{
		class: "crash_loop", kind: providers.Proc, score: score, share: min(1, float64(k.starts)/10), sure: min(.9, .5+.1*float64(k.starts)), culprit: culprit,
		about: []string{"crash", "crashes", "crashed", "crashing", "crash loop", "crashloop", "crash looping", "restart", "restarts", "restarting", "flapping", "exits", "respawn", "respawning"},
		title: fmt.Sprintf("Crash loop: %s, %s", name, whom),
		description: fmt.Sprintf("%s ends soon after it was started and is %s: %d starts and %d ends of the same command in %.1f s. A crash loop; its own log says why it ends.",
			name, whom, k.starts, k.ends, b.seconds),
		actions: append(actions, "Once the reason is found in its log or its exit code: mend the cause (settings, missing file, port in use), then let it be started once"),
		details: map[string]any{"command": clean(k.cmdline, 200), "starts": k.starts, "ends": k.ends, "seconds": round(b.seconds), "supervisor_pid": p.PID},
	}, true
}

// most is the sort of children that came and went most, pauses of shells and names of a server's own workers left out.
func (b *brood) most() *litter {
	for _, k := range b.kinds {
		if k.name == "sleep" || k.name == "" || strings.HasPrefix(k.cmdline, k.name+": ") || path.Base(strings.SplitN(k.cmdline+" ", " ", 2)[0]) == "sleep" {
			continue
		}
		return k
	}
	return nil
}

// seen is how many processors the processes of the look account for.
func (l *look) seen() float64 {
	var sum float64
	for _, p := range l.procs {
		sum += p.cpu + p.kidsCPU
	}
	return sum
}

// unitOf is the systemd unit of a process, or "".
func (l *look) unitOf(pid int) string {
	if p := l.byPID[pid]; p != nil {
		return unit(p.Cgroup)
	}
	return ""
}
