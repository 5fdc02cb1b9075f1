package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// PortRules are ports that may listen, as people write them: 22, "22", "8000-8100", "127.0.0.1:5432", "[::1]:631", or one text with commas.
type PortRules []string

// UnmarshalJSON implements json.Unmarshaler.
func (r *PortRules) UnmarshalJSON(raw []byte) error {
	var list []any
	var text string
	switch {
	case json.Unmarshal(raw, &text) == nil:
		for part := range strings.SplitSeq(text, ",") {
			list = append(list, part)
		}
	case json.Unmarshal(raw, &list) != nil:
		return errors.New("want a list of ports")
	}
	out := PortRules{}
	for _, item := range list {
		switch v := item.(type) {
		case string:
			if v = strings.TrimSpace(v); v != "" {
				out = append(out, v)
			}
		case float64:
			out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
		default:
			return errors.New("want a list of ports")
		}
	}
	*r = out
	_, err := out.parse()
	return err
}

// portRule allows ports from first to last, on one address or on all.
type portRule struct {
	address     netip.Addr // zero: all
	first, last int
}

type portRules []portRule

func (r portRules) allow(a netip.Addr, port int) bool {
	return slices.ContainsFunc(r, func(p portRule) bool {
		return port >= p.first && port <= p.last && (!p.address.IsValid() || p.address == a)
	})
}

func (r PortRules) parse() (portRules, error) {
	var out portRules
	for _, text := range r {
		rule, err := parsePortRule(text)
		if err != nil {
			return nil, err
		}
		out = append(out, rule)
	}
	return out, nil
}

func parsePortRule(text string) (rule portRule, err error) {
	wrong := fmt.Errorf("%.60q: want a port such as 22, 8000-8100 or 127.0.0.1:5432", text)
	ports := text
	if strings.Contains(text, ":") {
		var address string
		if address, ports, err = net.SplitHostPort(text); err != nil {
			return rule, wrong
		}
		if rule.address, err = netip.ParseAddr(address); err != nil {
			return rule, wrong
		}
		rule.address = rule.address.WithZone("").Unmap()
	}
	first, last, isRange := strings.Cut(ports, "-")
	if !isRange {
		last = first
	}
	a, errA := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
	b, errB := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
	if errA != nil || errB != nil || a == 0 || b < a {
		return rule, wrong
	}
	rule.first, rule.last = int(a), int(b)
	return rule, nil
}
