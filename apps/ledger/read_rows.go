package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Line is one line of the books: what became of one observation on one route.
type Line struct {
	ReceiptID    id.ID         `json:"receipt_id" gorm:"column:receipt_id"`
	Index        int64         `json:"index" gorm:"column:idx"` // of the observation in its push, from 0
	At           time.Time     `json:"at" gorm:"column:created_at"`
	Alert        string        `json:"alert" gorm:"column:name"` // its name, "" for what could not be used
	Instance     string        `json:"instance" gorm:"-"`        // what it is about, of its labels; "" when they do not say
	Source       string        `json:"source" gorm:"column:source"`
	Status       string        `json:"status" gorm:"column:status"` // as it was reported: firing, resolved
	Severity     string        `json:"severity" gorm:"column:severity"`
	Pipeline     string        `json:"pipeline" gorm:"column:pipeline"` // "" when none took it
	State        string        `json:"state" gorm:"column:state"`
	Reason       string        `json:"reason" gorm:"column:reason"`
	Why          string        `json:"why" gorm:"-"`        // the deciding step in words, "" when State and Reason say it all
	Channels     []LineChannel `json:"channels" gorm:"-"`   // who was, or was not, told
	Later        *LineLater    `json:"told_later" gorm:"-"` // what was told once a silence or a throttle let it go, or to another channel that stood in; nil: nothing
	AlertID      id.ID         `json:"alert_id" gorm:"column:alert_id"`
	IncidentID   id.ID         `json:"incident_id" gorm:"column:incident_id"`
	RunID        id.ID         `json:"run_id" gorm:"column:run_id"`
	DefinitionID id.ID         `json:"definition_id" gorm:"column:definition_id"`
	SettledAt    *time.Time    `json:"settled_at" gorm:"column:settled_at"`
	Trace        string        `json:"-" gorm:"column:trace"`
	Labels       string        `json:"-" gorm:"column:labels"`
}

// LineChannel is a channel of a line.
type LineChannel struct {
	Channel string `json:"channel"`
	State   string `json:"state"`
	Reason  string `json:"reason,omitempty"`
}

// LineLater is what was told later, or to others.
type LineLater struct {
	At       time.Time      `json:"at"`
	Channels []LineDelivery `json:"channels"`
}

// LineDelivery is a channel, the delivery that told it, and why that came late: the end of a silence, room in a throttle, or that another
// channel was not reached.
type LineDelivery struct {
	LineChannel

	DeliveryID id.ID  `json:"delivery_id"`
	Cause      string `json:"cause" enum:"silence,throttle,fallback"`
}

// LineFilter narrows a list of lines; zero fields do not.
type LineFilter struct {
	States   []string
	Reasons  []string
	Receipt  id.ID
	Incident id.ID
	Run      id.ID
}

// LinePaging asks for one page of lines.
type LinePaging struct {
	Before string // a NextCursor
	Limit  int    // as in storage.Paging
}

// cursor is where a page ends.
type cursor struct {
	receipt    id.ID
	idx        int64
	definition id.ID
}

func (l *Line) cursor() string {
	return l.ReceiptID.String() + "." + strconv.FormatInt(l.Index, 10) + "." + l.DefinitionID.String()
}

func readCursor(s string) (c cursor, err error) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return c, storage.ErrCursor
	}
	var errs [3]error
	c.receipt, errs[0] = id.Parse(parts[0])
	c.idx, errs[1] = strconv.ParseInt(parts[1], 10, 64)
	if parts[2] != "" {
		c.definition, errs[2] = id.Parse(parts[2])
	}
	for _, e := range errs {
		if e != nil {
			return c, storage.ErrCursor
		}
	}
	return c, nil
}

// Lines lists the books, newest first. What pruning has taken is in Totals only.
func (r *Reader) Lines(ctx context.Context, tenant string, f LineFilter, p LinePaging) (storage.Page[Line], error) {
	none := storage.Page[Line]{}
	size := storage.Paging{Limit: p.Limit}.Size()
	q := r.db.Read(ctx).Table("ledger").Where("tenant_id = ?", tenant)
	q = storage.Seldom(q, "state", f.States, "state IN ('pending', 'dead')", event.StatePending, event.StateDead)
	if len(f.Reasons) > 0 {
		q = q.Where("reason IN ?", f.Reasons)
	}
	if !f.Receipt.IsZero() {
		q = q.Where("receipt_id = ?", f.Receipt)
	}
	if !f.Run.IsZero() { // a run's rows are those of its receipt
		q = q.Where("receipt_id IN (SELECT receipt_id FROM runs WHERE id = ? AND receipt_id IS NOT NULL) AND run_id = ?", f.Run, f.Run)
	}
	if !f.Incident.IsZero() { // the history of its alerts names their receipts
		q = q.Where(`receipt_id IN (SELECT h.receipt_id FROM alerts a JOIN alert_history h ON h.alert_id = a.id
			WHERE a.incident_id = ? AND h.receipt_id IS NOT NULL) AND incident_id = ?`, f.Incident, f.Incident)
	}
	if p.Before != "" {
		c, err := readCursor(p.Before)
		if err != nil {
			return none, err
		}
		q = q.Where("(receipt_id, idx, definition_id) < (?, ?, ?)", c.receipt, c.idx, c.definition[:])
	}
	picked := q.Order("receipt_id DESC, idx DESC, definition_id DESC").Limit(size + 1)
	var rows []Line
	err := r.db.Read(ctx).Table("(?) AS l", picked).
		Select(`l.receipt_id, l.idx, l.created_at, COALESCE(o.name, '') AS name, COALESCE(o.source, '') AS source, COALESCE(o.status, '') AS status,
			COALESCE(o.severity, '') AS severity, COALESCE(u.definition_name, d.name, '') AS pipeline, l.state, l.reason, l.alert_id, l.incident_id, l.run_id,
			l.definition_id, l.settled_at, l.trace, COALESCE(o.labels, '{}') AS labels`).
		Joins("LEFT JOIN observations o ON o.receipt_id = l.receipt_id AND o.idx = l.idx").
		Joins("LEFT JOIN runs u ON u.id = l.run_id").Joins("LEFT JOIN definitions d ON d.id = l.definition_id").
		Order("l.receipt_id DESC, l.idx DESC, l.definition_id DESC").Find(&rows).Error
	if err != nil {
		return none, fmt.Errorf("list the ledger: %w", storage.Classify(err))
	}
	page := storage.Page[Line]{Items: rows}
	if len(rows) > size {
		page.Items = rows[:size]
		page.NextCursor = page.Items[size-1].cursor()
	}
	if page.Items == nil {
		page.Items = []Line{}
	}
	for i := range page.Items {
		page.Items[i].explain()
		page.Items[i].about()
	}
	return page, r.tellWhom(ctx, tenant, page.Items)
}

