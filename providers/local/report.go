package local

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// The reports of contract 7.4 show the largest of a kind, whether or not something is wrong. They stand by themselves for requests that ask
// for one, and beside an analysis that found nothing.

const (
	reported = 20 // items in a report
	kept     = 50 // large items that are looked for
	keptOld  = 100
)

// reports answers a request with a kind, or one without an incident: then memory and the first partition are reported when they are over 70 %.
func reports(ctx context.Context, l *look) *providers.Result {
	recs := []providers.Recommendation{}
	switch l.req.Kind {
	case providers.Memory:
		recs = append(recs, memoryReport(l))
	case providers.Disk:
		recs = append(recs, diskReport(ctx, l, reportPath(l))...)
	case providers.CPU:
		recs = append(recs, cpuReport(l))
	default:
		recs = append(recs, unasked(ctx, l)...)
	}
	out := &providers.Result{Recommendations: recs, Summary: "Nothing to report on " + clean(l.b.Hostname, 120) + ": " + figures(l) + "."}
	if len(recs) > 0 {
		out.Summary = clean(recs[0].Title+" on "+l.b.Hostname+": "+recs[0].Description, 900)
	}
	return out
}

// unasked is what is reported when nobody says of what.
func unasked(ctx context.Context, l *look) []providers.Recommendation {
	var recs []providers.Recommendation
	if memoryUsed(l.b) > 70 {
		recs = append(recs, memoryReport(l))
	}
	for i := range l.b.Mounts {
		m := &l.b.Mounts[i]
		if slices.ContainsFunc(stores(l.b), func(s *host.Mount) bool { return s == m }) && 100*fullness(m) > 70 {
			return append(recs, diskReport(ctx, l, m.Path)...)
		}
	}
	return recs
}

// beside are the reports that go with an analysis which found nothing: of the kind that the incident's words are about. They are facts, no
// alarms.
func beside(ctx context.Context, l *look) []providers.Recommendation {
	var recs []providers.Recommendation
	switch kindOfWords(l.words.text) {
	case providers.Memory:
		recs = []providers.Recommendation{memoryReport(l)}
	case providers.Disk:
		recs = diskReport(ctx, l, reportPath(l))
	case providers.CPU:
		recs = []providers.Recommendation{cpuReport(l)}
	}
	for i := range recs {
		recs[i].Priority = providers.Low
	}
	return recs
}

// kindWords are what makes a text one about a kind, in the order in which they are tried.
var kindWords = []struct {
	kind  string
	words []string
}{
	{providers.Memory, []string{"memory", "ram", "oom", "out of memory", "mem", "swap"}},
	{providers.Disk, []string{"disk", "storage", "space", "filesystem", "inode", "quota"}},
	{providers.CPU, []string{"cpu", "load", "processor", "compute"}},
}

// kindOfWords is the kind that a text (see plain) is about by the first hit, whole words only: a program is no ram, a download no load. It
// is "" for none.
func kindOfWords(text string) string {
	for _, k := range kindWords {
		if slices.ContainsFunc(k.words, func(w string) bool { return has(text, w) }) {
			return k.kind
		}
	}
	return ""
}

// reportPath is the path that a disk report is about.
func reportPath(l *look) string {
	p := l.req.Options.Path
	if p == "" && l.req.Incident != nil {
		p, _ = l.req.Incident.Metadata["path"].(string)
	}
	if p = path.Clean(cmp.Or(p, "/")); !path.IsAbs(p) {
		return "/"
	}
	return p
}

// report is a recommendation of a report.
func report(l *look, kind, priority, title, description string, actions []string, details map[string]any) providers.Recommendation {
	r := providers.Recommendation{
		Type: kind, Priority: priority, Title: title, Description: clean(description, 1500), Actions: actions, Details: details, Evidence: []string{},
	}
	if l.req.Incident != nil {
		r.IncidentID = l.req.Incident.ID
	}
	return r
}

// grade is the priority of a percentage.
func grade(v, critical, high, medium float64) string {
	switch {
	case v > critical:
		return providers.Critical
	case v > high:
		return providers.High
	case v > medium:
		return providers.Medium
	}
	return providers.Low
}

