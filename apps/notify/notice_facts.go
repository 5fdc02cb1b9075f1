package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

// facts are what the texts are made of. The exported fields are for the templates, each a line that is clean already.
type facts struct {
	Subject, Severity, SEVERITY, Event string
	Description, Status, Where, Source string
	Since, Ended, Duration, Labels     string
	Alerts                             []string
	Count                              string // "3 firing, 1 resolved"
	More                               int    // alerts that are not listed
	Links                              []namedLink
	Ingest                             string
	Checks                             *checkFacts
	Analysis                           *analysisFacts
	Nothing                            bool
	Channel, By, At                    string
	Summary                            string // what the person wrote who ended it
	Still                              string // what fires all the same

	left    int    // characters of texts that are too long
	text    string // which text tells it
	source  string
	url     string
	started time.Time
	common  map[string]string
	links   []channel.Link
}

func gather(in *NoticeInput) *facts {
	f := &facts{Event: in.Event, Channel: line(in.Channel, maxValue), By: line(in.By, maxValue), At: stamp(in.At), text: string(in.Kind), common: commonLabels(in.Alerts)}
	f.source = sourceOf(in)
	f.Source = line(f.source, maxValue)
	f.Checks = readChecks(in.Outputs["check"])
	f.Analysis = readAnalysis(in.Outputs["intelligence"])
	f.url, f.links = linksOf(in)
	f.Links = nameLinks(f.links)
	switch {
	case in.Kind == channel.KindTest:
		f.Severity, f.Since = string(event.SeverityInfo), stamp(in.At)
	case in.Kind == channel.KindSent:
		f.sent(in)
	case in.Incident != nil:
		f.incident(in)
	default:
		f.run(in)
	}
	f.SEVERITY = strings.ToUpper(f.Severity)
	return f
}

func (f *facts) incident(in *NoticeInput) {
	i := in.Incident
	f.Subject = f.line(i.Title, maxTitle)
	if f.Subject == "" {
		f.Subject = event.FallbackName
	}
	f.Severity = line(string(i.Severity), maxValue)
	f.Status = line(i.Status, maxValue)
	f.Description = f.block(firstOf(i.Description, describe(in.Alerts)), i)
	if f.Description == f.Subject {
		f.Description = ""
	}
	f.Where = instances(in.Alerts)
	f.Labels = labelLine(f.common, f.Where)
	if len(in.Alerts) > 1 || in.Kind == channel.KindUpdated {
		f.listAlerts(in.Alerts)
	}
	f.started = i.StartedAt
	f.Since = stamp(i.StartedAt)
	if in.Kind == channel.KindResolved {
		end := i.ResolvedAt
		if end.IsZero() {
			end = in.At
		}
		f.Ended, f.Duration = stamp(end), period.Span(i.StartedAt, end)
		f.Still = stillFiring(in.Alerts)
		if f.By != "" {
			f.Summary = f.block(i.Summary, i)
		}
	} else if d := period.Span(i.StartedAt, in.At); d != "" && f.Since != "" {
		f.Since += " (" + d + ")"
	}
}

// sent fills in what a caller wrote: nothing is left out of it.
func (f *facts) sent(in *NoticeInput) {
	f.Severity = string(event.SeverityInfo)
	if i := in.Incident; i != nil {
		f.Subject = f.line(i.Title, maxTitle)
		f.Severity = line(firstOf(string(i.Severity), f.Severity), maxValue)
		f.Description = everyLine(i.Description)
	}
	f.Subject = firstOf(f.Subject, "Message")
}

// listAlerts writes one line per alert, up to maxAlerts.
func (f *facts) listAlerts(alerts []channel.Alert) {
	firing := 0
	for i := range alerts {
		if alerts[i].Status != event.StatusResolved {
			firing++
		}
	}
	switch resolved := len(alerts) - firing; {
	case resolved == 0:
		f.Count = fmt.Sprintf("%d firing", firing)
	case firing == 0:
		f.Count = fmt.Sprintf("%d resolved", resolved)
	default:
		f.Count = fmt.Sprintf("%d firing, %d resolved", firing, resolved)
	}
	shown := min(len(alerts), maxAlerts)
	f.Alerts = make([]string, shown)
	for i := range shown {
		f.Alerts[i] = f.line(alertLine(&alerts[i]), maxLine)
	}
	f.More = len(alerts) - shown
}

