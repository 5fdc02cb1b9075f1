package alerts

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// aboutAlert is what an incident's event says of the alert behind it.
type aboutAlert struct {
	Alert       string         `json:"alert"`
	Fingerprint string         `json:"fingerprint"`
	From        event.Severity `json:"from,omitempty"`
	Severity    event.Severity `json:"severity,omitempty"`
	Source      string         `json:"source,omitempty"`
	To          event.Severity `json:"to,omitempty"`
}

// join puts a newly firing alert into the open incident of its group, or opens one.
func (p *push) join(a *alertState) {
	if a.GroupKey == "" {
		return // it is to have none
	}
	if inc := p.b.open[groupKey{a.tenant, a.GroupKey}]; inc != nil {
		p.attach(inc, a)
		return
	}
	p.openIncident(a)
}

// rejoin puts a refiring alert into another open incident of its group, else reopens its own, else opens one. more is what it adds to
// the firing alerts of its own incident: one that never stopped firing is counted there already.
func (p *push) rejoin(a *alertState, more int) {
	if a.GroupKey == "" {
		return // it is to have none
	}
	key := groupKey{a.tenant, a.GroupKey}
	own := p.b.incidents[a.IncidentID]
	switch inc := p.b.open[key]; {
	case inc != nil:
		p.attach(inc, a)
	case own != nil && own.GroupKey == a.GroupKey:
		own.Status, own.ResolvedAt = event.IncidentOpen, time.Time{}
		p.b.open[key] = own
		p.b.firing[own.ID] += more
		p.tell(own, event.EventReopened, aboutAlert{Alert: a.Name, Fingerprint: a.Fingerprint})
		p.raise(own, a)
	default:
		p.openIncident(a)
	}
}

func (p *push) openIncident(a *alertState) {
	inc := &incidentState{tenant: a.tenant, fresh: true, Incident: event.Incident{
		ID: id.New(), GroupKey: a.GroupKey, Title: a.Name, Description: a.Description, Status: event.IncidentOpen, Severity: a.Severity,
		CreatedAt: p.r.ReceivedAt,
	}}
	p.b.incidents[inc.ID] = inc
	p.b.open[groupKey{a.tenant, a.GroupKey}] = inc
	p.b.firing[inc.ID] = 1
	a.IncidentID, a.dirty = inc.ID, true
	p.tell(inc, event.EventOpened, aboutAlert{Alert: a.Name, Fingerprint: a.Fingerprint, Source: a.Source, Severity: a.Severity})
}

func (p *push) attach(inc *incidentState, a *alertState) {
	p.b.firing[inc.ID]++
	a.IncidentID, a.dirty = inc.ID, true
	p.tell(inc, event.EventAlertAdded, aboutAlert{Alert: a.Name, Fingerprint: a.Fingerprint, Source: a.Source, Severity: a.Severity})
	p.raise(inc, a)
}

// raise lifts the incident's severity to the alert's; it never lowers it.
func (p *push) raise(inc *incidentState, a *alertState) bool {
	if a.Severity.Rank() <= inc.Severity.Rank() {
		return false
	}
	from := inc.Severity
	inc.Severity = a.Severity
	p.tell(inc, event.EventSeverityRaised, aboutAlert{Alert: a.Name, Fingerprint: a.Fingerprint, From: from, To: a.Severity})
	return true
}

func (p *push) severity(inc *incidentState, a *alertState, from event.Severity) {
	if !p.raise(inc, a) {
		p.tell(inc, event.EventSeverityChanged, aboutAlert{Alert: a.Name, Fingerprint: a.Fingerprint, From: from, To: a.Severity})
	}
}

func (p *push) resolve(inc *incidentState) {
	inc.Status, inc.Summary, inc.ResolvedAt = event.IncidentResolved, AutoResolved, p.r.ReceivedAt
	delete(p.b.open, groupKey{inc.tenant, inc.GroupKey})
	inc.trace = p.r.TraceID
	seq := p.b.event(inc, event.EventResolved, map[string]any{"summary": AutoResolved}, p.r.ReceivedAt)
	p.change(inc).ResolvedSeq = seq
}

// tell records an event that people hear of: the first of a push is the one that its notifications carry.
func (p *push) tell(inc *incidentState, kind event.EventKind, details any) {
	inc.trace = p.r.TraceID
	seq := p.b.event(inc, kind, details, p.r.ReceivedAt)
	switch ch := p.change(inc); {
	case ch.Seq == 0:
		ch.Kind, ch.Seq = kind, seq
	case ch.Kind == event.EventAlertAdded && kind == event.EventSeverityRaised:
		ch.Kind = kind // what people need to hear first
	}
}

func (p *push) change(inc *incidentState) *event.IncidentChange {
	ch := p.touched[inc.ID]
	if ch == nil {
		ch = &event.IncidentChange{Incident: &inc.Incident}
		p.touched[inc.ID] = ch
		p.out.Incidents = append(p.out.Incidents, ch)
	}
	return ch
}

func (b *Batch) event(inc *incidentState, kind event.EventKind, details any, at time.Time) int64 {
	inc.EventSeq++
	inc.dirty = true
	b.events.Add(inc.ID, inc.EventSeq, inc.tenant, string(kind), "", encode(details), inc.trace, at)
	return inc.EventSeq
}

// remember writes the alert's history.
func (b *Batch) remember(p *push, a *alertState, o *event.Stored, kind event.ChangeKind, before event.Status, details any) {
	after := a.Status
	b.history.Add(a.ID, id.New(), a.tenant, a.IncidentID, p.r.ID, o.Index, string(kind), string(before), string(after), encode(details), p.r.ReceivedAt)
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil { // maps of strings and numbers cannot fail
		return json.RawMessage(`{}`)
	}
	return raw
}
