package generic

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
)

// stateFields hold the state, in the order in which they are believed. The first with a known word decides.
var stateFields = [...]string{
	"status", "state", "alertstatus", "alertstate", "eventstatus", "currentstate", "newstatevalue", "statevalue", "monitorcondition",
	"xs4status", "alertaction", "eventaction", "alerttypefriendlyname", "checkstate", "problemstate", "problemstatus", "action", "alerttype",
}

// state is what the sender said of it, and the word.
type state struct {
	status  event.Status
	passive bool // an acknowledgement
	word    string
}

// stated finds the state, or reports that none is told; it then is firing.
func stated(f shape.Fields) (state, bool) {
	for _, b := range [...]string{"resolved", "isresolved"} {
		switch strings.ToLower(f.Str(b)) {
		case "true":
			return state{status: event.StatusResolved}, true
		case "false":
			return state{status: event.StatusFiring}, true
		}
	}
	for _, w := range f.Each(stateFields[:]...) {
		if s, known := shape.State(w); known {
			return state{s, shape.Acknowledges(w), w}, true
		}
	}
	switch f.Str("heartbeatstatus") { // Uptime Kuma: down, up
	case "0":
		return state{status: event.StatusFiring}, true
	case "1":
		return state{status: event.StatusResolved}, true
	}
	if w := f.Str(levelFields[:]...); w != "" { // no state, and a level that says it is over
		if s, known := shape.State(w); known && s == event.StatusResolved {
			return state{status: s}, true
		}
	}
	if _, w, _ := shape.Title(f.Str("title", "subject")); w != "" {
		if s, known := shape.State(w); known {
			return state{status: s}, true
		}
	}
	return state{status: event.StatusFiring}, false
}

// levelFields hold the level, in the order in which they are believed.
var levelFields = [...]string{
	"severity", "alertseverity", "labelsseverity", "eventseverity", "priority", "alertpriority", "level", "loglevel", "criticality", "urgency",
	"importance", "importancelevel", "problemseverity",
}

// severity is that of the first field with a known level. If none has one, an unknown word is a warning; without any word, a
// state such as "critical" is taken for the level too.
func severity(f shape.Fields, s state) event.Severity {
	words := f.Each(levelFields[:]...)
	if f.Str("monitorcondition") != "" {
		return azure(f.Str("severity"))
	}
	for _, w := range words {
		if level, known := shape.Level(w); known {
			return level
		}
	}
	switch {
	case s.status == event.StatusResolved:
		return ""
	case len(words) > 0:
		return event.SeverityWarning
	default:
		level, _ := event.LookupSeverity(s.word)
		return level
	}
}

// azure maps the levels of Azure Monitor's common alert schema: critical, error, warning, informational, verbose.
func azure(sev string) event.Severity {
	switch strings.ToLower(sev) {
	case "sev0", "sev1":
		return event.SeverityCritical
	case "sev3", "sev4":
		return event.SeverityInfo
	default:
		return event.ParseSeverity(sev)
	}
}
