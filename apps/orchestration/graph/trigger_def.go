package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/incidenthub/incidenthub/internal/platform/near"
)

// TriggerDef is the trigger as written.
type TriggerDef struct {
	On       IDs        `json:"on,omitempty" jsonschema:"description=What starts a run\\, one word or a list. schedule\\, incident and manual stand alone."`
	Sources  []string   `json:"sources,omitempty" jsonschema:"description=Names of source entries. * means all."`
	Events   IDs        `json:"events,omitempty" jsonschema:"description=For on incident: opened\\, updated\\, acknowledged\\, resolved. Default all."`
	Match    []MatchDef `json:"match,omitempty" jsonschema:"description=All must hold."`
	When     string     `json:"when,omitempty" jsonschema:"description=Expression over alert\\, labels\\, severity\\, status\\, source\\, entry\\, origin\\, instance\\, name\\, now."`
	Priority *int       `json:"priority,omitempty" jsonschema:"description=Lower goes first.,default=100"`
	Continue bool       `json:"continue,omitempty" jsonschema:"description=Let later pipelines have the alert too.,default=false"`
	Discard  bool       `json:"discard,omitempty" jsonschema:"description=Take the alert and run nothing.,default=false"`
	Cron     string     `json:"cron,omitempty" jsonschema:"description=For on schedule: minute hour day month weekday\\, or @hourly\\, @every 5m …"`
	Timezone string     `json:"timezone,omitempty" jsonschema:"description=For on schedule: IANA name\\, e.g. Europe/Berlin. Default UTC."`
}

// MatchDef is one comparison of a trigger.
type MatchDef struct {
	Field string `json:"field" jsonschema:"description=source\\, entry\\, severity\\, status\\, instance\\, origin\\, name\\, or label:<key>."`
	Op    string `json:"op" jsonschema:"enum=is,enum=is-not,enum=in,enum=not-in,enum=matches,enum=not-matches"`
	Value any    `json:"value"`
}

// What a trigger can wait for.
const (
	TriggerWebhook  = "webhook"
	TriggerCheck    = "check"
	TriggerMonitor  = "monitor"
	TriggerWorkload = "workload"
	TriggerSchedule = "schedule"
	TriggerIncident = "incident"
	TriggerManual   = "manual"
)

func triggerKinds() []string {
	return []string{TriggerWebhook, TriggerCheck, TriggerMonitor, TriggerWorkload, TriggerSchedule, TriggerIncident, TriggerManual}
}

// loneKinds are those that cannot be one of several: what starts such a run is no alert on its way in.
func loneKinds() []string { return []string{TriggerSchedule, TriggerIncident, TriggerManual} }

// Kinds are what the trigger waits for, each once; a trigger that says nothing waits for webhooks.
func (t *TriggerDef) Kinds() []string {
	if t == nil || len(t.On) == 0 || len(t.On) == 1 && t.On[0] == "" {
		return []string{TriggerWebhook}
	}
	out := make([]string, 0, len(t.On))
	for _, on := range t.On {
		if !slices.Contains(out, on) {
			out = append(out, on)
		}
	}
	return out
}

// WaitsFor reports whether the trigger waits for this kind.
func (t *TriggerDef) WaitsFor(kind string) bool { return slices.Contains(t.Kinds(), kind) }

func incidentEvents() []string { return []string{"opened", "updated", "acknowledged", "resolved"} }

func matchFields() []string {
	return []string{"source", "entry", "severity", "status", "instance", "origin", "name"}
}

// matchWords are the only values that a field can have, nil for fields that can have any.
func matchWords(field string) []string {
	return map[string][]string{"severity": {"critical", "warning", "info"}, "status": {"firing", "resolved"}}[field]
}

// labelField returns the label key of a field written as label:<key>, labels.<key> or label.<key>.
func labelField(field string) (string, bool) {
	for _, prefix := range []string{"label:", "labels.", "labels:", "label."} {
		if key, ok := strings.CutPrefix(field, prefix); ok && key != "" {
			return key, true
		}
	}
	return "", false
}

