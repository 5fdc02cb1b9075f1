package orchestration

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// unhold takes away what held alerts back that a fold has told again. What the planner holds back once more it writes after this.
func (s *session) unhold() {
	slices.SortFunc(s.retold, func(a, b [2]id.ID) int { return cmp.Or(compareID(a[0], b[0]), compareID(a[1], b[1])) })
	rows := takeHold.Rows()
	for _, p := range slices.Compact(s.retold) {
		rows.Add(p[0], p[1])
	}
	s.tx.Exec(takeHold, rows)
}

// heldAlert is an alert that a silence holds back.
type heldAlert struct {
	*event.Alert

	origin string // of its last push
	entry  id.ID
	moved  bool // it belongs to another incident now
}

// heldIncident is an incident with its holds while a transaction works on it.
type heldIncident struct {
	tenant string
	status event.IncidentStatus
	holds  []id.ID // alerts
	alerts map[id.ID]*heldAlert
	words  map[spoken]lastWord
	of     lastWord // the newest of all
}

// spoken is what a definition said of an alert.
type spoken struct{ definition, alert id.ID }

type lastWord struct {
	seq                 int64
	told, held          bool
	source, environment string
}

// apply looks at held incidents in one transaction: locks first, then everything in memory, but the event of each that is told.
func (r *Retells) apply(tx *storage.Tx, items []*retellItem) error {
	s := r.Runner.begin(tx)
	for _, it := range items {
		it.session.dropped()
		it.session, it.told, it.busy = s, false, false
	}
	slices.SortFunc(items, func(a, b *retellItem) int { return compareID(a.incident, b.incident) })
	found, err := r.load(s, items)
	if err != nil {
		return err
	}
	plans := map[*retellItem]*retelling{}
	live := liveRuns.Rows()
	for _, it := range items {
		h := found[it.incident]
		if it.busy || h == nil {
			continue
		}
		p := &retelling{r: r, s: s, it: it, h: h}
		p.judge()
		plans[it] = p
		for _, route := range p.order {
			live.Add(it.incident, route.ID)
		}
	}
	tx.Query(liveRuns, live, func(row storage.Row) error {
		var p pair
		if err := row.Scan(&p.incident, &p.definition); err != nil {
			return err
		}
		s.live[p] = true
		return nil
	})
	if err := tx.Flush(); err != nil {
		return err
	}
	gone := takeHold.Rows()
	for _, it := range items {
		if p := plans[it]; p != nil {
			if err := p.tell(); err != nil {
				return err
			}
			for _, a := range p.gone {
				gone.Add(it.incident, a)
			}
		}
	}
	tx.Exec(takeHold, gone) // before the writes of the planner: what it holds back again stays
	s.write()
	failpoint.Hit(failpoint.Deciding)
	return s.failure
}

