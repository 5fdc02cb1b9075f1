package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// load is one measurement, in percent.
type load struct {
	all  float64
	each []float64 // by processor
	own  float64   // of the limit of the hub's own control group
	took time.Duration
}

// look is what a measurement begins and ends with.
type look struct {
	cpu host.CPU
	own float64 // processor time of the hub's own control group
	at  time.Time
}

// measure takes the measurements that the settings ask for, fewer when the time is up. The samples at hand are the first one, if they are
// as far apart as one is to be.
func measure(ctx context.Context, in checkers.Input, cfg CPUConfig) ([]load, error) {
	first, last := lookOf(in.Before), lookOf(in.Sample)
	quota := quotaOf(in.Sample)
	given, ok := between(first, last, quota)
	var loads []load
	if ok && cfg.Interval == pairTime {
		loads = append(loads, given)
	}
	watch := clock.Start()
	for len(loads) < int(cfg.Samples) {
		wait := cfg.Interval.Duration()
		if watch.Elapsed()+wait > in.Timeout {
			break // what there is by now is better than nothing
		}
		if err := in.Probe.Wait(ctx, wait); err != nil {
			return nil, err
		}
		next, err := lookAgain(ctx, in, quota > 0)
		if err != nil {
			return nil, err
		}
		l, ticked := between(last, next, quota)
		last = next
		if !ticked {
			if cfg.Samples--; cfg.Samples < 1 {
				break
			}
			continue // too short for the system's clock
		}
		loads = append(loads, l)
	}
	switch {
	case len(loads) > 0:
		return loads, nil
	case ok:
		return []load{given}, nil
	default:
		return nil, errors.New("the processors' times do not move")
	}
}

func lookOf(s *host.Sample) look {
	l := look{cpu: s.CPU, at: s.TakenAt}
	if c := ownCgroup(s); c != nil {
		l.own = c.CPUTime
	}
	return l
}

// lookAgain reads no more than it has to: taking whole samples would be what the processors are busy with.
func lookAgain(ctx context.Context, in checkers.Input, whole bool) (look, error) {
	if !whole && in.Sample.OS == "linux" {
		if text, err := in.Probe.Read(ctx, "/proc/stat"); err == nil {
			if cpu, ok := parseStat(text); ok {
				return look{cpu: cpu}, nil
			}
		}
	}
	s, err := in.Probe.Sample(ctx)
	if err != nil {
		return look{}, fmt.Errorf("look at the processors again: %w", err)
	}
	return lookOf(s), nil
}

// between is the load between two looks; false: no time has gone by for the system.
func between(a, b look, quota float64) (load, bool) {
	var l load
	var ok bool
	if l.all, ok = busy(a.cpu.Total, b.cpu.Total); !ok {
		return l, false
	}
	// What the processors have spent together is the time that went by, on each of them.
	l.took = time.Duration((total(b.cpu.Total) - total(a.cpu.Total)) / float64(max(1, b.cpu.Count)) * float64(time.Second))
	for i := range min(len(a.cpu.PerCPU), len(b.cpu.PerCPU)) {
		v, _ := busy(a.cpu.PerCPU[i], b.cpu.PerCPU[i])
		l.each = append(l.each, v)
	}
	if span := b.at.Sub(a.at).Seconds(); quota > 0 && span > 0 {
		l.own = max(0, 100*(b.own-a.own)/(quota*span))
	}
	return l, true
}

// busy is the share of time that was neither idle nor spent waiting for a disk.
func busy(a, b host.CPUTimes) (float64, bool) {
	all := total(b) - total(a)
	if all <= 0 {
		return 0, false
	}
	idle := b.Idle + b.IOWait - a.Idle - a.IOWait
	return min(100, max(0, 100*(all-idle)/all)), true
}

func total(t host.CPUTimes) float64 {
	return t.User + t.Nice + t.System + t.Idle + t.IOWait + t.IRQ + t.Steal
}

// averageOf is the mean of measurements.
func averageOf(loads []load) load {
	sum := load{each: make([]float64, len(loads[0].each))}
	n := float64(len(loads))
	for _, l := range loads {
		sum.all += l.all / n
		sum.own += l.own / n
		for i := range min(len(sum.each), len(l.each)) {
			sum.each[i] += l.each[i] / n
		}
	}
	return sum
}

// quotaOf is how many processors the hub's own control group may use, 0 when that is no less than there are.
func quotaOf(s *host.Sample) float64 {
	c := ownCgroup(s)
	if c == nil || c.CPUQuota <= 0 || c.CPUQuota >= float64(s.CPU.Count) {
		return 0
	}
	return c.CPUQuota
}

// ticks is USER_HZ, which is 100 on all that Linux runs on here.
const ticks = 100

// parseStat reads the processors' times of /proc/stat: user nice system idle iowait irq softirq steal, in ticks.
func parseStat(text []byte) (host.CPU, bool) {
	var cpu host.CPU
	seen := false
	for line := range bytes.Lines(text) {
		f := strings.Fields(string(line))
		if len(f) < 5 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		var v [8]float64
		for i := range min(len(v), len(f)-1) {
			n, err := strconv.ParseUint(f[i+1], 10, 64)
			if err != nil {
				return cpu, false
			}
			v[i] = float64(n) / ticks
		}
		t := host.CPUTimes{User: v[0], Nice: v[1], System: v[2], Idle: v[3], IOWait: v[4], IRQ: v[5] + v[6], Steal: v[7]}
		if f[0] == "cpu" {
			cpu.Total, seen = t, true
		} else {
			cpu.PerCPU = append(cpu.PerCPU, t)
		}
	}
	cpu.Count = len(cpu.PerCPU)
	return cpu, seen
}
