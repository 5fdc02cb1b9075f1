package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// verdict is the answer in one sentence.
func (q *inquiry) verdict() string {
	rows := q.deciding()
	told := q.mine(nil)
	if q.kind == aboutAlert { // what became of its last report
		told = q.mine(append([]*bookRow{}, rows...)) // none is not all
	}
	if told = slices.Clone(told); q.kind != aboutRun && q.kind != aboutDelivery { // a rehearsal's or a shadow's were never meant to be sent
		told = slices.DeleteFunc(told, func(d *deliveryRow) bool { return d.Dry || d.Reason == event.ReasonDryRun })
	}
	var out string
	if d := q.about(); d != nil {
		out = q.oneVerdict(d)
	} else if len(told) > 0 {
		out = q.tellVerdict(told)
	} else {
		out = q.silence(rows)
	}
	if sums := q.sums(rows); sums != "" {
		out += "; " + sums
	}
	r, n := utf8.DecodeRuneInString(out)
	return string(unicode.ToUpper(r)) + out[n:]
}

// deciding are the rows that the verdict is about: for an alert and an incident those of the last push.
func (q *inquiry) deciding() []*bookRow {
	if len(q.rows) == 0 || q.kind != aboutAlert && q.kind != aboutIncident {
		return q.rows
	}
	n := 1
	for n < len(q.rows) && q.rows[n].ReceiptID == q.rows[0].ReceiptID {
		n++
	}
	return q.rows[:n]
}

// sums counts what became of many alerts, "" where one thing became of all.
func (q *inquiry) sums(rows []*bookRow) string {
	if q.kind != aboutReceipt && q.kind != aboutRun {
		return ""
	}
	by := map[string]int{}
	for _, b := range rows {
		by[b.words()]++
	}
	if len(by) < 2 {
		return ""
	}
	parts := make([]string, 0, len(by))
	for words, n := range by {
		parts = append(parts, fmt.Sprintf("%d %s", n, words))
	}
	slices.Sort(parts)
	what := "in all"
	if len(rows) == WhyRows {
		what = "of those looked at"
	}
	return what + " " + strings.Join(parts, ", ")
}

// tellVerdict sums up deliveries by the newest one to each channel.
func (q *inquiry) tellVerdict(list []*deliveryRow) string {
	newest := map[id.ID]*deliveryRow{}
	var order []id.ID
	for _, d := range list {
		if newest[d.ChannelID] == nil {
			order = append(order, d.ChannelID)
		}
		if o := newest[d.ChannelID]; o == nil || o.EventSeq <= d.EventSeq {
			newest[d.ChannelID] = d
		}
	}
	// What went wrong first, then what is under way; the inbox is the least.
	rank := map[string]int{event.StateDead: 0, event.StateSending: 1, event.StatePending: 1, event.StateDelivered: 2, event.StateSuppressed: 3}
	slices.SortStableFunc(order, func(a, b id.ID) int {
		x, y := newest[a], newest[b]
		if x.aside() != y.aside() {
			if x.aside() {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(rank[x.State], rank[y.State]), cmp.Compare(x.ChannelName, y.ChannelName))
	})
	states := map[string]int{}
	aside := false
	type fate struct {
		words string
		aside bool
	}
	fates := map[fate][]string{} // the channels that it is said of
	var words []fate
	for _, c := range order {
		d := newest[c]
		if d.aside() && len(order) > 1 {
			aside = aside || d.State == event.StateDelivered
		} else {
			states[d.State]++
		}
		w := fate{q.fateWords(d), d.aside()}
		if fates[w] == nil {
			words = append(words, w)
		}
		fates[w] = append(fates[w], d.channel())
	}
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = several(fates[w], w.words)
	}
	under := states[event.StatePending] + states[event.StateSending]
	prefix := ""
	switch {
	case states[event.StateDelivered] > 0:
	case aside && under > 0:
		prefix = "only the inbox has been told yet: "
	case aside:
		prefix = "nobody was told, but for the inbox: "
	case under > 0:
		prefix = "nobody has been told yet: "
	default:
		prefix = "nobody was told: "
	}
	return prefix + strings.Join(parts, "; ")
}

