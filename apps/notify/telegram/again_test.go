package telegram_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
)

// reopened is the beginning of what was over.
func reopened() channel.Notice {
	n := channeltest.Notice()
	n.Event, n.IdemKey, n.Title = string(event.EventReopened), "i:3:0:c", "[CRITICAL] DiskFull again"
	return n
}

// TestAgain: what fires again, and a reminder, rings, and the first message says so too: nothing stays at resolved.
func TestAgain(t *testing.T) {
	t.Parallel()
	byHand := channeltest.Updated()
	byHand.Event = string(event.EventReopened)
	long := reopened()
	long.Text = channeltest.LongNotice(200).Text
	for name, tt := range map[string]struct {
		n     channel.Notice
		gone  bool
		calls int // of the channel after its end
		first string
		rung  string // the last message, "" when nothing new is written
	}{
		"refire":           {reopened(), false, 2, "🔴 [CRITICAL] DiskFull again", "🔴 [CRITICAL] DiskFull again"},
		"reminder":         {channeltest.Notices()["reminder"], false, 2, "🔴 Still firing", "🔴 Still firing"},
		"opened by hand":   {byHand, false, 1, "🔴 Updated:", ""},
		"first is deleted": {reopened(), true, 2, "✅ Resolved", "🔴 [CRITICAL] DiskFull again"},
		"long":             {long, false, 4, "🔴 [CRITICAL] DiskFull again", "line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := bot()
			r := open(t, fake, `"chat_id":"-1001"`)
			thread := r.send(channeltest.Notice(), "")
			r.send(channeltest.Resolved(), thread)
			if tt.gone {
				fake.Delete(1)
			}
			was, before := len(fake.Messages()), len(r.Requests())
			rendered, err := r.c.Render(tt.n)
			if err != nil {
				t.Fatal(err)
			}
			got := r.c.Send(t.Context(), r.out(tt.n, thread))
			if got.Verdict != channel.Done || got.ProviderRef != thread || tt.rung != "" && (got.Sent != tt.calls || rendered.Parts != tt.calls) {
				t.Errorf("%+v, of %d parts", got, rendered.Parts)
			}
			all := fake.Messages()
			if n := len(r.Requests()) - before; n != tt.calls || !strings.HasPrefix(all[0].Text, tt.first) {
				t.Errorf("%d calls, the first message says %q", n, all[0].Text)
			}
			if tt.rung == "" {
				if len(all) != was {
					t.Errorf("it rings: %+v", all[was:])
				}
				return
			}
			if last := all[len(all)-1]; !strings.HasPrefix(last.Text, tt.rung) || (last.ReplyTo == 1) == tt.gone || all[was].Silent {
				t.Errorf("it says %+v", all[was:])
			}
		})
	}
}

// TestAgainAfterFailure: when the change has arrived, only the message that rings is sent again; when the change is refused, it rings all the
// same.
func TestAgainAfterFailure(t *testing.T) {
	t.Parallel()
	fake := bot()
	r := open(t, fake, `"chat_id":"-1001"`, fake.Step, fake.Step, fake.Step, fake.Step, channeltest.Answer(500, ""), fake.Step,
		channeltest.Answer(400, `{"ok":false,"error_code":400,"description":"Bad Request: MESSAGE_AUTHOR_REQUIRED"}`))
	thread := r.send(channeltest.Notice(), "")
	r.send(channeltest.Resolved(), thread)
	o := r.out(reopened(), thread)
	got := r.c.Send(t.Context(), o)
	if got.Verdict != channel.Retry || got.Sent != 1 {
		t.Fatalf("%+v", got)
	}
	o.Sent = got.Sent
	if got := r.c.Send(t.Context(), o); got.Verdict != channel.Done || got.Sent != 2 || got.ProviderRef != thread {
		t.Errorf("%+v", got)
	}
	o.Sent = 0
	if got := r.c.Send(t.Context(), o); got.Verdict != channel.Done || got.Sent != 2 || got.ProviderRef != thread {
		t.Errorf("%+v", got)
	}
	var said []string
	for _, m := range fake.Messages() {
		first, _, _ := strings.Cut(m.Text, "\n")
		said = append(said, first)
	}
	again := "🔴 [CRITICAL] DiskFull again"
	if diff := cmp.Diff([]string{again, "✅ Resolved: DiskFull on db-1:9100", again, again}, said); diff != "" {
		t.Error(diff)
	}
}
