package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// channelPart is the hub's web.Channels. It changes nothing; what forms do is tried on the real service (see setup_test.go).
type channelPart struct{ h *hub }

func (n channelPart) List(context.Context, string) ([]notify.Channel, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	return slices.Clone(n.h.channels), nil
}

func (n channelPart) Get(_ context.Context, _, ref string) (notify.Channel, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	for _, c := range n.h.channels {
		if c.ID.String() == ref {
			return c, nil
		}
	}
	return notify.Channel{}, storage.ErrNotFound
}

// Failing implements web.Channels.
func (n channelPart) Failing(context.Context, string) ([]notify.Channel, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.h.channels), func(c notify.Channel) bool { return c.State != notify.ChannelFailing }), nil
}

func (channelPart) Create(context.Context, string, notify.ChannelInput) (notify.Channel, error) {
	return notify.Channel{}, notify.ErrExists
}

func (channelPart) Update(context.Context, string, string, int64, notify.ChannelInput) (notify.Channel, error) {
	return notify.Channel{}, notify.ErrConflict
}

// Test implements web.Hand.
func (n channelPart) Test(context.Context, string, string) (notify.SendResult, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	return n.h.handSays, nil
}

// Previews implements web.Previews: one channel writes mail, another has a template that asks for too much, a third is of no use.
func (n channelPart) Previews(_ context.Context, _ string, in notify.PreviewInput) ([]notify.Preview, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	if strings.HasPrefix(string(in.Payload), "?") {
		return nil, &notify.Invalid{Problems: []notify.Problem{{Field: "payload", Message: "no driver knows this shape"}}}
	}
	title, long := "[CRITICAL] HighErrorRate", ""
	if strings.Contains(string(in.Payload), "long") {
		long = noise(200 << 10)
	}
	if in.Event == channel.KindResolved {
		title = "[RESOLVED] HighErrorRate"
	}
	all := []notify.Preview{
		{ChannelID: n.h.channels[0].ID, Channel: "inbox", Driver: "inbox", Active: true, Title: title, Parts: 1, Bytes: 612, Shown: []channel.Shown{
			{Name: "subject", Media: "text/plain", Text: title},
			{Name: "html", Media: "text/html", Text: `<!doctype html><html><body style="margin:0;background:#f5f6f8;font-family:sans-serif"><div id="mail" style="margin:16px;padding:16px;background:#fff;border-top:4px solid #dc3545"><h1 style="font-size:18px">` + title + `</h1><p>5 of 100 requests end with a 5xx status.</p><script>document.title="scripts run"</script></div><p id="end">` + long + `</p></body></html>`},
		}},
		{ChannelID: n.h.channels[1].ID, Channel: "ops", Driver: "generic", Active: true, Title: title, Parts: 2, Bytes: 20480, Missing: []string{"incident.owner", "labels.cluster"}, Shown: []channel.Shown{
			{Name: "body", Media: "application/json", Text: `{"title":"` + title + `","severity":"critical","alerts":[{"name":"HighErrorRate"}]}`},
		}},
		{ChannelID: n.h.channels[2].ID, Channel: "log", Driver: "console", Title: title, Parts: 1, Bytes: 90, Remark: "the channel's template failed, so this is the built-in text: line 3: unexpected end", Shown: []channel.Shown{
			{Name: "text", Media: "text/plain", Text: title + "\n<script>alert(1)</script> 5 of 100 requests end with a 5xx status."},
		}},
	}
	for _, one := range all {
		if in.Channel != "" && (one.ChannelID.String() == in.Channel || len(in.Config) > 0) {
			return []notify.Preview{one}, nil
		}
	}
	return all, nil
}

// noise is text that does not shrink, n bytes of it.
func noise(n int) string {
	var b strings.Builder
	for sum := sha256.Sum256(nil); b.Len() < n; sum = sha256.Sum256(sum[:]) {
		b.WriteString(hex.EncodeToString(sum[:]) + " ")
	}
	return b.String()
}

func (channelPart) Delete(context.Context, string, string) error { return notify.ErrBuiltIn }

// sourcePart is the hub's web.Sources. It takes new ones and changes nothing else.
type sourcePart struct{ h *hub }

func (n sourcePart) List(context.Context, string) ([]sources.Source, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	return slices.Clone(n.h.sources), nil
}

func (n sourcePart) Get(_ context.Context, _, ref string) (sources.Source, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	for i := range n.h.sources {
		if n.h.sources[i].ID.String() == ref {
			return n.h.sources[i], nil
		}
	}
	return sources.Source{}, storage.ErrNotFound
}

func (n sourcePart) Create(_ context.Context, _ string, in sources.Input) (sources.Source, string, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	if slices.ContainsFunc(n.h.sources, func(s sources.Source) bool { return s.Name == in.Name }) {
		return sources.Source{}, "", sources.ErrExists
	}
	s := sources.Source{ID: id.New(), Name: in.Name, Driver: in.Driver, KeyPrefix: "ihi_9fQ2", IsActive: true, UpdatedAt: n.h.now}
	n.h.sources = append(n.h.sources, s)
	return s, "ihi_9fQ2mXv0T3uB7sK1LwZr8YpC5dNe", nil
}

func (sourcePart) Update(context.Context, string, string, int64, sources.Input) (sources.Source, error) {
	return sources.Source{}, sources.ErrConflict
}

func (sourcePart) RotateKey(context.Context, string, string) (sources.Source, string, error) {
	return sources.Source{}, "", sources.ErrConflict
}

func (sourcePart) Delete(context.Context, string, string) error { return sources.ErrDefault }
