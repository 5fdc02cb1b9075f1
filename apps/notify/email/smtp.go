package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// Limits of a session.
const (
	maxAnswers = 256 << 10 // bytes that a server may say in all
	goodbye    = 2 * time.Second
)

// The words of Result.Class besides smtp_<code> and those of every connection.
const (
	classPartly = "partly_refused" // done, but not for every recipient
	classNoTLS  = "no_starttls"
	classLogin  = "login"
	classTalk   = "too_much_answer"
)

var errTalk = fault.WithClass(errors.New("the mail server says too much"), classTalk)

// capped reads a bounded number of bytes.
type capped struct {
	net.Conn
	left int
}

// Read implements io.Reader.
func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalk
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// step is an error with what was under way.
type step struct {
	doing string
	err   error
}

func (e *step) Error() string { return e.doing + ": " + e.err.Error() }
func (e *step) Unwrap() error { return e.err }

func in(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &step{doing, err}
}

// deliver makes one attempt: connect, hand the mail over, say goodbye.
func (c *Channel) deliver(ctx context.Context, recipients []string, raw []byte) channel.Result {
	conn, err := c.wire.Client.DialContext(ctx, "tcp", c.settings.address)
	if err != nil {
		return c.judge(in("connect to the mail server", err))
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	r := c.session(ctx, conn, recipients, raw)
	if ctx.Err() != nil && r.Verdict == channel.Retry && r.Status == 0 {
		r.Class = fault.Class(ctx.Err())
	}
	return r
}

func (c *Channel) session(ctx context.Context, conn net.Conn, recipients []string, raw []byte) channel.Result {
	s, err := c.greet(ctx, conn)
	if err != nil {
		return c.judge(err)
	}
	e := envelope{client: s, from: c.settings.from.Address, raw: raw}
	err = e.send(recipients)
	quit(ctx, conn, s) // the mail is there or it is not: what becomes of the goodbye changes nothing
	return c.result(&e, err)
}

// greet connects as far as the mail itself: greeting, encryption, login.
func (c *Channel) greet(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	config := &tls.Config{ServerName: c.settings.Host, RootCAs: c.settings.roots, MinVersion: tls.VersionTLS12}
	var wire net.Conn = &capped{conn, maxAnswers}
	if c.settings.SSL {
		secure := tls.Client(wire, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
				err = fmt.Errorf("%w: the server does not speak TLS from the first byte on this port: use_ssl mostly goes with smtp_port 465", err)
			}
			return nil, in("encrypt the connection", err)
		}
		wire = secure
	}
	s, err := smtp.NewClient(wire, c.settings.Host)
	if err != nil {
		return nil, in("wait for the server's greeting", err)
	}
	s.SkipSMTPUTF8(true) // addresses are ASCII, and not every server behind this one takes it
	if err := s.Hello(c.helo(conn)); err != nil {
		return nil, in("greet the server", err)
	}
	if c.settings.tls {
		if ok, _ := s.Extension("STARTTLS"); !ok {
			return nil, fault.WithClass(fault.Permanent(errors.New("the mail server offers no STARTTLS, and nothing is sent unencrypted: "+
				"check smtp_port, or turn use_tls off where the network is trusted")), classNoTLS)
		}
		if err := s.StartTLS(config); err != nil {
			return nil, in("encrypt the connection", err)
		}
	}
	return s, c.login(s)
}

// helo is the name to greet with: the setting's, else the address of this end (RFC 5321 4.1.4).
func (c *Channel) helo(conn net.Conn) string {
	if c.settings.Helo != "" {
		return c.settings.Helo
	}
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	ip := net.ParseIP(host)
	switch {
	case err != nil || ip == nil:
		return "localhost"
	case ip.To4() == nil:
		return "[IPv6:" + host + "]"
	default:
		return "[" + host + "]"
	}
}

// login shows who we are, if there is a password. Over a connection that is not encrypted only in ways that do not show it.
func (c *Channel) login(s *smtp.Client) error {
	user, password := c.settings.Username, c.settings.Password
	if user == "" {
		return nil
	}
	offered, list := s.Extension("AUTH")
	_, encrypted := s.TLSConnectionState()
	encrypted = encrypted || c.settings.SSL
	ways := []struct {
		name string
		safe bool // without encryption
		auth smtp.Auth
	}{
		{"PLAIN", false, smtp.PlainAuth("", user, password, c.settings.Host, false)},
		{"LOGIN", false, smtp.LoginAuth(user, password, c.settings.Host, false)},
		{"SCRAM-SHA-256", true, smtp.ScramSHA256Auth(user, password)},
		{"SCRAM-SHA-1", true, smtp.ScramSHA1Auth(user, password)},
		{"CRAM-MD5", true, smtp.CRAMMD5Auth(user, password)},
	}
	names := strings.Fields(strings.ToUpper(list))
	for _, way := range ways {
		if slices.Contains(names, way.name) && (encrypted || way.safe) {
			return in("log in", s.Auth(way.auth))
		}
	}
	why := "the mail server offers no login: remove username and password, or check smtp_port"
	switch {
	case offered && encrypted:
		why = "the mail server offers no login that the hub knows: " + strings.Join(names, ", ")
	case offered:
		why = "the mail server offers only logins that would show the password; turn use_tls or use_ssl on"
	}
	return fault.WithClass(fault.Permanent(errors.New(why)), classLogin)
}

// quit is polite and brief.
func quit(ctx context.Context, conn net.Conn, s *smtp.Client) {
	ctx, cancel := context.WithTimeout(ctx, goodbye)
	defer cancel()
	if end, ok := ctx.Deadline(); ok && ctx.Err() == nil {
		_ = conn.SetDeadline(end)
		_ = s.Quit()
	}
}

// code is the number that a server answered with; 0 when it is no answer of a server.
func code(err error) int {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return answer.Code
	}
	return 0
}

// temporary: another try may go well.
func temporary(code int) bool { return code >= 400 && code <= 499 }
