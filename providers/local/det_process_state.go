package local

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// zombies finds parents that do not wait for their dead children. The parent is to blame: a zombie cannot be helped by itself.
func zombies(_ context.Context, l *look) []finding {
	type heap struct {
		now, before int
		names       []string
		pids        []string
	}
	byParent := map[int]*heap{}
	for _, p := range l.procs {
		if p.State != "Z" {
			continue
		}
		h := byParent[p.PPID]
		if h == nil {
			h = &heap{}
			byParent[p.PPID] = h
		}
		h.now++
		if old := l.before(p); old != nil { // one that was just born is about to be waited for
			h.before++
		}
		if n := clean(p.Name, 40); !slices.Contains(h.names, n) {
			h.names = append(h.names, n)
		}
		h.pids = append(h.pids, strconv.Itoa(p.PID))
	}
	var out []finding
	for _, ppid := range parents(l) {
		h := byParent[ppid]
		if h == nil || h.before == 0 && h.now < 3 {
			continue
		}
		score := 64.0
		switch {
		case h.now >= 1000:
			score = hurting + 3
		case h.now >= 20:
			score = 66
		case h.now >= 3:
		case h.now == 2:
			score = 50
		default:
			score = 36
		}
		if h.before == 0 {
			score -= 14 // they come and go
		}
		p := l.byPID[ppid]
		if p == nil {
			p = &proc{Process: host.Process{PID: ppid, Name: "unknown"}}
		}
		growth := ""
		if n := h.now - h.before; n > 0 && h.before > 0 {
			growth = fmt.Sprintf(", %d of them new in the last %.1f s", n, l.gap)
		}
		out = append(out, finding{
			class: "zombies", kind: providers.Proc, score: score, share: min(1, float64(h.now)/100), sure: .93, culprit: p.blame(),
			about: []string{"zombie", "zombies", "defunct", "unreaped", "children", "reap"},
			title: fmt.Sprintf("%s %s not reaped by parent %s", many(h.now, "zombie process", "zombie processes"), isAre(h.now), p.label()),
			description: fmt.Sprintf("%s (defunct: %s)%s. %s does not wait for its ended children; each holds an entry of the process table until the parent reads its exit status or ends. A zombie itself cannot be killed.",
				many(h.now, "zombie", "zombies"), list(h.names, 3), growth, p.label()),
			actions: append([]string{fmt.Sprintf("ps --ppid %d -o pid,ppid,stat,etime,comm | grep -w Z", ppid)}, append(p.looks(
				fmt.Sprintf("grep -E 'SigIgn|SigCgt|SigBlk' /proc/%d/status; cat /proc/%d/wchan", ppid, ppid),
			), p.remedy(fmt.Sprintf("restart the parent (pid %d), and have it wait for its children", ppid)))...),
			details: map[string]any{"zombies": h.now, "new": h.now - h.before, "names": h.names[:min(5, len(h.names))], "pids": h.pids[:min(20, len(h.pids))]},
		})
	}
	return out
}

func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// uninterruptible finds processes that wait in the kernel in both samples and got nowhere between them.
func uninterruptible(_ context.Context, l *look) []finding {
	var out []finding
	for _, p := range l.procs {
		old := l.before(p)
		if p.State != "D" || old == nil {
			continue
		}
		moved := p.cpu > .01 || p.written > 0 || p.read > 0
		score, sure := 66.0, .85
		switch {
		case old.State != "D":
			score, sure = 34, .3
		case moved: // it is slow, not stuck: the disk is to blame
			score, sure = 44, .4
		}
		where := clean(p.WChan, 60)
		text := fmt.Sprintf("%s was in uninterruptible sleep (state D) both times it was looked at, %.1f s apart, and did nothing in between", p.label(), l.gap)
		if moved || old.State != "D" {
			text = fmt.Sprintf("%s is in uninterruptible sleep (state D) now, but it got on in the last %.1f s", p.label(), l.gap)
		}
		if where != "" && where != "0" {
			text += "; it waits in " + where
		}
		out = append(out, finding{
			class: "uninterruptible", kind: providers.Proc, score: score, share: .5, sure: sure, culprit: p.blame(),
			about: []string{"uninterruptible", "hung", "stuck", "hang", "hanging", "d state", "blocked", "hung task", "unresponsive"},
			title: "Uninterruptible process (state D): " + p.label(), description: text + ". It does not react to signals until the kernel call returns.",
			actions: append(p.looks(
				fmt.Sprintf("cat /proc/%d/stack; cat /proc/%d/wchan; ls -l /proc/%d/cwd /proc/%d/fd", p.PID, p.PID, p.PID, p.PID),
				"dmesg -T | grep -iE 'hung|blocked for|I/O error|nfs' | tail -20",
			), "Find what it waits for (disk, NFS server, frozen control group, a child after vfork) and mend that: signals do not reach it"),
			details: map[string]any{"wchan": where, "state": p.State, "age_s": round(p.Age), "cmdline": clean(p.Cmdline, 200), "parent": p.PPID},
		})
	}
	return most3(out)
}

// stopped finds processes that were stopped by a signal or a debugger and stay so.
func stopped(_ context.Context, l *look) []finding {
	var out []finding
	for _, p := range l.procs {
		if p.State != "T" && p.State != "t" {
			continue
		}
		score, sure := 64.0, .92
		if old := l.before(p); old == nil || old.State != p.State {
			score, sure = 48, .6
		}
		word, how := "stopped", "by a signal (SIGSTOP or SIGTSTP)"
		if p.State == "t" {
			word, how = "traced and stopped", "by a debugger"
			score -= 8
		}
		text := fmt.Sprintf("%s is %s %s (state %s) and does nothing until it is continued", p.label(), word, how, p.State)
		if ports := listens(l, p.PID); len(ports) > 0 {
			score = max(score, hurting)
			text += fmt.Sprintf(". It listens on port %s: clients connect and get no answer", list(ports, 3))
		}
		out = append(out, finding{
			class: "stopped", kind: providers.Proc, score: score, share: .5, sure: sure, culprit: p.blame(),
			about: []string{"stopped", "suspended", "paused", "frozen", "sigstop", "hung", "hangs", "not responding", "unresponsive", "stuck"},
			title: fmt.Sprintf("Stopped process: %s is %s (state %s)", p.label(), word, p.State), description: text + ".",
			actions: append(p.looks(
				fmt.Sprintf("grep -E 'State|TracerPid|SigPnd|PPid' /proc/%d/status", p.PID),
			), fmt.Sprintf("If nobody stopped it on purpose, let it go on: kill -CONT %d", p.PID)),
			details: map[string]any{"state": p.State, "age_s": round(p.Age), "cmdline": clean(p.Cmdline, 200)},
		})
	}
	return most3(out)
}

// listens are the ports a process listens on.
func listens(l *look, pid int) []string {
	var out []string
	for _, s := range l.b.Sockets {
		if s.PID == pid && s.State == "LISTEN" {
			if t := strconv.Itoa(s.Port); !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// most3 keeps the three that matter most; the first of them says how many there are.
func most3(f []finding) []finding {
	slices.SortStableFunc(f, func(x, y finding) int { return compare(y.score, x.score) })
	if len(f) > 3 {
		f[0].description += fmt.Sprintf(" %d more processes are in this state.", len(f)-1)
		f = f[:3]
	}
	return f
}
