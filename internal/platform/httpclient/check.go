package httpclient

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// ErrBadURL is returned for a URL that is not called for its form, whatever address it leads to.
var ErrBadURL = errors.New("URL not usable")

// maxURL is the longest URL taken, in bytes.
const maxURL = 4096

// CheckURL looks at a URL before it is saved: form, scheme and, where the host is a literal address, the address guard.
// Names are not resolved: what they resolve to is checked when they are dialled, each time. Errors are ErrBadURL or
// ErrBlocked, tell the user what to change, and do not repeat the URL, which may hold a secret.
func (c *Client) CheckURL(raw string) error {
	if len(raw) > maxURL {
		return bad("longer than %d bytes", maxURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return bad("it cannot be read: write it as https://host/path, special characters percent-encoded")
	}
	return c.check(u)
}

func (c *Client) check(u *url.URL) error {
	if u == nil {
		return bad("there is none")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return bad("it must begin with http:// or https://")
	}
	if u.User != nil {
		return bad("a user name or password before the host is not taken: send credentials as a header")
	}
	host, port := u.Hostname(), u.Port()
	if u.Opaque != "" || host == "" {
		return bad("it has no host")
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strings.HasSuffix(u.Host, ":") {
		return bad("the port must be a number from 1 to 65535")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return c.guard.check(ip.WithZone("").String(), netip.AddrPortFrom(ip, uint16(n)))
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if err := checkName(name); err != nil {
		return bad("%w", err)
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") { // RFC 6761: loopback, whatever DNS says
		return c.guard.check(name, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(n)))
	}
	return nil
}

// checkName takes DNS names and refuses what some resolver might read as an address: 0x7f.1, 2130706433, 0177.0.0.1,
// 127.1 (the "ends in a number" rule of the WHATWG URL standard), and letters that fold to ASCII ones.
func checkName(name string) error {
	if name == "" || len(name) > 253 {
		return errors.New("the host must have 1 to 253 characters")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return errors.New("the host has an empty or too long part between its dots")
		}
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_' {
			return errors.New("the host may hold letters, digits, '-', '_' and '.' only: write other names in their xn-- form")
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == "" {
		return errors.New("the host looks like an unusual spelling of an address: write it as 192.0.2.1 or [2001:db8::1]")
	}
	return nil
}

func bad(format string, args ...any) error {
	return fault.Permanent(fmt.Errorf("%w: "+format, append([]any{ErrBadURL}, args...)...))
}

// Destination names where a URL leads, as a key for breakers and metrics: host:port in lower case, the port always there.
// For nil it is "nowhere".
func Destination(u *url.URL) string {
	if u == nil {
		return "nowhere"
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port)
}

// CheckAddress looks at an address that a name has resolved to, for connections that are not made by Do. Its error is ErrBlocked.
func (c *Client) CheckAddress(host string, address netip.AddrPort) error {
	return c.guard.check(host, address)
}

// Listed reports whether the allow-list has the host of u, by its name or as the address that it is. Public hosts that nobody listed are
// called all the same, but only an operator of the machine can list one.
func (c *Client) Listed(u *url.URL) bool {
	host, port, err := net.SplitHostPort(Destination(u))
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	addr := netip.AddrPortFrom(plain(ip), uint16(n))
	return slices.ContainsFunc(c.guard.rules, func(r rule) bool { return r.matches(host, addr) })
}
