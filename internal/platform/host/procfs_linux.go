package host

import (
	"errors"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// most is the largest text that is read of one file below /proc and /sys.
const most = 8 << 20

// dir reads small files below one directory with as few system calls as can be: a sample opens thousands of them. The zero value is not
// usable; it is not safe for concurrent use, and what read returns is valid until the next read.
type dir struct {
	fd  int
	buf *[]byte
}

// openDir opens a directory below parent (unix.AT_FDCWD for none).
func openDir(parent int, name string, buf *[]byte) (dir, error) {
	for {
		fd, err := unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return dir{fd: fd, buf: buf}, err
	}
}

func (d dir) close() { _ = unix.Close(d.fd) }

// read returns a file's text.
func (d dir) read(name string) ([]byte, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }()
	b := (*d.buf)[:0]
	for len(b) < most {
		b = slices.Grow(b, 512)
		n, err := unix.Read(fd, b[len(b):cap(b)])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		b = b[:len(b)+n]
	}
	*d.buf = b
	return b, nil
}

// link returns where a symbolic link points.
func (d dir) link(name string) (string, error) {
	var b [4096]byte
	n, err := unix.Readlinkat(d.fd, name, b[:])
	if err != nil {
		return "", err
	}
	return string(b[:n]), nil
}

// names calls f with each name in the directory until it returns false.
func (d dir) names(f func(name string) bool) error {
	b := make([]byte, 16<<10)
	var names []string
	for {
		n, err := unix.ReadDirent(d.fd, b)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return err
		}
		_, _, names = unix.ParseDirent(b[:n], -1, names[:0])
		for _, name := range names {
			if !f(name) {
				return nil
			}
		}
	}
}

// pids lists the numeric names of /proc, ascending.
func pids(proc dir) ([]int, error) {
	var all []int
	err := proc.names(func(name string) bool {
		if pid, err := strconv.Atoi(name); err == nil && pid > 0 {
			all = append(all, pid)
		}
		return true
	})
	slices.Sort(all)
	return all, err
}
