package channeltest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// repeats: every attempt sends the same bytes, under the same key where the API has one.
func (h HTTP) repeats(t *testing.T) {
	t.Helper()
	t.Parallel()
	r, c := h.open(t, Answer(500, ""), Reset(), h.Accept)
	o := Rendered(t, c, Notice())
	for range 3 {
		c.Send(t.Context(), o)
	}
	got := r.Requests()
	if len(got) != 3 {
		t.Fatalf("%d requests, want 3", len(got))
	}
	h.taken(t, got)
	for i, q := range got {
		if h.KeyOf != nil && h.KeyOf(q) != h.Key(o) {
			t.Errorf("attempt %d: key %q, want %q", i+1, h.KeyOf(q), h.Key(o))
		}
		same(t, i+1, got[0], q)
	}
	_, made := h.send(t, r, c, channel.Outgoing{
		IdemKey: "k\r\nX-Evil: 1", TraceID: "t\nX-Evil: 1", Title: "x\r\nX-Evil: 1", Kind: o.Kind, Severity: "y\r\nX-Evil: 1", IncidentID: "z\r\nX-Evil: 1",
		Body: o.Body,
	})
	if made[0].Header.Get("X-Evil") != "" {
		t.Error("an id with line breaks became a header")
	}
}

func same(t *testing.T, attempt int, first, q Request) {
	t.Helper()
	if first.Method != q.Method || first.URL != q.URL {
		t.Errorf("attempt %d went to %s %s, the first one to %s %s", attempt, q.Method, q.URL.String(), first.Method, first.URL.String())
	}
	if diff := cmp.Diff(string(first.Body), string(q.Body)); diff != "" {
		t.Errorf("attempt %d sent another body:\n%s", attempt, diff)
	}
}

// unknown: a message that may be there already says so where the receiver cannot tell a repeat, and only there.
func (h HTTP) unknown(t *testing.T) {
	t.Helper()
	t.Parallel()
	r, c := h.open(t)
	s := h.New(Client(t)).Spec()
	if s.Finds && !h.Plain {
		t.Skip("the driver looks for the message first: its own tests show how")
	}
	reminder := Notice()
	reminder.Kind, reminder.Event = channel.KindReminder, "reminder"
	for _, n := range []channel.Notice{Notice(), Resolved(), reminder} {
		o := Rendered(t, c, n)
		_, first := h.send(t, r, c, o)
		o.Unknown, o.Since = true, n.At
		o.Anyway = !n.Kind.Loud() // somebody wants it all the same
		_, again := h.send(t, r, c, o)
		if s.Repeatable {
			same(t, 2, first[0], again[0])
			continue
		}
		if text := h.shown(t, first); strings.Contains(text, channel.MayRepeat) {
			t.Errorf("the first attempt says %q: %s", channel.MayRepeat, text)
		}
		if text := h.shown(t, again); !strings.Contains(text, channel.MayRepeat) {
			t.Errorf("%q is missing in the repeat: %s", channel.MayRepeat, text)
		}
	}
}

// threads: later messages go to the thread of the first; drivers without threads do not care.
func (h HTTP) threads(t *testing.T) {
	t.Helper()
	t.Parallel()
	r, c := h.open(t)
	o := Rendered(t, c, Resolved())
	result, first := h.send(t, r, c, o)
	if h.ThreadOf == nil {
		o.Thread = "some-thread"
		_, again := h.send(t, r, c, o)
		same(t, 2, first[0], again[0])
		return
	}
	if got := h.ThreadOf(first[0]); got != "" {
		t.Errorf("the first message answers to %q", got)
	}
	if result.ProviderRef == "" {
		t.Fatal("nothing to answer to: the result has no ProviderRef")
	}
	o.Thread = result.ProviderRef
	_, again := h.send(t, r, c, o)
	if got := h.ThreadOf(again[0]); got == "" {
		t.Errorf("the thread %q is nowhere in %s", o.Thread, again[0].Body)
	}
}

