package httpclient

import "net/netip"

// These are refused whatever is listed: a request there reads machine credentials or is addressed to nobody in particular.
var never = []struct {
	prefix netip.Prefix
	reason string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), "cloud metadata"}, // AWS, GCP, Azure and most others
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},         // RFC 3927; ECS task metadata is 169.254.170.2
	{netip.MustParsePrefix("fe80::/10"), "link-local"},              // RFC 4291
	{netip.MustParsePrefix("fd00:ec2::254/128"), "cloud metadata"},  // AWS EC2 instance metadata over IPv6
	{netip.MustParsePrefix("fd20:ce::254/128"), "cloud metadata"},   // Google Cloud metadata over IPv6
	{netip.MustParsePrefix("100.100.100.200/32"), "cloud metadata"}, // Alibaba Cloud, inside the CGNAT range
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata"},   // Azure WireServer, a public address
	{netip.MustParsePrefix("192.0.0.192/32"), "cloud metadata"},     // Oracle Cloud, classic
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},             // RFC 1122; Linux takes 0.0.0.0 for itself
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast"},
}

// What is not public and not in never is open to the allow-list; these names make the refusal readable.
var private = []struct {
	prefix netip.Prefix
	reason string
}{
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("fc00::/7"), "private (unique local)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared (CGNAT)"},
}

var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: the last 32 bits are the IPv4 address that is reached
	sixToV4 = netip.MustParsePrefix("2002::/16")    // RFC 3056: bits 16 to 48
	compat  = netip.MustParsePrefix("::/96")        // RFC 4291 2.5.5.1, deprecated: the last 32 bits
)

// plain returns the address that a packet would go to: without zone, IPv4 out of its mapped and NAT64 forms.
func plain(ip netip.Addr) netip.Addr {
	ip = ip.WithZone("").Unmap()
	if nat64.Contains(ip) {
		return embedded(ip, 12)
	}
	return ip
}

// embedded returns the IPv4 address at byte offset at of an IPv6 address.
func embedded(ip netip.Addr, at int) netip.Addr {
	b := ip.As16()
	return netip.AddrFrom4([4]byte(b[at : at+4]))
}

// neverReason names why ip is never called, "" if it may be. Old ways of writing IPv4 inside IPv6 count as what they hold.
func neverReason(ip netip.Addr) string {
	for _, n := range never {
		if n.prefix.Contains(ip) {
			return n.reason
		}
	}
	switch {
	case sixToV4.Contains(ip):
		return neverReason(embedded(ip, 2))
	case compat.Contains(ip) && !ip.IsLoopback():
		return neverReason(embedded(ip, 12))
	default:
		return ""
	}
}

func privateReason(ip netip.Addr) string {
	for _, p := range private {
		if p.prefix.Contains(ip) {
			return p.reason
		}
	}
	return "reserved"
}
