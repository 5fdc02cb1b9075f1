package slack_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
)

// room is a channel of a fake Slack with a bot in it.
type room struct {
	t     *testing.T
	slack *channeltest.Slack
	r     *channeltest.Receiver
	c     channel.Channel
}

func newRoom(t *testing.T, steps ...channeltest.Step) *room {
	t.Helper()
	fake := channeltest.NewSlack()
	r := channeltest.Receive(t, append(steps, fake.Step)...)
	return &room{t, fake, r, channeltest.Open(t, newDriver(channeltest.Client(t, r.Allow)), botConfig(fake, r.URL))}
}

func (r *room) send(o channel.Outgoing, want channel.Verdict) channel.Result {
	r.t.Helper()
	return channeltest.Attempt(r.t, r.c, o, want)
}

func (r *room) out(n channel.Notice) channel.Outgoing {
	r.t.Helper()
	return channeltest.Rendered(r.t, r.c, n)
}

func (r *room) paths() []string {
	var out []string
	for _, q := range r.r.Requests() {
		out = append(out, strings.TrimPrefix(q.URL.Path, "/api/"))
	}
	return out
}

// TestInPlace: an incident is one message at the top, as it stands now; what must be noticed is said in its thread.
func TestInPlace(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first := r.send(r.out(channeltest.Notice()), channel.Done)
	raised, reminder := channeltest.Updated(), channeltest.Notices()["reminder"]
	raised.Event = string(event.EventSeverityRaised)
	analysis := channeltest.Enriched()
	analysis.Kind, analysis.Event, analysis.IdemKey = channel.KindUpdated, string(event.EventAnalysis), "i:9:0:c"
	for i, n := range []channel.Notice{channeltest.Updated(), raised, channeltest.Acknowledged(), analysis, reminder, channeltest.Resolved()} {
		n.IdemKey = fmt.Sprintf("i:%d:0:c", i+2)
		o := r.out(n)
		o.Thread = first.ProviderRef
		if got := r.send(o, channel.Done); got.ProviderRef != first.ProviderRef {
			t.Errorf("%s: %q, want the first message's %q", n.Kind, got.ProviderRef, first.ProviderRef)
		}
	}
	var got []string
	for _, m := range r.slack.Messages() {
		first, _, _ := strings.Cut(strings.TrimSpace(m.Text), "\n")
		got = append(got, fmt.Sprintf("thread=%v shown=%v edits=%d calls=%v %s %s", m.Thread != "", m.Broadcast, m.Edits, m.Mentions, m.Color, first))
	}
	want := []string{
		"thread=false shown=false edits=6 calls=[<!here> <!subteam^S0FAKE00001>] #28a745 Resolved: DiskFull on db-1:9100 — `SUCCESS` | #01990000-0000-7000-8000-000000000001 | alertmanager",
		"thread=true shown=true edits=0 calls=[<!here> <!subteam^S0FAKE00001>]  <!here> <!subteam^S0FAKE00001> *Updated: [CRITICAL] DiskFull on db-1:9100*",
		"thread=true shown=true edits=0 calls=[<!here> <!subteam^S0FAKE00001>]  <!here> <!subteam^S0FAKE00001> *Still firing: [CRITICAL] DiskFull on db-1:9100*",
		"thread=true shown=false edits=0 calls=[]  *Resolved: DiskFull on db-1:9100*",
	}
	want[0] = strings.Replace(want[0], "Resolved: DiskFull on db-1:9100", "*Resolved: DiskFull on db-1:9100*", 1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// TestAgain: what fires again calls people, and the first message does not stay at resolved; to open it by hand calls nobody.
func TestAgain(t *testing.T) {
	t.Parallel()
	refire, byHand := channeltest.Notice(), channeltest.Updated()
	refire.Event, byHand.Event = string(event.EventReopened), string(event.EventReopened)
	for name, tt := range map[string]struct {
		n     channel.Notice
		calls int
	}{"refire": {refire, 1}, "reminder": {channeltest.Notices()["reminder"], 1}, "opened by hand": {byHand, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			first := r.send(r.out(channeltest.Notice()), channel.Done)
			for i, n := range []channel.Notice{channeltest.Resolved(), tt.n} {
				n.IdemKey = fmt.Sprintf("i:%d:0:c", i+2)
				o := r.out(n)
				o.Thread = first.ProviderRef
				r.send(o, channel.Done)
			}
			m := r.slack.Messages()
			if strings.Contains(m[0].Text, "Resolved") || m[0].Color != "#dc3545" || m[0].Edits != 2 || len(m) != 2+tt.calls {
				t.Fatalf("messages %+v", m)
			}
			for _, said := range m[2:] {
				if !said.Broadcast || len(said.Mentions) == 0 {
					t.Errorf("it calls nobody: %+v", said)
				}
			}
		})
	}
}

// TestFinds: a message whose outcome is not known is looked for before it is sent again.
func TestFinds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		arrived  bool // the first attempt did
		pageSize int
	}{"it arrived": {true, 1000}, "it arrived, pages ago": {true, 2}, "it did not": {false, 1000}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := []channeltest.Step{}
			if !tt.arrived {
				steps = append(steps, channeltest.Reset())
			}
			r := newRoom(t, steps...)
			r.slack.Pages(tt.pageSize)
			if tt.arrived {
				r.slack.Then(channeltest.Reset())
			}
			o := r.out(channeltest.Notice())
			r.send(o, channel.Retry)
			for i := range 5 { // others talk as well
				n := channeltest.Notice()
				n.IdemKey = fmt.Sprintf("other:%d:0:c", i)
				r.send(r.out(n), channel.Done)
			}
			o.Unknown, o.Since = true, channeltest.Notice().At
			got := r.send(o, channel.Done)
			if n := count(r.slack.Messages(), o.IdemKey); n != 1 {
				t.Errorf("it is there %d times", n)
			}
			if at := strings.TrimPrefix(got.ProviderRef, r.slack.Channel+":"); got.ProviderRef == "" || keyAt(r.slack.Messages(), at) != o.IdemKey {
				t.Errorf("ProviderRef %q is not that message", got.ProviderRef)
			}
		})
	}
}

