package ledger

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// scope finds the observations and runs that the answer is about.
func (q *inquiry) scope() error {
	s := &q.subject
	switch q.kind {
	case aboutRun:
		q.runIDs = []id.ID{s.ID}
	case aboutDelivery:
		return q.into(&q.runIDs, `SELECT run_id FROM deliveries WHERE id = ? AND tenant_id = ? AND run_id IS NOT NULL
			UNION SELECT run_id FROM delivery_routes WHERE delivery_id = ? AND tenant_id = ? ORDER BY run_id DESC LIMIT ?`,
			s.ID, q.tenant, s.ID, q.tenant, WhyRuns)
	case aboutAlert:
		return q.history([]id.ID{s.ID}, "")
	case aboutIncident:
		var alerts []id.ID
		if err := q.into(&alerts, "SELECT id FROM alerts WHERE incident_id = ? AND tenant_id || '' = ? ORDER BY id DESC LIMIT ?", s.ID, q.tenant, WhyReceipts+1); err != nil {
			return err
		}
		if len(alerts) > WhyReceipts {
			q.leave("The incident has more alerts than the %d newest that are looked at.", WhyReceipts)
			alerts = alerts[:WhyReceipts]
		}
		if err := q.history(alerts, "AND incident_id = ?", s.ID); err != nil {
			return err
		}
		// Alerts that went on to another incident are found by the runs.
		err := q.into(&q.runIDs, "SELECT id FROM runs WHERE incident_id = ? AND tenant_id || '' = ? ORDER BY id DESC LIMIT ?", s.ID, q.tenant, WhyReceipts+1)
		if len(q.runIDs) > WhyReceipts {
			q.leave("Only the newest %d runs of the incident are looked at.", WhyReceipts)
			q.runIDs = q.runIDs[:WhyReceipts]
		}
		return err
	}
	return nil
}

// history takes in the newest observations of some alerts. Each is asked by its key, all in one statement.
func (q *inquiry) history(alerts []id.ID, more string, args ...any) error {
	if len(alerts) == 0 {
		return nil
	}
	parts := make([]string, len(alerts))
	var all []any
	for i, a := range alerts {
		parts[i] = `SELECT * FROM (SELECT id, receipt_id, idx FROM alert_history WHERE alert_id = ? AND tenant_id = ? AND receipt_id IS NOT NULL ` + more +
			` ORDER BY id DESC LIMIT ?) h`
		all = append(append(append(all, a, q.tenant), args...), WhyReceipts+1)
	}
	var found []struct {
		ID        id.ID
		ReceiptID id.ID
		Idx       int64
	}
	if err := q.into(&found, strings.Join(parts, " UNION ALL ")+" ORDER BY id DESC LIMIT ?", append(all, WhyRows)...); err != nil {
		return err
	}
	taken := map[id.ID]bool{}
	for _, h := range found {
		if !taken[h.ReceiptID] && len(taken) == WhyReceipts {
			q.leave("Only the newest %d receipts are shown; there are older ones.", WhyReceipts)
			break
		}
		taken[h.ReceiptID] = true
		q.items = append(q.items, itemKey{h.ReceiptID, h.Idx})
	}
	if len(found) == WhyRows {
		q.leave("Only the newest %d reports of its alerts are looked at.", WhyRows)
	}
	return nil
}

