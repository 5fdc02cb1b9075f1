package email_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/email"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func driver(c *httpclient.Client) channel.Driver { return email.New(c, nil) }

// addresses completes the settings of a test server.
const addresses = `,"from_address":"Hub <hub@example.com>","to_addresses":["ops@example.com"]}`

// open starts a server and opens a channel on it.
func open(t *testing.T, s *channeltest.SMTP, more string) (*channeltest.SMTP, channel.Channel) {
	t.Helper()
	s.Start(t)
	return s, channeltest.Open(t, driver(channeltest.Client(t, s.Allow)), s.Settings()+more)
}

// send makes an attempt in at most a while.
func send(t *testing.T, c channel.Channel, o channel.Outgoing, wait time.Duration) channel.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	return c.Send(ctx, o)
}

const long = time.Minute

// parts is a mail, taken apart.
type parts struct {
	header     mail.Header
	text, html string
	json       string
}

func read(t *testing.T, raw []byte) parts {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	p := parts{header: m.Header}
	p.read(t, m.Header.Get("Content-Type"), m.Body)
	return p
}

func (p *parts) read(t *testing.T, contentType string, body io.Reader) {
	t.Helper()
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(media, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			next, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p.read(t, next.Header.Get("Content-Type"), next)
		}
	}
	b, err := io.ReadAll(quotedprintable.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	switch media {
	case "text/plain":
		if p.html != "" {
			t.Error("the text comes after the HTML")
		}
		p.text = text
	case "text/html":
		p.html = text
	case "application/json":
		p.json = text
	default:
		t.Errorf("a part of the type %s", media)
	}
}

