//go:build !linux

package host

import (
	"cmp"
	"context"
	"slices"

	gonet "github.com/shirou/gopsutil/v3/net"
	"github.com/shirou/gopsutil/v3/process"
)

// processes reads what gopsutil tells of each process; errors of one leave that number out.
func (l *Live) processes(ctx context.Context, s *Sample) error {
	all, err := process.ProcessesWithContext(ctx)
	if err != nil {
		s.unread("processes", err)
		return err
	}
	now := float64(s.TakenAt.UnixMilli())
	for _, p := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name, err := p.NameWithContext(ctx)
		if err != nil {
			continue // it vanished, or is not to be seen
		}
		one := Process{PID: int(p.Pid), Name: clean([]byte(name)), FDs: -1}
		if ppid, err := p.PpidWithContext(ctx); err == nil {
			one.PPID = int(ppid)
		}
		if ms, err := p.CreateTimeWithContext(ctx); err == nil {
			one.Started, one.Age = uint64(max(ms, 0)), max(0, (now-float64(ms))/1000)
		}
		if words, err := p.CmdlineWithContext(ctx); err == nil {
			one.Cmdline = cut(clean([]byte(words)), cmdlineBytes)
		}
		one.Exe, _ = p.ExeWithContext(ctx)
		one.Dir, _ = p.CwdWithContext(ctx)
		one.User, _ = p.UsernameWithContext(ctx)
		if uids, err := p.UidsWithContext(ctx); err == nil && len(uids) > 0 {
			one.UID = int(uids[min(1, len(uids)-1)])
		}
		if states, err := p.StatusWithContext(ctx); err == nil && len(states) > 0 {
			one.State = stateOf(states[0])
		}
		usage(ctx, p, &one)
		s.Processes = append(s.Processes, one)
	}
	slices.SortFunc(s.Processes, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	return nil
}

func usage(ctx context.Context, p *process.Process, one *Process) {
	if t, err := p.TimesWithContext(ctx); err == nil {
		one.UserTime, one.SystemTime = t.User, t.System
	}
	if m, err := p.MemoryInfoWithContext(ctx); err == nil && m != nil {
		one.RSS, one.Swap = m.RSS, m.Swap
	}
	if n, err := p.NumThreadsWithContext(ctx); err == nil {
		one.Threads = int(n)
	}
	if n, err := p.NumFDsWithContext(ctx); err == nil {
		one.FDs = int(n)
	}
	if io, err := p.IOCountersWithContext(ctx); err == nil && io != nil {
		one.ReadBytes, one.WriteBytes = io.ReadBytes, io.WriteBytes
	}
}

// stateOf turns gopsutil's words into the letters of Linux.
func stateOf(word string) string {
	switch word {
	case process.Running:
		return "R"
	case process.Blocked, process.Lock, process.Wait:
		return "D"
	case process.Idle:
		return "S" // on macOS: asleep for more than 20 s
	case process.Stop:
		return "T"
	case process.Zombie:
		return "Z"
	default:
		return "S"
	}
}

// sockets reads the TCP sockets.
func (l *Live) sockets(ctx context.Context, s *Sample) {
	all, err := gonet.ConnectionsWithContext(ctx, "tcp")
	if err != nil {
		s.unread("sockets", err)
		return
	}
	for _, c := range all {
		s.Sockets = append(s.Sockets, Socket{
			State: c.Status, Local: c.Laddr.IP, Port: int(c.Laddr.Port), Remote: c.Raddr.IP, RPort: int(c.Raddr.Port), PID: int(c.Pid),
		})
	}
}

func (l *Live) alive(ctx context.Context, pid int) (name string, ok bool) {
	p, err := process.NewProcessWithContext(ctx, int32(pid))
	if err != nil {
		return "", false
	}
	name, err = p.NameWithContext(ctx)
	states, _ := p.StatusWithContext(ctx)
	return clean([]byte(name)), err == nil && !slices.Contains(states, process.Zombie)
}
