package silences

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Bounds of previews.
const (
	PreviewSpan  = 7 * 24 * time.Hour
	mostFiring   = 50_000
	mostMessages = 20_000
	previewTime  = 8 * time.Second
	shownAlerts  = 50
	shownThings  = 20
)

// Past tells what was sent; internal/server fits it. Messages come newest first, until fn says that it has enough.
type Past interface {
	Messages(ctx context.Context, tenant string, since time.Time, fn func(Message) (more bool)) error
}

// Message is one that went out, or is on its way: that something fires, goes on or is not taken care of.
type Message struct {
	Incident id.ID
	Title    string // of the incident
	Channel  string
	At       time.Time
	Alerts   []*event.Alert // that fired then
}

// Preview is what a silence does, and would have done.
type Preview struct {
	Matchers []string `json:"matchers" doc:"As they were understood: sorted out, and of the incident that was named."`
	// Now are the alerts that fire.
	Now PreviewNow `json:"now"`
	// Past is what it would have kept back.
	Past PreviewPast `json:"last_7_days"`
	// Windows are the next ones of a silence that recurs.
	Windows []Window `json:"windows"`
	// Before are the same figures for a silence that is to be changed, as it is stored.
	Before *PreviewSum `json:"before,omitempty"`
}

// PreviewNow are the alerts that fire and match.
type PreviewNow struct {
	Alerts    int            `json:"alerts"`
	Incidents int            `json:"incidents"`
	List      []PreviewAlert `json:"list" doc:"At most 50 of them."`
	Bounded   bool           `json:"bounded" doc:"True: there was too much to look at all of it; the figures are of a part."`
	Idle      []string       `json:"idle" doc:"When no alert matches: those matchers that, each by itself, none holds for."`
}

// PreviewAlert is one alert that matches.
type PreviewAlert struct {
	ID       id.ID             `json:"id"`
	Name     string            `json:"name"`
	Severity event.Severity    `json:"severity"`
	Source   string            `json:"source"`
	Labels   map[string]string `json:"labels"`
	Incident *id.ID            `json:"incident_id"`
}

// PreviewPast are the messages that would not have gone out.
type PreviewPast struct {
	Messages  int               `json:"messages"`
	Incidents int               `json:"incidents"`
	Channels  []PreviewChannel  `json:"channels" doc:"Messages by channel, the most first."`
	List      []PreviewIncident `json:"list" doc:"At most 20 incidents, the latest first."`
	Looked    int               `json:"looked_at" doc:"How many messages there were to look at."`
	Since     time.Time         `json:"since" doc:"How far back was looked: 7 days, or less when bounded."`
	Bounded   bool              `json:"bounded" doc:"True: there was too much to look at all of it; the figures are of what came since."`
}

// PreviewChannel is what one channel would not have got.
type PreviewChannel struct {
	Channel  string `json:"channel"`
	Messages int    `json:"messages"`
}

// PreviewIncident is an incident of which less would have been heard.
type PreviewIncident struct {
	ID       id.ID     `json:"id"`
	Title    string    `json:"title"`
	Messages int       `json:"messages"`
	LastAt   time.Time `json:"last_at"`
}

// PreviewSum are the figures alone.
type PreviewSum struct {
	Alerts        int `json:"alerts"`
	Incidents     int `json:"incidents"`
	PastMessages  int `json:"messages"`
	PastIncidents int `json:"past_incidents"`
}

// Preview says what an input would do, as if it had been there for the last seven days; of a recurring one, in the windows that its rule
// would have had then. change names the silence that it would change, zero for a new one.
func (s *Service) Preview(ctx context.Context, tenant string, in Input, change id.ID) (Preview, error) {
	out := Preview{Windows: []Window{}}
	now, err := s.now(ctx)
	if err != nil {
		return out, err
	}
	var was *Silence
	if !change.IsZero() {
		stored, err := s.find(s.db.Read(ctx), tenant, change)
		if err != nil {
			return out, err
		}
		was = &stored
	}
	if in.Recurrence == nil && in.EndsAt.IsZero() && in.Duration == 0 && !in.UntilResolved && in.UnusedFor == 0 {
		in.Duration = time.Hour // how long it shall last may be decided later
	}
	c, err := in.check(now, was)
	if err != nil {
		return out, err
	}
	sums := []*tally{newTally(c, now)}
	if was != nil {
		old, err := InputOf(*was).asStored()
		if err != nil {
			return out, err
		}
		sums = append(sums, newTally(old, now))
	}
	ctx, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	if err := s.tally(ctx, tenant, now, sums); err != nil {
		return out, err
	}
	out.Now, out.Past, out.Matchers = sums[0].now, sums[0].report(), c.silence.Matchers
	for i := range c.matchers {
		if out.Now.Alerts == 0 && !out.Now.Bounded && !sums[0].holds[i] {
			out.Now.Idle = append(out.Now.Idle, c.matchers[i].String())
		}
	}
	if was != nil {
		b := sums[1]
		out.Before = &PreviewSum{b.now.Alerts, b.now.Incidents, b.past.Messages, len(b.incidents)}
	}
	if c.rule != nil {
		out.Windows = append(out.Windows, c.rule.windows(now, now.Add(lookAhead), 5)...)
	}
	return out, nil
}

