//go:build linux

package inject

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/internal/faults/play"
	"github.com/incidenthub/incidenthub/internal/faults/score"
)

const kindNetwork = "network"

func networkFaults() []Fault {
	return []Fault{
		{Name: "nothing listens", Type: kindNetwork, titles: []string{"Connection refused", "Service unreachable", "Network alert"}, make: nothingListens},
		{Name: "listens elsewhere", Type: kindNetwork, titles: []string{"Connection refused", "Service unreachable", "Network alert"}, make: listensElsewhere},
		{Name: "accept queue full", Type: kindNetwork, titles: []string{"Connections time out", "Service accepts no connections", "Network alert"}, make: acceptQueue},
		{Name: "CLOSE_WAIT pile", Type: kindNetwork, titles: []string{"Too many connections", "Connections in CLOSE_WAIT", "Network alert"}, make: closeWait},
		{Name: "slow answer", Type: kindNetwork, titles: []string{"Slow responses", "Request latency high", "Network alert"}, make: slowAnswer},
		{Name: "resolver broken", Type: kindNetwork, Root: true, titles: []string{"Name resolution fails", "DNS errors", "Network alert"}, make: resolverBroken},
		{Name: "link down", Type: kindNetwork, Root: true, titles: []string{"Network link down", "Network unreachable", "Network alert"}, make: linkDown},
	}
}

// target are labels that say what is watched, in one of the ways that people have.
func (s *Stage) target(host string, port int) map[string]string {
	p := strconv.Itoa(port)
	return pick(s.rand,
		map[string]string{"url": "http://" + net.JoinHostPort(host, p) + "/health"},
		map[string]string{"host": host, "port": p},
		map[string]string{"url": "http://" + net.JoinHostPort(host, p)},
	)
}

