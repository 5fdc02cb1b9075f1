package generic

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// payload is the body that receivers get (contract 8.2). README.md documents each key; keys are only ever added.
type payload struct {
	Title           string            `json:"title"`
	Message         string            `json:"message"`
	Severity        string            `json:"severity"`
	Channel         string            `json:"channel"`
	Source          string            `json:"source"`
	Event           channel.Kind      `json:"event"`
	Status          string            `json:"status"`
	IncidentID      string            `json:"incident_id"`
	GeneratedAt     time.Time         `json:"generated_at"`
	StartedAt       time.Time         `json:"started_at,omitzero"`
	EndedAt         time.Time         `json:"ended_at,omitzero"`
	Incident        incident          `json:"incident"`
	Alerts          []channel.Alert   `json:"alerts"`
	Labels          map[string]string `json:"labels"`
	Links           map[string]string `json:"links"`
	Tags            map[string]string `json:"tags"`
	Summary         string            `json:"summary,omitempty"`
	ProbableCause   string            `json:"probable_cause,omitempty"`
	Recommendations []any             `json:"recommendations,omitempty"`
	Context         map[string]any    `json:"context"`
}

// incident speaks of the incident itself: its own title, and the severity that it had also when it is resolved.
type incident struct {
	ID              string    `json:"incident_id"`
	Title           string    `json:"title"`
	Description     string    `json:"description,omitempty"`
	Message         string    `json:"message"`
	Severity        string    `json:"severity"`
	Status          string    `json:"status"`
	Source          string    `json:"source"`
	Environment     string    `json:"environment,omitempty"`
	URL             string    `json:"url,omitempty"`
	StartedAt       time.Time `json:"started_at,omitzero"`
	EndedAt         time.Time `json:"ended_at,omitzero"`
	AlertCount      int       `json:"alert_count"`
	Recommendations []any     `json:"recommendations"`
}

const (
	maxRecommendations = 10   // the contract's cap
	maxLink            = 4096 // bytes; the hub makes no longer ones
)

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	p := c.payload(n)
	if c.texts != nil {
		return c.templated(n, p)
	}
	return builtIn(p)
}

func builtIn(p payload) (channel.Rendered, error) {
	body, err := channel.Document(p)
	if err != nil { // something in the nodes' outputs has no JSON form; the message goes out without them
		p.Context, p.Recommendations, p.Incident.Recommendations = map[string]any{"error": "the outputs of the pipeline could not be written"}, nil, []any{}
		return channel.Document(p)
	}
	return body, nil
}

func (c *Channel) payload(n channel.Notice) payload {
	p := payload{
		Title: n.Title, Message: n.Text, Severity: n.Severity, Channel: n.Channel, Source: n.Source, Event: n.Kind, Status: n.Status,
		IncidentID: n.IncidentID, GeneratedAt: n.At, StartedAt: n.StartedAt, EndedAt: n.EndedAt,
		Alerts: n.Alerts, Labels: n.Labels, Links: make(map[string]string, len(n.Links)), Tags: n.Tags, Context: n.Context,
		Incident: incident{
			ID: n.IncidentID, Title: n.Title, Message: n.Text, Severity: n.Severity, Status: n.Status, Source: n.Source,
			StartedAt: n.StartedAt, EndedAt: n.EndedAt, AlertCount: len(n.Alerts), Recommendations: []any{},
		},
	}
	p.Incident.URL, _ = channel.WebLink(n.URL, maxLink)
	if c.settings.Channel != "" {
		p.Channel = c.settings.Channel
	}
	if i := n.Incident; i != nil {
		p.Incident.Title, p.Incident.Description, p.Incident.Severity, p.Incident.Environment = i.Title, i.Description, i.Severity, i.Environment
	}
	for _, l := range n.Links {
		if to, ok := channel.WebLink(l.URL, maxLink); ok {
			p.Links[l.Name] = to
		}
	}
	if found := n.Context["intelligence"]; found != nil {
		o := channel.Object(found)
		p.Summary, _ = o["summary"].(string)
		p.ProbableCause, _ = o["probable_cause"].(string)
	}
	if found := channel.Recommended(n.Context); found != nil {
		p.Recommendations = found[:min(len(found), maxRecommendations)]
		p.Incident.Recommendations = p.Recommendations
	}
	if p.Alerts == nil {
		p.Alerts = []channel.Alert{}
	}
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	if p.Tags == nil {
		p.Tags = map[string]string{}
	}
	if p.Context == nil {
		p.Context = map[string]any{}
	}
	return p
}