func (c *checker) trigger() {
	t := c.def.Trigger
	if t == nil {
		return
	}
	c.triggerOn(t)
	carries := !t.WaitsFor(TriggerSchedule) && !t.WaitsFor(TriggerManual) // whether there is anything to match
	c.triggerKeys(t, carries)
	for i := range t.Match {
		c.match(joinIndex("/trigger/match", i), &t.Match[i])
	}
	if t.When != "" && carries {
		c.triggerExpression("/trigger/when", t, t.When)
	}
	if t.Discard && t.Continue {
		c.add(warningAt("/trigger/continue", "discard takes the alert, but continue lets later pipelines have it again", "remove one of them"))
	}
	if t.Discard && len(c.def.Nodes) > 0 {
		c.add(warningAt("/trigger/discard", "a discarding route runs none of its nodes", "remove the nodes or discard"))
	}
	if t.WaitsFor(TriggerSchedule) {
		if t.Cron == "" {
			c.add(problemAt("/trigger/cron", `"cron" is missing`, `e.g. "*/5 * * * *" for every five minutes`))
		} else if _, err := ParseSchedule(t.Cron, t.Timezone); err != nil {
			at := "/trigger/cron"
			if errors.Is(err, errTimezone) {
				at = "/trigger/timezone"
			}
			c.add(problemAt(at, err.Error(), ""))
		}
	}
}

// triggerOn checks what a trigger waits for.
func (c *checker) triggerOn(t *TriggerDef) {
	if t.On != nil && len(t.On) == 0 {
		c.add(problemAt("/trigger/on", "an empty list waits for nothing", `write "webhook", or leave it out`))
	}
	for i, on := range t.On {
		if len(t.On) == 1 && on == "" {
			continue // as if left out
		}
		at := "/trigger/on"
		if len(t.On) > 1 {
			at = joinIndex(at, i)
		}
		switch {
		case !slices.Contains(triggerKinds(), on):
			c.add(problemAt(at, "unknown trigger "+quoteAll([]string{on}), didYouMean(on, triggerKinds())))
		case slices.Contains(t.On[:i], on):
			c.add(warningAt(at, quoteAll([]string{on})+" is there twice", "remove one of them"))
		case len(t.Kinds()) > 1 && on == TriggerManual:
			c.add(problemAt(at, quoteAll([]string{on})+" cannot be one of several", "remove it: every active pipeline can be started by hand"))
		case len(t.Kinds()) > 1 && slices.Contains(loneKinds(), on):
			c.add(problemAt(at, quoteAll([]string{on})+" cannot be one of several", "make a pipeline of its own for it"))
		}
	}
}

// triggerKeys reports keys that this kind of trigger has no use for.
func (c *checker) triggerKeys(t *TriggerDef, carries bool) {
	on := strings.Join(t.Kinds(), ", ")
	useless := func(given bool, key, belongs string) {
		if given {
			c.add(problemAt("/trigger/"+key, fmt.Sprintf("%q has no meaning for a trigger on %s", key, on), belongs))
		}
	}
	useless(!t.WaitsFor(TriggerSchedule) && t.Cron != "", "cron", `it belongs to "on": "schedule"`)
	useless(!t.WaitsFor(TriggerSchedule) && t.Timezone != "", "timezone", `it belongs to "on": "schedule"`)
	useless(!t.WaitsFor(TriggerIncident) && len(t.Events) > 0, "events", `it belongs to "on": "incident"`)
	useless(!carries && len(t.Sources) > 0, "sources", "nothing arrives from a source here")
	useless(!carries && len(t.Match) > 0, "match", "there is no alert to look at")
	useless(!carries && t.When != "", "when", "there is no alert to look at")
	useless(!carries && t.Discard, "discard", "there is no alert to take")
	useless(!carries && t.Continue, "continue", "there is no alert to hand on")
	for _, p := range unknownNames("/trigger/events", "event", t.Events, incidentEvents(), SeverityError, "") {
		c.add(p)
	}
	if t.Sources != nil && len(t.Sources) == 0 {
		c.add(problemAt("/trigger/sources", "an empty list matches no source", `write ["*"] for all, or leave it out`))
	}
	for i, s := range t.Sources {
		if s == "" {
			c.add(problemAt(joinIndex("/trigger/sources", i), "the source name is empty", ""))
		}
	}
}