// load locks incidents and reads what is held of them. Those that others have locked are busy; of those that are not there any more, and of
// holds without an incident, nothing is left.
func (r *Retells) load(s *session, items []*retellItem) (map[id.ID]*heldIncident, error) {
	found, known := map[id.ID]*heldIncident{}, map[id.ID]bool{}
	rows, all := lockHeld.Rows(), knownHeld.Rows()
	for _, it := range items {
		rows.Add(it.incident)
		all.Add(it.incident)
	}
	s.tx.Query(lockHeld, rows, func(row storage.Row) error {
		var i id.ID
		h := &heldIncident{alerts: map[id.ID]*heldAlert{}, words: map[spoken]lastWord{}}
		if err := row.Scan(&i, &h.tenant, &h.status); err != nil {
			return err
		}
		found[i] = h
		return nil
	})
	s.tx.Query(knownHeld, all, func(row storage.Row) error {
		var i id.ID
		err := row.Scan(&i)
		known[i] = true
		return err
	})
	if err := s.tx.Flush(); err != nil {
		return nil, err
	}
	var ids []id.ID
	holds, alerts, words := lockHolds.Rows(), heldAlerts.Rows(), heldWords.Rows()
	for _, it := range items {
		switch h := found[it.incident]; {
		case h == nil && known[it.incident]:
			it.busy = true
			continue
		case h == nil: // pruned: its holds are read, to be taken away
			found[it.incident] = &heldIncident{tenant: it.tenant, status: event.IncidentClosed}
		default:
			ids = append(ids, it.incident)
			words.Add(it.incident)
			for _, a := range it.alerts {
				alerts.Add(it.incident, a)
			}
		}
		for _, a := range it.alerts {
			holds.Add(it.incident, a)
		}
	}
	s.told.WantIncidents(ids, nil)
	s.tx.Query(lockHolds, holds, func(row storage.Row) error {
		var i, a id.ID
		if err := row.Scan(&i, &a); err != nil {
			return err
		}
		found[i].holds = append(found[i].holds, a)
		return nil
	})
	s.tx.Query(heldAlerts, alerts, func(row storage.Row) error { return scanHeldAlert(row, found) })
	s.tx.Query(heldWords, words, func(row storage.Row) error { return scanHeldWord(row, found) })
	var generation int64 // after the holds: whoever wrote one knew its silence
	one := readGeneration.Rows()
	one.Add(1)
	s.tx.Query(readGeneration, one, func(row storage.Row) error { return row.Scan(&generation) })
	if err := s.tx.Flush(); err != nil {
		return nil, err
	}
	if generation != r.Runner.catalog.now.Load().generation {
		for _, it := range items { // this process is about to learn of other silences, or pipelines
			it.busy = true
		}
	}
	return found, nil
}

func scanHeldAlert(row storage.Row, found map[id.ID]*heldIncident) error {
	var in id.ID
	a := &heldAlert{Alert: &event.Alert{}}
	var labels, annotations string
	if err := row.Scan(&in, &a.IncidentID, &a.ID, &a.Source, &a.Fingerprint, &a.Name, &a.Severity, &a.Status, &a.Description, &labels, &annotations,
		&a.Occurrences, &a.StartedAt, &a.EndedAt, &a.origin, &a.entry); err != nil {
		return fmt.Errorf("read a held alert: %w", err)
	}
	a.moved = a.IncidentID != in
	found[in].alerts[a.ID] = a
	return errors.Join(decodeTexts(labels, &a.Labels), decodeTexts(annotations, &a.Annotations))
}

func decodeTexts(raw string, into *map[string]string) error { return json.Unmarshal([]byte(raw), into) }

// scanHeldWord keeps the newest word of each pipeline on each alert.
func scanHeldWord(row storage.Row, found map[id.ID]*heldIncident) error {
	var in id.ID
	var k spoken
	var w lastWord
	var told, held int64
	if err := row.Scan(&in, &k.alert, &k.definition, &w.seq, &told, &held, &w.source, &w.environment); err != nil {
		return fmt.Errorf("read a held delivery: %w", err)
	}
	w.told, w.held = told > 0, held > 0
	h := found[in]
	if w.seq >= h.of.seq {
		h.of = w
	}
	switch was, ok := h.words[k]; {
	case !ok || w.seq > was.seq:
		h.words[k] = w
	case w.seq == was.seq:
		was.told, was.held = was.told || w.told, was.held || w.held
		h.words[k] = was
	}
	return nil
}

// retelling is one incident in the transaction that tells what is not held back any more.
type retelling struct {
	r      *Retells
	s      *session
	it     *retellItem
	h      *heldIncident
	order  []*Route
	routes map[*Route][]*heldAlert
	free   []*heldAlert // not silenced any more
	gone   []id.ID      // alerts whose rows go
}

// judge decides which alerts are free, and which definitions have them now.
func (p *retelling) judge() {
	p.routes = map[*Route][]*heldAlert{}
	now := p.s.tx.Now()
	for _, i := range p.h.holds {
		a := p.h.alerts[i]
		switch {
		case a == nil || a.moved || a.Status != event.StatusFiring:
			p.gone = append(p.gone, i)
		case !p.r.Silenced(p.it.tenant, a.Alert, now).IsZero():
		case p.h.status != event.IncidentOpen:
			p.gone = append(p.gone, i)
		default:
			p.free = append(p.free, a)
		}
	}
	slices.SortFunc(p.free, func(a, b *heldAlert) int { return bySeverity(a.Alert, b.Alert) })
	for _, a := range p.free {
		for _, route := range p.takers(a) {
			if p.routes[route] == nil {
				p.order = append(p.order, route)
			}
			p.routes[route] = append(p.routes[route], a)
		}
	}
}

