package alerts

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

var (
	// The tenant is compared in a way that no index serves, as in lockOpen.
	lockForAct = s.Lookup([]s.Column{s.Col("tenant_id", s.Text), s.Col("id", s.UUID)}, `
		SELECT `+incidentColumns+`, t.metadata, t.acknowledged_at, t.closed_at FROM incidents t
		WHERE t.id = v.id AND t.tenant_id || '' = v.tenant_id {lock}`)

	writeAct = s.Update("incidents", []s.Column{
		s.Col("id", s.UUID), s.Col("summary", s.Text), s.Col("status", s.Text), s.Col("metadata", s.Document), s.Col("event_seq", s.Int),
		s.Col("updated_at", s.Time), s.Col("acknowledged_at", s.Time), s.Col("resolved_at", s.Time), s.Col("closed_at", s.Time),
	}, `summary = v.summary, status = v.status, metadata = v.metadata, event_seq = v.event_seq, version = t.version + 1,
		updated_at = v.updated_at, acknowledged_at = v.acknowledged_at, resolved_at = v.resolved_at, closed_at = v.closed_at`, "t.id = v.id", "")

	alertsOf = s.Lookup([]s.Column{s.Col("incident_id", s.UUID)}, `
		SELECT t.id, t.source, t.fingerprint, t.name, t.severity, t.status, t.description, t.labels, t.annotations, t.started_at, t.ended_at
		FROM alerts t WHERE t.incident_id = v.incident_id ORDER BY t.id LIMIT 100`)
)

// Acted is what an act did.
type Acted struct {
	Incident *event.Incident
	Seq      int64          // of the event, 0 when nothing changed
	Ended    bool           // it was active and is not any more: whoever was told must hear of the end
	Alerts   []*event.Alert // unless it is a note
}

// Act does what a person asked for within tx. Doing what is done already changes nothing. ErrNotFound and refusals leave tx as it is.
func Act(tx *s.Tx, a event.Act) (*Acted, error) {
	a.Actor, a.Text = storable(a.Actor), storable(a.Text)
	st, err := loadForAct(tx, a)
	if err != nil {
		return nil, err
	}
	was := st.Status
	changed, err := st.apply(tx, a)
	if err != nil {
		return nil, err
	}
	out := &Acted{Incident: &st.Incident}
	if !changed {
		return out, nil
	}
	st.EventSeq++
	out.Seq, out.Ended = st.EventSeq, was.Active() && !st.Status.Active()
	meta, err := json.Marshal(st.metadata)
	if err != nil {
		return nil, fmt.Errorf("encode the incident's metadata: %w", err)
	}
	rows := writeAct.Rows()
	rows.Add(st.ID, st.Summary, string(st.Status), meta, st.EventSeq, tx.Now(), st.acknowledgedAt, st.ResolvedAt, st.closedAt)
	tx.Exec(writeAct, rows)
	events := insertEvent.Rows()
	events.Add(st.ID, st.EventSeq, a.Tenant, string(a.Kind), a.Actor, encode(actDetails(a)), a.TraceID, tx.Now())
	tx.Exec(insertEvent, events)
	if a.Kind != event.EventNote {
		out.Alerts, err = readAlerts(tx, alertsOf, a.Incident)
	}
	return out, err
}

