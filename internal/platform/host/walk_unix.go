//go:build unix

package host

import (
	"io/fs"
	"syscall"
)

// fileInfo is what a walk needs beside fs.FileInfo.
type fileInfo struct{ allocated, dev, inode, links uint64 }

func infoOf(st fs.FileInfo) fileInfo {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return fileInfo{allocated: uint64(max(0, st.Size()))}
	}
	return fileInfo{allocated: uint64(s.Blocks) * 512, dev: uint64(s.Dev), inode: s.Ino, links: uint64(s.Nlink)} //nolint:unconvert // differs by platform
}
