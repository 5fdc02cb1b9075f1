package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// Network checks whether other hosts can be reached.
type Network struct {
	reach reacher // nil: over the network
}

var _ checkers.Checker = Network{}

// NetworkConfig are its settings.
type NetworkConfig struct {
	Hosts checkers.Texts   `json:"hosts" jsonschema:"description=Names or addresses of the hosts."`
	Count checkers.Count   `json:"ping_count" jsonschema:"description=Echo requests to each host; one answer is enough.,minimum=1"`
	Ports []checkers.Count `json:"ports" jsonschema:"description=TCP ports that are tried where a host does not answer an echo request within a second\\, or this process may not send one. A refused connection is an answer too."`
}

// Validate implements checkers.Validator.
func (c *NetworkConfig) Validate() error {
	switch {
	case c.Count < 1 || c.Count > 20:
		return errors.New("ping_count: want 1 to 20")
	case len(c.Hosts) > 100:
		return errors.New("hosts: want at most 100")
	case len(c.Ports) < 1 || len(c.Ports) > 10:
		return errors.New("ports: want 1 to 10")
	}
	for _, p := range c.Ports {
		if p < 1 || p > 65535 {
			return errors.New("ports: want 1 to 65535")
		}
	}
	for _, h := range c.Hosts {
		if len(h) > 253 || strings.ContainsAny(h, "/ ") {
			return fmt.Errorf("hosts: %.80q is neither a name nor an address", h)
		}
	}
	return nil
}

func networkDefaults() NetworkConfig {
	return NetworkConfig{Hosts: checkers.Texts{"8.8.8.8", "1.1.1.1"}, Count: 1, Ports: []checkers.Count{443, 53, 80}}
}

// Spec implements checkers.Checker.
func (Network) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "network", Doc: "Whether other hosts can be reached.", Unit: "%", Warning: at(70), Critical: at(50), Inverted: true,
		Timeout: 5 * time.Second, Metric: "reachable_percent", Config: networkDefaults(),
	}
}

// reached is what came of one host.
type reached struct {
	by      string // icmp, tcp/443, udp/53
	latency time.Duration
	err     error // nil: it answered
}

// reacher tries to reach a host until ctx ends.
type reacher func(ctx context.Context, in *checkers.Input, host string, cfg NetworkConfig) reached

// atOnce is how many hosts are tried at once.
const atOnce = 32

// Check implements checkers.Checker.
func (n Network) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, networkDefaults())
	if err != nil {
		return checkers.Finding{}, err
	}
	reach := n.reach
	if reach == nil {
		reach = overNetwork
	}
	limit, cancel := context.WithTimeout(ctx, in.Timeout)
	defer cancel()
	got := make([]reached, len(cfg.Hosts))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, h := range cfg.Hosts {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			got[i] = reach(limit, &in, h, cfg)
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return checkers.Finding{}, ctx.Err()
	}
	return reachability(in, cfg, got)
}

// reachability sums up.
func reachability(in checkers.Input, cfg NetworkConfig, got []reached) (checkers.Finding, error) {
	hosts := map[string]any{}
	answered := 0
	var fastest time.Duration
	var lost []string
	for i, h := range cfg.Hosts {
		r := got[i]
		if errors.Is(r.err, errRefused) {
			return checkers.Finding{}, r.err
		}
		if r.err != nil {
			hosts[h] = map[string]any{"reachable": false, "latency_ms": nil, "by": "", "error": r.err.Error()}
			lost = append(lost, fmt.Sprintf("%s (%v)", h, r.err))
			continue
		}
		hosts[h] = map[string]any{"reachable": true, "latency_ms": milliseconds(r.latency), "by": r.by}
		if answered++; fastest == 0 || r.latency < fastest {
			fastest = r.latency
		}
	}
	all := len(cfg.Hosts)
	metrics := map[string]any{"hosts": hosts, "reachable_count": answered, "total_hosts": all, "reachable_percent": 100.0}
	if all == 0 {
		return checkers.Finding{Status: checkers.OK, Message: "No hosts to look for", Metrics: metrics}, nil
	}
	percent := checkers.Percent(float64(answered), float64(all))
	metrics["reachable_percent"] = checkers.Round(percent, 1)
	f := checkers.Finding{Status: in.JudgeInverted(percent), Metrics: metrics}
	f.Message = fmt.Sprintf("%d of %s reachable", answered, count(all, "host"))
	if answered > 0 {
		f.Message += fmt.Sprintf(", fastest in %g ms", milliseconds(fastest))
	}
	if len(lost) > 0 {
		f.Message += "; not reachable: " + strings.Join(lost, ", ")
	}
	return f, nil
}

func milliseconds(d time.Duration) float64 {
	return checkers.Round(float64(d)/float64(time.Millisecond), 2)
}
