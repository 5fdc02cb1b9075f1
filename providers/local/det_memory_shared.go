package local

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

var shmWords = []string{"tmpfs", "shm", "dev shm", "shared memory", "ramdisk"}

// filesInMemory finds file systems that live in memory and hold much.
func filesInMemory(ctx context.Context, l *look) []finding {
	var out []finding
	var held uint64
	seen := map[uint64]bool{}
	total := float64(max(1, l.b.Memory.Total))
	for i := range l.b.Mounts {
		m := &l.b.Mounts[i]
		if m.Type != "tmpfs" && m.Type != "devtmpfs" && m.Type != "ramfs" || m.Total == 0 || m.Dev != 0 && seen[m.Dev] {
			continue
		}
		seen[m.Dev] = true
		used := m.Total - min(m.Total, m.Free)
		held += used
		if used < 48<<20 && (used < 8<<20 || used < m.Total/2) {
			continue
		}
		if f, ok := tmpfs(ctx, l, m, used, total); ok {
			out = append(out, f)
		}
	}
	if f, ok := unnamedShared(l, held, total); ok {
		out = append(out, f)
	}
	return out
}

func tmpfs(ctx context.Context, l *look, m *host.Mount, used uint64, total float64) (finding, bool) {
	share := float64(used) / total
	var grew float64
	for i := range l.a.Mounts {
		if old := &l.a.Mounts[i]; old.Path == m.Path && old.Dev == m.Dev && used > old.Total-min(old.Total, old.Free) {
			grew = float64(used-(old.Total-min(old.Total, old.Free))) / l.gap
		}
	}
	score := float64(suspect)
	switch {
	case share >= .3:
		score = 62
	case share >= .1:
		score = abnormal
	case share >= .02:
		score = 54
	case used >= 150<<20:
		score = 50
	case used >= 64<<20:
		score = 42
	}
	if grew > 1<<20 {
		score += 6
	}
	if left := float64(l.b.Memory.Available) / total; left < .08 && share >= .2 {
		score = hurting + 6
	}
	culprit := providers.Culprit{Kind: "path", Path: clean(m.Path, 200)}
	var what string
	w, err := l.walk(ctx, m.Path, host.WalkOptions{Depth: 4, Entries: 50_000, Time: 2 * time.Second, LargeFrom: 1 << 20})
	if err != nil || w == nil {
		l.missed("what is in %s", clean(m.Path, 100))
	} else {
		culprit.Path, what = heaviest(w, m.Path)
	}
	actions := []string{fmt.Sprintf("df -h %s; du -xah --max-depth=3 %s | sort -h | tail -15", quote(m.Path), quote(m.Path))}
	if culprit.Path != m.Path {
		actions = append(actions, fmt.Sprintf("ls -la %s; fuser -v %s", quote(culprit.Path), quote(culprit.Path)))
	}
	text := fmt.Sprintf("Files in the tmpfs %s take %s of memory (%s of the host's, %s of the mount's %s): they count as shared memory, not as any process's", clean(m.Path, 100), size(used),
		percent(share, 1), percent(float64(used), float64(m.Total)), size(m.Total))
	if what != "" {
		text += ". " + what
	}
	if grew > 1<<20 {
		text += fmt.Sprintf(". They grow by %s a second", size(grew))
	}
	details := map[string]any{"mount": clean(m.Path, 200), "used": used, "size": m.Total, "share_of_memory": round(share), "shared": l.b.Memory.Shared}
	if p := holder(l, m.Dev, culprit.Path); p != nil {
		text += ". " + p.label() + " has it open"
		details["process"] = p.blame()
		actions = append(actions, p.looks(fmt.Sprintf("ls -l /proc/%d/fd", p.PID))[:2]...)
	}
	title := fmt.Sprintf("Files in tmpfs %s hold %s of memory", clean(m.Path, 80), size(used))
	if culprit.Path != m.Path {
		title = fmt.Sprintf("%s in tmpfs (shared memory) holds memory: %s in %s", culprit.Path, size(used), clean(m.Path, 80))
	}
	return finding{
		class: "memory_tmpfs", kind: providers.Memory, score: score, share: share, sure: .8, culprit: culprit, about: shmWords, title: title,
		description: text + ".", details: details,
		actions: append(actions, fmt.Sprintf("Once nobody needs them any more: remove what is old below %s by hand, a file at a time, or give the mount a smaller size", clean(culprit.Path, 200))),
	}, true
}

