package endpoint_test

import (
	"crypto/x509"
	"io"
	"log" //nolint:depguard // net/http.Server wants one
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/endpoint"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

func TestHTTPUnreachable(t *testing.T) {
	t.Parallel()
	deaf := serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	asked := func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }
	garbage := serve(t, func(c net.Conn) {
		asked(c)
		_, _ = io.WriteString(c, "\x00\x01garbage\r\n\r\n")
	})
	header := serve(t, func(c net.Conn) {
		asked(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for range 100 {
			time.Sleep(20 * time.Millisecond)
			if _, err := io.WriteString(c, "X-Slow: y\r\n"); err != nil {
				return
			}
		}
	})
	huge := serve(t, func(c net.Conn) {
		asked(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("y", 200<<10)+"\r\n\r\n")
	})
	closing := serve(t, asked)
	unasked := serve(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 mail ready\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	for name, tt := range map[string]struct{ url, message string }{
		"nobody":       {"http://" + nobody(t), "refused: nothing listens there"},
		"no such name": {"http://nothing.invalid", "name"},
		"deaf":         {"http://" + deaf, "no answer within 300ms"},
		"garbage":      {"http://" + garbage, "it answers, but not with HTTP"},
		"unasked":      {"http://" + unasked, "it answers, but not with HTTP"},
		"slow header":  {"http://" + header, "no answer within 300ms"},
		"huge header":  {"http://" + huge, "header"},
		"closing":      {"http://" + closing, "closed before there was an answer"},
		"no TLS":       {"https://" + garbage, "it answers, but not with TLS"},
		"plain to TLS": {"https://" + strings.TrimPrefix(site(t).URL, "http://"), "it answers, but not with TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := map[string]any{"url": tt.url}
			if strings.Contains(tt.message, "300ms") {
				config["timeout"] = 0.3
			}
			r := expect(t, endpoint.HTTP{}, config, checkers.Critical, tt.message)
			if r.Metrics["up"] != false || r.Metrics["status_code"] != nil {
				t.Errorf("%v", r.Metrics)
			}
		})
	}
}

func TestHTTPCertificates(t *testing.T) {
	t.Parallel()
	today := time.Now()
	ca := issue(t, nil, func(c *x509.Certificate) {
		authority("our CA", today.AddDate(1, 0, 0))(c)
		c.NotBefore = today.AddDate(0, -1, 0)
	})
	cert := func(from, to time.Time, names ...string) *httptest.Server {
		p := issue(t, ca, func(c *x509.Certificate) { c.NotBefore, c.NotAfter, c.DNSNames = from, to, names })
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
		s.TLS, s.EnableHTTP2 = p.shows(), true
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	good := cert(today.AddDate(0, -1, 0), today.AddDate(0, 0, 20).Add(time.Hour), "localhost")
	old := cert(today.AddDate(0, -1, 0), today.AddDate(0, 0, -3), "localhost")
	other := cert(today.AddDate(0, -1, 0), today.AddDate(0, 0, 20), "a.example", "b.example", "c.example", "d.example")
	local := func(s *httptest.Server) string { return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) }
	for name, tt := range map[string]struct {
		config  map[string]any
		status  checkers.Status
		message string
	}{
		"trusted":        {map[string]any{"url": local(good), "ca_pem": ca.pem(), "expect_body": "HTTP/2.0"}, checkers.OK, "answers 200"},
		"not trusted":    {map[string]any{"url": local(good)}, checkers.Critical, "the certificate's issuer is not trusted"},
		"taken anyway":   {map[string]any{"url": local(good), "skip_verify": true}, checkers.OK, "answers 200"},
		"expired":        {map[string]any{"url": local(old), "ca_pem": ca.pem()}, checkers.Critical, "the certificate has expired or is not valid yet"},
		"another's name": {map[string]any{"url": local(other), "ca_pem": ca.pem()}, checkers.Critical, "the certificate is for a.example, b.example, c.example and 2 more, not for localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := expect(t, endpoint.HTTP{Clock: clock.At(today)}, tt.config, tt.status, tt.message)
			if tt.status == checkers.OK && (r.Metrics["cert_days"] != 20 || r.Metrics["tls_version"] != "TLS 1.3" || r.Metrics["tls_ms"] == 0.0) {
				t.Errorf("%v", r.Metrics)
			}
		})
	}
}
