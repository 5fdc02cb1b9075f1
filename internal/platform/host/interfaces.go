package host

import (
	"context"
	"net"
	"slices"
	"strings"
)

// interfaces lists the network interfaces, with the counters read elsewhere, and the host's own addresses.
func (l *Live) interfaces(ctx context.Context, counters map[string]Interface, s *Sample) {
	all, err := net.Interfaces()
	if err != nil {
		s.Unread = append(s.Unread, "network interfaces: "+err.Error())
		return
	}
	for _, n := range all {
		if ctx.Err() != nil {
			return
		}
		i := counters[n.Name]
		i.Name = n.Name
		i.Up, i.Carrier, i.Loopback = n.Flags&net.FlagUp != 0, n.Flags&net.FlagRunning != 0, n.Flags&net.FlagLoopback != 0
		i.Kind = "virtual"
		if l.physical(n.Name) {
			i.Kind = "physical"
		}
		addresses, _ := n.Addrs()
		for _, a := range addresses {
			ip, _, _ := strings.Cut(a.String(), "/")
			i.Addresses = append(i.Addresses, ip)
			if !i.Loopback && !slices.Contains(s.Addresses, ip) {
				s.Addresses = append(s.Addresses, ip)
			}
		}
		s.Interfaces = append(s.Interfaces, i)
	}
}
