package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// eventType names the metadata of the hub's messages.
const eventType = "incidenthub_notification"

// The keys of that metadata.
const (
	metaKey  = "idempotency_key"
	metaPart = "part"
)

// partReply is the part of what is said in the thread after a change in place; the others count from 1.
const partReply = "reply"

// delivery is one attempt of a bot.
type delivery struct {
	c   *Channel
	o   channel.Outgoing
	doc chat.Document
	// root is the first message about the incident, channel and ts; zero when this is it.
	root place
	// there are the parts that an earlier attempt has brought there although nobody said so; nil when nobody had to look.
	there map[string]place
	// doubt is why the channel could not be asked about an earlier attempt that may have arrived; "" when it could, or need not.
	doubt string
}

// place is a message of Slack.
type place struct{ channel, ts string }

func placeOf(ref string) (place, bool) {
	ch, ts, ok := strings.Cut(ref, ":")
	return place{ch, ts}, ok && channelID.MatchString(ch) && ts != ""
}

func (p place) String() string {
	if p.ts == "" {
		return ""
	}
	return p.channel + ":" + p.ts
}

// sendBot posts what has not arrived yet: the first message about an incident in the channel, later ones as changes of it.
func (c *Channel) sendBot(ctx context.Context, o channel.Outgoing, doc chat.Document) channel.Result {
	d := &delivery{c: c, o: o, doc: doc}
	d.root, _ = placeOf(o.Thread)
	if o.Unknown {
		if r, ok := d.find(ctx); !ok {
			return r
		}
	}
	r := d.doc.Noted(d.parts(ctx))
	r.Response = strings.TrimSpace(r.Response + " " + d.doubt)
	return r
}

func (d *delivery) parts(ctx context.Context) channel.Result {
	ref := d.root
	r := d.doc.Deliver(d.o.Sent, func(i int) channel.Result {
		r, at := d.part(ctx, i)
		if i == 0 && r.Verdict == channel.Done {
			if ref = d.root; ref.ts == "" {
				ref = at
			}
		}
		return r
	})
	if r.Verdict == channel.Done && len(d.doc.Reply) > 0 && d.root.ts != "" {
		sent := r.Sent
		r, _ = d.say(ctx, d.doc.Reply, partReply, d.root, d.doc.Broadcast)
		r.Sent = sent
	}
	r.ProviderRef = ref.String()
	return r
}

// part brings one part there. The first one changes the root in place, if there is one.
func (d *delivery) part(ctx context.Context, i int) (channel.Result, place) {
	raw, name := d.doc.Messages[i], strconv.Itoa(i+1)
	if i > 0 || d.root.ts == "" {
		r, at := d.say(ctx, raw, name, d.root, false)
		if i == 0 && d.instead(r) {
			return d.say(ctx, d.doc.Messages[0], name, d.root, false)
		}
		return r, at
	}
	r := d.change(ctx, raw)
	if d.instead(r) {
		r = d.change(ctx, d.doc.Messages[0])
	}
	switch r.Class {
	case "slack_message_not_found": // somebody deleted it: from now on this is the first one
		d.root = place{}
		return d.say(ctx, d.doc.Messages[0], name, place{}, false)
	case "slack_cant_update_message", "slack_edit_window_closed":
		d.doc.Reply = nil // the message itself is said in the thread
		return d.say(ctx, d.doc.Messages[0], name, d.root, d.doc.Broadcast)
	}
	return r, d.root
}

// instead puts the built-in message in the place of one that Slack does not take.
func (d *delivery) instead(r channel.Result) bool {
	return r.Verdict == channel.Permanent && isContent(r) && d.doc.Refused(r.Class)
}

