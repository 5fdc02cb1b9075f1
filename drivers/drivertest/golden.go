package drivertest

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
)

// golden is the form of want.json. What was not carried is left out.
type golden struct {
	Detected    bool             `json:"detected"`
	Ignored     string           `json:"ignored,omitempty"`
	Source      string           `json:"source,omitempty"`
	Version     string           `json:"version,omitempty"`
	GroupKey    string           `json:"group_key,omitempty"`
	Receiver    string           `json:"receiver,omitempty"`
	ExternalURL string           `json:"external_url,omitempty"`
	Truncated   int              `json:"truncated,omitempty"`
	DeliveryKey string           `json:"delivery_key,omitempty"`
	Alerts      []goldenAlert    `json:"alerts,omitempty"`
	Rejected    []event.Rejected `json:"rejected,omitempty"`
}

type goldenAlert struct {
	Index          int               `json:"index"`
	Fingerprint    string            `json:"fingerprint"`
	Name           string            `json:"name,omitempty"`
	Status         event.Status      `json:"status"`
	Severity       event.Severity    `json:"severity,omitempty"`
	Passive        bool              `json:"passive,omitempty"`
	StartedAt      time.Time         `json:"started_at,omitzero"`
	EndedAt        time.Time         `json:"ended_at,omitzero"`
	Description    string            `json:"description,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Annotations    map[string]string `json:"annotations,omitempty"`
	Source         string            `json:"source,omitempty"`
	VendorGroupKey string            `json:"vendor_group_key,omitempty"`
}

func (g *golden) parsed(p event.Parsed) {
	g.Ignored, g.Source, g.Version, g.GroupKey = p.Ignored, p.Source, p.Version, p.GroupKey
	g.Receiver, g.ExternalURL, g.Truncated, g.DeliveryKey = p.Receiver, p.ExternalURL, p.Truncated, p.DeliveryKey
	g.Rejected = p.Rejected
	for _, o := range p.Observations {
		g.Alerts = append(g.Alerts, goldenAlert{
			Index: o.Index, Fingerprint: o.Fingerprint, Name: o.Name, Status: o.Status, Severity: o.Severity, Passive: o.Passive,
			StartedAt: o.StartedAt, EndedAt: o.EndedAt, Description: o.Description, Labels: o.Labels, Annotations: o.Annotations,
			Source: o.Source, VendorGroupKey: o.VendorGroupKey,
		})
	}
}
