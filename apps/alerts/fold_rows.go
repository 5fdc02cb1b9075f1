package alerts

import (
	"encoding/json"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

func (b *Batch) scanAlert(r storage.Row) error {
	a := &alertState{}
	var labels, annotations json.RawMessage
	if err := r.Scan(&a.ID, &a.tenant, &a.Source, &a.Fingerprint, &a.Name, &a.Severity, &a.Status, &a.Description, &labels, &annotations,
		&a.GroupKey, &a.VendorGroupKey, &a.IncidentID, &a.LastSeq, &a.Occurrences, &a.StartedAt, &a.EndedAt, &a.ReceivedAt); err != nil {
		return fmt.Errorf("read an alert: %w", err)
	}
	if err := json.Unmarshal(labels, &a.Labels); err != nil {
		return fmt.Errorf("read the labels of alert %s: %w", a.ID, err)
	}
	if err := json.Unmarshal(annotations, &a.Annotations); err != nil {
		return fmt.Errorf("read the annotations of alert %s: %w", a.ID, err)
	}
	b.alerts[alertKey{a.tenant, a.Source, a.Fingerprint}] = a
	return nil
}

func (b *Batch) scanIncident(r storage.Row) error {
	st := &incidentState{}
	if err := r.Scan(&st.ID, &st.tenant, &st.GroupKey, &st.Title, &st.Description, &st.Summary, &st.Status, &st.Severity, &st.EventSeq,
		&st.CreatedAt, &st.ResolvedAt); err != nil {
		return fmt.Errorf("read an incident: %w", err)
	}
	if b.incidents[st.ID] != nil {
		return nil
	}
	b.incidents[st.ID] = st
	if st.Status.Active() {
		b.open[groupKey{st.tenant, st.GroupKey}] = st
	}
	return nil
}

// Write queues everything that changed.
func (b *Batch) Write() {
	now := b.tx.Now()
	fresh, known := insertAlert.Rows(), updateAlert.Rows()
	for _, a := range b.alerts {
		if !a.dirty {
			continue
		}
		values := []any{
			a.ID, a.Name, string(a.Severity), string(a.Status), a.Description, doc.Texts(a.Labels), doc.Texts(a.Annotations), a.GroupKey,
			a.VendorGroupKey, a.IncidentID, a.receipt, a.trace, a.LastSeq, a.Occurrences, a.StartedAt, a.EndedAt, a.ReceivedAt, now,
		}
		if a.fresh {
			fresh.Add(append(values, a.tenant, a.Source, a.Fingerprint)...)
		} else {
			known.Add(values...)
		}
	}
	opened, changed := insertIncident.Rows(), updateIncident.Rows()
	for _, i := range b.incidents {
		if !i.dirty {
			continue
		}
		values := []any{
			i.ID, i.Title, i.Description, i.Summary, string(i.Status), string(i.Severity), i.EventSeq, i.trace, i.CreatedAt, now, i.ResolvedAt,
		}
		if i.fresh {
			opened.Add(append(values, i.tenant, i.GroupKey)...)
		} else {
			changed.Add(values...)
		}
	}
	// Updates first: an incident that is resolved here frees its group for one that is opened here.
	b.tx.Exec(updateIncident, changed)
	b.tx.Exec(insertIncident, opened)
	b.tx.Exec(insertAlert, fresh)
	b.tx.Exec(updateAlert, known)
	b.tx.Exec(insertEvent, b.events)
	b.tx.Exec(insertHistory, b.history)
}
