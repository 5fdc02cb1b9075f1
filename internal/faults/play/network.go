//go:build linux

package play

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// listen has an accept queue of Count and accepts nobody.
func listen(r Role, ready func()) error {
	a, err := netip.ParseAddrPort(r.Address)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}), syscall.Listen(fd, r.Count)); err != nil {
		return err
	}
	ready()
	return nil
}

// connect opens Count connections and keeps them; those that are not answered go on trying.
func connect(r Role, ready func()) error {
	held := make(chan net.Conn, r.Count)
	for range r.Count {
		go func() {
			for {
				if c, err := net.DialTimeout("tcp", r.Address, time.Minute); err == nil {
					held <- c
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
	}
	time.Sleep(300 * time.Millisecond)
	ready()
	for {
		time.Sleep(time.Hour)
	}
}

// closeWait keeps connections that the other side has closed.
func closeWait(r Role, ready func()) error {
	l, err := net.Listen("tcp", r.Address)
	if err != nil {
		return err
	}
	ready()
	held := make(chan net.Conn, r.Count)
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		held <- c // never read, never closed
	}
}

// retry connects again and again to where nobody may listen. With Count it does so that often, hangs up each time, and idles then.
func retry(r Role, ready func()) error {
	if r.Count == 0 {
		ready()
	}
	for i := 0; r.Count == 0 || i < r.Count; i++ {
		if c, err := net.DialTimeout("tcp", r.Address, 2*time.Second); err == nil {
			c.Close()
		}
		time.Sleep(r.Every)
	}
	ready()
	return nil
}

// dns answers every question for an address with one.
func dns(r Role, ready func()) error {
	c, err := net.ListenPacket("udp", r.Address)
	if err != nil {
		return err
	}
	ready()
	buf := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		if answer := answerTo(buf[:n]); answer != nil {
			_, _ = c.WriteTo(answer, from)
		}
	}
}

// answerTo makes 192.0.2.7 the answer to a question of type A, and none to others.
func answerTo(q []byte) []byte {
	const header = 12
	end := header
	for end < len(q) && q[end] != 0 {
		end += int(q[end]) + 1
	}
	if end += 5; end > len(q) {
		return nil
	}
	a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[header:end]...)
	if q[end-4] == 0 && q[end-3] == 1 {
		a[7] = 1
		a = append(a, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7)
	}
	return a
}

// swallow takes questions and never answers.
func swallow(r Role, ready func()) error {
	c, err := net.ListenPacket("udp", r.Address)
	if err != nil {
		return err
	}
	ready()
	buf := make([]byte, 1500)
	for {
		if _, _, err := c.ReadFrom(buf); err != nil {
			return err
		}
	}
}

// namespace sets up the network and mount namespaces it was started in, as ip netns exec does it, and keeps them.
func namespace(r Role, ready func()) error {
	const cgroups = "/sys/fs/cgroup"
	keep := filepath.Join(r.Sysfs, "cgroup")
	if err := os.Mkdir(keep, 0o755); err != nil {
		return err
	}
	resolver, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		return err
	}
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{cgroups, keep, "", unix.MS_BIND | unix.MS_REC},
		{"sysfs", "/sys", "sysfs", 0},
		{keep, cgroups, "", unix.MS_MOVE},
		{r.Resolver, resolver, "", unix.MS_BIND},
	} {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link: %w: %s", err, out)
	}
	ready()
	return nil
}
