package local

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// diskSpace finds file systems that are full, of bytes or of inodes, and the directory to blame; and old logs. It walks directories only
// when a file system is filling, for an incident about disks, and for one that says nothing at all of what it is about.
func diskSpace(ctx context.Context, l *look) []finding {
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	f := newForest(l)
	var found []finding
	mounts := stores(l.b)
	for _, m := range mounts {
		if inodesUsed(m) >= .9 && m.Inodes-m.InodesFree >= 100 {
			found = append(found, inodeFinding(ctx, l, f, m))
		}
	}
	full := 0
	for _, m := range mounts {
		score := fullScore(m)
		if score == 0 || full == 3 || score < 40 && l.words.topic(providers.Disk) == 0 {
			continue
		}
		full++
		if x, ok := fullFinding(ctx, l, f, m, score); ok {
			found = append(found, x)
		}
	}
	if l.words.topic(providers.Disk) > 0 || len(l.words.topics) == 0 && l.req.Incident != nil {
		found = append(found, oldFindings(ctx, l, f)...)
	}
	return found
}

// roots are where to walk for what fills a mount: all of a small one; of one with more than the budget's entries the places that grow.
func roots(ctx context.Context, l *look, m *host.Mount) []string {
	if used := m.Inodes - min(m.InodesFree, m.Inodes); m.Inodes > 0 && used <= mountWalk {
		return []string{m.Path}
	}
	var out []string
	add := func(p string) {
		on := mountOf(l.b, p)
		if on != nil && on.Path == m.Path && p != m.Path && !slices.ContainsFunc(out, func(q string) bool { return under(p, q) }) {
			out = append(out, p)
		}
	}
	for _, p := range slices.Concat(l.targets.paths, scanPaths(l)) {
		add(p)
	}
	names, err := l.probe.List(ctx, m.Path)
	if err != nil {
		return append(out, m.Path)
	}
	rank := func(s string) int { // what programs write to first, what packages install last
		return slices.Index([]string{"usr", "nix", "lib", "lib64", "boot", "sbin", "bin", "proc", "sys", "dev", "run"}, s)
	}
	slices.SortStableFunc(names, func(x, y string) int { return rank(x) - rank(y) })
	for _, name := range names {
		if rank(name) < 7 {
			add(path.Join(m.Path, name))
		}
	}
	return out
}

// fullFinding blames what fills a mount. Deleted files and files that grow have detectors of their own: where those explain most of it, this
// one says nothing.
func fullFinding(ctx context.Context, l *look, f *forest, m *host.Mount, score float64) (finding, bool) {
	used := usedBytes(m)
	for _, d := range deletedFiles(l) {
		if d.mount == m && float64(d.size) > .4*used {
			return finding{}, false
		}
	}
	x := finding{
		class: "disk_full", kind: providers.Disk, score: score, share: fullness(m), sure: .6,
		culprit: mountCulprit(m),
		about:   []string{"full", "space", "disk full", "no space", "enospc", "disk usage", "filling", "free space"},
		details: map[string]any{"mount": shown(m.Path), "used_percent": round1(100 * fullness(m)), "available": m.Available, "total": m.Total},
	}
	var best *host.Directory
	var in *host.Walk
	var seen float64
	whole := true
	for _, root := range roots(ctx, l, m) {
		w := f.walk(ctx, root)
		if w == nil {
			continue
		}
		seen += float64(w.Size)
		whole = whole && root == m.Path && w.Cut == "" && w.Unread <= 1 // lost+found is root's alone
		d := l.heart(ctx, w, "size", bySize)
		if d == nil && root != m.Path && w.Size > 0 {
			d = &host.Directory{Path: w.Root, Size: w.Size, Entries: w.Entries, OldSize: w.OldSize}
		}
		if d != nil && (best == nil || d.Size > best.Size) {
			best, in = d, w
		}
		if in == nil {
			in = w
		}
	}
	if whole && in != nil && seen < .5*used && used-seen > 4<<20 { // more is used than directories hold: files without a name
		return hiddenFinding(l, m, x, used-seen), true
	}
	if best != nil && float64(best.Size) < .2*used {
		best = nil
	}
	if best == nil {
		if b := lone(in, m); b != nil {
			x.culprit = pathCulprit(b.Path)
			x.sure = .8
			x.title = fmt.Sprintf("One file fills %s: %s", clean(m.Path, 80), clean(path.Base(b.Path), 60))
			x.description = fmt.Sprintf("%s. The file %s alone takes %s of it.", space(m), clean(b.Path, 200), size(b.Size))
			x.actions = []string{"ls -la " + quote(b.Path) + "; lsof " + quote(b.Path), "df -h " + quote(m.Path)}
			return x, true
		}
		x.title = fmt.Sprintf("Disk full: %s is %s full", clean(m.Path, 80), percent(fullness(m), 1))
		x.description = space(m) + ". No single directory stands out."
		x.actions = []string{"df -h " + quote(m.Path), "du -xh --max-depth=2 " + quote(m.Path) + " | sort -h | tail -20"}
		return x, true
	}
	x.culprit = pathCulprit(best.Path)
	x.sure = .9
	x.share = min(1, float64(best.Size)/max(1, used))
	x.details["directory"], x.details["directory_size"] = shown(best.Path), best.Size
	x.title = fmt.Sprintf("Disk full: %s fills %s", clean(best.Path, 100), clean(m.Path, 60))
	x.description = fmt.Sprintf("%s. The directory %s holds %s in %d entries, %s of all that is used there.",
		space(m), clean(best.Path, 200), size(best.Size), best.Entries, percent(float64(best.Size), used))
	if best.OldSize*2 > best.Size && logLike(best.Path+"/"+sampleName(in, best.Path)) {
		x.class = "old_logs"
		x.about = append(x.about, "old logs", "logs", "log", "rotation", "logrotate")
		x.title = fmt.Sprintf("Old logs in %s fill %s", clean(best.Path, 100), clean(m.Path, 60))
		x.description += fmt.Sprintf(" %s of it are old logs, unchanged for more than %d days.", size(best.OldSize), oldDays(l))
		x.details["old_size"] = best.OldSize
	}
	x.description += biggestText(in, best.Path) + openText(l, best.Path)
	x.actions = spaceActions(l, x.class, best.Path, m)
	return x, true
}

