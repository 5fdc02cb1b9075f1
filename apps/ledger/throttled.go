package ledger

import (
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
)

const (
	// causeThrottle is the cause of deliveries that tell what a throttle held back.
	causeThrottle = "throttle"
	// onceRoom ends the words for them.
	onceRoom = ", as soon as its throttle had room"
)

// withRoom is the delivery that told a channel what its throttle had held back in d, nil when none has yet.
func (q *inquiry) withRoom(d *deliveryRow) (first *deliveryRow) {
	if d.State != event.StateSuppressed || d.Reason != event.ReasonThrottled {
		return nil
	}
	for _, o := range q.deliveries {
		if o.Cause == causeThrottle && o.IncidentID == d.IncidentID && o.ChannelID == d.ChannelID && o.EventSeq > d.EventSeq && (first == nil || o.EventSeq < first.EventSeq) {
			first = o
		}
	}
	return first
}

// roomWords say by which delivery a channel was told what its throttle had held back; "" when by none.
func (q *inquiry) roomWords(d *deliveryRow) string {
	o := q.withRoom(d)
	if o == nil {
		return ""
	}
	return ". When there was room, " + strings.Replace(q.fate(o), onceRoom, "", 1) + ", by delivery " + o.ID.String()
}

// alsoLate adds to deliveries those that told later what throttles had held back of them.
func (q *inquiry) alsoLate(list []*deliveryRow) []*deliveryRow {
	for _, d := range list {
		if o := q.withRoom(d); o != nil && !slices.Contains(list, o) {
			list = append(list, o)
		}
	}
	return list
}
