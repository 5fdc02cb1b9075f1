package chat

import (
	"net/http"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Deliver calls part for each message that has not arrived yet, in order, up to the first that does not arrive. part may call Refused.
func (d *Document) Deliver(sent int, part func(i int) channel.Result) channel.Result {
	last := channel.Result{Verdict: channel.Done, Response: "everything had arrived"}
	i := d.start(sent)
	for ; i < len(d.Messages); i++ {
		if last = part(i); last.Verdict != channel.Done {
			break
		}
	}
	if len(d.Messages) > 1 {
		last.Sent = i
	}
	return last
}

// start is the first message that has not arrived. A single message leaves no parts behind: what arrived then are built-in ones, sent in
// its place.
func (d *Document) start(sent int) int {
	if len(d.Messages) < 2 {
		if sent <= 0 || len(d.Instead) < 2 {
			return 0
		}
		d.Refused("at an earlier attempt")
	}
	return max(sent, 0)
}

// Refused puts the built-in messages in the place of those of a template that the service does not take, and notes why. false: there are
// none.
func (d *Document) Refused(why string) bool {
	if len(d.Instead) == 0 {
		return false
	}
	d.note = "(the template's message was refused: " + why + ")"
	d.Messages, d.Instead = d.Instead, nil
	return true
}

// Noted adds to what the service answered that a template's message was refused.
func (d *Document) Noted(r channel.Result) channel.Result {
	r.Response = strings.TrimSpace(r.Response + " " + d.note)
	return r
}

// Webhook sends a document to a receiver that cannot be asked what arrived. again: the message may be there already and is marked so.
// refused says whether an answer complains about what a message holds, and in which words.
func (d *Document) Webhook(o channel.Outgoing, post func(raw []byte, again bool) channel.Result, refused func(channel.Result) (why string, yes bool)) channel.Result {
	if r, drop := Dropped(o); drop {
		return r
	}
	first := true
	return d.Noted(d.Deliver(o.Sent, func(i int) channel.Result {
		again := o.Unknown && first
		first = false
		r := post(d.Messages[i], again)
		if why, yes := refused(r); yes && i == 0 && d.Refused(why) {
			r = post(d.Messages[0], o.Unknown)
		}
		return r
	}))
}

// Dropped is the result of a message that is not sent again: an earlier attempt may have arrived, and a repeat is not worth it.
func Dropped(o channel.Outgoing) (channel.Result, bool) {
	if !o.Drops() {
		return channel.Result{}, false
	}
	return channel.Result{
		Verdict: channel.Dropped, Class: "unknown_outcome", Sent: o.Sent,
		Error: "not sent again: an earlier attempt may have arrived, and a webhook cannot be asked",
	}, true
}

// Header goes with every call: the key, for proxies that can tell a repeat by it.
func Header(o channel.Outgoing) http.Header {
	h := http.Header{}
	if key := channel.VisibleLine(o.IdemKey); key != "" {
		h.Set("Idempotency-Key", key)
	}
	return h
}