func local(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

func nothingListens(ctx context.Context, s *Stage) (Scene, error) {
	port, err := s.port(ctx)
	if err != nil {
		return Scene{}, err
	}
	if _, err := s.actor(play.Role{Kind: "retry", Address: local(port), Every: 300 * time.Millisecond}); err != nil {
		return Scene{}, err
	}
	scene := of(score.Truth{Type: kindNetwork, Ports: []int{port}, Cause: []string{`listen|refused`}})
	scene.Target = s.target("127.0.0.1", port)
	return scene, nil
}

// listensElsewhere is on another address than the one that is watched, or on another port, with the name of the service said.
func listensElsewhere(ctx context.Context, s *Stage) (Scene, error) {
	port, err := s.port(ctx)
	if err != nil {
		return Scene{}, err
	}
	watched, at, expected, name := "127.0.0.1", "127.0.0.2:"+strconv.Itoa(port), port, s.name()
	switch own := ownAddress(); {
	case own != "" && s.rand.IntN(3) == 0:
		watched, at = own, local(port)
	case s.rand.IntN(2) == 0:
		if expected, err = s.port(ctx); err != nil {
			return Scene{}, err
		}
		at = local(port)
	}
	a, err := s.start(name, play.Role{Kind: "web", Address: at}, how{})
	if err != nil {
		return Scene{}, err
	}
	s.remark("at %s, not %s:%d", at, watched, expected)
	t := a.truth(kindNetwork, `listens? (only )?(on|at)|elsewhere|instead|other (address|port)|wrong (address|port)|bound to|only on`)
	t.Ports = []int{port, expected}
	scene := of(t)
	scene.Target = s.target(watched, expected)
	scene.Target[pick(s.rand, "service", "job")] = name
	return scene, nil
}

// ownAddress is one of this machine that others could reach, "" when there is none.
func ownAddress() string {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return ""
}

func acceptQueue(ctx context.Context, s *Stage) (Scene, error) {
	port, err := s.port(ctx)
	if err != nil {
		return Scene{}, err
	}
	backlog := pick(s.rand, 4, 8, 16, 64)
	a, err := s.actor(play.Role{Kind: "listen", Address: local(port), Count: backlog})
	if err != nil {
		return Scene{}, err
	}
	if _, err := s.actor(play.Role{Kind: "connect", Address: local(port), Count: backlog + s.between(8, 20)}); err != nil {
		return Scene{}, err
	}
	s.remark("backlog %d", backlog)
	t := a.truth(kindNetwork, `accept|queue|backlog`)
	t.Ports = []int{port}
	return of(t), nil
}

func closeWait(ctx context.Context, s *Stage) (Scene, error) {
	port, err := s.port(ctx)
	if err != nil {
		return Scene{}, err
	}
	n := s.between(60, 250)
	a, err := s.actor(play.Role{Kind: "closewait", Address: local(port), Count: n + 10})
	if err != nil {
		return Scene{}, err
	}
	if _, err := s.actor(play.Role{Kind: "retry", Address: local(port), Count: n, Every: time.Millisecond}); err != nil {
		return Scene{}, err
	}
	s.remark("%d connections", n)
	t := a.truth(kindNetwork, `close[_ -]?wait`)
	t.Ports = []int{port}
	return of(t), nil
}

func slowAnswer(ctx context.Context, s *Stage) (Scene, error) {
	port, err := s.port(ctx)
	if err != nil {
		return Scene{}, err
	}
	delay := s.some(2*time.Second, 5*time.Second)
	a, err := s.actor(play.Role{Kind: "slow", Address: local(port), Every: delay})
	if err != nil {
		return Scene{}, err
	}
	if _, err := s.actor(play.Role{Kind: "client", Address: "http://" + local(port) + "/", Every: 300 * time.Millisecond}); err != nil {
		return Scene{}, err
	}
	s.remark("%.1f s", delay.Seconds())
	t := a.truth(kindNetwork, `slow|latency|answer(s|ed)? (only )?(after|in|within)|takes|no (answer|reply|response|byte)|does not answer|timed? ?out`)
	t.Ports = []int{port}
	scene := of(t)
	scene.Target = s.target("127.0.0.1", port)
	return scene, nil
}

func (s *Stage) network() (prefix, device string) {
	return fmt.Sprintf("10.%d.%d", s.between(60, 200), s.between(1, 250)), pick(s.rand, "lan0", "ens7", "eth1", "wan0")
}

// resolverBroken is a name server where nobody listens, one that never answers, or an address that nobody has.
func resolverBroken(ctx context.Context, s *Stage) (Scene, error) {
	prefix, device := s.network()
	server := pick(s.rand, prefix+".1", prefix+".53", "127.0.0.53")
	n, err := s.newNamespace("nameserver " + server + "\n")
	if err != nil {
		return Scene{}, err
	}
	if _, err := s.cable(ctx, n, device, prefix); err != nil {
		return Scene{}, err
	}
	if server == "127.0.0.53" {
		if _, err := s.start(s.name(), play.Role{Kind: "swallow", Address: server + ":53"}, how{root: true, space: n}); err != nil {
			return Scene{}, err
		}
	}
	s.remark("name server %s", server)
	scene := of(score.Truth{
		Type: kindNetwork, Addresses: []string{server}, Paths: []string{"/etc/resolv.conf"}, Cause: []string{`resolver|name ?server|dns|name resolution`},
	})
	scene.Space = n
	return scene, nil
}

// linkDown is an interface with an address that was switched off, or whose other end was. Names are still resolved, by a server inside.
func linkDown(ctx context.Context, s *Stage) (Scene, error) {
	prefix, device := s.network()
	n, err := s.newNamespace("nameserver 127.0.0.53\n")
	if err != nil {
		return Scene{}, err
	}
	if _, err := s.start(s.name(), play.Role{Kind: "dns", Address: "127.0.0.53:53"}, how{root: true, space: n}); err != nil {
		return Scene{}, err
	}
	peer, err := s.cable(ctx, n, device, prefix)
	if err != nil {
		return Scene{}, err
	}
	if s.rand.IntN(2) == 0 {
		s.remark("switched off")
		err = n.ip(ctx, "link", "set", device, "down")
	} else {
		s.remark("no carrier")
		err = peer.ip(ctx, "link", "set", "up0", "down")
	}
	scene := of(score.Truth{Type: kindNetwork, Interfaces: []string{device}, Cause: []string{`\bdown\b|no carrier|no link|without (a )?link`}})
	scene.Space = n
	return scene, err
}
