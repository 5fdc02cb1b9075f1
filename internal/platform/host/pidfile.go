package host

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Limits of Pidfiles.
const (
	pidfileDirs = 1000
	pidfileMost = 1000
)

// Pidfiles implements Probe. Files without a number in their first line are left out.
func (l *Live) Pidfiles(ctx context.Context) ([]Pidfile, error) {
	var found []Pidfile
	err := l.unhurried(ctx, func() { found = l.findPidfiles(ctx) })
	if err != nil {
		return nil, &fs.PathError{Op: "find pidfiles in", Path: "/run", Err: err}
	}
	return found, nil
}

func (l *Live) findPidfiles(ctx context.Context) []Pidfile {
	var found []Pidfile
	seen := map[string]bool{}
	mounted := l.mountPoints(ctx)
	for _, root := range []string{"/run", "/var/run", "/tmp"} {
		at, err := filepath.EvalSymlinks(l.at(root))
		if err != nil || seen[at] {
			continue
		}
		seen[at] = true
		dirs := []string{root}
		for i := 0; i < len(dirs) && i < pidfileDirs && len(found) < pidfileMost && ctx.Err() == nil; i++ {
			entries, _ := os.ReadDir(l.at(dirs[i]))
			for _, e := range entries {
				path := filepath.Join(dirs[i], e.Name())
				switch {
				case e.IsDir() && i == 0 && !mounted[path]:
					dirs = append(dirs, path)
				case strings.HasSuffix(e.Name(), ".pid") && e.Type().IsRegular():
					if p, ok := l.pidfile(ctx, path); ok {
						found = append(found, p)
					}
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b Pidfile) int { return strings.Compare(a.Path, b.Path) })
	return found[:min(len(found), pidfileMost)]
}

func (l *Live) pidfile(ctx context.Context, path string) (Pidfile, bool) {
	text, err := readSmall(l.at(path), 64)
	if err != nil {
		return Pidfile{}, false
	}
	first, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte{'\n'})
	pid, err := strconv.Atoi(string(bytes.TrimSpace(first)))
	if err != nil || pid < 1 || pid > 1<<22 {
		return Pidfile{}, false
	}
	p := Pidfile{Path: path, PID: pid}
	if st, err := os.Stat(l.at(path)); err == nil {
		p.ModifiedAt = clock.Cut(st.ModTime())
	}
	p.Name, p.Alive = l.alive(ctx, pid)
	return p, true
}
