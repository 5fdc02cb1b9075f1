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

// diskReport lists large items below a path and old files in the scan paths; with neither it says so.
func diskReport(ctx context.Context, l *look, root string) []providers.Recommendation {
	used := 0.0
	m := mountOf(l.b, root)
	if m != nil {
		used = round1(100 * fullness(m))
	}
	var recs []providers.Recommendation
	days := oldDays(l)
	large, cut, err := largeItems(ctx, l, root, days)
	switch {
	case err != nil:
		recs = append(recs, unreadReport(l, root))
	case len(large) > 0:
		recs = append(recs, largeReport(l, root, used, large, cut))
	}
	if old := oldItems(ctx, l, days); len(old) > 0 {
		recs = append(recs, oldReport(l, root, days, old))
	}
	if len(recs) > 0 {
		return recs
	}
	text := fmt.Sprintf("%s is %.1f %% used. There are no items of %d MB or more within three levels of it, and no files older than %d days in the usual places.",
		clean(root, 120), used, threshold(l)>>20, days)
	return []providers.Recommendation{report(l, providers.Disk, providers.Low, "Disk Health Check", text,
		[]string{"df -h " + quote(root), "df -i " + quote(root), "du -xh --max-depth=1 " + quote(root) + " | sort -h | tail -20"},
		map[string]any{"path": shown(root), "disk_percent": used})}
}

// unreadReport says that nothing is known of a path: silence would read as "nothing large there".
func unreadReport(l *look, root string) providers.Recommendation {
	text := fmt.Sprintf("Nothing below %s could be read: it is not there, is no directory, is a symbolic link, or may not be read. Its use is not known.", clean(root, 120))
	return report(l, providers.Disk, providers.Low, "Path Not Read", text, []string{"ls -ld " + quote(root), "df -h"}, map[string]any{"path": shown(root)})
}

// threshold is the size from which an item is large, in bytes.
func threshold(l *look) uint64 {
	if n := l.req.Options.LargeFileMB; n > 0 {
		return uint64(min(n, 1<<30)) << 20
	}
	return 100 << 20
}

// item is a large file or directory, or an old file.
type item struct {
	path  string
	size  uint64
	age   float64 // days; -1: not known
	isDir bool
}

func (i *item) facts() map[string]any {
	m := map[string]any{"path": shown(i.path), "size_mb": round1(float64(i.size) / (1 << 20)), "is_directory": i.isDir, "age_days": nil}
	if i.age >= 0 {
		m["age_days"] = int(i.age)
	}
	return m
}

func age(l *look, at time.Time) float64 {
	if at.IsZero() {
		return -1
	}
	return max(0, l.b.TakenAt.Sub(at).Hours()/24)
}

// largeItems are files and directories from the threshold on, at most three levels below root, largest first. A directory is as old as the
// newest of its large files.
func largeItems(ctx context.Context, l *look, root string, days int) (items []item, cut string, err error) {
	w, err := l.walk(ctx, root, host.WalkOptions{
		Depth: 3, Top: 4 * kept, LargeFrom: min(threshold(l), 1<<20), OldFrom: time.Duration(days) * 24 * time.Hour, Time: walkTime, Entries: walkEntries,
	})
	if err != nil {
		l.missed("what is below %s", root)
		return nil, "", err
	}
	for _, d := range w.Dirs {
		if d.Path == w.Root || d.Size < threshold(l) || depth(w.Root, d.Path) > 3 {
			continue
		}
		i := item{path: d.Path, size: d.Size, age: -1, isDir: true}
		for _, f := range w.Large {
			if v := age(l, f.ModifiedAt); under(f.Path, d.Path) && v >= 0 && (i.age < 0 || v < i.age) {
				i.age = v
			}
		}
		items = append(items, i)
	}
	for _, f := range w.Large {
		if f.Size >= threshold(l) && depth(w.Root, f.Path) <= 3 {
			items = append(items, item{path: f.Path, size: f.Size, age: age(l, f.ModifiedAt)})
		}
	}
	slices.SortStableFunc(items, func(x, y item) int { return cmp.Or(cmp.Compare(y.size, x.size), cmp.Compare(x.path, y.path)) })
	return atMost(items, kept), w.Cut, nil
}

