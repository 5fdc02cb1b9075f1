package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// The methods of the Bot API that are used.
const (
	methodSend = "sendMessage"
	methodEdit = "editMessageText"
)

// classNotOK is the Result.Class of ok:false in an answer that is a success by its status.
const classNotOK = "not_ok"

var errBody = errors.New("the stored message has no text")

// call is one request.
type call struct {
	Chat       string   `json:"chat_id"`
	Topic      int64    `json:"message_thread_id,omitempty"`
	Message    int64    `json:"message_id,omitempty"` // to change
	Text       string   `json:"text"`
	ParseMode  string   `json:"parse_mode,omitempty"`
	Preview    *preview `json:"link_preview_options,omitempty"`
	Silent     bool     `json:"disable_notification,omitempty"`
	AnswerTo   *answer  `json:"reply_parameters,omitempty"`
	method     string
	repeatable bool // a second one changes nothing
	beside     bool // another call tells it anyway
}

type preview struct {
	Disabled bool `json:"is_disabled"`
}

type answer struct {
	Message int64 `json:"message_id"`
	Anyway  bool  `json:"allow_sending_without_reply"` // also when the first message was deleted
}

// Send implements channel.Channel: the calls that have not succeeded yet, in order, up to the first that fails.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	m, ok := read(o)
	if !ok {
		return c.http.Failed(fault.WithClass(fault.Permanent(errBody), "bad_body"))
	}
	calls := c.calls(m, o)
	result := channel.Result{Verdict: channel.Done, ProviderRef: o.Thread, Sent: len(calls)}
	for i := min(max(o.Sent, 0), len(calls)); i < len(calls); i++ {
		if o.Unknown && !calls[i].repeatable {
			if o.Drops() && i == max(o.Sent, 0) {
				return channel.Result{Verdict: channel.Dropped, Sent: i, Error: "an earlier attempt may have arrived, and Telegram cannot tell a repeat"}
			}
			calls[i].Text += "\n" + channel.MayRepeat
		}
		r := c.make(ctx, calls[i])
		r.Sent = i
		if result.ProviderRef != "" { // of several messages the first one's
			r.ProviderRef = result.ProviderRef
		}
		if r.Verdict != channel.Done {
			return r
		}
		r.Sent = i + 1
		result = r
	}
	result.Sent = max(m.calls(false), len(calls))
	return result
}

// calls lists what a message takes: a change of the incident's first message where that can tell it, else new messages. What must ring is
// both: a new message, and before it a change, since the first one may say that it is over.
func (c *Channel) calls(m message, o channel.Outgoing) []call {
	thread := c.inThread(o.Thread)
	var out []call
	if thread != 0 && rings(o.Kind) {
		k := c.change(m.HTML[0], thread)
		k.beside = true
		out = append(out, k)
	}
	for i, text := range m.HTML {
		k := c.message(text)
		k.Silent = k.Silent || m.Quiet || i > 0
		if thread != 0 {
			k.AnswerTo = &answer{thread, true}
		}
		if i == 0 && thread != 0 && changes(o.Kind) {
			k = c.change(text, thread)
		}
		out = append(out, k)
	}
	if m.Short != "" && thread != 0 {
		k := c.message(m.Short)
		k.AnswerTo = &answer{thread, true}
		out = append(out, k)
	}
	return out
}

// change is a call that changes the first message.
func (c *Channel) change(text string, message int64) call {
	k := c.message(text)
	k.method, k.Message, k.Topic, k.Silent, k.repeatable = methodEdit, message, 0, false, true
	return k
}

// rings reports whether a kind must ring although the incident was told of before.
func rings(k channel.Kind) bool { return k == channel.KindFiring || k == channel.KindReminder }

// changes reports whether a kind is told by changing the first message.
func changes(k channel.Kind) bool {
	return k == channel.KindUpdated || k == channel.KindAcknowledged || k == channel.KindResolved
}

func (c *Channel) message(text string) call {
	return call{
		method: methodSend, Chat: string(c.settings.ChatID), Topic: c.settings.thread, Text: text, ParseMode: "HTML",
		Preview: &preview{true}, Silent: c.settings.Silent,
	}
}

