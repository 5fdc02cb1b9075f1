package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Order of what happens at one moment: the hub does most of it in one transaction.
const (
	rankReceipt = iota
	rankRoute
	rankFold
	rankIncident
	rankNode
	rankPlan
	rankAttempt
	rankTold
	rankRun
	rankLedger
)

// tell puts everything that was found into steps.
func (q *inquiry) tell() {
	q.steps = []WhyStep{}
	q.left = append([]string{}, q.left...)
	q.tellReceipts()
	told := map[said]int{}
	for _, b := range q.rows {
		q.tellRow(b, told)
	}
	q.tellEvents()
	quiet := q.quietRuns()
	for _, u := range q.runs {
		if !quiet[u.ID] {
			q.tellRun(u)
		}
	}
	for _, d := range q.mine(nil) {
		q.tellDelivery(d)
	}
}

func (q *inquiry) add(rank int, s WhyStep) {
	s.rank, s.At = rank, s.At.UTC()
	if s.At.IsZero() {
		s.At = q.now.UTC()
	}
	q.steps = append(q.steps, s)
}

func (q *inquiry) tellReceipts() {
	for _, p := range q.receipts {
		values := map[string]any{"driver": p.Driver, "origin": p.Origin, "alerts": p.N, "trace_id": p.TraceID}
		if p.Truncated > 0 {
			values["left_out_by_sender"] = p.Truncated
		}
		if p.DeliveryKey != nil {
			values["delivery_key"] = *p.DeliveryKey
		}
		if !p.ReprocessOf.IsZero() {
			values["reprocess_of"] = p.ReprocessOf.String()
		}
		why := count(p.N, "alert") + ", read as " + p.Driver
		if p.Reason != "" {
			why += ": " + p.Reason
		}
		q.add(rankReceipt, WhyStep{At: p.ReceivedAt, What: "receipt", Name: q.entry(p), Result: p.Outcome, Why: why, Values: values, Links: WhyLinks{Receipt: p.ID.String()}})
	}
}

// tellRow tells the decisions about one observation on one route.
func (q *inquiry) tellRow(b *bookRow, told map[said]int) {
	p := q.receipts[b.ReceiptID]
	received, folded := b.CreatedAt, b.CreatedAt
	if p != nil {
		received = p.ReceivedAt
		if p.FoldedAt != nil {
			folded = *p.FoldedAt
		}
	}
	links := WhyLinks{Run: b.RunID.String(), Receipt: b.ReceiptID.String(), Incident: b.IncidentID.String()}
	for _, d := range b.decisions() {
		s := WhyStep{At: folded, What: d.What, Name: d.Name, Result: d.Result, Why: d.Why, Values: object(d.Values), Links: links}
		switch d.What {
		case "parse":
			s.At, s.Name = received, q.label(b)
			q.add(rankRoute, s)
		case "route":
			// Which pipelines did not want it is the same for most alerts of a push, and on each route that took it.
			s.At, s.Links = received, WhyLinks{Receipt: links.Receipt}
			q.once(told, rankRoute, s)
		case "fold":
			s.Name, s.Why = q.label(b), foldWords(d)
			q.once(told, rankFold, s)
		case "resolve":
			s.Name, s.Why = q.label(b), "whoever was told of the incident hears of its end"
			q.once(told, rankPlan, s)
		case "channel":
			if !q.told(b.RunID, d.Name) { // the delivery itself says more
				q.once(told, rankPlan, s)
			}
		case "retry", "failed": // told by the node
		case "when":
			if !strings.HasPrefix(d.Why, "false: ") { // told by the node
				q.once(told, rankNode, s)
			}
		default:
			q.once(told, rankNode, s)
		}
	}
	s := WhyStep{
		What: "ledger", Name: q.label(b), Result: b.words(), Why: q.rowWords(b), Links: links, Values: map[string]any{"index": b.Idx, "pipeline": q.pipeline(b)},
	}
	if b.SettledAt != nil {
		s.At = *b.SettledAt
	}
	q.add(rankLedger, s)
}

// said is what tells steps of several alerts of a push apart.
type said struct {
	links                   WhyLinks
	what, name, result, why string
}

// once adds a step unless the same was said of another alert of the push; then that one counts them.
func (q *inquiry) once(told map[said]int, rank int, s WhyStep) {
	key := said{s.Links, s.What, s.Name, s.Result, s.Why}
	at, again := told[key]
	if !again {
		told[key] = len(q.steps)
		q.add(rank, s)
		return
	}
	first := &q.steps[at]
	if first.Values == nil {
		first.Values = map[string]any{}
	}
	n, _ := first.Values["alerts"].(int)
	first.Values["alerts"] = max(n, 1) + 1
}

