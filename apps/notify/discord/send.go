package discord

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Send implements channel.Channel: what has not arrived yet is posted; the first message about an incident is changed by later ones.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	d := &delivery{c: c, o: o, doc: c.frame.Read(o), root: o.Thread}
	if !snowflake.MatchString(d.root) {
		d.root = ""
	}
	return d.run(ctx)
}

// delivery is one attempt.
type delivery struct {
	c    *Channel
	o    channel.Outgoing
	doc  chat.Document
	root string // the first message about the incident, "" when this is it
	// marked: what may be there already has been marked.
	marked bool
}

func (d *delivery) run(ctx context.Context) channel.Result {
	ref := d.root
	r := d.doc.Deliver(d.o.Sent, func(i int) channel.Result {
		r := d.part(ctx, i)
		if i == 0 && r.Verdict == channel.Done {
			ref = cmp.Or(d.root, r.ProviderRef)
		}
		return r
	})
	if r.Verdict == channel.Done && d.root != "" && len(d.doc.Call) > 0 {
		sent := r.Sent
		r = d.post(ctx, d.doc.Call)
		r.Sent = sent
	}
	r.ProviderRef = ref
	return d.doc.Noted(r)
}

// part brings one part there. The first one changes the root in place, if there is one.
func (d *delivery) part(ctx context.Context, i int) channel.Result {
	send := d.post
	if i == 0 && d.root != "" {
		send = d.change
	}
	r := send(ctx, d.doc.Messages[i])
	if i == 0 && r.Verdict == channel.Permanent && isContent(r) && d.doc.Refused(r.Class) {
		r = send(ctx, d.doc.Messages[0])
	}
	if i == 0 && d.root != "" && slices.Contains(gone[:], r.Class) { // deleted, or too old to be changed: from now on this is the first one
		d.root = ""
		r = d.post(ctx, d.doc.Messages[0])
	}
	return r
}

// open is a stored message that mentions nobody unless it says whom.
func open(raw json.RawMessage, may map[string]any) (map[string]any, error) {
	m, err := chat.Open(raw, may)
	if err != nil {
		return nil, err
	}
	if _, has := m["allowed_mentions"]; !has {
		m["allowed_mentions"] = map[string]any{"parse": []any{}}
	}
	return m, nil
}

// repeated marks a message that may be there already.
func repeated(m map[string]any) {
	content, _ := m["content"].(string)
	if marked := strings.TrimSpace(channel.MayRepeat + " " + content); channel.Units(marked) <= maxContent {
		m["content"] = marked
		return
	}
	embeds, _ := m["embeds"].([]any)
	m["embeds"] = append(embeds, map[string]any{"description": channel.MayRepeat})
}

// post posts a message. A webhook cannot be asked whether it is there already.
func (d *delivery) post(ctx context.Context, raw json.RawMessage) channel.Result {
	if r, drop := chat.Dropped(d.o); drop {
		return r
	}
	m, err := open(raw, map[string]any{"username": d.c.settings.Username, "avatar_url": d.c.settings.AvatarURL})
	if err != nil {
		return d.c.http.Failed(fault.Permanent(err))
	}
	if d.o.Unknown && !d.marked {
		d.marked = true
		repeated(m)
	}
	return d.call(ctx, http.MethodPost, "", m)
}

// change puts a message in the place of the root. To do that twice does no harm.
func (d *delivery) change(ctx context.Context, raw json.RawMessage) channel.Result {
	m, err := open(raw, map[string]any{"embeds": []any{}}) // what is left out would stay
	if err != nil {
		return d.c.http.Failed(fault.Permanent(err))
	}
	if _, has := m["content"]; !has {
		m["content"] = ""
	}
	for _, key := range []string{"username", "avatar_url", "tts", "thread_name"} {
		delete(m, key)
	}
	return d.call(ctx, http.MethodPatch, "/messages/"+d.root, m)
}

func (d *delivery) call(ctx context.Context, method, path string, m map[string]any) channel.Result {
	h := d.c.http
	body, err := channel.Encode(m)
	if err != nil {
		return h.Failed(fault.Permanent(err))
	}
	u, q := *d.c.settings.address, url.Values{}
	u.Path += path
	if method == http.MethodPost {
		q.Set("wait", "true") // or there would be no id of the message in the answer
	}
	if d.c.settings.ThreadID != "" {
		q.Set("thread_id", d.c.settings.ThreadID)
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return h.Failed(fault.Permanent(err))
	}
	req.Header = chat.Header(d.o)
	req.Header.Set("Content-Type", "application/json")
	resp, r := h.Do(ctx, req)
	if resp == nil {
		return r
	}
	return judge(resp, r)
}

// answer is a message, or a complaint.
type answer struct {
	ID         string          `json:"id"`
	Code       int             `json:"code"`
	Message    string          `json:"message"`
	RetryAfter float64         `json:"retry_after"` // seconds
	Errors     json.RawMessage `json:"errors"`
}

// judge reads what Discord says beside the status.
func judge(resp *httpclient.Response, r channel.Result) channel.Result {
	var a answer
	readable := json.Unmarshal(resp.Body, &a) == nil
	switch {
	case resp.Status == http.StatusNoContent:
	case r.Verdict == channel.Done && readable && snowflake.MatchString(a.ID):
		r.ProviderRef = a.ID
	case r.Verdict == channel.Done:
		r.Doubt(resp, "the receiver answered, but not with a message as Discord does: is webhook_url the address of a webhook?")
	case readable && a.Code == codeOldEdits: // comes as a 429, and does not pass
		r.Verdict, r.RetryAfter, r.Class, r.Error = channel.Permanent, 0, "discord_30046", "the message is too old to be changed again"
	case resp.Status == http.StatusTooManyRequests && readable && a.RetryAfter > 0:
		r.RetryAfter = min(time.Duration(math.Min(a.RetryAfter, 86400)*float64(time.Second)), httpclient.MaxRetryAfter)
	case r.Verdict == channel.Permanent && readable && a.Code != 0:
		r.Class = fmt.Sprintf("discord_%d", a.Code)
		r.Error = fmt.Sprintf("Discord refused the message (%d %s)", a.Code, channel.VisibleLine(channel.Cut(a.Message, 200, nil)))
		if what := advice[a.Code]; what != "" {
			r.Error += ": " + what
		}
	}
	return r
}

// advice says what to do about an error (https://docs.discord.com/developers/topics/opcodes-and-status-codes#json, 2026-11).
var advice = map[int]string{
	10003:  "the channel is gone: make a webhook in another one and enter its address",
	10015:  "the webhook was deleted: make a new one and enter its address",
	50027:  "the webhook's address is not right: copy it again",
	50006:  "the message is empty: look at the channel's template",
	50035:  "Discord does not take the message's form: look at the channel's template",
	50083:  "the thread is archived: open it again or remove thread_id",
	160005: "the thread is locked: unlock it or remove thread_id",
	220001: "the webhook is one of a forum: set thread_id to a post of it",
	220003: "only webhooks of forums can make threads: look at the channel's template",
}

// codeOldEdits is the limit of edits to messages older than an hour.
const codeOldEdits = 30046

// gone are the classes of refusals after which the first message cannot be changed any more.
var gone = [...]string{"discord_10008", "discord_30046", "discord_50005"}

// isContent reports whether Discord complained about what the message holds.
func isContent(r channel.Result) bool {
	return r.Class == "discord_50035" || r.Class == "discord_50006" || r.Class == "discord_220003" || r.Class == "http_400"
}
