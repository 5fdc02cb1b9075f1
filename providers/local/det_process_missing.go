package local

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

var missingWords = []string{"missing", "not running", "down", "dead", "died", "stale", "pidfile", "pid file", "exited", "gone", "absent", "unavailable", "process down"}

// staleAge is how old a stale pidfile may be to speak of what happened now.
const staleAge = 15 * 60

// stale finds pidfiles whose process is gone. Old ones that nobody took away are everywhere: the newest counts.
func stale(ctx context.Context, l *look) []finding {
	files, err := l.probe.Pidfiles(ctx)
	if err != nil {
		l.missed("pidfiles (%v)", err)
		return nil
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f host.Pidfile) bool {
		if p := l.byPID[f.PID]; p != nil { // another that has the pid now began after the file was written
			return f.ModifiedAt.IsZero() || p.Age >= l.b.TakenAt.Sub(f.ModifiedAt).Seconds()-2
		}
		return f.Alive || f.PID <= 0 || f.PID == l.b.Self
	})
	slices.SortStableFunc(files, func(x, y host.Pidfile) int {
		return cmp.Or(y.ModifiedAt.Compare(x.ModifiedAt), cmp.Compare(x.Path, y.Path))
	})
	var out []finding
	for _, f := range files {
		age, known := l.b.TakenAt.Sub(f.ModifiedAt).Seconds(), !f.ModifiedAt.IsZero()
		score := 52.0
		switch {
		case known && age < staleAge:
			score = 61 - 4*float64(min(2, len(out)))
		case known && age < 86400 && len(out) == 0:
			score = 36
		case known || len(files) > 3:
			score = 14
		}
		name := strings.TrimSuffix(path.Base(f.Path), ".pid")
		if score > 14 && l.running(name) { // it runs under another pid: the file is old, nothing is missing
			score -= 20
		}
		when := ""
		if known {
			when = fmt.Sprintf(", written %s before", span(max(0, age)))
		}
		p := quote(clean(f.Path, 200))
		out = append(out, finding{
			class: "stale_pidfile", kind: providers.Proc, score: score, share: .5, sure: .8,
			culprit: providers.Culprit{Kind: "process", PID: f.PID, Name: clean(name, 64), Path: clean(f.Path, 200)}, about: missingWords,
			title: fmt.Sprintf("Missing process: %s is not running, its pidfile %s is stale", clean(name, 60), clean(f.Path, 100)),
			description: fmt.Sprintf("The pidfile %s%s names pid %d, which %s: %s ended without removing its stale pidfile. It is not running.",
				clean(f.Path, 200), when, f.PID, l.nowAt(f.PID), clean(name, 60)),
			actions: []string{
				fmt.Sprintf("cat %s; ls -l %s; ps -p %d -o pid,etime,args", p, p, f.PID),
				fmt.Sprintf("systemctl status %s --no-pager; journalctl -u %s --since -30min --no-pager | tail -50", quote(name), quote(name)),
				fmt.Sprintf("journalctl _PID=%d --no-pager | tail -50; dmesg -T | grep -w %d | tail", f.PID, f.PID),
				fmt.Sprintf("Once the log says why it ended: start %s again through its unit; a daemon that refuses because of the stale file needs %s moved aside first", clean(name, 60), p),
			},
			details: map[string]any{"pidfile": clean(f.Path, 200), "pid": f.PID, "written_s_ago": round(max(0, age)), "stale_pidfiles": len(files)},
		})
		if len(out) == 8 {
			break
		}
	}
	return out
}

// nowAt says who has a pid.
func (l *look) nowAt(pid int) string {
	if p := l.byPID[pid]; p != nil {
		return "is " + clean(p.Name, 40) + " by now, which began later"
	}
	return "no process has"
}

// running reports whether a process of that name, or with it as its script, is there.
func (l *look) running(name string) bool {
	name = strings.ToLower(name)
	return name != "" && slices.ContainsFunc(l.procs, func(p *proc) bool {
		return p.State != "Z" && (strings.EqualFold(p.Name, name) || strings.EqualFold(path.Base(strings.SplitN(p.Cmdline+" ", " ", 2)[0]), name) ||
			strings.HasSuffix(strings.ToLower(p.called()), " "+name))
	})
}

// absentKeys are labels that name a process outright.
var absentKeys = []string{"process", "process_name", "daemon", "program", "groupname", "unit"}

// absent says that a process which a label names is not there. Labels of services are not taken for names of processes.
func absent(_ context.Context, l *look) []finding {
	var out []finding
	for _, set := range labelSets(l.req) {
		for _, k := range absentKeys {
			name := strings.TrimSuffix(strings.TrimSpace(set[k]), ".service")
			if len(name) < 2 || len(name) > 64 || strings.ContainsAny(name, " /*|()[]") || l.running(name) {
				continue
			}
			if slices.ContainsFunc(l.procs, func(p *proc) bool {
				return strings.Contains(strings.ToLower(p.Cmdline), strings.ToLower(name)) || len(p.Name) >= 15 && strings.HasPrefix(name, p.Name) ||
					unit(p.Cgroup) == name+".service"
			}) || slices.ContainsFunc(out, func(f finding) bool { return f.culprit.Name == clean(name, 64) }) {
				continue
			}
			n := clean(name, 64)
			out = append(out, finding{
				class: "absent", kind: providers.Proc, score: 50, share: .3, sure: .6, about: missingWords, culprit: providers.Culprit{Kind: "process", Name: n},
				title:       fmt.Sprintf("Missing process: no process %s is running", n),
				description: fmt.Sprintf("The alert names the process %s; among the %d processes here none has that name, program or script. It is not running.", n, len(l.procs)),
				actions: []string{
					fmt.Sprintf("pgrep -a %s; systemctl status %s --no-pager", quote(name), quote(name)),
					fmt.Sprintf("journalctl -u %s --since -30min --no-pager | tail -50; dmesg -T | grep -iE 'killed process|segfault' | tail", quote(name)),
				},
				details: map[string]any{"looked_at": len(l.procs)},
			})
		}
	}
	return out[:min(2, len(out))]
}