// mostNamed is how many channels are named of which the same is said.
const mostNamed = 5

// several says of channels what became of them.
func several(names []string, words string) string {
	if len(names) == 1 {
		return "channel " + names[0] + " " + words
	}
	list := strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	if more := len(names) - mostNamed; more > 1 {
		list = strings.Join(names[:mostNamed], ", ") + " and " + count(int64(more), "other")
	}
	verb, rest, _ := strings.Cut(words, " ")
	return "channels " + list + " " + map[string]string{"was": "were", "is": "are", "waits": "wait"}[verb] + " " + rest
}

// fate is what became of a delivery, as a sentence.
func (q *inquiry) fate(d *deliveryRow) string { return "channel " + d.channel() + " " + q.fateWords(d) }

func (q *inquiry) fateWords(d *deliveryRow) string {
	verb := map[string]string{event.StateDelivered: "was ", event.StateSuppressed: "was ", event.StateDead: "was ", event.StateSending: "is "}[d.State]
	words := q.deliveryWords(d)
	if d.State == event.StatePending && !strings.HasPrefix(words, "waits") {
		verb = "is still to be told: "
	}
	return verb + words
}

// silence says why nothing was to be sent.
func (q *inquiry) silence(rows []*bookRow) string {
	if len(rows) == 0 {
		if p := q.receipts[q.subject.ID]; p != nil && p.Outcome == "ignored" {
			return "nobody was told: the hub ignored it, " + cmp.Or(p.Reason, "it holds no alert")
		}
		if u := q.runs[q.subject.ID]; u != nil {
			return "nobody was told by this run: " + u.words()
		}
		return "nobody was told: the hub no longer has what came in"
	}
	worst := rows[0]
	rank := map[string]int{event.StatePending: 6, event.StateDead: 5, event.StateDelivered: 4, event.StateNoRoute: 3, event.StateRejected: 2, event.StateSuppressed: 1}
	for _, b := range rows {
		if rank[b.State] > rank[worst.State] {
			worst = b
		}
	}
	switch worst.State {
	case event.StateDelivered:
		return "somebody was told, but the deliveries are no longer kept"
	case event.StatePending:
		return "nobody has been told yet: " + q.rowWords(worst)
	default:
		return "nobody was told: " + q.rowWords(worst)
	}
}

func (u *runRow) words() string {
	if u.ErrorMessage != "" {
		return "it " + u.State + ", " + u.ErrorType + ": " + u.ErrorMessage
	}
	switch u.State {
	case "succeeded":
		return "it ended without anything to tell"
	default:
		return "it is " + u.State
	}
}