// storable drops what Postgres cannot store in a text: NUL, and what is no UTF-8.
func storable(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

type actState struct {
	event.Incident
	metadata                 map[string]any
	acknowledgedAt, closedAt time.Time
}

func loadForAct(tx *s.Tx, a event.Act) (*actState, error) {
	var st *actState
	rows := lockForAct.Rows()
	rows.Add(a.Tenant, a.Incident)
	tx.Query(lockForAct, rows, func(r s.Row) error {
		st = &actState{metadata: map[string]any{}}
		var tenant string
		var meta []byte
		if err := r.Scan(&st.ID, &tenant, &st.GroupKey, &st.Title, &st.Description, &st.Summary, &st.Status, &st.Severity, &st.EventSeq,
			&st.CreatedAt, &st.ResolvedAt, &meta, &st.acknowledgedAt, &st.closedAt); err != nil {
			return fmt.Errorf("read an incident: %w", err)
		}
		return json.Unmarshal(meta, &st.metadata)
	})
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	if st == nil {
		return nil, fmt.Errorf("incident %s: %w", a.Incident, s.ErrNotFound)
	}
	return st, nil
}

// apply moves the state; changed is false when there was nothing to do.
func (st *actState) apply(tx *s.Tx, a event.Act) (changed bool, err error) {
	now := tx.Now()
	switch a.Kind {
	case event.EventAcknowledged:
		if st.Status == event.IncidentAcknowledged {
			return false, nil
		}
		if st.Status != event.IncidentOpen {
			return false, fmt.Errorf("the incident is %s, so there is nothing to acknowledge; reopen it first: %w", st.Status, event.ErrRefused)
		}
		st.Status, st.acknowledgedAt = event.IncidentAcknowledged, now
		st.metadata["acknowledged_by"] = a.Actor
	case event.EventResolved:
		if !st.Status.Active() {
			return false, nil
		}
		st.Status, st.ResolvedAt = event.IncidentResolved, now
		st.metadata["resolved_by"] = a.Actor
		if a.Text != "" {
			st.Summary = a.Text
		}
	case event.EventClosed:
		if st.Status == event.IncidentClosed {
			return false, nil
		}
		if st.Status.Active() {
			st.ResolvedAt = now
		}
		st.Status, st.closedAt = event.IncidentClosed, now
		st.metadata["closed_by"] = a.Actor
	case event.EventReopened:
		if st.Status.Active() {
			return false, nil
		}
		if err := refuseBeside(tx, a.Tenant, st.GroupKey); err != nil {
			return false, err
		}
		st.Status, st.ResolvedAt, st.closedAt, st.acknowledgedAt = event.IncidentOpen, time.Time{}, time.Time{}, time.Time{}
	case event.EventRetold:
		if !st.Status.Active() {
			return false, fmt.Errorf("the incident is %s, so nobody is told of it again; reopen it first: %w", st.Status, event.ErrRefused)
		}
	case event.EventReminder:
		if st.Status != event.IncidentOpen {
			return false, fmt.Errorf("the incident is %s, so nobody is reminded of it: %w", st.Status, event.ErrRefused)
		}
	case event.EventNote:
		notes, _ := st.metadata["notes"].([]any)
		st.metadata["notes"] = append(notes, map[string]any{"text": a.Text, "author": a.Actor, "timestamp": now.Format(time.RFC3339Nano)})
	default:
		return false, fmt.Errorf("%q is nothing that can be done to an incident: %w", a.Kind, event.ErrRefused)
	}
	return true, nil
}

func refuseBeside(tx *s.Tx, tenant, group string) error {
	var beside error
	rows := lockOpen.Rows()
	rows.Add(tenant, group)
	tx.Query(lockOpen, rows, func(r s.Row) error {
		i := &incidentState{}
		if err := r.Scan(&i.ID, &i.tenant, &i.GroupKey, &i.Title, &i.Description, &i.Summary, &i.Status, &i.Severity, &i.EventSeq, &i.CreatedAt,
			&i.ResolvedAt); err != nil {
			return fmt.Errorf("read an incident: %w", err)
		}
		beside = &event.OpenBesideError{Open: i.ID}
		return nil
	})
	if err := tx.Flush(); err != nil {
		return err
	}
	return beside
}

// mostRetold is how many alerts an event names.
const mostRetold = 200

func actDetails(a event.Act) map[string]any {
	d := map[string]any{}
	switch {
	case a.Text == "":
	case a.Kind == event.EventNote:
		d["text"] = a.Text
	case a.Kind == event.EventRetold:
		d["why"] = a.Text
		if len(a.Alerts) > 0 {
			d["alert_ids"], d["alert_count"] = a.Alerts[:min(len(a.Alerts), mostRetold)], len(a.Alerts)
		}
	case a.Kind == event.EventReminder:
		d["channel"] = a.Text
	default:
		d["summary"] = a.Text
	}
	return d
}
