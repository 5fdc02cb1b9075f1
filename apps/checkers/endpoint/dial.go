package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
)

// dial connects to host:port. An address that this check may not connect to is a refusal.
func dial(ctx context.Context, in checkers.Input, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err == nil {
			err = in.CheckAddress(host, to)
		}
		if err != nil {
			return &refusal{err}
		}
		return nil
	}}
	return d.DialContext(ctx, network, address)
}

// refusal is our own no, said before anything was sent.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// trouble says what a failed connection means: critical, or unknown where the target was not even asked.
func trouble(ctx context.Context, err error) (checkers.Status, string) {
	var (
		refused *refusal
		dns     *net.DNSError
		none    timeoutError
		web     *url.Error // net/http's, with the URL in its text
	)
	if errors.As(err, &web) {
		err = web.Err
	}
	if errors.As(err, &refused) {
		return checkers.Unknown, refused.Error()
	}
	class := fault.Class(err)
	switch {
	case errors.As(context.Cause(ctx), &none):
		return checkers.Critical, none.Error()
	case ctx.Err() != nil:
		return checkers.Unknown, "the check was stopped"
	case errors.As(err, &dns) && dns.IsNotFound:
		return checkers.Critical, "the name does not resolve"
	case class == fault.ClassDNS:
		return checkers.Critical, "the name could not be resolved: the name server fails"
	case class == fault.ClassTimeout:
		return checkers.Critical, "no answer in time"
	case class == fault.ClassRefused:
		return checkers.Critical, "refused: nothing listens there"
	case class == fault.ClassReset:
		return checkers.Critical, "the connection was closed before there was an answer"
	case class == fault.ClassUnreachable:
		return checkers.Critical, "there is no route to it"
	case notHTTP(err):
		return checkers.Critical, "it answers, but not with HTTP"
	case class == fault.ClassTLS, isAlert(err):
		return checkers.Critical, tlsTrouble(err)
	case class == fault.ClassTooManyFDs, class == fault.ClassPermission:
		return checkers.Unknown, "this machine cannot connect: " + short(err.Error())
	default:
		return checkers.Critical, short(err.Error())
	}
}

// tlsTrouble says why there is no TLS.
func tlsTrouble(err error) string {
	var (
		record  tls.RecordHeaderError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		alert   *net.OpError
	)
	switch {
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "it answers, but not with TLS"
	case errors.As(err, &name):
		return "the certificate is for " + namesOf(name.Certificate) + ", not for " + short(name.Host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate has expired or is not valid yet"
	case errors.As(err, &unknown):
		if unknown.Cert != nil && selfSigned(unknown.Cert) {
			return "the certificate is self-signed"
		}
		return "the certificate's issuer is not trusted"
	case errors.As(err, &alert) && isAlert(err):
		return "it ended the TLS handshake: " + short(alert.Err.Error())
	default:
		return "no TLS: " + short(err.Error())
	}
}

// notHTTP: net/http could make nothing of an answer, or it came before the question. There are no types for it.
func notHTTP(err error) bool {
	text := err.Error()
	return strings.Contains(text, "malformed HTTP") || strings.Contains(text, "malformed MIME") || strings.Contains(text, "readLoopPeekFailLocked")
}

// isAlert: the other side said in TLS why it goes away. crypto/tls has no type for it.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// short makes a text from elsewhere one that may be shown.
func short(text string) string {
	return new(redact.Redactor).Short(fault.Public(errors.New(text)), 300)
}

// hostPort reads "host", "host:port", "[v6]:port" or a plain IPv6 address; port is used where the text has none.
func hostPort(text string, port int) (address string, err error) {
	host := strings.TrimSpace(text)
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		host = ip.String()
	} else if h, p, err := net.SplitHostPort(host); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", errors.New("want a port from 1 to 65535")
		}
		host, port = h, int(n)
	}
	if err := checkHost(host); err != nil {
		return "", err
	}
	if port < 1 || port > 65535 {
		return "", errors.New("want a port from 1 to 65535")
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

var errNoHost = errors.New("want a host name or an address")

// checkHost takes names and addresses, and nothing that could be more than that.
func checkHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if host == "" || len(host) > 253 {
		return errNoHost
	}
	for _, r := range host {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_' {
			return fmt.Errorf("%w; other letters in their xn-- form", errNoHost)
		}
	}
	return nil
}
