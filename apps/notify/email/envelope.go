package email

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// envelope hands one mail over, to as many recipients as the server takes.
type envelope struct {
	client *smtp.Client
	from   string
	raw    []byte

	taken    int       // recipients that have it
	said     string    // by the server, when it took the mail
	refused  []refusal // for good
	deferred []refusal // not now
}

type refusal struct {
	recipient string
	err       error
}

// send tells the server all recipients and hands the mail over for those that it takes. One that is refused does not keep the mail from the
// others. Those that the server put off ("too many recipients") are tried again in the same session as long as that gets on. The error is
// what stopped it all.
func (e *envelope) send(recipients []string) error {
	for len(recipients) > 0 {
		before := e.taken
		e.deferred = nil
		if err := e.round(recipients); err != nil {
			return err
		}
		if e.taken == before {
			break
		}
		recipients = recipients[:0:0]
		for _, r := range e.deferred {
			recipients = append(recipients, r.recipient)
		}
	}
	return nil
}

func (e *envelope) round(recipients []string) error {
	if err := e.client.Mail("<" + e.from + ">"); err != nil {
		return e.stopped(recipients, in("name the sender "+e.from, err))
	}
	taken := 0
	for _, to := range recipients {
		err := e.client.Rcpt("<" + to + ">")
		switch c := code(err); {
		case err == nil:
			taken++
		case c == 421 || c == 0: // the server goes, or is gone
			return e.stopped(recipients, in("name the recipient "+to, err))
		case temporary(c) || c == 552: // 552 was "too many recipients" once (RFC 5321 4.5.3.1.10)
			e.deferred = append(e.deferred, refusal{to, err})
		default:
			e.refused = append(e.refused, refusal{to, err})
		}
	}
	if taken == 0 {
		_ = e.client.Reset()
		return nil
	}
	said, err := e.data()
	if err != nil {
		return e.stopped(recipients, err)
	}
	e.taken += taken
	e.said = said
	return nil
}

// stopped is what an error means for recipients that a session did not come to: others may have the mail already.
func (e *envelope) stopped(recipients []string, err error) error {
	if e.taken == 0 {
		return err
	}
	e.deferred = nil
	for _, to := range recipients {
		if !slices.ContainsFunc(e.refused, func(r refusal) bool { return r.recipient == to }) {
			e.deferred = append(e.deferred, refusal{to, err})
		}
	}
	return nil
}

func (e *envelope) data() (said string, err error) {
	w, err := e.client.Data()
	if err != nil {
		return "", in("hand the mail over", err)
	}
	if _, err := w.Write(e.raw); err != nil {
		return "", in("hand the mail over", err)
	}
	if err := w.Close(); err != nil {
		return "", in("hand the mail over", err)
	}
	if d, ok := w.(*smtp.DataCloser); ok {
		said = d.ServerResponse()
	}
	return said, nil
}

// result is what an attempt came to.
func (c *Channel) result(e *envelope, err error) channel.Result {
	left := append(e.refused, e.deferred...) //nolint:gocritic // the envelope is done with
	switch {
	case err != nil:
		return c.judge(err)
	case e.taken == 0:
		worst := left[0]
		if len(e.deferred) > 0 { // somebody may get it later
			worst = e.deferred[0]
		}
		r := c.judge(in("name the recipient "+worst.recipient, worst.err))
		r.Response = c.wire.Redact.Answer([]byte(list(left)))
		return r
	}
	r := channel.Result{Verdict: channel.Done, Status: 250, Response: c.wire.Redact.Answer([]byte(e.said))}
	if len(left) > 0 {
		r.Class = classPartly
		r.Error = c.wire.Redact.Text(fmt.Sprintf("not taken for %d of %d recipients, %s among them", len(left), len(left)+e.taken, left[0].recipient))
		r.Response = c.wire.Redact.Answer([]byte("sent to " + strconv.Itoa(e.taken) + " (" + strings.TrimSpace(e.said) + "), not taken for:\n" + list(left)))
	}
	return r
}

func list(refusals []refusal) string {
	var b strings.Builder
	for _, r := range refusals {
		fmt.Fprintf(&b, "%s: %s\n", r.recipient, channel.VisibleLine(words(r.err)))
	}
	return b.String()
}

// words are an error's, those of a server as it said them.
func words(err error) string {
	answer, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return err.Error()
	}
	doing := ""
	if s, ok := errors.AsType[*step](err); ok {
		doing = s.doing + ": "
	}
	return doing + strconv.Itoa(answer.Code) + " " + answer.Msg
}

// judge says what an error means: 4xx again, 5xx never, and without a code as for every connection.
func (c *Channel) judge(err error) channel.Result {
	answer, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return c.wire.Failed(err)
	}
	class := fault.WithClass(err, "smtp_"+strconv.Itoa(answer.Code))
	if !temporary(answer.Code) {
		class = fault.Permanent(class)
	}
	r := c.wire.Failed(class)
	r.Status = answer.Code
	r.Error = c.wire.Redact.Text(channel.VisibleLine(words(err)))
	r.Response = c.wire.Redact.Answer([]byte(strconv.Itoa(answer.Code) + " " + answer.Msg))
	return r
}
