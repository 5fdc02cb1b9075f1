package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// retelling is one event by which an incident told what a silence had held back.
type retelling struct {
	incident id.ID
	seq      int64
	at       time.Time
	alerts   []id.ID
	more     bool // and others
	runs     []id.ID
}

// retellings are those of some incidents, the oldest first.
type retellings []*retelling

// loadRetellings reads those of incidents. What a repeat told again, or a person, is none: their events name no alerts.
func loadRetellings(db *gorm.DB, tenant string, incidents []id.ID) (retellings, error) {
	if len(incidents) == 0 {
		return nil, nil
	}
	var events []eventRow
	if err := db.Raw(`SELECT incident_id, seq, kind, details, created_at FROM incident_events WHERE incident_id IN ? AND tenant_id = ? AND kind = 'retold'
		ORDER BY incident_id DESC, seq DESC LIMIT ?`, incidents, tenant, WhySteps).Scan(&events).Error; err != nil {
		return nil, fmt.Errorf("read what was told again: %w", err)
	}
	var out retellings
	var of []id.ID
	for _, e := range slices.Backward(events) {
		var d struct {
			Alerts []id.ID `json:"alert_ids"`
			Count  int     `json:"alert_count"`
		}
		if json.Unmarshal(e.Details, &d) == nil && len(d.Alerts) > 0 {
			out = append(out, &retelling{incident: e.IncidentID, seq: e.Seq, at: e.CreatedAt.UTC(), alerts: d.Alerts, more: d.Count > len(d.Alerts)})
			of = appendNew(of, e.IncidentID)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	var runs []runRow
	if err := db.Raw(`SELECT id, incident_id, event_seq FROM runs WHERE incident_id IN ? AND tenant_id || '' = ? AND event_kind = 'retold' AND receipt_id IS NULL
		ORDER BY id LIMIT ?`, of, tenant, 2*WhySteps).Scan(&runs).Error; err != nil {
		return nil, fmt.Errorf("read the runs that told again: %w", err)
	}
	for _, t := range out {
		for _, u := range runs {
			if u.IncidentID == t.incident && u.EventSeq == t.seq {
				t.runs = append(t.runs, u.ID)
			}
		}
	}
	return out, nil
}

// atTheEnd is said of what was told then.
const atTheEnd = ", at the end of what silenced it"

// caused reports whether a delivery told what a silence had held back.
func (r retellings) caused(d *deliveryRow) bool {
	return slices.ContainsFunc(r, func(t *retelling) bool { return t.incident == d.IncidentID && t.seq == d.EventSeq })
}

// runs are those of an event.
func (r retellings) runs(incident id.ID, seq int64) []id.ID {
	for _, t := range r {
		if t.incident == incident && t.seq == seq {
			return t.runs
		}
	}
	return nil
}

// after is the first that told of an alert after an event; without an alert, of any.
func (r retellings) after(incident, alert id.ID, seq int64) *retelling {
	for _, t := range r {
		if t.incident == incident && t.seq > seq && (alert.IsZero() || t.more || slices.Contains(t.alerts, alert)) {
			return t
		}
	}
	return nil
}

// held reports whether a reason is that of a silence.
func held(reason string) bool {
	return reason == event.ReasonSilenced || reason == event.ReasonMaintenance
}

// loadRetold reads when silences let go what they held back, and takes in the runs that told it: of an alert they are part of its story.
func (q *inquiry) loadRetold() error {
	incidents := appendNew(nil, q.subject.IncidentID)
	for _, b := range q.rows {
		if held(b.Reason) {
			incidents = appendNew(incidents, b.IncidentID)
		}
	}
	var err error
	if q.retold, err = loadRetellings(q.db, q.tenant, incidents); err != nil || q.kind != aboutAlert && q.kind != aboutReceipt {
		return err
	}
	n := len(q.runIDs)
	for _, b := range q.rows {
		for _, run := range q.afterwards(b) {
			q.runIDs = appendNew(q.runIDs, run)
		}
	}
	if len(q.runIDs) == n {
		return nil
	}
	return q.loadRuns()
}

// afterwards are the runs that told of a line's alert once what silenced it was over.
func (q *inquiry) afterwards(b *bookRow) []id.ID {
	if !held(b.Reason) {
		return nil
	}
	var seq int64
	if u := q.runs[b.RunID]; u != nil {
		seq = u.EventSeq
	}
	if t := q.retold.after(b.IncidentID, b.AlertID, seq); t != nil {
		return t.runs
	}
	return nil
}

// letGo is when a silence let go what it held back of a delivery, and the deliveries that told it then; nil when it has not.
func (q *inquiry) letGo(d *deliveryRow) (t *retelling, told []*deliveryRow) {
	if d.State != event.StateSuppressed || !held(d.Reason) || d.IncidentID.IsZero() {
		return nil, nil
	}
	alerts := []id.ID{}
	for _, b := range q.rows {
		if slices.Contains(q.routes[d.ID], b.RunID) {
			alerts = appendNew(alerts, b.AlertID)
		}
	}
	if len(alerts) == 0 { // no push is behind it: it was about all of the incident
		alerts = append(alerts, id.ID{})
	}
	for _, a := range alerts {
		if got := q.retold.after(d.IncidentID, a, d.EventSeq); got != nil && (t == nil || got.seq < t.seq) {
			t = got
		}
	}
	if t == nil {
		return nil, nil
	}
	for _, o := range q.deliveries {
		if o.IncidentID == t.incident && o.EventSeq == t.seq {
			told = append(told, o)
		}
	}
	return t, told
}

// toldLater says, of a delivery that a silence held back, by which others it was told in the end; "" when it was not.
func (q *inquiry) toldLater(d *deliveryRow) string {
	t, told := q.letGo(d)
	if t == nil {
		return ""
	}
	if own := slices.DeleteFunc(slices.Clone(told), func(o *deliveryRow) bool { return o.ChannelID != d.ChannelID }); q.kind == aboutDelivery && len(own) > 0 {
		told = own // whoever asks about one channel wants to know of that one
	}
	var parts, aside []string
	for _, o := range told {
		words := "channel " + o.channel() + " was held back again"
		if !held(o.Reason) {
			words = strings.Replace(q.fate(o), atTheEnd, "", 1)
		}
		words += ", by delivery " + o.ID.String()
		if o.aside() {
			aside = append(aside, words)
		} else {
			parts = append(parts, words)
		}
	}
	if len(parts) == 0 {
		parts = aside
	}
	if len(parts) == 0 {
		return ". Once that was over, at " + q.clock(t.at) + ", it went through the pipelines again"
	}
	return ". Once that was over, " + strings.Join(parts, "; ")
}
