package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// Bytes is a size.
type Bytes int64

// UnmarshalText reads a whole number with an optional unit: B, KiB, MiB, GiB, in any case, after an optional space. K, M,
// G and KB, MB, GB mean the same powers of 1024.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.ToLower(strings.TrimSpace(string(text)))
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz ")
	unit := strings.TrimSpace(s[len(digits):])
	shift, ok := map[string]uint{
		"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20, "g": 30, "gb": 30, "gib": 30,
	}[unit]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 0 || n > math.MaxInt64>>shift {
		return errors.New("not a size")
	}
	*b = Bytes(n << shift)
	return nil
}

// String writes the size with the largest unit that divides it.
func (b Bytes) String() string {
	for _, u := range []struct {
		size Bytes
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Prefixes is a list of networks; a plain address is a network of one.
type Prefixes []netip.Prefix

// UnmarshalText reads addresses and CIDRs, comma separated.
func (p *Prefixes) UnmarshalText(text []byte) error {
	var out Prefixes
	for entry := range strings.SplitSeq(string(text), ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(entry)
		if err != nil {
			addr, addrErr := netip.ParseAddr(entry)
			if addrErr != nil || addr.Zone() != "" {
				return fmt.Errorf("%q is neither an address nor a CIDR", entry)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		out = append(out, prefix.Masked())
	}
	*p = out
	return nil
}

// Strings returns the networks as text.
func (p Prefixes) Strings() []string {
	out := make([]string, len(p))
	for i, prefix := range p {
		out[i] = prefix.String()
	}
	return out
}
