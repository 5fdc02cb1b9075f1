package email_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
)

const whole = `{"smtp_host":"mail.example.com","username":"hub","password":"canary-password"` + addresses

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("bodies", func(t *testing.T) {
		t.Parallel()
		channeltest.Bodies(t, channeltest.Open(t, driver(nil), whole), "canary-password")
	})
	t.Run("settings", func(t *testing.T) {
		t.Parallel()
		channeltest.Settings(t, driver(nil))
	})
}

// TestGolden: what is stored, and the mail as it goes over the wire.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, n := range channeltest.Notices() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := channeltest.Open(t, driver(nil), whole)
			r, err := c.Render(n)
			if err != nil || (r.Remark != "") != (name == "none") || r.Parts != 1 {
				t.Fatalf("%+v %v", r, err)
			}
			channeltest.Golden(t, *update, name, r.Body)
		})
	}
}

// TestHostile: what a sender wrote arrives whole, as data: no header, no markup, no bidirectional marks.
func TestHostile(t *testing.T) {
	t.Parallel()
	s, c := open(t, &channeltest.SMTP{}, addresses)
	o := channeltest.Rendered(t, c, channeltest.HostileNotice())
	if got := send(t, c, o, long); got.Verdict != channel.Done {
		t.Fatalf("%+v", got)
	}
	m := s.Mails()[0]
	p := read(t, m.Raw)
	head, _, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) > 200 || bytes.ContainsAny(line, "\x00\x1b\r\n") || bytes.HasPrefix(line, []byte("Bcc")) {
			t.Errorf("header %q", line)
		}
	}
	if p.header.Get("Bcc") != "" || !cmp.Equal(m.To, []string{"ops@example.com"}) {
		t.Errorf("%+v to %v", p.header, m.To)
	}
	for _, text := range []string{p.text, p.html, decoded(t, p.header.Get("Subject"))} {
		if strings.ContainsAny(text, "\x00\x1b\u202e\u200b") {
			t.Errorf("controls in %q", text)
		}
	}
	if strings.Contains(p.html, "<script>") || strings.Contains(p.html, "<at>") {
		t.Error("markup of an alert is markup of the mail")
	}
	channeltest.Readable(t, p.text)
	channeltest.Readable(t, unescape(p.html))
	if subject := decoded(t, p.header.Get("Subject")); !strings.Contains(subject, "<script>alert(1)</script> {{.}} {{ 7*7 }}") {
		t.Errorf("subject %q", subject)
	}
	for _, o := range []channel.Outgoing{
		{IdemKey: "k\r\nX-Evil: 1", TraceID: "t\nX-Evil: 1", Title: "x\r\nX-Evil: 1", Severity: "y\r\nX-Evil: 1", IncidentID: "z\r\nX-Evil: 1", Kind: "a\r\nX-Evil: 1", Body: o.Body},
		{IdemKey: ">, <evil@example.com", IncidentID: "a b <c>", Body: []byte(`{"subject":"a\r\nX-Evil: 1","text":"\r\n.\r\nMAIL FROM:<x@y>\r\n"}`)},
	} {
		if got := send(t, c, o, long); got.Verdict != channel.Done {
			t.Errorf("%+v", got)
		}
		m := s.Mails()
		if p := read(t, m[len(m)-1].Raw); p.header.Get("X-Evil") != "" || strings.Contains(p.header.Get("Message-ID"), "evil@") {
			t.Errorf("%+v", p.header)
		}
	}
}

// TestLongText: a long text goes out whole in one mail, lines and dots as they were; one that no mail server takes says so.
func TestLongText(t *testing.T) {
	t.Parallel()
	s, c := open(t, &channeltest.SMTP{}, addresses)
	n := channeltest.LongNotice(20_000)
	n.Text = ".\n..\n" + n.Text + strings.Repeat("x", 3000) + "\nlast"
	if got := send(t, c, channeltest.Rendered(t, c, n), long); got.Verdict != channel.Done {
		t.Fatalf("%+v", got)
	}
	raw := s.Mails()[0].Raw
	if p := read(t, raw); strings.TrimSpace(p.text) != n.Text {
		t.Errorf("%d bytes of %d", len(p.text), len(n.Text))
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	n.Text = channeltest.Lines(40_000)
	r, err := c.Render(n)
	if err != nil || len(r.Body) > 2<<20 || !strings.Contains(string(r.Body), "the rest is in the hub") {
		t.Errorf("%d bytes %v", len(r.Body), err)
	}
}

// TestCrowded: the attachment is bounded and says what it leaves out.
func TestCrowded(t *testing.T) {
	t.Parallel()
	c := channeltest.Open(t, driver(nil), whole)
	r, err := c.Render(channeltest.CrowdedNotice(2000))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		HTML     string
		Incident struct {
			Alerts          []any
			AlertCount      int   `json:"alert_count"`
			LeftOut         int   `json:"alerts_left_out"`
			Recommendations []any `json:"recommendations"`
		}
	}
	if err := json.Unmarshal(r.Body, &d); err != nil {
		t.Fatal(err)
	}
	if i := d.Incident; i.AlertCount != 2000 || i.LeftOut+len(i.Alerts) != 2000 || i.LeftOut == 0 || len(i.Alerts) == 0 || len(i.Recommendations) != 10 {
		t.Errorf("%d alerts of %d, %d left out, %d recommendations", len(i.Alerts), i.AlertCount, i.LeftOut, len(i.Recommendations))
	}
	if len(d.HTML) == 0 || len(d.HTML) > 100<<10 { // what Gmail shows before it clips
		t.Errorf("%d bytes of HTML", len(d.HTML))
	}
}

