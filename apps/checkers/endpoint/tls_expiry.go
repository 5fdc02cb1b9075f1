package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// TLSExpiry looks at the certificates of servers: for how many days they hold, and whether clients would take them at all.
type TLSExpiry struct {
	Clock clock.Clock // nil: the system's
}

var _ checkers.Checker = TLSExpiry{}

// TLSExpiryConfig are the settings of the tls_expiry check.
type TLSExpiryConfig struct {
	Host       string         `json:"host" jsonschema:"description=The server: host or host:port."`
	Port       checkers.Count `json:"port" jsonschema:"description=For hosts without one. 0: 443 or with starttls 25 (smtp) and 143 (imap)."`
	Targets    Targets        `json:"targets" jsonschema:"description=More servers: host:port or objects with settings over these."`
	Name       string         `json:"name" jsonschema:"description=What to call it in messages. Empty: its address."`
	ServerName string         `json:"server_name" jsonschema:"description=The name to ask for and to find in the certificate. Empty: that of host."`
	StartTLS   string         `json:"starttls" jsonschema:"enum=none,enum=smtp,enum=imap,description=How TLS begins."`
	SkipVerify bool           `json:"skip_verify" jsonschema:"description=Look at the days only: neither at the issuer nor at the name."`
	CAPEM      string         `json:"ca_pem" jsonschema:"description=Certificates of authorities to trust in place of the system's as PEM."`
}

func tlsDefaults() TLSExpiryConfig { return TLSExpiryConfig{Targets: Targets{}, StartTLS: "none"} }

// Validate implements checkers.Validator.
func (c *TLSExpiryConfig) Validate() error {
	_, err := c.all()
	return err
}

func (c *TLSExpiryConfig) all() ([]TLSExpiryConfig, error) {
	if c.Host != "" {
		if _, err := c.address(); err != nil {
			return nil, err
		}
	}
	if starttlsPorts[c.StartTLS] == 0 {
		return nil, errors.New("starttls: want none, smtp or imap")
	}
	if c.ServerName != "" {
		if err := checkHost(c.ServerName); err != nil {
			return nil, fmt.Errorf("server_name: %w", err)
		}
	}
	if err := checkCA(c.CAPEM); err != nil {
		return nil, err
	}
	base := *c
	base.Targets = nil
	return each(base, c.Host != "", "host", c.Targets)
}

func (c *TLSExpiryConfig) address() (string, error) {
	port := int(c.Port)
	if port == 0 {
		port = starttlsPorts[c.StartTLS]
	}
	address, err := hostPort(c.Host, port)
	if err != nil {
		return "", fmt.Errorf("host: %w", err)
	}
	return address, nil
}

// Spec implements checkers.Checker.
func (TLSExpiry) Spec() checkers.Spec {
	warning, critical := 30.0, 7.0
	return checkers.Spec{
		Name: "tls_expiry", Doc: "For how many days the certificates of servers hold, and whether clients trust them.", Unit: "days",
		Warning: &warning, Critical: &critical, Inverted: true, Endpoint: true, Config: tlsDefaults(),
	}
}

// Check implements checkers.Checker.
func (t TLSExpiry) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	c, err := checkers.Settings(in, tlsDefaults())
	if err != nil {
		return checkers.Finding{}, err
	}
	targets, err := c.all()
	if err != nil {
		return checkers.Finding{}, err
	}
	now := clock.System()
	if t.Clock != nil {
		now = t.Clock
	}
	return lookAt(ctx, in, targets, func(ctx context.Context, target TLSExpiryConfig) outcome { return target.look(ctx, in, now) }), nil
}

func (c *TLSExpiryConfig) look(ctx context.Context, in checkers.Input, now clock.Clock) outcome {
	o := outcome{target: c.Name, metrics: map[string]any{"up": false}}
	address, err := c.address()
	if err != nil {
		o.status, o.message = checkers.Unknown, err.Error()
		return o
	}
	if o.target == "" {
		o.target = address
	}
	watch := clock.Start()
	state, err := c.shake(ctx, in, address)
	if state == nil {
		o.status, o.message = trouble(ctx, err)
		return o
	}
	o.latency = max(watch.Elapsed(), 1)
	o.metrics["up"], o.metrics["tls_version"] = true, tls.VersionName(state.Version)
	p := papers{chain: state.PeerCertificates, name: c.ServerName, now: now.Now(), roots: rootsOf(c.CAPEM)}
	if p.name == "" {
		p.name, _, _ = net.SplitHostPort(address)
	}
	p.look()
	p.fill(o.metrics)
	o.status, o.message = p.judge(in, !c.SkipVerify)
	return o
}

// shake connects and returns what the server shows of itself, also when it ends the handshake for want of a certificate of ours.
func (c *TLSExpiryConfig) shake(ctx context.Context, in checkers.Input, address string) (*tls.ConnectionState, error) {
	conn, err := dial(ctx, in, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer closeAt(ctx, conn)()
	if err := startTLS(conn, c.StartTLS); err != nil {
		return nil, err
	}
	name := c.ServerName
	if name == "" {
		name, _, _ = net.SplitHostPort(address)
	}
	var seen *tls.ConnectionState
	client := tls.Client(conn, &tls.Config{
		ServerName:         strings.TrimSuffix(name, "."),
		InsecureSkipVerify: true, //nolint:gosec // to look at certificates is the purpose, bad ones too; papers verifies them, and nothing is sent
		VerifyConnection: func(s tls.ConnectionState) error {
			seen = &s
			return nil
		},
	})
	err = client.HandshakeContext(ctx)
	if err == nil {
		s := client.ConnectionState()
		seen = &s
	}
	if seen == nil || len(seen.PeerCertificates) == 0 {
		if err == nil {
			err = errors.New("it shows no certificate")
		}
		return nil, err
	}
	return seen, nil
}