func decoded(t *testing.T, header string) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWays(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*channeltest.SMTP{
		"starttls":           {},
		"ssl":                {SSL: true},
		"plain":              {NoStartTLS: true},
		"starttls and login": {Username: "hub", Password: "canary-password"},
		"ssl and login":      {SSL: true, Username: "hub", Password: "canary-password"},
		"quit fails":         {NoStartTLS: true, DropQuit: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := open(t, s, addresses)
			o := channeltest.Rendered(t, c, channeltest.Notice())
			got := send(t, c, o, long)
			const id = "<01990000-0000-7000-8000-000000000001.1.0.01990000-0000-7000-8000-000000000002@example.com>"
			if got.Verdict != channel.Done || got.Status != 250 || got.ProviderRef != id || got.Error != "" || got.Class != "" {
				t.Fatalf("%+v", got)
			}
			mails := s.Mails()
			if len(mails) != 1 || mails[0].From != "hub@example.com" || !cmp.Equal(mails[0].To, []string{"ops@example.com"}) || mails[0].Helo != "[127.0.0.1]" {
				t.Fatalf("%+v", mails)
			}
			p := read(t, mails[0].Raw)
			for name, want := range map[string]string{
				"From": `"Hub" <hub@example.com>`, "To": "<ops@example.com>", "Subject": "[CRITICAL] DiskFull on db-1:9100", "Message-Id": id,
				"References": "<incident.01990000-0000-7000-8000-000000000001@example.com>", "X-Priority": "1", "Auto-Submitted": "auto-generated",
				"In-Reply-To": "<incident.01990000-0000-7000-8000-000000000001@example.com>", "Date": "Sun, 01 Mar 2026 10:01:00 +0000", "Mime-Version": "1.0",
				"X-Incidenthub-Event": "firing", "X-Incidenthub-Trace-Id": o.TraceID,
			} {
				if got := decoded(t, p.header.Get(name)); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if !strings.Contains(p.text, "Disk / on db-1 is 97% full") || !strings.Contains(p.html, "DiskFull on db-1:9100") || !json.Valid([]byte(p.json)) {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestSameBytes: every attempt is the same mail under the same id, and another event is another mail in the same thread.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	s, c := open(t, &channeltest.SMTP{NoStartTLS: true, OnData: func(n int) error {
		if n == 1 {
			return channeltest.Refusal(451, "greylisted, come back later")
		}
		return nil
	}}, addresses)
	o := channeltest.Rendered(t, c, channeltest.Enriched())
	if got := send(t, c, o, long); got.Verdict != channel.Retry || got.Class != "smtp_451" || got.Status != 451 {
		t.Fatalf("%+v", got)
	}
	again := o
	again.Unknown, again.Since = true, time.Unix(1, 0)
	for _, o := range []channel.Outgoing{o, again, channeltest.Rendered(t, c, channeltest.Resolved())} {
		if got := send(t, c, o, long); got.Verdict != channel.Done {
			t.Fatalf("%+v", got)
		}
	}
	m := s.Mails()
	if diff := cmp.Diff(string(m[0].Raw), string(m[1].Raw)); diff != "" {
		t.Errorf("the second attempt sent another mail:\n%s", diff)
	}
	first, end := read(t, m[0].Raw).header, read(t, m[2].Raw).header
	if first.Get("References") != end.Get("References") || end.Get("Subject") != "[RESOLVED] DiskFull on db-1:9100" || end.Get("X-Priority") != "3" {
		t.Errorf("the end: %+v", end)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	refuse := func(code int) func(int) error {
		return func(int) error { return channeltest.Refusal(code, "words of the server, canary-password") }
	}
	recipient := func(code int) func(string) error {
		return func(string) error { return channeltest.Refusal(code, "words") }
	}
	login := func(s *channeltest.SMTP) *channeltest.SMTP {
		s.Username, s.Password = "hub", "another-password"
		return s
	}
	for name, tt := range map[string]struct {
		s      *channeltest.SMTP
		want   channel.Verdict
		class  string
		status int
		wait   time.Duration
	}{
		"hello 421":         {&channeltest.SMTP{OnHello: refuse(421)}, channel.Retry, "smtp_421", 421, long},
		"hello 554":         {&channeltest.SMTP{OnHello: refuse(554)}, channel.Permanent, "smtp_554", 554, long},
		"sender 451":        {&channeltest.SMTP{OnMail: refuse(451)}, channel.Retry, "smtp_451", 451, long},
		"sender 553":        {&channeltest.SMTP{OnMail: refuse(553)}, channel.Permanent, "smtp_553", 553, long},
		"greylisted":        {&channeltest.SMTP{OnRecipient: recipient(450)}, channel.Retry, "smtp_450", 450, long},
		"no such mailbox":   {&channeltest.SMTP{OnRecipient: recipient(550)}, channel.Permanent, "smtp_550", 550, long},
		"data 452":          {&channeltest.SMTP{OnData: refuse(452)}, channel.Retry, "smtp_452", 452, long},
		"data 554":          {&channeltest.SMTP{OnData: refuse(554)}, channel.Permanent, "smtp_554", 554, long},
		"reset after data":  {&channeltest.SMTP{NoStartTLS: true, ResetAfterData: true}, channel.Retry, "reset", 0, long},
		"hang after data":   {&channeltest.SMTP{HangAfterData: true}, channel.Retry, "timeout", 0, 2 * time.Second},
		"wrong password":    {login(&channeltest.SMTP{}), channel.Permanent, "smtp_535", 535, long},
		"login in clear":    {login(&channeltest.SMTP{NoStartTLS: true, InsecureAuth: true}), channel.Permanent, "login", 0, long},
		"no login at all":   {login(&channeltest.SMTP{NoStartTLS: true}), channel.Permanent, "login", 0, long},
		"login is required": {&channeltest.SMTP{OnMail: refuse(530)}, channel.Permanent, "smtp_530", 530, long},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := addresses
			tt.s.Start(t)
			config := strings.Replace(tt.s.Settings(), "another-password", "canary-password", 1) + more
			c := channeltest.Open(t, driver(channeltest.Client(t, tt.s.Allow)), config)
			got := send(t, c, channeltest.Rendered(t, c, channeltest.Notice()), tt.wait)
			if got.Verdict != tt.want || got.Class != tt.class || got.Status != tt.status || got.Error == "" {
				t.Errorf("got %s %q %d, want %s %q %d: %+v", got.Verdict, got.Class, got.Status, tt.want, tt.class, tt.status, got)
			}
			if tt.s.Username != "" && strings.Contains(got.Error+got.Response, "canary-password") {
				t.Errorf("the password shows: %+v", got)
			}
			if tt.s.Connects() != 1 {
				t.Errorf("one attempt connected %d times", tt.s.Connects())
			}
		})
	}
}

// TestNothingUnencrypted: a server that takes away STARTTLS, or shows a certificate of somebody else, gets no mail.
func TestNothingUnencrypted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		s     *channeltest.SMTP
		from  string
		to    string
		hint  string
		class string
		want  channel.Verdict
	}{
		"no starttls":       {&channeltest.SMTP{NoStartTLS: true}, `"use_tls":false`, `"use_tls":true`, "offers no STARTTLS", "no_starttls", channel.Permanent},
		"of somebody else":  {&channeltest.SMTP{}, `"ca_certificate"`, `"helo":"x","ca_certificate"`, "certificate", "tls", channel.Retry},
		"ssl on plain port": {&channeltest.SMTP{}, `"use_tls":true`, `"use_ssl":true`, "smtp_port 465", "tls", channel.Retry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.s.Start(t)
			config := strings.Replace(tt.s.Settings(), tt.from, tt.to, 1)
			if name == "of somebody else" {
				at := strings.Index(config, `,"ca_certificate"`)
				config = config[:at]
			}
			c := channeltest.Open(t, driver(channeltest.Client(t, tt.s.Allow)), config+addresses)
			got := send(t, c, channeltest.Rendered(t, c, channeltest.Notice()), long)
			if got.Verdict != tt.want || got.Class != tt.class || !strings.Contains(got.Error, tt.hint) || len(tt.s.Mails()) != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestRecipients: who is refused does not keep the mail from the others, and is named.
func TestRecipients(t *testing.T) {
	t.Parallel()
	const five = `,"from_address":"hub@example.com","to_addresses":["a@example.com","b@example.com"],"cc":"c@example.com, D <d@example.com>","bcc":["e@example.com","A@example.com"]}`
	refuse := map[string]int{"b@example.com": 550, "d@example.com": 450}
	for name, tt := range map[string]struct {
		s     *channeltest.SMTP
		want  channel.Verdict
		class string
		sent  [][]string
		named []string
	}{
		"all": {&channeltest.SMTP{}, channel.Done, "", [][]string{{"a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com"}}, nil},
		"some refused": {&channeltest.SMTP{OnRecipient: func(to string) error {
			if code := refuse[to]; code != 0 {
				return channeltest.Refusal(code, "not here")
			}
			return nil
		}}, channel.Done, "partly_refused", [][]string{{"a@example.com", "c@example.com", "e@example.com"}}, []string{"b@example.com: 550 not here", "d@example.com: 450 not here"}},
		"too many at once": {&channeltest.SMTP{MaxRecipients: 2}, channel.Done, "", [][]string{
			{"a@example.com", "b@example.com"}, {"c@example.com", "d@example.com"}, {"e@example.com"},
		}, nil},
		"none, one for now": {&channeltest.SMTP{OnRecipient: func(to string) error {
			if to == "c@example.com" {
				return channeltest.Refusal(451, "later")
			}
			return channeltest.Refusal(550, "never")
		}}, channel.Retry, "smtp_451", nil, []string{"a@example.com: 550 never", "c@example.com: 451 later"}},
		"the server goes after some": {&channeltest.SMTP{MaxRecipients: 2, OnMail: func(n int) error {
			if n == 2 {
				return channeltest.Refusal(421, "closing")
			}
			return nil
		}}, channel.Done, "partly_refused", [][]string{{"a@example.com", "b@example.com"}}, []string{"c@example.com: ", "421 closing", "e@example.com: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := open(t, tt.s, five)
			got := send(t, c, channeltest.Rendered(t, c, channeltest.Notice()), long)
			if got.Verdict != tt.want || got.Class != tt.class {
				t.Errorf("%+v", got)
			}
			if partly := tt.class == "partly_refused"; tt.want == channel.Done && partly != strings.Contains(got.Error, " of 5 recipients, "+strings.Split(first(tt.named), ":")[0]+" among them") {
				t.Errorf("it says %q", got.Error)
			}
			var sent [][]string
			for _, m := range s.Mails() {
				sent = append(sent, m.To)
				p := read(t, m.Raw)
				if p.header.Get("To") != "<a@example.com>, <b@example.com>" || p.header.Get("Cc") != `<c@example.com>, "D" <d@example.com>` || bytes.Contains(m.Raw, []byte("e@example.com")) {
					t.Errorf("headers %+v", p.header)
				}
			}
			if diff := cmp.Diff(tt.sent, sent); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for _, name := range tt.named {
				if !strings.Contains(got.Response, name) {
					t.Errorf("%q is not in %q", name, got.Response)
				}
			}
		})
	}
}

// TestWithoutRecipients: the message's channel where that is an address, else the sender.
func TestWithoutRecipients(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ channel, want string }{
		"an address": {"Team <team@example.com>", "team@example.com"}, "a name": {"ops", "hub@example.com"}, "no header": {"x@example.com\r\nBcc: evil@example.com", "hub@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := open(t, &channeltest.SMTP{}, `,"from_address":"hub@example.com"}`)
			n := channeltest.Notice()
			n.Channel = tt.channel
			got := send(t, c, channeltest.Rendered(t, c, n), long)
			if m := s.Mails(); len(m) != 1 || !cmp.Equal(m[0].To, []string{tt.want}) {
				t.Errorf("%+v %+v", m, got)
			}
		})
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]bool{``: true, `,"acknowledged":false`: false} {
		c := channeltest.Open(t, driver(nil), `{"smtp_host":"mail.example.com"`+more+addresses)
		if f, ok := c.(channel.Follower); !ok || f.Follows() != (channel.Follows{Acknowledged: want}) {
			t.Errorf("%s: %+v", more, f)
		}
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return "nobody"
	}
	return list[0]
}
