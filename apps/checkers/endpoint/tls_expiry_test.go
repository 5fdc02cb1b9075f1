package endpoint_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/endpoint"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

func days(n int) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, n).Add(time.Hour) }
}

func TestTLSExpiry(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, authority("our CA", now.AddDate(5, 0, 0)))
	between := issue(t, ca, authority("between", now.AddDate(2, 0, 0)))
	ending := issue(t, ca, authority("ending", now.AddDate(0, 0, 5)))
	ended := issue(t, ca, authority("ended", now.AddDate(0, 0, -5)))
	leaf := func(issuer *paper, change func(*x509.Certificate)) *paper { return issue(t, issuer, change) }
	plain := serve(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 hello\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	mute := serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	clientCert := leaf(ca, nil).shows()
	clientCert.ClientAuth, clientCert.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
	for name, tt := range map[string]struct {
		address string
		config  map[string]any
		status  checkers.Status
		message string
	}{
		"well":             {serveTLS(t, leaf(ca, days(64)).shows()), nil, checkers.OK, "the certificate holds for 64 days, until 2026-08-04"},
		"exactly 30 days":  {serveTLS(t, leaf(ca, func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, 30) }).shows()), nil, checkers.OK, "holds for 30 days"},
		"less than 30":     {serveTLS(t, leaf(ca, days(29)).shows()), nil, checkers.Warning, "holds for 29 days"},
		"less than 7":      {serveTLS(t, leaf(ca, days(6)).shows()), nil, checkers.Critical, "holds for 6 days"},
		"other thresholds": {serveTLS(t, leaf(ca, days(12)).shows()), map[string]any{"warning_threshold": 14, "critical_threshold": 3}, checkers.Warning, "holds for 12 days"},
		"expired":          {serveTLS(t, leaf(ca, days(-3)).shows()), nil, checkers.Critical, "the certificate expired 2 days ago, on 2026-05-29"},
		"expired and more": {
			serveTLS(t, leaf(nil, func(c *x509.Certificate) { days(-3)(c); c.DNSNames, c.IPAddresses = []string{"other.example"}, nil }).shows()), nil, checkers.Critical,
			"expired 2 days ago, on 2026-05-29; clients will not take it: for other.example, not for 127.0.0.1; self-signed",
		},
		"not yet":           {serveTLS(t, leaf(ca, func(c *x509.Certificate) { c.NotBefore = now.AddDate(0, 0, 2) }).shows()), nil, checkers.Critical, "clients will not take it: not valid before 2026-06-03"},
		"self-signed":       {serveTLS(t, leaf(nil, days(64)).shows()), nil, checkers.Critical, "holds for 64 days, until 2026-08-04; clients will not take it: self-signed"},
		"own authority":     {serveTLS(t, leaf(issue(t, nil, authority("theirs", now.AddDate(1, 0, 0))), nil).shows()), nil, checkers.Critical, "the issuer theirs is not trusted, and the server sends no certificates in between"},
		"wrong name":        {serveTLS(t, leaf(ca, nil).shows()), map[string]any{"server_name": "other.example"}, checkers.Critical, "clients will not take it: for localhost, shop.example, 127.0.0.1, not for other.example"},
		"right name":        {serveTLS(t, leaf(ca, func(c *x509.Certificate) { c.IPAddresses = nil }).shows()), map[string]any{"server_name": "shop.example"}, checkers.OK, "holds for"},
		"chain":             {serveTLS(t, leaf(between, nil).shows(between)), nil, checkers.OK, "holds for 90 days"},
		"missing between":   {serveTLS(t, leaf(between, nil).shows()), nil, checkers.Critical, "the issuer between is not trusted, and the server sends no certificates in between"},
		"issuer ends first": {serveTLS(t, leaf(ending, nil).shows(ending)), nil, checkers.Critical, "the certificate of its issuer ending holds for 5 days"},
		"issuer ended":      {serveTLS(t, leaf(ended, nil).shows(ended)), nil, checkers.Critical, "its issuer ended has expired"},
		"not for servers":   {serveTLS(t, leaf(ca, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }).shows()), nil, checkers.Critical, "not valid for servers"},
		"days only":         {serveTLS(t, leaf(nil, days(64)).shows()), map[string]any{"skip_verify": true, "server_name": "other.example"}, checkers.OK, "holds for 64 days"},
		"days only, few":    {serveTLS(t, leaf(nil, days(5)).shows()), map[string]any{"skip_verify": true}, checkers.Critical, "holds for 5 days"},
		"asks for ours":     {serveTLS(t, clientCert), nil, checkers.OK, "holds for 90 days"},
		"garbage":           {plain, nil, checkers.Critical, "it answers, but not with TLS"},
		"mute":              {mute, map[string]any{"timeout": 0.2}, checkers.Critical, "no answer within 200ms"},
		"nobody":            {nobody(t), nil, checkers.Critical, "refused: nothing listens there"},
		"no certificate":    {serveTLS(t, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, io.EOF }}), nil, checkers.Critical, "it ended the TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := map[string]any{"host": tt.address, "ca_pem": ca.pem()}
			maps.Copy(config, tt.config)
			expect(t, endpoint.TLSExpiry{Clock: clock.At(now)}, config, tt.status, tt.message)
		})
	}
}

