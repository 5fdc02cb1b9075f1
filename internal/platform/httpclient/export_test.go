package httpclient

import "net"

// Resolve makes c ask r for names: the tests' own DNS.
func (c *Client) Resolve(r *net.Resolver) { c.dialer.Resolver = r }

// Local replaces the list of this machine's addresses.
func (c *Client) Local(addrs ...net.Addr) {
	c.guard.local = func() ([]net.Addr, error) { return addrs, nil }
}