// tell makes the event and the runs, for the routes that have not said it. A route with a run under way is left alone: that will tell, or be
// held back again. The rows stay for it until that is known.
func (p *retelling) tell() error {
	var now, fresh []*Route
	waits := map[id.ID]bool{} // alerts
	for _, route := range p.order {
		said, held := true, false
		for _, a := range p.routes[route] {
			w := p.h.words[spoken{route.ID, a.ID}]
			said, held = said && w.told, held || w.held
		}
		switch {
		case said:
		case p.s.live[pair{p.it.incident, route.ID}]:
			for _, a := range p.routes[route] {
				waits[a.ID] = true
			}
		case held:
			now = append(now, route)
		default:
			fresh = append(fresh, route)
		}
	}
	if len(now) > 0 || len(waits) == 0 {
		now = append(now, fresh...) // else those that never said anything would begin anew at every look
	} else {
		for _, route := range fresh {
			for _, a := range p.routes[route] {
				waits[a.ID] = true
			}
		}
	}
	for _, a := range p.free {
		if !waits[a.ID] {
			p.gone = append(p.gone, a.ID)
		}
	}
	if len(now) == 0 {
		return nil
	}
	acted, err := p.r.Do(p.s.tx, event.Act{
		Tenant: p.it.tenant, Incident: p.it.incident, Kind: event.EventRetold, Text: "what silenced it is over, and nobody had been told", TraceID: trace.New(),
		Alerts: p.untold(now),
	})
	if err != nil {
		return err
	}
	p.it.told = true
	if p.s.foreseen == nil {
		p.s.foreseen = map[occasion]bool{}
	}
	p.s.foreseen[occasion{p.it.incident, acted.Seq}] = true // a new number: nobody has said anything under it
	for _, route := range now {
		if err := p.start(route, acted); err != nil {
			return err
		}
	}
	return nil
}

// untold are the alerts that some routes have to tell of, the worst first.
func (p *retelling) untold(routes []*Route) (out []id.ID) {
	for _, a := range p.free {
		if slices.ContainsFunc(routes, func(r *Route) bool {
			return slices.Contains(p.routes[r], a) && !p.h.words[spoken{r.ID, a.ID}].told
		}) {
			out = append(out, a.ID)
		}
	}
	return out
}

// start begins a run for the alerts that a route has to tell of.
func (p *retelling) start(route *Route, acted *Acted) error {
	x := &run{
		id: id.New(), tenant: p.it.tenant, trace: trace.New(), definition: route.ID, name: route.Name, version: route.Version, graph: route.Graph,
		origin: OriginIncident, createdAt: p.s.tx.Now(), fresh: true, state: graph.NewState(), incidentID: p.it.incident, incident: acted.Incident,
		eventKind: event.EventRetold, eventSeq: acted.Seq, loaded: true, environment: environment(p.h.of.environment), source: p.h.of.source,
		decisions: []event.Decision{{What: "silence", Result: string(event.EventRetold), Why: "what silenced it is over"}},
	}
	for _, a := range p.routes[route] {
		if w := p.h.words[spoken{route.ID, a.ID}]; !w.told {
			x.alerts = append(x.alerts, a.Alert)
		}
	}
	first := x.alerts[0]
	x.fingerprint = first.Fingerprint
	if x.source == "" {
		x.source = first.Source
	}
	out := &IngestOutput{Source: x.source, IncidentID: x.incidentID.String(), Severity: acted.Incident.Severity, AlertFingerprint: x.fingerprint}
	p.s.add(x)
	return (&walk{s: p.s, x: x, ingest: out}).step(graph.RunStarted{})
}
