package host

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// Finder is a Probe that knows where a path leads.
type Finder interface {
	// Find follows the links of a path. Its error is fs.ErrNotExist where there is nothing.
	Find(ctx context.Context, path string) (string, error)
}

var (
	_ Finder = (*Live)(nil)
	_ Finder = (*Shared)(nil)
)

// Find implements Finder. Links of a host whose tree is mounted into a container are left as they are: they lead elsewhere in there.
func (l *Live) Find(ctx context.Context, path string) (string, error) {
	type answer struct {
		path string
		err  error
	}
	got := make(chan answer, 1)
	if err := l.unhurried(ctx, func() {
		if at := l.at(path); at != filepath.Clean(path) {
			_, err := os.Lstat(at)
			got <- answer{filepath.Clean(path), err}
			return
		}
		where, err := filepath.EvalSymlinks(path)
		got <- answer{where, err}
	}); err != nil {
		return "", &fs.PathError{Op: "find", Path: path, Err: err}
	}
	a := <-got
	return a.path, a.err
}

// Find implements Finder.
func (s *Shared) Find(ctx context.Context, path string) (string, error) {
	return Find(ctx, s.probe, path)
}

// Find asks p where a path leads; one that does not know is taken to have no links.
func Find(ctx context.Context, p Probe, path string) (string, error) {
	if f, ok := p.(Finder); ok {
		return f.Find(ctx, path)
	}
	return filepath.Clean(path), nil
}
