package channeltest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Telegram is a Bot API server with one bot in some chats. It refuses what api.telegram.org refuses (checked against the documentation of
// Bot API 9.2 and the server's own words).
type Telegram struct {
	Token  string
	Chats  []string // by the chat_id that callers give
	Topics []int64  // of all of them

	mu  sync.Mutex
	got []TelegramMessage
}

// TelegramMessage is a message as the chat shows it now.
type TelegramMessage struct {
	ID      int64
	Chat    string
	Topic   int64
	HTML    string // as it was sent
	Text    string // as it is shown
	Silent  bool
	ReplyTo int64
	Edits   int
	Deleted bool
}

// telegramCall is the part of the two methods that it knows.
type telegramCall struct {
	Chat      json.RawMessage `json:"chat_id"`
	Topic     int64           `json:"message_thread_id"`
	Message   int64           `json:"message_id"`
	Text      string          `json:"text"`
	ParseMode string          `json:"parse_mode"`
	Silent    bool            `json:"disable_notification"`
	Reply     *struct {
		Message int64 `json:"message_id"`
		Anyway  bool  `json:"allow_sending_without_reply"`
	} `json:"reply_parameters"`
}

// telegramError is the API's own words.
type telegramError string

// Error implements error.
func (e telegramError) Error() string { return string(e) }

// Messages are those in all chats, in order.
func (f *Telegram) Messages() []TelegramMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// Delete takes a message away, as its readers can.
func (f *Telegram) Delete(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got[id-1].Deleted = true
}

// Refuses says why it would refuse a request for what it is, whatever is in the chat.
func (f *Telegram) Refuses(r Request) error {
	_, _, _, err := f.judge(r.URL.Path, r.Body)
	return err
}

// Step answers one request.
func (f *Telegram) Step(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
	method, call, code, err := f.judge(r.URL.Path, readAll(r))
	var m TelegramMessage
	if err == nil {
		code = http.StatusBadRequest
		m, err = f.keep(method, call)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error_code": code, "description": err.Error()})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": map[string]any{
		"message_id": m.ID, "date": 1772359200, "chat": map[string]any{"id": -100, "type": "supergroup"}, // and the text, of which callers have no use
	}})
}

func (f *Telegram) judge(path string, body []byte) (method string, c telegramCall, code int, err error) {
	token, method, ok := strings.Cut(strings.TrimPrefix(path, "/bot"), "/")
	switch {
	case !ok || token != f.Token:
		return method, c, http.StatusUnauthorized, telegramError("Unauthorized")
	case method != "sendMessage" && method != "editMessageText":
		return method, c, http.StatusNotFound, telegramError("Not Found")
	}
	bad := func(format string, args ...any) (string, telegramCall, int, error) {
		return method, c, http.StatusBadRequest, telegramError("Bad Request: " + fmt.Sprintf(format, args...))
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return bad("can't parse JSON: %v", err)
	}
	if !slices.Contains(f.Chats, strings.Trim(string(c.Chat), `"`)) {
		return bad("chat not found")
	}
	shown := c.Text
	if c.ParseMode == "HTML" {
		if shown, err = telegramHTML(c.Text); err != nil {
			return bad("can't parse entities: %v", err)
		}
	}
	switch {
	case strings.TrimSpace(shown) == "":
		return bad("message text is empty")
	case chars(shown) > 4096:
		return bad("message is too long")
	case c.Topic != 0 && !slices.Contains(f.Topics, c.Topic):
		return bad("message thread not found")
	}
	return method, c, 0, nil
}

// keep changes the chat.
func (f *Telegram) keep(method string, c telegramCall) (TelegramMessage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there := func(id int64) bool { return id > 0 && id <= int64(len(f.got)) && !f.got[id-1].Deleted }
	shown := c.Text
	if c.ParseMode == "HTML" {
		shown, _ = telegramHTML(c.Text)
	}
	if method == "editMessageText" {
		if !there(c.Message) {
			return TelegramMessage{}, telegramError("Bad Request: message to edit not found")
		}
		m := &f.got[c.Message-1]
		if m.HTML == c.Text {
			return TelegramMessage{}, telegramError("Bad Request: message is not modified: specified new message content and reply markup are " +
				"exactly the same as a current content and reply markup of the message")
		}
		m.HTML, m.Text = c.Text, shown
		m.Edits++
		return *m, nil
	}
	m := TelegramMessage{ID: int64(len(f.got)) + 1, Chat: strings.Trim(string(c.Chat), `"`), Topic: c.Topic, HTML: c.Text, Text: shown, Silent: c.Silent}
	if c.Reply != nil {
		switch {
		case there(c.Reply.Message):
			m.ReplyTo = c.Reply.Message
		case !c.Reply.Anyway:
			return TelegramMessage{}, telegramError("Bad Request: message to be replied not found")
		}
	}
	f.got = append(f.got, m)
	return m, nil
}

var (
	telegramTag  = regexp.MustCompile(`<(/?)([A-Za-z0-9-]*)((?:\s[^<>]*)?)>`)
	telegramTags = []string{"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code", "pre", "blockquote"}
)

// telegramHTML is what a chat shows of a text with markup, or why the server cannot read it.
func telegramHTML(text string) (string, error) {
	var stack []string
	var shown strings.Builder
	at := 0
	for _, m := range telegramTag.FindAllStringSubmatchIndex(text, -1) {
		between := text[at:m[0]]
		if strings.Contains(between, "<") {
			return "", fmt.Errorf("unsupported start tag %q", between)
		}
		shown.WriteString(between)
		at = m[1]
		name := strings.ToLower(text[m[4]:m[5]])
		switch closes := m[3] > m[2]; {
		case !slices.Contains(telegramTags, name):
			return "", fmt.Errorf("unsupported start tag %q at byte offset %d", name, m[0])
		case !closes:
			stack = append(stack, name)
		case len(stack) == 0 || stack[len(stack)-1] != name:
			return "", fmt.Errorf("unexpected end tag at byte offset %d", m[0])
		default:
			stack = stack[:len(stack)-1]
		}
	}
	rest := text[at:]
	switch {
	case strings.Contains(rest, "<"):
		return "", fmt.Errorf("unclosed start tag at byte offset %d", at)
	case len(stack) > 0:
		return "", fmt.Errorf("can't find end tag corresponding to start tag %q", stack[len(stack)-1])
	}
	shown.WriteString(rest)
	return html.UnescapeString(shown.String()), nil
}
