package discord_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/discord"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func newDriver(c *httpclient.Client) channel.Driver { return discord.New(c, nil) }

func TestConformance(t *testing.T) {
	t.Parallel()
	fake := channeltest.NewDiscord()
	channeltest.RunHTTP(t, channeltest.HTTP{
		New: newDriver,
		Config: func(url string) string {
			return fmt.Sprintf(`{"webhook_url":%q,"username":"Hub","avatar_url":"https://hub.example/a.png","mention":["here","role:123456789012345678"]}`, url+fake.Hook)
		},
		Secrets: []string{fake.Hook, fake.Hook[strings.LastIndex(fake.Hook, "/")+1:]},
		Text: func(t *testing.T, r channeltest.Request) string {
			t.Helper()
			return channeltest.DiscordText(channeltest.Object(t, r.Body))
		},
		KeyOf:  channeltest.HeaderKey("Idempotency-Key"),
		Accept: fake.Step,
		Rows: map[string]channeltest.Row{
			"200 and 10 MiB":     {Want: channel.Retry, Class: "bad_answer"},
			"200 and a page":     {Step: channeltest.Answer(200, "<html>welcome</html>"), Want: channel.Retry, Class: "bad_answer"},
			"200 and ok:false":   {Step: channeltest.Answer(200, `{"ok":false}`), Want: channel.Retry, Class: "bad_answer"},
			"200, cut off":       {Step: channeltest.Answer(200, `{"id":"1`, "Content-Length", "100"), Want: channel.Retry, Class: "reset"},
			"204":                {Step: channeltest.Answer(204, ""), Want: channel.Done},
			"429 of Discord":     {Step: channeltest.DiscordLimited(2645 * time.Millisecond), Want: channel.Retry, Class: "http_429", After: 2645 * time.Millisecond},
			"429 for a year":     {Step: channeltest.DiscordLimited(365 * 24 * time.Hour), Want: channel.Retry, Class: "http_429", After: time.Hour},
			"unknown webhook":    {Step: channeltest.Answer(404, `{"message":"Unknown Webhook","code":10015}`), Want: channel.Permanent, Class: "discord_10015"},
			"an invalid token":   {Step: channeltest.Answer(401, `{"message":"Invalid Webhook Token","code":50027}`), Want: channel.Permanent, Class: "discord_50027"},
			"a new kind of code": {Step: channeltest.Answer(403, `{"message":"new","code":99999}`), Want: channel.Permanent, Class: "discord_99999"},
		},
		SplitLines: 300,
		Plain:      true, // it finds nothing but knows what may be repeated
		Refuses:    fake.Refuses,
		ThreadOf: func(r channeltest.Request) string {
			_, id, _ := strings.Cut(r.URL.Path, "/messages/")
			return id
		},
	})
}

func TestBodies(t *testing.T) {
	t.Parallel()
	c := channeltest.Open(t, newDriver(channeltest.Client(t)), `{"webhook_url":"https://discord.com`+channeltest.NewDiscord().Hook+`","mention":["here","role:123456789012345678"]}`)
	channeltest.Goldens(t, *update, "", func(t *testing.T, n channel.Notice) []byte {
		t.Helper()
		return channeltest.Rendered(t, c, n).Body
	}, "crowded", "none")
}

// room is a channel of a fake Discord.
type room struct {
	t    *testing.T
	fake *channeltest.Discord
	r    *channeltest.Receiver
	c    channel.Channel
}

func newRoom(t *testing.T, more string, steps ...channeltest.Step) *room {
	t.Helper()
	fake := channeltest.NewDiscord()
	r := channeltest.Receive(t, append(steps, fake.Step)...)
	return &room{t, fake, r, channeltest.Open(t, newDriver(channeltest.Client(t, r.Allow)), fmt.Sprintf(`{"webhook_url":%q%s}`, r.URL+fake.Hook, more))}
}

func (r *room) out(n channel.Notice) channel.Outgoing {
	r.t.Helper()
	return channeltest.Rendered(r.t, r.c, n)
}

func (r *room) send(o channel.Outgoing, want channel.Verdict) channel.Result {
	r.t.Helper()
	return channeltest.Attempt(r.t, r.c, o, want)
}