// stillFiring says that alerts of an incident that is over fire on, which happens when a person ends it.
func stillFiring(alerts []channel.Alert) string {
	n, first := 0, ""
	for i := range alerts {
		if alerts[i].Status != event.StatusFiring {
			continue
		}
		if n++; n == 1 {
			if first = alerts[i].Name; event.Instance(alerts[i].Labels) != "" {
				first += " on " + event.Instance(alerts[i].Labels)
			}
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 alert still fires: " + line(first, maxValue)
	default:
		return fmt.Sprintf("%d alerts still fire: %s and %d more", n, line(first, maxValue), n-1)
	}
}

// block is a text whose end the message leaves out when it is long, and says so.
func (f *facts) block(s string, i *IncidentFacts) string {
	where := f.url
	if where == "" && i.ID != "" {
		where = "incident " + line(i.ID, maxValue) + " in the hub"
	}
	return blockOf(s, &f.left, where)
}

// line is a text of one line; what it has no room for is counted.
func (f *facts) line(s string, limit int) string {
	out := line(s, limit)
	if strings.HasSuffix(out, "…") {
		f.left += max(0, utf8.RuneCountInString(strings.TrimSpace(s))-utf8.RuneCountInString(out)+1)
	}
	return out
}

// leftOut says for people who look at a delivery what its text has no room for.
func (f *facts) leftOut() string {
	if f.left == 0 {
		return ""
	}
	return fmt.Sprintf("texts of the alerts were too long for a message: %d characters were left out", f.left)
}

func alertLine(a *channel.Alert) string {
	state := strings.ToUpper(string(a.Severity))
	if a.Status == event.StatusResolved {
		state = "resolved"
	}
	s := "[" + state + "] " + a.Name
	if on := event.Instance(a.Labels); on != "" {
		s += " on " + on
	}
	if d := describe([]channel.Alert{*a}); d != "" && d != a.Name {
		s += ": " + d
	}
	return s
}

// describe is the first alert's own description, else its summary.
func describe(alerts []channel.Alert) string {
	if len(alerts) == 0 {
		return ""
	}
	return firstOf(alerts[0].Description, alerts[0].Annotations["summary"], alerts[0].Annotations["message"])
}

// instances names what the alerts are about, each once, in the alerts' order.
func instances(alerts []channel.Alert) string {
	const most = 5
	var seen []string
	for i := range alerts {
		on := event.Instance(alerts[i].Labels)
		if on == "" || slices.Contains(seen, on) {
			continue
		}
		if len(seen) == most {
			return line(strings.Join(seen, ", "), maxLine) + " and more"
		}
		seen = append(seen, on)
	}
	return line(strings.Join(seen, ", "), maxLine)
}

func sourceOf(in *NoticeInput) string {
	if in.Source != "" {
		return in.Source
	}
	var seen []string
	for i := range in.Alerts {
		if s := in.Alerts[i].Source; s != "" && !slices.Contains(seen, s) && len(seen) < 5 {
			seen = append(seen, s)
		}
	}
	return strings.Join(seen, ", ")
}

// commonLabels are the labels that all alerts share. Of a single alert these are its own, not copied.
func commonLabels(alerts []channel.Alert) map[string]string {
	if len(alerts) == 0 {
		return nil
	}
	if len(alerts) == 1 {
		return alerts[0].Labels
	}
	out := maps.Clone(alerts[0].Labels)
	for i := 1; i < len(alerts) && len(out) > 0; i++ {
		maps.DeleteFunc(out, func(k, v string) bool { return alerts[i].Labels[k] != v })
	}
	return out
}

// labelLine lists the labels that tell something the other lines do not.
func labelLine(labels map[string]string, where string) string {
	keys := make([]string, 0, len(labels))
	for k, v := range labels {
		told := k == "alertname" || k == "severity" || k == "status" || strings.HasPrefix(k, "__") || v == where
		if v != "" && !told {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	for i, k := range keys {
		if i == maxLabels {
			fmt.Fprintf(&b, " and %d more", len(keys)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(line(k, maxValue))
		b.WriteByte('=')
		b.WriteString(line(labels[k], maxValue))
	}
	return b.String()
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
