package ledger

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
)

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}

// clock is a time for a sentence: without the date when that is today's.
func (q *inquiry) clock(t time.Time) string {
	if now := q.now.UTC(); t.UTC().Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.UTC().Format("15:04:05Z")
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// entry is the name of the entry that a receipt came in by.
func (q *inquiry) entry(p *receiptRow) string {
	return cmp.Or(q.sources[p.SourceID], "(deleted entry)")
}

// label is what a person knows an observation by.
func (q *inquiry) label(b *bookRow) string {
	o := q.seen[b.item()]
	if o == nil || o.Name == "" {
		return fmt.Sprintf("item %d", b.Idx)
	}
	return o.Name
}

// pipeline is the name of the route that a ledger row is about, "" when no pipeline took the observation.
func (q *inquiry) pipeline(b *bookRow) string {
	if u := q.runs[b.RunID]; u != nil {
		return u.DefinitionName
	}
	if b.DefinitionID.IsZero() {
		return ""
	}
	return cmp.Or(q.names[b.DefinitionID], "(deleted)")
}

// words is state or state(reason).
func (b *bookRow) words() string {
	if b.Reason == "" {
		return b.State
	}
	return b.State + "(" + b.Reason + ")"
}

// quoted puts an expression behind a sentence.
func quoted(expression string) string {
	if expression == "" {
		return ""
	}
	return ": " + expression
}

func foldWords(d event.Decision) string {
	words := map[string]string{
		string(event.ChangeCreated):    "the hub had not seen this alert",
		string(event.ChangeUpdated):    "it fires already",
		string(event.ChangeResolved):   "it ends the alert",
		string(event.ChangeRefired):    "it fires again",
		string(event.ChangeRepeated):   "it had ended already",
		string(event.ChangeSuperseded): "newer news was folded before it",
		string(event.EventRetold):      "it fires already",
	}[d.Result]
	values := object(d.Values)
	if list, ok := values["changed"].([]any); ok && len(list) > 0 {
		names := make([]string, len(list))
		for i, f := range list {
			names[i] = fmt.Sprint(f)
		}
		words += ", changed: " + strings.Join(names, ", ")
	}
	if d.Why == "" && d.Result == string(event.ChangeUpdated) {
		if m, ok := values["material"].(bool); ok && m {
			return words + ", and that matters"
		}
	}
	if d.Why != "" {
		words = strings.TrimPrefix(words+"; "+d.Why, "; ")
	}
	return words
}

// idleWords say why nodes did not run.
func idleWords(reason string) string {
	switch reason {
	case event.ReasonNotMaterial:
		return "nothing that matters changed"
	case "resolved":
		return "an end is told to whoever was told, not by the pipeline"
	case "not_reached":
		return "no way led to it"
	case event.ReasonRunFailed:
		return "the run had failed before"
	case "deadline":
		return "the run took longer than it may"
	case "":
		return "the run was canceled"
	default:
		return strings.ReplaceAll(reason, "_", " ")
	}
}

func kindWords(kind string) string {
	switch kind {
	case "resolved":
		return "the end"
	case "updated":
		return "the update"
	case "reminder":
		return "the reminder"
	case "acknowledged":
		return "who takes care of it"
	case "test":
		return "a test"
	case "sent":
		return "a message sent by hand"
	default:
		return "the firing"
	}
}

func (a attemptRow) words() string {
	took := (time.Duration(a.LatencyUs) * time.Microsecond).Round(100 * time.Microsecond)
	answer := "no answer"
	if a.Status != 0 {
		answer = fmt.Sprintf("answer %d", a.Status)
	}
	words := fmt.Sprintf("try %d: %s after %s", a.N, answer, took)
	if a.Error != "" {
		words += ", " + a.Error
	}
	return words
}

// deliveryWords say where a delivery stands and why.
func (q *inquiry) deliveryWords(d *deliveryRow) string {
	switch d.State {
	case event.StateDelivered:
		words := "told of " + kindWords(d.Kind) + " at " + q.clock(d.over())
		if d.Attempts > 1 {
			words += fmt.Sprintf(", at try %d", d.Attempts)
		}
		if q.retold.caused(d) {
			words += atTheEnd
		}
		switch d.Cause {
		case "fallback":
			words += q.inPlace(d)
		case causeThrottle:
			words += onceRoom
		case "resend":
			words += ", sent again by hand"
		}
		return words
	case event.StateSuppressed:
		return "held back: " + q.heldWords(d)
	case event.StateDead:
		words := "given up"
		if d.Attempts > 0 {
			words += " after " + tries(d.Attempts)
		}
		words += ": " + deadWords(d.Reason)
		if err := q.lastError(d); err != "" && !strings.HasPrefix(d.Reason, "http_") { // the status says it all
			words += " (" + err + ")"
		}
		return words + d.partWords(words)
	case event.StateSending:
		if d.SendingSince == nil {
			return "on the wire"
		}
		return "on the wire since " + q.clock(*d.SendingSince)
	}
	if first := q.before(d); first != nil {
		return fmt.Sprintf("waits until %s has gone out, which is %s", kindWords(first.Kind), first.State)
	}
	if d.NextAt != nil && d.Attempts > 0 {
		words := tries(d.Attempts) + " failed, the next at " + q.clock(*d.NextAt)
		if d.ChannelUntil != nil && d.ChannelUntil.After(q.now) && d.ChannelUntil.After(*d.NextAt) {
			words = tries(d.Attempts) + " failed, and the channel is left alone until " + q.clock(*d.ChannelUntil)
		}
		if err := q.lastError(d); err != "" {
			words += " (" + err + ")"
		}
		return words + d.partWords(words)
	}
	words := "waits to be sent, until " + q.clock(d.ExpiresAt) + " at most"
	if d.ChannelError != "" {
		words += "; its channel fails (" + d.ChannelError + ")"
	}
	if d.ChannelUntil != nil && d.ChannelUntil.After(q.now) {
		words += ", and is left alone until " + q.clock(*d.ChannelUntil)
	}
	return words
}

func (q *inquiry) lastError(d *deliveryRow) string {
	list := q.attempts[d.MessageID]
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1].Error
}

