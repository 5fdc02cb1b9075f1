package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// PreviewConfig is what previews need; all but Clock and PageURL is required.
type PreviewConfig struct {
	Admin   *ChannelService
	Notices *Notices
	Clock   clock.Clock
	PageURL func(incident id.ID) string // "" when the hub has no public address
	// Incident looks up a stored incident; a missing one is storage.ErrNotFound.
	Incident func(ctx context.Context, tenant string, incident id.ID) (*Seen, error)
	// Parse reads a webhook's body as the driver of that name would, "" detects it. Errors are for whoever pasted it.
	Parse func(driver string, body []byte) (parsed event.Parsed, name string, err error)
}

// Seen is an incident as previews tell of it.
type Seen struct {
	Facts       IncidentFacts
	Alerts      []channel.Alert
	Outputs     map[string]any // under the names check and intelligence, in the shapes that nodes give
	Source      string
	Environment string
}

// PreviewInput says what is shown, and for whom. The subject is the stored incident, else the pasted body, else a built-in sample.
type PreviewInput struct {
	IncidentID string
	Payload    json.RawMessage
	PayloadOf  string // the webhook driver of Payload, "" detects it
	// Event is what is told; "" is what fits the subject: resolved when it is over, else firing.
	Event channel.Kind
	// Channel narrows it to one stored channel, by id or name. Config replaces its settings for this preview; secrets that are left out or
	// masked are the stored ones.
	Channel string
	// Driver and Config are settings that are not stored.
	Driver string
	Config json.RawMessage
}

// Preview is what one channel would send.
type Preview struct {
	ChannelID id.ID // zero for settings that are not stored
	Channel   string
	Driver    string
	Active    bool
	Title     string
	Shown     []channel.Shown
	Parts     int
	Bytes     int      // of the stored body
	Remark    string   // what went wrong without stopping the message
	Missing   []string // variables that the channel's own templates ask for and the message has not
	Error     string   // why nothing can be shown
}

// Previewer shows what channels would send, and sends nothing. It is safe for concurrent use. Callers check permissions: read for stored
// channels, edit where Config is given.
type Previewer struct{ c PreviewConfig }

// NewPreviewer returns a Previewer.
func NewPreviewer(c PreviewConfig) (*Previewer, error) {
	if c.Admin == nil || c.Notices == nil || c.Incident == nil || c.Parse == nil {
		return nil, errors.New("notify: Admin, Notices, Incident and Parse are required")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.PageURL == nil {
		c.PageURL = func(id.ID) string { return "" }
	}
	return &Previewer{c}, nil
}

// PreviewEvents are the events that can be shown, in the order of an incident's life.
func PreviewEvents() []channel.Kind {
	return []channel.Kind{
		channel.KindFiring, channel.KindUpdated, channel.KindReminder, channel.KindAcknowledged, channel.KindResolved, channel.KindTest, channel.KindSent,
	}
}

// maxPreviews is how many channels are shown at once.
const maxPreviews = 100

// Previews shows what is told, for one channel or for all of the tenant's, by name. What is wrong with the input is *Invalid; what is wrong
// with a stored channel is in its Preview.
func (p *Previewer) Previews(ctx context.Context, tenant string, in PreviewInput) ([]Preview, error) {
	if in.Event != "" && !slices.Contains(PreviewEvents(), in.Event) {
		return nil, &Invalid{Problems: []Problem{{"event", "must be one of " + joinKinds(PreviewEvents())}}}
	}
	to, err := p.destinations(ctx, tenant, in)
	if err != nil {
		return nil, err
	}
	told, err := p.subject(ctx, tenant, in)
	if err != nil {
		return nil, err
	}
	n := p.c.Notices.Build(told)
	out := make([]Preview, len(to))
	for i, d := range to {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("preview: %w", err)
		}
		out[i] = d.show(n)
	}
	return out, nil
}

