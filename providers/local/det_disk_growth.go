package local

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// growingFile is a file that became larger.
type growingFile struct {
	path  string
	size  uint64
	rate  float64 // bytes a second
	p     *proc   // who writes it; nil: not known
	fd    int
	gone  bool // deleted, and still written
	mount *host.Mount
}

const leastGrowth = 1 << 20 // bytes a second

// growingFiles are open files that grew between the samples, fastest first. A file in place of which blocks were set aside before, as
// databases do with their logs, does not grow.
func growingFiles(l *look) []growingFile {
	var out []growingFile
	for _, p := range l.procs {
		old := l.before(p)
		if old == nil {
			continue
		}
		for _, f := range p.OpenFiles {
			if !f.Writing || notOnDisk(f.Path) || slices.ContainsFunc(out, func(g growingFile) bool { return g.path == f.Path }) {
				continue
			}
			before := host.File{Size: 1 << 20, Blocks: 1 << 20} // smaller ones are not listed
			i := slices.IndexFunc(old.OpenFiles, func(o host.File) bool { return o.Dev == f.Dev && o.Inode == f.Inode })
			if i >= 0 {
				before = old.OpenFiles[i]
			}
			if f.Blocks <= before.Blocks || f.Size <= before.Size {
				continue
			}
			rate := min(float64(f.Size-before.Size), max(float64(f.Blocks-before.Blocks), .5*float64(f.Size-before.Size))) / l.gap
			if m := mountAt(l.b, f.Dev); rate >= leastGrowth && (m == nil || m.Path != "/dev/shm") {
				out = append(out, growingFile{path: f.Path, size: f.Size, rate: rate, p: p, fd: f.FD, gone: f.Deleted, mount: m})
			}
		}
	}
	slices.SortStableFunc(out, func(x, y growingFile) int { return cmp.Compare(y.rate, x.rate) })
	return out
}

// diskGrowth finds files that grow fast.
func diskGrowth(ctx context.Context, l *look) []finding {
	var found []finding
	for _, g := range slices.Concat(growingFiles(l), glimpsed(ctx, l)) {
		if len(found) == 3 {
			break
		}
		found = append(found, growthFinding(g))
	}
	return found
}

func growthFinding(g growingFile) finding {
	x := finding{
		class: "file_growth", kind: providers.Disk, score: abnormal, sure: .85, share: min(1, g.rate/(64<<20)),
		culprit: pathCulprit(g.path),
		about:   []string{"growing", "grows", "growth", "grow", "fast", "filling", "fills", "fill", "rate", "log", "logs", "space"},
		details: map[string]any{"path": shown(g.path), "size": g.size, "bytes_per_second": int64(g.rate)},
	}
	x.score += 3 * min(1, g.rate/(20<<20))
	if g.rate < 4<<20 { // programs that work do that
		x.score = suspect + 4
	}
	until := ""
	if m := g.mount; m != nil {
		left := float64(m.Available) / g.rate
		x.details["mount"], x.details["seconds_until_full"] = shown(m.Path), int64(left)
		until = fmt.Sprintf(" At this rate %s is full in %s (%s left of %s).", clean(m.Path, 120), span(left), size(m.Available), size(m.Total))
		full := fullness(m)
		switch { // a large download on a disk with room is no fault, however fast it is
		case left < 180 && (m.Available < 2<<30 || full >= .85):
			x.score, x.sure = hurting+5, .9
		case full >= .85 && left < 1800:
			x.score = hurting
		}
		if v := fullScore(m); v >= hurting { // it is full, or nearly, and this is what fills it
			x.score = max(x.score, v+1)
		}
	}
	by := ""
	q := quote(g.path)
	x.actions = []string{"ls -la " + q + "; lsof " + q}
	if g.p != nil {
		x.culprit.PID, x.culprit.Name = g.p.PID, clean(g.p.Name, 64)
		by = " It is written by " + g.p.label() + "."
		x.actions[0] = fmt.Sprintf("ls -la %s; ls -l /proc/%d/fd/%d; ps -o pid,ppid,user,etime,args -p %d", q, g.p.PID, g.fd, g.p.PID)
	}
	x.title = fmt.Sprintf("File growing fast: %s, %s/s", clean(g.path, 120), size(g.rate))
	x.description = fmt.Sprintf("The file %s grows by %s/s and has %s now.%s%s", clean(g.path, 200), size(g.rate), size(g.size), by, until)
	if g.gone {
		x.title = "Deleted but open and growing fast: " + clean(g.path, 100)
		x.description += " It is deleted but open: no directory shows it."
	} else {
		x.actions = append(x.actions, "tail -c 500 "+q, "df -h "+quote(path.Dir(g.path)))
	}
	x.actions = append(x.actions, "After a look at what is written: lower the log level or stop the writer by its service, then rotate the file.")
	return x
}
