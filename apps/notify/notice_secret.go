package notify

import (
	"maps"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// keepSecret takes the secrets out of what senders wrote, by the same rules as for evidence and stored outputs: a notice leaves the hub.
// Outputs of nodes had it done when they were made. What is changed is copied before.
func (b *Notices) keepSecret(in *NoticeInput) {
	if i := in.Incident; i != nil {
		clean := *i
		clean.Title, clean.Description = b.redact.Text(i.Title), b.redact.Text(i.Description)
		if clean.Title != i.Title || clean.Description != i.Description {
			in.Incident = &clean
		}
	}
	copied := false
	for i := range in.Alerts {
		clean, changed := b.alertWithout(in.Alerts[i])
		if !changed {
			continue
		}
		if !copied {
			in.Alerts, copied = slices.Clone(in.Alerts), true
		}
		in.Alerts[i] = clean
	}
}

func (b *Notices) alertWithout(a channel.Alert) (channel.Alert, bool) {
	name, text := b.redact.Text(a.Name), b.redact.Text(a.Description)
	labels, l := b.pairsWithout(a.Labels)
	annotations, n := b.pairsWithout(a.Annotations)
	changed := l || n || name != a.Name || text != a.Description
	a.Name, a.Description, a.Labels, a.Annotations = name, text, labels, annotations
	return a, changed
}

func (b *Notices) pairsWithout(m map[string]string) (out map[string]string, changed bool) {
	for k, v := range m {
		clean := v
		if u, ok := webAddress(v); ok && strings.Contains(v, "@") { // a link works without its user, and not with a mark in it
			clean = u
		}
		clean = b.redact.Field(k, clean)
		if clean == v {
			continue
		}
		if !changed {
			m, changed = maps.Clone(m), true
		}
		m[k] = clean
	}
	return m, changed
}
