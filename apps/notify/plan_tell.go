package notify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// ErrNoChannel is returned when a notify node names channels and none of them is active.
var ErrNoChannel = errors.New("no active channel to tell")

// Tell plans one delivery per channel and returns them. A delivery that another route made already is joined, not repeated.
func (b *Batch) Tell(t *event.Tell) ([]event.Told, error) {
	channels := b.p.pick(t)
	if len(channels) == 0 {
		return nil, fmt.Errorf("%w: wanted channels %q, drivers %q; add one or make it active", ErrNoChannel, t.Channels, t.Drivers)
	}
	out := make([]event.Told, 0, len(channels))
	var r *rendering
	for _, l := range channels {
		key := idemKey(t, l.ID)
		d := b.keys[key]
		switch {
		case d == nil:
			d = &planned{
				id: id.New(), channel: l.ID, live: l, tell: t, key: key, kind: kindOf(t.Event), seq: t.Seq, state: event.StatePending,
				byState: byHand(t),
			}
			b.keys[key] = d
			b.fresh = append(b.fresh, d)
		case !b.takesOver(d, t, l):
			b.joined(t, d)
			out = append(out, b.view(d))
			continue
		}
		r = b.plan(d, r)
		b.joined(t, d)
		out = append(out, b.view(d))
	}
	return out, b.failed
}

// takesOver makes a delivery that another route held back for a reason of its own (a condition, a severity) this route's to send.
func (b *Batch) takesOver(d *planned, t *event.Tell, l *Live) bool {
	if !d.leftToOthers() {
		return false
	}
	mine := &planned{live: l, tell: t, kind: kindOf(t.Event), byState: byHand(t)}
	if reason, _ := b.heldBack(mine); reason != "" {
		return false
	}
	if d.tell == nil { // stored by an earlier transaction
		if !b.stillLeft(d) {
			return false
		}
		d.revived = true
		b.fresh = append(b.fresh, d)
	}
	d.live, d.tell, d.kind, d.seq, d.state, d.reason, d.detail, d.heldBy = l, t, mine.kind, t.Seq, event.StatePending, "", "", id.ID{}
	return true
}

// leftToOthers reports whether a delivery is held back for a reason that other routes need not have.
func (d *planned) leftToOthers() bool {
	switch d.reason {
	case event.ReasonWhen, event.ReasonMinSeverity, event.ReasonSilenced, event.ReasonMaintenance, event.ReasonChannelOff:
		return d.state == event.StateSuppressed
	default:
		return false
	}
}

// stillLeft looks once more at a stored delivery that is to be taken over, and keeps others away from it: several runs may tell of an incident at
// once, and one of them sends it.
func (b *Batch) stillLeft(d *planned) bool {
	if b.p.sender.db.Engine() != storage.Postgres { // nobody else is there
		return true
	}
	rows := lockLeft.Rows()
	rows.Add(d.id)
	b.tx.Query(lockLeft, rows, func(r storage.Row) error {
		if err := r.Scan(&d.state, &d.reason, &d.detail, &d.attempts); err != nil {
			return fmt.Errorf("read a delivery: %w", err)
		}
		return nil
	})
	if err := b.tx.Flush(); err != nil {
		b.failed = cmp.Or(b.failed, err)
		return false
	}
	return d.leftToOthers()
}

// joined notes that a route waits for a delivery.
func (b *Batch) joined(t *event.Tell, d *planned) {
	b.join(t.RunID, t.Tenant, t.DefinitionID, t.Node, d)
	if t.Incident != nil {
		d.seq = t.Seq
		b.hear(route{t.Incident.ID, t.DefinitionID}, d)
	}
}

// tells reports whether a delivery counts as having told its incident.
func (d *planned) tells() bool {
	return d.unfinished() || d.state == event.StateDelivered || d.reason == event.ReasonWhen || d.reason == event.ReasonMinSeverity
}

func (b *Batch) join(run id.ID, tenant string, definition id.ID, node string, d *planned) {
	for _, n := range b.byRun[run] {
		if n.d.id == d.id {
			return
		}
	}
	b.byRun[run] = append(b.byRun[run], nodeTold{node: node, d: d})
	if d.tell != nil && !d.revived && d.run.IsZero() { // the run that makes it stands in its row
		d.run, d.definition, d.node = run, definition, node
		return
	}
	if run.IsZero() { // nobody waits
		return
	}
	b.routes.Add(run, d.id, tenant, definition, node)
}

