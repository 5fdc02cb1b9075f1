package host

import (
	"errors"

	"golang.org/x/sys/unix"
)

// each calls f with what is in a directory until it returns false. Names that skip takes are not even asked what they are. It follows no link
// and asks relative to the directory, which takes a third of the time that whole paths do.
func each(path string, skip func(name string) bool, f func(name string, f found) bool) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return err
	}
	d := dir{fd: fd}
	defer d.close()
	return d.names(func(name string) bool {
		if skip(name) {
			return true
		}
		var st unix.Stat_t
		if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
			return true // it vanished
		}
		return f(name, found{
			fileInfo: fileInfo{allocated: uint64(max(st.Blocks, 0)) * 512, dev: st.Dev, inode: st.Ino, links: uint64(st.Nlink)},       //nolint:unconvert // 32 bits on some
			dir:      st.Mode&unix.S_IFMT == unix.S_IFDIR, regular: st.Mode&unix.S_IFMT == unix.S_IFREG, modified: int64(st.Mtim.Sec), //nolint:unconvert // 32 bits on some
		})
	})
}
