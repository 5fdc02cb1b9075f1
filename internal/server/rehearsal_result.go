package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// dryRun reads from its stage what happened there.
type dryRun struct {
	stage  *stage
	tenant string
	push   *orchestration.Push
	began  time.Time
}

func (d *dryRun) result(ctx context.Context, got orchestration.Accepted) (rehearsal.DryRunResult, error) {
	out := rehearsal.DryRunResult{
		Outcome: got.Outcome, Reason: got.Reason, Driver: d.push.Driver, TraceID: got.TraceID, Incidents: []rehearsal.DryIncident{},
		Runs: []rehearsal.DryRunOfNodes{}, Messages: []rehearsal.DryMessage{},
	}
	var errs [4]error
	out.Observations, errs[0] = d.observations(ctx, got.ReceiptID)
	out.Incidents, errs[1] = d.incidents(ctx)
	out.Runs, errs[2] = d.runs(ctx)
	out.Messages, errs[3] = d.messages(ctx)
	if err := errors.Join(errs[:]...); err != nil {
		return rehearsal.DryRunResult{}, fmt.Errorf("read what the dry run did: %w", storage.Classify(err))
	}
	return out, nil
}

func (d *dryRun) observations(ctx context.Context, receipt id.ID) ([]rehearsal.DryObservation, error) {
	db := d.stage.db.Read(ctx)
	var rows []struct {
		Index       int                             `gorm:"column:idx"`
		Name        string                          `gorm:"column:name"`
		Source      string                          `gorm:"column:source"`
		Fingerprint string                          `gorm:"column:fingerprint"`
		Status      string                          `gorm:"column:status"`
		Severity    string                          `gorm:"column:severity"`
		Labels      storage.JSON[map[string]string] `gorm:"column:labels"`
		Rejected    string                          `gorm:"column:rejected"`
	}
	if err := db.Raw(`SELECT idx, name, source, fingerprint, status, severity, labels, rejected FROM observations WHERE receipt_id = ? ORDER BY idx`, receipt).
		Scan(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]rehearsal.DryObservation, len(rows))
	for i, r := range rows {
		out[i] = rehearsal.DryObservation{
			Index: r.Index, Name: r.Name, Source: r.Source, Fingerprint: r.Fingerprint, Status: r.Status, Severity: r.Severity, Labels: r.Labels.V,
			Rejected: r.Rejected, Routes: []rehearsal.DryRoute{},
		}
	}
	var routes []struct {
		Index  int                            `gorm:"column:idx"`
		Name   string                         `gorm:"column:name"`
		RunID  id.ID                          `gorm:"column:run_id"`
		State  string                         `gorm:"column:state"`
		Reason string                         `gorm:"column:reason"`
		Trace  storage.JSON[[]event.Decision] `gorm:"column:trace"`
	}
	if err := db.Raw(`SELECT l.idx, COALESCE(d.name, '') AS name, l.run_id, l.state, l.reason, l.trace FROM ledger l
		LEFT JOIN definitions d ON d.id = l.definition_id WHERE l.receipt_id = ? ORDER BY l.idx, l.run_id`, receipt).Scan(&routes).Error; err != nil {
		return nil, err
	}
	for _, r := range routes {
		if r.Index < len(out) {
			out[r.Index].Routes = append(out[r.Index].Routes, rehearsal.DryRoute{
				Definition: r.Name, RunID: r.RunID, State: wouldBe(r.State), Reason: r.Reason, Trace: r.Trace.V,
			})
		}
	}
	return out, nil
}

// wouldBe is a state of a rehearsal in words that promise nothing.
func wouldBe(state string) string {
	if state == event.StateDelivered {
		return rehearsal.WouldSend
	}
	return state
}

// incidents are those that have events: the stage began without any.
func (d *dryRun) incidents(ctx context.Context) ([]rehearsal.DryIncident, error) {
	var rows []struct {
		ID       id.ID  `gorm:"column:id"`
		Title    string `gorm:"column:title"`
		Status   string `gorm:"column:status"`
		Severity string `gorm:"column:severity"`
		Seq      int64  `gorm:"column:seq"`
		Kind     string `gorm:"column:kind"`
	}
	err := d.stage.db.Read(ctx).Raw(`SELECT i.id, i.title, i.status, i.severity, e.seq, e.kind FROM incidents i
		JOIN incident_events e ON e.incident_id = i.id ORDER BY i.id, e.seq`).Scan(&rows).Error
	out := []rehearsal.DryIncident{}
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].ID != r.ID {
			out = append(out, rehearsal.DryIncident{ID: r.ID, Known: true, Title: r.Title, Status: r.Status, Severity: r.Severity})
		}
		last := &out[len(out)-1]
		last.Events = append(last.Events, rehearsal.DryEvent{Seq: r.Seq, Kind: r.Kind})
		last.Known = last.Known && event.EventKind(r.Kind) != event.EventOpened
	}
	return out, err
}