// loadRows reads the ledger.
func (q *inquiry) loadRows() error {
	const columns = "l.receipt_id, l.idx, l.definition_id, l.run_id, l.incident_id, l.alert_id, l.state, l.reason, l.trace, l.created_at, l.settled_at"
	have := map[itemKey]map[id.ID]bool{}
	add := func(sql string, args ...any) error {
		var rows []*bookRow
		if err := q.into(&rows, "SELECT "+columns+" FROM "+sql+" LIMIT ?", append(args, WhyRows+1)...); err != nil {
			return err
		}
		if len(rows) > WhyRows {
			q.leave("Only %d lines of the ledger are looked at; there are more.", WhyRows)
			rows = rows[:WhyRows]
		}
		for _, b := range rows {
			if have[b.item()] == nil {
				have[b.item()] = map[id.ID]bool{}
			}
			if !have[b.item()][b.DefinitionID] {
				have[b.item()][b.DefinitionID] = true
				q.rows = append(q.rows, b)
			}
		}
		return nil
	}
	if q.kind == aboutReceipt { // what went wrong rather than the rest: a push may hold thousands
		err := add(`ledger l WHERE l.receipt_id = ? AND l.tenant_id = ? ORDER BY CASE l.state WHEN 'dead' THEN 0 WHEN 'rejected' THEN 1 WHEN 'no_route' THEN 2
			WHEN 'pending' THEN 3 WHEN 'delivered' THEN 4 ELSE 5 END, l.idx, l.definition_id`, q.subject.ID, q.tenant)
		slices.SortStableFunc(q.rows, func(a, b *bookRow) int { return cmp.Compare(a.Idx, b.Idx) })
		return err
	}
	if where, args := among("l.", q.items); where != "" {
		if err := add("ledger l WHERE l.tenant_id = ? AND "+where+" ORDER BY l.receipt_id DESC, l.idx, l.definition_id", append([]any{q.tenant}, args...)...); err != nil {
			return err
		}
	}
	if len(q.runIDs) > 0 {
		if err := add(`runs u JOIN ledger l ON l.receipt_id = u.receipt_id AND l.run_id = u.id WHERE u.id IN ? AND u.tenant_id = ?
			ORDER BY l.receipt_id DESC, l.idx, l.definition_id`, q.runIDs, q.tenant); err != nil {
			return err
		}
	}
	slices.SortStableFunc(q.rows, func(a, b *bookRow) int {
		return cmp.Or(-strings.Compare(a.ReceiptID.String(), b.ReceiptID.String()), cmp.Compare(a.Idx, b.Idx))
	})
	return nil
}

func (q *inquiry) loadRuns() error {
	ids := slices.Clone(q.runIDs)
	for _, b := range q.rows {
		ids = appendNew(ids, b.RunID)
	}
	q.runIDs, q.runs = ids, map[id.ID]*runRow{}
	if len(ids) == 0 {
		return nil
	}
	var rows []*runRow
	err := q.into(&rows, `SELECT id, definition_id, definition_name, definition_version, receipt_id, parent_run_id, incident_id, event_seq, event_kind, state,
		error_type, error_message, created_at, finished_at FROM runs WHERE id IN ? AND tenant_id = ?`, ids, q.tenant)
	for _, u := range rows {
		q.runs[u.ID] = u
	}
	return err
}

func (q *inquiry) loadReceipts() error {
	var ids []id.ID
	if q.kind == aboutReceipt {
		ids = appendNew(ids, q.subject.ID)
	}
	items := slices.Clone(q.items)
	for _, b := range q.rows {
		ids = appendNew(ids, b.ReceiptID)
		items = append(items, b.item())
	}
	for _, u := range q.runs {
		ids = appendNew(ids, u.ReceiptID)
	}
	q.receipts, q.seen = map[id.ID]*receiptRow{}, map[itemKey]*observationRow{}
	if len(ids) == 0 {
		return nil
	}
	var receipts []*receiptRow
	err := q.into(&receipts, `SELECT id, source_id, driver, delivery_key, trace_id, origin, outcome, reason, n, truncated, reprocess_of, received_at, folded_at
		FROM receipts WHERE id IN ? AND tenant_id = ?`, ids, q.tenant)
	for _, p := range receipts {
		q.receipts[p.ID] = p
	}
	where, args := among("", items)
	if err != nil || where == "" {
		return err
	}
	var seen []*observationRow
	err = q.into(&seen, `SELECT receipt_id, idx, seq, source, fingerprint, name, status, severity, passive, rejected FROM observations
		WHERE tenant_id = ? AND `+where, append([]any{q.tenant}, args...)...)
	for _, o := range seen {
		q.seen[itemKey{o.ReceiptID, o.Idx}] = o
	}
	return err
}

