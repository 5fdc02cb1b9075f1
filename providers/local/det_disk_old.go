package local

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// oldFindings are directories of old logs, or of other old files, where the incident points and in the usual places. They are worth a look,
// never an alarm.
func oldFindings(ctx context.Context, l *look, f *forest) []finding {
	for _, root := range oldRoots(l) {
		f.walk(ctx, root)
	}
	var found []finding
	for _, root := range f.order { // those walked for a mount that is filling too: the old logs may be a part of it only
		if w := f.walks[root]; w != nil && w.OldSize > 0 {
			if x, ok := oldFinding(ctx, l, w); ok {
				found = append(found, x)
			}
		}
	}
	return found
}

// oldRoots are the paths that the incident names, then the scan paths.
func oldRoots(l *look) []string {
	var out []string
	for _, p := range slices.Concat([]string{l.req.Options.Path}, l.targets.paths, scanPaths(l)) {
		p = path.Clean(p)
		m := mountOf(l.b, p)
		if path.IsAbs(p) && p != "/" && m != nil && !slices.Contains(imageTypes, m.Type) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func oldFinding(ctx context.Context, l *look, w *host.Walk) (finding, bool) {
	d := l.heart(ctx, w, "old", byOld)
	if d == nil {
		d = &host.Directory{Path: w.Root, Size: w.Size, Entries: w.Entries, OldSize: w.OldSize}
	}
	logs := logLike(d.Path + "/" + sampleName(w, d.Path))
	m := mountOf(l.b, d.Path)
	if m == nil || d.OldSize < 8<<20 {
		return finding{}, false
	}
	x := finding{
		class: "old_logs", kind: providers.Disk, score: suspect, sure: .7, culprit: pathCulprit(d.Path),
		share: min(1, float64(d.OldSize)/max(1, usedBytes(m))),
		about: []string{"log", "logs", "old logs", "logrotate", "rotation", "retention", "old files"},
		details: map[string]any{
			"mount": shown(m.Path), "directory": shown(d.Path), "directory_size": d.Size, "old_size": d.OldSize, "old_days": oldDays(l),
		},
		actions: spaceActions(l, "old_logs", d.Path, m),
	}
	what := "Old logs"
	switch {
	case !logs:
		what, x.class, x.score = "Old files", "old_files", mention
		x.actions[len(x.actions)-1] = "After a look at the list: move what is not needed to an archive."
	case d.OldSize < 32<<20:
	case l.words.topic(providers.Disk) == 0: // nothing points at disks
		x.score = 41
	default:
		x.score = abnormal - 4
	}
	x.title = fmt.Sprintf("%s in %s: %s", what, clean(d.Path, 120), size(d.OldSize))
	x.description = fmt.Sprintf("%s in %s take %s and have not changed for more than %d days (%s). %s.",
		what, clean(d.Path, 200), size(d.OldSize), oldDays(l), biggestOld(w, d.Path), space(m))
	return x, true
}

func biggestOld(w *host.Walk, dir string) string {
	for _, o := range w.Old {
		if under(o.Path, dir) {
			return fmt.Sprintf("the largest is %s of %s, last changed on %s", clean(path.Base(o.Path), 80), size(o.Size), o.ModifiedAt.Format("2006-01-02"))
		}
	}
	return "many small ones"
}
