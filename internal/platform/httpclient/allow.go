package httpclient

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ErrBadAllow is returned for an allow-list entry that cannot be read.
var ErrBadAllow = errors.New("want host[:port] or CIDR[:port], such as receiver.lan:9000, 10.1.0.0/16 or [fd00::/8]:443")

// rule is one entry of the allow-list: a name or a prefix, and a port (0: any).
type rule struct {
	name   string
	prefix netip.Prefix
	port   uint16
}

func (r rule) matches(host string, addr netip.AddrPort) bool {
	if r.port != 0 && r.port != addr.Port() {
		return false
	}
	if r.name != "" {
		return r.name == host
	}
	return r.prefix.Contains(addr.Addr())
}

// CheckAllow reports every entry of an allow-list that New would refuse.
func CheckAllow(entries []string) error {
	_, err := parseAllow(entries)
	return err
}

func parseAllow(entries []string) ([]rule, error) {
	var (
		rules []rule
		errs  []error
	)
	for _, entry := range entries {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "" {
			continue
		}
		r, err := parseRule(entry)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", entry, err))
			continue
		}
		rules = append(rules, r)
	}
	return rules, errors.Join(errs...)
}

func parseRule(entry string) (rule, error) {
	target, port, err := splitPort(entry)
	if err != nil {
		return rule{}, err
	}
	if strings.Contains(target, "/") {
		p, err := netip.ParsePrefix(target)
		if err != nil {
			return rule{}, ErrBadAllow
		}
		return rule{prefix: unmapPrefix(p), port: port}, nil
	}
	if a, err := netip.ParseAddr(target); err == nil {
		if a.Zone() != "" {
			return rule{}, ErrBadAllow
		}
		a = a.Unmap()
		return rule{prefix: netip.PrefixFrom(a, a.BitLen()), port: port}, nil
	}
	name := strings.TrimSuffix(target, ".")
	if err := checkName(name); err != nil {
		return rule{}, fmt.Errorf("%w (%w)", ErrBadAllow, err)
	}
	return rule{name: name, port: port}, nil
}

// splitPort takes a port off the end. Addresses and prefixes of IPv6 need brackets to have one.
func splitPort(entry string) (target string, port uint16, err error) {
	if strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]") {
		return entry[1 : len(entry)-1], 0, nil
	}
	if !strings.Contains(entry, ":") || (!strings.HasPrefix(entry, "[") && strings.Count(entry, ":") > 1) {
		return entry, 0, nil
	}
	target, text, err := net.SplitHostPort(entry)
	if err != nil {
		return "", 0, ErrBadAllow
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, ErrBadAllow
	}
	return target, uint16(n), nil
}

// unmapPrefix turns ::ffff:10.0.0.0/104 into 10.0.0.0/8, the form in which addresses are compared.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}
