package chat_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

func raws(words ...string) []json.RawMessage {
	var out []json.RawMessage
	for _, w := range words {
		out = append(out, json.RawMessage(w))
	}
	return out
}

// TestWebhook: parts go out in order, each once; what a template made and the service refuses is replaced, also at later attempts.
func TestWebhook(t *testing.T) {
	t.Parallel()
	own := chat.Document{Messages: raws("t"), Instead: raws("1", "2", "3")}
	for name, tt := range map[string]struct {
		doc    chat.Document
		sent   int
		refuse string // these messages are refused
		fail   string // this one fails
		posted []string
		arrive int
		done   bool
		note   bool
	}{
		"one":                      {chat.Document{Messages: raws("a")}, 0, "", "", []string{"a"}, 0, true, false},
		"all":                      {chat.Document{Messages: raws("a", "b", "c")}, 0, "", "", []string{"a", "b", "c"}, 3, true, false},
		"fails":                    {chat.Document{Messages: raws("a", "b", "c")}, 0, "", "b", []string{"a", "b"}, 1, false, false},
		"goes on":                  {chat.Document{Messages: raws("a", "b", "c")}, 1, "", "", []string{"b", "c"}, 3, true, false},
		"everything is there":      {chat.Document{Messages: raws("a", "b")}, 2, "", "", nil, 2, true, false},
		"a template's":             {own, 0, "", "", []string{"t"}, 0, true, false},
		"refused":                  {own, 0, "t", "", []string{"t", "1", "2", "3"}, 3, true, true},
		"refused, then fails":      {own, 0, "t", "2", []string{"t", "1", "2"}, 1, false, true},
		"refused before, goes on":  {own, 1, "t", "", []string{"2", "3"}, 3, true, true},
		"nothing instead":          {chat.Document{Messages: raws("t")}, 0, "t", "", []string{"t"}, 0, false, false},
		"refused, of another type": {chat.Document{Messages: raws("a", "t"), Instead: raws("1")}, 0, "t", "", []string{"a", "t"}, 1, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var posted []string
			doc := tt.doc
			r := doc.Webhook(channel.Outgoing{Kind: channel.KindFiring, Sent: tt.sent}, func(raw []byte, again bool) channel.Result {
				posted = append(posted, string(raw))
				switch {
				case again:
					t.Error("nothing may be there already")
				case string(raw) == tt.fail:
					return channel.Result{Verdict: channel.Retry}
				case string(raw) == tt.refuse:
					return channel.Result{Verdict: channel.Permanent, Response: "no such form"}
				}
				return channel.Result{Verdict: channel.Done}
			}, func(r channel.Result) (string, bool) { return r.Response, r.Verdict == channel.Permanent })
			if diff := cmp.Diff(tt.posted, posted); diff != "" {
				t.Errorf("posted (-want +got)\n%s", diff)
			}
			if r.Sent != tt.arrive || (r.Verdict == channel.Done) != tt.done || strings.Contains(r.Response, "(the template's message was refused:") != tt.note {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestAgain: of what may be there already the first part is marked, and nothing is sent that is not worth a repeat.
func TestAgain(t *testing.T) {
	t.Parallel()
	for kind, want := range map[channel.Kind][]bool{channel.KindFiring: {true, false}, channel.KindUpdated: nil} {
		doc := chat.Document{Messages: raws("a", "b", "c")}
		var got []bool
		r := doc.Webhook(channel.Outgoing{Kind: kind, Sent: 1, Unknown: true}, func(_ []byte, again bool) channel.Result {
			got = append(got, again)
			return channel.Result{Verdict: channel.Done}
		}, func(channel.Result) (string, bool) { return "", false })
		if !slices.Equal(got, want) || (r.Verdict == channel.Dropped) != (want == nil) {
			t.Errorf("%s: marked %v, want %v: %+v", kind, got, want, r)
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	if got := chat.Header(channel.Outgoing{IdemKey: "k\r\nX: y"}).Get("Idempotency-Key"); got != "k X: y" {
		t.Errorf("got %q", got)
	}
	if got := chat.Header(channel.Outgoing{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	got, err := chat.Open([]byte(`{"a":1.50,"b":"own"}`), map[string]any{"b": "may", "c": "may", "d": ""})
	if want := map[string]any{"a": json.Number("1.50"), "b": "own", "c": "may"}; err != nil || !cmp.Equal(want, got) {
		t.Errorf("%v: %s", err, cmp.Diff(want, got))
	}
	for _, bad := range []string{``, `null`, `[]`, `"x"`, `{`} {
		if _, err := chat.Open([]byte(bad), nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
