package crashtest

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// senderOf finds which of some processes has the socket that is bound to an IPv4 address; 0: none of them, or it is gone.
func senderOf(address string, pids []int) int {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !a.Addr().Unmap().Is4() {
		return 0
	}
	b := a.Addr().Unmap().As4()
	local := fmt.Sprintf("%02X%02X%02X%02X:%04X", b[3], b[2], b[1], b[0], a.Port())
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(table, []byte(": "+local+" ")) // thousands of lines, each alike
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	w := strings.Fields(string(line))
	if !found || len(w) < 8 {
		return 0
	}
	socket := "socket:[" + w[7] + "]"
	for _, pid := range pids {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, name := range files {
			if at, err := os.Readlink(name); err == nil && at == socket {
				return pid
			}
		}
	}
	return 0
}