// TestRawServers: servers that are none.
func TestRawServers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		talk  func(conn net.Conn, gone <-chan struct{})
		class string
		wait  time.Duration
	}{
		"silent": {func(_ net.Conn, gone <-chan struct{}) { <-gone }, "timeout", time.Second},
		"one byte a second": {func(conn net.Conn, gone <-chan struct{}) {
			for _, b := range []byte("220 mail.test ESMTP, which takes its time\r\n") {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				select {
				case <-gone:
					return
				case <-time.After(time.Second):
				}
			}
		}, "timeout", 2 * time.Second},
		"10 MiB of greeting": {func(conn net.Conn, _ <-chan struct{}) {
			line := []byte("220-" + strings.Repeat("x", 1000) + "\r\n")
			for range 10 << 10 {
				if _, err := conn.Write(line); err != nil {
					return
				}
			}
		}, "too_much_answer", long},
		"10 MiB without an end": {func(conn net.Conn, _ <-chan struct{}) {
			for range 10 << 10 {
				if _, err := conn.Write(bytes.Repeat([]byte("2"), 1024)); err != nil {
					return
				}
			}
		}, "too_much_answer", long},
		"hangs up":      {func(net.Conn, <-chan struct{}) {}, "reset", long},
		"speaks HTTP":   {func(conn net.Conn, _ <-chan struct{}) { _, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, "error", long},
		"greets in two": {func(conn net.Conn, _ <-chan struct{}) { _, _ = conn.Write([]byte("220-a\r\n")) }, "reset", long},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, port, allow := channeltest.Talk(t, tt.talk)
			c := channeltest.Open(t, driver(channeltest.Client(t, allow)), `{"smtp_host":"`+host+`","smtp_port":`+port+addresses)
			got := send(t, c, channeltest.Rendered(t, c, channeltest.Notice()), tt.wait)
			if got.Verdict != channel.Retry || got.Class != tt.class || got.Error == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestBlocked: the guard is the only way out.
func TestBlocked(t *testing.T) {
	t.Parallel()
	s := (&channeltest.SMTP{}).Start(t)
	for name, tt := range map[string]struct{ host, want string }{
		"address": {s.Host, "HUB_EGRESS_ALLOW=" + s.Allow}, "name": {"localhost", "HUB_EGRESS_ALLOW=localhost:" + s.Port}, "metadata": {"169.254.169.254", "never called"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := channeltest.Open(t, driver(channeltest.Client(t)), `{"smtp_host":"`+tt.host+`","smtp_port":`+s.Port+addresses)
			got := send(t, c, channeltest.Rendered(t, c, channeltest.Notice()), long)
			if got.Verdict != channel.Permanent || got.Class != "blocked_address" || !strings.Contains(got.Error, tt.want) {
				t.Errorf("%+v", got)
			}
		})
	}
	if s.Connects() != 0 {
		t.Error("a blocked server was reached")
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	_, port, allow := channeltest.Talk(t, func(net.Conn, <-chan struct{}) {})
	n, err := strconv.Atoi(port)
	if err != nil || n < 2 {
		t.Fatal(errors.Join(err, errors.New("no port")))
	}
	c := channeltest.Open(t, driver(channeltest.Client(t, "127.0.0.1", allow)), `{"smtp_host":"127.0.0.1","smtp_port":1`+addresses)
	if got := send(t, c, channeltest.Rendered(t, c, channeltest.Notice()), long); got.Verdict != channel.Retry || got.Class != "refused" {
		t.Errorf("%+v", got)
	}
}

// TestForeign: a body that another version stored, or that is damaged, does no harm.
func TestForeign(t *testing.T) {
	t.Parallel()
	s, c := open(t, &channeltest.SMTP{}, addresses)
	for body, want := range map[string]string{
		``: "", `null`: "[INFO] Title", `[]`: "", `{}`: "[INFO] Title", `{"subject":1}`: "[INFO] Title", `{"title":"x","message":"y"}`: "[INFO] x", `{"subject":"s","incident":[1]}`: "s",
		`{"subject":"s","to":"a@b, c@d"}`: "s", "\x00": "",
	} {
		before := len(s.Mails())
		got := send(t, c, channel.Outgoing{IdemKey: "k", Title: "Title", Severity: "info", Body: []byte(body)}, long)
		if want == "" {
			if got.Verdict != channel.Permanent || got.Class != "bad_body" {
				t.Errorf("%q: %+v", body, got)
			}
			continue
		}
		m := s.Mails()[before:]
		if len(m) != 1 || read(t, m[0].Raw).header.Get("Subject") != want {
			t.Errorf("%q: %+v %s", body, got, m)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const rest = `,"from_address":"a@b.example"}`
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"none":             {`{}`, []string{"smtp_host", "from_address"}},
		"host with scheme": {`{"smtp_host":"smtp://h"` + rest, []string{"smtp_host"}},
		"host with port":   {`{"smtp_host":"h:25"` + rest, []string{"smtp_host"}},
		"port":             {`{"smtp_host":"h","smtp_port":70000` + rest, []string{"smtp_port"}},
		"half a port":      {`{"smtp_host":"h","smtp_port":25.5` + rest, []string{"smtp_port"}},
		"half a login":     {`{"smtp_host":"h","username":"u"` + rest, []string{"password"}},
		"two lines":        {`{"smtp_host":"h","username":"u\r\nQUIT","password":"p"` + rest, []string{"username"}},
		"certificate":      {`{"smtp_host":"h","ca_certificate":"x"` + rest, []string{"ca_certificate"}},
		"helo":             {`{"smtp_host":"h","helo":"a b"` + rest, []string{"helo"}},
		"sender":           {`{"smtp_host":"h","from_address":"a"}`, []string{"from_address"}},
		"two senders":      {`{"smtp_host":"h","from_address":"a@b.example, c@d.example"}`, []string{"from_address"}},
		"injected":         {`{"smtp_host":"h","from_address":"a@b.example\r\nBcc: x@y"}`, []string{"from_address"}},
		"quoted":           {`{"smtp_host":"h","from_address":"\"a b\"@c.example"}`, []string{"from_address"}},
		"recipients":       {`{"smtp_host":"h","to_addresses":["a@b.example","x"],"cc":"ü@b.example","bcc":[1]` + rest, []string{"bcc"}},
		"recipients again": {`{"smtp_host":"h","to_addresses":["a@b.example","x"],"cc":"ü@b.example"` + rest, []string{"to_addresses", "cc"}},
		"templates":        {`{"smtp_host":"h","template":{"type":"inline","template":"a"},"text_template":{"type":"inline","template":"b"}` + rest, []string{"template"}},
		"bad template":     {`{"smtp_host":"h","html_template":{"type":"inline","template":"{% if"}` + rest, []string{"html_template"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, driver(nil), tt.config, tt.keys)
		})
	}
	many := `["a0@b.example"` + strings.Repeat(`,"a@b.example"`, 100) + `]`
	if _, err := driver(nil).New(json.RawMessage(`{"smtp_host":"h","to_addresses":` + many + rest)); len(channel.KeyErrors(err)) != 1 {
		t.Errorf("101 recipients: %v", err)
	}
}

// TestOwnTemplates: a channel's templates make the parts; one that fails is replaced and named.
func TestOwnTemplates(t *testing.T) {
	t.Parallel()
	c := channeltest.Open(t, driver(nil), `{"smtp_host":"h","text_template":{"type":"inline","template":"T {{ title }} {{ nope }}"},
		"html_template":{"type":"inline","template":"<p>{{ message }}</p>"},"payload_template":{"type":"inline","template":"{\"t\": \"{{ title }}\"}"}`+addresses)
	n := channeltest.Notice()
	n.Text = "<b>&"
	r, err := c.Render(n)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Text, HTML string
		Incident   map[string]any
	}
	if err := json.Unmarshal(r.Body, &d); err != nil {
		t.Fatal(err)
	}
	if d.Text != "T [CRITICAL] DiskFull on db-1:9100" || d.HTML != "<p>&lt;b&gt;&amp;</p>" || d.Incident["t"] != n.Title || !cmp.Equal(r.Missing, []string{"nope"}) {
		t.Errorf("%+v %+v", d, r)
	}
	c = channeltest.Open(t, driver(nil), `{"smtp_host":"h","html_template":{"type":"inline","template":" {{ nope }} "}`+addresses)
	if r, err := c.Render(channeltest.Notice()); err != nil || !strings.Contains(r.Remark, "html_template") || !strings.Contains(string(r.Body), "html") {
		t.Errorf("%+v %v", r, err)
	}
}

func FuzzRender(f *testing.F) {
	channeltest.Fuzz(f, channeltest.Open(f, driver(nil), whole), nil)
}

func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#39;", "'", "&#34;", `"`, "&amp;", "&").Replace(s)
}
