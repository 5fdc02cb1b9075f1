package notify

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
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
	Channel                            string

	text    string // which text tells it
	source  string
	url     string
	started time.Time
	common  map[string]string
	links   []channel.Link
}

func gather(in *NoticeInput) *facts {
	f := &facts{Event: in.Event, Channel: line(in.Channel, maxValue), text: string(in.Kind), common: commonLabels(in.Alerts)}
	f.source = sourceOf(in)
	f.Source = line(f.source, maxValue)
	f.Checks = readChecks(in.Outputs["check"])
	f.Analysis = readAnalysis(in.Outputs["intelligence"])
	f.url, f.links = linksOf(in)
	f.Links = nameLinks(f.links)
	switch {
	case in.Kind == channel.KindTest:
		f.Severity, f.Since = string(event.SeverityInfo), stamp(in.At)
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
	f.Subject = line(i.Title, maxTitle)
	if f.Subject == "" {
		f.Subject = event.FallbackName
	}
	f.Severity = line(string(i.Severity), maxValue)
	f.Status = line(i.Status, maxValue)
	f.Description = block(firstOf(i.Description, describe(in.Alerts)))
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
		f.Ended, f.Duration = stamp(end), span(i.StartedAt, end)
	} else if d := span(i.StartedAt, in.At); d != "" && f.Since != "" {
		f.Since += " (" + d + ")"
	}
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
		f.Alerts[i] = alertLine(&alerts[i])
	}
	f.More = len(alerts) - shown
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
	return line(s, maxLine)
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

// span is a length of time for people: two units, "2 h 5 m". Less than a second, unknown and backwards are "".
func span(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	s := int64(to.Sub(from) / time.Second)
	switch {
	case s < 1:
		return ""
	case s < 60:
		return two(s, "s", 0, "")
	case s < 3600:
		return two(s/60, "m", s%60, "s")
	case s < 86400:
		return two(s/3600, "h", s%3600/60, "m")
	default:
		return two(s/86400, "d", s%86400/3600, "h")
	}
}

func two(a int64, unitA string, b int64, unitB string) string {
	s := strconv.FormatInt(a, 10) + " " + unitA
	if b == 0 {
		return s
	}
	return s + " " + strconv.FormatInt(b, 10) + " " + unitB
}
