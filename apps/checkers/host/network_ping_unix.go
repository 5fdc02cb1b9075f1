//go:build unix

package host

import (
	"context"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// echoSocket opens a socket for echo requests: one that anybody may have where the system allows it (Linux: net.ipv4.ping_group_range;
// macOS), else one that only root may. target is how it names the address.
func echoSocket(ctx context.Context, to netip.Addr) (conn net.PacketConn, target net.Addr, err error) {
	family, protocol, name := unix.AF_INET, unix.IPPROTO_ICMP, "ip4:icmp"
	if to.Is6() {
		family, protocol, name = unix.AF_INET6, unix.IPPROTO_ICMPV6, "ip6:ipv6-icmp"
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, protocol)
	if err == nil {
		unix.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), "echo")
		defer f.Close() // the connection has a descriptor of its own
		if conn, err = net.FilePacketConn(f); err == nil {
			return conn, &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}, nil
		}
	}
	conn, err = new(net.ListenConfig).ListenPacket(ctx, name, "")
	return conn, &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}, err
}
