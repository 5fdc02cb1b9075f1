package orchestration

import (
	"cmp"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// fold decides about each row of a folded receipt and carries its runs on.
func (s *session) fold(it *foldItem) error {
	f := &folding{s: s, it: it, changes: map[id.ID]*event.IncidentChange{}}
	for _, fr := range it.runs {
		if fr.route.Shadow {
			if f.shadows == nil {
				f.shadows = map[id.ID]bool{}
			}
			f.shadows[fr.route.ID] = true
		}
	}
	for _, c := range it.folded.Incidents {
		f.changes[c.Incident.ID] = c
	}
	for _, row := range it.rows {
		f.row(row)
	}
	for _, fr := range it.runs {
		if err := f.start(fr); err != nil {
			return err
		}
	}
	f.resolve()
	if err := f.incidents(); err != nil {
		return err
	}
	s.rows = append(s.rows, it.rows...)
	s.folded.Add(it.receipt.ID, encode(it.folded.Counters), s.tx.Now())
	return nil
}

// folding is the fold of one receipt in a session.
type folding struct {
	s       *session
	it      *foldItem
	changes map[id.ID]*event.IncidentChange
	shadows map[id.ID]bool // definitions
}

// shadow reports whether a row belongs to a shadow, which tells nobody.
func (f *folding) shadow(row *event.LedgerRow) bool { return f.shadows[row.DefinitionID] }

// foldValues is what the decision of a fold was made of.
type foldValues struct {
	Changed  []string `json:"changed,omitempty"` // fields
	Material bool     `json:"material"`
}

// row brings one ledger row up to date with what its observation did.
func (f *folding) row(row *event.LedgerRow) {
	c := &f.it.folded.Changes[row.Index]
	if c.Alert != nil {
		row.AlertID = c.Alert.ID
	}
	if c.Incident != nil {
		row.IncidentID = c.Incident.ID
	}
	if row.State != event.StatePending {
		return
	}
	d := event.Decision{What: "fold", Result: string(c.Kind), Values: foldValues{c.Fields, c.Material}}
	settle := func(reason, why string) {
		row.State, row.Reason, d.Why = event.StateSuppressed, reason, why
	}
	switch {
	case c.Kind == event.ChangeSuperseded:
		settle(event.ReasonSuperseded, "a later observation of the same alert was folded first")
	case c.Kind == event.ChangeRepeated:
		settle(event.ReasonDuplicate, "the alert was resolved already")
	case c.Alert.Status == event.StatusResolved && f.shadow(row):
		settle(event.ReasonShadow, "ends are told to whoever was told, and a shadow told nobody")
	case c.Alert.Status == event.StatusResolved:
		switch ch := f.changeOf(c.Incident); {
		case c.Incident == nil:
			settle(event.ReasonNobodyTold, "it was resolved when first seen, so nobody was told of it")
		case ch == nil || ch.ResolvedSeq == 0:
			settle(event.ReasonNotMaterial, "other alerts of the incident still fire, or it had ended before")
		}
	case c.Incident == nil:
		settle(event.ReasonNoIncident, "its check asked for an alert without an incident")
	case !c.Material:
		f.repeat(row, c, &d, settle)
	}
	row.Trace = append(row.Trace, d)
}

// repeat holds a firing repeat back, unless nobody was told by this route: then the incident is told again.
func (f *folding) repeat(row *event.LedgerRow, c *event.Change, d *event.Decision, settle func(reason, why string)) {
	p := pair{c.Incident.ID, row.DefinitionID}
	if f.shadow(row) {
		settle(event.ReasonDuplicate, "nothing material changed")
		return
	}
	if !c.Incident.Status.Active() {
		settle(event.ReasonNotMaterial, "somebody ended the incident, and a note does not bring it back")
		return
	}
	if f.s.told.Told(p.incident, p.definition) || f.s.live[p] {
		settle(event.ReasonDuplicate, "nothing material changed and this route has told the incident, or is about to")
		return
	}
	if f.off(row, c.Incident) {
		settle(event.ReasonChannelOff, "nothing material changed, and whom this route would tell is switched off")
		return
	}
	ch := f.changeOf(c.Incident)
	if ch == nil {
		ch = &event.IncidentChange{Incident: c.Incident}
		f.changes[p.incident] = ch
	}
	if ch.Seq == 0 {
		ch.Kind = event.EventRetold
		ch.Seq = f.s.alerts.Retell(p.incident, f.it.receipt.TraceID, "this route has told nobody of it yet", f.it.receipt.ReceivedAt)
	}
	f.s.retold = append(f.s.retold, [2]id.ID{p.incident, c.Alert.ID})
	c.Material = true
	d.Result, d.Why = string(event.EventRetold), "nothing changed, but this route has told nobody yet"
}

// off reports whether the notify nodes of a row's route would tell nobody of an incident, since all that they name is switched off.
func (f *folding) off(row *event.LedgerRow, i *event.Incident) bool {
	some := false
	for _, fr := range f.it.runs {
		if fr.route.ID != row.DefinitionID {
			continue
		}
		for _, n := range fr.route.Graph.Nodes {
			cfg, ok := n.Config.(*graph.NotifyConfig)
			if !ok {
				continue
			}
			some = true
			if f.s.told.Reaches(&event.Tell{
				Tenant: f.it.receipt.Tenant, DefinitionID: fr.route.ID, Incident: i, Channels: cfg.Channels, Drivers: cfg.AllDrivers(),
			}) {
				return false
			}
		}
	}
	return some
}

func (f *folding) changeOf(i *event.Incident) *event.IncidentChange {
	if i == nil {
		return nil
	}
	return f.changes[i.ID]
}

// part is what a run has to say about one incident.
type part struct {
	incident *event.Incident
	change   *event.IncidentChange
	alerts   []*event.Alert
	rows     []*event.LedgerRow
}

// parts splits a run's rows by incident, the most severe first.
func (f *folding) parts(fr *foldRun) (active, ended []*part) {
	byIncident := map[id.ID]*part{}
	for _, row := range fr.rows {
		c := &f.it.folded.Changes[row.Index]
		if row.State != event.StatePending || c.Incident == nil {
			continue
		}
		p := byIncident[c.Incident.ID]
		if p == nil {
			p = &part{incident: c.Incident, change: f.changes[c.Incident.ID]}
			byIncident[c.Incident.ID] = p
			if c.Alert.Status == event.StatusResolved {
				ended = append(ended, p)
			} else {
				active = append(active, p)
			}
		}
		p.rows = append(p.rows, row)
		p.alerts = append(p.alerts, c.Alert)
	}
	for _, p := range append(slices.Clone(active), ended...) {
		slices.SortFunc(p.alerts, bySeverity)
		p.alerts = slices.Compact(p.alerts)
	}
	slices.SortStableFunc(active, func(a, b *part) int { return bySeverity(a.alerts[0], b.alerts[0]) })
	return active, ended
}

func bySeverity(a, b *event.Alert) int {
	return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Fingerprint, b.Fingerprint))
}

