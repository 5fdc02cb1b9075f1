package channeltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mattermost is a fake of a Mattermost server's incoming webhook: it refuses what the server refuses, and keeps posts.
//
//	m := channeltest.NewMattermost()
//	r := channeltest.Receive(t, m.Step)
//	webhook_url = r.URL + m.Hook
type Mattermost struct {
	Hook     string // path of the webhook
	Channels []string

	lossy

	posts []MattermostPost
}

// MattermostPost is a post.
type MattermostPost struct {
	Channel  string // "" is the webhook's own
	Text     string // all that people see, backslashes and gaps of markup undone
	Color    string
	Username string
	Mentions []string // whom it called
	Props    map[string]any
}

// NewMattermost has one webhook, which may also post to town-square.
func NewMattermost() *Mattermost {
	return &Mattermost{Hook: "/hooks/canary5xg7w3tjp9mfqk1h8zod", Channels: []string{"town-square"}}
}

// Posts are those that it took, in order.
func (m *Mattermost) Posts() []MattermostPost {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.posts)
}

// Refuses says why the server would refuse a request; nil when it would not.
func (m *Mattermost) Refuses(r Request) error {
	if _, _, id := m.judge(r.Method, r.URL.Path, r.Header, r.Body); id != "" {
		return fmt.Errorf("%s", id)
	}
	return nil
}

// Step answers one request.
func (m *Mattermost) Step(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
	body := readAll(r)
	args, status, id := m.judge(r.Method, r.URL.Path, r.Header, body)
	if id != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "message": id, "request_id": "canary", "status_code": status})
		return
	}
	p := MattermostPost{Channel: str(args, "channel"), Text: MattermostText(args), Username: str(args, "username"), Mentions: mattermostMentions(args)}
	p.Props, _ = args["props"].(map[string]any)
	if attachments := list(args, "attachments"); len(attachments) > 0 {
		p.Color = str(asMap(attachments[0]), "color")
	}
	m.mu.Lock()
	m.posts = append(m.posts, p)
	then := m.instead()
	m.mu.Unlock()
	if then != nil {
		then(w, r, gone)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "ok")
}

// judge returns the message, or status and id of the refusal (server/channels/web/webhook.go and app/webhook.go of v10).
func (m *Mattermost) judge(method, path string, header http.Header, body []byte) (args map[string]any, status int, id string) {
	switch {
	case !strings.HasPrefix(path, "/hooks/") || method != http.MethodPost:
		return nil, http.StatusNotFound, "api.context.404.app_error"
	case path != m.Hook:
		return nil, http.StatusBadRequest, "web.incoming_webhook.invalid.app_error"
	case !strings.HasPrefix(header.Get("Content-Type"), "application/json") || json.Unmarshal(body, &args) != nil:
		return nil, http.StatusBadRequest, "web.incoming_webhook.parse.app_error"
	}
	text, isText := args["text"].(string)
	attachments, isList := args["attachments"].([]any)
	props, isProps := args["props"].(map[string]any)
	switch {
	case args["text"] != nil && !isText, args["attachments"] != nil && !isList, args["props"] != nil && !isProps:
		return nil, http.StatusBadRequest, "web.incoming_webhook.parse.app_error"
	case text == "" && len(attachments) == 0:
		return nil, http.StatusBadRequest, "web.incoming_webhook.text.app_error"
	case utf8.RuneCountInString(text) > 16383:
		return nil, http.StatusBadRequest, "model.post.is_valid.message_length.app_error"
	case props["attachments"] != nil:
		return nil, http.StatusBadRequest, "model.post.is_valid.props.app_error"
	case str(args, "channel") != "" && !slices.Contains(m.Channels, str(args, "channel")):
		return nil, http.StatusNotFound, "web.incoming_webhook.channel.app_error"
	}
	for _, a := range attachments {
		if asMap(a) == nil {
			return nil, http.StatusBadRequest, "web.incoming_webhook.parse.app_error"
		}
	}
	if raw, err := json.Marshal([]any{attachments, props}); err != nil || utf8.RuneCount(raw) > 800_000 {
		return nil, http.StatusBadRequest, "web.incoming_webhook.split_props_length.app_error"
	}
	return args, 0, ""
}

var (
	mattermostCode   = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	mattermostEscape = regexp.MustCompile(`\\([\\\x60*{}\[\]()#+\-.!_>~|])`)
	mattermostSlack  = regexp.MustCompile(`<(?:!(here|channel|all)|@([a-zA-Z0-9]+))>`)
	mattermostLink   = regexp.MustCompile(`(^|[^\\])\[([^\[\]\n]*[^\\])\]\([^()\s]*\)`)
)

func mattermostTexts(m map[string]any, visit func(text string, calls bool)) {
	visit(str(m, "text"), true)
	for _, v := range list(m, "attachments") {
		a := asMap(v)
		visit(str(a, "pretext"), true)
		visit(str(a, "title"), false)
		visit(str(a, "text"), true)
		for _, f := range list(a, "fields") {
			visit(str(asMap(f), "title")+": "+str(asMap(f), "value"), true)
		}
		visit(str(a, "footer"), false)
	}
}

// MattermostText is all that people see of a message, as they see it.
func MattermostText(m map[string]any) string {
	var b strings.Builder
	mattermostTexts(m, func(text string, _ bool) {
		text = mattermostLink.ReplaceAllString(text, "$1$2")
		b.WriteString(strings.ReplaceAll(mattermostEscape.ReplaceAllString(text, "$1"), "\u200b", "") + "\n")
	})
	return b.String()
}

// mattermostMentions are those whom a message calls: Slack's forms are turned into Mattermost's first, a backslash protects from nothing,
// and code does.
func mattermostMentions(m map[string]any) []string {
	var out []string
	mattermostTexts(m, func(text string, calls bool) {
		if !calls {
			return
		}
		text = mattermostSlack.ReplaceAllString(text, "@$1$2")
		text = mattermostCode.ReplaceAllString(mattermostEscape.ReplaceAllString(text, "$1"), "")
		words := strings.FieldsFunc(text, func(c rune) bool {
			return !unicode.IsLetter(c) && !unicode.IsNumber(c) && !strings.ContainsRune(":.-_@", c)
		})
		for _, w := range words {
			if name := strings.TrimRight(w, ".-_:"); len(name) > 1 && name[0] == '@' {
				out = append(out, name)
			}
		}
	})
	return out
}