// heaviest is the file or directory that makes up most of a walk.
func heaviest(w *host.Walk, root string) (place, what string) {
	place = clean(root, 200)
	whole := float64(max(1, w.Size))
	if len(w.Large) > 0 && float64(w.Large[0].Size) >= .6*whole {
		return clean(w.Large[0].Path, 200), fmt.Sprintf("The file %s alone is %s", clean(w.Large[0].Path, 200), size(w.Large[0].Size))
	}
	best := -1
	for i, d := range w.Dirs {
		if d.Path == root || float64(d.Size) < .6*whole {
			continue
		}
		if best < 0 || len(d.Path) > len(w.Dirs[best].Path) {
			best = i
		}
	}
	if best >= 0 {
		d := w.Dirs[best]
		return clean(d.Path, 200), fmt.Sprintf("The directory %s holds %s in %d entries", clean(d.Path, 200), size(d.Size), d.Entries)
	}
	if len(w.Large) > 0 {
		f := w.Large[0]
		return clean(f.Path, 200), fmt.Sprintf("The largest of its files is %s with %s", clean(f.Path, 200), size(f.Size))
	}
	return place, ""
}

// holder is a process that has a file of the device below a path open.
func holder(l *look, dev uint64, below string) *proc {
	for _, p := range l.procs {
		if slices.ContainsFunc(p.OpenFiles, func(f host.File) bool {
			return f.Dev == dev && (f.Deleted || f.Path == below || strings.HasPrefix(f.Path, strings.TrimSuffix(below, "/")+"/"))
		}) {
			return p
		}
	}
	return nil
}

// unnamedShared is shared memory that is in no file anybody can list: deleted files, memfd, System V segments.
func unnamedShared(l *look, held uint64, total float64) (finding, bool) {
	shared := l.b.Memory.Shared
	if shared < held+(128<<20) {
		return finding{}, false
	}
	rest := shared - held
	var p *proc
	for _, q := range l.procs {
		if q.Shared > rest/4 && (p == nil || q.Shared > p.Shared) {
			p = q
		}
	}
	if p == nil {
		return finding{}, false
	}
	share := float64(rest) / total
	score := 34.0
	if share >= .1 {
		score = 52
	}
	file := ""
	for _, f := range p.OpenFiles {
		if f.Deleted && strings.HasPrefix(path.Base(f.Path), "memfd:") || f.Deleted && strings.HasPrefix(f.Path, "/dev/shm/") {
			file = clean(f.Path, 100)
			break
		}
	}
	text := fmt.Sprintf("%s of shared memory is in no file of a tmpfs (memfd, System V or deleted files); %s maps %s of it", size(rest), p.label(), size(p.Shared))
	if file != "" {
		text += ", " + file + " among it"
	}
	return finding{
		class: "memory_shared", kind: providers.Memory, score: score, share: share, sure: .5, culprit: p.blame(), about: shmWords,
		title: fmt.Sprintf("Shared memory without a file: %s maps %s", p.label(), size(p.Shared)), description: text + ".",
		actions: append(p.looks("ipcs -mp", fmt.Sprintf("grep -E 'RssShmem|VmRSS' /proc/%d/status; ls -l /proc/%d/fd | grep -E 'deleted|memfd'", p.PID, p.PID)), p.remedy("restart it so that the memory is given back")),
		details: map[string]any{"shared": shared, "in_files": held, "mapped": p.Shared},
	}, true
}
