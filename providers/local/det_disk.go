package local

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// Detectors of disks share these views of a sample.

// imageTypes are file systems that are full, and read-only, by nature.
var imageTypes = []string{"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs", "fuse.snapfuse", "fuse.squashfuse"}

// stores are mounts that people keep files on: with a size, writable, fullest first.
func stores(s *host.Sample) []*host.Mount {
	var out []*host.Mount
	for i := range s.Mounts {
		m := &s.Mounts[i]
		switch {
		case m.ReadOnly, m.Unread != "", m.Total < 1<<20, slices.Contains(imageTypes, m.Type), m.Type == "devtmpfs":
		case m.Type == "overlay" && m.Path != "/": // shows the file system below it again
		default:
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(x, y *host.Mount) int { return cmp.Compare(fullness(y), fullness(x)) })
	return out
}

// fullness is the used share as df shows it, 0..1: what only root may use counts as used up.
func fullness(m *host.Mount) float64 {
	used := float64(m.Total - min(m.Free, m.Total))
	if all := used + float64(m.Available); all > 0 {
		return used / all
	}
	return 0
}

// inodesUsed is the used share of inodes, 0..1; 0 where there is no limit.
func inodesUsed(m *host.Mount) float64 {
	if m.Inodes == 0 {
		return 0
	}
	return 1 - float64(min(m.InodesFree, m.Inodes))/float64(m.Inodes)
}

// fullScore is how bad it is that a mount is as full as it is. A twentieth of a big disk is still plenty.
func fullScore(m *host.Mount) float64 {
	share, left := fullness(m), m.Available
	var v float64
	switch {
	case left < 1<<20 || share >= .99 && left < 1<<30:
		v = failing
	case share >= .95:
		v = hurting + 8
	case share >= .90 && left < 10<<30:
		v = hurting
	case share >= .90:
		v = abnormal
	case share >= .85:
		v = abnormal - 5
	case share >= .80 && left < 1<<30:
		v = suspect + 10
	case share >= .80:
		v = suspect + 6
	default:
		return 0
	}
	if m.Path == "/boot" || strings.HasPrefix(m.Path, "/boot/") || m.Path == "/efi" { // kernels fill it, and it does not grow by itself
		v = min(v, abnormal)
	}
	return v
}

// mountOf is the store that a path lies on, or nil.
func mountOf(s *host.Sample, p string) *host.Mount {
	var best *host.Mount
	for i := range s.Mounts {
		m := &s.Mounts[i]
		if m.Total > 0 && under(p, m.Path) && (best == nil || len(m.Path) >= len(best.Path)) {
			best = m
		}
	}
	return best
}

// mountAt is the mount of a device number, or nil.
func mountAt(s *host.Sample, dev uint64) *host.Mount {
	if dev == 0 {
		return nil
	}
	var best *host.Mount
	for i := range s.Mounts {
		if m := &s.Mounts[i]; m.Dev == dev && m.Total > 0 && (best == nil || len(m.Path) < len(best.Path)) {
			best = m
		}
	}
	return best
}

// under reports whether p is dir or lies below it.
func under(p, dir string) bool {
	return p == dir || dir == "/" && strings.HasPrefix(p, "/") || strings.HasPrefix(p, dir+"/")
}

// usedBytes of a mount.
func usedBytes(m *host.Mount) float64 { return float64(m.Total - min(m.Free, m.Total)) }

// space is a mount's state in words: "/data is 97 % full (3.1 MiB of 100 MiB left)".
func space(m *host.Mount) string {
	return clean(m.Path, 120) + " is " + percent(fullness(m), 1) + " full (" + size(m.Available) + " of " + size(m.Total) + " left)"
}

// holders are processes that have a file at or below dir open, those that write it first, at most n labels.
func holders(l *look, dir string, n int) []string {
	var out []string
	for _, writing := range []bool{true, false} {
		for _, p := range l.procs {
			hit := slices.ContainsFunc(p.OpenFiles, func(f host.File) bool {
				return f.Writing == writing && !f.Deleted && path.IsAbs(f.Path) && under(f.Path, dir)
			})
			if s := p.label(); hit && len(out) < n && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// mountCulprit blames a file system.
func mountCulprit(m *host.Mount) providers.Culprit {
	return providers.Culprit{Kind: "mount", Path: shown(m.Path), Name: clean(path.Base(m.Device), 64)}
}

// pathCulprit blames a path.
func pathCulprit(p string) providers.Culprit {
	return providers.Culprit{Kind: "path", Path: shown(p), Name: clean(path.Base(p), 64)}
}
