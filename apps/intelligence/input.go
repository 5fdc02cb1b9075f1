package intelligence

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/providers"
)

// ErrBadInput is wrapped by errors about what a caller gave.
var ErrBadInput = errors.New("the incident cannot be read")

// maxListed bounds what is taken of one list of an input; what is analysed is far less.
const maxListed = 1000

// ReadInput reads an incident with its evidence, plain or wrapped in {"incident": {…}}. Keys that it does not know and values of a
// wrong type are left out; the order of lists is kept.
func ReadInput(body []byte) (*providers.Incident, providers.Evidence, error) {
	var ev providers.Evidence
	o, err := doc.Decode(body, doc.Limits{})
	if err != nil {
		return nil, ev, fmt.Errorf("%w: %w", ErrBadInput, err)
	}
	if inner, ok := o.Obj("incident"); ok {
		o = inner
	}
	in := &providers.Incident{
		ID: o.Str("id"), Title: o.Str("title"), Description: o.Get("description").Text(), Severity: o.Str("severity"), Status: o.Str("status"),
		Labels: texts(o.Get("labels")), StartedAt: when(o.Str("started_at")), Metadata: object(o.Get("metadata")),
	}
	each(o, "alerts", func(a doc.Object) {
		ev.Alerts = append(ev.Alerts, providers.Alert{
			Name: a.First("name", "alert_name", "title"), Description: a.Get("description").Text(), Severity: a.Str("severity"), Status: a.Str("status"),
			Labels: texts(a.Get("labels")), StartedAt: when(a.Str("started_at")), Count: 1,
		})
	})
	each(o, "checks", func(c doc.Object) {
		ev.Checks = append(ev.Checks, providers.Check{
			Name: c.First("checker_name", "checker", "name"), Status: statusWord(c.Str("status")), Message: c.Str("message"), Metrics: object(c.Get("metrics")),
			Host: c.Str("hostname"),
		})
	})
	each(o, "history", func(h doc.Object) {
		ev.History = append(ev.History, providers.Past{
			IncidentID: h.First("incident_id", "id"), Title: h.Str("title"), Summary: h.Get("summary").Text(), ResolvedAt: when(h.Str("resolved_at")),
		})
	})
	each(o, "changes", func(c doc.Object) {
		ev.Changes = append(ev.Changes, providers.Change{
			Title: c.Str("title"), Kind: c.Str("kind"), Service: c.Str("service"), Labels: texts(c.Get("labels")), At: when(c.Str("at")), URL: c.Str("url"),
			Author: c.Str("author"),
		})
	})
	return in, ev, nil
}

func each(o doc.Object, key string, fn func(doc.Object)) {
	list, _ := o.List(key)
	for _, v := range list[:min(len(list), maxListed)] {
		if item, ok := v.Obj(); ok {
			fn(item)
		}
	}
}

// statusWord is a check's status; what is no status could not be found out.
func statusWord(s string) string {
	switch s {
	case "ok", "warning", "critical":
		return s
	default:
		return "unknown"
	}
}

func texts(v doc.Value) map[string]string {
	o, _ := v.Obj()
	out := map[string]string{}
	for k, v := range o.All() {
		if len(out) == maxListed {
			break
		}
		out[k] = v.Text()
	}
	return out
}

func object(v doc.Value) map[string]any {
	if v.Kind() != doc.KindObject {
		return nil
	}
	var out map[string]any
	if json.Unmarshal([]byte(v.Text()), &out) != nil {
		return nil
	}
	return out
}

func when(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
