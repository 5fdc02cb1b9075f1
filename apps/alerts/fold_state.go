package alerts

import (
	"maps"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// push is the fold of one receipt.
type push struct {
	b       *Batch
	r       *event.Receipt
	out     *event.Folded
	touched map[id.ID]*event.IncidentChange
	ended   []*incidentState
}

// Fold applies one receipt. The states that the result points to go on changing with later receipts of the batch.
func (b *Batch) Fold(r *event.Receipt) *event.Folded {
	p := &push{b: b, r: r, out: &event.Folded{Changes: make([]event.Change, 0, len(r.Observations))}, touched: map[id.ID]*event.IncidentChange{}}
	for i := range r.Observations {
		o := &r.Observations[i]
		c := event.Change{Index: o.Index, Kind: event.ChangeRejected}
		if o.Rejected == "" {
			c = p.observe(o)
		} else {
			p.out.Counters.Errors = append(p.out.Counters.Errors, o.Rejected)
		}
		p.out.Changes = append(p.out.Changes, c)
	}
	for _, inc := range p.ended {
		if inc.Status.Active() && b.firing[inc.ID] <= 0 {
			p.resolve(inc)
		}
	}
	for _, ch := range p.out.Incidents {
		if ch.Kind == event.EventOpened {
			p.out.Counters.IncidentsCreated++
		} else {
			p.out.Counters.IncidentsUpdated++
		}
	}
	return p.out
}

func (p *push) observe(o *event.Stored) event.Change {
	key := alertKey{p.r.Tenant, o.Source, o.Fingerprint}
	a := p.b.alerts[key]
	c := event.Change{Index: o.Index}
	switch {
	case a == nil:
		a = p.create(key, o)
		c.Kind, c.Material = event.ChangeCreated, true
		p.out.Counters.AlertsCreated++
		p.b.remember(p, a, o, c.Kind, "", struct {
			Source  string `json:"source"`
			Checker string `json:"checker,omitempty"`
		}{o.Source, checkerOf(o)})
	case o.Seq <= a.LastSeq:
		c.Kind = event.ChangeSuperseded
		a.Occurrences, a.dirty = a.Occurrences+1, true // it happened, though later news is known
		p.out.Counters.AlertsUpdated++
		p.b.remember(p, a, o, c.Kind, a.Status, map[string]any{"seq": o.Seq, "last_seq": a.LastSeq, "status": o.Status})
	case a.Status == event.StatusResolved && (o.Status == event.StatusResolved || o.Passive):
		c.Kind = event.ChangeRepeated
		a.LastSeq, a.dirty = o.Seq, true
		p.out.Counters.AlertsUpdated++
	case o.Status == event.StatusResolved:
		c.Kind, c.Material = event.ChangeResolved, true
		c.Fields = p.end(a, o)
		p.out.Counters.AlertsResolved++
	case a.Status == event.StatusResolved:
		c.Kind, c.Material = event.ChangeRefired, true
		c.Fields = p.refire(a, o)
		p.out.Counters.AlertsUpdated++
	default:
		c.Kind = event.ChangeUpdated
		c.Fields, c.Material = p.update(a, o)
		p.out.Counters.AlertsUpdated++
	}
	c.Alert = &a.Alert
	if inc := p.b.incidents[a.IncidentID]; inc != nil {
		c.Incident = &inc.Incident
	}
	return c
}

// checkerOf names the check that an observation is of, "" for others.
func checkerOf(o *event.Stored) string {
	if o.Source != event.SourceChecks {
		return ""
	}
	return o.Labels["checker"]
}

func (p *push) create(key alertKey, o *event.Stored) *alertState {
	f := o.FirstSight(p.r.ReceivedAt)
	a := &alertState{tenant: key.tenant, fresh: true, Alert: event.Alert{
		ID: id.New(), Source: o.Source, Fingerprint: o.Fingerprint, Name: f.Name, Severity: f.Severity, Status: o.Status,
		Description: f.Description, Labels: f.Labels, Annotations: f.Annotations, StartedAt: f.StartedAt, EndedAt: f.EndedAt,
		GroupKey: o.GroupKey, VendorGroupKey: o.VendorGroupKey, Occurrences: 1,
	}}
	p.touch(a, o)
	p.b.alerts[key] = a
	if a.Status == event.StatusFiring {
		p.join(a)
	}
	return a
}

func (p *push) touch(a *alertState, o *event.Stored) {
	a.LastSeq, a.ReceivedAt, a.receipt, a.trace, a.dirty = o.Seq, p.r.ReceivedAt, p.r.ID, p.r.TraceID, true
}

func (p *push) end(a *alertState, o *event.Stored) []string {
	changed := a.overwrite(o, false)
	a.Status = event.StatusResolved
	a.EndedAt = o.EndedAt
	if a.EndedAt.IsZero() {
		a.EndedAt = p.r.ReceivedAt
	}
	p.touch(a, o)
	details := changed.details()
	if checkerOf(o) != "" {
		details["resolved_by"] = "check"
	}
	p.b.remember(p, a, o, event.ChangeResolved, event.StatusFiring, details)
	if inc := p.b.incidents[a.IncidentID]; inc != nil {
		p.b.firing[inc.ID]--
		p.ended = append(p.ended, inc)
	}
	return changed.names()
}

func (p *push) refire(a *alertState, o *event.Stored) []string {
	changed := a.overwrite(o, true)
	a.Status, a.EndedAt, a.StartedAt = event.StatusFiring, time.Time{}, o.StartedAt
	if a.StartedAt.IsZero() {
		a.StartedAt = p.r.ReceivedAt
	}
	a.GroupKey, a.VendorGroupKey = o.GroupKey, o.VendorGroupKey
	a.Occurrences++
	p.touch(a, o)
	if a.GroupKey == "" {
		a.IncidentID = id.ID{} // it is to have none any more
	}
	p.rejoin(a, 1)
	p.b.remember(p, a, o, event.ChangeRefired, event.StatusResolved, changed.details())
	return changed.names()
}

func (p *push) update(a *alertState, o *event.Stored) (fields []string, material bool) {
	before := a.Severity
	changed := a.overwrite(o, true)
	a.Occurrences++
	p.touch(a, o)
	material = a.Severity != before
	switch inc := p.b.incidents[a.IncidentID]; {
	case inc != nil && !inc.Status.Active() && o.Passive:
		material = false // somebody ended the incident, and a note does not bring it back
	case o.GroupKey == "" && (inc == nil || !inc.Status.Active()): // it is to have none
	case inc == nil || !inc.Status.Active():
		// Somebody resolved or closed it, yet it fires: it is on again.
		if a.GroupKey == "" {
			a.GroupKey = o.GroupKey // it had no incident until now
		}
		p.rejoin(a, 0)
		material = true
	case material:
		p.severity(inc, a, before)
	}
	p.b.remember(p, a, o, event.ChangeUpdated, event.StatusFiring, changed.details())
	return changed.names(), material
}

// diff is what changed: field to [old, new].
type diff map[string][2]any

func (d diff) details() map[string]any { return map[string]any{"changed": d} }

func (d diff) names() []string {
	out := make([]string, 0, len(d))
	for _, f := range []string{"severity", "description", "labels", "annotations"} {
		if _, ok := d[f]; ok {
			out = append(out, f)
		}
	}
	return out
}

// overwrite takes over what the observation carries. A resolution never changes the stored severity.
func (a *alertState) overwrite(o *event.Stored, severity bool) diff {
	d := diff{}
	if o.Name != "" {
		a.Name = o.Name
	}
	if severity && o.Severity != "" && o.Severity != a.Severity {
		d["severity"] = [2]any{a.Severity, o.Severity}
		a.Severity = o.Severity
	}
	if o.Description != a.Description && (o.Description != "" || severity && !o.Passive) {
		d["description"] = [2]any{a.Description, o.Description}
		a.Description = o.Description
	}
	if labels := merged(a.Labels, o.Labels, o.Passive); !maps.Equal(labels, a.Labels) && (len(labels) > 0 || severity) {
		d["labels"] = [2]any{a.Labels, labels}
		a.Labels = labels
	}
	if notes := merged(a.Annotations, o.Annotations, o.Passive); !maps.Equal(notes, a.Annotations) && (len(notes) > 0 || severity) {
		d["annotations"] = [2]any{a.Annotations, notes}
		a.Annotations = notes
	}
	return d
}

// merged is what an alert's labels become: the new ones, or both where a note or an acknowledgement carries only a few.
func merged(old, now map[string]string, passive bool) map[string]string {
	if !passive {
		return now
	}
	out := make(map[string]string, len(old)+len(now))
	maps.Copy(out, old)
	maps.Copy(out, now)
	return out
}