// atMost is the first n of a list.
func atMost[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// topN is how many processes are reported.
func topN(l *look) int {
	if n := l.req.Options.TopProcesses; n > 0 {
		return min(n, 100)
	}
	return 10
}

// commandLine is what a process was started with, without secrets, at most 200 characters.
func commandLine(r *redact.Redactor, p *host.Process) string {
	return strings.TrimSuffix(clean(r.Text(cmp.Or(p.Cmdline, p.Name)), 197), "…")
}

// memoryUsed is the share of memory that is not available, in percent.
func memoryUsed(s *host.Sample) float64 {
	if s.Memory.Total == 0 {
		return 0
	}
	return round1(100 * float64(s.Memory.Total-min(s.Memory.Available, s.Memory.Total)) / float64(s.Memory.Total))
}

// memoryReport lists the processes with the most memory.
func memoryReport(l *look) providers.Recommendation {
	total := float64(max(1, l.b.Memory.Total))
	list := slices.Clone(l.b.Processes)
	list = slices.DeleteFunc(list, func(p host.Process) bool { return p.Kernel || float64(p.RSS) <= total/1000 })
	slices.SortStableFunc(list, func(x, y host.Process) int { return cmp.Compare(y.RSS, x.RSS) })
	r := redact.New()
	top := []map[string]any{}
	var names []string
	for _, p := range atMost(list, topN(l)) {
		name := clean(p.Name, 64)
		top = append(top, map[string]any{
			"pid": p.PID, "name": name, "memory_percent": round1(100 * float64(p.RSS) / total), "memory_mb": round1(float64(p.RSS) / (1 << 20)),
			"cmdline": commandLine(r, &p),
		})
		names = append(names, fmt.Sprintf("%s (pid %d, %s)", name, p.PID, size(p.RSS)))
	}
	used := memoryUsed(l.b)
	text := fmt.Sprintf("Memory is %.1f %% used. ", used)
	first := "ps aux --sort=-rss | head -15"
	if len(names) > 0 {
		text += "The biggest processes are " + list3(names) + "."
		first = fmt.Sprintf("Look at the top process %s: ps -o pid,ppid,user,etime,rss,args -p %d", clean(list[0].Name, 64), list[0].PID)
	} else {
		text += "No process has more than 0.1 % of it."
	}
	return report(l, providers.Memory, grade(used, 90, 80, 70), "High Memory Usage Detected", text, []string{
		first, "free -m; ps aux --sort=-rss | head -15", "vmstat 1 5", "dmesg -T | grep -iE 'oom|killed process' | tail -20",
	}, map[string]any{"top_processes": top, "total_memory_percent": used})
}

func list3(names []string) string { return list(atMost(names, 3), 3) }

// cpuReport lists the processes that use more than a hundredth of a processor.
func cpuReport(l *look) providers.Recommendation {
	type busyProc struct {
		p       *proc
		percent float64
	}
	var all []busyProc
	for _, p := range l.procs {
		if v := round1(100 * p.cpu); v > 1 {
			all = append(all, busyProc{p, v})
		}
	}
	slices.SortStableFunc(all, func(x, y busyProc) int { return cmp.Compare(y.percent, x.percent) })
	r := redact.New()
	top := []map[string]any{}
	var names []string
	for _, b := range atMost(all, topN(l)) {
		name := clean(b.p.Name, 64)
		top = append(top, map[string]any{"pid": b.p.PID, "name": name, "cpu_percent": b.percent, "cmdline": commandLine(r, &b.p.Process)})
		names = append(names, fmt.Sprintf("%s (pid %d, %.1f %%)", name, b.p.PID, b.percent))
	}
	used := round1(100 * l.busy())
	text := fmt.Sprintf("The processors are %.1f %% busy, load average %.2f, %.2f, %.2f on %d logical processors. ", used, l.b.Load[0], l.b.Load[1], l.b.Load[2],
		l.b.CPU.Count)
	first := "top -b -n 1 | head -20"
	if len(names) > 0 {
		text += "The busiest processes are " + list3(names) + "."
		first = fmt.Sprintf("Look at the top process %s: top -H -b -n 1 -p %d | head -20", clean(all[0].p.Name, 64), all[0].p.PID)
	} else {
		text += "No process uses more than 1 %."
	}
	return report(l, providers.CPU, grade(used, 90, 80, -1), "High CPU Usage Detected", text,
		[]string{first, "ps aux --sort=-%cpu | head -15", "vmstat 1 5", "uptime; cat /proc/pressure/cpu"},
		map[string]any{
			"top_processes": top, "cpu_percent": used, "load_average": l.b.Load[:], "cpu_count_logical": l.b.CPU.Count, "cpu_count_physical": l.b.CPU.Cores,
		})
}
