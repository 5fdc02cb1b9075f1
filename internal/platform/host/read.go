package host

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

// mostRead is the most of a file that Read returns.
const mostRead = 1 << 20

// readSmall reads at most limit bytes of a regular file. It does not wait for a pipe's other end.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errIrregular}
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

var errIrregular = errors.New("not a regular file")

// Read implements Probe.
func (l *Live) Read(ctx context.Context, path string) ([]byte, error) {
	type answer struct {
		text []byte
		err  error
	}
	got := make(chan answer, 1)
	if err := l.unhurried(ctx, func() {
		text, err := readSmall(l.at(path), mostRead)
		if errors.Is(err, syscall.ESRCH) { // a process ended between opening and reading
			err = &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
		}
		got <- answer{text, err}
	}); err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	a := <-got
	return a.text, a.err
}

// mostNames is the most that List returns.
const mostNames = 10_000

// List implements Probe.
func (l *Live) List(ctx context.Context, path string) ([]string, error) {
	type answer struct {
		names []string
		err   error
	}
	got := make(chan answer, 1)
	if err := l.unhurried(ctx, func() {
		names, err := listSmall(l.at(path))
		got <- answer{names, err}
	}); err != nil {
		return nil, &fs.PathError{Op: "list", Path: path, Err: err}
	}
	a := <-got
	return a.names, a.err
}

func listSmall(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(mostNames)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

// readLimit is how long a file may take to be read; of a dead mount it takes for ever.
const readLimit = 5 * time.Second

// unhurried runs f and stops waiting for it at ctx's end or the limit. At most eight that never end are left behind.
func (l *Live) unhurried(ctx context.Context, f func()) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	select {
	case l.reads <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	done := make(chan struct{})
	go func() {
		defer func() { <-l.reads }()
		f()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
