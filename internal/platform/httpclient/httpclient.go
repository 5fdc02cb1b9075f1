// Package httpclient makes every outgoing HTTP call of the hub: notifications, data sources, providers. One constructor
// gives them all the same timeout, size cap, address guard and reading of the answer.
//
// # Where it may go (RELIABILITY I27, section 4)
//
// The guard sees the address that is about to be dialled, after DNS, so that a name cannot resolve to something public
// when it is saved and to something private when it is used.
//
//   - Public addresses: always.
//   - Loopback, private, CGNAT and other special ranges: only if HUB_EGRESS_ALLOW lists the request's host name or the
//     address (host[:port] or CIDR[:port]; without a port all ports).
//   - Link-local and cloud metadata, unspecified, multicast, the hub's own listener: never, listed or not.
//
// There is no proxy from the environment, no redirect is followed (the 3xx is the answer), only http and https are
// spoken, and credentials in the URL are refused.
//
// # What a call costs at most
//
// Config.Timeout for all of it, connecting to the last byte of the answer; Config.MaxResponse bytes of body, more is left
// unread and the connection closed; 64 KiB of headers. Nothing is decompressed, so there are no bombs. One Do is at most
// one request on the wire: net/http's own replays of requests with a body are off, since the queue counts attempts.
// Connections are kept and shared (128 idle ones a host).
//
// # What the answer means
//
// Judge and Response.Err hold the one verdict table: 2xx done; 408, 425, 429 and 5xx but 501 again, heeding Retry-After;
// the rest permanent. Breaker keeps away from destinations that are down.
package httpclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// Defaults of Config.
const (
	DefaultTimeout     = 20 * time.Second // under the 30 s lease of the work that calls
	DefaultMaxResponse = 1 << 20
	DefaultUserAgent   = "incidenthub"
)

// Config of a Client.
type Config struct {
	Allow       []string      // HUB_EGRESS_ALLOW and SSRF_ALLOWED_HOSTS: host[:port] or CIDR[:port]
	Deny        []string      // the hub's own listeners, host:port; more through Client.Deny
	Timeout     time.Duration // for a whole call; a ctx may shorten it. 0: DefaultTimeout
	MaxResponse int64         // bytes of body that are read. 0: DefaultMaxResponse
	UserAgent   string        // where the request has none. "": DefaultUserAgent
	Clock       clock.Clock   // for Retry-After dates. nil: clock.System
}

// Client makes guarded calls. It is safe for concurrent use; one serves the whole process.
type Client struct {
	guard     *guard
	http      *http.Client
	transport *http.Transport
	dialer    net.Dialer
	timeout   time.Duration
	max       int64
	agent     string
	clock     clock.Clock
}

// Response is an answer, whatever its status.
type Response struct {
	Status    int
	Header    http.Header
	Body      []byte        // at most Config.MaxResponse bytes, as sent (not decompressed)
	Truncated bool          // there was, or may have been, more than Body
	BodyErr   error         // why the body ended early: connection or timeout, not the size cap
	Latency   time.Duration // from the call to the last byte read
	received  time.Time
}

// New returns a Client. It resolves, opens and starts nothing.
func New(c Config) (*Client, error) {
	g, err := newGuard(c.Allow)
	if err != nil {
		return nil, fmt.Errorf("httpclient: allow-list: %w", err)
	}
	client := &Client{
		guard: g, timeout: c.Timeout, max: c.MaxResponse, agent: c.UserAgent, clock: c.Clock,
		dialer: net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second},
	}
	for _, own := range c.Deny {
		if err := client.Deny(own); err != nil {
			return nil, err
		}
	}
	if client.timeout <= 0 {
		client.timeout = DefaultTimeout
	}
	if client.max <= 0 {
		client.max = DefaultMaxResponse
	}
	if client.agent == "" {
		client.agent = DefaultUserAgent
	}
	if client.clock == nil {
		client.clock = clock.System()
	}
	client.transport = &http.Transport{
		Proxy:                  nil, // none from the environment: it would dial for us, past the guard
		DialContext:            client.dial,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           1024,
		MaxIdleConnsPerHost:    128,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		// A dead HTTP/2 connection would swallow every call to its host until the system gives it up.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
	client.http = &http.Client{
		Transport:     client.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}

// Deny adds a listener of the hub itself to what is never called; the server does so once it knows its port.
func (c *Client) Deny(listener string) error {
	if err := c.guard.deny(listener); err != nil {
		return fmt.Errorf("httpclient: %w", err)
	}
	return nil
}

// Close closes idle connections; calls under way end as they would.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Do sends req, once, and reads the answer. Any status is a Response and no error; ask its Err or Verdict. Errors mean
// that no answer came: ErrBlocked and ErrBadURL (permanent), or the network's, which fault.Class can name. Their text
// holds no path, query or credential. req's own context is replaced by ctx; its body is always closed.
func (c *Client) Do(ctx context.Context, req *http.Request) (Response, error) {
	watch := clock.Start()
	if err := c.check(req.URL); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return Response{}, fault.Permanent(fmt.Errorf("call %s: %w", Destination(req.URL), err))
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r := req.WithContext(ctx)
	// With GetBody net/http would send a request that carries an Idempotency-Key again by itself, on every idle
	// connection in turn, when the server drops it.
	r.GetBody = nil
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header = r.Header.Clone()
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Set("User-Agent", c.agent)
	}
	resp, err := c.http.Do(r) //nolint:gosec // G704: going where it is told is the purpose; the guard in dial decides
	if err != nil {
		err = fault.StripURL(err)
		if errors.Is(err, ErrBlocked) {
			err = fault.Permanent(err)
		}
		return Response{}, err
	}
	out := Response{Status: resp.StatusCode, Header: resp.Header}
	out.Body, out.Truncated, out.BodyErr = readBody(resp, c.max)
	out.Latency = watch.Elapsed()
	out.received = c.clock.Now()
	return out, nil
}

// readBody reads at most limit bytes and closes the body. A body read to its end leaves the connection for the next call;
// one that is longer costs the connection rather than the time to drain it.
func readBody(resp *http.Response, limit int64) (body []byte, truncated bool, err error) {
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, true, nil // no body but an open connection
	}
	var buf bytes.Buffer
	if n := resp.ContentLength; n > 0 {
		buf.Grow(int(min(n, limit)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		err = fmt.Errorf("read answer: %w", err)
	}
	if n > limit {
		buf.Truncate(int(limit))
	}
	return buf.Bytes(), n > limit || err != nil, err
}

// DialContext opens a TCP connection for a protocol that is not HTTP, past the same guard: what is refused is ErrBlocked and permanent.
// Whoever asks sets the connection's deadlines.
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if errors.Is(err, ErrBlocked) {
		err = fault.Permanent(err)
	}
	return conn, err
}

// dial connects to what the guard allows of the addresses that the name has at this moment.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := c.dialer
	d.ControlContext = func(_ context.Context, network, resolved string, _ syscall.RawConn) error {
		addr, err := netip.ParseAddrPort(resolved)
		if err != nil || (network != "tcp4" && network != "tcp6") {
			return &BlockedError{Host: host, Reason: "not a TCP address", Never: true}
		}
		return c.guard.check(host, addr)
	}
	return d.DialContext(ctx, network, address)
}