// start completes a run's ingest node and carries it on; further incidents of the push get runs of their own, so that the books of
// each say what became of it.
func (f *folding) start(fr *foldRun) error {
	active, ended := f.parts(fr)
	told := len(active)
	parts := append(active, ended...)
	if fr.route.TellsResolved {
		told = len(parts)
	}
	if len(parts) == 0 {
		return f.begin(fr, fr.id, id.ID{}, &part{}, graph.ReasonNotMaterial)
	}
	for n, p := range parts {
		runID, parent, stop := fr.id, id.ID{}, ""
		if n >= told {
			stop = "resolved" // told by state, not by the definition
		}
		if n > 0 {
			runID, parent = id.New(), fr.id
			for _, row := range p.rows {
				row.RunID = runID
			}
		}
		if err := f.begin(fr, runID, parent, p, stop); err != nil {
			return err
		}
	}
	return nil
}

func (f *folding) begin(fr *foldRun, runID, parent id.ID, p *part, stop string) error {
	r := f.it.receipt
	x := &run{
		id: runID, tenant: r.Tenant, trace: r.TraceID, definition: fr.route.ID, name: fr.route.Name, version: fr.route.Version, graph: fr.route.Graph,
		receipt: r.ID, parent: parent, source: f.it.source, origin: f.it.origin, environment: environment(f.it.environment), createdAt: r.ReceivedAt,
		state: graph.NewState(), incident: p.incident, alerts: p.alerts, entry: f.it.entry, fresh: !parent.IsZero(), folded: true,
	}
	if fr.route.Shadow {
		x.origin = OriginShadow
	}
	if p.incident != nil {
		x.incidentID = p.incident.ID
	}
	if p.change != nil {
		x.eventKind, x.eventSeq = p.change.Kind, p.change.Seq
		if p.change.ResolvedSeq > 0 && !p.incident.Status.Active() {
			x.eventKind, x.eventSeq = event.EventResolved, p.change.ResolvedSeq
		}
	}
	if len(p.alerts) > 0 {
		x.fingerprint = p.alerts[0].Fingerprint
	}
	f.s.add(x)
	if stop == "" && p.incident != nil {
		f.s.live[pair{p.incident.ID, fr.route.ID}] = true
	}
	return f.s.ingested(x, f.ingestOutput(x), stop)
}

