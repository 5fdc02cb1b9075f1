package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// comparison sets what really happened against what the rehearsal did.
type comparison struct {
	w *window
	// began is when the rehearsal's first delivery could be made: older ones are what the stage began with.
	began any
}

// The tables of a comparison. A message is known by the receipt that caused it, the first alert in that receipt of its incident, channel
// and kind; when a person caused it, by the real incident. Several that are alike are counted through.
var compareTables = []string{
	`CREATE TABLE after_incidents AS SELECT l.incident_id AS id, min(x.incident_id) AS was FROM ledger l
		JOIN real_rows x ON x.receipt_id = l.receipt_id AND x.idx = l.idx WHERE l.incident_id IS NOT NULL AND x.incident_id IS NOT NULL GROUP BY l.incident_id`,
	`CREATE INDEX after_incidents_id ON after_incidents (id)`,

	`CREATE TABLE before_anchors AS SELECT receipt_id, incident_id, min(idx) AS idx FROM real_rows WHERE incident_id IS NOT NULL GROUP BY receipt_id, incident_id`,
	`CREATE INDEX before_anchors_key ON before_anchors (receipt_id, incident_id)`,
	`CREATE TABLE after_anchors AS SELECT receipt_id, incident_id, min(idx) AS idx FROM ledger WHERE incident_id IS NOT NULL GROUP BY receipt_id, incident_id`,
	`CREATE INDEX after_anchors_key ON after_anchors (receipt_id, incident_id)`,

	`CREATE TABLE before_messages AS
		SELECT *, row_number() OVER (PARTITION BY sent, subject, idx, channel_id, kind ORDER BY id) AS nr FROM (
			SELECT m.id, m.receipt_id, m.incident_id, m.run_id, m.channel_id, m.kind, m.reason, m.state <> 'suppressed' AS sent,
				COALESCE(m.receipt_id, m.incident_id) AS subject, COALESCE(a.idx, -1) AS idx
			FROM real_messages m LEFT JOIN before_anchors a ON a.receipt_id = m.receipt_id AND a.incident_id = m.incident_id)`,
	`CREATE INDEX before_messages_key ON before_messages (subject, idx, channel_id, kind, nr)`,

	`CREATE TABLE after_messages AS
		SELECT *, row_number() OVER (PARTITION BY sent, subject, idx, channel_id, kind ORDER BY id) AS nr FROM (
			SELECT d.id, d.receipt_id, d.was AS incident_id, d.channel_id, d.kind, d.reason, d.state <> 'suppressed' AS sent,
				COALESCE(d.receipt_id, d.was) AS subject, COALESCE(a.idx, -1) AS idx
			FROM (SELECT d.id, d.incident_id, d.channel_id, d.kind, d.reason, d.state,
			             COALESCE(r.receipt_id, (SELECT t.id FROM real_receipts t WHERE t.trace_id = d.trace_id LIMIT 1)) AS receipt_id,
			             COALESCE(i.was, d.incident_id) AS was
			      FROM deliveries d LEFT JOIN runs r ON r.id = d.run_id LEFT JOIN after_incidents i ON i.id = d.incident_id
			      WHERE d.created_at >= ? AND d.reason NOT IN ('dry_run', 'shadow')) d
			LEFT JOIN after_anchors a ON a.receipt_id = d.receipt_id AND a.incident_id = d.incident_id)`,
	`CREATE INDEX after_messages_key ON after_messages (subject, idx, channel_id, kind, nr)`,

	// What became of an alert on all routes together: 3 somebody was told, 2 nothing new, 1 nowhere, 0 not usable.
	`CREATE TABLE before_fates AS SELECT receipt_id, idx, max(class) AS class, min(said) AS said, min(run_id) AS run_id, min(incident_id) AS incident_id, min(alert) AS alert
		FROM (SELECT receipt_id, idx, run_id, incident_id, alert, ` + fateClass + ` AS class, ` + fateSaid + ` AS said FROM real_rows) GROUP BY receipt_id, idx`,
	`CREATE UNIQUE INDEX before_fates_key ON before_fates (receipt_id, idx)`,
	`CREATE TABLE after_fates AS SELECT receipt_id, idx, max(class) AS class, min(said) AS said
		FROM (SELECT receipt_id, idx, ` + fateClass + ` AS class, ` + fateSaid + ` AS said FROM ledger
		      WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = ledger.run_id AND r.origin = 'shadow')) GROUP BY receipt_id, idx`,
	`CREATE UNIQUE INDEX after_fates_key ON after_fates (receipt_id, idx)`,
}

