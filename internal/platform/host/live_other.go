//go:build !linux

package host

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	gonet "github.com/shirou/gopsutil/v3/net"
)

// hasBusy: only Linux counts the time a disk had something to do.
const hasBusy = false

const statfsLimit = 500 * time.Millisecond

// fill reads what gopsutil can tell. A system that tells neither processors nor processes cannot be looked at.
func (l *Live) fill(ctx context.Context, s *Sample) error {
	s.OS, s.Self, s.Root = runtime.GOOS, os.Getpid(), os.Geteuid() == 0
	s.Hostname, _ = os.Hostname()
	if strings.Contains(s.Hostname, ".") {
		s.FQDN = s.Hostname
	}
	if _, family, _, err := host.PlatformInformationWithContext(ctx); err == nil {
		s.Family = strings.ToLower(family)
	}
	if n, err := host.BootTimeWithContext(ctx); err == nil {
		s.BootedAt = time.Unix(int64(n), 0).UTC()
	}
	errCPU := l.processors(ctx, s)
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		s.Memory = Memory{Total: m.Total, Available: min(m.Available, m.Total), Used: m.Used, Shared: m.Shared}
	} else {
		s.unread("memory", err)
	}
	if swap, err := mem.SwapMemoryWithContext(ctx); err == nil {
		s.Memory.SwapTotal, s.Memory.SwapFree = swap.Total, swap.Free
	}
	if avg, err := load.AvgWithContext(ctx); err == nil {
		s.Load = [3]float64{avg.Load1, avg.Load5, avg.Load15}
	}
	if text, err := readSmall(l.etc+"/resolv.conf", mostRead); err == nil {
		s.Resolvers = parseResolvers(text)
	}
	l.volumes(ctx, s)
	l.disks(ctx, s)
	l.sensors(ctx, s)
	errProcesses := l.processes(ctx, s)
	l.sockets(ctx, s)
	l.interfaces(ctx, counters(ctx), s)
	s.Unread = append(s.Unread, "control groups, pressure and large open files: not on "+runtime.GOOS)
	if errCPU != nil && errProcesses != nil {
		return fmt.Errorf("%w: %w", ErrUnseen, errProcesses)
	}
	return ctx.Err()
}

func (s *Sample) unread(what string, err error) {
	s.Unread = append(s.Unread, what+": "+err.Error())
}

func (l *Live) processors(ctx context.Context, s *Sample) error {
	total, err := cpu.TimesWithContext(ctx, false)
	if err != nil || len(total) == 0 {
		s.unread("processors", fmt.Errorf("gave nothing: %w", err))
		return err
	}
	s.CPU.Total = times(total[0])
	if each, err := cpu.TimesWithContext(ctx, true); err == nil {
		for _, t := range each {
			s.CPU.PerCPU = append(s.CPU.PerCPU, times(t))
		}
	}
	if s.CPU.Count = len(s.CPU.PerCPU); s.CPU.Count == 0 {
		s.CPU.Count = runtime.NumCPU()
	}
	s.CPU.Cores, _ = cpu.CountsWithContext(ctx, false)
	return nil
}

func times(t cpu.TimesStat) CPUTimes {
	return CPUTimes{User: t.User, Nice: t.Nice, System: t.System, Idle: t.Idle, IOWait: t.Iowait, IRQ: t.Irq + t.Softirq, Steal: t.Steal}
}

// volumes reads the mounts. One that does not answer costs its time limit once and is left out after that.
func (l *Live) volumes(ctx context.Context, s *Sample) {
	all, err := disk.PartitionsWithContext(ctx, true)
	if err != nil && len(all) == 0 {
		s.unread("mounts", err)
		return
	}
	for _, p := range all {
		m := Mount{Path: p.Mountpoint, Device: p.Device, Type: p.Fstype, Options: strings.Join(p.Opts, ",")}
		for _, o := range p.Opts {
			m.ReadOnly = m.ReadOnly || o == "ro" || o == "read-only"
		}
		got := make(chan *disk.UsageStat, 1)
		err := l.limited(ctx, "mount "+m.Path, statfsLimit, func() {
			u, err := disk.UsageWithContext(ctx, p.Mountpoint)
			if err != nil {
				u = nil
			}
			got <- u
		})
		if err != nil {
			m.Unread = errStuck.Error()
		} else if u := <-got; u != nil {
			m.Total, m.Free, m.Available, m.Inodes, m.InodesFree = u.Total, u.Free, u.Free, u.InodesTotal, u.InodesFree
			if st, err := os.Stat(m.Path); err == nil {
				m.Dev = infoOf(st).dev
			}
		} else {
			m.Unread = "not to be read"
		}
		s.Mounts = append(s.Mounts, m)
	}
}

func (l *Live) mountPoints(ctx context.Context) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, statfsLimit)
	defer cancel()
	points := map[string]bool{}
	all, _ := disk.PartitionsWithContext(ctx, true)
	for _, p := range all {
		points[p.Mountpoint] = true
	}
	delete(points, "/")
	return points
}

func counters(ctx context.Context) map[string]Interface {
	all := map[string]Interface{}
	each, _ := gonet.IOCountersWithContext(ctx, true)
	for _, c := range each {
		all[c.Name] = Interface{
			RxBytes: c.BytesRecv, TxBytes: c.BytesSent, RxErrors: c.Errin, TxErrors: c.Errout, RxDropped: c.Dropin,
		}
	}
	return all
}

// physical: gopsutil does not say.
func (l *Live) physical(string) bool { return true }
