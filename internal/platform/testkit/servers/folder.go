//go:build unix

package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Ports stay below Linux' range for outgoing connections (32768 and up), which may take any free port at any moment.
const (
	lowestPort  = 15000
	highestPort = 32000
	startTries  = 5 // a port found free may be taken before the server has it
)

// longestSocket leaves room for "/.s.PGSQL.32000" in the 107 bytes of a socket's address.
const longestSocket = 90

// memory is where Linux keeps files in memory; room is what must be free there, many times what a server of tests needs.
const (
	memory = "/dev/shm"
	room   = 4 << 30
)

// roomy reports whether folder is there and has room.
func roomy(folder string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(folder, &s) == nil && uint64(s.Bavail) >= room/uint64(s.Bsize) //nolint:unconvert // the types differ by system
}

// newFolder makes a folder that user owns and can reach, in memory if it may be lost and there is room.
func newFolder(kind string, user *syscall.Credential, lasting bool) (string, error) {
	bases := []string{os.TempDir(), "/tmp", "/var/tmp"}
	if !lasting && roomy(memory) {
		bases = append([]string{memory}, bases...)
	}
	for _, base := range bases {
		if user != nil && !reachable(base) {
			continue
		}
		folder, err := os.MkdirTemp(base, folderPrefix+kind+"-")
		if err != nil {
			continue
		}
		if len(folder) > longestSocket {
			_ = os.Remove(folder)
			continue
		}
		if user != nil {
			if err := os.Chown(folder, int(user.Uid), int(user.Gid)); err != nil {
				return "", errors.Join(fmt.Errorf("hand over the folder: %w", err), os.Remove(folder))
			}
		}
		return folder, nil
	}
	return "", fmt.Errorf("make a folder for %s: no temporary folder is writable, short enough and open to its user", kind)
}

// reachable reports whether any user may enter path and all folders above it.
func reachable(path string) bool {
	for path = filepath.Clean(path); ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if path == filepath.Dir(path) {
			return true
		}
	}
}

// freePort returns a port on 127.0.0.1 that nobody held a moment ago.
func freePort() (int, error) {
	var config net.ListenConfig
	for range 200 {
		port := lowestPort + rand.IntN(highestPort-lowestPort) //nolint:gosec // no secret: any spread will do
		l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d", lowestPort, highestPort)
}
