package channeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Discord is a fake of a webhook of Discord: it refuses what Discord refuses, and keeps messages and edits.
//
//	d := channeltest.NewDiscord()
//	r := channeltest.Receive(t, d.Step)
//	webhook_url = r.URL + d.Hook
type Discord struct {
	Hook   string // path of the webhook
	Thread string // a thread of its channel

	lossy

	messages []*DiscordMessage
	old      bool
	last     int
}

// DiscordMessage is a message as it stands now.
type DiscordMessage struct {
	ID       string
	Thread   string
	Text     string // all that people see, backslashes of markup undone
	Color    int
	Username string
	Mentions []string // whom it called when it was posted
	Edits    int
}

// NewDiscord has one webhook.
func NewDiscord() *Discord {
	return &Discord{Hook: "/api/webhooks/123456789012345678/canarytoken0123456789_abcdefghijklmnop-XYZ", Thread: "223456789012345678"}
}

// Delete deletes a message as somebody might.
func (d *Discord) Delete(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.messages = slices.DeleteFunc(d.messages, func(m *DiscordMessage) bool { return m.ID == id })
}

// Age makes messages too old to be edited again.
func (d *Discord) Age() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.old = true
}

// Messages are those in the channel, in the order they were posted.
func (d *Discord) Messages() []DiscordMessage {
	d.mu.Lock()
	defer d.mu.Unlock()
	return copies(d.messages)
}

// Refuses says why Discord would refuse a request; nil when it would not.
func (d *Discord) Refuses(r Request) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, _, c := d.judge(r.Method, r.URL.Path, r.URL.Query().Get("thread_id"), r.Header, r.Body); c != nil {
		return fmt.Errorf("%d %s", c.code, c.text)
	}
	return nil
}

// Step answers one request.
func (d *Discord) Step(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
	body := readAll(r)
	d.mu.Lock()
	m, args, c := d.judge(r.Method, r.URL.Path, r.URL.Query().Get("thread_id"), r.Header, body)
	var then Step
	if c == nil {
		if m == nil {
			d.last++
			m = &DiscordMessage{ID: fmt.Sprintf("13000000000000%05d", d.last), Thread: r.URL.Query().Get("thread_id"), Username: str(args, "username"), Mentions: discordMentions(args)}
			d.messages = append(d.messages, m)
		} else {
			m.Edits++
		}
		m.look(args)
		then = d.instead()
	}
	d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case c != nil:
		w.WriteHeader(c.status)
		_ = json.NewEncoder(w).Encode(map[string]any{"message": c.text, "code": c.code})
	case then != nil:
		then(w, r, gone)
	case r.Method == http.MethodPost && r.URL.Query().Get("wait") != "true":
		w.WriteHeader(http.StatusNoContent)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"id": m.ID, "type": 0, "content": str(args, "content"), "embeds": args["embeds"]})
	}
}

// DiscordLimited is how Discord says that there were too many messages.
func DiscordLimited(wait time.Duration) Step {
	return Answer(http.StatusTooManyRequests, fmt.Sprintf(`{"message":"You are being rate limited.","retry_after":%.3f,"global":false}`, wait.Seconds()),
		"Retry-After", "1", "X-RateLimit-Scope", "user", "Content-Type", "application/json")
}

type discordRefusal struct {
	status, code int
	text         string
}

