package fault_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

func dialErr(err error) error {
	return &url.Error{Op: "Post", URL: "https://x.example", Err: &net.OpError{Op: "dial", Err: err}}
}

func TestClass(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"nil":                {nil, ""},
		"unknown":            {errors.New("what"), "error"},
		"deadline":           {fmt.Errorf("send: %w", context.DeadlineExceeded), "timeout"},
		"net deadline":       {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "timeout"},
		"canceled":           {dialErr(context.Canceled), "canceled"},
		"refused":            {dialErr(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "refused"},
		"reset":              {dialErr(os.NewSyscallError("read", syscall.ECONNRESET)), "reset"},
		"closed half way":    {io.ErrUnexpectedEOF, "reset"},
		"no route":           {dialErr(syscall.EHOSTUNREACH), "unreachable"},
		"no such host":       {dialErr(&net.DNSError{Err: "no such host", IsNotFound: true}), "dns"},
		"dns timeout":        {dialErr(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), "dns"},
		"unknown authority":  {dialErr(x509.UnknownAuthorityError{}), "tls"},
		"wrong host":         {x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}, "tls"},
		"plain HTTP as TLS":  {tls.RecordHeaderError{Msg: "x"}, "tls"},
		"disk full":          {&os.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC}, "disk_full"},
		"no descriptors":     {dialErr(syscall.EMFILE), "too_many_files"},
		"not allowed":        {&os.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, "permission"},
		"own word":           {fmt.Errorf("a: %w", fault.WithClass(context.DeadlineExceeded, "pg_40001")), "pg_40001"},
		"marks do not hide":  {fault.Permanent(fault.RetryAfter(context.DeadlineExceeded, time.Second)), "timeout"},
		"HTTP status helper": {fault.WithClass(errBase, fault.HTTPClass(503)), "http_503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.Class(tt.err); got != tt.want {
				t.Errorf("Class(%v) = %q, want %q", tt.err, got, tt.want)
			}
		})
	}
}

// TestClassLive meets errors as the real stack makes them, not as this package imagines them.
func TestClassLive(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	for name, tt := range map[string]struct{ url, want string }{
		"refused":             {"http://127.0.0.1:1/", "refused"},
		"unknown certificate": {srv.URL, "tls"},
		"TLS to plain":        {strings.Replace(plainServer(t), "http:", "https:", 1), "tls"},
		"no such host":        {"http://does-not-exist.invalid/", "dns"},
	} {
		resp, err := client.Get(tt.url)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		if got := fault.Class(err); got != tt.want {
			t.Errorf("%s: Class(%v) = %q, want %q", name, err, got, tt.want)
		}
	}
}

func plainServer(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	return srv.URL
}
