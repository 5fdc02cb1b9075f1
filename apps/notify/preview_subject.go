package notify

import (
	"cmp"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// pasted makes an incident of a webhook's body, as if it were the first that the hub hears of it.
func (p *Previewer) pasted(parsed event.Parsed, driver string) (*Seen, error) {
	if len(parsed.Observations) == 0 {
		why := cmp.Or(parsed.Ignored, "it holds no alert")
		if len(parsed.Rejected) > 0 {
			why = "none of its alerts could be used"
		}
		return nil, &Invalid{Problems: []Problem{{"payload", line(why, maxLine)}}}
	}
	now := p.c.Clock.Now()
	s := &Seen{Source: cmp.Or(parsed.Source, driver), Outputs: map[string]any{}}
	firing := 0
	for _, o := range parsed.Observations[:min(len(parsed.Observations), maxPasted)] {
		o = o.FirstSight(now)
		a := channel.Alert{
			Name: o.Name, Status: o.Status, Severity: o.Severity, Description: o.Description, Source: cmp.Or(o.Source, s.Source),
			Fingerprint: cmp.Or(o.Fingerprint, event.Fingerprint(o.Name, o.Labels)), Labels: o.Labels, Annotations: o.Annotations, StartedAt: o.StartedAt,
		}
		if o.Status == event.StatusResolved {
			ended := o.EndedAt
			a.EndedAt = &ended
		} else {
			firing++
		}
		s.Alerts = append(s.Alerts, a)
	}
	slices.SortStableFunc(s.Alerts, func(a, b channel.Alert) int { return cmp.Compare(b.Severity.Rank(), a.Severity.Rank()) })
	first := s.Alerts[0]
	s.Facts = IncidentFacts{
		ID: id.New().String(), Title: first.Name, Description: first.Description, Severity: first.Severity, Status: "open", StartedAt: now, // as the hub counts: what senders say is in the alerts
	}
	s.Outputs["ingest"] = map[string]any{"alerts_created": firing, "alerts_resolved": len(s.Alerts) - firing, "source": s.Source}
	if firing == 0 {
		s.Facts.Status, s.Facts.ResolvedAt = "resolved", now
	}
	return s, nil
}

// maxPasted are the alerts that a message may name.
const maxPasted = 100

// told tells an event of an incident, whatever state it is really in.
func (p *Previewer) told(s *Seen, k channel.Kind, url string) NoticeInput {
	now := p.c.Clock.Now()
	facts, alerts := s.Facts, slices.Clone(s.Alerts)
	if k == "" {
		k = channel.KindFiring
		if !facts.ResolvedAt.IsZero() {
			k = channel.KindResolved
		}
	}
	in := NoticeInput{
		Kind: k, Event: string(eventOf(k)), At: now, TraceID: "00000000000000000000000000000000", RunID: sampleID().String(),
		IdemKey: facts.ID + ":preview", Source: s.Source, Environment: s.Environment, Outputs: s.Outputs, URL: url,
	}
	switch k {
	case channel.KindResolved:
		if facts.ResolvedAt.IsZero() {
			facts.ResolvedAt = now
		}
		facts.Status = "resolved"
		for i := range alerts {
			if alerts[i].EndedAt == nil {
				ended := facts.ResolvedAt
				alerts[i].Status, alerts[i].EndedAt = event.StatusResolved, &ended
			}
		}
	case channel.KindAcknowledged:
		facts.Status, in.By = "acknowledged", "operator"
	case channel.KindSent:
		facts.ID, in.URL = "", ""
		alerts, in.Outputs = nil, nil
	default:
		facts.Status, facts.ResolvedAt = "open", time.Time{}
		for i := range alerts {
			alerts[i].Status, alerts[i].EndedAt = event.StatusFiring, nil
		}
	}
	in.Incident, in.Alerts = &facts, alerts
	return in
}

func eventOf(k channel.Kind) event.EventKind {
	switch k {
	case channel.KindUpdated:
		return event.EventAlertAdded
	case channel.KindReminder:
		return event.EventReminder
	case channel.KindAcknowledged:
		return event.EventAcknowledged
	case channel.KindResolved:
		return event.EventResolved
	default:
		return event.EventOpened
	}
}

func sampleID() id.ID {
	key, _ := id.Parse("01990000-0000-7000-8000-000000000001") // a constant, which parses
	return key
}

// sampleSeen is the incident of previews that name none: two alerts, checks and an analysis, so that every part of a template has something
// to show.
func sampleSeen(now time.Time) *Seen {
	began := now.Add(-2*time.Hour - 5*time.Minute).Truncate(time.Second)
	alert := func(name, text, instance string, sev event.Severity) channel.Alert {
		labels := map[string]string{"alertname": name, "instance": instance, "severity": string(sev), "team": "storage", "job": "node"}
		return channel.Alert{
			Name: name, Status: event.StatusFiring, Severity: sev, Description: text, Source: "alertmanager", Fingerprint: event.Fingerprint(name, labels),
			Labels: labels, Annotations: map[string]string{
				"runbook_url": "https://runbooks.example/disk", "dashboard_url": "https://grafana.example/d/disk?var-host=db-1&from=now-6h", "summary": text,
			}, StartedAt: began,
		}
	}
	return &Seen{
		Facts: IncidentFacts{
			ID: sampleID().String(), Title: "Disk almost full on db-1", Description: "/var on db-1 is 97 % full & growing <2 GiB an hour>",
			Severity: event.SeverityCritical, Status: "open", StartedAt: began,
		},
		Alerts: []channel.Alert{
			alert("DiskAlmostFull", "/var on db-1 is 97 % full & growing <2 GiB an hour>", "db-1:9100", event.SeverityCritical),
			alert("DiskSlow", "Writes on db-1 take 400 ms", "db-1:9100", event.SeverityWarning),
		},
		Source: "alertmanager", Environment: "production",
		Outputs: map[string]any{
			"ingest": map[string]any{"alerts_created": 2, "incidents_created": 1, "source": "alertmanager"},
			"check": map[string]any{
				"checks_run": 4, "checks_passed": 3, "checks_failed": 1, "hostname": "db-1", "results": map[string]any{
					"cpu": map[string]any{"status": "ok", "message": "12 %"}, "memory": map[string]any{"status": "ok", "message": "41 %"},
					"network": map[string]any{"status": "ok", "message": "no errors"}, "disk": map[string]any{"status": "critical", "message": "/var is at 97 %"},
				},
			},
			"intelligence": map[string]any{
				"provider": "local", "rung": "local", "grounded": true, "truncated": false, "fallback_used": false, "confidence": 0.8,
				"summary": "The journal fills /var", "overview": "/var on db-1 fills because the journal grows without a limit.",
				"probable_cause": "journald keeps 40 GiB of logs: SystemMaxUse is not set.", "count": 2,
				"recommendations": []any{
					map[string]any{"title": "Shrink the journal", "priority": "high", "type": "disk", "description": "Keep the last 2 GiB.", "actions": []any{"journalctl --vacuum-size=2G"}},
					map[string]any{"title": "Set a limit", "priority": "medium", "type": "disk", "description": "Set SystemMaxUse=2G in journald.conf.", "actions": []any{}},
				},
				"model_info": map[string]any{"provider": "local", "model": ""},
			},
		},
	}
}
