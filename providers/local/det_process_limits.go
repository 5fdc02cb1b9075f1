package local

import (
	"context"
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

var fdWords = []string{"fd", "fds", "descriptor", "descriptors", "file descriptors", "open files", "too many open files", "emfile", "nofile", "handles", "limit"}

// descriptors finds processes close to the number of files they may open.
func descriptors(_ context.Context, l *look) []finding {
	var out []finding
	for _, p := range l.procs {
		if p.FDs <= 0 || p.FDLimit == 0 {
			continue
		}
		used := float64(p.FDs) / float64(p.FDLimit)
		grew := 0.0
		if old := l.before(p); old != nil && old.FDs >= 0 {
			grew = float64(p.FDs-old.FDs) / l.gap
		}
		var score float64
		switch {
		case used >= .98:
			score = failing - 2
		case used >= .95:
			score = 82
		case used >= .9:
			score = hurting
		case used >= .8:
			score = 60
		case used >= .6 && grew > 1:
			score = 56
		case grew >= 2 && (float64(p.FDLimit)-float64(p.FDs))/grew < 60:
			score = 54
		default:
			continue
		}
		text := fmt.Sprintf("%s has %d of %d file descriptors open (%s of its limit)", p.label(), p.FDs, p.FDLimit, percent(used, 1))
		if grew > 1 {
			text += fmt.Sprintf(", %.0f more each second", grew)
		}
		if used >= .9 {
			text += ": opening a file or accepting a connection fails with \"too many open files\""
		}
		out = append(out, finding{
			class: "fd_limit", kind: providers.Proc, score: score, share: min(1, used), sure: .92, culprit: p.blame(), about: fdWords,
			title: fmt.Sprintf("File descriptors %s the limit: %s has %d of %d open", near(used), p.label(), p.FDs, p.FDLimit), description: text + ".",
			actions: append(p.looks(
				fmt.Sprintf("ls -l /proc/%d/fd | awk '{print $NF}' | sed 's/[0-9]\\+/N/g' | sort | uniq -c | sort -rn | head -15", p.PID),
				fmt.Sprintf("grep 'open files' /proc/%d/limits; ls /proc/%d/fd | wc -l", p.PID, p.PID),
			), fmt.Sprintf("If it needs them: prlimit --pid %d --nofile lets you see the limit; raise LimitNOFILE of its unit. If they leak (many alike): restart it and mend the leak", p.PID)),
			details: map[string]any{"fds": p.FDs, "limit": p.FDLimit, "share": round(used), "growth_per_s": round(grew), "cmdline": clean(p.Cmdline, 200)},
		})
	}
	if f, ok := fileTable(l); ok {
		out = append(out, f)
	}
	return most3(out)
}

func near(used float64) string {
	if used >= .9 {
		return "at"
	}
	return "on the way to"
}

// fileTable is the host's own limit of open files.
func fileTable(l *look) (finding, bool) {
	t := l.b.Files
	if t.Most <= 0 || t.Open < t.Most/10*8 {
		return finding{}, false
	}
	score := 62.0
	if t.Open >= t.Most/20*19 {
		score = failing
	}
	f := finding{
		class: "fd_host", kind: providers.Proc, score: score, share: float64(t.Open) / float64(t.Most), sure: .9, about: fdWords,
		title:       fmt.Sprintf("File descriptors of the whole host: %d of %d open", t.Open, t.Most),
		description: fmt.Sprintf("The host has %d of at most %d files open (fs.file-max).", t.Open, t.Most),
		actions:     []string{"cat /proc/sys/fs/file-nr", "for p in /proc/[0-9]*; do echo \"$(ls $p/fd 2>/dev/null | wc -l) ${p#/proc/} $(cat $p/comm)\"; done | sort -rn | head"},
		details:     map[string]any{"open": t.Open, "most": t.Most},
	}
	var p *proc
	for _, q := range l.procs {
		if q.FDs > 0 && (p == nil || q.FDs > p.FDs) {
			p = q
		}
	}
	if p != nil {
		f.culprit = p.blame()
		f.description += fmt.Sprintf(" %s has most of them: %d.", p.label(), p.FDs)
		f.actions = append(f.actions, p.looks()...)
	}
	return f, true
}

// poolNames are programs that run many children or threads by design: fewer than a thousand say nothing.
var poolNames = []string{"java", "mysqld", "mariadbd", "postgres", "postmaster", "apache2", "httpd", "nginx", "php-fpm", "dockerd", "containerd", "systemd", "kthreadd", "init", "chrome", "firefox", "mongod", "oracle", "tmux", "sshd"}

// swarmOfChildren finds parents with very many children of one name.
func swarmOfChildren(_ context.Context, l *look) []finding {
	var out []finding
	for _, ppid := range parents(l) {
		p := l.byPID[ppid]
		if p == nil {
			continue
		}
		n, name, young, rss := alike(l, ppid)
		if n < 25 {
			continue
		}
		before := 0
		for i := range l.a.Processes {
			if q := &l.a.Processes[i]; q.PPID == ppid && q.Name == name && q.State != "Z" {
				before++
			}
		}
		grew := float64(n-before) / l.gap
		score := float64(suspect)
		switch {
		case n >= 80:
			score = 62
		case n >= 50:
			score = 54
		case n >= 35:
			score = 44
		}
		if slices.Contains(poolNames, p.Name) || ppid == 1 {
			score -= 14
		}
		if grew > 5 {
			score += 6
		}
		if n >= 1000 && grew > 20 {
			score = hurting + 5
		}
		text := fmt.Sprintf("%s has %d child processes %s, %s together, %d of them younger than a minute", p.label(), n, clean(name, 40), size(rss), young)
		if grew > 1 {
			text += fmt.Sprintf("; %.0f more each second", grew)
		}
		g := groupOf(l, p)
		if g != nil && g.PIDsMax > 0 {
			text += fmt.Sprintf("; its control group holds %d of at most %d tasks", g.PIDsNow, g.PIDsMax)
			if g.PIDsNow*10 >= g.PIDsMax*9 {
				score = max(score, hurting+8)
			}
		}
		out = append(out, finding{
			class: "swarm_children", kind: providers.Proc, score: score, share: min(1, float64(n)/500), sure: .85, culprit: p.blame(),
			about: []string{"children", "child processes", "fork bomb", "too many processes", "swarm", "process count", "number of processes", "pids"},
			title: fmt.Sprintf("Swarm of child processes: %s has %d children", p.label(), n), description: text + ".",
			actions: append(p.looks(
				fmt.Sprintf("ps --ppid %d -o comm= | sort | uniq -c | sort -rn | head; pgrep -c -P %d", ppid, ppid),
				fmt.Sprintf("grep -E 'processes' /proc/%d/limits; cat /proc/%d/cgroup", ppid, ppid),
			), p.remedy("limit how many it starts (its worker setting, TasksMax of its unit) and restart it")),
			details: map[string]any{"children": n, "name": clean(name, 40), "growth_per_s": round(grew), "memory": rss, "cmdline": clean(p.Cmdline, 200)},
		})
	}
	return most3(out)
}

// alike counts the living descendants with the commonest name among a process's children: a fork bomb has its children's children too.
func alike(l *look, ppid int) (n int, name string, young int, rss uint64) {
	names := map[string]int{}
	for _, k := range l.kids[ppid] {
		if k.State != "Z" {
			names[k.Name]++
			if names[k.Name] > n || names[k.Name] == n && k.Name < name {
				n, name = names[k.Name], k.Name
			}
		}
	}
	if n == 0 {
		return 0, "", 0, 0
	}
	n = 0
	todo, seen := []int{ppid}, map[int]bool{ppid: true}
	for len(todo) > 0 {
		pid := todo[0]
		todo = todo[1:]
		for _, k := range l.kids[pid] {
			if k.State == "Z" || k.Name != name || seen[k.PID] {
				continue
			}
			seen[k.PID] = true
			todo = append(todo, k.PID)
			n, rss = n+1, rss+k.private()
			if k.Age < 60 {
				young++
			}
		}
	}
	return n, name, young, rss
}

// groupOf is the control group of a process, or nil.
func groupOf(l *look, p *proc) *host.Cgroup {
	for i := range l.b.Cgroups {
		if g := &l.b.Cgroups[i]; p.Cgroup != "" && g.Path == p.Cgroup {
			return g
		}
	}
	return nil
}

// swarmOfThreads finds processes with very many threads.
func swarmOfThreads(_ context.Context, l *look) []finding {
	top := slices.Clone(l.procs)
	slices.SortStableFunc(top, func(x, y *proc) int { return y.Threads - x.Threads })
	var out []finding
	for i, p := range top[:min(3, len(top))] {
		next := 1
		for _, q := range top[i+1:] {
			if q.Name != p.Name || i+1 < len(top) && q.PPID != p.PPID {
				next = max(1, q.Threads)
				break
			}
		}
		grew := 0.0
		if old := l.before(p); old != nil {
			grew = float64(p.Threads-old.Threads) / l.gap
		}
		var score float64
		switch {
		case p.Threads >= 1000:
			score = 63
		case p.Threads >= 400:
			score = 60
		case p.Threads >= 150:
			score = 56
		case p.Threads >= 80 && p.Threads >= 2*next:
			score = 48
		case p.Threads >= 48 && p.Threads >= 2*next:
			score = suspect
		default:
			continue
		}
		if slices.Contains(poolNames, p.Name) && p.Threads < 1000 {
			score -= 14
		}
		if grew > 3 {
			score += 8
		}
		text := fmt.Sprintf("%s has %d threads; the next process has %d", p.label(), p.Threads, next)
		if grew > 1 {
			text += fmt.Sprintf(". %.0f more each second", grew)
		}
		if g := groupOf(l, p); g != nil && g.PIDsMax > 0 {
			text += fmt.Sprintf(". Its control group holds %d of at most %d tasks", g.PIDsNow, g.PIDsMax)
			if g.PIDsNow*10 >= g.PIDsMax*9 {
				score = max(score, hurting+8)
			}
		}
		out = append(out, finding{
			class: "swarm_threads", kind: providers.Proc, score: score, share: min(1, float64(p.Threads)/1000), sure: .85, culprit: p.blame(),
			about: []string{"thread", "threads", "thread leak", "thread count"},
			title: fmt.Sprintf("Swarm of threads: %s has %d threads", p.label(), p.Threads), description: text + ".",
			actions: append(p.looks(
				fmt.Sprintf("ps -L -p %d -o lwp,stat,wchan:24,pcpu,comm | head -30; grep Threads /proc/%d/status", p.PID, p.PID),
				fmt.Sprintf("ps -L -p %d -o wchan:24= | sort | uniq -c | sort -rn | head", p.PID),
			), p.remedy("limit its threads (its pool setting, TasksMax of its unit) and restart it")),
			details: map[string]any{"threads": p.Threads, "next": next, "growth_per_s": round(grew), "cmdline": clean(p.Cmdline, 200)},
		})
	}
	return out
}
