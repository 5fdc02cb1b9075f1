package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Timeline is what happened to an incident and to its alerts while they belonged to it, newest first, at most
// TimelineLimit entries.
func (r *Reader) Timeline(ctx context.Context, tenant string, incident id.ID) ([]TimelineEntry, error) {
	var found int64
	err := r.db.Read(ctx).Raw("SELECT count(*) FROM incidents WHERE tenant_id = ? AND id = ?", tenant, incident).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("load incident %s: %w", incident, storage.Classify(err))
	}
	if found == 0 {
		return nil, fmt.Errorf("incident %s: %w", incident, storage.ErrNotFound)
	}
	events, err := r.incidentEvents(ctx, tenant, incident)
	if err != nil {
		return nil, err
	}
	members, err := r.incidentHistory(ctx, tenant, incident, "a.incident_id = ?", incident)
	if err != nil {
		return nil, err
	}
	left, err := r.formerMembers(ctx, tenant, incident, events)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(events, members, left)
	slices.SortStableFunc(all, newestFirst)
	return all[:min(len(all), TimelineLimit)], nil
}

func (r *Reader) incidentEvents(ctx context.Context, tenant string, incident id.ID) ([]TimelineEntry, error) {
	var rows []struct {
		Seq       int64
		Kind      string
		Actor     string
		Details   json.RawMessage `gorm:"serializer:json"`
		TraceID   string
		CreatedAt time.Time
	}
	err := r.db.Read(ctx).Raw(`SELECT seq, kind, actor, details, trace_id, created_at FROM incident_events
		WHERE incident_id = ? AND tenant_id = ? ORDER BY seq DESC LIMIT ?`, incident, tenant, TimelineLimit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load the events of incident %s: %w", incident, storage.Classify(err))
	}
	out := make([]TimelineEntry, len(rows))
	for i, e := range rows {
		out[i] = TimelineEntry{At: e.CreatedAt, Kind: "incident", Event: e.Kind, Seq: e.Seq, Actor: e.Actor, Details: e.Details, TraceID: e.TraceID}
	}
	return out, nil
}

// formerMembers is the history of alerts that belonged to the incident and went on to another one: the events name them.
func (r *Reader) formerMembers(ctx context.Context, tenant string, incident id.ID, events []TimelineEntry) ([]TimelineEntry, error) {
	var named [][]any
	seen := map[[2]string]bool{}
	for _, e := range events {
		var d struct{ Source, Fingerprint string }
		if json.Unmarshal(e.Details, &d) != nil || d.Source == "" { // most events name no alert
			continue
		}
		if key := [2]string{d.Source, d.Fingerprint}; !seen[key] {
			seen[key] = true
			named = append(named, []any{d.Source, d.Fingerprint})
		}
	}
	if len(named) == 0 {
		return nil, nil
	}
	return r.incidentHistory(ctx, tenant, incident, "(a.source, a.fingerprint) IN ? AND (a.incident_id IS NULL OR a.incident_id <> ?)", named, incident)
}

// incidentHistory finds the history by way of the alerts that `which` picks: alert_history is only indexed by alert.
func (r *Reader) incidentHistory(ctx context.Context, tenant string, incident id.ID, which string, args ...any) ([]TimelineEntry, error) {
	var rows []struct {
		AlertID   id.ID
		Name      string
		ReceiptID *id.ID
		Event     string
		OldStatus event.Status
		NewStatus event.Status
		Details   json.RawMessage `gorm:"serializer:json"`
		CreatedAt time.Time
	}
	err := r.db.Read(ctx).Table("alerts a").
		Select("h.alert_id, a.name, h.receipt_id, h.event, h.old_status, h.new_status, h.details, h.created_at").
		Joins("JOIN alert_history h ON h.alert_id = a.id").
		Where("a.tenant_id = ? AND h.tenant_id = ? AND h.incident_id = ?", tenant, tenant, incident).Where(which, args...).
		Order("h.id DESC").Limit(TimelineLimit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load the alert history of incident %s: %w", incident, storage.Classify(err))
	}
	out := make([]TimelineEntry, len(rows))
	for i, h := range rows {
		out[i] = TimelineEntry{
			At: h.CreatedAt, Kind: "alert", Event: h.Event, Details: h.Details,
			AlertID: &h.AlertID, AlertName: h.Name, OldStatus: h.OldStatus, NewStatus: h.NewStatus, ReceiptID: h.ReceiptID,
		}
	}
	return out, nil
}
