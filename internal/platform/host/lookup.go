package host

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Limits of Lookup: of one name server, and of the system's resolver, which asks several.
const (
	serverLimit = time.Second
	systemLimit = 3 * time.Second
)

// Lookup implements Probe.
func (l *Live) Lookup(ctx context.Context, server, name string) Answer {
	a := Answer{Server: server, Name: name}
	watch := clock.Start()
	var err error
	if server == "" {
		ctx, cancel := context.WithTimeout(ctx, systemLimit)
		defer cancel()
		a.Addresses, err = new(net.Resolver).LookupHost(ctx, name)
	} else {
		ctx, cancel := context.WithTimeout(ctx, serverLimit)
		defer cancel()
		a.Addresses, err = ask(ctx, server, name)
	}
	a.Took = watch.Elapsed()
	if err != nil {
		a.Error = wordOf(err)
	}
	slices.Sort(a.Addresses)
	return a
}

var (
	errNoSuchHost = &net.DNSError{Err: "no such host", IsNotFound: true}
	errServer     = errors.New("server failure")
)

// ask asks one name server over UDP for a name's IPv4 addresses and, where there are none, for its IPv6 ones.
func ask(ctx context.Context, server, name string) ([]string, error) {
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
	}
	full, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return nil, errors.New("not a domain name")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "udp", server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if d, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(d)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		addresses, err := query(conn, full, kind)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || len(addresses) > 0 {
			return addresses, err
		}
	}
	return nil, errNoSuchHost
}

func query(conn net.Conn, name dnsmessage.Name, kind dnsmessage.Type) ([]string, error) {
	id := uint16(rand.Uint32()) //nolint:gosec // tells our own questions apart; the answer is looked at, not trusted
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}},
	}
	out, err := m.Pack()
	if err != nil {
		return nil, err
	}
	if _, err = conn.Write(out); err != nil {
		return nil, err
	}
	b := make([]byte, 4096)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return nil, err
		}
		var in dnsmessage.Message
		if in.Unpack(b[:n]) != nil || in.ID != id || !in.Response {
			continue // of another question
		}
		return addressesOf(&in)
	}
}

func addressesOf(m *dnsmessage.Message) ([]string, error) {
	switch m.RCode {
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		return nil, errNoSuchHost
	case dnsmessage.RCodeRefused:
		return nil, syscall.ECONNREFUSED
	default:
		return nil, errServer
	}
	var all []string
	for _, r := range m.Answers {
		switch body := r.Body.(type) {
		case *dnsmessage.AResource:
			all = append(all, netip.AddrFrom4(body.A).String())
		case *dnsmessage.AAAAResource:
			all = append(all, netip.AddrFrom16(body.AAAA).String())
		}
	}
	return all, nil
}