func tries(n int64) string {
	if n == 1 {
		return "1 try"
	}
	return strconv.FormatInt(n, 10) + " tries"
}

// before is the delivery that one waits for: messages of an incident go to a channel in order.
func (q *inquiry) before(d *deliveryRow) *deliveryRow {
	for _, o := range q.deliveries {
		if o.ID == d.ID {
			return nil
		}
		if o.IncidentID == d.IncidentID && !d.IncidentID.IsZero() && o.ChannelID == d.ChannelID && (o.State == event.StatePending || o.State == event.StateSending) {
			return o
		}
	}
	return nil
}

// heldWords say why a delivery was held back.
func (q *inquiry) heldWords(d *deliveryRow) string {
	var node nodeConfig
	if u := q.runs[d.RunID]; u != nil {
		node = q.configs[versionKey{u.DefinitionID, u.DefinitionVersion}][d.Node]
	}
	switch d.Reason {
	case event.ReasonWhen:
		return "the when of node " + d.Node + " is false" + quoted(node.When)
	case event.ReasonMinSeverity:
		words := "severity " + d.Severity + " is less than "
		var wants []string
		if d.MinSeverity != "" {
			wants = append(wants, "the channel wants, "+d.MinSeverity)
		}
		if s := node.setting("min_severity"); s != "" {
			wants = append(wants, "node "+d.Node+" wants, "+s)
		}
		return words + cmp.Or(strings.Join(wants, ", or "), "was wanted then")
	case event.ReasonResolvedFirst:
		return "it ended before this could be sent"
	default:
		words := reasonWords(d.Reason)
		if d.Detail != "" {
			words += ": " + d.Detail
		}
		return words + q.toldLater(d) + q.roomWords(d)
	}
}

// detailed are the reasons that a delivery explains in a sentence of its own.
var detailed = []string{event.ReasonSilenced, event.ReasonMaintenance, event.ReasonThrottled, event.ReasonUnknown}

func deadWords(reason string) string {
	late, expired := strings.CutPrefix(reason, "expired: ")
	words := map[string]string{
		"channel_gone": "the channel was deleted", "refused_by_receiver": "the receiver refused it", event.ReasonPoison: reasonWords(event.ReasonPoison),
	}[late]
	if status, ok := strings.CutPrefix(late, "http_"); ok {
		words = "the receiver answered " + status
	}
	words = cmp.Or(words, strings.ReplaceAll(late, "_", " "))
	if expired {
		return "the time for tries is over, at last " + words
	}
	return words
}

// reasonWords is a reason of the ledger in words.
func reasonWords(reason string) string {
	words := map[string]string{
		event.ReasonDuplicate:     "it repeats what was told before",
		event.ReasonNotMaterial:   "nothing that matters changed",
		event.ReasonWhen:          "the when of the notify node is false",
		event.ReasonMinSeverity:   "it is less bad than the channel or the node wants to hear",
		event.ReasonSilenced:      "a silence covers it",
		event.ReasonMaintenance:   "a maintenance window covers it",
		event.ReasonChannelOff:    "the channel sends nothing",
		event.ReasonThrottled:     "the channel had as many messages as it takes",
		event.ReasonUnknown:       "it may have arrived already",
		event.ReasonResolvedFirst: "it ended before it could be sent",
		event.ReasonNobodyTold:    "it ended, and nobody had been told that it fired",
		event.ReasonSuperseded:    "newer news of the alert was folded before it",
		event.ReasonNoNotify:      "the pipeline told nobody",
		event.ReasonNoIncident:    "its check asked for an alert without an incident",
		event.ReasonRunFailed:     "the run failed before anything went out",
		event.ReasonDiscarded:     "a pipeline is set to discard it",
		event.ReasonPoison:        "working on it stopped the process again and again",
		event.ReasonBadItem:       "this item of the body could not be used",
		event.ReasonUnusable:      "nothing in the body could be used",
	}[reason]
	return cmp.Or(words, strings.ReplaceAll(reason, "_", " "))
}
