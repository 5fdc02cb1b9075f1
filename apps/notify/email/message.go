package email

import (
	"bytes"
	"encoding/json"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Limits of a mail. Texts longer than maxText say how much is missing; the attachment leaves alerts out and says how many.
const (
	maxSubject         = 200     // characters
	maxText            = 1 << 20 // bytes
	maxHTML            = 1 << 20
	maxAttachment      = 256 << 10
	maxRecommendations = 10
)

// document is the stored body.
type document struct {
	Subject string          `json:"subject"`
	Text    string          `json:"text"`
	HTML    string          `json:"html,omitempty"`
	Date    time.Time       `json:"date,omitzero"`
	To      string          `json:"to,omitempty"`       // only where the settings have no recipients
	Payload json.RawMessage `json:"incident,omitempty"` // what is attached
}

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	r := channel.Rendered{Parts: 1}
	text := c.texts.Text(n)
	note(&r, text.Remark, text.Missing)
	d := document{Subject: subject(n), Text: bound(strings.TrimSpace(channel.Visible(text.Text)), maxText), Date: n.At}
	if full := n.Heading(); !strings.Contains(d.Subject, full) { // what a subject has no room for is in the text
		d.Text = full + "\n\n" + d.Text
	} else if d.Text == "" {
		d.Text = full
	}
	html, ok := c.texts.HTML(n)
	note(&r, html.Remark, html.Missing)
	if ok {
		if d.HTML = strings.TrimSpace(channel.Visible(html.Text)); len(d.HTML) > maxHTML { // cut HTML shows nothing, or anything
			d.HTML = ""
			note(&r, "the HTML part was longer than 1 MiB and left out", nil)
		}
	}
	if len(c.settings.to) == 0 {
		if a, err := mail.ParseAddress(n.Channel); err == nil && usable(a) {
			d.To = a.String()
		}
	}
	if c.settings.attach {
		payload, made, ok := c.texts.Payload(n)
		note(&r, made.Remark, made.Missing)
		if d.Payload = payload; !ok || len(payload) > maxAttachment || !json.Valid(payload) {
			d.Payload = attachment(n)
		}
	}
	var err error
	r.Body, err = channel.Encode(d)
	return r, err
}

// note adds what a template had to say.
func note(r *channel.Rendered, remark string, missing []string) {
	if remark != "" && !strings.Contains(r.Remark, remark) {
		r.Remark = strings.TrimPrefix(r.Remark+"; "+remark, "; ")
	}
	for _, m := range missing {
		if !slices.Contains(r.Missing, m) {
			r.Missing = append(r.Missing, m)
		}
	}
}

// subject is "[SEVERITY] title"; the end is "[RESOLVED] title", and titles that begin in brackets have theirs already.
func subject(n channel.Notice) string {
	t := n.Heading()
	switch {
	case n.Kind == channel.KindResolved:
		t = "[RESOLVED] " + strings.TrimPrefix(t, "Resolved: ")
	case strings.HasPrefix(t, "["), n.Severity == "":
	default:
		t = "[" + strings.ToUpper(channel.VisibleLine(n.Severity)) + "] " + t
	}
	if runes := []rune(t); len(runes) > maxSubject {
		t = strings.TrimSpace(string(runes[:maxSubject-1])) + "…"
	}
	return t
}

// priorities for mail programs, by severity (contract 8.1).
func priorityOf(severity string) int {
	switch severity {
	case "critical":
		return 1
	case "warning":
		return 2
	default:
		return 3
	}
}

// bound cuts a text to limit bytes and says so.
func bound(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "\n\n[The message is longer than a mail should be; the rest is in the hub.]"
	return strings.ToValidUTF8(s[:limit-len(more)], "") + more
}

// mail is the letter of a stored body.
func (c *Channel) mail(d document, o channel.Outgoing) *letter {
	s := &c.settings
	_, domain, _ := strings.Cut(s.from.Address, "@")
	l := &letter{
		id: "<" + name(o.IdemKey) + "@" + domain + ">", date: d.Date, from: s.from, to: s.to, cc: s.cc, bcc: s.bcc, reply: s.reply,
		subject: channel.VisibleLine(d.Subject), priority: priorityOf(o.Severity), text: d.Text, html: d.HTML,
		more: []header{
			{"X-IncidentHub-Event", channel.VisibleLine(string(o.Kind))},
			{"X-IncidentHub-Severity", channel.VisibleLine(o.Severity)},
			{"X-IncidentHub-Incident", channel.VisibleLine(o.IncidentID)},
			{"X-IncidentHub-Trace-Id", channel.VisibleLine(o.TraceID)},
			{"X-IncidentHub-Idempotency-Key", channel.VisibleLine(o.IdemKey)},
		},
	}
	if o.IncidentID != "" {
		l.thread = "<incident." + name(o.IncidentID) + "@" + domain + ">"
	}
	if l.date.IsZero() {
		l.date = c.wire.Clock.Now()
	}
	if len(l.to) == 0 {
		l.to = []*mail.Address{s.from}
		if a, err := mail.ParseAddress(d.To); err == nil && usable(a) {
			l.to = []*mail.Address{a}
		}
	}
	var pretty bytes.Buffer
	if s.attach && len(d.Payload) > 0 && json.Indent(&pretty, d.Payload, "", "  ") == nil {
		pretty.WriteByte('\n')
		l.attachment = pretty.Bytes()
	}
	return l
}

var ids = regexp.MustCompile(`^[0-9A-Za-z:-]{1,200}$`)

// name makes the left side of a message id: the key itself where it has the hub's form, so that it can be searched for.
func name(key string) string {
	if ids.MatchString(key) && !strings.Contains(key, "::") && strings.Trim(key, ":") == key {
		return strings.ReplaceAll(key, ":", ".")
	}
	return digest(key)
}

// read takes the stored body; of one that another version of the hub made, its texts.
func read(o channel.Outgoing) (document, bool) {
	var d document
	if json.Unmarshal(o.Body, &d) == nil && d.Subject != "" {
		return d, true
	}
	var plain struct{ Title, Message string }
	if json.Unmarshal(o.Body, &plain) != nil {
		return document{}, false
	}
	if strings.TrimSpace(plain.Title) == "" {
		plain.Title = o.Title
	}
	if strings.TrimSpace(plain.Title+plain.Message) == "" {
		return document{}, false
	}
	n := channel.Notice{Kind: o.Kind, Severity: o.Severity, Title: plain.Title}
	return document{Subject: subject(n), Text: bound(channel.Visible(plain.Message), maxText)}, true
}

// Show implements channel.Shower.
func (c *Channel) Show(body []byte) []channel.Shown {
	d, ok := read(channel.Outgoing{Body: body})
	if !ok {
		return nil
	}
	shown := []channel.Shown{{Name: "subject", Media: "text/plain", Text: d.Subject}}
	if d.HTML != "" {
		shown = append(shown, channel.Shown{Name: "html", Media: "text/html", Text: d.HTML})
	}
	if d.Text != "" {
		shown = append(shown, channel.Shown{Name: "text", Media: "text/plain", Text: d.Text})
	}
	if len(d.Payload) > 0 {
		shown = append(shown, channel.Shown{Name: "incident.json", Media: "application/json", Text: string(d.Payload)})
	}
	return shown
}