// judge returns the message that is edited and the request's JSON, or why it is refused.
// https://docs.discord.com/developers/resources/webhook#execute-webhook (2026-11).
func (d *Discord) judge(method, path, thread string, header http.Header, body []byte) (*DiscordMessage, map[string]any, *discordRefusal) {
	rest, mine := strings.CutPrefix(path, d.Hook)
	id, edit := strings.CutPrefix(rest, "/messages/")
	prefix, _, _ := strings.Cut(strings.TrimPrefix(d.Hook, "/api/webhooks/"), "/")
	var args map[string]any
	switch {
	case !mine && strings.Contains(path, prefix):
		return nil, nil, &discordRefusal{401, 50027, "Invalid Webhook Token"}
	case !mine, rest != "" && !edit:
		return nil, nil, &discordRefusal{404, 10015, "Unknown Webhook"}
	case method != map[bool]string{false: http.MethodPost, true: http.MethodPatch}[edit]:
		return nil, nil, &discordRefusal{405, 0, "405: Method Not Allowed"}
	case thread != "" && thread != d.Thread:
		return nil, nil, &discordRefusal{404, 10003, "Unknown Channel"}
	case !strings.HasPrefix(header.Get("Content-Type"), "application/json") || json.Unmarshal(body, &args) != nil:
		return nil, nil, &discordRefusal{400, 50109, "The request body contains invalid JSON."}
	}
	var m *DiscordMessage
	if edit {
		at := slices.IndexFunc(d.messages, func(m *DiscordMessage) bool { return m.ID == id && m.Thread == thread })
		if at < 0 {
			return nil, nil, &discordRefusal{404, 10008, "Unknown Message"}
		}
		if d.old {
			return nil, nil, &discordRefusal{429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later."}
		}
		m = d.messages[at]
	}
	if why := discordForm(args); why != "" {
		return nil, nil, &discordRefusal{400, 50035, "Invalid Form Body: " + why}
	}
	if str(args, "content") == "" && len(list(args, "embeds")) == 0 {
		return nil, nil, &discordRefusal{400, 50006, "Cannot send an empty message"}
	}
	return m, args, nil
}

// discordForm checks sizes and types.
func discordForm(m map[string]any) string {
	content, isText := m["content"].(string)
	embeds, isList := m["embeds"].([]any)
	name := strings.ToLower(str(m, "username"))
	switch {
	case m["content"] != nil && !isText, m["embeds"] != nil && !isList:
		return "type"
	case chars(content) > 2000:
		return "content: Must be 2000 or fewer in length."
	case len(embeds) > 10:
		return "embeds: Must be 10 or fewer in length."
	case len(name) > 80 || strings.Contains(name, "discord") || strings.Contains(name, "clyde"):
		return `username: Username cannot contain "discord"`
	}
	if a, ok := m["allowed_mentions"]; ok {
		o, isObject := a.(map[string]any)
		for _, p := range list(o, "parse") {
			if p != "everyone" && p != "users" && p != "roles" {
				return "allowed_mentions.parse"
			}
		}
		if !isObject {
			return "allowed_mentions"
		}
	}
	total := 0
	for _, v := range embeds {
		if why := discordEmbed(asMap(v), &total); why != "" {
			return "embeds: " + why
		}
	}
	if total > 6000 {
		return "embeds: Embed size exceeds maximum size of 6000"
	}
	return ""
}

func discordEmbed(e map[string]any, total *int) string {
	if len(e) == 0 {
		return "required"
	}
	fields := list(e, "fields")
	if len(fields) > 25 {
		return "fields: Must be 25 or fewer in length."
	}
	ok := true
	fits := func(s string, least, most int) {
		n := chars(s)
		*total += n
		ok = ok && n >= least && n <= most
	}
	fits(str(e, "title"), 0, 256)
	fits(str(e, "description"), 0, 4096)
	fits(str(asMap(e["footer"]), "text"), 0, 2048)
	for _, f := range fields {
		fits(str(asMap(f), "name"), 1, 256)
		fits(str(asMap(f), "value"), 1, 1024)
	}
	if u := str(e, "url"); u != "" && !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
		return "url: Not a well formed URL."
	}
	if at := str(e, "timestamp"); at != "" {
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			return "timestamp"
		}
	}
	color, isNumber := e["color"].(float64)
	if !ok || e["color"] != nil && (!isNumber || color < 0 || color > 0xffffff) {
		return "BASE_TYPE_BAD_LENGTH"
	}
	return ""
}

// look takes over what a message looks like.
func (m *DiscordMessage) look(args map[string]any) {
	m.Text, m.Color = DiscordText(args), 0
	if embeds := list(args, "embeds"); len(embeds) > 0 {
		color, _ := asMap(embeds[0])["color"].(float64)
		m.Color = int(color)
	}
}

var (
	discordCall   = regexp.MustCompile(`<@&?!?([0-9]+)>`)
	discordEscape = regexp.MustCompile(`\\([^0-9A-Za-z\s])`)
)

// DiscordText is all that people see of a message, as they see it.
func DiscordText(m map[string]any) string {
	out := []string{str(m, "content")}
	for _, v := range list(m, "embeds") {
		e := asMap(v)
		out = append(out, str(e, "title"), str(e, "description"))
		for _, f := range list(e, "fields") {
			out = append(out, str(asMap(f), "name")+": "+str(asMap(f), "value"))
		}
		out = append(out, str(asMap(e["footer"]), "text"))
	}
	return discordEscape.ReplaceAllString(strings.Join(out, "\n"), "$1")
}

// discordMentions are those whom a message calls: only its content can, and only whom allowed_mentions names. Without that it is anybody.
func discordMentions(m map[string]any) []string {
	a, limited := m["allowed_mentions"].(map[string]any)
	may := func(kind, value string) bool {
		if !limited {
			return true
		}
		return slices.Contains(list(a, "parse"), any(kind)) || slices.Contains(list(a, kind), any(value))
	}
	var out []string
	content := str(m, "content")
	for _, word := range []string{"@everyone", "@here"} {
		if strings.Contains(content, word) && may("everyone", word) {
			out = append(out, word)
		}
	}
	for _, found := range discordCall.FindAllStringSubmatch(content, -1) {
		kind := "users"
		if strings.HasPrefix(found[0], "<@&") {
			kind = "roles"
		}
		if may(kind, found[1]) {
			out = append(out, found[0])
		}
	}
	return out
}