func (d *dryRun) runs(ctx context.Context) ([]rehearsal.DryRunOfNodes, error) {
	db := d.stage.db.Read(ctx)
	var rows []struct {
		ID           id.ID  `gorm:"column:id"`
		ParentID     id.ID  `gorm:"column:parent_run_id"`
		DefinitionID id.ID  `gorm:"column:definition_id"`
		Definition   string `gorm:"column:definition_name"`
		Version      int64  `gorm:"column:definition_version"`
		IncidentID   id.ID  `gorm:"column:incident_id"`
		State        string `gorm:"column:state"`
		Status       string `gorm:"column:status"`
		Event        string `gorm:"column:event_kind"`
		Origin       string `gorm:"column:origin"`
		ErrorType    string `gorm:"column:error_type"`
		Error        string `gorm:"column:error_message"`
	}
	if err := db.Table("runs").Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	var nodes []orchestration.NodeRun
	var of []struct {
		RunID id.ID `gorm:"column:run_id"`
	}
	q := db.Table("node_runs").Order("run_id, node")
	if err := errors.Join(q.Find(&nodes).Error, db.Table("node_runs").Order("run_id, node").Find(&of).Error); err != nil {
		return nil, err
	}
	byRun := map[id.ID]map[string]orchestration.NodeRun{}
	for i, n := range nodes {
		if byRun[of[i].RunID] == nil {
			byRun[of[i].RunID] = map[string]orchestration.NodeRun{}
		}
		byRun[of[i].RunID][n.Node] = n
	}
	out := make([]rehearsal.DryRunOfNodes, 0, len(rows))
	for _, r := range rows {
		g, err := d.stage.catalog.Graph(ctx, r.DefinitionID, r.Version)
		if err != nil {
			return nil, err
		}
		run := rehearsal.DryRunOfNodes{
			ID: r.ID, ParentID: r.ParentID, Definition: r.Definition, Version: r.Version, IncidentID: r.IncidentID, State: r.State, Status: r.Status,
			Event: r.Event, Origin: r.Origin, ErrorType: r.ErrorType, Error: r.Error, Nodes: []rehearsal.DryRunsNode{},
		}
		for _, n := range g.Nodes {
			if st, ok := byRun[r.ID][n.ID]; ok {
				run.Nodes = append(run.Nodes, dryNode(st))
			}
		}
		out = append(out, run)
	}
	return out, nil
}

func dryNode(n orchestration.NodeRun) rehearsal.DryRunsNode {
	return rehearsal.DryRunsNode{
		Node: n.Node, Type: n.Type, State: n.State, Reason: n.Reason, Choice: n.Choice, Attempt: int(n.Attempt), Input: document(n.Input),
		Output: document(n.Output), ErrorType: n.ErrorType, Error: n.Error, DurationMS: float64(n.DurationUS) / 1000,
	}
}

func document(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

func (d *dryRun) messages(ctx context.Context) ([]rehearsal.DryMessage, error) {
	var rows []struct {
		Channel    string    `gorm:"column:channel"`
		Driver     string    `gorm:"column:driver"`
		Kind       string    `gorm:"column:kind"`
		State      string    `gorm:"column:state"`
		Reason     string    `gorm:"column:reason"`
		Severity   string    `gorm:"column:severity"`
		Title      string    `gorm:"column:title"`
		Encoding   int       `gorm:"column:encoding"`
		Body       []byte    `gorm:"column:body"`
		IncidentID id.ID     `gorm:"column:incident_id"`
		RunID      id.ID     `gorm:"column:run_id"`
		Node       string    `gorm:"column:node"`
		At         time.Time `gorm:"column:created_at"`
	}
	// What the stage began with has no text and is older.
	err := d.stage.db.Read(ctx).Raw(`SELECT COALESCE(c.name, '') AS channel, COALESCE(c.driver, '') AS driver, d.kind, d.state, d.reason, d.severity,
			COALESCE(m.title, '') AS title, COALESCE(m.encoding, 0) AS encoding, m.body, d.incident_id, d.run_id, d.node, d.created_at
		FROM deliveries d LEFT JOIN messages m ON m.id = d.message_id LEFT JOIN channels c ON c.id = d.channel_id
		WHERE d.message_id IS NOT NULL OR d.created_at >= ? ORDER BY d.id`, d.began).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	out := make([]rehearsal.DryMessage, 0, len(rows))
	for _, r := range rows {
		body, err := pack.Unpack(r.Encoding, r.Body)
		if err != nil {
			return nil, err
		}
		out = append(out, rehearsal.DryMessage{
			Channel: r.Channel, Driver: r.Driver, Kind: r.Kind, State: wouldBe(r.State), Reason: r.Reason, Severity: r.Severity, Title: r.Title,
			Body: string(body), IncidentID: r.IncidentID, RunID: r.RunID, Node: r.Node, At: r.At.UTC(),
		})
	}
	slices.SortStableFunc(out, func(a, b rehearsal.DryMessage) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Channel, b.Channel))
	})
	return out, nil
}
