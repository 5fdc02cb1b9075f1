package local

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

var bigWords = []string{"rss", "resident", "large process", "big process"}

// private is what only this process holds in memory, as well as it is known.
func (p *proc) private() uint64 { return p.RSS - min(p.RSS, p.Shared) }

// bigProcess finds the process that holds most memory: abnormal by what the host has left, by its share, and by how far it stands out.
func bigProcess(_ context.Context, l *look) []finding {
	top := slices.Clone(l.procs)
	slices.SortStableFunc(top, func(x, y *proc) int { return compare(float64(y.RSS), float64(x.RSS)) })
	m := l.b.Memory
	if len(top) == 0 || m.Total == 0 {
		return nil
	}
	total, left := float64(m.Total), float64(m.Available)/float64(m.Total)
	var out []finding
	for i, p := range top[:min(3, len(top))] {
		share := float64(p.RSS) / total
		next := nextOther(top, i)
		var score float64
		switch {
		case share >= .5:
			score = 60
		case share >= .25:
			score = abnormal
		case share >= .1:
			score = 50
		case i == 0 && p.RSS >= 200<<20 && float64(p.RSS) >= 2*float64(next): // it stands out
			score = 46
			if p.RSS >= 500<<20 {
				score = 50
			}
			if p.RSS >= 1<<30 {
				score = 54
			}
		case p.RSS >= 256<<20 || share >= .05:
			score = suspect
		case i == 0 && p.RSS >= 48<<20:
			score = mention
		default:
			continue
		}
		switch {
		case left < .03 && share >= .2:
			score = failing
		case left < .08 && share >= .2:
			score = hurting + 5
		case left < .15 && share >= .2:
			score = max(score, 66)
		case i > 0:
			score = max(mention, score-4)
		}
		text := fmt.Sprintf("%s holds %s of resident memory, %s of the host's %s; %s is available", p.label(), size(p.RSS), percent(share, 1), size(m.Total), size(m.Available))
		if next > 0 && i == 0 {
			text += ". The next largest process of another name holds " + size(next)
		}
		out = append(out, finding{
			class: "memory_big", kind: providers.Memory, score: score, share: share, sure: .5 + .4*min(1, share*4), about: bigWords, culprit: p.blame(),
			title:       fmt.Sprintf("Large resident process: %s holds %s of memory", p.label(), size(p.RSS)),
			description: text + ".",
			actions: append(p.looks(
				fmt.Sprintf("grep -E 'Rss|Pss|Swap' /proc/%d/smaps_rollup; grep -E 'VmRSS|VmHWM|VmSwap|RssAnon|RssShmem' /proc/%d/status", p.PID, p.PID),
				"free -m; ps aux --sort=-rss | head -12",
			), p.remedy("restart it, or give it a limit (MemoryMax of its unit, its own heap setting)")),
			details: map[string]any{
				"rss": p.RSS, "private": p.private(), "swap": p.Swap, "share": round(share), "available": m.Available, "total": m.Total,
				"cmdline": clean(p.Cmdline, 200), "age_s": round(p.Age),
			},
		})
	}
	return out
}

// nextOther is the RSS of the largest process with another name than top[i], which is of a different make.
func nextOther(top []*proc, i int) uint64 {
	for j, p := range top {
		if j != i && p.Name != top[i].Name {
			return p.RSS
		}
	}
	return 0
}

// A process that grows is asked again for a while: garbage collectors and starting programs stop growing.
const (
	growEvery = 150 * time.Millisecond
	growTimes = 6
)

// leaking finds processes whose memory grows without a pause.
func leaking(ctx context.Context, l *look) []finding {
	var list []*proc
	for _, p := range l.procs {
		if grew := p.growth * l.gap; !p.fresh && p.growth >= 1<<20 && grew >= 3<<20 && (grew >= 12<<20 || grew >= float64(p.RSS)/200) {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(x, y *proc) int { return compare(y.growth, x.growth) })
	list = list[:min(4, len(list))]
	if len(list) == 0 {
		return nil
	}
	steps := sizes(ctx, l, list)
	left := float64(l.b.Memory.Available)
	var out []finding
	for i, p := range list {
		score, sure := 56.0, .6
		if s := steps[i]; len(s) >= 3 {
			up := 0
			for j := 1; j < len(s); j++ {
				if s[j] > s[j-1] {
					up++
				}
			}
			rate := (s[len(s)-1] - s[0]) * float64(p.RSS) / max(1, s[0]) / (growEvery.Seconds() * float64(len(s)-1))
			switch {
			case 2*up >= len(s)-1 && rate > p.growth/4: // it still grows
				score, sure = 62, .85
			case s[len(s)-1] > s[0]:
				score, sure = 50, .5
			default:
				score, sure = suspect, .3
			}
		}
		switch {
		case p.growth < 4<<20:
			score -= 8
		case p.growth < 14<<20:
			score -= 4
		}
		switch { // compilers, tests and starting programs take memory as they work
		case builds(p.Name):
			score -= 24
		case p.cpu >= .5:
			score -= 12
		}
		until := left / p.growth
		if score >= 60 && until < 120 && float64(p.RSS) > float64(l.b.Memory.Total)/10 {
			score = hurting + 3
		}
		out = append(out, finding{
			class: "memory_growing", kind: providers.Memory, score: score, share: p.growth * 60 / float64(max(1, l.b.Memory.Total)), sure: sure, culprit: p.blame(),
			about: []string{"leak", "leaking", "leaks", "growing", "grows", "growth", "increasing", "increases", "rises", "rising", "climbing"},
			title: fmt.Sprintf("Growing process: %s grows by %s a second, a memory leak perhaps", p.label(), size(p.growth)),
			description: fmt.Sprintf("Memory of %s grew by %s in %.1f s to %s, without a pause: %s a second. At this rate the %s that are available last %s. Larger processes that do not grow are not the cause.",
				p.label(), size(p.growth*l.gap), l.gap, size(p.RSS), size(p.growth), size(l.b.Memory.Available), span(until)),
			actions: append(p.looks(
				fmt.Sprintf("for i in 1 2 3 4 5; do grep -E 'VmRSS|RssAnon' /proc/%d/status; sleep 1; done", p.PID),
				fmt.Sprintf("grep -E 'Rss|Pss|Anon' /proc/%d/smaps_rollup", p.PID),
			), p.remedy("restart it before memory runs out, and give it a limit (MemoryMax of its unit)")),
			details: map[string]any{"rss": p.RSS, "growth_per_s": round(p.growth), "available": l.b.Memory.Available, "seconds_left": round(until), "cmdline": clean(p.Cmdline, 200)},
		})
	}
	return out
}

// sizes are pages in memory of each process, read a few times. Where they cannot be read there are none.
func sizes(ctx context.Context, l *look, list []*proc) [][]float64 {
	steps := make([][]float64, len(list))
	for range growTimes {
		if l.probe.Wait(ctx, growEvery) != nil {
			break
		}
		for i, p := range list {
			text, err := l.probe.Read(ctx, fmt.Sprintf("/proc/%d/statm", p.PID))
			if f := bytes.Fields(text); err == nil && len(f) > 1 {
				if n, err := strconv.ParseFloat(string(f[1]), 64); err == nil {
					steps[i] = append(steps[i], n)
				}
			}
		}
	}
	return steps
}
