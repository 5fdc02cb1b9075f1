package local

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// Detectors of the network share these views of sockets.

// address is "ip:port", as ss and curl take it.
func address(ip string, port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }

// wild reports whether a listening address takes connections to all own addresses.
func wild(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" || ip == "*" }

// loops reports whether ip is loopback.
func loops(ip string) bool {
	a := net.ParseIP(ip)
	return a != nil && a.IsLoopback()
}

// listeners are the sockets that listen on a port; 0: all.
func listeners(s *host.Sample, port int) []*host.Socket {
	var out []*host.Socket
	for i := range s.Sockets {
		if x := &s.Sockets[i]; x.State == "LISTEN" && (port == 0 || x.Port == port) {
			out = append(out, x)
		}
	}
	return out
}

// takes reports whether a listening socket takes connections to ip.
func takes(x *host.Socket, ip string) bool {
	if x.Local == "0.0.0.0" && strings.Contains(ip, ":") {
		return false
	}
	return wild(x.Local) || x.Local == ip
}

// owner is the process that holds a socket, or nil: not known, or the hub itself.
func owner(l *look, pid int) *proc {
	if pid <= 0 {
		return nil
	}
	return l.byPID[pid]
}

// socketHolder is the pid of the process that holds a listening socket. Where that may not be read it is the only process of the same user whose
// command line names the port, else 0.
func socketHolder(l *look, x *host.Socket) int {
	if x.PID > 0 {
		return x.PID
	}
	pid := 0
	for _, p := range l.procs {
		if p.UID == x.UID && has(plain(p.Cmdline), strconv.Itoa(x.Port)) {
			if pid != 0 {
				return 0
			}
			pid = p.PID
		}
	}
	return pid
}

// hubs reports whether a socket is the hub's own.
func hubs(l *look, x *host.Socket) bool {
	return x.PID > 0 && l.byPID[x.PID] == nil && slices.ContainsFunc(l.b.Processes, func(p host.Process) bool { return p.PID == x.PID })
}

// socketCulprit blames the process that holds a socket, else the endpoint.
func socketCulprit(l *look, pid int, addr string) providers.Culprit {
	if p := owner(l, pid); p != nil {
		c := p.blame()
		c.Address = addr
		return c
	}
	return providers.Culprit{Kind: "endpoint", Address: addr}
}

// who names the process behind a socket: "nginx (pid 12)", else "a process that the hub may not see".
func who(l *look, pid int) string {
	if p := owner(l, pid); p != nil {
		return p.label()
	}
	return "a process that the hub may not see"
}

// socketActions look at a port, and at the process that holds it.
func socketActions(l *look, port, pid int) []string {
	out := []string{fmt.Sprintf("ss -ltnp 'sport = :%d'; ss -tn 'sport = :%d' | head -20", port, port)}
	if p := owner(l, pid); p != nil {
		out = append(out, fmt.Sprintf("ps -o pid,ppid,stat,nlwp,wchan:24,etime,args -p %d; cat /proc/%d/stack", p.PID, p.PID))
	} else {
		out = append(out, fmt.Sprintf("sudo ss -ltnp 'sport = :%d'", port))
	}
	return out
}
