package channeltest

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// SMTP is a real mail server in the test process. Its fields are set before Start.
type SMTP struct {
	SSL             bool   // encrypted from the first byte
	NoStartTLS      bool   // offers no encryption
	Username        string // who may send; "" is anybody
	Password        string
	InsecureAuth    bool                  // offers logins that show the password without encryption
	MaxRecipients   int                   // of one mail; more are put off
	OnHello, OnMail func(n int) error     // n counts from 1; a connection that becomes encrypted greets twice
	OnRecipient     func(to string) error // nil takes it
	OnData          func(n int) error     // after the mail has arrived
	ResetAfterData  bool                  // takes the mail and drops the connection without an answer
	HangAfterData   bool                  // takes the mail and says nothing
	DropQuit        bool                  // drops the connection at QUIT

	Host, Port string
	Allow      string // the allow-list entry that lets the guarded client connect
	CA         string // the certificate of its authority, PEM

	gone chan struct{}
	mu   sync.Mutex
	got  []Mail
	n    struct{ connects, hellos, mails, datas int }
}

// Mail is one that it took.
type Mail struct {
	From string
	To   []string // of the envelope
	Helo string
	Raw  []byte
}

// Refusal is an answer of a mail server, as errors of SMTP's functions.
func Refusal(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: text}
}

// Start starts a server that ends with the test.
func (s *SMTP) Start(tb testing.TB) *SMTP {
	tb.Helper()
	s.gone = make(chan struct{})
	lent := httptest.NewTLSServer(nil) // for its certificate of 127.0.0.1
	s.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: lent.Certificate().Raw}))
	config := &tls.Config{Certificates: lent.TLS.Certificates, MinVersion: tls.VersionTLS12}
	lent.Close()

	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain, server.ErrorLog = "mail.test", silent{}
	server.MaxMessageBytes, server.MaxRecipients = 8<<20, s.MaxRecipients
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	server.AllowInsecureAuth = s.InsecureAuth
	if !s.SSL && !s.NoStartTLS {
		server.TLSConfig = config
	}
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.Allow = l.Addr().String()
	if s.Host, s.Port, err = net.SplitHostPort(s.Allow); err != nil {
		tb.Fatal(err)
	}
	l = &counting{Listener: l, s: s}
	if s.SSL {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	tb.Cleanup(func() {
		close(s.gone)
		_ = server.Close()
		<-done
	})
	return s
}

// Settings are those of an e-mail channel that sends through the server, without a brace at the end.
func (s *SMTP) Settings() string {
	ca := strconv.Quote(s.CA) // PEM has line breaks and nothing else to escape
	mode := `,"use_tls":true,"ca_certificate":` + ca
	switch {
	case s.SSL:
		mode = `,"use_ssl":true,"ca_certificate":` + ca
	case s.NoStartTLS:
		mode = `,"use_tls":false`
	}
	if s.Username != "" {
		mode += `,"username":"` + s.Username + `","password":"` + s.Password + `"`
	}
	return `{"smtp_host":"` + s.Host + `","smtp_port":` + s.Port + mode
}

// Mails are those that it took, in order.
func (s *SMTP) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// Connects counts the connections.
func (s *SMTP) Connects() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n.connects
}

// count counts one up and asks what to do about it.
func (s *SMTP) count(n *int, ask func(int) error) error {
	s.mu.Lock()
	*n++
	now := *n
	s.mu.Unlock()
	if ask == nil {
		return nil
	}
	return ask(now)
}

func (s *SMTP) session(c *smtp.Conn) (smtp.Session, error) {
	if err := s.count(&s.n.hellos, s.OnHello); err != nil {
		return nil, err
	}
	return &smtpSession{s: s, conn: c, known: s.Username == ""}, nil
}

type smtpSession struct {
	s     *SMTP
	conn  *smtp.Conn
	known bool
	mail  Mail
}

func (x *smtpSession) Reset()        { x.mail = Mail{} }
func (x *smtpSession) Logout() error { return nil }

func (x *smtpSession) AuthMechanisms() []string {
	if x.s.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (x *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != x.s.Username || password != x.s.Password {
			return smtp.ErrAuthFailed
		}
		x.known = true
		return nil
	}), nil
}

func (x *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	if !x.known {
		return smtp.ErrAuthRequired
	}
	x.mail = Mail{From: from, Helo: x.conn.Hostname()}
	return x.s.count(&x.s.n.mails, x.s.OnMail)
}

func (x *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if x.s.OnRecipient != nil {
		if err := x.s.OnRecipient(to); err != nil {
			return err
		}
	}
	x.mail.To = append(x.mail.To, to)
	return nil
}

func (x *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := x.s.count(&x.s.n.datas, x.s.OnData); err != nil {
		return err
	}
	x.mail.Raw = bytes.Clone(raw)
	x.s.mu.Lock()
	x.s.got = append(x.s.got, x.mail)
	x.s.mu.Unlock()
	switch {
	case x.s.ResetAfterData:
		reset(x.conn.Conn())
		return errors.New("gone")
	case x.s.HangAfterData:
		<-x.s.gone
	}
	return nil
}

// silent is a smtp.Logger.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// reset drops a connection with RST instead of FIN.
func reset(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

type counting struct {
	net.Listener
	s *SMTP
}

// Accept implements net.Listener.
func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	_ = c.s.count(&c.s.n.connects, nil)
	if c.s.DropQuit {
		return &quitDropper{conn}, nil
	}
	return conn, nil
}

type quitDropper struct{ net.Conn }

// Read implements net.Conn.
func (q *quitDropper) Read(p []byte) (int, error) {
	n, err := q.Conn.Read(p)
	if bytes.HasPrefix(p[:max(n, 0)], []byte("QUIT")) {
		reset(q.Conn)
		return 0, net.ErrClosed
	}
	return n, err
}

// Talk is a TCP server that does what talk does on each connection; gone ends when the test does.
func Talk(tb testing.TB, talk func(conn net.Conn, gone <-chan struct{})) (host, port, allow string) {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	gone := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				talk(conn, gone)
			})
		}
	})
	tb.Cleanup(func() {
		close(gone)
		_ = l.Close()
		wg.Wait()
	})
	allow = l.Addr().String()
	host, port, err = net.SplitHostPort(allow)
	if err != nil {
		tb.Fatal(err)
	}
	return host, port, allow
}