const (
	fateClass = `CASE WHEN state IN ('delivered', 'dead', 'pending') THEN 3 WHEN state = 'rejected' THEN 0
		WHEN reason IN ('duplicate', 'not_material', 'superseded', 'nobody_was_told', 'resolved_first') THEN 2 ELSE 1 END`
	fateSaid = `CASE WHEN reason = '' THEN state ELSE state || ' (' || reason || ')' END`
)

// compare fills a report.
func (c *comparison) compare(ctx context.Context) (*rehearsal.Report, error) {
	// A run whose messages were all held back by the end of its incident is over, though nothing told it so.
	if err := c.w.s.exec(ctx, `UPDATE ledger SET state = 'suppressed', reason = 'resolved_first' WHERE state = 'pending' AND run_id IN (
		SELECT d.run_id FROM deliveries d WHERE d.run_id IS NOT NULL GROUP BY d.run_id HAVING sum(d.state <> 'suppressed') = 0)`); err != nil {
		return nil, err
	}
	for _, t := range compareTables {
		var args []any
		for i := range t {
			if t[i] == '?' {
				args = append(args, c.began)
			}
		}
		if err := c.w.s.exec(ctx, t, args...); err != nil {
			return nil, err
		}
	}
	r := &rehearsal.Report{Receipts: c.w.total, Observations: c.w.alertsTotal}
	var errs [8]error
	r.Messages, errs[0] = c.counts(ctx, true)
	r.HeldBack, errs[1] = c.counts(ctx, false)
	r.Fewer, errs[2] = c.messages(ctx, "before_messages", "after_messages")
	r.More, errs[3] = c.messages(ctx, "after_messages", "before_messages")
	r.Nowhere, errs[4] = c.observations(ctx, "b.class = 3 AND COALESCE(a.class, 1) < 2")
	r.Somewhere, errs[5] = c.observations(ctx, "b.class < 2 AND COALESCE(a.class, 1) = 3")
	errs[6] = c.regrouped(ctx, r)
	errs[7] = c.reading(ctx, r)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("compare: %w", storage.Classify(err))
	}
	return r, nil
}