// TestInPlace: an incident is one message as it stands now; a reminder is one more, so that somebody notices.
func TestInPlace(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{"channel": "", "thread": `,"thread_id":"223456789012345678"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, more+`,"mention":["everyone"]`)
			first := r.send(r.out(channeltest.Notice()), channel.Done)
			for _, n := range []channel.Notice{channeltest.Updated(), channeltest.Acknowledged(), channeltest.Notices()["reminder"], channeltest.Resolved()} {
				o := r.out(n)
				o.Thread = first.ProviderRef
				if got := r.send(o, channel.Done); got.ProviderRef != first.ProviderRef {
					t.Errorf("%s: %q, want %q", n.Kind, got.ProviderRef, first.ProviderRef)
				}
			}
			m := r.fake.Messages()
			if len(m) != 2 || m[0].Edits != 4 || m[0].Color != 0x28a745 || !strings.Contains(m[0].Text, "Resolved after 2 h") {
				t.Fatalf("messages %+v", m)
			}
			for i, want := range []string{"DiskFull", "Still firing"} {
				if diff := cmp.Diff([]string{"@everyone"}, m[i].Mentions); diff != "" || !strings.Contains(m[i].Text, want) {
					t.Errorf("message %d: %+v", i+1, m[i])
				}
			}
		})
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
			r := newRoom(t, `,"mention":["everyone"]`)
			first := r.send(r.out(channeltest.Notice()), channel.Done)
			for _, n := range []channel.Notice{channeltest.Resolved(), tt.n} {
				o := r.out(n)
				o.Thread = first.ProviderRef
				r.send(o, channel.Done)
			}
			m := r.fake.Messages()
			if strings.Contains(m[0].Text, "Resolved") || m[0].Color != 0xdc3545 || m[0].Edits != 2 || len(m) != 1+tt.calls {
				t.Fatalf("messages %+v", m)
			}
			if tt.calls > 0 && len(m[1].Mentions) == 0 {
				t.Errorf("it calls nobody: %+v", m[1])
			}
		})
	}
}

// TestRequests: what goes over the wire, whole.
func TestRequests(t *testing.T) {
	t.Parallel()
	r := newRoom(t, `,"username":"Hub","avatar_url":"https://hub.example/a.png","thread_id":"223456789012345678"`)
	first := r.send(r.out(channeltest.Enriched()), channel.Done)
	o := r.out(channeltest.Resolved())
	o.Thread = first.ProviderRef
	r.send(o, channel.Done)
	for i, want := range []string{"POST ?thread_id=223456789012345678&wait=true", "PATCH /messages/" + first.ProviderRef + "?thread_id=223456789012345678"} {
		q := r.r.Requests()[i]
		if got := q.Method + " " + strings.TrimPrefix(q.URL.Path, r.fake.Hook) + "?" + q.URL.RawQuery; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		channeltest.Golden(t, *update, "request_"+strings.ToLower(q.Method), q.Body)
	}
}

// TestLostRoot: the first message is gone, or too old to be edited; what is new is posted.
func TestLostRoot(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*channeltest.Discord, string){
		"deleted": (*channeltest.Discord).Delete, "old": func(d *channeltest.Discord, _ string) { d.Age() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, "")
			first := r.send(r.out(channeltest.Notice()), channel.Done)
			lose(r.fake, first.ProviderRef)
			o := r.out(channeltest.Resolved())
			o.Thread = first.ProviderRef
			got := r.send(o, channel.Done)
			m := r.fake.Messages()
			if last := m[len(m)-1]; last.ID == first.ProviderRef || last.ID != got.ProviderRef || !strings.Contains(last.Text, "Resolved after 2 h") {
				t.Errorf("messages %+v, ProviderRef %s", m, got.ProviderRef)
			}
		})
	}
}

// TestUnknown: what may be there already is repeated only if somebody must hear of it, and says so; a change in place is just made again.
func TestUnknown(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "")
	r.fake.Then(channeltest.Reset())
	o := r.out(channeltest.Notice())
	r.send(o, channel.Retry)
	o.Unknown = true
	first := r.send(o, channel.Done)
	if m := r.fake.Messages(); len(m) != 2 || !strings.Contains(m[1].Text, channel.MayRepeat) {
		t.Errorf("messages %+v", m)
	}
	for kind, n := range map[string]channel.Notice{"updated": channeltest.Updated(), "resolved": channeltest.Resolved()} {
		o := r.out(n)
		o.Thread, o.Unknown = first.ProviderRef, true
		r.send(o, channel.Done)
		if m := r.fake.Messages(); len(m) != 2 || strings.Contains(m[1].Text, channel.MayRepeat) {
			t.Errorf("%s: messages %+v", kind, m)
		}
	}
	o = r.out(channeltest.Updated())
	o.Unknown = true
	r.send(o, channel.Dropped)
	if n := len(r.fake.Messages()); n != 2 {
		t.Errorf("%d messages", n)
	}
	o.Anyway = true
	r.send(o, channel.Done)
	if m := r.fake.Messages(); len(m) != 3 || !strings.Contains(m[2].Text, channel.MayRepeat) {
		t.Errorf("sent again by hand: messages %+v", m)
	}
}

func TestOwnTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		key, template, want string
		requests            int
	}{
		"text":             {"template", "**{{ severity }}** <@123456789012345678> @everyone {{ title }}", "critical", 1},
		"object":           {"payload_template", `{"content":"C {{ title }}","allowed_mentions":{"parse":["everyone","users"]}}`, "C [CRITICAL]", 1},
		"array":            {"template", `[{"title":"T {{ title }}"}]`, "T [CRITICAL]", 1},
		"fails":            {"template", "{{ 1 // 0 }}", "Disk / on db-1 is 97% full", 1},
		"too long":         {"template", `{"content":"` + strings.Repeat("x", 2001) + `"}`, "Disk / on db-1 is 97% full", 1},
		"Discord refuses":  {"template", `[{"title":"` + strings.Repeat("x", 257) + `"}]`, "Disk / on db-1 is 97% full", 2},
		"nothing is in it": {"template", `{"tts":false}`, "Disk / on db-1 is 97% full", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, channeltest.Inline(tt.key, tt.template))
			r.send(r.out(channeltest.Notice()), channel.Done)
			m := r.fake.Messages()
			if len(m) != 1 || !strings.Contains(m[0].Text, tt.want) || len(m[0].Mentions) > 0 || len(r.r.Requests()) != tt.requests {
				t.Errorf("%d requests, messages %+v", len(r.r.Requests()), m)
			}
		})
	}
}

// TestMentions: nobody is called but whom the channel's owner configured, whatever alerts and templates say.
func TestMentions(t *testing.T) {
	t.Parallel()
	const own = `,"template":{"type":"inline","template":"@everyone <@123456789012345678> {{ message }}"}`
	const object = `,"payload_template":{"type":"inline","template":"{\"content\": \"@everyone @here {{ message }}\"}"}`
	for name, tt := range map[string]struct {
		more   string
		kind   channel.Kind
		thread bool
		want   []string
	}{
		"none":                 {"", channel.KindFiring, false, nil},
		"here":                 {`,"mention":["here"]`, channel.KindFiring, false, []string{"@here"}},
		"here, in a reminder":  {`,"mention":["here"]`, channel.KindReminder, true, []string{"@here"}},
		"not when it is over":  {`,"mention":["here"]`, channel.KindResolved, false, nil},
		"text, none":           {own, channel.KindFiring, false, nil},
		"text, here":           {own + `,"mention":["here"]`, channel.KindFiring, false, []string{"@here"}},
		"text, that user":      {own + `,"mention":["user:123456789012345678"]`, channel.KindFiring, false, []string{"<@123456789012345678>", "<@123456789012345678>"}},
		"object, none":         {object, channel.KindFiring, false, nil},
		"object, here":         {object + `,"mention":["here"]`, channel.KindFiring, false, []string{"@here"}},
		"a role, in an update": {`,"mention":["role:123456789012345678"]`, channel.KindUpdated, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, tt.more)
			n := channeltest.HostileNotice()
			n.Kind = tt.kind
			o := r.out(n)
			if tt.thread {
				o.Thread = r.send(r.out(channeltest.Acknowledged()), channel.Done).ProviderRef
			}
			r.send(o, channel.Done)
			m := r.fake.Messages()
			if diff := cmp.Diff(tt.want, m[len(m)-1].Mentions); diff != "" {
				t.Errorf("mentions (-want +got):\n%s%s", diff, m[len(m)-1].Text)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	hook := channeltest.NewDiscord().Hook
	at := func(host string) string { return `"webhook_url":"` + host + hook + `"` }
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"least":          {`{` + at("https://discord.com") + `}`, nil},
		"listed":         {`{` + at("http://discord.lan:9000") + `}`, nil},
		"all":            {`{` + at("https://canary.discord.com") + `,"thread_id":"123456789012345678","username":"Hub","avatar_url":"https://a.example/x.png","mention":["here","user:123456789012345678"],"timeout":5}`, nil},
		"nothing":        {`{}`, []string{"webhook_url"}},
		"another host":   {`{` + at("https://discord.example") + `}`, []string{"webhook_url"}},
		"a user":         {`{` + at("https://discord.com@evil.example") + `}`, []string{"webhook_url"}},
		"not sealed":     {`{` + at("http://discord.com") + `}`, []string{"webhook_url"}},
		"another path":   {`{"webhook_url":"https://discord.com/api/channels/1"}`, []string{"webhook_url"}},
		"slack's form":   {`{"webhook_url":"https://discord.com` + hook + `/slack"}`, []string{"webhook_url"}},
		"all that is no": {`{` + at("https://discord.com") + `,"thread_id":"x","username":"my Discord","avatar_url":"a","mention":["alice"]}`, []string{"thread_id", "username", "avatar_url", "mention"}},
		"two templates":  {`{` + at("https://discord.com") + `,"template":{"type":"inline","template":"a"},"text_template":{"type":"inline","template":"b"}}`, []string{"text_template"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, newDriver(channeltest.Client(t, "discord.lan:9000")), tt.config, tt.keys)
		})
	}
}

func FuzzRender(f *testing.F) {
	fake := channeltest.NewDiscord()
	c := channeltest.Open(f, newDriver(channeltest.Client(f)), `{"webhook_url":"https://discord.com`+fake.Hook+`"}`)
	channeltest.FuzzMessages(f, c, fake.Hook, fake.Refuses)
}
