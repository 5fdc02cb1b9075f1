package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// letter is a mail, ready to be written. The same letter gives the same bytes.
type letter struct {
	id         string // with its < >
	thread     string // made-up id that all mails about an incident answer to; "" without one
	date       time.Time
	from       *mail.Address
	to, cc     []*mail.Address
	bcc, reply []*mail.Address
	subject    string
	priority   int // 1 to 5, 3 is ordinary
	more       []header
	text, html string
	attachment []byte // JSON
}

type header struct{ name, value string }

// recipients are all addresses that the mail goes to, each once.
func (l *letter) recipients() []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range [][]*mail.Address{l.to, l.cc, l.bcc} {
		for _, a := range list {
			if key := strings.ToLower(a.Address); !seen[key] {
				seen[key] = true
				out = append(out, a.Address)
			}
		}
	}
	return out
}

// bytes writes the mail: text first, then HTML, of which a reader shows the last that it can, and the JSON beside both.
func (l *letter) bytes() ([]byte, error) {
	var buf bytes.Buffer
	l.headers(&buf)
	mixed := multipart.NewWriter(&buf)
	if err := mixed.SetBoundary(l.boundary("mixed")); err != nil {
		return nil, fmt.Errorf("write a mail: %w", err)
	}
	write(&buf, "Content-Type", "multipart/mixed;\r\n boundary=\""+mixed.Boundary()+`"`)
	buf.WriteString("\r\n")
	if err := l.parts(mixed); err != nil {
		return nil, fmt.Errorf("write a mail: %w", err)
	}
	return buf.Bytes(), nil
}

func (l *letter) parts(mixed *multipart.Writer) error {
	boundary := l.boundary("alternative")
	w, err := mixed.CreatePart(textproto.MIMEHeader{"Content-Type": {"multipart/alternative;\r\n boundary=\"" + boundary + `"`}})
	if err != nil {
		return err
	}
	alternative := multipart.NewWriter(w)
	if err := alternative.SetBoundary(boundary); err != nil {
		return err
	}
	if err := part(alternative, "text/plain; charset=utf-8", "", l.text); err != nil {
		return err
	}
	if l.html != "" {
		if err := part(alternative, "text/html; charset=utf-8", "", l.html); err != nil {
			return err
		}
	}
	if err := alternative.Close(); err != nil {
		return err
	}
	if len(l.attachment) > 0 {
		if err := part(mixed, `application/json; name="incident.json"`, `attachment; filename="incident.json"`, string(l.attachment)); err != nil {
			return err
		}
	}
	return mixed.Close()
}

// part writes one part. Quoted-printable keeps lines short, in ASCII, and never begins one with a lone dot.
func part(w *multipart.Writer, media, disposition, text string) error {
	h := textproto.MIMEHeader{"Content-Type": {media}, "Content-Transfer-Encoding": {"quoted-printable"}}
	if disposition != "" {
		h.Set("Content-Disposition", disposition)
	}
	p, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	q := quotedprintable.NewWriter(p)
	if _, err := q.Write([]byte(text)); err != nil {
		return err
	}
	return q.Close()
}

func (l *letter) headers(buf *bytes.Buffer) {
	write(buf, "Date", l.date.UTC().Format(time.RFC1123Z))
	write(buf, "From", l.from.String())
	for _, list := range []struct {
		name string
		of   []*mail.Address
	}{{"To", l.to}, {"Cc", l.cc}, {"Reply-To", l.reply}} {
		if len(list.of) > 0 {
			write(buf, list.name, join(list.of))
		}
	}
	write(buf, "Subject", encoded(l.subject))
	write(buf, "Message-ID", l.id)
	if l.thread != "" {
		write(buf, "In-Reply-To", l.thread)
		write(buf, "References", l.thread)
	}
	write(buf, "X-Priority", strconv.Itoa(l.priority))
	if l.priority == 1 {
		write(buf, "Importance", "high")
	}
	write(buf, "Auto-Submitted", "auto-generated") // RFC 3834: nobody's "I am away" answers
	write(buf, "X-Auto-Response-Suppress", "All")
	for _, h := range l.more {
		if h.value != "" {
			write(buf, h.name, encoded(h.value))
		}
	}
	write(buf, "MIME-Version", "1.0")
}

// write writes one header. Line breaks inside are folds that are ours: values from outside come through encoded.
func write(buf *bytes.Buffer, name, value string) {
	buf.WriteString(name + ": " + value + "\r\n")
}

func join(list []*mail.Address) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return strings.Join(out, ",\r\n ")
}

// maxLine is how long a line of a header should be (RFC 5322 2.1.1), with room for its name.
const maxLine = 60

// encoded brings text into a header: printable ASCII as it is, folded at spaces, all else as encoded words (RFC 2047). Its only line breaks
// are folds.
func encoded(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	words := strings.Split(s, " ")
	if strings.Contains(s, "=?") || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) ||
		slices.ContainsFunc(words, func(w string) bool { return w == "" || len(w) > 5*maxLine }) {
		return encodedWords(s) // readers would decode a "=?", and some drop spaces
	}
	var b strings.Builder
	line := 0
	for i, w := range words {
		switch {
		case i == 0:
		case line+len(w) > maxLine:
			b.WriteString("\r\n ")
			line = 0
		default:
			b.WriteByte(' ')
		}
		b.WriteString(w)
		line += len(w) + 1
	}
	return b.String()
}

func encodedWords(s string) string {
	var words []string
	for s != "" {
		end := min(len(s), maxLine*3/4-12)
		for end < len(s) && end > 1 && !utf8.RuneStart(s[end]) {
			end--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:end]))+"?=")
		s = s[end:]
	}
	return strings.Join(words, "\r\n ")
}

func (l *letter) boundary(of string) string { return "=_" + digest(of+l.id) }

// digest is a short name for a text, in characters that every header takes.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