// parts: what is too long for one call is sent in several, in order; after a failure only what has not arrived is sent again.
func (h HTTP) parts(t *testing.T) {
	t.Helper()
	t.Parallel()
	if h.SplitLines == 0 {
		_, c := h.open(t)
		if r, err := c.Render(LongNotice(20_000)); err != nil || r.Parts > 1 {
			t.Errorf("%d parts (%v) of a driver that needs one call", r.Parts, err)
		}
		return
	}
	n := LongNotice(h.SplitLines)
	r, c := h.open(t, h.Accept, Answer(500, ""), h.Accept)
	rendered, err := c.Render(n)
	if err != nil || rendered.Parts < 2 {
		t.Fatalf("%d lines make %d parts (%v)", h.SplitLines, rendered.Parts, err)
	}
	o := Rendered(t, c, n)
	got := c.Send(t.Context(), o)
	made := r.Requests()
	if got.Verdict != channel.Retry || got.Sent != 1 || len(made) != 2 {
		t.Fatalf("part 2 failed: %d requests, %+v", len(made), got)
	}
	o.Sent = got.Sent
	got, rest := h.send(t, r, c, o)
	if got.Sent != rendered.Parts || len(rest) != rendered.Parts-1 {
		t.Fatalf("of %d parts, %d were left and %d sent: %+v", rendered.Parts, rendered.Parts-1, len(rest), got)
	}
	same(t, 2, made[1], rest[0])
	h.taken(t, made)
	inOrder(t, h.shown(t, append(made[:1:1], rest...)), h.SplitLines)

	r, c = h.open(t, h.Accept, Answer(404, ""))
	if got := c.Send(t.Context(), Rendered(t, c, n)); got.Verdict != channel.Permanent || got.Sent != 1 || len(r.Requests()) != 2 {
		t.Errorf("part 2 was refused: %d requests, %+v", len(r.Requests()), got)
	}
}

// long: a message of any length arrives, whole or saying that something is left out.
func (h HTTP) long(t *testing.T) {
	t.Helper()
	t.Parallel()
	const lines = 20_000
	for name, n := range map[string]channel.Notice{"text": LongNotice(lines), "alerts": CrowdedNotice(500), "fields": endless()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, c := h.open(t)
			_, made := h.send(t, r, c, Rendered(t, c, n))
			if h.SplitLines == 0 && name == "fields" {
				return // it has arrived, and the driver's own tests know how it is shortened
			}
			if h.SplitLines > 0 {
				h.bounded(t, c, n, made, name == "text")
				return
			}
			switch text := h.shown(t, made); {
			case h.Shortened != "" && !strings.Contains(text, h.Shortened):
				t.Errorf("%d bytes of text do not say %q", len(text), h.Shortened)
			case h.Shortened == "" && name == "text":
				inOrder(t, text, lines)
			}
		})
	}
}

// endless is a notice whose every field is longer than any message.
func endless() channel.Notice {
	n := Notice()
	long := strings.Repeat("endless ", 4_000)
	n.Title, n.Text, n.Source, n.Status, n.Severity = long+"title", long+"text", long+"source", long+"status", "critical"
	n.Incident = &channel.Incident{Title: long, Description: long, Severity: "critical", Environment: long + "environment"}
	return n
}

// leftOut is what the last part says.
var leftOut = regexp.MustCompile(`… (\d+) characters are left out\.( All of it: )?`)

// bounded: a text of any length is no more messages than people read. The last one says how much is left out, and where that is.
func (h HTTP) bounded(t *testing.T, c channel.Channel, n channel.Notice, made []Request, tooLong bool) {
	t.Helper()
	rendered, err := c.Render(n)
	if err != nil || rendered.Parts > channel.MaxParts || len(made) > channel.MaxParts {
		t.Fatalf("%d parts, %d requests (%v)", rendered.Parts, len(made), err)
	}
	text := h.shown(t, made)
	found := leftOut.FindAllStringSubmatch(text, -1)
	if !tooLong && len(found) == 0 && rendered.Remark == "" {
		return
	}
	if len(found) != 1 || found[0][2] == "" || !strings.Contains(rendered.Remark, found[0][1]+" characters were left out") {
		t.Fatalf("it says %q, the remark %q", found, rendered.Remark)
	}
	last := 0
	for strings.Contains(text, fmt.Sprintf(line, last+1)) {
		last++
	}
	inOrder(t, text, last)
	left, err := strconv.Atoi(found[0][1])
	if rest := len(n.Text) - last*len(Lines(1)); err != nil || tooLong && (left < rest-200 || left > rest+200) {
		t.Errorf("%d characters after line %d, and it says %d", rest, last, left)
	}
	if n.URL == "" || !strings.Contains(strings.Join(bodies(made), ""), n.URL) {
		t.Errorf("%s is nowhere", n.URL)
	}
}

func bodies(made []Request) (out []string) {
	for _, q := range made {
		out = append(out, string(q.Body))
	}
	return out
}
