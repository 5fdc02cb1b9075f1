package zabbix

import (
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// macroFields hold what Zabbix itself says of the state; one that says it is over is enough. wordFields hold words that a template or
// a script chose, in the order in which they are believed.
var (
	macroFields = [...]string{"eventvalue", "eventstatus", "triggerstatus", "triggervalue"}
	wordFields  = [...]string{"status", "problemstatus", "zabbixaction", "state", "eventstate", "action"}
)

// recoveryDates are filled in by Zabbix only when a problem is over.
var recoveryDates = [...]string{"eventrecoverydatetime", "eventrecoverydate", "eventrecoverytime", "eventrdate", "recoverydate", "recoverytime"}

// status reads the fields with a word or number of a state. A recovery date or a subject decides only where there is no such field, for
// templates send the date along empty or with something else in it.
func status(f shape.Fields) event.Status {
	macros, words := f.Each(macroFields[:]...), f.Each(wordFields[:]...)
	found := event.Status("")
	for _, w := range macros {
		if s, known := state(w); known && found != event.StatusResolved {
			found = s
		}
	}
	for _, w := range words {
		if s, known := state(w); known && found == "" {
			found = s
		}
	}
	if found == "" && len(macros)+len(words) == 0 {
		if f.Str(recoveryDates[:]...) != "" {
			return event.StatusResolved
		}
		word, _ := subject(f)
		found, _ = state(word)
	}
	if found == "" {
		return event.StatusFiring
	}
	return found
}

func state(word string) (s event.Status, known bool) {
	switch strings.ToLower(word) {
	case "0", "恢复", "已恢复", "正常", "已解决":
		return event.StatusResolved, true
	case "1":
		return event.StatusFiring, true
	default:
		return shape.State(word)
	}
}

// severity is that of the first field with a level that Zabbix knows; localised words leave it to the number.
func severity(f shape.Fields) event.Severity {
	words := f.Each("triggerseverity", "eventseverity", "severity", "triggerseveritytext", "problemseverity", "eventnseverity",
		"triggernseverity", "nseverity", "priority", "triggerpriority")
	for _, w := range words {
		switch strings.ToLower(w) {
		case "5", "4":
			return event.SeverityCritical
		case "3", "2":
			return event.SeverityWarning
		case "1", "0", "not classified":
			return event.SeverityInfo
		}
		if s, known := event.LookupSeverity(w); known {
			return s
		}
	}
	if len(words) > 0 {
		return event.SeverityWarning
	}
	return ""
}

// isUpdate reports whether an operator did something to the problem (a comment, an acknowledgement), which starts nothing.
func isUpdate(f shape.Fields) bool {
	return f.Str("eventupdatestatus") == "1" || strings.EqualFold(f.Str("zabbixaction", "action"), "update") ||
		f.Str("eventupdateaction", "updateaction") != ""
}

// setTimes reads the problem's own times; a bare timestamp is that of the message, thus of whatever it tells. Zabbix sends the
// server's local time without a zone: it is taken as UTC.
func setTimes(obs *event.Observation, f shape.Fields) {
	obs.StartedAt = f.Time("eventdatetime", "eventtimestamp", "eventstarttime", "problemstarttime", "starttime")
	if obs.StartedAt.IsZero() {
		obs.StartedAt = dateAndTime(f, "eventdate", "eventtime")
	}
	sent := f.Time("timestamp", "occurtime")
	if obs.Status != event.StatusResolved {
		if obs.StartedAt.IsZero() && !obs.Passive {
			obs.StartedAt = sent
		}
		return
	}
	obs.EndedAt = f.Time("eventrecoverydatetime", "eventrecoverytimestamp", "recoverydatetime", "recoverytimestamp")
	for _, pair := range [...][2]string{{"eventrecoverydate", "eventrecoverytime"}, {"eventrdate", "eventrtime"}, {"recoverydate", "recoverytime"}} {
		if obs.EndedAt.IsZero() {
			obs.EndedAt = dateAndTime(f, pair[0], pair[1])
		}
	}
	if obs.EndedAt.IsZero() {
		obs.EndedAt = sent
	}
}

// dateAndTime joins a date and a time of day. The second alone may be a whole time as well.
func dateAndTime(f shape.Fields, date, clock string) time.Time {
	if d, c := f.Str(date), f.Str(clock); d != "" && c != "" {
		return doc.ParseTime(d + " " + c)
	}
	return f.Time(date, clock)
}
