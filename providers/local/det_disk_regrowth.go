package local

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

const regrowthPause = 800 * time.Millisecond

// diskGrowthWalk finds files that grow though their writer may not be read, or opens them only for moments: it looks twice at where the
// incident points, at small file systems that are losing space, and at the usual places.
func diskGrowthWalk(ctx context.Context, l *look) []finding {
	losing := losingSpace(l)
	asked := l.words.topic(providers.Disk) >= .5 || l.words.about([]string{"growing", "grows", "growth", "grow", "filling", "fills"})
	if len(losing) == 0 && !asked || l.b.Root && len(growingFiles(l)) > 0 {
		return nil
	}
	var list []string
	for _, p := range slices.Concat(l.targets.paths, losing, scanPaths(l)) {
		if m := mountOf(l.b, p); m != nil && !m.ReadOnly && p != "/" && !slices.Contains(list, p) && len(list) < 8 {
			list = append(list, p)
		}
	}
	all, _ := remember(ctx, &l.probed, fmt.Sprint("regrowth ", list), func() []growingFile { return regrown(context.WithoutCancel(ctx), l, list) })
	var found []finding
	for _, g := range all[:min(3, len(all))] {
		found = append(found, growthFinding(g))
	}
	return found
}

// regrown looks at directories twice: once for all incidents that point there, since others wait for it too.
func regrown(ctx context.Context, l *look, list []string) []growingFile {
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	first := largeFiles(ctx, l, list, 100)
	if len(first) == 0 || l.probe.Wait(ctx, regrowthPause) != nil {
		return nil
	}
	var all []growingFile
	for p, f := range largeFiles(ctx, l, list, 101) {
		old, ok := first[p]
		if !ok || f.Size < old.Size+leastGrowth*8/10 {
			continue
		}
		seconds := max(regrowthPause.Seconds(), f.ModifiedAt.Sub(old.ModifiedAt).Seconds())
		g := growingFile{path: p, size: f.Size, rate: float64(f.Size-old.Size) / seconds, mount: mountOf(l.b, p)}
		g.p = writer(l, p, g.rate)
		all = append(all, g)
	}
	slices.SortFunc(all, func(x, y growingFile) int { return cmp.Or(cmp.Compare(y.rate, x.rate), cmp.Compare(x.path, y.path)) })
	return all
}

// largeFiles are the large files below several directories as they are now, at most top of each: two looks with different numbers are two
// questions to a recorded host.
func largeFiles(ctx context.Context, l *look, roots []string, top int) map[string]host.FileInfo {
	files := map[string]host.FileInfo{}
	for _, root := range roots {
		w, err := l.probe.Walk(ctx, root, host.WalkOptions{Depth: 1, Entries: 20_000, Time: 600 * time.Millisecond, Top: top})
		if err != nil {
			continue
		}
		for _, f := range w.Large {
			files[f.Path] = f
		}
	}
	return files
}

// losingSpace are small file systems whose free space shrank between the samples, and a large one that shrank fast where open files may not
// be read.
func losingSpace(l *look) []string {
	var out []string
	for _, m := range stores(l.b) {
		i := slices.IndexFunc(l.a.Mounts, func(o host.Mount) bool { return o.Path == m.Path && o.Dev == m.Dev })
		if i < 0 || m.Path == "/dev/shm" {
			continue
		}
		least := leastGrowth / 2.0
		if m.Path == "/" || m.Inodes-min(m.Inodes, m.InodesFree) > 20_000 {
			least = 4 * leastGrowth
			if l.b.Root {
				continue
			}
		}
		if lost := float64(l.a.Mounts[i].Free) - float64(m.Free); lost/l.gap >= least {
			out = append(out, m.Path)
		}
	}
	return out
}

// writer is who most likely writes a file that nobody was seen to have open: the process that names it on its command line, else the one
// that alone writes as fast as the file grows.
func writer(l *look, file string, rate float64) *proc {
	var fast []*proc
	for _, p := range l.procs {
		if slices.ContainsFunc(p.OpenFiles, func(f host.File) bool { return f.Path == file && f.Writing }) || strings.Contains(p.Cmdline, file) {
			return p
		}
		if p.written >= .5*rate {
			fast = append(fast, p)
		}
	}
	if len(fast) == 1 {
		return fast[0]
	}
	return nil
}

// glimpsed are files that grow though each writer has them open for a moment only, as a loop in a shell does: what one of the samples saw open
// is looked at once more.
func glimpsed(ctx context.Context, l *look) []growingFile {
	type seen struct {
		f  host.File
		at time.Time
	}
	files := map[string]seen{}
	var dirs []string
	for _, s := range []*host.Sample{l.a, l.b} {
		for i := range s.Processes {
			p := &s.Processes[i]
			if l.before(&proc{Process: *p}) != nil && l.byPID[p.PID] != nil { // it was there both times: growingFiles has seen to it
				continue
			}
			for _, f := range p.OpenFiles {
				if !f.Writing || f.Deleted || notOnDisk(f.Path) {
					continue
				}
				if _, ok := files[f.Path]; !ok {
					files[f.Path] = seen{f, s.TakenAt}
				}
				if dir := path.Dir(f.Path); !slices.Contains(dirs, dir) {
					dirs = append(dirs, dir)
				}
			}
		}
	}
	var out []growingFile
	for _, dir := range dirs[:min(4, len(dirs))] {
		w, err := l.walk(ctx, dir, host.WalkOptions{Depth: 1, Entries: 2000, Time: 200 * time.Millisecond, Top: 50})
		if err != nil {
			continue
		}
		for _, f := range w.Large {
			old, ok := files[f.Path]
			seconds := f.ModifiedAt.Sub(old.at).Seconds()
			if !ok || seconds < .3 || f.Size <= old.f.Blocks {
				continue
			}
			if rate := float64(f.Size-old.f.Blocks) / seconds; rate >= leastGrowth {
				out = append(out, growingFile{path: f.Path, size: f.Size, rate: rate, mount: mountOf(l.b, f.Path), p: writer(l, f.Path, rate)})
			}
		}
	}
	slices.SortStableFunc(out, func(x, y growingFile) int { return cmp.Compare(y.rate, x.rate) })
	return out
}