func TestTLSExpiryMetrics(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, authority("our CA", now.AddDate(5, 0, 0)))
	address := serveTLS(t, issue(t, ca, days(20)).shows())
	r := expect(t, endpoint.TLSExpiry{Clock: clock.At(now)}, map[string]any{"host": address, "ca_pem": ca.pem()}, checkers.Warning, "20 days")
	targets, _ := r.Metrics["targets"].(map[string]any)
	got, _ := targets[address].(map[string]any)
	delete(got, "latency_ms")
	want := map[string]any{
		"status": checkers.Warning, "message": "the certificate holds for 20 days, until 2026-06-21", "up": true, "tls_version": "TLS 1.3", "days_left": 20,
		"expires_at": "2026-06-21T13:00:00Z", "subject": "leaf", "issuer": "our CA", "names": "localhost, shop.example, 127.0.0.1", "self_signed": false,
		"verified": true, "problems": []string{}, "chain_length": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r.Metrics["days_left"] != 20 {
		t.Errorf("%v", r.Metrics)
	}
}

// dialogue speaks line by line and then TLS.
func dialogue(t *testing.T, c *tls.Config, greeting string, answers map[string]string) string {
	t.Helper()
	return serve(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, greeting)
		for {
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil {
				return
			}
			if _, err := io.WriteString(conn, answers[strings.TrimSpace(line)]); err != nil {
				return
			}
			if strings.Contains(line, "STARTTLS") {
				_ = tls.Server(conn, c).HandshakeContext(t.Context())
				return
			}
		}
	})
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, authority("our CA", now.AddDate(5, 0, 0)))
	c := issue(t, ca, nil).shows()
	const hello = "EHLO incidenthub.invalid"
	smtp := dialogue(t, c, "220-mail\r\n220 ready\r\n", map[string]string{hello: "250-mail\r\n250-STARTTLS\r\n250 SIZE 1\r\n", "STARTTLS": "220 go\r\n"})
	none := dialogue(t, c, "220 ready\r\n", map[string]string{hello: "250 mail\r\n", "STARTTLS": "502 no\r\n"})
	imap := dialogue(t, c, "* OK ready\r\n", map[string]string{"a1 STARTTLS": "* still\r\na1 OK go\r\n"})
	noIMAP := dialogue(t, c, "* OK ready\r\n", map[string]string{"a1 STARTTLS": "a1 BAD no\r\n"})
	chatter := serve(t, func(conn net.Conn) {
		for {
			if _, err := io.WriteString(conn, "220-and so on\r\n"); err != nil {
				return
			}
		}
	})
	endless := serve(t, func(conn net.Conn) {
		for {
			if _, err := conn.Write([]byte(strings.Repeat("x", 4096))); err != nil {
				return
			}
		}
	})
	for name, tt := range map[string]struct {
		address, how string
		status       checkers.Status
		message      string
	}{
		"smtp":           {smtp, "smtp", checkers.OK, "holds for 90 days"},
		"smtp without":   {none, "smtp", checkers.Critical, "it offers no STARTTLS"},
		"imap":           {imap, "imap", checkers.OK, "holds for 90 days"},
		"imap without":   {noIMAP, "imap", checkers.Critical, "it offers no STARTTLS"},
		"the other one":  {imap, "smtp", checkers.Critical, "it offers no STARTTLS"},
		"and vice versa": {smtp, "imap", checkers.Critical, "it offers no STARTTLS"},
		"endless lines":  {chatter, "smtp", checkers.Critical, "closed before"},
		"endless line":   {endless, "imap", checkers.Critical, "closed before"},
		"unknown":        {smtp, "ftp", checkers.Unknown, "starttls: want none, smtp or imap"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, endpoint.TLSExpiry{Clock: clock.At(now)}, map[string]any{"host": tt.address, "starttls": tt.how, "ca_pem": ca.pem()}, tt.status, tt.message)
		})
	}
}
