package orchestration

import (
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// happening is something that happened to an incident, as triggers on incidents see it.
type happening struct {
	tenant, trace, origin, entry, source, environment string
	incident                                          *event.Incident
	kind                                              event.EventKind
	seq                                               int64
	alerts                                            []*event.Alert // most severe first; nil: not known here
	folded                                            bool           // by the fold of this session
}

// triggerEvent is what triggers call an event of an incident; "" for those that start nothing.
func triggerEvent(k event.EventKind) string {
	switch k {
	case event.EventOpened, event.EventReopened:
		return "opened"
	case event.EventAlertAdded, event.EventSeverityRaised, event.EventSeverityChanged:
		return "updated"
	case event.EventAcknowledged:
		return "acknowledged"
	case event.EventResolved, event.EventClosed:
		return "resolved"
	case event.EventRetold, event.EventReminder, event.EventNote, event.EventAnalysis:
	}
	return ""
}

// happened starts the pipelines that wait for what happened to an incident, in the transaction in which it happened. Their runs have no
// push behind them; what they tell of the event goes under its number, so a channel that hears of it by another route hears it once. It says how
// many will tell, if their graphs say so: shadows do not.
func (s *session) happened(h *happening) (started int, err error) {
	what := triggerEvent(h.kind)
	if what == "" || h.seq == 0 {
		return 0, nil
	}
	for _, r := range s.r.catalog.now.Load().incident[h.tenant] {
		if ok, _ := r.Graph.Trigger.Match(s.tx.Context(), h.subject(what, s)); !ok {
			continue
		}
		if err := s.startFor(h, r); err != nil {
			return started, err
		}
		if !r.Shadow {
			started++
		}
		if !r.Graph.Trigger.Continue && !r.Shadow {
			break
		}
	}
	return started, nil
}

func (h *happening) subject(what string, s *session) *graph.Subject {
	i := h.incident
	sub := &graph.Subject{
		On: graph.TriggerIncident, Entry: h.entry, Source: h.source, Origin: h.origin, Event: what, Now: s.tx.Now(),
		Incident: map[string]any{
			"id": i.ID.String(), "title": i.Title, "description": i.Description, "status": string(i.Status), "severity": string(i.Severity),
			"started_at": i.CreatedAt, "event": string(h.kind), "alert_count": len(h.alerts),
		},
		Alert: event.Observation{Name: i.Title, Severity: i.Severity, Status: event.StatusFiring, Description: i.Description},
	}
	if !i.Status.Active() {
		sub.Alert.Status = event.StatusResolved
	}
	if len(h.alerts) > 0 {
		a := h.alerts[0]
		sub.Alert = event.Observation{
			Name: a.Name, Severity: i.Severity, Status: sub.Alert.Status, Description: a.Description, Labels: a.Labels, Annotations: a.Annotations,
			Fingerprint: a.Fingerprint, StartedAt: a.StartedAt, EndedAt: a.EndedAt, Source: a.Source,
		}
	}
	return sub
}

func (s *session) startFor(h *happening, r *Route) error {
	x := &run{
		id: id.New(), tenant: h.tenant, trace: h.trace, definition: r.ID, name: r.Name, version: r.Version, graph: r.Graph, source: h.source,
		origin: OriginIncident, environment: environment(h.environment), createdAt: s.tx.Now(), fresh: true, state: graph.NewState(),
		incident: h.incident, incidentID: h.incident.ID, alerts: h.alerts, eventKind: h.kind, eventSeq: h.seq, entry: h.entry, folded: h.folded,
		loaded: h.alerts != nil,
	}
	if x.eventKind == event.EventClosed {
		x.eventKind = event.EventResolved
	}
	if r.Shadow {
		x.origin = OriginShadow
	}
	out := &IngestOutput{Source: h.source, IncidentID: h.incident.ID.String(), Severity: h.incident.Severity}
	if len(h.alerts) > 0 {
		x.fingerprint, out.AlertFingerprint = h.alerts[0].Fingerprint, h.alerts[0].Fingerprint
	}
	s.add(x)
	return (&walk{s: s, x: x, ingest: out}).step(graph.RunStarted{})
}

// incidents starts what waits for the changes of a fold.
func (f *folding) incidents() error {
	for _, c := range f.it.folded.Incidents {
		h := happening{
			tenant: f.it.receipt.Tenant, trace: f.it.receipt.TraceID, origin: f.it.origin, entry: f.it.entry, source: f.it.receipt.Driver,
			environment: f.it.environment, incident: c.Incident, folded: true, alerts: f.alertsOf(c.Incident.ID),
		}
		if c.Seq > 0 {
			first := h
			first.kind, first.seq = c.Kind, c.Seq
			if _, err := f.s.happened(&first); err != nil {
				return err
			}
		}
		if c.ResolvedSeq > 0 {
			h.kind, h.seq = event.EventResolved, c.ResolvedSeq
			if _, err := f.s.happened(&h); err != nil {
				return err
			}
		}
	}
	return nil
}