// rowWords say why a ledger row is where it is.
func (q *inquiry) rowWords(b *bookRow) string {
	switch {
	case b.State == event.StatePending:
		return q.pendingWords(b)
	case b.State == event.StateDelivered:
		return "at least one channel that counts was told"
	case b.State == event.StateNoRoute:
		n := 0
		for _, d := range b.decisions() {
			if d.What == "route" {
				n++
			}
		}
		if n == 0 {
			return "there is no active pipeline"
		}
		return "no pipeline wanted it; " + count(int64(n), "pipeline") + " tried"
	case b.State == event.StateRejected:
		for _, d := range b.decisions() {
			if d.What == "parse" && d.Why != "" {
				return "the hub could not use it: " + d.Why
			}
		}
		return reasonWords(b.Reason)
	case b.State == event.StateSuppressed && b.Reason == event.ReasonDuplicate:
		return q.repeatWords(b)
	case b.State == event.StateSuppressed && b.Reason == event.ReasonDiscarded:
		return "pipeline " + q.pipeline(b) + " is set to discard it"
	case b.State == event.StateSuppressed && b.Reason == event.ReasonShadow:
		return "pipeline " + q.pipeline(b) + " is a shadow: it tells nobody"
	case b.State == event.StateDead && b.Reason == event.ReasonRunFailed:
		if u := q.runs[b.RunID]; u != nil && u.ErrorMessage != "" {
			return "the run of " + u.DefinitionName + " failed before anything went out: " + u.ErrorType + ": " + u.ErrorMessage
		}
	case b.State == event.StateSuppressed && slices.Contains(detailed, b.Reason):
		for _, d := range q.mine([]*bookRow{b}) {
			if d.Reason == b.Reason {
				return q.heldWords(d)
			}
		}
	case b.State == event.StateSuppressed:
		for _, d := range b.decisions() {
			if d.What == "fold" && d.Why != "" {
				return d.Why
			}
		}
	case b.State == event.StateDead:
		return deadWords(b.Reason)
	}
	return reasonWords(b.Reason)
}

func (q *inquiry) pendingWords(b *bookRow) string {
	if p := q.receipts[b.ReceiptID]; p != nil && p.FoldedAt == nil {
		return "it is stored and waits to be folded"
	}
	for _, d := range q.mine([]*bookRow{b}) {
		if d.State == event.StatePending || d.State == event.StateSending {
			return "channel " + d.channel() + ": " + q.deliveryWords(d)
		}
	}
	for _, d := range q.mine([]*bookRow{b}) {
		if d.State == event.StateDead && q.instead(d) == nil {
			return "channel " + d.channel() + " was " + q.deliveryWords(d) + "; whether another channel is told instead is being settled"
		}
	}
	for _, n := range q.nodes {
		if n.RunID == b.RunID && slices.Contains([]string{"ready", "running", "retrying"}, n.State) {
			return "node " + n.Node + " of " + q.pipeline(b) + " is " + n.State
		}
	}
	if u := q.runs[b.RunID]; u != nil && u.FinishedAt != nil { // it ended between two looks, or a moment ago
		return "the run of " + q.pipeline(b) + " is over, and its outcome is about to be booked"
	}
	return "the run of " + q.pipeline(b) + " is not over"
}

// repeatWords name what a repeat was held back for.
func (q *inquiry) repeatWords(b *bookRow) string {
	for _, d := range b.decisions() {
		if d.What == "fold" && d.Result == string(event.ChangeRepeated) {
			return "the alert had ended already, and this says so again"
		}
	}
	// What counts is who knows, then who is to know, then who is not to know on purpose.
	rank := func(d *deliveryRow) int {
		switch {
		case d.State == event.StateDead:
			return 0
		case d.aside():
			return 1
		case d.State == event.StateSuppressed:
			return 2
		case d.State != event.StateDelivered:
			return 3
		default:
			return 4
		}
	}
	var last *deliveryRow
	for _, d := range q.deliveries { // the oldest first
		mine := d.IncidentID == b.IncidentID && !b.IncidentID.IsZero() && d.Kind != "resolved" && !d.CreatedAt.After(at(b.SettledAt, &b.CreatedAt))
		mine = mine && (d.DefinitionID == b.DefinitionID || len(q.routes[d.ID]) > 1)
		if mine && (last == nil || rank(d) >= rank(last)) {
			last = d
		}
	}
	if last == nil {
		return reasonWords(b.Reason)
	}
	words := "the alert repeats a firing that channel " + last.channel() + " "
	switch last.State {
	case event.StateDelivered:
		return words + "was told of at " + q.clock(last.over())
	case event.StatePending, event.StateSending:
		return words + "is about to be told of"
	case event.StateDead:
		return words + "was about to be told of then, and was given up since: " + deadWords(last.Reason)
	default:
		return words + "was not told of on purpose: " + q.heldWords(last)
	}
}
