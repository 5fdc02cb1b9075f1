package texts

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/jinja"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// variables are what templates can ask a notice for (contract 8.4 and more). Each is made when it is asked for.
type variables struct {
	n    *channel.Notice
	most int
}

// Var implements jinja.Vars. docs/templates.md documents each name; a test holds the two together.
func (v *variables) Var(name string) (any, bool) {
	n := v.n
	switch name {
	case "title":
		return line(n.Title), true
	case "message":
		return block(n.Text), true
	case "severity":
		return line(n.Severity), true
	case "channel":
		return line(n.Channel), true
	case "tags":
		return jinja.Plain(n.Tags, line), true
	case "context":
		return v.plainContext(), true
	case "event":
		return line(string(n.Kind)), true
	case "status":
		return line(n.Status), true
	case "source":
		return line(n.Source), true
	case "environment":
		return v.environment(), true
	case "incident_id":
		return line(n.IncidentID), true
	case "incident":
		return incident{v}, true
	case "alerts":
		return v.alerts(), true
	case "labels":
		return jinja.Plain(n.Labels, line), true
	case "links":
		return v.links(), true
	case "url":
		return n.URL, true
	case "started_at":
		return stamp(n.StartedAt), true
	case "ended_at":
		return stamp(n.EndedAt), true
	case "generated_at":
		return stamp(n.At), true
	case "duration_human":
		return v.duration(), true
	case "ingest", "check", "intelligence":
		return jinja.Plain(n.Context[name], block), true
	case "analysis":
		return v.analysis(), true
	case "recommendations":
		return v.recommendations(), true
	case "recommendations_pretty":
		return v.pretty(), true
	case "color":
		return channel.Colour(n.Severity), true
	case "emoji":
		return emoji(n.Severity), true
	case "trace_id":
		return line(n.TraceID), true
	case "run_id":
		return line(n.RunID), true
	default:
		return nil, false
	}
}

// Names lists the variables. A test holds docs/templates.md against it.
func Names() []string {
	return []string{
		"title", "message", "severity", "channel", "tags", "context", "event", "status", "source", "environment", "incident_id", "incident", "alerts", "labels",
		"links", "url", "started_at", "ended_at", "generated_at", "duration_human", "ingest", "check", "intelligence", "analysis", "recommendations",
		"recommendations_pretty", "color", "emoji", "trace_id", "run_id",
	}
}

func (v *variables) plainContext() any {
	if v.n.Context == nil {
		return map[string]any{}
	}
	return jinja.Plain(v.n.Context, block)
}

func (v *variables) environment() string {
	if i := v.n.Incident; i != nil && i.Environment != "" {
		return line(i.Environment)
	}
	s, _ := v.n.Context["environment"].(string)
	return line(s)
}

// incident speaks of the incident itself: its own title, and the severity that it had also when it is resolved.
type incident struct{ v *variables }

var _ jinja.Object = incident{}

// Var implements jinja.Vars.
func (i incident) Var(name string) (any, bool) {
	n, own := i.v.n, i.v.n.Incident
	if own == nil {
		own = &channel.Incident{Title: n.Title, Severity: n.Severity}
	}
	switch name {
	case "title":
		return line(own.Title), true
	case "severity":
		return line(own.Severity), true
	case "description":
		return block(own.Description), true
	case "id":
		return line(n.IncidentID), true
	case "alert_count":
		return int64(len(n.Alerts)), true
	case "cpu_count", "ram_total_bytes", "ram_total_human", "disk_total_bytes", "disk_total_human":
		return i.v.host(name), true
	case "message", "channel", "tags", "context", "incident_id", "source", "environment", "status", "url", "recommendations", "recommendations_pretty",
		"generated_at", "started_at", "ended_at", "duration_human", "ingest", "check", "intelligence":
		return i.v.Var(name)
	default:
		return nil, false
	}
}

// All implements jinja.Object.
func (i incident) All() map[string]any {
	m := map[string]any{}
	for _, name := range IncidentNames() {
		m[name], _ = i.Var(name)
	}
	return m
}

// IncidentNames lists the members of the variable incident.
func IncidentNames() []string {
	return []string{
		"title", "message", "description", "severity", "status", "channel", "tags", "context", "incident_id", "id", "source", "environment", "url", "alert_count",
		"started_at", "ended_at", "duration_human", "generated_at", "ingest", "check", "intelligence", "recommendations", "recommendations_pretty",
		"cpu_count", "ram_total_bytes", "ram_total_human", "disk_total_bytes", "disk_total_human",
	}
}

// mostAlerts of a notice go to templates; alert_count has the number of all.
const mostAlerts = 200

func (v *variables) alerts() []any {
	alerts := v.n.Alerts
	out := make([]any, 0, min(len(alerts), mostAlerts))
	for i := range alerts[:min(len(alerts), mostAlerts)] {
		a := &alerts[i]
		ended := ""
		if a.EndedAt != nil {
			ended = stamp(*a.EndedAt)
		}
		out = append(out, map[string]any{
			"name": line(a.Name), "status": line(string(a.Status)), "severity": line(string(a.Severity)), "description": block(a.Description),
			"source": line(a.Source), "fingerprint": line(a.Fingerprint), "labels": orEmpty(a.Labels, line), "annotations": orEmpty(a.Annotations, block),
			"instance": line(event.Instance(a.Labels)), "started_at": stamp(a.StartedAt), "ended_at": ended,
		})
	}
	return out
}

func orEmpty(m map[string]string, clean func(string) string) any {
	if m == nil {
		return map[string]any{}
	}
	return jinja.Plain(m, clean)
}

func (v *variables) links() map[string]any {
	out := make(map[string]any, len(v.n.Links))
	for _, l := range v.n.Links {
		if _, have := out[l.Name]; !have {
			out[line(l.Name)] = line(l.URL)
		}
	}
	return out
}

// duration is how long it has lasted, or lasted in all: "2 h 5 m".
func (v *variables) duration() string {
	end := v.n.EndedAt
	if end.IsZero() {
		end = v.n.At
	}
	return period.Span(v.n.StartedAt, end)
}

// stamp is a time as JSON has it, in UTC and whole seconds; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// line brings a text onto one line and shows what could hide or reorder text as \uXXXX.
func line(s string) string {
	if strings.ContainsAny(s, "\r\n\t") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return block(s)
}

// block does the same and keeps the lines.
func block(s string) string {
	clean := true
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' || c >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	if !strings.ContainsFunc(s, hides) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case r == '\r':
			b.WriteByte('\n')
		case hides(r):
			b.WriteString(`\u`)
			hex := strconv.FormatInt(int64(r), 16)
			b.WriteString(strings.Repeat("0", max(0, 4-len(hex))) + hex)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hides(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || settings.Hides(r) || r == 0x2028 || r == 0x2029)
}

// emoji is a severity as most chat services write it (contract 8.1).
func emoji(severity string) string {
	switch severity {
	case "critical":
		return ":rotating_light:"
	case "warning":
		return ":warning:"
	case "success":
		return ":white_check_mark:"
	default:
		return ":information_source:"
	}
}