// counts are messages per channel and kind, or what was held back, by reason as well.
func (c *comparison) counts(ctx context.Context, sent bool) ([]rehearsal.ChannelCount, error) {
	out := []rehearsal.ChannelCount{}
	reason := "''"
	if !sent {
		reason = "reason"
	}
	err := c.w.s.db.Read(ctx).Raw(`SELECT COALESCE(c.name, '(deleted)') AS channel, m.kind, m.reason, sum(m.before) AS before, sum(m.after) AS after FROM (
			SELECT channel_id, kind, `+reason+` AS reason, 1 AS before, 0 AS after FROM before_messages WHERE sent = ?
			UNION ALL SELECT channel_id, kind, `+reason+`, 0, 1 FROM after_messages WHERE sent = ?) m
		LEFT JOIN channels c ON c.id = m.channel_id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, sent, sent).Scan(&out).Error
	return out, err
}

// messages are those of one side that the other does not have.
func (c *comparison) messages(ctx context.Context, of, other string) (rehearsal.Messages, error) {
	out := rehearsal.Messages{Items: []rehearsal.MessageLine{}}
	from := ` FROM ` + of + ` m WHERE m.sent AND NOT EXISTS (SELECT 1 FROM ` + other + ` o
		WHERE o.sent AND o.subject = m.subject AND o.idx = m.idx AND o.channel_id = m.channel_id AND o.kind = m.kind AND o.nr = m.nr)`
	db := c.w.s.db.Read(ctx)
	if err := db.Raw(`SELECT count(*)` + from).Scan(&out.Total).Error; err != nil || out.Total == 0 {
		return out, err
	}
	run, delivery := "m.run_id", "m.id"
	if of == "after_messages" {
		run, delivery = "NULL", "NULL"
	}
	var rows []struct {
		Channel    string `gorm:"column:channel"`
		Kind       string `gorm:"column:kind"`
		ReceiptID  id.ID  `gorm:"column:receipt_id"`
		IncidentID id.ID  `gorm:"column:incident_id"`
		RunID      id.ID  `gorm:"column:run_id"`
		DeliveryID id.ID  `gorm:"column:delivery_id"`
		Alert      string `gorm:"column:alert"`
		Was        string `gorm:"column:was"`
		WouldBe    string `gorm:"column:would_be"`
	}
	if err := db.Raw(`SELECT COALESCE(c.name, '(deleted)') AS channel, m.kind, m.receipt_id, m.incident_id, m.run_id, m.delivery_id, COALESCE(b.alert, '') AS alert,
			COALESCE(b.said, '') AS was, COALESCE(a.said, '') AS would_be
		FROM (SELECT m.id, m.channel_id, m.kind, m.receipt_id, m.idx, m.incident_id, `+run+` AS run_id, `+delivery+` AS delivery_id`+from+` ORDER BY m.id LIMIT ?) m
		LEFT JOIN channels c ON c.id = m.channel_id LEFT JOIN before_fates b ON b.receipt_id = m.receipt_id AND b.idx = m.idx
		LEFT JOIN after_fates a ON a.receipt_id = m.receipt_id AND a.idx = m.idx ORDER BY m.id`, rehearsal.MostListed).Scan(&rows).Error; err != nil {
		return out, err
	}
	for _, r := range rows {
		line := rehearsal.MessageLine{
			Channel: r.Channel, Kind: r.Kind, Alert: r.Alert, Was: r.Was, WouldBe: r.WouldBe, ReceiptID: r.ReceiptID, IncidentID: r.IncidentID, RunID: r.RunID,
			DeliveryID: r.DeliveryID,
		}
		line.Links = links(r.ReceiptID, r.IncidentID, r.RunID, r.DeliveryID)
		out.Items = append(out.Items, line)
	}
	return out, nil
}

// observations are those of which the two sides say something else.
func (c *comparison) observations(ctx context.Context, where string) (rehearsal.Observations, error) {
	out := rehearsal.Observations{Items: []rehearsal.ObservationLine{}}
	from := ` FROM before_fates b LEFT JOIN after_fates a ON a.receipt_id = b.receipt_id AND a.idx = b.idx WHERE ` + where
	db := c.w.s.db.Read(ctx)
	if err := db.Raw(`SELECT count(*)` + from).Scan(&out.Total).Error; err != nil || out.Total == 0 {
		return out, err
	}
	var rows []struct {
		ReceiptID  id.ID  `gorm:"column:receipt_id"`
		Index      int    `gorm:"column:idx"`
		Alert      string `gorm:"column:alert"`
		Was        string `gorm:"column:was"`
		WouldBe    string `gorm:"column:would_be"`
		IncidentID id.ID  `gorm:"column:incident_id"`
		RunID      id.ID  `gorm:"column:run_id"`
	}
	if err := db.Raw(`SELECT b.receipt_id, b.idx, b.alert, b.said AS was, COALESCE(a.said, 'not rehearsed') AS would_be, b.incident_id, b.run_id`+from+`
		ORDER BY b.receipt_id, b.idx LIMIT ?`, rehearsal.MostListed).Scan(&rows).Error; err != nil {
		return out, err
	}
	for _, r := range rows {
		out.Items = append(out.Items, rehearsal.ObservationLine{
			ReceiptID: r.ReceiptID, Index: r.Index, Alert: r.Alert, Was: r.Was, WouldBe: r.WouldBe, IncidentID: r.IncidentID, RunID: r.RunID,
			Links: links(r.ReceiptID, r.IncidentID, r.RunID, id.ID{}),
		})
	}
	return out, nil
}

// links are the pages to look at.
func links(receipt, incident, run, delivery id.ID) []string {
	out := []string{}
	for _, l := range []struct {
		path string
		id   id.ID
	}{{"/receipts/", receipt}, {"/incidents/", incident}, {"/runs/", run}, {"/deliveries/", delivery}} {
		if !l.id.IsZero() {
			out = append(out, l.path+l.id.String())
		}
	}
	return out
}

// reading lists receipts that are read in another way than then.
func (c *comparison) reading(ctx context.Context, r *rehearsal.Report) error {
	for now, to := range map[bool]*rehearsal.Receipts{true: &r.Unreadable, false: &r.Readable} {
		to.Items = []rehearsal.ReceiptLine{}
		db := c.w.s.db.Read(ctx)
		if err := db.Raw(`SELECT count(*) FROM unreadable WHERE now_unreadable = ?`, now).Scan(&to.Total).Error; err != nil {
			return err
		}
		var rows []struct {
			ReceiptID id.ID  `gorm:"column:receipt_id"`
			Why       string `gorm:"column:why"`
		}
		if err := db.Raw(`SELECT receipt_id, why FROM unreadable WHERE now_unreadable = ? ORDER BY receipt_id LIMIT ?`, now, rehearsal.MostListed).
			Scan(&rows).Error; err != nil {
			return err
		}
		for _, x := range rows {
			to.Items = append(to.Items, rehearsal.ReceiptLine{ReceiptID: x.ReceiptID, Why: x.Why, Links: links(x.ReceiptID, id.ID{}, id.ID{}, id.ID{})})
		}
	}
	return nil
}
