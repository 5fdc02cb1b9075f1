package channeltest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Slack is a fake of Slack: incoming webhooks and the part of the Web API that bots use. It refuses what Slack refuses and keeps channels,
// messages, threads and edits.
//
//	slack := channeltest.NewSlack()
//	r := channeltest.Receive(t, slack.Step)
//	webhook_url = r.URL + slack.Hook, or base_url = r.URL + "/api" and bot_token = slack.Token, channel = slack.Channel
type Slack struct {
	Hook    string // path of the webhook, which posts to Channel
	Token   string // of the bot
	Channel string // a channel that the bot is in
	Epoch   int64  // the second in which all messages come, Unix time; 0: 2026-03-01 10:00 UTC

	lossy

	channels map[string]SlackChannel
	messages []*SlackMessage
	scopes   bool // history may be read
	closed   bool // edits are not allowed any more
	page     int
	last     int
}

// SlackChannel is a channel's state.
type SlackChannel struct{ Archived, Member bool }

// SlackMessage is a message as it stands now.
type SlackMessage struct {
	Channel, TS string
	Thread      string // TS of the message that it answers to, "" at the top
	Broadcast   bool   // shown in the channel too
	Text        string // all that people see, markup of Slack's undone
	Color       string
	Username    string
	Mentions    []string // whom it called when it was posted, such as <!here>
	Edits       int
	Metadata    map[string]any // the event payload
	Body        map[string]any // as it was sent last
}

// NewSlack has one channel and one webhook to it.
func NewSlack() *Slack {
	s := &Slack{Hook: "/services/T0FAKE000/B0FAKE000/canaryhook0123456789", Token: "xoxb-0123456789-canarytoken", Channel: "C0FAKE00001", scopes: true, page: 1000}
	s.channels = map[string]SlackChannel{s.Channel: {Member: true}}
	return s
}

// SetChannel adds a channel or changes it.
func (s *Slack) SetChannel(id string, c SlackChannel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[id] = c
}

// TakeScope takes away the right to read the channels' history.
func (s *Slack) TakeScope() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = false
}

// CloseEdits ends the time in which messages can be edited.
func (s *Slack) CloseEdits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Pages makes lists of messages come in pages of that size.
func (s *Slack) Pages(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page = size
}

// Delete deletes a message as somebody might.
func (s *Slack) Delete(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = slices.DeleteFunc(s.messages, func(m *SlackMessage) bool { return m.TS == ts })
}

// Messages are those in the channels, in the order they were posted.
func (s *Slack) Messages() []SlackMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copies(s.messages)
}

// Refuses says why Slack would refuse a request; nil when it would not.
func (s *Slack) Refuses(r Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, code := s.judge(r.Method, r.URL.Path, r.URL.Query(), r.Header, r.Body)
	if code != "" {
		return fmt.Errorf("%s: %s", r.URL.Path, code)
	}
	return nil
}

// Step answers one request.
func (s *Slack) Step(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
	body := readAll(r)
	s.mu.Lock()
	args, code := s.judge(r.Method, r.URL.Path, r.URL.Query(), r.Header, body)
	var answer map[string]any
	var then Step
	if code == "" {
		answer = s.do(r.URL.Path, args)
		if _, posted := answer["ts"]; posted {
			then = s.instead()
		}
	}
	s.mu.Unlock()
	switch {
	case then != nil:
		then(w, r, gone)
	case !strings.HasPrefix(r.URL.Path, "/api/"):
		hookAnswer(w, code)
	default:
		if code != "" {
			answer = map[string]any{"ok": false, "error": code}
			if code == "missing_scope" {
				answer["needed"], answer["provided"] = "channels:history", "chat:write"
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// hookAnswer: webhooks answer in plain text.
func hookAnswer(w http.ResponseWriter, code string) {
	status := map[string]int{
		"": http.StatusOK, "no_service": http.StatusNotFound, "channel_not_found": http.StatusNotFound, "channel_is_archived": http.StatusGone,
	}[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	if code == "" {
		code = "ok"
	}
	_, _ = io.WriteString(w, code) //nolint:gosec // G705: one of judge's words
}

// do carries out what judge has found to be in order.
func (s *Slack) do(path string, args map[string]any) map[string]any {
	switch strings.TrimPrefix(path, "/api/") {
	case "chat.update":
		m := s.find(str(args, "channel"), str(args, "ts"))
		m.Edits++
		m.look(args)
		return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "text": m.Text}
	case "conversations.history", "conversations.replies":
		return s.list(args)
	default:
		s.last++
		m := &SlackMessage{Channel: str(args, "channel"), TS: fmt.Sprintf("%d.%06d", cmp.Or(s.Epoch, 1772359200), s.last), Thread: str(args, "thread_ts"), Username: str(args, "username")}
		if !strings.HasPrefix(path, "/api/") {
			m.Channel = s.Channel
		}
		m.Broadcast, _ = args["reply_broadcast"].(bool)
		m.Metadata = asMap(asMap(args["metadata"])["event_payload"])
		m.look(args)
		m.Mentions = slackMentions(args)
		s.messages = append(s.messages, m)
		return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "message": map[string]any{"text": m.Text}}
	}
}

// look takes over what a message looks like.
func (m *SlackMessage) look(args map[string]any) {
	m.Body, m.Color = args, ""
	if attachments := list(args, "attachments"); len(attachments) > 0 {
		m.Color = str(asMap(attachments[0]), "color")
	}
	m.Text = SlackText(args)
}

func (s *Slack) find(ch, ts string) *SlackMessage {
	for _, m := range s.messages {
		if m.Channel == ch && m.TS == ts {
			return m
		}
	}
	return nil
}

// list is a page of a channel, the newest first, or of a thread, the oldest first.
func (s *Slack) list(args map[string]any) map[string]any {
	var found []map[string]any
	root := str(args, "ts")
	oldest, _ := strconv.ParseFloat(str(args, "oldest"), 64)
	for _, m := range s.messages {
		at, _ := strconv.ParseFloat(m.TS, 64)
		in := root == "" && (m.Thread == "" || m.Broadcast) || root != "" && (m.TS == root || m.Thread == root)
		if m.Channel != str(args, "channel") || !in || at < oldest {
			continue
		}
		one := map[string]any{"type": "message", "ts": m.TS, "text": m.Text}
		if m.Metadata != nil && str(args, "include_all_metadata") == "true" {
			meta := asMap(m.Body["metadata"])
			one["metadata"] = map[string]any{"event_type": meta["event_type"], "event_payload": m.Metadata}
			if meta == nil { // an edit without metadata keeps them
				one["metadata"] = map[string]any{"event_type": "incidenthub_notification", "event_payload": m.Metadata}
			}
		}
		found = append(found, one)
	}
	if root == "" {
		slices.Reverse(found)
	}
	from, _ := strconv.Atoi(strings.TrimPrefix(str(args, "cursor"), "page:"))
	size := s.page
	if n, err := strconv.Atoi(str(args, "limit")); err == nil {
		size = min(size, n)
	}
	end := min(from+size, len(found))
	page := map[string]any{"ok": true, "messages": found[min(from, end):end], "has_more": end < len(found)}
	if end < len(found) {
		page["response_metadata"] = map[string]any{"next_cursor": "page:" + strconv.Itoa(end)}
	}
	return page
}

// formArgs are the arguments of a call that is no JSON.
func formArgs(query url.Values, header http.Header, body []byte) map[string]any {
	args := map[string]any{}
	if strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return args
		}
		for k := range form {
			args[k] = form.Get(k)
		}
	}
	for k := range query {
		args[k] = query.Get(k)
	}
	return args
}
