package notify

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
)

// standing is what a pending delivery waits for.
type standing struct {
	DueAt   *time.Time `gorm:"column:due_at"` // of its job
	Behind  bool       `gorm:"column:behind"` // an earlier one of its incident and channel is not over
	Since   *time.Time `gorm:"column:trouble_since"`
	Tries   int64      `gorm:"column:trouble_tries"`
	Dead    int64      `gorm:"column:trouble_dead"`
	Error   string     `gorm:"column:trouble_error"`
	Until   *time.Time `gorm:"column:trouble_until"`
	Retried bool       `gorm:"column:retried"`
}

const standingColumns = `j.due_at, COALESCE(j.failures, 0) > 0 AS retried,
	d.state = 'pending' AND EXISTS (SELECT 1 FROM deliveries o WHERE o.incident_id = d.incident_id AND o.channel_id = d.channel_id
		AND o.event_seq < d.event_seq AND o.state IN ('pending', 'sending')) AS behind,
	t.since AS trouble_since, COALESCE(t.tries, 0) AS trouble_tries, COALESCE(t.dead, 0) AS trouble_dead, COALESCE(t.error, '') AS trouble_error,
	t.until AS trouble_until`

// explain says what the pending ones among deliveries wait for.
func (r *Reader) explain(list []DeliveryView) {
	now := r.db.Now()
	for i := range list {
		if list[i].State == event.StatePending {
			list[i].Waits = list[i].Standing.words(now)
		}
	}
}

func (s *standing) words(now time.Time) string {
	var trouble *Trouble
	if s.Since != nil {
		trouble = &Trouble{Since: *s.Since, Tries: s.Tries, Dead: s.Dead, Error: s.Error}
	}
	next := ""
	if s.DueAt != nil && s.DueAt.After(now) {
		next = stamp(*s.DueAt)
	}
	switch {
	case s.Behind && trouble == nil:
		return "an earlier message about the incident goes first, and is not through yet"
	case trouble != nil && s.Until != nil && s.Until.After(now):
		return "the channel is left alone until " + stamp(*s.Until) + ", since it fails: " + trouble.Words(now)
	case trouble != nil && next != "":
		return "the next try is at " + next + "; the channel fails: " + trouble.Words(now)
	case trouble != nil:
		return "the channel fails: " + trouble.Words(now)
	case s.Retried && next != "":
		return "the next try is at " + next
	case next != "":
		return "its channel is busy; it is looked at again at " + next
	default:
		return "it is about to be sent"
	}
}

// To names whom a delivery is for: the channel, also one that is deleted, or the driver of a message by hand that had no channel.
func (d DeliveryView) To() string {
	switch {
	case d.ChannelGone:
		return d.ChannelName + " (deleted)"
	case d.ChannelName != "":
		return d.ChannelName
	case d.Cause == causeSent && d.Driver != "":
		return "by hand: " + d.Driver
	default:
		return "a deleted channel"
	}
}
