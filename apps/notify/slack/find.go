package slack

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Looking for a message that may have arrived.
const (
	clockSkew = 5 * time.Minute // Slack's clock and the hub's
	lookPages = 10
	lookPage  = 200 // messages
)

// find looks for parts of the message that have arrived although the outcome was unknown. ok is false when it should be tried again
// later; r says why.
func (d *delivery) find(ctx context.Context) (r channel.Result, ok bool) {
	if len(d.doc.Messages) < 2 && len(d.doc.Reply) == 0 && d.root.ts != "" {
		return r, true // nothing but a change in place, which does no harm twice
	}
	d.there = map[string]place{}
	method, where := "conversations.history", d.c.settings.Channel
	args := url.Values{
		"include_all_metadata": {"true"}, "limit": {strconv.Itoa(lookPage)},
		"oldest": {strconv.FormatInt(max(d.o.Since.Add(-clockSkew).Unix(), 0), 10) + ".000000"},
	}
	if d.root.ts != "" {
		method, where = "conversations.replies", d.root.channel
		args.Set("ts", d.root.ts)
	}
	args.Set("channel", where)
	for range lookPages {
		a, r := d.c.ask(ctx, method, args)
		switch {
		case r.Verdict == channel.Retry:
			return r, false
		case r.Verdict != channel.Done:
			d.doubt = fmt.Sprintf("the channel's messages could not be read (%s)", r.Error)
			return r, true
		}
		for i := range a.Messages {
			m := &a.Messages[i]
			part, _ := m.Metadata.Payload[metaPart].(string)
			if m.Metadata.Type == eventType && m.Metadata.Payload[metaKey] == channel.VisibleLine(d.o.IdemKey) && part != "" {
				d.there[part] = place{where, m.TS}
			}
		}
		if a.Metadata.Next == "" {
			return r, true
		}
		args.Set("cursor", a.Metadata.Next)
	}
	d.doubt = "too many messages were posted in the channel since to look through"
	return r, true
}
