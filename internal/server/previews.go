package server

import (
	"context"
	"errors"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// openPreviews fits incidents, analyses and webhook parsers to the previews of messages.
func (c *core) openPreviews(notices *notify.Notices, page func(id.ID) string) (err error) {
	c.previews, err = notify.NewPreviewer(notify.PreviewConfig{
		Admin: c.channels, Notices: notices, Clock: c.clock, PageURL: page, Incident: c.seen, Parse: c.parsePasted,
	})
	return err
}

// seen is a stored incident with its newest analysis.
func (c *core) seen(ctx context.Context, tenant string, incident id.ID) (*notify.Seen, error) {
	d, err := c.alerts.Incident(ctx, tenant, incident)
	if err != nil {
		return nil, err
	}
	s := &notify.Seen{
		Facts: notify.IncidentFacts{
			ID: d.ID.String(), Title: d.Title, Description: d.Description, Severity: d.Severity, Status: string(d.Status), StartedAt: d.CreatedAt,
		},
		Outputs: map[string]any{},
	}
	if d.ResolvedAt != nil {
		s.Facts.ResolvedAt = *d.ResolvedAt
	}
	for i := range d.Alerts {
		a := &d.Alerts[i]
		s.Alerts = append(s.Alerts, channel.Alert{
			Name: a.Name, Status: a.Status, Severity: a.Severity, Description: a.Description, Source: a.Source, Fingerprint: a.Fingerprint,
			Labels: a.Labels, Annotations: a.Annotations, StartedAt: a.StartedAt, EndedAt: a.EndedAt,
		})
	}
	if len(s.Alerts) > 0 {
		s.Source = s.Alerts[0].Source
	}
	return s, c.seenAnalysis(ctx, tenant, incident, s)
}

// seenAnalysis adds what an intelligence node gave out.
func (c *core) seenAnalysis(ctx context.Context, tenant string, incident id.ID, s *notify.Seen) error {
	runs, err := c.analyses.Runs(ctx, tenant, intelligence.Filter{IncidentID: incident, Status: "succeeded"}, storage.Paging{Limit: 1})
	if err != nil || len(runs.Items) == 0 {
		return err
	}
	a, err := c.analyses.Run(ctx, tenant, runs.Items[0].ID)
	if err != nil {
		return err
	}
	s.Outputs["intelligence"] = map[string]any{
		"provider": a.Provider, "rung": a.Rung, "grounded": a.Grounded, "truncated": a.Truncated, "fallback_used": a.FallbackUsed, "confidence": a.Confidence,
		"summary": a.Summary, "overview": a.Summary, "probable_cause": a.ProbableCause, "recommendations": a.Recommendations, "count": len(a.Recommendations),
		"error_class": a.ErrorClass, "why": intelligence.Why(a.ErrorClass), "model_info": map[string]any{"provider": a.Provider, "model": a.ModelName},
	}
	return nil
}

// parsePasted reads a body as the webhook door would.
func (c *core) parsePasted(driver string, body []byte) (event.Parsed, string, error) {
	p, err := alerts.Parse(c.parsers, driver, body, doc.Limits{})
	if err == nil && p.Unusable != "" {
		err = errors.New(p.Unusable)
	}
	return p.Parsed, p.Driver, err
}