// toldLine is what a channel was told for a run.
type toldLine struct {
	RunID, ID                      id.ID
	Channel, State, Reason, Detail string
	EventSeq                       int64
	CreatedAt                      time.Time
	InsteadID                      id.ID
}

// tellWhom adds the channels, with one query for all lines: what is told after the fold is in the deliveries, not in the decisions.
func (r *Reader) tellWhom(ctx context.Context, tenant string, lines []Line) error {
	runs, incidents := make([]id.ID, 0, len(lines)), []id.ID{}
	for i := range lines {
		if !lines[i].RunID.IsZero() {
			runs = append(runs, lines[i].RunID)
		}
		if held(lines[i].Reason) {
			incidents = appendNew(incidents, lines[i].IncidentID)
		}
	}
	if len(runs) == 0 {
		return nil
	}
	later, err := loadRetellings(r.db.Read(ctx), tenant, incidents)
	if err != nil {
		return storage.Classify(err)
	}
	for _, t := range later {
		runs = append(runs, t.runs...)
	}
	var rows []toldLine
	err = r.db.Read(ctx).Raw(`SELECT t.run_id, d.id, COALESCE(c.name, g.name || ' (deleted)', '') AS channel, d.state, d.reason, d.detail, d.event_seq,
			d.created_at, d.instead_id FROM (
			SELECT run_id, id FROM deliveries WHERE run_id IN ? UNION ALL SELECT run_id, delivery_id AS id FROM delivery_routes WHERE run_id IN ?) t
		JOIN deliveries d ON d.id = t.id LEFT JOIN channels c ON c.id = d.channel_id LEFT JOIN former_channels g ON g.channel_id = d.channel_id
		WHERE d.tenant_id = ? ORDER BY c.name, d.id`, runs, runs, tenant).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("load who was told: %w", storage.Classify(err))
	}
	instead, err := r.insteadOf(ctx, tenant, rows)
	if err != nil {
		return err
	}
	told := map[id.ID][]toldLine{}
	for _, t := range rows {
		told[t.RunID] = append(told[t.RunID], t)
	}
	for i := range lines {
		l := &lines[i]
		took := l.heard(told[l.RunID])
		l.heardLater(told, later)
		if took {
			l.heardInstead(told[l.RunID], instead)
		}
	}
	return nil
}

// heardLater takes over what was told at the end of the silence that held the line back.
func (l *Line) heardLater(told map[id.ID][]toldLine, later retellings) {
	if !held(l.Reason) || l.AlertID.IsZero() {
		return
	}
	var seq int64
	for _, t := range told[l.RunID] {
		seq = max(seq, t.EventSeq)
	}
	t := later.after(l.IncidentID, l.AlertID, seq)
	if t == nil {
		return
	}
	l.Later = &LineLater{At: t.at, Channels: []LineDelivery{}}
	for _, run := range t.runs {
		for _, d := range told[run] {
			one := LineDelivery{LineChannel{Channel: d.Channel, State: d.State, Reason: d.Reason}, d.ID, "silence"}
			if !slices.Contains(l.Later.Channels, one) {
				l.Later.Channels = append(l.Later.Channels, one)
			}
		}
	}
}

// heard takes over what the channels of its run were told. What was held back before anybody was to be told, a repeat for one, had no part
// in that: false.
func (l *Line) heard(told []toldLine) bool {
	if len(told) == 0 || l.State == event.StateSuppressed && !slices.ContainsFunc(told, func(t toldLine) bool { return t.Reason == l.Reason }) {
		return false
	}
	l.Channels = l.Channels[:0]
	for _, t := range told {
		l.Channels = append(l.Channels, LineChannel{Channel: t.Channel, State: t.State, Reason: t.Reason})
		if t.Reason == l.Reason && t.Detail != "" {
			l.Why = t.Detail
		}
	}
	return true
}

// explain reads the decisions of a line.
func (l *Line) explain() {
	l.Channels = []LineChannel{}
	var trace []event.Decision
	if err := json.Unmarshal([]byte(l.Trace), &trace); err != nil {
		return
	}
	var misses []string
	for _, d := range trace {
		switch {
		case d.What == "channel":
			l.Channels = append(l.Channels, LineChannel{Channel: d.Name, State: d.Result, Reason: d.Why})
		case d.What == "route" && d.Result == "miss":
			misses = append(misses, d.Name+": "+d.Why)
		case d.Why != "":
			l.Why = d.Why
		}
	}
	if l.State == event.StateNoRoute && len(misses) > 0 {
		l.Why = strings.Join(misses, "; ")
	}
}