func (q *inquiry) tellEvents() {
	for _, e := range q.events {
		at := e.CreatedAt
		mine := q.kind == aboutAlert || q.kind == aboutIncident
		for _, p := range q.receipts {
			if p.TraceID == e.TraceID && p.FoldedAt != nil && e.CreatedAt.Equal(p.ReceivedAt) {
				at, mine = *p.FoldedAt, true // events bear the time of the push that caused them
			}
		}
		for _, run := range q.retold.runs(e.IncidentID, e.Seq) {
			mine = mine || q.runs[run] != nil
		}
		if d := q.about(); d != nil {
			mine = d.IncidentID == e.IncidentID && d.EventSeq == e.Seq
		}
		if !mine {
			continue
		}
		why := ""
		if e.Actor != "" {
			why = "by " + e.Actor
		}
		var details map[string]any
		if json.Unmarshal(e.Details, &details) != nil || len(details) == 0 {
			details = map[string]any{}
		}
		for _, name := range []string{"reason", "text", "summary", "why"} {
			if text, ok := details[name].(string); ok && text != "" {
				why = strings.TrimPrefix(why+": "+text, ": ")
			}
		}
		details["seq"] = e.Seq
		q.add(rankIncident, WhyStep{At: at, What: "incident", Result: e.Kind, Why: why, Values: details, Links: WhyLinks{Incident: e.IncidentID.String()}})
	}
}

// quietRuns are runs that ended with the fold, because it found nothing to tell: the ledger says so, and nodes that did nothing say
// no more.
func (q *inquiry) quietRuns() map[id.ID]bool {
	quiet := map[id.ID]bool{}
	for _, b := range q.rows {
		_, seen := quiet[b.RunID]
		settled := b.State == event.StateSuppressed && slices.Contains([]string{event.ReasonDuplicate, event.ReasonNotMaterial, event.ReasonSuperseded}, b.Reason)
		quiet[b.RunID] = settled && (!seen || quiet[b.RunID])
	}
	for _, u := range q.runs {
		if u.State != "succeeded" || u.ID == q.subject.ID {
			quiet[u.ID] = false
		}
	}
	for _, d := range q.deliveries {
		for _, run := range q.routes[d.ID] {
			quiet[run] = false
		}
	}
	return quiet
}

func (q *inquiry) tellRun(u *runRow) {
	links := WhyLinks{Run: u.ID.String(), Receipt: u.ReceiptID.String(), Incident: u.IncidentID.String()}
	q.tellNodes(u, links)
	s := WhyStep{What: "run", Name: fmt.Sprintf("%s v%d", u.DefinitionName, u.DefinitionVersion), Result: u.State, Links: links, Values: map[string]any{}}
	if u.FinishedAt != nil {
		s.At = *u.FinishedAt
	} else {
		s.Why = "it is not over"
	}
	if u.ErrorMessage != "" {
		s.Why = u.ErrorType + ": " + u.ErrorMessage
	}
	if u.EventKind != "" {
		s.Values["event"], s.Values["event_seq"] = u.EventKind, u.EventSeq
	}
	if !u.ParentRunID.IsZero() {
		s.Values["parent_run_id"] = u.ParentRunID.String()
	}
	q.add(rankRun, s)
}

// tellNodes tells the nodes that decided something, and why others did not run: together, when the reason is one.
func (q *inquiry) tellNodes(u *runRow, links WhyLinks) {
	config := q.configs[versionKey{u.DefinitionID, u.DefinitionVersion}]
	idle := map[string]*WhyStep{}
	var order []string
	for _, n := range q.nodes {
		if n.RunID != u.ID {
			continue
		}
		s := WhyStep{At: at(n.FinishedAt, n.StartedAt, u.FinishedAt), What: "node", Name: n.Node, Result: n.State, Links: links, Values: map[string]any{"type": n.Type}}
		passed, due := n.passed()
		switch {
		case n.State == "skipped" && n.Reason == event.ReasonWhen:
			s.Why = "its when is false" + quoted(config[n.Node].When)
		case n.State == "skipped" && strings.HasPrefix(n.Reason, "skip_if"):
			s.Why = "its skip_if says so: " + cmp.Or(config[n.Node].SkipIf, strings.TrimPrefix(n.Reason, "skip_if:"))
		case n.State == "skipped" || n.State == "canceled":
			if idle[n.Reason] == nil {
				s.Why, s.Values = idleWords(n.Reason), nil
				idle[n.Reason] = &s
				order = append(order, n.Reason)
			} else {
				idle[n.Reason].Name += ", " + n.Node
			}
			continue
		case n.State == "failed":
			s.Why = fmt.Sprintf("%s, try %d", strings.TrimPrefix(n.ErrorType+": "+n.Error, ": "), n.Attempt)
		case n.Choice != "":
			s.Result, s.Why = n.Choice, "the condition chose "+n.Choice+quoted(config[n.Node].setting("expression"))
		case passed:
			s.Result, s.Why = "late", "the notification did not wait for it; it ended "+n.State
		case n.State == "retrying" && !due.IsZero():
			s.Why = "next try at " + q.clock(due)
		case n.State == "succeeded":
			s.Why = ""
			if n.Attempt <= 1 {
				continue // it did its work; what came of it is told by what follows
			}
			s.Why = fmt.Sprintf("at try %d", n.Attempt)
		default:
			s.At = time.Time{} // as of now
		}
		q.add(rankNode, s)
	}
	for _, reason := range order {
		q.add(rankNode, *idle[reason])
	}
	for _, t := range q.tries {
		if t.RunID == u.ID && t.Error != "" {
			q.add(rankNode, WhyStep{
				At: t.StartedAt, What: "node", Name: t.Node, Result: "try_failed", Links: links,
				Why:    fmt.Sprintf("try %d: %s", t.Attempt, strings.TrimPrefix(t.ErrorType+": "+t.Error, ": ")),
				Values: map[string]any{"attempt": t.Attempt, "retryable": t.Retryable},
			})
		}
	}
}

