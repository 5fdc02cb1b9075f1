package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// TCP connects to services, and may send them something and look at what they answer.
type TCP struct{}

var _ checkers.Checker = TCP{}

// maxAnswer is how much of an answer is looked at.
const maxAnswer = 64 << 10

// TCPConfig are the settings of the tcp check.
type TCPConfig struct {
	Address string         `json:"address" jsonschema:"description=Where to connect to: host:port."`
	Host    string         `json:"host" jsonschema:"description=In place of address together with port."`
	Port    checkers.Count `json:"port" jsonschema:"description=For hosts and addresses without one."`
	Targets Targets        `json:"targets" jsonschema:"description=More to connect to: host:port or objects with settings over these."`
	Name    string         `json:"name" jsonschema:"description=What to call it in messages. Empty: its address."`
	Send    string         `json:"send" jsonschema:"description=To send once connected."`
	Expect  string         `json:"expect" jsonschema:"description=A text that must be in the first 64 KiB of the answer."`
}

// Validate implements checkers.Validator.
func (c *TCPConfig) Validate() error {
	_, err := c.all()
	return err
}

func (c *TCPConfig) all() ([]TCPConfig, error) {
	base := *c
	base.Targets = nil
	if c.Address != "" || c.Host != "" {
		if _, err := c.address(); err != nil {
			return nil, err
		}
	}
	return each(base, c.Address != "" || c.Host != "", "address", c.Targets)
}

func (c *TCPConfig) address() (string, error) {
	text := c.Address
	if text == "" {
		text = c.Host
	}
	address, err := hostPort(text, int(c.Port))
	if err != nil {
		return "", fmt.Errorf("address: %w", err)
	}
	return address, nil
}

// Spec implements checkers.Checker.
func (TCP) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "tcp", Doc: "Connects to TCP services and checks what they answer.", Unit: "ms", Endpoint: true, Config: TCPConfig{Targets: Targets{}},
	}
}

// Check implements checkers.Checker.
func (TCP) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	c, err := checkers.Settings(in, TCPConfig{Targets: Targets{}})
	if err != nil {
		return checkers.Finding{}, err
	}
	targets, err := c.all()
	if err != nil {
		return checkers.Finding{}, err
	}
	return lookAt(ctx, in, targets, func(ctx context.Context, t TCPConfig) outcome { return t.look(ctx, in) }), nil
}

func (c *TCPConfig) look(ctx context.Context, in checkers.Input) outcome {
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
	conn, err := dial(ctx, in, "tcp", address)
	if err != nil {
		o.status, o.message = trouble(ctx, err)
		return o
	}
	defer conn.Close()
	o.metrics["connect_ms"] = milliseconds(watch.Elapsed())
	n, err := c.talk(ctx, conn)
	elapsed := watch.Elapsed()
	o.metrics["received_bytes"] = n
	switch {
	case errors.Is(err, errUnexpected):
		o.status, o.message = checkers.Critical, fmt.Sprintf("answers with %d bytes without %.80q", n, c.Expect)
	case err != nil:
		o.status, o.message = trouble(ctx, err)
		o.message = "connected, but " + o.message
	default:
		o.latency, o.metrics["up"] = max(elapsed, 1), true
		o.message = fmt.Sprintf("connected in %.0f ms", elapsed.Seconds()*1000)
		if c.Expect != "" {
			o.message = fmt.Sprintf("answers as expected in %.0f ms", elapsed.Seconds()*1000)
		}
		o.status = slow(in, elapsed, &o.message)
	}
	return o
}

var errUnexpected = errors.New("the answer is not what was expected")

// talk sends and waits for what is expected; n is how much came.
func (c *TCPConfig) talk(ctx context.Context, conn net.Conn) (n int, err error) {
	defer closeAt(ctx, conn)()
	if c.Send != "" {
		if _, err := io.WriteString(conn, c.Send); err != nil {
			return 0, err
		}
	}
	if c.Expect == "" {
		return 0, nil
	}
	buf := make([]byte, maxAnswer)
	for n < len(buf) {
		k, err := conn.Read(buf[n:])
		n += k
		if bytes.Contains(buf[:n], []byte(c.Expect)) {
			return n, nil
		}
		switch {
		case err != nil && n > 0: // it ended, or says no more
			return n, errUnexpected
		case err != nil:
			return 0, err
		}
	}
	return n, errUnexpected
}

// closeAt makes reads and writes fail at the end of ctx, until the function it returns is called.
func closeAt(ctx context.Context, conn net.Conn) func() {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return func() { stop() }
}