// lone is a file right in the root of a mount that holds most of it.
func lone(w *host.Walk, m *host.Mount) *host.FileInfo {
	if w == nil {
		return nil
	}
	b := biggest(w, m.Path)
	if b == nil || path.Dir(b.Path) != m.Path || float64(b.Size) < .5*usedBytes(m) {
		return nil
	}
	return b
}

// hiddenFinding is space that no directory holds: files that were deleted and are still open, in processes that may not be read.
func hiddenFinding(l *look, m *host.Mount, x finding, hidden float64) finding {
	x.class = "deleted_open"
	x.about = []string{"deleted", "unlinked", "lsof", "space"}
	x.title = fmt.Sprintf("%s of %s are in no directory: deleted but open files", size(hidden), clean(m.Path, 80))
	x.description = fmt.Sprintf("%s, but its directories hold only %s less than that. The rest is most likely files that were deleted but are still open in a "+
		"process which the hub may not look into.", space(m), size(hidden))
	x.actions = []string{"sudo lsof +L1 " + quote(m.Path), "sudo fuser -vm " + quote(m.Path)}
	x.details["hidden"] = uint64(hidden)
	var named []*proc // command lines may be read by all
	for _, p := range l.procs {
		if strings.Contains(p.Cmdline+"/", m.Path+"/") || m.Path != "/" && under(p.Dir, m.Path) {
			named = append(named, p)
		}
	}
	if len(named) == 1 {
		p := named[0]
		x.culprit = p.blame()
		x.culprit.Path = shown(m.Path)
		x.description += fmt.Sprintf(" %s is the only process that has to do with it.", upper(p.label()))
		x.actions = append(x.actions, fmt.Sprintf("sudo ls -l /proc/%d/fd", p.PID))
	}
	if !l.b.Root {
		x.sure = .5
	}
	return x
}

func biggestText(w *host.Walk, dir string) string {
	b := biggest(w, dir)
	if b == nil {
		return ""
	}
	return fmt.Sprintf(" The largest file is %s (%s).", clean(b.Path, 200), size(b.Size))
}

func openText(l *look, dir string) string {
	if who := holders(l, dir, 2); len(who) > 0 {
		return " Open there by " + strings.Join(who, " and ") + "."
	}
	return ""
}

func spaceActions(l *look, class, dir string, m *host.Mount) []string {
	q := quote(dir)
	out := []string{
		"du -xh --max-depth=1 " + q + " | sort -h | tail -20",
		"find " + q + ` -xdev -type f -printf '%s %TY-%Tm-%Td %p\n' | sort -rn | head -20`,
		"df -h " + quote(m.Path),
	}
	if class == "old_logs" {
		out[1] = fmt.Sprintf("find %s -xdev -type f -mtime +%d -printf '%%s %%TY-%%Tm-%%Td %%p\\n' | sort -rn | head -20", q, oldDays(l))
		return append(out, "After a look at the list: have logrotate keep fewer of these logs, or move them to an archive.")
	}
	return append(out, "After a look at the list: let whatever writes there keep less, or move it to a larger file system.")
}

func sampleName(w *host.Walk, dir string) string {
	for _, o := range w.Old {
		if under(o.Path, dir) {
			return path.Base(o.Path)
		}
	}
	return path.Base(dir)
}

func oldDays(l *look) int {
	if d := l.req.Options.OldFileDays; d > 0 {
		return d
	}
	return 30
}

func round1(f float64) float64 { return float64(int64(f*10+.5)) / 10 }
