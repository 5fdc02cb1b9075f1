package httpclient

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"code.dny.dev/ssrf"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// ErrBlocked is what the address guard's refusals are. They come as *BlockedError and are permanent.
var ErrBlocked = errors.New("address not allowed")

// BlockedError says which address was refused and what would allow it.
type BlockedError struct {
	Host   string         // as the request named it
	Addr   netip.AddrPort // as it was to be dialled
	Reason string         // "loopback", "cloud metadata", …
	Never  bool           // no setting allows it
}

func (e *BlockedError) Error() string {
	if e.Never {
		return fmt.Sprintf("%v: %s (%s) is never called", ErrBlocked, e.Addr, e.Reason)
	}
	return fmt.Sprintf("%v: %s (%s) is not in the allow-list: start the hub with HUB_EGRESS_ALLOW=%s "+
		"(more entries after a comma)", ErrBlocked, e.Addr, e.Reason, e.Entry())
}

// Entry is the allow-list entry that would let the call through: the request's host and port.
func (e *BlockedError) Entry() string {
	host := e.Host
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		host = e.Addr.Addr().String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(e.Addr.Port())))
}

// Is makes errors.Is(err, ErrBlocked) true.
func (e *BlockedError) Is(target error) bool { return target == ErrBlocked }

// FaultClass implements fault.Classed.
func (e *BlockedError) FaultClass() string { return fault.ClassBlocked }

// guard decides which addresses may be dialled. It is safe for concurrent use.
type guard struct {
	rules  []rule
	own    atomic.Pointer[[]netip.AddrPort] // the hub's listeners; an unspecified address stands for all of this machine's
	public *ssrf.Guardian
	local  func() ([]net.Addr, error)
}

func newGuard(allow []string) (*guard, error) {
	rules, err := parseAllow(allow)
	if err != nil {
		return nil, err
	}
	g := &guard{rules: rules, public: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork()), local: net.InterfaceAddrs}
	g.own.Store(&[]netip.AddrPort{})
	return g, nil
}

// deny adds a listener of the hub itself, in the form of HUB_LISTEN or net.Listener.Addr.
func (g *guard) deny(listener string) error {
	host, text, err := net.SplitHostPort(listener)
	if err != nil {
		return fmt.Errorf("listener %q: %w", listener, err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("listener %q: port: %w", listener, err)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil { // "" and names: every address of this machine, to be on the safe side
		ip = netip.IPv6Unspecified()
	}
	for {
		old := g.own.Load()
		list := append(slices.Clone(*old), netip.AddrPortFrom(plain(ip), uint16(port)))
		if g.own.CompareAndSwap(old, &list) {
			return nil
		}
	}
}

// check refuses addr, which host resolved to, with a *BlockedError. A listed name opens private addresses but none of
// those that are never called.
func (g *guard) check(host string, addr netip.AddrPort) error {
	addr = netip.AddrPortFrom(plain(addr.Addr()), addr.Port())
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	blocked := &BlockedError{Host: host, Addr: addr}
	if blocked.Reason = neverReason(addr.Addr()); blocked.Reason == "" && g.isOwn(addr) {
		blocked.Reason = "hub's own listener"
	}
	if blocked.Reason != "" {
		blocked.Never = true
		return blocked
	}
	if g.public.SafeAddr(addr.Addr()) == nil {
		return nil
	}
	if slices.ContainsFunc(g.rules, func(r rule) bool { return r.matches(host, addr) }) {
		return nil
	}
	blocked.Reason = privateReason(addr.Addr())
	return blocked
}

func (g *guard) isOwn(addr netip.AddrPort) bool {
	for _, own := range *g.own.Load() {
		if own == addr || own.Port() == addr.Port() && own.Addr().IsUnspecified() && g.isLocal(addr.Addr()) {
			return true
		}
	}
	return false
}

// isLocal reports whether ip is an address of this machine now. When that cannot be read, it is taken for one.
func (g *guard) isLocal(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := g.local()
	return err != nil || slices.ContainsFunc(addrs, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && plain(p.Addr()) == ip
	})
}