// plan decides how a new delivery starts: held back, stored (inbox), on its way from here, or waiting. Its text is made by Write;
// r is the rendering that the deliveries of one tell share, nil before the first.
func (b *Batch) plan(d *planned, r *rendering) *rendering {
	t := d.tell
	if r == nil {
		r = &rendering{in: b.p.noticeInput(t, b.tx.Now(), d.kind)}
		r.in.Lead = cmp.Or(r.in.Lead, b.whyLate(t))
		b.renderings = append(b.renderings, r)
	}
	r.deliveries = append(r.deliveries, d)
	d.says = r
	incident := id.ID{}
	if t.Incident != nil {
		incident = t.Incident.ID
	}
	if reason, by := b.heldBack(d); reason != "" {
		d.state, d.reason, d.detail, d.heldBy = event.StateSuppressed, reason, by.Detail, by.By
		b.hold(d)
		if reason == event.ReasonDryRun && !d.live.Spec.Local { // an inbox message would be shown
			d.message = id.New()
		}
		return r
	}
	if b.throttled(d) {
		return r
	}
	d.message = id.New()
	behind := slices.ContainsFunc(b.live[incident], func(o *planned) bool { return o.channel == d.channel && o.unfinished() })
	switch {
	case d.live.Spec.Local:
		d.state, d.attempts = event.StateDelivered, 1
	case d.live.Pretend != nil:
		if d.state, d.reason = d.live.Pretend(t, d.kind); d.state != event.StatePending {
			d.attempts = 1
		}
	case !behind && b.bornLeased(d):
		d.state, d.token = event.StateSending, id.New()
	case behind:
		d.waits = blocked
	default:
		b.rung = true
	}
	if !incident.IsZero() {
		b.live[incident] = append(b.live[incident], d)
	}
	return r
}

// bornLeased marks a delivery as on the wire from the start: only where a repeat under one key is harmless, since after a crash
// nobody knows whether it went out.
func (b *Batch) bornLeased(d *planned) bool {
	if !d.live.Spec.Repeatable || d.live.Spec.Threads { // a thread is looked up when it is taken
		return false
	}
	pass, lined, ok := b.p.sender.reserveBorn(d.channel)
	d.pass, d.lined = pass, lined
	return ok
}

// heldBack says why a delivery does not go out, and which silence is behind that; "": it does.
func (b *Batch) heldBack(d *planned) (reason string, by Silenced) {
	t := d.tell
	least := max(t.MinSeverity.Rank(), d.live.MinSeverity.Rank())
	switch {
	case t.Suppress != "":
		return t.Suppress, by
	case d.live.Off != "":
		return event.ReasonChannelOff, Silenced{Detail: d.live.Off}
	case d.byState:
		return "", by
	case t.Dry && severityOf(t).Rank() >= least:
		if by = b.silenced(d); by.Reason != "" {
			return by.Reason, by
		}
		return event.ReasonDryRun, by
	case d.kind != channel.KindResolved && t.Incident != nil && !t.Incident.Status.Active():
		return event.ReasonResolvedFirst, by
	case d.kind != channel.KindResolved && severityOf(t).Rank() < least:
		return event.ReasonMinSeverity, by
	default:
		by = b.silenced(d)
		return by.Reason, by
	}
}

func severityOf(t *event.Tell) event.Severity {
	if t.Incident != nil {
		return t.Incident.Severity
	}
	if len(t.Alerts) > 0 {
		return t.Alerts[0].Severity
	}
	return event.SeverityInfo
}

func kindOf(k event.EventKind) channel.Kind {
	switch k {
	case event.EventAlertAdded, event.EventSeverityRaised, event.EventSeverityChanged, event.EventAnalysis:
		return channel.KindUpdated
	case event.EventReminder:
		return channel.KindReminder
	case event.EventAcknowledged:
		return channel.KindAcknowledged
	case event.EventResolved:
		return channel.KindResolved
	default:
		return channel.KindFiring
	}
}

// noticeInput is what is known of a tell now: incidents and alerts go on changing within a transaction.
func (p *Planner) noticeInput(t *event.Tell, at time.Time, kind channel.Kind) NoticeInput {
	in := NoticeInput{
		Kind: kind, Event: string(t.Event), At: at, TraceID: t.TraceID, RunID: t.RunID.String(), Source: t.Source, Environment: t.Environment,
		Outputs: t.Outputs, By: t.By, Lead: t.Lead, Alerts: make([]channel.Alert, 0, len(t.Alerts)),
	}
	if i := t.Incident; i != nil {
		in.Incident = &IncidentFacts{
			ID: i.ID.String(), Title: i.Title, Description: i.Description, Severity: i.Severity, Status: string(i.Status),
			Summary: i.Summary, StartedAt: i.CreatedAt, ResolvedAt: i.ResolvedAt,
		}
		in.URL = p.pageURL(i.ID)
	}
	for _, a := range t.Alerts {
		in.Alerts = append(in.Alerts, channelAlert(a))
	}
	return in
}

func channelAlert(a *event.Alert) channel.Alert {
	out := channel.Alert{
		Name: a.Name, Status: a.Status, Severity: a.Severity, Description: a.Description, Source: a.Source, Fingerprint: a.Fingerprint,
		Labels: a.Labels, Annotations: a.Annotations, StartedAt: a.StartedAt,
	}
	if !a.EndedAt.IsZero() {
		ended := a.EndedAt
		out.EndedAt = &ended
	}
	return out
}
