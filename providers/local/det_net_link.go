package local

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// netLink finds network interfaces that are down and should not be: with addresses, but switched off or without a link.
func netLink(ctx context.Context, l *look) []finding {
	var found []finding
	for _, i := range downLinks(ctx, l) {
		found = append(found, linkFinding(l, i))
	}
	return found
}

// downLinks are the interfaces to blame. Bridges of containers and machines have no carrier while nothing is plugged into them.
func downLinks(ctx context.Context, l *look) []*host.Interface {
	var out []*host.Interface
	for k := range l.b.Interfaces {
		i := &l.b.Interfaces[k]
		if i.Up && i.Carrier || bridge(ctx, l, i) {
			continue
		}
		addressed := slices.ContainsFunc(i.Addresses, func(a string) bool { return !strings.HasPrefix(a, "fe80:") })
		switch {
		case i.Loopback && !i.Up:
		case i.Loopback: // some kernels show no carrier on it
			continue
		case addressed:
		case wentDown(l, i):
		case lonely(l, i):
		default:
			continue
		}
		out = append(out, i)
	}
	return out
}

// wentDown reports whether an interface was up, or had an address, at the first look.
func wentDown(l *look, i *host.Interface) bool {
	k := slices.IndexFunc(l.a.Interfaces, func(o host.Interface) bool { return o.Name == i.Name })
	return k >= 0 && l.a.Interfaces[k].Up && l.a.Interfaces[k].Carrier
}

// lonely reports whether an interface that is down is all that could reach anything: no other one but loopback is up. Only one that has
// carried something, or stands for a device, counts: kernels make some that nobody uses.
func lonely(l *look, i *host.Interface) bool {
	if i.Kind != "physical" && i.RxBytes+i.TxBytes == 0 {
		return false
	}
	return !slices.ContainsFunc(l.b.Interfaces, func(o host.Interface) bool { return !o.Loopback && o.Up && o.Carrier })
}

func bridge(ctx context.Context, l *look, i *host.Interface) bool {
	for _, s := range []string{"docker", "br-", "virbr", "lxcbr", "lxdbr", "cni", "podman", "vmnet", "vboxnet", "ifb", "tun", "tap", "wg", "bond-", "sit", "ip6tnl", "flannel"} {
		if strings.HasPrefix(i.Name, s) {
			return true
		}
	}
	if strings.ContainsAny(i.Name, "/") {
		return true
	}
	_, err := l.probe.List(ctx, "/sys/class/net/"+i.Name+"/bridge")
	return err == nil
}

func linkFinding(l *look, i *host.Interface) finding {
	name := clean(i.Name, 40)
	f := finding{
		class: "link_down", kind: providers.Network, score: hurting + 8, share: 1, sure: .9,
		culprit: providers.Culprit{Kind: "interface", Name: name},
		about: []string{
			"link", "link down", "interface", "nic", "carrier", "cable", "unreachable", "network down", "network", "no route", "connectivity", "down",
		},
		details: map[string]any{"interface": name, "up": i.Up, "carrier": i.Carrier, "addresses": i.Addresses},
	}
	state := "it is switched off (administratively down)"
	if i.Up {
		state = "it is switched on but has no carrier: the cable, the other end or the virtual peer is down"
	}
	f.title = "Link down: interface " + name
	f.description = fmt.Sprintf("The link of network interface %s is down: %s.", name, state)
	if len(i.Addresses) > 0 {
		f.description += fmt.Sprintf(" Its addresses %s cannot be reached.", clean(list(i.Addresses, 3), 120))
	}
	if i.Loopback {
		f.score = hurting + 2
	}
	if i.Kind == "virtual" && !i.Loopback && otherUp(l, i) && !wentDown(l, i) { // others still carry the host
		f.score = abnormal + 3
	}
	q := quote(i.Name)
	f.actions = []string{
		"ip -s link show dev " + q + "; ip addr show dev " + q + "; ip route",
		"dmesg -T | grep -F -e " + q + " | tail -20; journalctl -u systemd-networkd -u NetworkManager --since -30min --no-pager | tail -30",
	}
	if i.Up {
		f.actions = append(f.actions, "ethtool "+q, "After a look: check the cable, the switch port or the peer of the virtual link.")
	} else {
		f.actions = append(f.actions, "After a look at why it was switched off: ip link set dev "+q+" up")
	}
	return f
}

func otherUp(l *look, i *host.Interface) bool {
	return slices.ContainsFunc(l.b.Interfaces, func(o host.Interface) bool {
		return o.Name != i.Name && !o.Loopback && o.Up && o.Carrier && len(o.Addresses) > 0
	})
}
