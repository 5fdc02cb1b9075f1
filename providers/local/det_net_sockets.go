package local

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// netAcceptQueue finds listening sockets whose accept queue is full: the process does not take new connections, and the kernel turns them away.
func netAcceptQueue(_ context.Context, l *look) []finding {
	overflowed := l.b.TCP.ListenOverflows - min(l.a.TCP.ListenOverflows, l.b.TCP.ListenOverflows)
	var found []finding
	for _, x := range listeners(l.b, 0) {
		i := slices.IndexFunc(l.a.Sockets, func(o host.Socket) bool { return o.State == "LISTEN" && o.Inode == x.Inode && o.Port == x.Port })
		if x.Receive == 0 || i < 0 || l.a.Sockets[i].Receive == 0 || hubs(l, x) {
			continue // a queue for a moment is what it is there for
		}
		full := x.Send > 0 && x.Receive >= x.Send && l.a.Sockets[i].Receive >= x.Send
		switch {
		case full, x.Send == 0 && (overflowed > 0 || x.Receive >= 64):
		case x.Receive >= 3 && x.Receive >= l.a.Sockets[i].Receive: // nobody takes any
		default:
			continue
		}
		found = append(found, queueFinding(l, x, full, overflowed))
	}
	slices.SortStableFunc(found, func(x, y finding) int { return cmp.Compare(y.score, x.score) })
	return found[:min(3, len(found))]
}

func queueFinding(l *look, x *host.Socket, full bool, overflowed uint64) finding {
	at, pid := address(x.Local, x.Port), socketHolder(l, x)
	f := finding{
		class: "accept_queue", kind: providers.Network, score: abnormal, share: min(1, float64(x.Receive)/float64(max(1, x.Send))), sure: .75,
		culprit: socketCulprit(l, pid, at),
		about: []string{
			"accept", "accept queue", "backlog", "queue", "listen queue", "overflow", "overflows", "connections", "timeouts", "timeout", "syn", "hang", "hanging",
		},
		details: map[string]any{
			"address": at, "port": x.Port, "queue": x.Receive, "backlog": x.Send, "listen_overflows": overflowed,
		},
		title: fmt.Sprintf("Accept queue not served: %s on %s", who(l, pid), at),
	}
	most := "at most " + strconv.FormatUint(x.Send, 10)
	if x.Send == 0 {
		most = "most not known"
	}
	f.description = fmt.Sprintf("%d connections wait in the accept queue (backlog) of %s (%s); it was not emptied between two looks. %s does not accept them.",
		x.Receive, at, most, upper(who(l, pid)))
	if full || overflowed > 0 {
		f.title = fmt.Sprintf("Accept queue full: %s on %s", who(l, pid), at)
		f.score, f.sure = hurting+8, .95
	}
	if overflowed > 0 {
		f.description += fmt.Sprintf(" The kernel dropped %s in %.1f s (ListenOverflows).", count(int(overflowed), "connection"), l.gap)
	}
	if p := owner(l, pid); p != nil && p.State == "T" { // that it stands still is the cause, and said elsewhere
		f.score = min(f.score, hurting)
		f.description += " It is stopped (state T)."
	}
	f.actions = append(socketActions(l, x.Port, pid), "nstat -az TcpExtListenOverflows TcpExtListenDrops",
		"After a look at what it waits for: give it more workers or a larger backlog (net.core.somaxconn is the most), or restart its service.")
	return f
}

// pile are sockets in CLOSE_WAIT of one process or, where that is not known, of one port.
type pile struct {
	pid, port int
	addr      string
	n         int
}

// netCloseWait finds processes that do not close what their peers have closed.
func netCloseWait(_ context.Context, l *look) []finding {
	before := map[uint64]bool{}
	for _, x := range l.a.Sockets {
		if x.State == "CLOSE_WAIT" && x.Inode != 0 {
			before[x.Inode] = true
		}
	}
	var piles []pile
	for i := range l.b.Sockets {
		x := &l.b.Sockets[i]
		// Without an inode nobody has accepted it yet: it stands in an accept queue. One that is new may still be closed.
		if x.State != "CLOSE_WAIT" || x.Inode == 0 || !before[x.Inode] || hubs(l, x) {
			continue
		}
		port, addr := x.Port, address(x.Local, x.Port)
		if len(listeners(l.b, x.Port)) == 0 { // a client's: what it was connected to says more than its own port
			port, addr = x.RPort, address(x.Remote, x.RPort)
		}
		k := slices.IndexFunc(piles, func(p pile) bool { return p.pid == x.PID && (x.PID != 0 || p.port == port) })
		if k < 0 {
			piles = append(piles, pile{pid: x.PID, port: port, addr: addr})
			k = len(piles) - 1
		}
		piles[k].n++
	}
	slices.SortStableFunc(piles, func(x, y pile) int { return cmp.Compare(y.n, x.n) })
	var found []finding
	for _, p := range piles[:min(3, len(piles))] {
		if on := listeners(l.b, p.port); p.pid == 0 && len(on) > 0 {
			p.pid = socketHolder(l, on[0])
		}
		if p.n >= 15 {
			found = append(found, closeWaitFinding(l, p))
		}
	}
	return found
}

func closeWaitFinding(l *look, p pile) finding {
	f := finding{
		class: "close_wait", kind: providers.Network, score: abnormal, share: min(1, float64(p.n)/500), sure: .9,
		culprit: socketCulprit(l, p.pid, p.addr),
		about:   []string{"close wait", "sockets", "socket", "connections", "leak", "leaking", "half closed", "connection leak", "stuck connections"},
		details: map[string]any{"close_wait": p.n, "address": p.addr, "port": p.port},
		title:   fmt.Sprintf("CLOSE_WAIT pile: %d sockets of %s", p.n, who(l, p.pid)),
		description: fmt.Sprintf("%s holds %d sockets in CLOSE_WAIT (%s): the other side has closed them, the process has not. They stay until it does, and each takes "+
			"a descriptor.", upper(who(l, p.pid)), p.n, p.addr),
	}
	switch {
	case p.n >= 200:
		f.score = hurting + 6
	case p.n >= 40:
		f.score = hurting
	}
	if q := owner(l, p.pid); q != nil {
		f.actions = []string{
			fmt.Sprintf("ss -tnp state close-wait | grep pid=%d, | head -20", q.PID),
			fmt.Sprintf("ls /proc/%d/fd | wc -l; grep 'open files' /proc/%d/limits", q.PID, q.PID),
		}
		if q.FDLimit > 0 {
			f.description += fmt.Sprintf(" %d of %d descriptors are in use.", q.FDs, q.FDLimit)
		}
	} else {
		f.actions = []string{fmt.Sprintf("sudo ss -tnp state close-wait '( sport = :%d or dport = :%d )' | head -20", p.port, p.port)}
	}
	f.actions = append(f.actions, "After a look: restart the service to free them, and report that it does not close connections that its peers have closed.")
	return f
}
