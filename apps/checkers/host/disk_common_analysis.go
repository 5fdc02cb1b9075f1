package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// Bounds of the disk analysis. All sizes of its metrics are in units of 1024^2 bytes.
const (
	leastSize = 1 << 20   // less is not worth a line
	walkTop   = 1000      // of each walk
	walkMost  = 1_000_000 // entries of each walk; time is the nearer bound
	listMost  = 50        // of each list in the metrics; the sum has all
	// A walk that is stuck in a dead file system is given up a moment after its time; until then the check must have told what it found.
	walkReserve = 1250 * time.Millisecond
)

// analysisSpec is what the three disk analyses have in common.
func analysisSpec(name, doc string, config any) checkers.Spec {
	return checkers.Spec{
		Name: name, Doc: doc, Unit: "MB", Warning: at(5000), Critical: at(20000), Timeout: checkers.DefaultTimeout, Config: config,
		Busy: true, Metric: "total_recoverable_mb",
	}
}

// find is something that could be deleted.
type find struct {
	kind kind
	path string
	size uint64
	age  time.Duration // of an old file
}

// analysis is one look for what could be deleted. The steps run in the order in which they were added: what a step has counted the later
// ones do not count again.
type analysis struct {
	in               checkers.Input
	steps            []func(ctx context.Context, most time.Duration)
	hogs, olds, bigs []find
	counted          map[string]bool   // paths
	below            map[string]uint64 // bytes counted below a path
	cut              []string          // places that were not looked through to their end
	unread           []string          // places that could not be read
	unreadDirs       int
}

func newAnalysis(in checkers.Input) *analysis {
	return &analysis{in: in, counted: map[string]bool{}, below: map[string]uint64{}}
}

// children counts what is directly in a folder, each with all that is below it.
func (a *analysis) children(k kind, dir string) {
	a.add(dir, host.WalkOptions{Depth: 1, LargeFrom: leastSize}, func(w *host.Walk) {
		for _, d := range w.Dirs {
			if filepath.Dir(d.Path) == w.Root {
				a.count(&a.hogs, find{kind: k, path: d.Path, size: d.Size})
			}
		}
		for _, f := range w.Large {
			if filepath.Dir(f.Path) == w.Root {
				a.count(&a.hogs, find{kind: k, path: f.Path, size: f.Size})
			}
		}
	})
}

// whole counts a folder as one.
func (a *analysis) whole(k kind, dir string) {
	a.add(dir, host.WalkOptions{Depth: 1}, func(w *host.Walk) {
		a.count(&a.hogs, find{kind: k, path: w.Root, size: w.Size})
	})
}

// old counts files that have not been changed for long.
func (a *analysis) old(k kind, dir string, age time.Duration) {
	a.add(dir, host.WalkOptions{OldFrom: age}, func(w *host.Walk) {
		for _, f := range w.Old {
			a.count(&a.olds, find{kind: k, path: f.Path, size: f.Size, age: a.in.Sample.TakenAt.Sub(f.ModifiedAt)})
		}
	})
}

// large counts big files outside of skip.
func (a *analysis) large(k kind, dir string, from uint64, skip []string) {
	a.add(dir, host.WalkOptions{LargeFrom: from, Skip: skip}, func(w *host.Walk) {
		for _, f := range w.Large {
			a.count(&a.bigs, find{kind: k, path: f.Path, size: f.Size})
		}
	})
}

func (a *analysis) add(dir string, o host.WalkOptions, took func(*host.Walk)) {
	o.Top, o.Entries = walkTop, walkMost
	a.steps = append(a.steps, func(ctx context.Context, most time.Duration) {
		o.Time = most
		w, err := a.in.Probe.Walk(ctx, dir, o)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil && ctx.Err() != nil:
			a.cut = append(a.cut, dir)
		case err != nil:
			a.unread = append(a.unread, dir)
		default:
			took(w)
			a.unreadDirs += w.Unread
			if w.Cut != "" {
				a.cut = append(a.cut, dir)
			}
		}
	})
}

// count adds what of a find has not been counted by an earlier one.
func (a *analysis) count(list *[]find, f find) {
	for p := f.path; ; p = filepath.Dir(p) {
		if a.counted[p] {
			return
		}
		if p == filepath.Dir(p) {
			break
		}
	}
	f.size -= min(f.size, a.below[f.path])
	if f.size < leastSize {
		return
	}
	a.counted[f.path] = true
	for p := f.path; p != filepath.Dir(p); p = filepath.Dir(p) {
		a.below[filepath.Dir(p)] += f.size
	}
	*list = append(*list, f)
}

// run takes all steps within the check's time, each at most its share of what is left, and says what they found.
func (a *analysis) run(ctx context.Context) checkers.Finding {
	watch, limit := clock.Start(), a.in.Timeout
	if limit <= 0 {
		limit = checkers.DefaultTimeout
	}
	limit -= min(limit/5, walkReserve)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for i, step := range a.steps {
		left := limit - watch.Elapsed()
		if left <= 0 || ctx.Err() != nil {
			a.cut = append(a.cut, fmt.Sprintf("%d places that were not begun", len(a.steps)-i))
			break
		}
		step(ctx, left/time.Duration(len(a.steps)-i))
	}
	return a.finding()
}

func (a *analysis) finding() checkers.Finding {
	all := slices.Concat(a.hogs, a.olds, a.bigs)
	bySize(all)
	var total uint64
	for _, f := range all {
		total += f.size
	}
	m := map[string]any{
		"space_hogs": listed(a.hogs), "old_files": listed(a.olds), "large_files": listed(a.bigs),
		"total_recoverable_mb": checkers.MB(total), "recommendations": advice(all, a.in.Sample.OS), "platform": a.in.Sample.OS,
	}
	message := "nothing of 1 MB or more to free"
	if len(all) > 0 {
		message = fmt.Sprintf("%s could be freed, most of it in %s (%s)", size(total), all[0].path, size(all[0].size))
	}
	if len(a.cut) > 0 {
		m["incomplete"] = a.cut
		message += "; the time was not enough for " + strings.Join(a.cut[:min(3, len(a.cut))], ", ")
	}
	if n := len(a.unread) + a.unreadDirs; n > 0 {
		m["unreadable"] = n
		message += fmt.Sprintf("; folders that could not be read: %d", n)
	}
	return checkers.Finding{Status: a.in.Judge(float64(total) / (1 << 20)), Message: message, Metrics: m}
}

func bySize(list []find) {
	slices.SortStableFunc(list, func(a, b find) int {
		switch {
		case a.size != b.size && a.size > b.size:
			return -1
		case a.size != b.size:
			return 1
		default:
			return strings.Compare(a.path, b.path)
		}
	})
}

// listed is a list for the metrics, largest first.
func listed(list []find) []map[string]any {
	bySize(list)
	out := []map[string]any{}
	for _, f := range list[:min(len(list), listMost)] {
		item := map[string]any{"path": f.path, "size_mb": checkers.MB(f.size)}
		if f.age > 0 {
			item["age_days"] = int(f.age.Hours() / 24)
		}
		out = append(out, item)
	}
	return out
}

// size is for people.
func size(bytes uint64) string {
	if bytes >= 1<<30 {
		return fmt.Sprintf("%.1f GB", float64(bytes)/(1<<30))
	}
	return fmt.Sprintf("%.0f MB", float64(bytes)/(1<<20))
}