// loadDeliveries reads what the runs wanted told, and what the incidents' people were told at all: a repeat is held back because of
// that.
func (q *inquiry) loadDeliveries() error {
	q.incidents = appendNew(nil, q.subject.IncidentID)
	for _, b := range q.rows {
		q.incidents = appendNew(q.incidents, b.IncidentID)
	}
	q.routes = map[id.ID][]id.ID{}
	var by []string
	var args []any
	if len(q.runIDs) > 0 {
		by = append(by, "SELECT id FROM deliveries WHERE run_id IN ?", "SELECT delivery_id FROM delivery_routes WHERE run_id IN ?")
		args = append(args, q.runIDs, q.runIDs)
	}
	if len(q.incidents) > 0 {
		by, args = append(by, "SELECT id FROM deliveries WHERE incident_id IN ?"), append(args, q.incidents)
	}
	if q.kind == aboutDelivery {
		by, args = append(by, "SELECT id FROM deliveries WHERE id = ?", "SELECT instead_id FROM deliveries WHERE id = ?"), append(args, q.subject.ID, q.subject.ID)
	}
	if len(by) == 0 {
		return nil
	}
	err := q.into(&q.deliveries, `SELECT d.id, d.incident_id, d.run_id, d.definition_id, d.node, d.event_seq, d.channel_id, COALESCE(c.name, g.name || ' (deleted)', '') AS channel_name, COALESCE(t.error, '') AS channel_error, t.until AS channel_until,
			COALESCE(c.min_severity, '') AS min_severity, COALESCE(m.driver, c.driver, g.driver, '') AS driver, d.kind, d.severity, d.message_id,
			COALESCE(m.title, '') AS title, d.state, d.reason, d.detail, d.cause, d.instead_id, COALESCE(m.remark, '') AS remark, COALESCE(m.parts, 0) AS parts, COALESCE(m.sent, 0) AS sent,
			d.idem_key LIKE 'dry:%' AS dry, d.attempts, d.created_at, d.expires_at, d.next_at, d.sending_since, d.finished_at
		FROM deliveries d LEFT JOIN channels c ON c.id = d.channel_id LEFT JOIN former_channels g ON g.channel_id = d.channel_id
		LEFT JOIN channel_troubles t ON d.state = 'pending' AND t.channel_id = d.channel_id LEFT JOIN messages m ON m.id = d.message_id
		WHERE d.tenant_id = ? AND d.id IN (`+strings.Join(by, " UNION ")+") ORDER BY CASE WHEN d.id = ? THEN 0 ELSE 1 END, d.id DESC LIMIT ?",
		append(append([]any{q.tenant}, args...), q.subject.ID, WhyDeliveries+1)...)
	if err != nil {
		return err
	}
	if len(q.deliveries) > WhyDeliveries {
		q.leave("Only the newest %d deliveries are looked at.", WhyDeliveries)
		q.deliveries = q.deliveries[:WhyDeliveries]
	}
	slices.SortFunc(q.deliveries, func(a, b *deliveryRow) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return q.loadAttempts()
}

func (q *inquiry) loadAttempts() error {
	var ids, messages []id.ID
	for _, d := range q.deliveries {
		ids = append(ids, d.ID)
		messages = appendNew(messages, d.MessageID)
		if !d.RunID.IsZero() {
			q.routes[d.ID] = append(q.routes[d.ID], d.RunID)
		}
	}
	q.attempts = map[id.ID][]attemptRow{}
	if len(ids) == 0 {
		return nil
	}
	var routes []struct{ RunID, DeliveryID id.ID }
	err := q.into(&routes, "SELECT run_id, delivery_id FROM delivery_routes WHERE delivery_id IN ? AND tenant_id = ? LIMIT ?", ids, q.tenant, WhySteps)
	if err != nil || len(messages) == 0 {
		return err
	}
	for _, r := range routes {
		q.routes[r.DeliveryID] = append(q.routes[r.DeliveryID], r.RunID)
	}
	var rows []attemptRow
	err = q.into(&rows, `SELECT message_id, n, at, status, latency_us, verdict, error, response FROM message_attempts
		WHERE message_id IN ? AND tenant_id = ? ORDER BY message_id DESC, n DESC LIMIT ?`, messages, q.tenant, WhyAttempts)
	if len(rows) == WhyAttempts {
		q.leave("Only the newest %d attempts to send are shown.", WhyAttempts)
	}
	for _, a := range slices.Backward(rows) {
		q.attempts[a.MessageID] = append(q.attempts[a.MessageID], a)
	}
	return err
}

func (q *inquiry) loadNodes() error {
	if len(q.runIDs) == 0 {
		return nil
	}
	err := q.into(&q.nodes, `SELECT run_id, node, type, state, attempt, failures, rescues, reason, choice, detail, error_type, error, started_at, finished_at
		FROM node_runs WHERE run_id IN ? AND tenant_id = ? ORDER BY run_id, started_at, node LIMIT ?`, q.runIDs, q.tenant, 2*WhySteps)
	if err != nil {
		return err
	}
	return q.into(&q.tries, `SELECT run_id, node, attempt, state, error_type, error, retryable, started_at FROM node_attempts
		WHERE run_id IN ? AND tenant_id = ? ORDER BY run_id, node, attempt LIMIT ?`, q.runIDs, q.tenant, WhyAttempts)
}

// loadNames reads what the pipelines say about their nodes, and names of what is known by id.
func (q *inquiry) loadNames() error {
	q.names, q.sources, q.configs = map[id.ID]string{}, map[id.ID]string{}, map[versionKey]map[string]nodeConfig{}
	var definitions, sources []id.ID
	for _, b := range q.rows {
		if q.runs[b.RunID] == nil { // a run knows the name
			definitions = appendNew(definitions, b.DefinitionID)
		}
	}
	for _, p := range q.receipts {
		sources = appendNew(sources, p.SourceID)
	}
	for _, of := range []struct {
		table string
		ids   []id.ID
		to    map[id.ID]string
	}{{"definitions", definitions, q.names}, {"sources", sources, q.sources}} {
		if len(of.ids) == 0 {
			continue
		}
		var rows []struct {
			ID   id.ID
			Name string
		}
		if err := q.into(&rows, "SELECT id, name FROM "+of.table+" WHERE id IN ? AND tenant_id = ?", of.ids, q.tenant); err != nil {
			return err
		}
		for _, n := range rows {
			of.to[n.ID] = n.Name
		}
	}
	return q.loadConfigs()
}

func (q *inquiry) loadConfigs() error {
	var parts []string
	var args []any
	for _, u := range q.runs {
		key := versionKey{u.DefinitionID, u.DefinitionVersion}
		if _, ok := q.configs[key]; ok || len(parts) == WhyReceipts {
			continue
		}
		q.configs[key] = map[string]nodeConfig{}
		parts, args = append(parts, "(definition_id = ? AND version = ?)"), append(args, key.definition, key.version)
	}
	if len(parts) == 0 {
		return nil
	}
	var rows []struct {
		DefinitionID id.ID
		Version      int64
		Config       json.RawMessage `gorm:"serializer:json"`
	}
	err := q.into(&rows, "SELECT definition_id, version, config FROM definition_versions WHERE tenant_id = ? AND ("+strings.Join(parts, " OR ")+")",
		append([]any{q.tenant}, args...)...)
	for _, v := range rows {
		var d struct {
			Nodes []nodeConfig `json:"nodes"`
		}
		if json.Unmarshal(v.Config, &d) != nil { // of another release: the steps say less
			continue
		}
		for _, n := range d.Nodes {
			q.configs[versionKey{v.DefinitionID, v.Version}][n.ID] = n
		}
	}
	return err
}

// loadEvents reads what happened to the incidents, where that is asked for.
func (q *inquiry) loadEvents() error {
	if len(q.incidents) == 0 || q.kind == aboutReceipt && len(q.rows) > 1 {
		return nil
	}
	err := q.into(&q.events, `SELECT incident_id, seq, kind, actor, details, trace_id, created_at FROM incident_events
		WHERE incident_id IN ? AND tenant_id = ? ORDER BY incident_id DESC, seq DESC LIMIT ?`, q.incidents[:min(len(q.incidents), 10)], q.tenant, WhyEvents+1)
	if len(q.events) > WhyEvents {
		q.events = q.events[:WhyEvents]
		if q.kind == aboutAlert || q.kind == aboutIncident {
			q.leave("Only the newest %d events of incidents are shown.", WhyEvents)
		}
	}
	return err
}

func (q *inquiry) into(out any, sql string, args ...any) error {
	return q.db.Raw(sql, args...).Scan(out).Error
}

// among is a condition that finds observations by their key on both engines; "" for none.
func among(prefix string, items []itemKey) (where string, args []any) {
	byReceipt := map[id.ID][]int64{}
	var order []id.ID
	for _, k := range items {
		if byReceipt[k.receipt] == nil {
			order = append(order, k.receipt)
		}
		if !slices.Contains(byReceipt[k.receipt], k.index) {
			byReceipt[k.receipt] = append(byReceipt[k.receipt], k.index)
		}
	}
	if len(order) == 0 {
		return "", nil
	}
	parts := make([]string, len(order))
	for i, r := range order {
		parts[i] = "(" + prefix + "receipt_id = ? AND " + prefix + "idx IN ?)"
		args = append(args, r, byReceipt[r])
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}

func appendNew(list []id.ID, v id.ID) []id.ID {
	if v.IsZero() || slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}
