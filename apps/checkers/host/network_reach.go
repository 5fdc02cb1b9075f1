package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// errRefused marks targets that the address guard does not allow.
var errRefused = errors.New("not allowed")

// headStart is how long an echo request is waited for before other ways are tried too.
const headStart = time.Second

// overNetwork tries a host by an echo request, and where that is not allowed or not answered, by TCP connections and a question to a name
// server. The first answer counts, also one that refuses: somebody is there to do so.
func overNetwork(ctx context.Context, in *checkers.Input, name string, cfg NetworkConfig) reached {
	address, err := resolve(ctx, name)
	if err != nil {
		return reached{err: err}
	}
	if err := in.CheckAddress(name, netip.AddrPortFrom(address, uint16(cfg.Ports[0]))); err != nil {
		return reached{err: fmt.Errorf("%w: %w", errRefused, err)}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan reached, len(cfg.Ports)+2)
	waiting := 1
	go func() { answers <- ping(ctx, address, int(cfg.Count)) }()
	others := func() {
		d := in.Dialer(name)
		for _, p := range cfg.Ports {
			waiting++
			go func() { answers <- connect(ctx, d, netip.AddrPortFrom(address, uint16(p))) }()
		}
		waiting++
		go func() { answers <- ask(ctx, d, netip.AddrPortFrom(address, 53)) }()
	}
	late := time.NewTimer(headStart)
	defer late.Stop()
	tried := false
	var last error
	for waiting > 0 {
		select {
		case r := <-answers:
			if waiting--; r.err == nil {
				return r
			}
			last = better(last, r.err)
			if !tried { // the echo request has failed
				tried = true
				others()
			}
		case <-late.C:
			if !tried {
				tried = true
				others()
			}
		}
	}
	return reached{err: last}
}

// better keeps the reason that says more: that a way is not open to this process, or an address not allowed on one port, says little.
func better(a, b error) error {
	if a == nil || errors.Is(a, errNoEcho) {
		return b
	}
	return a
}

// resolve finds the address of a host.
func resolve(ctx context.Context, name string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return a.Unmap(), nil
	}
	list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil || len(list) == 0 {
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			return netip.Addr{}, errors.New("no such host")
		}
		return netip.Addr{}, errors.New("its name cannot be resolved")
	}
	for _, a := range list {
		if a.Unmap().Is4() {
			return a.Unmap(), nil
		}
	}
	return list[0], nil
}

// connect tries TCP.
func connect(ctx context.Context, d *net.Dialer, to netip.AddrPort) reached {
	watch := clock.Start()
	conn, err := d.DialContext(ctx, "tcp", to.String())
	r := reached{by: "tcp/" + strconv.Itoa(int(to.Port())), latency: watch.Elapsed()}
	switch {
	case err == nil:
		_ = conn.Close()
	case !errors.Is(err, syscall.ECONNREFUSED):
		r.err = wordOf(ctx, err)
	}
	return r
}

// question asks a name server for the servers of the root.
const question = "\x1d\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"

// ask tries UDP: a name server answers, and a host without one says that the port is closed.
func ask(ctx context.Context, d *net.Dialer, to netip.AddrPort) reached {
	watch := clock.Start()
	r := reached{by: "udp/" + strconv.Itoa(int(to.Port()))}
	conn, err := d.DialContext(ctx, "udp", to.String())
	if err != nil {
		r.err = wordOf(ctx, err)
		return r
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err = conn.Write([]byte(question)); err == nil {
		_, err = conn.Read(make([]byte, 512))
	}
	r.latency = watch.Elapsed()
	if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
		r.err = wordOf(ctx, err)
	}
	return r
}

// wordOf says in few words why a host was not reached.
func wordOf(ctx context.Context, err error) error {
	var timeout net.Error
	switch {
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no answer")
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return errors.New("no route")
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return errors.New("not permitted")
	default:
		return errors.New("no connection")
	}
}
