package host

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// ListeningPorts checks that nothing listens but what is meant to: TCP ports, in the network namespace of the hub.
type ListeningPorts struct {
	Allow []string // LISTENING_PORTS_ALLOWLIST, where a check's own settings have none
}

var _ checkers.Checker = ListeningPorts{}

// ListeningPortsConfig are its settings.
type ListeningPortsConfig struct {
	Allowlist PortRules `json:"allowlist" jsonschema:"description=Ports that may listen: 22 or 8000-8100 or 127.0.0.1:5432. With a list every other port is a warning; without one every port that others can reach."`
}

// Ports beyond these are counted, not listed.
const (
	portsListed = 100
	portsNamed  = 10
)

// Spec implements checkers.Checker.
func (l ListeningPorts) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "listening_ports", Doc: "TCP ports that listen without being on the list of those that may.", Config: l.defaults(),
	}
}

func (l ListeningPorts) defaults() ListeningPortsConfig {
	return ListeningPortsConfig{Allowlist: append(PortRules{}, l.Allow...)}
}

// Check implements checkers.Checker.
func (l ListeningPorts) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, l.defaults())
	if err != nil {
		return checkers.Finding{}, err
	}
	rules, err := cfg.Allowlist.parse()
	if err != nil {
		return checkers.Finding{}, fmt.Errorf("allowlist: %w", err)
	}
	all, users := listeners(in.Sample), userNames(ctx, in)
	listed, unexpected, names := []map[string]any{}, []map[string]any{}, []string{}
	for _, p := range all {
		p.fillUser(users)
		bad := p.beyond()
		if len(rules) > 0 {
			bad = slices.ContainsFunc(p.addresses, func(a netip.Addr) bool { return !rules.allow(a, p.port) })
		}
		if len(listed) < portsListed {
			listed = append(listed, p.metrics())
		}
		if bad {
			names = append(names, p.String())
			if len(unexpected) < portsListed {
				unexpected = append(unexpected, p.metrics())
			}
		}
	}
	f := checkers.Finding{Status: checkers.OK, Metrics: map[string]any{
		"listening_count": len(all), "unexpected_count": len(names), "ports": listed, "unexpected": unexpected, "allowlist": cfg.Allowlist,
	}}
	switch {
	case len(names) == 0 && len(rules) > 0:
		f.Message = fmt.Sprintf("nothing listens that is not on the list (ports in all: %d)", len(all))
	case len(names) == 0:
		f.Message = fmt.Sprintf("nothing listens beyond loopback (ports in all: %d)", len(all))
	case len(rules) > 0:
		f.Status, f.Message = checkers.Warning, "listening, but not on the list: "+someOf(names, portsNamed)
	default:
		f.Status, f.Message = checkers.Warning, "listening beyond loopback: "+someOf(names, portsNamed)
	}
	return f, nil
}

// listener is one port of one process, on all its addresses.
type listener struct {
	port      int
	addresses []netip.Addr
	pid, uid  int
	process   string // "" when it cannot be read
	user      string
}

func (p *listener) beyond() bool {
	return slices.ContainsFunc(p.addresses, func(a netip.Addr) bool { return !a.IsLoopback() })
}

// String names it by its process and user, never by a command line: that may hold a secret.
func (p *listener) String() string {
	process := p.process
	if process == "" {
		process = "process not readable"
	}
	return fmt.Sprintf("%d (%s, %s)", p.port, process, p.user)
}

func (p *listener) metrics() map[string]any {
	addresses := make([]string, len(p.addresses))
	for i, a := range p.addresses {
		addresses[i] = a.String()
	}
	return map[string]any{"port": p.port, "addresses": addresses, "process": p.process, "pid": p.pid, "user": p.user, "loopback": !p.beyond()}
}

func (p *listener) fillUser(names map[int]string) {
	if p.user != "" {
		return
	}
	if p.user = names[p.uid]; p.user == "" {
		p.user = "user " + strconv.Itoa(p.uid)
	}
}

// listeners lists what listens, by port, one for each port and process.
func listeners(s *host.Sample) []*listener {
	processes := make(map[int]*host.Process, len(s.Processes))
	for i := range s.Processes {
		processes[s.Processes[i].PID] = &s.Processes[i]
	}
	var all []*listener
	for _, sock := range s.Sockets {
		if sock.State != "LISTEN" {
			continue
		}
		i := slices.IndexFunc(all, func(p *listener) bool { return p.port == sock.Port && p.pid == sock.PID && p.uid == sock.UID })
		if i < 0 {
			p := &listener{port: sock.Port, pid: sock.PID, uid: sock.UID}
			if owner := processes[sock.PID]; owner != nil {
				p.process, p.user = owner.Name, owner.User
			}
			i, all = len(all), append(all, p)
		}
		if a := addressOf(sock.Local); !slices.Contains(all[i].addresses, a) {
			all[i].addresses = append(all[i].addresses, a)
		}
	}
	slices.SortStableFunc(all, func(a, b *listener) int {
		if a.port != b.port {
			return a.port - b.port
		}
		return strings.Compare(a.process, b.process)
	})
	return all
}

// addressOf reads a local address. What is none ("*", "") is every address.
func addressOf(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return a.WithZone("").Unmap()
}

// userNames reads the names of users by their numbers.
func userNames(ctx context.Context, in checkers.Input) map[int]string {
	names := map[int]string{}
	raw, err := in.Probe.Read(ctx, "/etc/passwd")
	if err != nil {
		return names // the numbers will do
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.SplitN(line, ":", 4)
		if len(f) < 4 {
			continue
		}
		if uid, err := strconv.Atoi(f[2]); err == nil && names[uid] == "" {
			names[uid] = f[0]
		}
	}
	return names
}