// make makes a call. What the API refuses for its form or because the message to change is gone is sent in another form at once: that was
// no attempt which could have arrived.
func (c *Channel) make(ctx context.Context, k call) channel.Result {
	r, why := c.post(ctx, k)
	if k.method == methodEdit && has(why, "message is not modified") {
		return channel.Result{Verdict: channel.Done, Status: r.Status, Response: r.Response, ProviderRef: c.ref(k.Message)}
	}
	if k.ParseMode != "" && has(why, "can't parse entities", "unsupported start tag", "can't find end tag") {
		k.Text, k.ParseMode = plain(k.Text), ""
		r, why = c.post(ctx, k)
	}
	if k.beside && r.Verdict == channel.Permanent { // the next call is what counts
		return channel.Result{Verdict: channel.Done, Status: r.Status, Response: r.Response}
	}
	if k.method == methodEdit && has(why, "message to edit not found", "message can't be edited", "message_id_invalid") {
		k.method, k.Message, k.Topic = methodSend, 0, c.settings.thread
		r, _ = c.post(ctx, k)
	}
	return r
}

func has(description string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(strings.ToLower(description), p) {
			return true
		}
	}
	return false
}

// reply is what the API answers (https://core.telegram.org/bots/api#making-requests).
type reply struct {
	OK          *bool           `json:"ok"`
	Result      json.RawMessage `json:"result"` // a message, or true
	ErrorCode   int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int64 `json:"retry_after"` // seconds
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// post makes one request; why is the API's own description of a refusal.
func (c *Channel) post(ctx context.Context, k call) (r channel.Result, why string) {
	body, err := channel.Encode(k)
	if err != nil {
		return c.http.Failed(fault.Permanent(err)), ""
	}
	resp, r := c.http.PostJSON(ctx, c.base+k.method, nil, body)
	if resp == nil {
		return r, ""
	}
	var a reply
	if json.Unmarshal(resp.Body, &a) != nil || a.OK == nil {
		if r.Verdict == channel.Done {
			r.Verdict, r.Class, r.Error = channel.Retry, channel.ClassBadAnswer, "the answer is not one of the Bot API: something else took the message"
		}
		return r, ""
	}
	if *a.OK && r.Verdict == channel.Done {
		r.ProviderRef = c.ref(messageID(a.Result, k.Message))
		return r, ""
	}
	c.refused(&r, a)
	return r, a.Description
}

// refused reads what the API says of a refusal, which may come with the status of a success.
func (c *Channel) refused(r *channel.Result, a reply) {
	if r.Verdict == channel.Done {
		r.Class, r.Verdict = classNotOK, channel.Permanent
		switch v := httpclient.Judge(a.ErrorCode, nil, nil, time.Time{}); {
		case a.ErrorCode != 0 && v.Outcome == httpclient.Retry:
			r.Verdict = channel.Retry
		case a.ErrorCode == 0:
			r.Verdict = channel.Retry // it does not say why
		default:
		}
		r.Error = "the Bot API answered ok:false"
		if a.ErrorCode != 0 {
			r.Error += fmt.Sprintf(" with the code %d", a.ErrorCode)
		}
	}
	if r.Verdict == channel.Retry && a.Parameters.RetryAfter > 0 {
		asked := min(time.Duration(min(a.Parameters.RetryAfter, 1<<20))*time.Second, httpclient.MaxRetryAfter)
		r.RetryAfter = max(r.RetryAfter, asked)
	}
	if d := c.http.Redact.Text(channel.VisibleLine(a.Description)); d != "" {
		r.Error += ": " + strings.TrimPrefix(d, http.StatusText(r.Status)+": ")
	}
	if a.Parameters.MigrateTo != 0 {
		r.Error += fmt.Sprintf("; the group has become a supergroup: set chat_id to %d", a.Parameters.MigrateTo)
	}
}

func messageID(result json.RawMessage, otherwise int64) int64 {
	var m struct {
		ID int64 `json:"message_id"`
	}
	if json.Unmarshal(result, &m) == nil && m.ID != 0 {
		return m.ID
	}
	return otherwise
}

// ref names a message: its number counts within its chat only.
func (c *Channel) ref(message int64) string {
	if message == 0 {
		return ""
	}
	return string(c.settings.ChatID) + "/" + strconv.FormatInt(message, 10)
}

// inThread is the message of a ref; 0 when there is none, or when it is in another chat: the channel was changed since.
func (c *Channel) inThread(ref string) int64 {
	number, ok := strings.CutPrefix(ref, string(c.settings.ChatID)+"/")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || n <= 0 {
		return 0
	}
	return n
}