func (c *checker) match(at string, m *MatchDef) {
	_, isLabel := labelField(m.Field)
	switch {
	case m.Field == "":
		c.add(problemAt(at+"/field", `"field" is missing`, "available: "+quoteAll(append(matchFields(), "label:<key>"))))
	case !isLabel && slices.Contains([]string{"incident", "nodes", "run"}, strings.SplitN(m.Field, ".", 2)[0]):
		c.add(problemAt(at+"/field", quoteAll([]string{m.Field})+" is not available in a trigger: routing comes before anything has run", "use it in the when of a node"))
	case !isLabel && !slices.Contains(matchFields(), m.Field):
		c.add(problemAt(at+"/field", "unknown field "+quoteAll([]string{m.Field}), matchFieldHint(m.Field)))
	}
	cmp, err := compileComparison(m.Op, m.Value, matchOps)
	if err != nil {
		c.add(err.at(at))
		return
	}
	words := matchWords(m.Field)
	if words == nil || cmp.re != nil {
		return
	}
	for _, word := range cmp.words {
		if !slices.Contains(words, word) {
			c.add(problemAt(at+"/value", fmt.Sprintf("no alert has the %s %s", m.Field, quoteAll([]string{word})), didYouMean(word, words)))
		}
	}
}

func matchFieldHint(field string) string {
	if meant := near.Word(field, matchFields()); meant != "" {
		return "did you mean " + quoteAll([]string{meant}) + "?"
	}
	return "for a label write " + quoteAll([]string{"label:" + clip(field)})
}

// minPeriod is the shortest time between two firings of a schedule.
const minPeriod = 10 * time.Second

// anyHour is the parser's mark of a field that is *.
const anyHour = 1 << 63

var errTimezone = errors.New("unknown time zone")

// Schedule says when a schedule trigger fires. Its times depend on nothing but the clock: whoever asks finds the same ones.
type Schedule struct {
	spec  cron.Schedule
	zone  *time.Location
	every time.Duration // set: at multiples of it
	fixed bool          // the hours are named, so that a day has each once
}

// Next returns the first firing after t, in UTC. A local time that the start of summer time leaves out is not fired at; one that its end
// brings twice is fired at the first time, unless the schedule goes through all hours.
func (s *Schedule) Next(t time.Time) time.Time {
	if s.every > 0 {
		return t.UTC().Truncate(s.every).Add(s.every)
	}
	for {
		t = s.spec.Next(t.In(s.zone))
		if t.IsZero() || !s.fixed || !again(t) {
			return t.UTC()
		}
	}
}

// Last returns the last firing after one time and up to another, zero when there is none.
func (s *Schedule) Last(after, until time.Time) (last time.Time) {
	if s.every > 0 {
		if last = until.UTC().Truncate(s.every); !last.After(after) {
			return time.Time{}
		}
		return last
	}
	for next := s.Next(after); !next.IsZero() && !next.After(until); next = s.Next(next) {
		last = next
	}
	return last
}

// again reports whether clocks showed the same local time once before, not long ago.
func again(t time.Time) bool {
	_, now := t.Zone()
	_, before := t.Add(-3 * time.Hour).Zone()
	if before <= now {
		return false
	}
	_, then := t.Add(-time.Duration(before-now) * time.Second).Zone()
	return then == before
}

// ParseSchedule reads a cron line of five fields or a descriptor (@hourly, @every 5m) in a time zone ("" is UTC).
func ParseSchedule(line, zone string) (s *Schedule, err error) {
	defer func() { // the parser panics on some prefixes
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("bad cron line %s", quoteAll([]string{line}))
		}
	}()
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return nil, fmt.Errorf("%w %s", errTimezone, quoteAll([]string{zone}))
	}
	if strings.Contains(line, "TZ=") {
		return nil, errors.New(`the time zone belongs into "timezone", not into the cron line`)
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	spec, err := parser.Parse(line)
	if err != nil {
		return nil, fmt.Errorf("bad cron line %s: %w", quoteAll([]string{line}), err)
	}
	if every, ok := spec.(cron.ConstantDelaySchedule); ok {
		if every.Delay < minPeriod {
			return nil, fmt.Errorf("the schedule fires more often than every %s", minPeriod)
		}
		return &Schedule{spec: spec, zone: location, every: every.Delay}, nil
	}
	if spec.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("the cron line %s never fires", quoteAll([]string{line}))
	}
	fields, ok := spec.(*cron.SpecSchedule)
	return &Schedule{spec: spec, zone: location, fixed: ok && fields.Hour&anyHour == 0}, nil
}
