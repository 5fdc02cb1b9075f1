package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
)

// socketsKept bounds what a host with very many connections costs.
const socketsKept = 50_000

// network reads sockets, counters and interfaces of this process's network namespace.
func (l *Live) network(ctx context.Context, proc dir, owners map[uint64]int, s *Sample) {
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		text, err := proc.read(name)
		if err != nil {
			if name == "net/tcp" {
				s.Unread = append(s.Unread, "sockets: "+reason(err))
			}
			continue
		}
		s.Sockets = parseSockets(text, s.Sockets)
	}
	if len(s.Sockets) >= socketsKept {
		s.Unread = append(s.Unread, "sockets after the first "+strconv.Itoa(socketsKept))
	}
	for i := range s.Sockets {
		if inode := s.Sockets[i].Inode; inode != 0 {
			s.Sockets[i].PID = owners[inode]
		}
	}
	if !l.elsewhere() {
		backlogs(s.Sockets)
	}
	if text, err := proc.read("net/netstat"); err == nil {
		v := parseCounters(text, "TcpExt:", "ListenOverflows", "ListenDrops")
		s.TCP.ListenOverflows, s.TCP.ListenDrops = v[0], v[1]
	}
	if text, err := proc.read("net/snmp"); err == nil {
		s.TCP.Retransmits = parseCounters(text, "Tcp:", "RetransSegs")[0]
	}
	var counters map[string]Interface
	if text, err := proc.read("net/dev"); err == nil {
		counters = parseInterfaces(text)
	}
	l.interfaces(ctx, counters, s)
}

// physical reports whether an interface has a device behind it.
func (l *Live) physical(name string) bool {
	_, err := os.Stat(l.sys + "/class/net/" + name + "/device")
	return err == nil
}

// states are the numbers of the kernel's tcp_states.h.
var states = [...]string{
	"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
	"NEW_SYN_RECV",
}

// parseSockets reads /proc/net/tcp and tcp6 (proc_net(5)); for a listening socket rx_queue is the length of its accept queue.
func parseSockets(text []byte, into []Socket) []Socket {
	for line := range bytes.Lines(text) {
		if len(into) >= socketsKept {
			break
		}
		f := bytes.Fields(line)
		if len(f) < 10 {
			continue
		}
		state, err := strconv.ParseUint(string(f[3]), 16, 8)
		if err != nil || int(state) >= len(states) || state == 0 {
			continue
		}
		local, ok := parseAddress(f[1])
		remote, ok2 := parseAddress(f[2])
		if !ok || !ok2 {
			continue
		}
		sent, received, _ := bytes.Cut(f[4], []byte{':'})
		into = append(into, Socket{
			State: states[state], Local: local.Addr().String(), Port: int(local.Port()), Remote: remote.Addr().String(), RPort: int(remote.Port()),
			Receive: hexadecimal(received), Send: hexadecimal(sent), UID: int(number(f[7])), Inode: number(f[9]),
		})
		if s := &into[len(into)-1]; s.State == "LISTEN" {
			s.Send = 0
		}
	}
	return into
}

// parseAddress reads "0100007F:1F90": words of 4 bytes in the machine's order, little on all that matter here.
func parseAddress(b []byte) (netip.AddrPort, bool) {
	address, port, ok := bytes.Cut(b, []byte{':'})
	if !ok || len(address) != 8 && len(address) != 32 {
		return netip.AddrPort{}, false
	}
	raw := make([]byte, len(address)/2)
	if _, err := hex.Decode(raw, address); err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		if !bigEndian {
			raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
		}
	}
	a, _ := netip.AddrFromSlice(raw)
	p, err := strconv.ParseUint(string(port), 16, 16)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), err == nil
}

func hexadecimal(b []byte) uint64 {
	n, err := strconv.ParseUint(string(b), 16, 64)
	if err != nil {
		return 0
	}
	return n
}

// parseCounters reads the pairs of lines of /proc/net/netstat and snmp: names, then values.
func parseCounters(text []byte, prefix string, names ...string) []uint64 {
	values := make([]uint64, len(names))
	var head [][]byte
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) == 0 || string(f[0]) != prefix {
			continue
		}
		if head == nil {
			head = f
			continue
		}
		for i := 1; i < min(len(head), len(f)); i++ {
			for k, name := range names {
				if string(head[i]) == name {
					values[k] = number(f[i])
				}
			}
		}
		break
	}
	return values
}

// parseInterfaces reads the counters of /proc/net/dev.
func parseInterfaces(text []byte) map[string]Interface {
	all := map[string]Interface{}
	for line := range bytes.Lines(text) {
		i := bytes.LastIndexByte(line, ':')
		if i < 0 {
			continue
		}
		name, f := string(bytes.TrimSpace(line[:i])), bytes.Fields(line[i+1:])
		if name == "" || len(f) < 16 {
			continue
		}
		all[name] = Interface{
			Name: name, RxBytes: number(f[0]), RxErrors: number(f[2]), RxDropped: number(f[3]), TxBytes: number(f[8]), TxErrors: number(f[10]),
		}
	}
	return all
}

// bigEndian is the machine's byte order.
var bigEndian = binary.NativeEndian.Uint16([]byte{1, 0}) != 1
