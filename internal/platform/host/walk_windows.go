package host

import "io/fs"

// fileInfo is what a walk needs beside fs.FileInfo. Allocated is the size: this system does not say more.
type fileInfo struct{ allocated, dev, inode, links uint64 }

func infoOf(st fs.FileInfo) fileInfo { return fileInfo{allocated: uint64(max(0, st.Size()))} }
