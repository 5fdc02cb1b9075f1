package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

type healthCmd struct {
	Server  string        `placeholder:"URL" help:"Address of the hub (HUB_SERVER, default: this machine at the port of HUB_LISTEN)."`
	Timeout time.Duration `default:"5s" help:"How long to wait for the answer."`
}

// Help implements kong.HelpProvider.
func (healthCmd) Help() string {
	return `Asks /healthz, for health checks of containers that have no shell. It needs no key. The exit code is 0 when the hub takes alerts in, else 1.
A worker listens on no address and cannot be asked; work that nobody does makes the servers unhealthy.

Examples:

    incidenthub health
    incidenthub health --server http://hub.lan:8080 --timeout 2s`
}

// Run implements the command.
func (c healthCmd) Run(ctx context.Context, p *Program) error {
	if c.Timeout <= 0 {
		return errors.New("--timeout must be more than 0")
	}
	base, err := c.address(p)
	if err != nil {
		return err
	}
	client, err := httpclient.New(httpclient.Config{
		Allow: []string{"0.0.0.0/0", "::/0"}, // whoever runs it says where the hub is
		// Only the status counts.
		MaxResponse: 4 << 10, Timeout: c.Timeout, UserAgent: "incidenthub-cli",
	})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("healthz").String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("write the request: %w", fault.StripURL(err))
	}
	res, err := client.Do(ctx, req)
	switch {
	case err != nil:
		return fmt.Errorf("no hub answers at %s: %s", base.Host, fault.Public(err))
	case res.Status != http.StatusOK:
		return fmt.Errorf("the hub at %s is not healthy: %d %s; its log says why", base.Host, res.Status, http.StatusText(res.Status))
	}
	p.say("healthy")
	return nil
}

// address is where to ask. A hub that listens on all interfaces is asked on the loopback one.
func (c healthCmd) address(p *Program) (*url.URL, error) {
	given := firstOf(c.Server, p.Getenv("HUB_SERVER"))
	if given == "" {
		cfg, err := config.Load(p.Getenv, nil)
		if err != nil {
			return nil, err
		}
		host, port, err := net.SplitHostPort(cfg.Server.Listen)
		if err != nil || port == "0" {
			return nil, fmt.Errorf("HUB_LISTEN=%q does not say at which port the hub answers; use --server", cfg.Server.Listen)
		}
		if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
			host = "127.0.0.1"
			if ip != nil && ip.To4() == nil {
				host = "::1"
			}
		}
		given = "http://" + net.JoinHostPort(host, port)
	}
	base, err := url.Parse(strings.TrimRight(given, "/"))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.User != nil {
		return nil, errors.New("--server must be an address like http://127.0.0.1:8080, without user and password")
	}
	return base, nil
}
