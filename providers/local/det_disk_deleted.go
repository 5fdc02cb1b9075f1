package local

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// deleted are the deleted files of one file system that a process keeps open.
type deleted struct {
	p       *proc
	mount   *host.Mount // nil: not known
	size    uint64      // on disk
	largest host.File
	files   int
}

// deletedFiles are the deleted but open files by process and mount, largest first. A file that several processes hold counts for the one
// that writes it, else for the oldest.
func deletedFiles(l *look) []deleted {
	type key struct{ dev, inode uint64 }
	type held struct {
		p *proc
		f host.File
	}
	files := map[key]held{}
	var keys []key
	for _, p := range l.procs {
		for _, f := range p.OpenFiles {
			if !f.Deleted || f.Blocks == 0 || notOnDisk(f.Path) {
				continue
			}
			k := key{f.Dev, f.Inode}
			have, ok := files[k]
			if !ok {
				keys = append(keys, k)
			}
			if !ok || f.Writing && !have.f.Writing || f.Writing == have.f.Writing && p.Started < have.p.Started {
				files[k] = held{p, f}
			}
		}
	}
	var out []deleted
	for _, k := range keys {
		h := files[k]
		m := mountAt(l.b, k.dev)
		if m != nil && (m.Path == "/dev/shm" || m.Type == "devtmpfs") { // memory, not a disk
			continue
		}
		i := slices.IndexFunc(out, func(d deleted) bool { return d.p == h.p && d.mount == m })
		if i < 0 {
			out = append(out, deleted{p: h.p, mount: m})
			i = len(out) - 1
		}
		d := &out[i]
		d.size += h.f.Blocks
		d.files++
		if h.f.Blocks > d.largest.Blocks {
			d.largest = h.f
		}
	}
	slices.SortStableFunc(out, func(x, y deleted) int { return cmp.Compare(y.size, x.size) })
	return out
}

// notOnDisk are names that the kernel gives to memory.
func notOnDisk(p string) bool {
	for _, s := range []string{"/memfd:", "/dev/zero", "/dev/shm/", "/SYSV", "/[", "/anon_hugepage", "/i915", "/drm mm object"} {
		if strings.HasPrefix(p, s) {
			return true
		}
	}
	return !strings.HasPrefix(p, "/")
}

// diskDeleted finds files that were deleted but are still open: their space is not free before the process lets go of them.
func diskDeleted(_ context.Context, l *look) []finding {
	var found []finding
	for _, d := range deletedFiles(l) {
		if len(found) == 3 || d.size < 8<<20 {
			break
		}
		x := finding{
			class: "deleted_open", kind: providers.Disk, score: suspect, sure: .8,
			culprit: d.p.blame(),
			about:   []string{"deleted", "deleted files", "unlinked", "lsof", "space", "df", "du", "full", "handle", "open files"},
			details: map[string]any{
				"deleted_size": d.size, "deleted_files": d.files, "largest_file": shown(d.largest.Path), "descriptor": d.largest.FD,
			},
		}
		x.culprit.Path = shown(d.largest.Path)
		where := ""
		if m := d.mount; m != nil {
			share := float64(d.size) / max(1, usedBytes(m))
			x.share = min(1, share)
			x.details["mount"] = shown(m.Path)
			switch {
			case fullScore(m) > 0 && share >= .25:
				x.score, x.sure = max(fullScore(m), abnormal+3)+2, .95
			case share >= .5 || d.size >= 2<<30 && float64(d.size) >= .05*float64(m.Total):
				x.score = abnormal + 3
			case d.size >= 48<<20:
				x.score = abnormal - 3
			}
			where = " " + upper(space(m)) + "."
		} else if d.size >= 48<<20 {
			x.score = abnormal - 3
		}
		x.title = fmt.Sprintf("Deleted but open: %s holds %s", d.p.label(), size(d.size))
		x.description = fmt.Sprintf("%s keeps %s deleted but open, %s in all, the largest %s (descriptor %d). du does not show it, and the space is not "+
			"free before the process lets go.%s", d.p.label(), count(d.files, "file"), size(d.size), clean(d.largest.Path, 200), d.largest.FD, where)
		x.actions = []string{
			fmt.Sprintf("ls -l /proc/%d/fd/%d; stat -L /proc/%d/fd/%d", d.p.PID, d.largest.FD, d.p.PID, d.largest.FD),
			fmt.Sprintf("lsof -a +L1 -p %d", d.p.PID),
			fmt.Sprintf("systemctl status %d --no-pager", d.p.PID),
			fmt.Sprintf("After a look: let %s reopen its files or restart it; where that must wait, the file can be cut to nothing through its descriptor "+
				"once nobody needs what is in it.", clean(d.p.called(), 60)),
		}
		found = append(found, x)
	}
	return found
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// upper makes a path or a sentence begin one.
func upper(s string) string {
	if len(s) > 0 && s[0] >= 'a' && s[0] <= 'z' {
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return s
}
