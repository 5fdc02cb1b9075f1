package generic

import (
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Where a sender may have put the name, folded as shape.Fields folds them, best first: what is a name, then what the alert is
// about, then texts, which are only good for their first line and change with the state.
var (
	names = [...]string{
		"name", "alertname", "title", "labelsalertname", "rulename", "alertrule", "checkname", "monitorname", "monitorfriendlyname",
		"alarmname", "conditionname", "policyname", "eventdefinitiontitle", "checkmetadataname", "eventname", "problemtitle", "problem", "headline",
		"summary", "subject", "annotationssummary", "endpointname", "endpoint", "service", "servicename", "resourcename", "job",
		"message", "msg", "text", "description", "details", "body", "log", "logs", "info", "annotationsdescription",
	}
	texts = map[string]bool{
		"summary": true, "annotationssummary": true, "message": true, "msg": true, "text": true, "description": true, "details": true,
		"body": true, "log": true, "logs": true, "info": true, "annotationsdescription": true,
	}
)

// wrappers are members inside which senders put the whole alert.
var wrappers = [...]string{
	"alert", "incident", "event", "issue", "data", "payload", "problem", "alarm", "detail", "essentials", "notification", "alert_group", "item", "stream",
}

// maxWraps is how deeply an alert may be wrapped: Azure has data.essentials, Sentry data.issue.
const maxWraps = 3

// subject finds the object that describes the alert: the body, or the first object inside a wrapper that has a name.
func subject(o doc.Object) (shape.Fields, bool) {
	f := shape.NewFields(nil, o)
	if f.Str(names[:]...) != "" {
		return f, true
	}
	inner, ok := unwrap(o, maxWraps)
	if !ok {
		return f, false
	}
	return inner.Over(f), true
}

func unwrap(o doc.Object, depth int) (shape.Fields, bool) {
	if depth == 0 {
		return shape.Fields{}, false
	}
	for _, w := range wrappers {
		inner, ok := o.Obj(w)
		if !ok {
			continue
		}
		if f := shape.NewFields(nil, inner); f.Str(names[:]...) != "" {
			return f, true
		}
		if f, ok := unwrap(inner, depth-1); ok {
			return f, true
		}
	}
	return shape.Fields{}, false
}

// name returns the first name there is; of a text the first line.
func name(f shape.Fields) string {
	for _, n := range names {
		if s := f.Str(n); s != "" {
			if texts[n] {
				return shape.FirstLine(s)
			}
			return s
		}
	}
	return ""
}
