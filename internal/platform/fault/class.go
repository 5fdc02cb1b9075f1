package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
)

// The words of Class. Besides these there are http_<status> and whatever WithClass or a Classed error says.
const (
	ClassTimeout     = "timeout"         // a deadline passed, ours or the network's
	ClassCanceled    = "canceled"        // the caller gave up, mostly at shutdown
	ClassDNS         = "dns"             // the name did not resolve, or not in time
	ClassRefused     = "refused"         // nothing listens there
	ClassReset       = "reset"           // the other side dropped the connection
	ClassUnreachable = "unreachable"     // no route to the host or network
	ClassTLS         = "tls"             // handshake or certificate
	ClassBlocked     = "blocked_address" // our own address guard said no (platform/httpclient)
	ClassDiskFull    = "disk_full"       // no space or quota left
	ClassTooManyFDs  = "too_many_files"  // this process or machine is out of file descriptors
	ClassPermission  = "permission"      // the operating system refused access
	ClassOther       = "error"           // none of the above
)

// Classed is implemented by error types that know their own class: lower case, digits and underscores, at most 40
// characters, from a small fixed set, never text from outside.
type Classed interface {
	error
	FaultClass() string
}

// WithClass marks err with a class of the caller's own, "pg_40001" say. WithClass(nil, …) is nil.
func WithClass(err error, class string) error {
	if err == nil {
		return nil
	}
	return &classError{err: err, class: class}
}

// HTTPClass returns the class of an answer with that status: "http_503".
func HTTPClass(status int) string { return "http_" + strconv.Itoa(status) }

// Class returns one short stable word for err, fit for metrics labels, rows and logs; "" for nil.
func Class(err error) string {
	var (
		classed Classed
		dns     *net.DNSError
		netErr  net.Error
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &classed):
		return classed.FaultClass()
	case errors.Is(err, context.Canceled):
		return ClassCanceled
	case errors.As(err, &dns):
		return ClassDNS
	case isTLS(err):
		return ClassTLS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &netErr) && netErr.Timeout():
		return ClassTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return ClassRefused
	case isAny(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed):
		return ClassReset
	case isAny(err, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL):
		return ClassUnreachable
	case isAny(err, syscall.ENOSPC, syscall.EDQUOT):
		return ClassDiskFull
	case isAny(err, syscall.EMFILE, syscall.ENFILE):
		return ClassTooManyFDs
	case errors.Is(err, os.ErrPermission):
		return ClassPermission
	default:
		return ClassOther
	}
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

func isTLS(err error) bool {
	var (
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

type classError struct {
	err   error
	class string
}

func (m *classError) Error() string      { return m.err.Error() }
func (m *classError) Unwrap() error      { return m.err }
func (m *classError) FaultClass() string { return m.class }
