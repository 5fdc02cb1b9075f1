package telegram_test

import (
	"encoding/json"
	"flag"
	"html"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/telegram"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const token = "123456:canary-token_AB"

func driver(c *httpclient.Client) channel.Driver { return telegram.New(c, nil) }

func bot() *channeltest.Telegram {
	return &channeltest.Telegram{Token: token, Chats: []string{"-1001", "@ops_room"}, Topics: []int64{7}}
}

type request struct {
	Text    string `json:"text"`
	Message int64  `json:"message_id"`
	Reply   *struct {
		Message int64 `json:"message_id"`
	} `json:"reply_parameters"`
}

func parse(t *testing.T, body []byte) request {
	t.Helper()
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return q
}

var tags = regexp.MustCompile(`</?[a-z]+>`)

func TestConformance(t *testing.T) {
	t.Parallel()
	fake := bot()
	refusal := func(code int, more string) string {
		return `{"ok":false,"error_code":` + strconv.Itoa(code) + `,"description":"words of ` + token + `"` + more + `}`
	}
	channeltest.RunHTTP(t, channeltest.HTTP{
		New: driver,
		Config: func(url string) string {
			return `{"server":"` + url + `","bot_token":"` + token + `","chat_id":-1001}`
		},
		Secrets: []string{token, "canary-token_AB"},
		Text: func(t *testing.T, r channeltest.Request) string {
			t.Helper()
			return parse(t, r.Body).Text
		},
		Readable: func(text string) string { return html.UnescapeString(tags.ReplaceAllString(text, "")) },
		Accept:   fake.Step, Refuses: fake.Refuses, SplitLines: 300,
		ThreadOf: func(r channeltest.Request) string {
			q := request{}
			if json.Unmarshal(r.Body, &q) != nil {
				return "unreadable"
			}
			switch {
			case q.Message != 0:
				return strconv.FormatInt(q.Message, 10)
			case q.Reply != nil:
				return strconv.FormatInt(q.Reply.Message, 10)
			}
			return ""
		},
		Rows: map[string]channeltest.Row{
			"200 and 10 MiB":     {Want: channel.Retry, Class: "bad_answer"},
			"200 of another":     {Step: channeltest.Answer(200, "<html>log in</html>"), Want: channel.Retry, Class: "bad_answer"},
			"200 without ok":     {Step: channeltest.Answer(200, `{"result":{}}`), Want: channel.Retry, Class: "bad_answer"},
			"ok:false":           {Step: channeltest.Answer(200, refusal(400, "")), Want: channel.Permanent, Class: "not_ok"},
			"ok:false, busy":     {Step: channeltest.Answer(200, refusal(429, `,"parameters":{"retry_after":9}`)), Want: channel.Retry, Class: "not_ok", After: 9 * time.Second},
			"ok:false, no code":  {Step: channeltest.Answer(200, `{"ok":false}`), Want: channel.Retry, Class: "not_ok"},
			"429 says when":      {Step: channeltest.Answer(429, refusal(429, `,"parameters":{"retry_after":14}`)), Want: channel.Retry, Class: "http_429", After: 14 * time.Second},
			"429 says too much":  {Step: channeltest.Answer(429, refusal(429, `,"parameters":{"retry_after":99999999999}`)), Want: channel.Retry, Class: "http_429", After: time.Hour},
			"403 of the blocked": {Step: channeltest.Answer(403, refusal(403, "")), Want: channel.Permanent, Class: "http_403"},
			"the group moved":    {Step: channeltest.Answer(400, refusal(400, `,"parameters":{"migrate_to_chat_id":-1002}`)), Want: channel.Permanent, Class: "http_400"},
		},
	})
}

func TestBodies(t *testing.T) {
	t.Parallel()
	channeltest.Goldens(t, *update, "", func(t *testing.T, n channel.Notice) []byte {
		t.Helper()
		h := open(t, bot(), `"chat_id":"@ops_room","message_thread_id":7`)
		h.send(n, "")
		return h.Requests()[0].Body
	})
}

// room is a channel on a fake server.
type room struct {
	*channeltest.Receiver
	t *testing.T
	c channel.Channel
}

func open(t *testing.T, fake *channeltest.Telegram, settings string, first ...channeltest.Step) room {
	t.Helper()
	r := channeltest.Receive(t, append(first, fake.Step)...)
	return room{r, t, channeltest.Open(t, driver(channeltest.Client(t, r.Allow)), `{"server":"`+r.URL+`/","bot_token":"`+token+`",`+settings+`}`)}
}

func (r room) out(n channel.Notice, thread string) channel.Outgoing {
	o := channeltest.Rendered(r.t, r.c, n)
	o.Thread = thread
	return o
}

// send makes an attempt that must succeed and returns the reference to the message.
func (r room) send(n channel.Notice, thread string) string {
	r.t.Helper()
	return channeltest.Attempt(r.t, r.c, r.out(n, thread), channel.Done).ProviderRef
}

// TestInPlace: an incident is one message that changes, and a reply at its end.
func TestInPlace(t *testing.T) {
	t.Parallel()
	fake := bot()
	r := open(t, fake, `"chat_id":"-1001"`)
	thread := r.send(channeltest.Notice(), "")
	if thread != "-1001/1" {
		t.Errorf("the message is %q", thread)
	}
	raised := channeltest.Updated()
	raised.Event = "severity_raised"
	reminder := channeltest.Notices()["reminder"]
	for _, n := range []channel.Notice{channeltest.Updated(), raised, channeltest.Acknowledged(), reminder, channeltest.Resolved()} {
		if got := r.send(n, thread); got != thread {
			t.Errorf("%s: the message is %q now", n.Kind, got)
		}
	}
	got := fake.Messages()
	if len(got) != 4 || got[0].Edits != 4 || !strings.HasPrefix(got[0].Text, "✅ Resolved: DiskFull") {
		t.Fatalf("%+v", got)
	}
	for i, want := range []string{"", "🔴 Severity raised: Updated: [CRITICAL] DiskFull", "🔴 Still firing: ", "✅ Resolved: DiskFull"} {
		if m := got[i]; i > 0 && (m.ReplyTo != 1 || m.Silent || !strings.HasPrefix(m.Text, want)) {
			t.Errorf("reply %d: %+v", i, m)
		}
	}
}

// TestNotInPlace: what cannot be changed is written anew.
func TestNotInPlace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		thread func(ref string) string
		gone   bool
		want   int // messages at the end
	}{
		"deleted":         {func(ref string) string { return ref }, true, 3},
		"of another chat": {func(string) string { return "-999/1" }, false, 2},
		"of another kind": {func(string) string { return "1700000000.000100" }, false, 2},
		"unknown to it":   {func(string) string { return "-1001/55" }, false, 3},
		"nonsense":        {func(string) string { return "-1001/-1" }, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := bot()
			r := open(t, fake, `"chat_id":"-1001"`)
			ref := r.send(channeltest.Notice(), "")
			if tt.gone {
				fake.Delete(1)
			}
			r.send(channeltest.Resolved(), tt.thread(ref))
			got := fake.Messages()
			if len(got) != tt.want || got[0].Edits != 0 || !strings.HasPrefix(got[1].Text, "✅ Resolved") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestUnknown: a change in place is made again, the beginning and the end are marked, the rest is dropped.
func TestUnknown(t *testing.T) {
	t.Parallel()
	reminder := channeltest.Notices()["reminder"]
	for name, tt := range map[string]struct {
		n       channel.Notice
		thread  bool
		verdict channel.Verdict
		marked  int // messages that say so
		edits   int
		anyway  bool
		sent    int
	}{
		"beginning":     {channeltest.Notice(), false, channel.Done, 1, 0, false, 0},
		"end":           {channeltest.Resolved(), true, channel.Done, 1, 1, false, 0},
		"end, unheard":  {channeltest.Resolved(), false, channel.Done, 1, 0, false, 0},
		"update":        {channeltest.Updated(), true, channel.Done, 0, 1, false, 0},
		"update, new":   {channeltest.Updated(), false, channel.Dropped, 0, 0, false, 0},
		"reminder":      {reminder, true, channel.Done, 1, 1, false, 0}, // the change may be where it ended
		"reminder, 2":   {reminder, true, channel.Dropped, 0, 0, false, 1},
		"reminder, new": {reminder, false, channel.Dropped, 0, 0, false, 0},
		"by hand":       {reminder, true, channel.Done, 1, 0, true, 1},
		"by hand, new":  {channeltest.Updated(), false, channel.Done, 1, 0, true, 0},
		"acknowledged":  {channeltest.Acknowledged(), true, channel.Done, 0, 1, false, 0},
		"test by hand":  {channeltest.Notices()["test"], false, channel.Done, 1, 0, false, 0},
		"acknowledged2": {channeltest.Acknowledged(), false, channel.Dropped, 0, 0, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := bot()
			r := open(t, fake, `"chat_id":"-1001"`)
			o := r.out(tt.n, "")
			if tt.thread {
				first := channeltest.Notice()
				first.Title = "the first one"
				o.Thread = r.send(first, "")
			}
			o.Unknown, o.Anyway, o.Sent, o.Since = true, tt.anyway, tt.sent, time.Unix(1, 0)
			if got := r.c.Send(t.Context(), o); got.Verdict != tt.verdict {
				t.Fatalf("%+v", got)
			}
			marked, edits := 0, 0
			for _, m := range fake.Messages() {
				edits += m.Edits
				marked += strings.Count(m.Text, channel.MayRepeat)
			}
			if marked != tt.marked || edits != tt.edits {
				t.Errorf("%d marked, %d edited: %+v", marked, edits, fake.Messages())
			}
		})
	}
}

// TestAgainInPlace: the same change twice is no failure, and a reply that failed is all that is sent again.
func TestAgainInPlace(t *testing.T) {
	t.Parallel()
	fake := bot()
	r := open(t, fake, `"chat_id":"-1001"`, fake.Step, fake.Step, channeltest.Answer(500, ""))
	o := r.out(channeltest.Resolved(), r.send(channeltest.Notice(), ""))
	got := r.c.Send(t.Context(), o)
	if got.Verdict != channel.Retry || got.Sent != 1 {
		t.Fatalf("%+v", got)
	}
	again := o // a process that died before it wrote down how far it came
	if got := r.c.Send(t.Context(), again); got.Verdict != channel.Done || got.Sent != 2 || got.ProviderRef != "-1001/1" {
		t.Errorf("%+v", got)
	}
	o.Sent = got.Sent
	if got := r.c.Send(t.Context(), o); got.Verdict != channel.Done || got.Sent != 2 {
		t.Errorf("%+v", got)
	}
	if m := fake.Messages(); len(m) != 3 || m[0].Edits != 1 {
		t.Errorf("%+v", m)
	}
}

// TestBrokenMarkup: a text that Telegram cannot read arrives without its markup.
func TestBrokenMarkup(t *testing.T) {
	t.Parallel()
	fake := bot()
	r := open(t, fake, `"chat_id":"-1001"`)
	o := r.out(channeltest.Notice(), "")
	o.Body = []byte(`{"html":["<b>bold &lt;<table> & open"]}`)
	if got := r.c.Send(t.Context(), o); got.Verdict != channel.Done {
		t.Fatalf("%+v", got)
	}
	if m := fake.Messages(); len(m) != 1 || m[0].Text != "bold < & open" {
		t.Errorf("%+v", m)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		settings string
		want     string
	}{
		"no such chat":  {`"chat_id":"-5"`, "receiver answered 400 Bad Request: chat not found"},
		"no such topic": {`"chat_id":"-1001","message_thread_id":8`, "receiver answered 400 Bad Request: message thread not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t, bot(), tt.settings)
			if got := r.c.Send(t.Context(), r.out(channeltest.Notice(), "")); got.Verdict != channel.Permanent || got.Error != tt.want {
				t.Errorf("%+v", got)
			}
		})
	}
	moved := channeltest.Answer(400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1009}}`)
	r := open(t, bot(), `"chat_id":"-1001"`, moved)
	if got := r.c.Send(t.Context(), r.out(channeltest.Notice(), "")); !strings.Contains(got.Error, "set chat_id to -1009") {
		t.Errorf("%+v", got)
	}
}

func TestSilent(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]bool{`"chat_id":-1001`: false, `"chat_id":-1001,"silent":true`: true} {
		fake := bot()
		open(t, fake, settings).send(channeltest.Notice(), "")
		if m := fake.Messages()[0]; m.Silent != want {
			t.Errorf("%s: %+v", settings, m)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"none":             {`{}`, []string{"bot_token", "chat_id"}},
		"token":            {`{"bot_token":"bot1:a","chat_id":1}`, []string{"bot_token"}},
		"token with path":  {`{"bot_token":"1:a/../x","chat_id":1}`, []string{"bot_token"}},
		"chat":             {`{"bot_token":"1:a","chat_id":"ops room"}`, []string{"chat_id"}},
		"chat with a dot":  {`{"bot_token":"1:a","chat_id":1.5}`, []string{"chat_id"}},
		"chat of no kind":  {`{"bot_token":"1:a","chat_id":["x"]}`, []string{"chat_id"}},
		"topic":            {`{"bot_token":"1:a","chat_id":1,"message_thread_id":1.5}`, []string{"message_thread_id"}},
		"api":              {`{"bot_token":"1:a","chat_id":1,"server":"api.telegram.org"}`, []string{"server"}},
		"api with a query": {`{"bot_token":"1:a","chat_id":1,"server":"https://h?x=1"}`, []string{"server"}},
		"templates":        {`{"bot_token":"1:a","chat_id":1,"template":{"type":"inline","template":"a"},"text_template":{"type":"inline","template":"b"}}`, []string{"text_template"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, driver(nil), tt.config, tt.keys)
		})
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]bool{``: true, `,"acknowledged":false`: false, `,"acknowledged":true`: true} {
		f, ok := channeltest.Open(t, driver(nil), `{"bot_token":"1:a","chat_id":1`+more+`}`).(channel.Follower)
		if !ok || f.Follows() != (channel.Follows{Acknowledged: want, Analysis: true, Reopened: true}) {
			t.Errorf("%s: %+v", more, f)
		}
	}
}

func FuzzRender(f *testing.F) {
	c := channeltest.Open(f, driver(nil), `{"bot_token":"1:a","chat_id":1}`)
	fake := bot()
	channeltest.Fuzz(f, c, func(t *testing.T, _ channel.Notice, r channel.Rendered) {
		t.Helper()
		var m struct {
			HTML  []string
			Short string
		}
		if err := json.Unmarshal(r.Body, &m); err != nil {
			t.Fatal(err)
		}
		for _, text := range append(m.HTML, m.Short) {
			body, err := json.Marshal(map[string]any{"chat_id": "-1001", "text": text, "parse_mode": "HTML"})
			if err != nil {
				t.Fatal(err)
			}
			q := channeltest.Request{Body: body}
			q.URL.Path = "/bot" + token + "/sendMessage"
			if err := fake.Refuses(q); text != "" && err != nil {
				t.Errorf("%v: %q", err, text)
			}
		}
	})
}
