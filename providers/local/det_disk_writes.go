package local

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// ioWait is how much the host waits for disks.
type ioWait struct {
	pressure, full float64 // 0..100
	known          bool    // the kernel tells the pressure
	waiting        float64 // processors idle for disks
	latency        float64 // milliseconds a write took, of the slowest disk
	disk           string
}

func waitOf(l *look) ioWait {
	var w ioWait
	if p := l.b.Pressure.IO; p != nil {
		w.pressure, w.known = *p, true
	}
	if p := l.b.Pressure.IOFull; p != nil {
		w.full = *p
	}
	w.waiting = rise(l.b.CPU.Total.IOWait, l.a.CPU.Total.IOWait, l.gap)
	for _, d := range l.b.Disks {
		i := slices.IndexFunc(l.a.Disks, func(o host.Disk) bool { return o.Name == d.Name })
		if i < 0 || d.Writes <= l.a.Disks[i].Writes {
			continue
		}
		old := l.a.Disks[i]
		if ms := float64((d.WriteTime - old.WriteTime).Milliseconds()) / float64(d.Writes-old.Writes); ms > w.latency {
			w.latency, w.disk = ms, d.Name
		}
	}
	return w
}

// waiter is a process that waits for disks.
type waiter struct {
	p     *proc
	stuck float64 // share of the looks at which it was uninterruptible, 0..1
	value float64
	blind bool // what it writes may not be read; then it was woken between the looks, so it is slow and not stuck
}

// diskWrites finds the process whose writes keep the host waiting. I/O wait is idle time, which a busy host does not show: so it is judged by
// pressure, by processes in uninterruptible sleep and by what they write.
func diskWrites(ctx context.Context, l *look) []finding {
	w := waitOf(l)
	blocked := l.a.CPU.Blocked > 0 && l.b.CPU.Blocked > 0
	if w.pressure < 10 && w.waiting < .15 && !blocked {
		return nil
	}
	var list []waiter
	for _, p := range l.procs {
		old := l.before(p)
		stuck := p.State == "D" || old != nil && old.State == "D"
		writes := p.written >= 64<<10 || p.waited >= .1 || stuck && p.written > 0
		if p.State == "Z" || p.State == "T" || !writes && (!stuck || l.b.Root) { // without root nobody may see what others write
			continue
		}
		list = append(list, waiter{p: p, value: p.waited + min(1, p.written/(32<<20))/2 + map[bool]float64{true: 1}[stuck], blind: !writes})
	}
	slices.SortStableFunc(list, func(x, y waiter) int { return cmp.Compare(y.value, x.value) })
	list = list[:min(8, len(list))]
	list = watch(ctx, l, list)
	var all float64
	for i := range list {
		x := &list[i]
		x.value = 2*x.stuck + x.p.waited + min(1, x.p.written/(64<<20))/4
		all += x.value
	}
	slices.SortStableFunc(list, func(x, y waiter) int { return cmp.Compare(y.value, x.value) })
	if len(list) == 0 || list[0].value < .4 || list[0].stuck == 0 && list[0].p.waited < .2 {
		return nil
	}
	return []finding{writesFinding(w, list[0], list[0].value/all)}
}

// watch looks at the states a few more times: two samples alone miss most short waits. Who never woke meanwhile is stuck, which is another
// fault, and left out.
func watch(ctx context.Context, l *look, list []waiter) []waiter {
	const times = 8
	counts := make([]int, len(list))
	looks := 2
	for i := range list {
		if list[i].p.State == "D" {
			counts[i]++
		}
		if old := l.before(list[i].p); old != nil && old.State == "D" {
			counts[i]++
		}
	}
	woken := make([]string, len(list))
	for i, x := range list {
		if x.blind {
			woken[i] = switches(ctx, l, x.p.PID)
		}
	}
	for range times {
		if l.probe.Wait(ctx, 60*time.Millisecond) != nil {
			break
		}
		looks++
		for i := range list {
			b, err := l.probe.Read(ctx, fmt.Sprintf("/proc/%d/stat", list[i].p.PID))
			if err != nil {
				continue
			}
			if end := bytes.LastIndexByte(b, ')'); end >= 0 && len(b) > end+2 && b[end+2] == 'D' { // the name before may hold anything
				counts[i]++
			}
		}
	}
	for i := range list {
		list[i].stuck = float64(counts[i]) / float64(looks)
	}
	var out []waiter
	for i, x := range list {
		if !x.blind || switches(ctx, l, x.p.PID) != woken[i] {
			out = append(out, x)
		}
	}
	return out
}

// switches is how often a process gave up its processor so far, as text; all may read it.
func switches(ctx context.Context, l *look, pid int) string {
	b, err := l.probe.Read(ctx, fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(b) {
		if n, ok := bytes.CutPrefix(line, []byte("voluntary_ctxt_switches:")); ok {
			return string(bytes.TrimSpace(n))
		}
	}
	return ""
}

func writesFinding(w ioWait, x waiter, share float64) finding {
	p := x.p
	f := finding{
		class: "slow_writes", kind: providers.Disk, score: suspect + 6, share: min(1, share), sure: .6,
		culprit: p.blame(),
		about: []string{
			"iowait", "io wait", "i o", "io", "slow disk", "slow writes", "writes", "write", "latency", "await", "fsync", "pressure", "throughput",
		},
		details: map[string]any{
			"bytes_per_second": int64(p.written), "io_wait_share": round2(p.waited), "uninterruptible_share": round2(x.stuck),
			"iowait_processors": round2(w.waiting),
		},
	}
	switch {
	case w.full >= 40 && w.latency >= 100 && x.stuck >= .5:
		f.score, f.sure = hurting+1, .85
	case x.blind && x.stuck >= .5: // it would look stuck in the kernel, but it goes on
		f.score, f.sure = abnormal+13, .7
	case w.pressure >= 20 || w.waiting >= .5 || x.stuck >= .5:
		f.score, f.sure = abnormal, .75
	}
	host := fmt.Sprintf("processors wait for disks %s of the time of one", percent(w.waiting, 1))
	if w.known {
		f.details["io_pressure"] = round1(w.pressure)
		host = fmt.Sprintf("I/O pressure %.0f %%, %s", w.pressure, host)
	}
	if w.disk != "" {
		f.details["write_latency_ms"] = round1(w.latency)
		host += fmt.Sprintf(", a write to %s takes %.1f ms", clean(w.disk, 40), w.latency)
	}
	on := ""
	for _, file := range p.OpenFiles {
		if file.Writing {
			on = " It writes " + clean(file.Path, 160) + "."
			f.details["path"] = shown(file.Path)
			break
		}
	}
	f.title = "Slow writes, I/O wait: " + p.label()
	writes := "writes " + size(p.written) + "/s and "
	if x.blind {
		writes = ""
	}
	f.description = fmt.Sprintf("%s %swas waiting for the disk (uninterruptible) in %s of the looks.%s The host: %s.",
		p.label(), writes, percent(x.stuck, 1), on, host)
	f.actions = []string{
		fmt.Sprintf("cat /proc/%d/io; ls -l /proc/%d/fd | tail -20", p.PID, p.PID),
		fmt.Sprintf("ps -o pid,ppid,stat,wchan:24,etime,args -p %d; cat /proc/pressure/io", p.PID),
		"iostat -x 1 3",
		fmt.Sprintf("After a look at what it writes: ionice -c 3 -p %d takes it behind all others", p.PID),
	}
	return f
}

func round2(f float64) float64 { return float64(int64(f*100+.5)) / 100 }