// say posts a message, unless it is there already.
func (d *delivery) say(ctx context.Context, raw json.RawMessage, name string, thread place, broadcast bool) (channel.Result, place) {
	if at, ok := d.there[name]; ok {
		return channel.Result{Verdict: channel.Done, Status: http.StatusOK, Response: "it was there already"}, at
	}
	must := map[string]any{
		"channel": d.c.settings.Channel, "link_names": false, "parse": "none", "metadata": map[string]any{
			"event_type": eventType, "event_payload": map[string]any{
				metaKey: channel.VisibleLine(d.o.IdemKey), metaPart: name, "incident_id": channel.VisibleLine(d.o.IncidentID), "event": string(d.o.Kind),
			},
		},
	}
	if thread.ts != "" {
		must["channel"], must["thread_ts"] = thread.channel, thread.ts
		if broadcast {
			must["reply_broadcast"] = true
		}
	}
	m, err := chat.Open(raw, map[string]any{"username": d.c.settings.Username, "icon_emoji": d.c.settings.IconEmoji})
	if err != nil {
		return d.c.http.Failed(fault.Permanent(err)), place{}
	}
	maps.Copy(m, must) // whatever the message has under these
	if d.doubt != "" {
		if d.o.Drops() {
			return channel.Result{
				Verdict: channel.Dropped, Class: "unknown_outcome", Error: "not sent again: an earlier attempt may have arrived, and " + d.doubt,
			}, place{}
		}
		repeated(m)
	}
	a, r := d.c.call(ctx, "chat.postMessage", d.o, m)
	if r.Verdict != channel.Done {
		return r, place{}
	}
	return r, place{cmp.Or(a.Channel, d.c.settings.Channel), a.TS}
}

// change puts a message in the place of the root. To do that twice does no harm.
func (d *delivery) change(ctx context.Context, raw json.RawMessage) channel.Result {
	m, err := chat.Open(raw, map[string]any{"blocks": []any{}, "attachments": []any{}}) // what is left out would stay
	if err != nil {
		return d.c.http.Failed(fault.Permanent(err))
	}
	maps.Copy(m, map[string]any{"channel": d.root.channel, "ts": d.root.ts, "link_names": false, "parse": "none"})
	for _, key := range []string{"unfurl_links", "unfurl_media", "username", "icon_emoji", "icon_url", "thread_ts"} {
		delete(m, key) // arguments of chat.postMessage only
	}
	_, r := d.c.call(ctx, "chat.update", d.o, m)
	return r
}

// call calls a method of the Web API with a JSON body.
func (c *Channel) call(ctx context.Context, method string, o channel.Outgoing, args map[string]any) (answer, channel.Result) {
	body, err := channel.Encode(args)
	if err != nil {
		return answer{}, c.http.Failed(fault.Permanent(err))
	}
	h := chat.Header(o)
	h.Set("Content-Type", "application/json; charset=utf-8")
	return c.request(ctx, method, h, body)
}

// ask calls a method that reads. All of those take a form.
func (c *Channel) ask(ctx context.Context, method string, args url.Values) (answer, channel.Result) {
	h := http.Header{}
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.request(ctx, method, h, []byte(args.Encode()))
}

func (c *Channel) request(ctx context.Context, method string, h http.Header, body []byte) (answer, channel.Result) {
	h.Set("Authorization", "Bearer "+c.settings.BotToken)
	resp, r := c.http.PostJSON(ctx, c.api(method), h, body)
	if resp == nil {
		return answer{}, r
	}
	a, ok := said(resp.Body)
	switch {
	case ok && !a.OK && r.Verdict != channel.Retry:
		return a, refusal(a, r, resp.Header, c.http.Clock.Now(), false)
	case r.Verdict != channel.Done || ok && a.OK:
		return a, r
	default:
		r.Doubt(resp, "the receiver answered, but not as Slack's Web API does: look at base_url")
	}
	return a, r
}

func (c *Channel) api(method string) string {
	return strings.TrimSuffix(cmp.Or(strings.TrimSpace(c.settings.BaseURL), usualBase), "/") + "/" + method
}
