package notify

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// hushed is what silences a tell: of its alerts the most severe one's, and of each the silence. The zero value is nothing.
type hushed struct {
	Silenced
	each []hushedAlert
}

type hushedAlert struct{ alert, by id.ID }

// held is an alert that somebody would have heard of but for a silence.
type held struct{ incident, alert id.ID }

type heldBy struct {
	tenant string
	by     id.ID
}

// silenced says what keeps a delivery back. The message goes out if one firing alert of it is not silenced. Ends, and what people did,
// pass.
func (b *Batch) silenced(d *planned) Silenced {
	switch d.kind {
	case channel.KindFiring, channel.KindUpdated, channel.KindReminder:
	case channel.KindAcknowledged, channel.KindResolved, channel.KindTest, channel.KindSent:
		return Silenced{}
	}
	t := d.tell
	h, known := b.quiet[t]
	if known {
		return h.Silenced
	}
	for _, a := range t.Alerts {
		if a.Status != event.StatusFiring {
			continue
		}
		one := b.p.hush.Silenced(t.Tenant, a, b.tx.Now())
		if one.Reason == "" {
			h = hushed{}
			break
		}
		if h.Reason == "" {
			h.Silenced = one
		}
		h.each = append(h.each, hushedAlert{a.ID, one.By})
	}
	b.quiet[t] = h
	return h.Silenced
}

// hold notes what a silence holds back, so that its end tells of it.
func (b *Batch) hold(d *planned) {
	t := d.tell
	if d.heldBy.IsZero() || t.Dry || t.Incident == nil {
		return
	}
	for _, a := range b.quiet[t].each {
		b.holds[held{t.Incident.ID, a.alert}] = heldBy{t.Tenant, a.by}
	}
}

// writeHolds queues the rows, in the order in which everybody writes them.
func (b *Batch) writeHolds() {
	if len(b.holds) == 0 {
		return
	}
	rows := insertHold.Rows()
	for _, h := range slices.SortedFunc(maps.Keys(b.holds), func(x, y held) int {
		return cmp.Or(bytes.Compare(x.incident[:], y.incident[:]), bytes.Compare(x.alert[:], y.alert[:]))
	}) {
		rows.Add(h.incident, h.alert, b.holds[h].tenant, b.holds[h].by, b.tx.Now())
	}
	b.tx.Exec(insertHold, rows)
}