// tellDelivery tells how a channel was told, or why it was not.
func (q *inquiry) tellDelivery(d *deliveryRow) {
	links := WhyLinks{Delivery: d.ID.String(), Incident: d.IncidentID.String()}
	if routes := q.routes[d.ID]; len(routes) > 0 {
		links.Run = routes[0].String()
	}
	values := map[string]any{"kind": d.Kind, "severity": d.Severity, "event_seq": d.EventSeq}
	if d.Parts > 1 {
		values["parts"], values["sent"] = d.Parts, d.arrived()
	}
	if o := q.instead(d); o != nil {
		values["instead_id"] = o.ID.String()
	}
	if d.MinSeverity != "" {
		values["min_severity"] = d.MinSeverity
	}
	if d.Cause != "" {
		values["cause"] = d.Cause
	}
	step := WhyStep{What: "channel", Name: d.channel(), Links: links, Values: values}
	tries := q.attempts[d.MessageID]
	if !d.MessageID.IsZero() && !d.aside() {
		planned := step
		planned.At, planned.Result, planned.Why = d.CreatedAt, "to_be_told", kindWords(d.Kind)+": "+d.title()+d.remarked()
		q.add(rankPlan, planned)
	}
	for _, a := range tries {
		v := map[string]any{"try": a.N, "status": a.Status, "latency_ms": float64(a.LatencyUs) / 1000, "verdict": a.Verdict}
		if a.Response != "" {
			v["response"] = a.Response
		}
		q.add(rankAttempt, WhyStep{At: a.At, What: "attempt", Name: d.channel(), Result: a.Verdict, Why: a.words(), Values: v, Links: links})
	}
	words := q.deliveryWords(d) + q.insteadWords(d)
	if d.MessageID.IsZero() || d.aside() {
		words += d.remarked()
	}
	step.Why = words
	switch d.State {
	case event.StateDelivered:
		step.Result, step.At, step.Why = "told", d.over(), strings.TrimPrefix(words, "told ")
	case event.StateSuppressed:
		step.Result, step.At, step.Why = "held_back", d.over(), strings.TrimPrefix(words, "held back: ")
	case event.StateDead:
		step.Result, step.At, step.Why = "given_up", d.over(), strings.TrimLeft(strings.TrimPrefix(words, "given up"), ": ")
	case event.StateSending:
		step.Result = "sending"
	default:
		step.Result = "waiting"
	}
	q.add(rankTold, step)
}

// mine are the deliveries that the answer is about. With rows only those that the runs of these rows caused.
func (q *inquiry) mine(rows []*bookRow) []*deliveryRow {
	if d := q.about(); d != nil {
		return append([]*deliveryRow{d}, q.heirs(d)...)
	}
	if q.kind == aboutIncident && rows == nil {
		return q.deliveries
	}
	runs := map[id.ID]bool{}
	for _, b := range rows {
		runs[b.RunID] = true
		for _, run := range q.afterwards(b) {
			runs[run] = true
		}
	}
	if rows == nil {
		for run := range q.runs {
			runs[run] = true
		}
	}
	var out []*deliveryRow
	for _, d := range q.deliveries {
		mine := rows == nil && q.kind == aboutAlert && d.Kind == "resolved"
		for _, run := range q.routes[d.ID] {
			mine = mine || runs[run]
		}
		if mine {
			out = append(out, d)
		}
	}
	return q.alsoLate(out)
}

// told reports whether a delivery to a channel is known that a run caused or joined.
func (q *inquiry) told(run id.ID, channel string) bool {
	return slices.ContainsFunc(q.deliveries, func(d *deliveryRow) bool {
		return d.ChannelName == channel && slices.Contains(q.routes[d.ID], run)
	})
}

func (b *bookRow) decisions() []event.Decision {
	var out []event.Decision
	if json.Unmarshal(b.Trace, &out) != nil { // of another release: the columns say what became of it
		return nil
	}
	return out
}

// object is what a decision compared, which is an object if it is anything.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
