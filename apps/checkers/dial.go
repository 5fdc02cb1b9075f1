package checkers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// CheckAddress says why a check may not connect to an address that host, as the settings name it, has resolved to. Targets that the
// operator of this process gave are never refused.
func (in *Input) CheckAddress(host string, address netip.AddrPort) error {
	switch {
	case !in.Guarded:
		return nil
	case in.Guard == nil:
		return errors.New("this process connects to nothing for others")
	default:
		return in.Guard.CheckAddress(host, address)
	}
}

// Dialer makes connections to host, over TCP and UDP. Each address is looked at when it is about to be connected to, so that a name that
// resolves to something else meanwhile leads nowhere.
func (in *Input) Dialer(host string) *net.Dialer {
	return &net.Dialer{ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		address, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return fmt.Errorf("read the address %q: %w", resolved, err)
		}
		return in.CheckAddress(host, address)
	}}
}