// resolve tells the ends of incidents by state.
func (f *folding) resolve() {
	for _, c := range f.it.folded.Incidents {
		if c.ResolvedSeq == 0 {
			continue
		}
		var waiting []event.Waiter
		var rows []*event.LedgerRow
		for _, row := range f.it.rows {
			ch := &f.it.folded.Changes[row.Index]
			if ch.Incident == nil || ch.Incident.ID != c.Incident.ID || ch.Kind == event.ChangeRejected || f.shadow(row) {
				continue
			}
			if row.State == event.StatePending && !row.RunID.IsZero() && ch.Alert.Status == event.StatusResolved {
				rows = append(rows, row)
				waiting = append(waiting, event.Waiter{RunID: row.RunID, DefinitionID: row.DefinitionID})
			}
		}
		n := f.s.told.Resolve(&event.Tell{
			Tenant: f.it.receipt.Tenant, TraceID: f.it.receipt.TraceID, RunID: firstRun(waiting), Source: f.it.receipt.Driver,
			Environment: environment(f.it.environment), Incident: c.Incident, Event: event.EventResolved, Seq: c.ResolvedSeq,
			Alerts: f.alertsOf(c.Incident.ID),
		}, waiting)
		for _, row := range rows {
			if n == 0 && len(f.s.told.OfRun(row.RunID)) == 0 {
				row.State, row.Reason = event.StateSuppressed, event.ReasonNobodyTold
			}
			row.Trace = append(row.Trace, event.Decision{What: "resolve", Result: "resolved", Values: map[string]any{"channels_told": n}})
		}
	}
}

// alertsOf are the alerts of the push that belong to an incident, most severe first.
func (f *folding) alertsOf(incident id.ID) []*event.Alert {
	alerts := []*event.Alert{}
	for n := range f.it.folded.Changes {
		if ch := &f.it.folded.Changes[n]; ch.Incident != nil && ch.Incident.ID == incident && ch.Kind != event.ChangeRejected {
			alerts = append(alerts, ch.Alert)
		}
	}
	slices.SortFunc(alerts, bySeverity)
	return slices.Compact(alerts)
}

func firstRun(w []event.Waiter) id.ID {
	if len(w) == 0 {
		return id.ID{}
	}
	return w[0].RunID
}

// IngestOutput is what an ingest node gives out: what the fold of the run's push did.
type IngestOutput struct {
	AlertFingerprint string         `json:"alert_fingerprint,omitempty"`
	AlertsCreated    int            `json:"alerts_created"`
	AlertsResolved   int            `json:"alerts_resolved"`
	AlertsUpdated    int            `json:"alerts_updated"`
	Errors           []string       `json:"errors,omitempty"`
	IncidentID       string         `json:"incident_id,omitempty"`
	IncidentsCreated int            `json:"incidents_created"`
	IncidentsUpdated int            `json:"incidents_updated"`
	Severity         event.Severity `json:"severity,omitempty"`
	Source           string         `json:"source,omitempty"`
	Slot             time.Time      `json:"slot,omitzero"`          // of a schedule
	Late             float64        `json:"late_seconds,omitempty"` // after that
}

func (f *folding) ingestOutput(x *run) *IngestOutput {
	c := f.it.folded.Counters
	out := &IngestOutput{
		AlertsCreated: c.AlertsCreated, AlertsUpdated: c.AlertsUpdated, AlertsResolved: c.AlertsResolved,
		IncidentsCreated: c.IncidentsCreated, IncidentsUpdated: c.IncidentsUpdated, Errors: c.Errors, Source: f.it.receipt.Driver,
	}
	if x.incident != nil {
		out.IncidentID = x.incident.ID.String()
	}
	if len(x.alerts) > 0 {
		out.AlertFingerprint, out.Severity = x.alerts[0].Fingerprint, x.alerts[0].Severity
	}
	return out
}
