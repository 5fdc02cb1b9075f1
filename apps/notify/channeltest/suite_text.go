package channeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// hostile: what a sender wrote arrives whole, as data.
func (h HTTP) hostile(t *testing.T) {
	t.Helper()
	t.Parallel()
	r, c := h.open(t)
	_, made := h.send(t, r, c, Rendered(t, c, HostileNotice()))
	for _, q := range made {
		for _, raw := range []string{"\x1b", "\x00", "\u202e", "\u200b", "<script>"} {
			if bytes.Contains(q.Body, []byte(raw)) {
				t.Errorf("%q is in the body as it is", raw)
			}
		}
		for name, values := range q.Header {
			for _, bad := range []string{"script", "Bcc", "DROP"} {
				if strings.Contains(name+strings.Join(values, " "), bad) {
					t.Errorf("header %s: %q", name, values)
				}
			}
		}
	}
	h.inert(t, made)
	Readable(t, h.shown(t, made))
	_, made = h.send(t, r, c, Rendered(t, c, HostileLinks()))
	h.inert(t, made)
}

// Readable checks that the pieces of Hostile can be read in a text as the receiver shows it.
func Readable(t *testing.T, text string) {
	t.Helper()
	for _, want := range []string{
		"<script>alert(1)</script>", "{{ 7*7 }}", "${7*7}", "<!channel>", "@everyone", "Bcc: evil@example.com", "%0a%0dX: y", "'; DROP TABLE alerts; --", "gnp.exe",
		"[click](https://evil.example)", "**bold**", "<@U024BE7LH>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q cannot be read any more in %q", want, text)
		}
	}
}

// secrets: no result shows one, whatever the receiver answers.
func (h HTTP) secrets(t *testing.T) {
	t.Helper()
	t.Parallel()
	if len(h.Secrets) == 0 {
		t.Skip("the driver has no secrets")
	}
	for name, step := range map[string]Step{
		"echo 200": Echo(200), "echo 400": Echo(400), "echo 500": Echo(500), "reset": Reset(), "hang": Hang(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c := h.open(t, step)
			o := Rendered(t, c, Notice())
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r := c.Send(ctx, o)
			for _, s := range h.Secrets {
				if strings.Contains(r.Response+r.Error+r.Class+r.ProviderRef+r.Endpoint, s) {
					t.Errorf("the secret %q shows in %+v", s, r)
				}
			}
		})
	}
}

// foreign: a body that another version stored, or that is damaged, does no harm.
func (h HTTP) foreign(t *testing.T) {
	t.Helper()
	t.Parallel()
	r, c := h.open(t)
	bodies := append(damaged(Rendered(t, c, Notice()).Body), nil, []byte(`{"title":"x"}`))
	for i, body := range bodies {
		if len(bodies) > 60 && i%(len(bodies)/60+1) != 0 {
			continue // each costs a call
		}
		for _, sent := range []int{0, 1, 1000, -1} {
			got := c.Send(t.Context(), channel.Outgoing{IdemKey: "k", Kind: channel.KindFiring, Title: "Title", Body: body, Sent: sent})
			switch got.Verdict {
			case channel.Done, channel.Retry, channel.Permanent, channel.Dropped:
			default:
				t.Errorf("verdict %q for the body %s", got.Verdict, body)
			}
		}
	}
	if len(r.Requests()) == 0 {
		t.Error("not one of the bodies was sent")
	}
}

// Bodies checks what every channel does without a receiver: all notices render, to one JSON document without secrets, and Show shows it.
func Bodies(t *testing.T, c channel.Channel, secrets ...string) {
	t.Helper()
	shower, shows := c.(channel.Shower)
	for name, n := range Notices() {
		r, err := c.Render(n)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if body := bytes.TrimSpace(r.Body); !json.Valid(body) || body[0] != '{' {
			t.Errorf("%s: the body is no JSON document: %.200s", name, body)
		}
		if again, err := c.Render(n); err != nil || !bytes.Equal(again.Body, r.Body) || again.Parts != r.Parts {
			t.Errorf("%s: rendered twice, two bodies (%v)", name, err)
		}
		for _, s := range secrets {
			if bytes.Contains(r.Body, []byte(s)) {
				t.Errorf("%s: the secret %q is in the body", name, s)
			}
		}
		if shows {
			checkShown(t, name, shower.Show(r.Body))
		}
	}
	if !shows {
		return
	}
	for _, body := range damaged(Rendered(t, c, Notice()).Body) {
		shower.Show(body) // must not panic
	}
}

func checkShown(t *testing.T, name string, pieces []channel.Shown) {
	t.Helper()
	if len(pieces) == 0 {
		t.Errorf("%s: nothing is shown", name)
	}
	for _, p := range pieces {
		switch p.Media {
		case "text/plain", "text/markdown", "text/html", "application/json":
		default:
			t.Errorf("%s: %s has the media type %q", name, p.Name, p.Media)
		}
		if p.Name == "" || p.Text == "" {
			t.Errorf("%s: a piece without name or text: %+v", name, p)
		}
	}
}

// damaged returns a document with each of its values replaced in turn, and what is no document at all.
func damaged(body []byte) [][]byte {
	out := [][]byte{
		[]byte(`null`), []byte(`[]`), []byte(`{}`), []byte(`1`), []byte(`"x"`), []byte(`[{}]`), []byte("\x00\xff"), []byte(`{"a":`), body[:len(body)/2],
		[]byte(strings.Repeat(`{"a":[`, 500)),
	}
	var doc any
	if json.Unmarshal(body, &doc) != nil {
		return out
	}
	odd := []any{nil, 1.5, true, "x", "", []any{}, map[string]any{}, []any{nil}, map[string]any{"a": nil}}
	n := 0
	var walk func(v any, put func(any))
	walk = func(v any, put func(any)) {
		put(odd[n%len(odd)])
		n++
		if b, err := json.Marshal(doc); err == nil {
			out = append(out, b)
		}
		put(v)
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				walk(v[k], func(to any) { v[k] = to })
			}
		case []any:
			for i := range v {
				walk(v[i], func(to any) { v[i] = to })
			}
		}
	}
	walk(doc, func(to any) { doc = to })
	return out
}

// numbered finds the lines of Lines.
var numbered = regexp.MustCompile(`line (\d{6}) of a log that is far too long;`)

// inOrder checks that a text holds the lines of Lines(n), each once and in order.
func inOrder(t *testing.T, text string, n int) {
	t.Helper()
	found := numbered.FindAllStringSubmatch(text, -1)
	if len(found) != n {
		t.Errorf("%d of %d lines are there", len(found), n)
	}
	for i, f := range found {
		if f[1] != fmt.Sprintf("%06d", i+1) {
			t.Fatalf("line %s is in the place of line %d", f[1], i+1)
		}
	}
}
