package endpoint

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
)

// starttlsPorts are the ports of the ways to begin TLS.
var starttlsPorts = map[string]int{"none": 443, "smtp": 25, "imap": 143}

// errNoStartTLS is the answer of a server that speaks the protocol without TLS, or another protocol.
var errNoStartTLS = errors.New("it offers no STARTTLS")

// startTLS asks a server in its own protocol to begin TLS: RFC 3207 for SMTP, RFC 9051 (6.2.1) for IMAP.
func startTLS(conn net.Conn, how string) error {
	if how == "none" {
		return nil
	}
	// The server says nothing after its last word until we begin TLS, so that nothing of the handshake is lost in the buffer.
	s := lines{r: bufio.NewReader(io.LimitReader(conn, maxAnswer)), w: conn}
	if how == "imap" {
		return s.imap()
	}
	return s.smtp()
}

type lines struct {
	r *bufio.Reader
	w io.Writer
}

func (l *lines) line() (string, error) {
	text, err := l.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}

func (l *lines) smtp() error {
	for _, step := range []struct{ say, want string }{{"", "220"}, {"EHLO incidenthub.invalid\r\n", "250"}, {"STARTTLS\r\n", "220"}} {
		if _, err := io.WriteString(l.w, step.say); err != nil {
			return err
		}
		for {
			text, err := l.line()
			if err != nil {
				return err
			}
			if !strings.HasPrefix(text, step.want) {
				return errNoStartTLS
			}
			if len(text) < 4 || text[3] != '-' { // the last of several lines
				break
			}
		}
	}
	return nil
}

func (l *lines) imap() error {
	greeting, err := l.line()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(greeting, "* OK") {
		return errNoStartTLS
	}
	if _, err := io.WriteString(l.w, "a1 STARTTLS\r\n"); err != nil {
		return err
	}
	for {
		text, err := l.line()
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(text, "a1 OK"):
			return nil
		case !strings.HasPrefix(text, "*"):
			return errNoStartTLS
		}
	}
}
