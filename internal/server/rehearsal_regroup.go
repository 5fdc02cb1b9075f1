package server

import (
	"context"

	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// shownParts is how many incidents of a group, and receipts, a line names.
const shownParts = 10

// regrouped lists real incidents that would be one, and those that would be several: alerts of the same observations lie together on one
// side and apart on the other.
func (c *comparison) regrouped(ctx context.Context, r *rehearsal.Report) error {
	if err := c.w.s.exec(ctx, `CREATE TABLE incident_pairs AS SELECT x.incident_id AS was, l.incident_id AS would, min(x.receipt_id) AS receipt_id
		FROM real_rows x JOIN ledger l ON l.receipt_id = x.receipt_id AND l.idx = x.idx
		WHERE x.incident_id IS NOT NULL AND l.incident_id IS NOT NULL GROUP BY 1, 2`); err != nil {
		return err
	}
	var err error
	if r.Merged, err = c.groups(ctx, "would", "was"); err != nil {
		return err
	}
	r.Split, err = c.groups(ctx, "was", "would")
	return err
}

// groups are the incidents of one side that are several on the other.
func (c *comparison) groups(ctx context.Context, one, several string) (rehearsal.Incidents, error) {
	out := rehearsal.Incidents{Items: []rehearsal.IncidentLine{}}
	db := c.w.s.db.Read(ctx)
	grouped := ` FROM incident_pairs GROUP BY ` + one + ` HAVING count(*) > 1`
	if err := db.Raw(`SELECT count(*) FROM (SELECT 1` + grouped + `)`).Scan(&out.Total).Error; err != nil || out.Total == 0 {
		return out, err
	}
	var heads []struct {
		ID    id.ID `gorm:"column:id"`
		Parts int64 `gorm:"column:parts"`
	}
	if err := db.Raw(`SELECT `+one+` AS id, count(*) AS parts`+grouped+` ORDER BY min(receipt_id) LIMIT ?`, rehearsal.MostListed).Scan(&heads).Error; err != nil {
		return out, err
	}
	for _, h := range heads {
		var rows []struct {
			Was       id.ID `gorm:"column:was"`
			Would     id.ID `gorm:"column:would"`
			ReceiptID id.ID `gorm:"column:receipt_id"`
		}
		if err := db.Raw(`SELECT was, would, receipt_id FROM incident_pairs WHERE `+one+` = ? ORDER BY receipt_id, `+several+` LIMIT ?`, h.ID, shownParts).
			Scan(&rows).Error; err != nil {
			return out, err
		}
		line := rehearsal.IncidentLine{Parts: h.Parts}
		var there []id.ID
		for _, p := range rows {
			line.Incidents = append(line.Incidents, p.Was)
			line.Receipts = append(line.Receipts, p.ReceiptID)
			there = append(there, p.Would)
		}
		line.Incidents, there = unique(line.Incidents), unique(there)
		for _, i := range line.Incidents {
			line.Links = append(line.Links, "/incidents/"+i.String())
		}
		if err := db.Table("incidents").Where("id IN ?", there).Order("id").Pluck("title", &line.Titles).Error; err != nil {
			return out, err
		}
		out.Items = append(out.Items, line)
	}
	return out, nil
}