// depth is how many levels p is below root.
func depth(root, p string) int {
	rest := strings.Trim(strings.TrimPrefix(p, root), "/")
	if rest == "" {
		return 0
	}
	return strings.Count(rest, "/") + 1
}

func largeReport(l *look, root string, used float64, items []item, cut string) providers.Recommendation {
	list := []map[string]any{}
	for _, i := range atMost(items, reported) {
		list = append(list, i.facts())
	}
	first := items[0]
	text := fmt.Sprintf("%s is %.1f %% used. %s of %d MB or more within three levels of it; the largest is %s (%s).", clean(root, 120), used,
		count(len(items), "item"), threshold(l)>>20, clean(first.path, 200), size(first.size))
	details := map[string]any{"path": shown(root), "disk_percent": used, "large_items": list, "large_items_found": len(items)}
	if cut != "" {
		details["cut"] = cut
		text += " Not all was read: " + cut + "."
	}
	look := "du -xh --max-depth=1 " + quote(first.path) + " | sort -h | tail -20"
	if !first.isDir {
		look = "ls -la " + quote(first.path) + "; lsof " + quote(first.path)
	}
	return report(l, providers.Disk, grade(used, 95, 90, 80), "Large Files and Directories Found", text,
		[]string{look, "df -h " + quote(root), "After a look: archive or remove what is no longer needed."}, details)
}

// oldItems are files of the scan paths that have not changed for days and have at least 1 MiB, largest first.
func oldItems(ctx context.Context, l *look, days int) []item {
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	var items []item
	var done []string
	for _, root := range scanPaths(l) {
		if slices.ContainsFunc(done, func(d string) bool { return under(root, d) }) {
			continue
		}
		w, err := l.walk(ctx, root, host.WalkOptions{Depth: 1, Top: keptOld, OldFrom: time.Duration(days) * 24 * time.Hour, Time: walkTime, Entries: scanWalk})
		if err != nil {
			continue // most hosts lack some of them
		}
		done = append(done, root)
		for _, f := range w.Old {
			items = append(items, item{path: f.Path, size: f.Size, age: age(l, f.ModifiedAt)})
		}
	}
	slices.SortStableFunc(items, func(x, y item) int { return cmp.Or(cmp.Compare(y.size, x.size), cmp.Compare(x.path, y.path)) })
	return atMost(items, keptOld)
}

func oldReport(l *look, root string, days int, items []item) providers.Recommendation {
	list := []map[string]any{}
	classes := map[string]any{}
	var total uint64
	for n, i := range items {
		class := oldClass(i.path)
		total += i.size
		c, _ := classes[class].(int)
		classes[class] = c + 1
		if n < reported {
			f := i.facts()
			f["type"] = class
			list = append(list, f)
		}
	}
	first := items[0]
	text := fmt.Sprintf("%s of 1 MB or more, unchanged for more than %d days, in the places that are scanned: %s in all. The largest is %s (%s).",
		count(len(items), "file"), days, size(total), clean(first.path, 200), size(first.size))
	return report(l, providers.Disk, providers.Medium, "Old Files Found", text, []string{
		"ls -la " + quote(first.path),
		fmt.Sprintf("find %s -xdev -type f -mtime +%d -size +1M -printf '%%s %%TY-%%Tm-%%Td %%p\\n' | sort -rn | head -20", quote(path.Dir(first.path)), days),
		"After a look at the list: archive or remove what is no longer needed; let logrotate or tmpfiles.d keep it so.",
	}, map[string]any{
		"path": shown(root), "old_files": list, "old_files_found": len(items), "old_days": days, "total_mb": round1(float64(total) / (1 << 20)), "types": classes,
	})
}

// oldClass says what kind of file an old one is: cache by a whole component of its path, then log, temp, other.
func oldClass(p string) string {
	parts := strings.Split(strings.ToLower(p), "/")
	name := parts[len(parts)-1]
	dirs := parts[:len(parts)-1]
	in := func(names ...string) bool {
		return slices.ContainsFunc(dirs, func(d string) bool { return slices.Contains(names, d) })
	}
	switch {
	case in("cache", ".cache", "caches"):
		return "cache"
	case in("log", "logs"), logName(name):
		return "log"
	case in("tmp", "temp", ".tmp"), strings.HasSuffix(name, ".tmp"), strings.HasSuffix(name, ".temp"):
		return "temp"
	}
	return "other"
}
