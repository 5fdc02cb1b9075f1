package web_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// silencePart is the hub's web.Silences.
type silencePart struct{ h *hub }

func (n silencePart) List(_ context.Context, _ string, f silences.Filter, p storage.Paging) (storage.Page[silences.Silence], error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	var rows []silences.Silence
	for _, s := range n.h.silences {
		if len(f.Statuses) == 0 || slices.Contains(f.Statuses, s.Status) {
			rows = append(rows, s)
		}
	}
	return pageOf(rows, p, func(s *silences.Silence) id.ID { return s.ID }), nil
}

func (n silencePart) Get(_ context.Context, _ string, silence id.ID) (silences.Silence, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	for _, s := range n.h.silences {
		if s.ID == silence {
			return s, nil
		}
	}
	return silences.Silence{}, storage.ErrNotFound
}

func (n silencePart) take(in silences.Input) error {
	n.h.silenced = append(n.h.silenced, in)
	if len(in.Matchers) > 0 && in.Matchers[0] == "nonsense" {
		return &silences.Invalid{Problems: []silences.Problem{{Field: "matchers.0", Message: "there is no =, !=, =~ or !~ at character 9"}}}
	}
	return nil
}

func (n silencePart) Create(_ context.Context, _ string, in silences.Input, by string) (silences.Silence, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	if err := n.take(in); err != nil {
		return silences.Silence{}, err
	}
	s := silences.Silence{
		ID: id.New(), Kind: in.Kind, Matchers: in.Matchers, Comment: in.Comment, CreatedBy: by, StartsAt: n.h.now, EndsAt: n.h.now.Add(in.Duration), Version: 1,
		Status: silences.Active, Until: n.h.now.Add(in.Duration), CreatedAt: n.h.now,
	}
	n.h.silences = append([]silences.Silence{s}, n.h.silences...)
	return s, nil
}

func (n silencePart) Update(_ context.Context, _ string, silence id.ID, version int64, in silences.Input, _ string) (silences.Silence, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	if err := n.take(in); err != nil {
		return silences.Silence{}, err
	}
	for i := range n.h.silences {
		if s := &n.h.silences[i]; s.ID == silence {
			if version != s.Version {
				return silences.Silence{}, silences.ErrConflict
			}
			s.Comment, s.Matchers, s.Version = in.Comment, in.Matchers, s.Version+1
			return *s, nil
		}
	}
	return silences.Silence{}, storage.ErrNotFound
}

func (n silencePart) Expire(_ context.Context, _ string, silence id.ID, by string) (silences.Silence, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	for i := range n.h.silences {
		if s := &n.h.silences[i]; s.ID == silence {
			s.Status, s.ExpiredBy, s.ExpiredAt = silences.Expired, by, n.h.now
			return *s, nil
		}
	}
	return silences.Silence{}, storage.ErrNotFound
}

func (n silencePart) Preview(_ context.Context, _ string, in silences.Input, _ id.ID) (silences.Preview, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	p := silences.Preview{Matchers: in.Matchers}
	if err := n.take(in); err != nil {
		return p, err
	}
	p.Past.Since, p.Past.Looked = n.h.now.Add(-7*24*time.Hour), 431
	if strings.Contains(strings.Join(in.Matchers, ""), "nobody") {
		p.Now.Idle = in.Matchers
		return p, nil
	}
	if len(n.h.incidents) > 0 {
		i := n.h.incidents[0]
		p.Now = silences.PreviewNow{Alerts: 2, Incidents: 1, List: []silences.PreviewAlert{{Name: i.Title, Severity: event.SeverityCritical, Source: "alertmanager", Incident: &i.ID}, {Name: "<b>other</b>", Severity: event.SeverityInfo, Source: "zabbix"}}}
		p.Past.Messages, p.Past.Incidents = 12, 3
		p.Past.Channels = []silences.PreviewChannel{{Channel: "ops", Messages: 9}, {Channel: "inbox", Messages: 3}}
		p.Past.List = []silences.PreviewIncident{{ID: i.ID, Title: i.Title, Messages: 9, LastAt: n.h.ago(time.Hour)}}
	}
	return p, nil
}

// silenceSome fills the list.
func (h *hub) silenceSome() {
	h.silences = []silences.Silence{
		{ID: id.New(), Kind: "silence", Matchers: []string{`alertname=HighErrorRate`, `instance=~"checkout-.*"`}, Comment: "Rolling back; ends with it", CreatedBy: "dana", StartsAt: h.ago(time.Hour), UntilResolved: true, Status: silences.Active, Version: 1, Holding: 2},
		{ID: id.New(), Kind: "maintenance", Matchers: []string{`env=staging`}, Comment: "Every Sunday night", CreatedBy: "ops", StartsAt: h.ago(time.Hour), Status: silences.Pending, Next: h.now.Add(30 * time.Hour), Until: h.now.Add(34 * time.Hour), Version: 3, Recurrence: &silences.Recurrence{RRule: "FREQ=WEEKLY;BYDAY=SU", Duration: "4h", Timezone: "Europe/Berlin"}},
		{ID: id.New(), Kind: "silence", Matchers: []string{`team=search`, `severity!=critical`}, CreatedBy: "<i>eve</i>", StartsAt: h.ago(9 * time.Hour), EndsAt: h.ago(-47 * time.Minute), Until: h.now.Add(47 * time.Minute), Status: silences.Active, Version: 1},
		{ID: id.New(), Kind: "silence", Matchers: []string{`instance=db-1`}, Comment: "New disks", CreatedBy: "dana", StartsAt: h.ago(90 * time.Hour), EndsAt: h.ago(80 * time.Hour), ExpiredAt: h.ago(82 * time.Hour), ExpiredBy: "dana", Status: silences.Expired, Version: 2},
	}
}
