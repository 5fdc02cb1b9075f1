package graph

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
)

// Trigger is a compiled trigger, safe for concurrent use.
type Trigger struct {
	On       []string // what it waits for, of the Trigger… kinds
	Priority int      // lower goes first
	Continue bool     // later definitions may take the observation too
	Discard  bool     // takes the observation and runs nothing
	Schedule *Schedule

	sources []string // nil: all
	events  []string // nil: all
	rules   []rule
	when    *Program
}

type rule struct {
	field, label string
	cmp          *comparison
	want         string
}

// Subject is what a trigger judges: one observation (or one incident event), before it is folded.
type Subject struct {
	On       string // one of the Trigger… kinds
	Entry    string // name of the source entry
	Source   string // the alert's source text; "" takes the observation's own
	Origin   string // incoming_webhook, checker_generated, manual …
	Alert    event.Observation
	Event    string         // for TriggerIncident: opened, updated, acknowledged, resolved
	Incident map[string]any // for TriggerIncident
	Now      time.Time
	vars     Vars
}

// Miss says why a trigger did not take a subject. The zero Miss means that it did.
type Miss struct {
	What string // on, sources, events, match or when
	Got  string
	Want string
	Err  error // of the expression: a run-time error is no match
}

// Reason is one line for the decision trace.
func (m Miss) Reason() string {
	switch {
	case m.What == "":
		return ""
	case m.Err != nil:
		return m.What + " could not be evaluated, so it does not match: " + m.Err.Error()
	case m.What == "when":
		return "when is false: " + m.Want
	default:
		return fmt.Sprintf("%s is %q, wanted %s", m.What, clip(m.Got), m.Want)
	}
}

func compileTrigger(def *TriggerDef) (*Trigger, error) {
	t := &Trigger{On: def.Kinds(), Priority: DefaultPriority}
	if def == nil {
		return t, nil
	}
	if def.Priority != nil {
		t.Priority = *def.Priority
	}
	t.Continue, t.Discard = def.Continue, def.Discard
	if !slices.Contains(def.Sources, "*") {
		t.sources = def.Sources
	}
	t.events = def.Events
	for _, m := range def.Match {
		cmp, err := compileComparison(m.Op, m.Value, matchOps)
		if err != nil {
			return nil, fmt.Errorf("match on %s: %s", m.Field, err.message)
		}
		r := rule{field: m.Field, cmp: cmp, want: m.Op + " " + fmt.Sprint(plain(m.Value))}
		r.label, _ = labelField(m.Field)
		t.rules = append(t.rules, r)
	}
	var err error
	if t.when, err = compileOptional(def.When); err != nil {
		return nil, err
	}
	if t.WaitsFor(TriggerSchedule) {
		if t.Schedule, err = ParseSchedule(def.Cron, def.Timezone); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// WaitsFor reports whether the trigger waits for this kind.
func (t *Trigger) WaitsFor(kind string) bool { return slices.Contains(t.On, kind) }

// Match reports whether the trigger takes the subject, and if not, why. An expression that fails is no match.
func (t *Trigger) Match(ctx context.Context, s *Subject) (bool, Miss) {
	if !t.WaitsFor(s.On) {
		return false, Miss{What: "on", Got: s.On, Want: strings.Join(t.On, " or ")}
	}
	if t.sources != nil && !slices.Contains(t.sources, s.Entry) {
		return false, Miss{What: "source entry", Got: s.Entry, Want: "one of " + quoteAll(t.sources)}
	}
	if t.events != nil && !slices.Contains(t.events, s.Event) {
		return false, Miss{What: "event", Got: s.Event, Want: "one of " + quoteAll(t.events)}
	}
	for i := range t.rules {
		r := &t.rules[i]
		if got := s.field(r.field, r.label); !r.cmp.text(got) {
			return false, Miss{What: r.field, Got: got, Want: r.want}
		}
	}
	if t.when == nil {
		return true, Miss{}
	}
	yes, err := t.when.Bool(ctx, s.Vars())
	switch {
	case err != nil:
		return false, Miss{What: "when", Want: t.when.source, Err: err}
	case !yes:
		return false, Miss{What: "when", Want: t.when.source}
	}
	return true, Miss{}
}

func (s *Subject) field(field, label string) string {
	if label != "" {
		return s.Alert.Labels[label]
	}
	switch field {
	case "source":
		return s.source()
	case "entry":
		return s.Entry
	case "severity":
		return string(s.severity())
	case "status":
		return string(s.Alert.Status)
	case "instance":
		return event.Instance(s.Alert.Labels)
	case "origin":
		return s.Origin
	case "name":
		return s.name()
	default:
		return ""
	}
}

func (s *Subject) source() string {
	if s.Source != "" {
		return s.Source
	}
	return s.Alert.Source
}

// severity is warning when the sender gave none, as a first sight would store it.
func (s *Subject) severity() event.Severity {
	if s.Alert.Severity == "" {
		return event.SeverityWarning
	}
	return s.Alert.Severity
}

func (s *Subject) name() string {
	if strings.TrimSpace(s.Alert.Name) == "" {
		return event.FallbackName
	}
	return s.Alert.Name
}

// Vars returns the variables of trigger expressions, made once per subject.
func (s *Subject) Vars() Vars {
	if s.vars != nil {
		return s.vars
	}
	labels := texts(s.Alert.Labels)
	s.vars = Vars{
		"alert": map[string]any{
			"name": s.name(), "status": string(s.Alert.Status), "severity": string(s.severity()), "source": s.source(),
			"description": s.Alert.Description, "fingerprint": s.Alert.Fingerprint, "labels": labels,
			"annotations": texts(s.Alert.Annotations), "started_at": s.Alert.StartedAt, "ended_at": s.Alert.EndedAt,
		},
		"labels": labels, "severity": string(s.severity()), "status": string(s.Alert.Status), "source": s.source(),
		"entry": s.Entry, "origin": s.Origin, "instance": event.Instance(s.Alert.Labels), "name": s.name(), "now": s.Now,
	}
	if s.Incident != nil {
		s.vars["incident"], s.vars["event"] = s.Incident, s.Event
	}
	return s.vars
}

// texts makes a map in which a missing key is nil, so that ?? works on it.
func texts(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
