package local

import (
	"context"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// inodeFinding blames the directory with the most entries for inodes that are used up.
func inodeFinding(ctx context.Context, l *look, f *forest, m *host.Mount) finding {
	used := inodesUsed(m)
	x := finding{
		class: "inodes", kind: providers.Disk, score: hurting, share: used, sure: .7,
		culprit: mountCulprit(m),
		about:   []string{"inode", "inodes", "no space", "enospc", "files", "create", "space"},
		details: map[string]any{"mount": shown(m.Path), "inodes": m.Inodes, "inodes_free": m.InodesFree, "inodes_used_percent": round1(100 * used)},
	}
	switch {
	case used >= .99:
		x.score = failing + 1
	case used >= .95:
		x.score = hurting + 8
	}
	var best *host.Directory
	for _, root := range roots(ctx, l, m) {
		w := f.walk(ctx, root)
		if w == nil {
			continue
		}
		d := l.heart(ctx, w, "entries", byEntries)
		if d == nil && len(w.Crowded) > 0 {
			d = &w.Crowded[0]
		}
		if d != nil && (best == nil || d.Entries > best.Entries) {
			best = d
		}
	}
	text := fmt.Sprintf("Inodes of %s are %s used up: %d of %d are left, so no new file can be made soon though %s of bytes are free.",
		clean(m.Path, 120), percent(used, 1), m.InodesFree, m.Inodes, size(m.Available))
	if best == nil {
		x.title = "Inodes used up on " + clean(m.Path, 120)
		x.description = text
		x.actions = []string{"df -i " + quote(m.Path), "du -x --inodes --max-depth=2 " + quote(m.Path) + " | sort -n | tail -20"}
		return x
	}
	x.culprit = pathCulprit(best.Path)
	x.sure = .9
	x.share = min(1, float64(best.Entries)/float64(max(1, m.Inodes-m.InodesFree)))
	x.details["directory"], x.details["directory_entries"] = shown(best.Path), best.Entries
	x.title = fmt.Sprintf("Inodes used up on %s by %s", clean(m.Path, 80), clean(best.Path, 100))
	x.description = text + fmt.Sprintf(" The directory %s holds %d entries.", clean(best.Path, 200), best.Entries) + openText(l, best.Path)
	x.actions = []string{
		"du -x --inodes --max-depth=1 " + quote(best.Path) + " | sort -n | tail -20",
		"ls -U " + quote(best.Path) + " | head -20",
		"df -i " + quote(m.Path),
		"After a look at the names: find out what makes these files and let it clean up after itself.",
	}
	return x
}