// asStored compiles a silence that was checked when it was stored.
func (in Input) asStored() (*checked, error) {
	ms, bad := ParseMatchers(in.Matchers)
	if len(bad) > 0 {
		return nil, fmt.Errorf("the stored matchers cannot be read: %v", bad)
	}
	c := &checked{matchers: ms}
	if in.Recurrence != nil {
		var p []Problem
		if c.rule, p = compileRule(*in.Recurrence, in.StartsAt, in.EndsAt); len(p) > 0 {
			return nil, &Invalid{p}
		}
	}
	return c, nil
}

// tally counts what one silence matches.
type tally struct {
	matchers  Matchers
	recurs    bool
	windows   []Window
	now       PreviewNow
	holds     []bool // matchers that held for something
	open      map[id.ID]bool
	past      PreviewPast
	incidents map[id.ID]*PreviewIncident
	channels  map[string]int
}

func newTally(c *checked, now time.Time) *tally {
	t := &tally{
		matchers: c.matchers, recurs: c.rule != nil, open: map[id.ID]bool{}, incidents: map[id.ID]*PreviewIncident{}, channels: map[string]int{},
		now: PreviewNow{List: []PreviewAlert{}, Idle: []string{}}, holds: make([]bool, len(c.matchers)), past: PreviewPast{Since: now.Add(-PreviewSpan)},
	}
	if t.recurs {
		back := now.Add(-PreviewSpan - maxWindow)
		r := c.rule.earlier(back)
		r.ends = time.Time{}
		t.windows = r.windows(now.Add(-PreviewSpan), now, maxWindows)
	}
	return t
}

// tally goes through what fires and what was sent, once for all of them.
func (s *Service) tally(ctx context.Context, tenant string, now time.Time, sums []*tally) error {
	seen := 0
	err := s.firing(ctx, tenant, func(a *event.Alert) bool {
		seen++
		for _, t := range sums {
			t.fires(a)
			t.now.Bounded = seen >= mostFiring
		}
		return seen < mostFiring
	})
	if err = s.inTime(ctx, err, func() {
		for _, t := range sums {
			t.now.Bounded = true
		}
	}); err != nil || s.past == nil {
		return err
	}
	seen = 0
	var last time.Time
	bounded := func() {
		for _, t := range sums {
			t.past.Bounded = true
			if !last.IsZero() {
				t.past.Since = last
			}
		}
	}
	err = s.past.Messages(ctx, tenant, now.Add(-PreviewSpan), func(m Message) bool {
		seen++
		last = m.At
		for _, t := range sums {
			t.sent(m)
			t.past.Looked = seen
		}
		if seen == mostMessages {
			bounded()
		}
		return seen < mostMessages
	})
	return s.inTime(ctx, err, bounded)
}

// inTime makes a look that took too long a partial one.
func (s *Service) inTime(ctx context.Context, err error, bounded func()) error {
	if left, limited := clock.Left(ctx); err != nil && limited && left <= 0 || errors.Is(err, context.DeadlineExceeded) {
		bounded()
		return nil
	}
	return err
}

func (t *tally) fires(a *event.Alert) {
	if !t.matchers.Match(a) {
		for i := range t.matchers {
			if t.now.Alerts == 0 && !t.holds[i] {
				t.holds[i] = t.matchers[i].Matches(label(a, t.matchers[i].Name))
			}
		}
		return
	}
	t.now.Alerts++
	var incident *id.ID
	if !a.IncidentID.IsZero() {
		i := a.IncidentID
		incident = &i
		t.open[i] = true
	}
	t.now.Incidents = len(t.open)
	if len(t.now.List) < shownAlerts {
		t.now.List = append(t.now.List, PreviewAlert{ID: a.ID, Name: a.Name, Severity: a.Severity, Source: a.Source, Labels: a.Labels, Incident: incident})
	}
}

// sent judges a message as planning would have: it is kept back when all of its firing alerts match.
func (t *tally) sent(m Message) {
	if t.recurs && !slices.ContainsFunc(t.windows, func(w Window) bool { return !m.At.Before(w.Start) && m.At.Before(w.End) }) {
		return
	}
	if len(m.Alerts) == 0 || slices.ContainsFunc(m.Alerts, func(a *event.Alert) bool { return !t.matchers.Match(a) }) {
		return
	}
	t.past.Messages++
	t.channels[m.Channel]++
	i := t.incidents[m.Incident]
	if i == nil {
		i = &PreviewIncident{ID: m.Incident, Title: m.Title, LastAt: m.At}
		t.incidents[m.Incident] = i
	}
	i.Messages++
}

func (t *tally) report() PreviewPast {
	p := t.past
	p.Incidents, p.Channels, p.List = len(t.incidents), []PreviewChannel{}, []PreviewIncident{}
	for name, n := range t.channels {
		p.Channels = append(p.Channels, PreviewChannel{name, n})
	}
	slices.SortFunc(p.Channels, func(a, b PreviewChannel) int {
		if a.Messages != b.Messages {
			return b.Messages - a.Messages
		}
		return strings.Compare(a.Channel, b.Channel)
	})
	for _, i := range t.incidents {
		p.List = append(p.List, *i)
	}
	slices.SortFunc(p.List, func(a, b PreviewIncident) int {
		if c := b.LastAt.Compare(a.LastAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID.String(), b.ID.String())
	})
	p.List = p.List[:min(len(p.List), shownThings)]
	return p
}