func count(messages []channeltest.SlackMessage, key string) (n int) {
	for _, m := range messages {
		if m.Metadata["idempotency_key"] == key {
			n++
		}
	}
	return n
}

func keyAt(messages []channeltest.SlackMessage, ts string) any {
	for _, m := range messages {
		if m.TS == ts {
			return m.Metadata["idempotency_key"]
		}
	}
	return nil
}

// TestFindsInThread: the same for what is said in a thread, and a change in place needs no look.
func TestFindsInThread(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first := r.send(r.out(channeltest.Notice()), channel.Done)
	o := r.out(channeltest.Resolved())
	o.IdemKey, o.Thread = "i:2:0:c", first.ProviderRef
	r.slack.Then(channeltest.Answer(200, `{"ok":true}`)) // the change is answered
	r.slack.Then(channeltest.Reset())                    // the reply is not
	r.send(o, channel.Retry)
	o.Unknown, o.Since = true, channeltest.Notice().At
	r.send(o, channel.Done)
	if n := count(r.slack.Messages(), o.IdemKey); n != 1 {
		t.Errorf("the reply is there %d times", n)
	}
	update := r.out(channeltest.Updated())
	update.Thread, update.Unknown, update.Since = first.ProviderRef, true, channeltest.Notice().At
	r.send(update, channel.Done)
	want := []string{"chat.postMessage", "chat.update", "chat.postMessage", "conversations.replies", "chat.update", "chat.update"}
	if diff := cmp.Diff(want, r.paths()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestFindsParts: of a long message only what is missing is sent.
func TestFindsParts(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	o := r.out(channeltest.LongNotice(900))
	r.slack.Then(channeltest.Answer(200, `{"ok":true,"ts":"1772359200.000001"}`))
	r.slack.Then(channeltest.Reset())
	if got := r.send(o, channel.Retry); got.Sent != 1 {
		t.Fatalf("%+v", got)
	}
	o.Sent, o.Unknown, o.Since = 1, true, channeltest.Notice().At
	got := r.send(o, channel.Done)
	if n := count(r.slack.Messages(), o.IdemKey); n != got.Sent || n < 4 {
		t.Errorf("%d messages, %d parts", n, got.Sent)
	}
}

// TestCannotLook: without the scope nobody can tell; pages are repeated and say so, the rest is left out.
func TestCannotLook(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.slack.TakeScope()
	o := r.out(channeltest.Notice())
	r.send(o, channel.Done)
	o.Unknown = true
	got := r.send(o, channel.Done)
	if m := r.slack.Messages(); len(m) != 2 || !strings.Contains(m[1].Text, channel.MayRepeat) || strings.Contains(m[0].Text, channel.MayRepeat) {
		t.Errorf("messages %+v", m)
	}
	if !strings.Contains(got.Response, "channels:history") {
		t.Errorf("%+v does not say which scope", got)
	}
	u := r.out(channeltest.Updated())
	u.Unknown = true
	if got := r.send(u, channel.Dropped); got.Error == "" {
		t.Errorf("%+v", got)
	}
	r.send(r.out(channeltest.Updated()), channel.Done)
	if n := len(r.slack.Messages()); n != 3 {
		t.Errorf("%d messages", n)
	}
}

// TestLookFails: while the channel cannot be read, nothing is sent.
func TestLookFails(t *testing.T) {
	t.Parallel()
	r := newRoom(t, channeltest.Answer(503, ""), channeltest.Answer(429, "", "Retry-After", "9"), channeltest.Hang())
	o := r.out(channeltest.Notice())
	o.Unknown = true
	r.send(o, channel.Retry)
	if got := r.send(o, channel.Retry); got.RetryAfter != 9*time.Second {
		t.Errorf("%+v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if got := r.c.Send(ctx, o); got.Verdict != channel.Retry || got.Class != "timeout" {
		t.Errorf("%+v", got)
	}
	if n := len(r.slack.Messages()); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// TestLostRoot: the first message is gone, or cannot be edited any more; what is new is said all the same.
func TestLostRoot(t *testing.T) {
	t.Parallel()
	t.Run("deleted", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		first := r.send(r.out(channeltest.Notice()), channel.Done)
		r.slack.Delete(strings.TrimPrefix(first.ProviderRef, r.slack.Channel+":"))
		o := r.out(channeltest.Resolved())
		o.Thread = first.ProviderRef
		got := r.send(o, channel.Done)
		if m := r.slack.Messages(); len(m) != 1 || got.ProviderRef != r.slack.Channel+":"+m[0].TS || m[0].Thread != "" || !strings.Contains(m[0].Text, "Resolved after 2 h") {
			t.Errorf("messages %+v", m)
		}
	})
	t.Run("edits are over", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		first := r.send(r.out(channeltest.Notice()), channel.Done)
		r.slack.CloseEdits()
		o := r.out(channeltest.Resolved())
		o.Thread = first.ProviderRef
		r.send(o, channel.Done)
		if m := r.slack.Messages(); len(m) != 2 || m[1].Thread != m[0].TS || !strings.Contains(m[1].Text, "Resolved after 2 h") {
			t.Errorf("messages %+v", m)
		}
	})
}

// TestRefusals: what Slack refuses is dead at once, with a sentence that says what to do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"invalid_auth": "copy the Bot User OAuth Token", "channel_not_found": "invite the app", "is_archived": "unarchive", "not_in_channel": "invite it there",
		"msg_too_long": "shorten", "token_revoked": "install the app again", "some_new_error": "chat.postMessage",
		"missing_scope\",\"needed\":\"chat:write": "(needed: chat:write)",
	} {
		r := newRoom(t, channeltest.Answer(200, `{"ok":false,"error":"`+code+`"}`))
		if got := r.send(r.out(channeltest.Notice()), channel.Permanent); !strings.Contains(got.Error, want) || !strings.HasPrefix(got.Class, "slack_") {
			t.Errorf("%s: %+v", code, got)
		}
	}
	for name, change := range map[string]func(*channeltest.Slack){
		"slack_is_archived": func(s *channeltest.Slack) {
			s.SetChannel(s.Channel, channeltest.SlackChannel{Archived: true, Member: true})
		},
		"slack_not_in_channel":    func(s *channeltest.Slack) { s.SetChannel(s.Channel, channeltest.SlackChannel{}) },
		"slack_channel_not_found": func(s *channeltest.Slack) { s.Channel = "C0ANOTHER00" },
		"slack_invalid_auth":      func(s *channeltest.Slack) { s.Token = "xoxb-another-0123456" },
	} {
		fake := channeltest.NewSlack()
		config := fake.Channel
		change(fake)
		if name == "slack_channel_not_found" {
			config = fake.Channel
		}
		r := channeltest.Receive(t, fake.Step)
		c := channeltest.Open(t, newDriver(channeltest.Client(t, r.Allow)), fmt.Sprintf(
			`{"bot_token":"xoxb-0123456789-canarytoken","channel":%q,"base_url":%q}`, config, r.URL+"/api"))
		if got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice())); got.Class != name || got.Verdict != channel.Permanent {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestHalfDone: Slack says of some errors that the message may be there all the same; whoever reads the result must take it for unknown.
func TestHalfDone(t *testing.T) {
	t.Parallel()
	for code, unknown := range map[string]bool{"internal_error": true, "fatal_error": true, "ratelimited": false, "service_unavailable": false} {
		r := newRoom(t, channeltest.Answer(200, `{"ok":false,"error":"`+code+`"}`))
		if got := r.send(r.out(channeltest.Notice()), channel.Retry); (got.Status == 0) != unknown {
			t.Errorf("%s: %+v", code, got)
		}
	}
}

// TestRequests: what goes over the wire, whole.
func TestRequests(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first := r.send(r.out(channeltest.Enriched()), channel.Done)
	o := r.out(channeltest.Resolved())
	o.IdemKey, o.Thread = "i:2:0:c", first.ProviderRef
	r.send(o, channel.Done)
	for i, name := range []string{"request_bot_post", "request_bot_update", "request_bot_reply"} {
		channeltest.Golden(t, *update, name, r.r.Requests()[i].Body)
	}
	fake := channeltest.NewSlack()
	hook := channeltest.Receive(t, fake.Step)
	c := channeltest.Open(t, newDriver(channeltest.Client(t, hook.Allow)), fmt.Sprintf(
		`{"webhook_url":%q,"channel":"#ops","username":"Hub","icon_emoji":":fire:","mention":["channel"]}`, hook.URL+fake.Hook))
	o = channeltest.Rendered(t, c, channeltest.Notice())
	for _, name := range []string{"request_webhook", "request_webhook_may_repeat"} {
		channeltest.Attempt(t, c, o, channel.Done)
		channeltest.Golden(t, *update, name, hook.Requests()[len(hook.Requests())-1].Body)
		o.Unknown = true
	}
}
