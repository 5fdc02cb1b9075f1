package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
)

// inPlace ends the words for what a fallback was told.
func (q *inquiry) inPlace(d *deliveryRow) string {
	for _, o := range q.deliveries {
		if o.InsteadID == d.ID && o.ChannelName != "" {
			return inPlaceOf + "channel " + o.ChannelName + ", which was not reached"
		}
	}
	return inPlaceOf + "a channel that was not reached"
}

const inPlaceOf = ", in the place of "

// instead is the delivery that tells what one did not: another channel, or the same one later. Nil when none does.
func (q *inquiry) instead(d *deliveryRow) *deliveryRow {
	for _, o := range q.deliveries {
		if o.ID == d.InsteadID && o.ID != d.ID {
			return o
		}
	}
	return q.withRoom(d)
}

// heirs are the deliveries that tell what one did not, each in the place of the one before it, and what was told at the end of a silence
// that held it back.
func (q *inquiry) heirs(d *deliveryRow) []*deliveryRow {
	var out []*deliveryRow
	for o := q.instead(d); o != nil && o != d && !slices.Contains(out, o); o = q.instead(o) {
		out = append(out, o)
	}
	_, later := q.letGo(d)
	for _, o := range later {
		if !slices.Contains(out, o) && o != d {
			out = append(out, o)
		}
	}
	return out
}

// insteadWords say which other channels were told, and by which deliveries; "" when there is none, or when heldWords say so.
func (q *inquiry) insteadWords(d *deliveryRow) string {
	if d.State == event.StateSuppressed {
		return ""
	}
	var words strings.Builder
	for o, done := q.instead(d), []*deliveryRow{d}; o != nil && !slices.Contains(done, o); o = q.instead(o) {
		fate := q.fate(o)
		if i := strings.Index(fate, inPlaceOf); i >= 0 {
			fate = fate[:i]
		}
		words.WriteString(". In its place " + fate + ", by delivery " + o.ID.String())
		done = append(done, o)
	}
	return words.String()
}

// oneVerdict is the answer about one delivery, with those that told what it did not.
func (q *inquiry) oneVerdict(d *deliveryRow) string {
	all := append([]*deliveryRow{d}, q.heirs(d)...)
	in := func(states ...string) bool {
		return slices.ContainsFunc(all, func(o *deliveryRow) bool { return slices.Contains(states, o.State) })
	}
	prefix := "nobody was told: "
	switch {
	case in(event.StateDelivered):
		prefix = ""
	case in(event.StatePending, event.StateSending):
		prefix = "nobody has been told yet: "
	}
	words := q.fate(d) + q.insteadWords(d)
	if d.State != event.StateSuppressed {
		words += d.remarked()
	}
	return prefix + words
}

// remarked is what went wrong while a message was written, as the next sentence.
func (d *deliveryRow) remarked() string {
	if d.Remark == "" {
		return ""
	}
	return ". " + sentence(d.Remark)
}

func sentence(s string) string {
	if first, _, _ := strings.Cut(s, " "); strings.Contains(first, "_") { // a setting's name
		return strings.TrimRight(s, ". ")
	}
	r := []rune(strings.TrimRight(s, ". "))
	return strings.ToUpper(string(r[:min(1, len(r))])) + string(r[min(1, len(r)):])
}

// arrived is how many parts of a message the receiver has.
func (d *deliveryRow) arrived() int64 {
	if d.State == event.StateDelivered {
		return d.Parts
	}
	return d.Sent
}

// partWords say that some of a message has arrived, unless words do.
func (d *deliveryRow) partWords(words string) string {
	if d.Parts < 2 || d.Sent == 0 || strings.Contains(words, "parts have arrived") {
		return ""
	}
	return fmt.Sprintf(", %d of %d parts have arrived", d.Sent, d.Parts)
}
