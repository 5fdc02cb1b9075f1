package local

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// netResolver asks each name server of the host for a name that needs no other server. Any answer will do.
func netResolver(ctx context.Context, l *look) []finding {
	servers := l.b.Resolvers[:min(4, len(l.b.Resolvers))]
	answers := make([]host.Answer, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() {
			answers[i] = l.lookup(ctx, s, "localhost")
			if answers[i].Error == "timeout" && ctx.Err() == nil { // a lost packet is no broken server
				answers[i] = l.probe.Lookup(ctx, s, "localhost")
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil { // it was not given its time
		return nil
	}
	var bad []host.Answer
	for _, a := range answers {
		if !answered(a) {
			bad = append(bad, a)
		}
	}
	var found []finding
	for i, a := range bad {
		f := resolverFinding(a, len(bad), len(servers), a.Server == servers[0])
		if i > 0 {
			f.score--
		}
		if away(a.Server) && cutOff(ctx, l) { // no server can be reached without a link: that is the cause
			f.score = min(f.score, abnormal-5)
			f.sure = .4
		}
		found = append(found, f)
	}
	return found
}

// answered reports whether a name server said anything: that it knows no such name is an answer.
func answered(a host.Answer) bool {
	switch a.Error {
	case "", "no such host":
		return true
	case "timeout", "refused", "unreachable", "reset":
		return false
	}
	return !strings.Contains(a.Error, "unreachable") && !strings.Contains(a.Error, "refused") && !strings.Contains(a.Error, "no route") &&
		!strings.Contains(a.Error, "server failure") && !strings.Contains(a.Error, "not permitted")
}

func away(server string) bool { return !loops(serverIP(server)) }

func serverIP(server string) string {
	if ip := machine(server); ip != "" {
		return strings.SplitN(ip, "%", 2)[0]
	}
	return server
}

// cutOff reports whether a link is down and no other carries the host.
func cutOff(ctx context.Context, l *look) bool {
	links := downLinks(ctx, l)
	return slices.ContainsFunc(links, func(i *host.Interface) bool { return !i.Loopback && !otherUp(l, i) })
}

func resolverFinding(a host.Answer, bad, all int, first bool) finding {
	server := clean(a.Server, 80)
	f := finding{
		class: "resolver", kind: providers.Network, score: hurting + 5, share: float64(bad) / float64(all), sure: .9,
		culprit: providers.Culprit{Kind: "resolver", Name: server, Address: server, Path: "/etc/resolv.conf"},
		about: []string{
			"dns", "resolver", "resolve", "resolving", "resolution", "name resolution", "nameserver", "lookup", "lookups", "hostname", "no such host", "names",
			"name server",
		},
		details: map[string]any{"server": server, "error": clean(a.Error, 200), "servers": all, "servers_broken": bad},
	}
	how := "gives no answer within 1 s"
	if a.Error != "timeout" {
		how = "fails: " + clean(a.Error, 120)
	}
	f.title = "Resolver broken: name server " + server
	f.description = fmt.Sprintf("The DNS resolver %s of /etc/resolv.conf %s.", server, how)
	switch {
	case bad == all && all > 1:
		f.description += fmt.Sprintf(" None of the %d name servers answers: no name can be resolved.", all)
	case bad == all:
		f.description += " It is the only one: no name can be resolved."
	default:
		f.score = abnormal
		f.description += fmt.Sprintf(" %d of %d name servers still answer.", all-bad, all)
		if first {
			f.score = abnormal + 6
			f.description += " It is the first one, so every lookup waits for it."
		}
	}
	q := quote(serverIP(a.Server))
	f.actions = []string{
		"dig +time=1 +tries=1 @" + q + " localhost; nc -vzu -w 1 " + q + " 53",
		"cat /etc/resolv.conf; resolvectl status --no-pager; ip route get " + q,
	}
	if loops(serverIP(a.Server)) {
		f.actions = append(f.actions, "ss -lunp 'sport = :53'; systemctl status systemd-resolved dnsmasq unbound named --no-pager")
	}
	f.actions = append(f.actions, "After a look: bring the name server back, or name one that answers in /etc/resolv.conf (or where that file is made).")
	return f
}
