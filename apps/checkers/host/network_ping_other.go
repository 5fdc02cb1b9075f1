//go:build !unix

package host

import (
	"context"
	"net"
	"net/netip"
)

// echoSocket opens a socket for echo requests. target is how it names the address.
func echoSocket(ctx context.Context, to netip.Addr) (conn net.PacketConn, target net.Addr, err error) {
	name := "ip4:icmp"
	if to.Is6() {
		name = "ip6:ipv6-icmp"
	}
	conn, err = new(net.ListenConfig).ListenPacket(ctx, name, "")
	return conn, &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}, err
}