func joinKinds(kinds []channel.Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// destination is a channel to show a message for.
type destination struct {
	Preview
	open channel.Channel
	hide *strings.Replacer // of the channel's secrets
}

// destinations opens the channels.
func (p *Previewer) destinations(ctx context.Context, tenant string, in PreviewInput) ([]destination, error) {
	switch {
	case in.Channel != "":
		c, err := p.c.Admin.Get(ctx, tenant, in.Channel)
		if err != nil {
			return nil, err
		}
		if in.Driver != "" && in.Driver != c.Driver {
			return nil, &Invalid{Problems: []Problem{{"driver", fmt.Sprintf("channel %q has the driver %s; leave it out", c.Name, c.Driver)}}}
		}
		return p.one(ctx, c, in.Config)
	case in.Driver != "":
		config := in.Config
		if len(config) == 0 {
			config = json.RawMessage(`{}`)
		}
		return p.unsaved(Channel{Driver: in.Driver, Name: in.Driver}, config, settings.Stored{})
	case len(in.Config) > 0:
		return nil, &Invalid{Problems: []Problem{{"driver", "say whose settings these are: driver or channel"}}}
	}
	all, err := p.c.Admin.List(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var out []destination
	for _, c := range all[:min(len(all), maxPreviews)] {
		one, err := p.one(ctx, c, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, one...)
	}
	return out, nil
}

// one opens a stored channel, with other settings where some are given.
func (p *Previewer) one(ctx context.Context, c Channel, config json.RawMessage) ([]destination, error) {
	was, err := p.c.Admin.stored(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("preview channel %q: %w", c.Name, err)
	}
	if len(config) > 0 {
		return p.unsaved(c, config, was)
	}
	d := destinationOf(c, was.Secrets)
	if _, d.open, err = p.c.Admin.open(c, was.Secrets); err != nil {
		d.Error = "the channel's settings are not usable: " + unusable(err).Error()
	}
	return []destination{d}, nil
}

// unsaved opens settings that are not stored; complaints are *Invalid.
func (p *Previewer) unsaved(c Channel, config json.RawMessage, was settings.Stored) ([]destination, error) {
	set, bad := p.c.Admin.settle(c.Driver, config, was)
	if err := invalid(bad); err != nil {
		return nil, err
	}
	driver, err := p.c.Admin.drivers.Driver(c.Driver)
	if err != nil {
		return nil, err
	}
	d := destinationOf(c, set.Secrets)
	if d.open, err = driver.New(set.Full); err != nil {
		return nil, unusable(err)
	}
	return []destination{d}, nil
}

func destinationOf(c Channel, secrets map[string]secret.String) destination {
	values := make([]string, 0, len(secrets))
	for _, s := range secrets {
		if v := s.Reveal(); len(v) >= 4 { // masking shorter ones would only show where they occur
			values = append(values, v)
		}
	}
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(values))
	for _, v := range values {
		pairs = append(pairs, v, "***")
	}
	return destination{
		Preview: Preview{ChannelID: c.ID, Channel: c.Name, Driver: c.Driver, Active: c.IsActive, Shown: []channel.Shown{}, Missing: []string{}},
		hide:    strings.NewReplacer(pairs...),
	}
}

// mostShown of one piece of a message, in bytes.
const mostShown = 512 << 10

// show renders the notice as planning would.
func (d destination) show(n channel.Notice) Preview {
	out := d.Preview
	if d.open == nil {
		return out
	}
	own := ForChannel(n, d.Channel, n.IdemKey)
	out.Title = own.Title
	r, err := made(d.open, own)
	if err != nil {
		r = channel.Rendered{Body: fallbackBody(own), Remark: "the message could not be written in the channel's form: " + line(err.Error(), maxLine)}
	}
	out.Parts, out.Bytes, out.Remark = max(1, r.Parts), len(r.Body), d.hide.Replace(r.Remark)
	for _, m := range r.Missing {
		out.Missing = append(out.Missing, line(m, maxValue))
	}
	for _, s := range pieces(d.open, r.Body) {
		if len(s.Text) > mostShown {
			s.Text = strings.ToValidUTF8(s.Text[:mostShown], "") + "…"
		}
		s.Text = d.hide.Replace(s.Text)
		out.Shown = append(out.Shown, s)
	}
	return out
}

// pieces are a body as its receiver sees it; the body itself where the driver does not say.
func pieces(c channel.Channel, body []byte) (out []channel.Shown) {
	if s, ok := c.(channel.Shower); ok {
		defer func() {
			if recover() != nil {
				out = bare(body)
			}
		}()
		if out = s.Show(body); len(out) > 0 {
			return out
		}
	}
	return bare(body)
}

func bare(body []byte) []channel.Shown {
	if text := channel.PrettyJSON(body); text != "" {
		return []channel.Shown{{Name: "json", Media: "application/json", Text: text}}
	}
	return []channel.Shown{{Name: "body", Media: "text/plain", Text: strings.ToValidUTF8(string(body), "\uFFFD")}}
}

// subject is what is told.
func (p *Previewer) subject(ctx context.Context, tenant string, in PreviewInput) (NoticeInput, error) {
	var s *Seen
	switch {
	case in.Event == channel.KindTest:
		return NoticeInput{Kind: in.Event, At: p.c.Clock.Now()}, nil
	case in.IncidentID != "":
		key, err := id.Parse(in.IncidentID)
		if err != nil {
			return NoticeInput{}, fmt.Errorf("incident %q: %w", line(in.IncidentID, maxValue), storage.ErrNotFound)
		}
		if s, err = p.c.Incident(ctx, tenant, key); err != nil {
			return NoticeInput{}, fmt.Errorf("preview: %w", err)
		}
		return p.told(s, in.Event, p.c.PageURL(key)), nil
	case len(bytes.TrimSpace(in.Payload)) > 0:
		parsed, name, err := p.c.Parse(in.PayloadOf, in.Payload)
		if err != nil {
			return NoticeInput{}, &Invalid{Problems: []Problem{{"payload", line(err.Error(), maxLine)}}}
		}
		if s, err = p.pasted(parsed, name); err != nil {
			return NoticeInput{}, err
		}
		return p.told(s, in.Event, p.c.PageURL(id.New())), nil
	default:
		now := p.c.Clock.Now()
		return p.told(sampleSeen(now), in.Event, p.c.PageURL(sampleID())), nil
	}
}
