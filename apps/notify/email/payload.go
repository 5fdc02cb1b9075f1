package email

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// payload is the incident for programs that read mail. Keys are only ever added.
type payload struct {
	Title           string            `json:"title"`
	Message         string            `json:"message"`
	Severity        string            `json:"severity"`
	Event           channel.Kind      `json:"event"`
	Status          string            `json:"status"`
	IncidentID      string            `json:"incident_id"`
	Source          string            `json:"source"`
	Environment     string            `json:"environment,omitempty"`
	Description     string            `json:"description,omitempty"`
	URL             string            `json:"url,omitempty"`
	GeneratedAt     time.Time         `json:"generated_at,omitzero"`
	StartedAt       time.Time         `json:"started_at,omitzero"`
	EndedAt         time.Time         `json:"ended_at,omitzero"`
	AlertCount      int               `json:"alert_count"`
	Alerts          []json.RawMessage `json:"alerts"`
	AlertsLeftOut   int               `json:"alerts_left_out,omitempty"`
	Labels          map[string]string `json:"labels"`
	Links           map[string]string `json:"links"`
	Tags            map[string]string `json:"tags"`
	Summary         string            `json:"summary,omitempty"`
	ProbableCause   string            `json:"probable_cause,omitempty"`
	Recommendations []any             `json:"recommendations"`
}

// attachment is the payload in at most maxAttachment bytes, with as many alerts as fit. nil: not even without any.
func attachment(n channel.Notice) json.RawMessage {
	p := payload{
		Title: n.Title, Message: bound(n.Text, maxAttachment/8), Severity: n.Severity, Event: n.Kind, Status: n.Status, IncidentID: n.IncidentID, Source: n.Source,
		URL: n.URL, GeneratedAt: n.At, StartedAt: n.StartedAt, EndedAt: n.EndedAt, AlertCount: len(n.Alerts), Alerts: some(n.Alerts),
		Labels: n.Labels, Links: make(map[string]string, len(n.Links)), Tags: n.Tags, Recommendations: []any{},
	}
	if i := n.Incident; i != nil {
		p.Environment, p.Description = i.Environment, bound(i.Description, maxAttachment/8)
	}
	for _, l := range n.Links {
		p.Links[l.Name] = l.URL
	}
	if o := channel.Object(n.Context["intelligence"]); o != nil {
		p.Summary, _ = o["summary"].(string)
		p.ProbableCause, _ = o["probable_cause"].(string)
	}
	if found := channel.Recommended(n.Context); found != nil {
		p.Recommendations = found[:min(len(found), maxRecommendations)]
	}
	for {
		p.AlertsLeftOut = len(n.Alerts) - len(p.Alerts)
		raw, err := channel.Encode(p)
		switch {
		case err == nil && len(raw) <= maxAttachment:
			return raw
		case err != nil && len(p.Recommendations) > 0: // something in a node's output has no JSON form
			p.Recommendations = []any{}
		case len(p.Alerts) > 0:
			p.Alerts = p.Alerts[:len(p.Alerts)/2]
		case len(p.Summary)+len(p.ProbableCause)+len(p.Recommendations) > 0:
			p.Summary, p.ProbableCause, p.Recommendations = "", "", []any{}
		case len(p.Labels)+len(p.Tags)+len(p.Links) > 0:
			p.Labels, p.Tags, p.Links = nil, nil, nil
		default:
			return nil
		}
	}
}

// some encodes alerts as long as they leave room for the rest: there may be thousands.
func some(alerts []channel.Alert) []json.RawMessage {
	out, room := []json.RawMessage{}, maxAttachment*3/4
	for i := range alerts {
		raw, err := channel.Encode(&alerts[i])
		if room -= len(raw) + 1; err != nil || room < 0 {
			break
		}
		out = append(out, raw)
	}
	return out
}
