package web

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/notify"
)

// Parts of a timeline that can be shown alone.
const (
	groupAlerts     = "alerts"
	groupDeliveries = "deliveries"
	groupPeople     = "people"
)

// timeline merges what happened to an incident with what was told about it, newest first. show "" is everything.
func timeline(line []alerts.TimelineEntry, told []notify.DeliveryView, show string, now time.Time) []entry {
	var out []entry
	for i := range line {
		if e, ok := happened(&line[i]); ok {
			out = append(out, e)
		}
	}
	for i := range told {
		out = append(out, toldEntry(&told[i]))
	}
	if show != "" {
		out = slices.DeleteFunc(out, func(e entry) bool { return e.Group != show })
	}
	slices.SortStableFunc(out, func(a, b entry) int { return b.At.Compare(a.At) })
	out = alike(out)
	day := dayOf(now, now) // goes without saying
	for i := range out {
		if d := dayOf(out[i].At, now); d != day {
			day, out[i].Day = d, d
		}
	}
	return out
}

// alike puts channels in one entry of which, at about one time, the same is said, where that is said of many.
func alike(list []entry) []entry {
	same := map[[2]string]int{}
	for _, e := range list {
		same[[2]string{e.Text, e.Note}]++
	}
	var out []entry
	var more []int // how many others an entry speaks for
	for _, e := range list {
		found := -1
		for i := len(out) - 1; i >= 0 && found < 0 && same[[2]string{e.Text, e.Note}] > fewAlike && out[i].At.Sub(e.At) <= time.Second; i-- {
			if o := out[i]; e.Group == groupDeliveries && o.Group == groupDeliveries && o.Text == e.Text && o.Note == e.Note {
				found = i
			}
		}
		if found < 0 {
			out, more = append(out, e), append(more, 0)
			continue
		}
		more[found]++
		if more[found] < fewAlike {
			out[found].Thing += ", " + e.Thing
		}
		out[found].Link, _, _ = strings.Cut(e.Link, "#")
	}
	for i, n := range more {
		if n >= fewAlike {
			out[i].Thing += " and " + strconv.Itoa(n-fewAlike+1) + " more"
		}
		if n > 0 {
			out[i].Text = strings.NewReplacer("has the", "have the", "has a", "have a", "was not", "were not", "is being", "are being").Replace(out[i].Text)
		}
	}
	return out
}

func dayOf(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch t.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return "Today"
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		return "Yesterday, in UTC"
	default:
		return t.Format("Monday, 2 January 2006")
	}
}

// details are what events may carry; unknown ones are left out, never guessed.
type details struct {
	Text    string         `json:"text"`    // of a note
	Summary string         `json:"summary"` // of a resolve
	Why     string         `json:"why"`     // it is told again
	From    string         `json:"from"`    // of a severity
	To      string         `json:"to"`
	Alert   string         `json:"alert"`   // whose severity it was
	Changed map[string]any `json:"changed"` // fields of an alert
}

// happened puts one event into words. An alert that opened its incident is told by the incident's own event.
func happened(t *alerts.TimelineEntry) (entry, bool) {
	var d details
	_ = json.Unmarshal(t.Details, &d) // what does not fit stays empty
	e := entry{At: t.At, Who: t.Actor, Group: groupPeople, Tone: "accent"}
	if t.Actor == "" {
		e.Group = groupAlerts
	}
	if t.Kind == "alert" {
		return alertHappened(t, &d)
	}
	switch t.Event {
	case "opened":
		e.Icon, e.Tone, e.Text = "incidents", "critical", "Incident opened"
	case "alert_added":
		e.Icon, e.Tone, e.Text = "alert", "critical", "Another alert joined"
	case "severity_raised":
		e.Icon, e.Tone, e.Text = "raised", "warning", "Severity raised"
	case "severity_changed":
		e.Icon, e.Tone, e.Text = "info", "", "An alert changed its severity"
	case "retold":
		e.Icon, e.Tone, e.Text, e.Note = "retry", "", "Told again", d.Why
	case "acknowledged":
		e.Icon, e.Text = "eye", "Acknowledged"
	case "resolved":
		e.Icon, e.Tone, e.Text = "check", "ok", "Resolved"
	case "reopened":
		e.Icon, e.Tone, e.Text = "reopen", "critical", "Opened again"
	case "closed":
		e.Icon, e.Tone, e.Text = "archive", "", "Closed"
	case "note":
		e.Icon, e.Tone, e.Text, e.Group = "note", "", "Note", groupPeople
		e.Note = d.Text
	case "reminder":
		e.Icon, e.Tone, e.Text = "bell", "", "Reminder sent"
	case "analysis":
		e.Icon, e.Text = "intelligence", "Analysis written"
	default:
		e.Icon, e.Tone, e.Text = "dot", "", words(t.Event)
	}
	if d.From != "" && d.To != "" {
		e.Text += " from " + d.From + " to " + d.To
	}
	if d.Alert != "" && t.Event != "opened" {
		e.Note = d.Alert
	}
	if d.Summary != "" {
		e.Note = d.Summary
	}
	return e, true
}

func alertHappened(t *alerts.TimelineEntry, d *details) (entry, bool) {
	e := entry{At: t.At, Group: groupAlerts, Thing: t.AlertName}
	if t.ReceiptID != nil {
		e.Link = "/receipts/" + t.ReceiptID.String()
	}
	switch t.Event {
	case "created":
		e.Icon, e.Tone, e.Text = "alert", "critical", "started firing"
	case "resolved":
		e.Icon, e.Tone, e.Text = "check", "ok", "resolved"
	case "refired":
		e.Icon, e.Tone, e.Text = "reopen", "critical", "fired again"
	case "updated":
		e.Icon, e.Text = "retry", "was reported again"
		if len(d.Changed) > 0 {
			e.Text = "changed: " + list(slices.Sorted(maps.Keys(d.Changed)))
		}
	case "superseded":
		e.Icon, e.Text = "skip", "late report left aside"
	default:
		e.Icon, e.Text = "dot", words(t.Event)
	}
	return e, true
}

// list joins words as a sentence does.
func list(names []string) string {
	plain := make([]string, len(names))
	for i, n := range names {
		plain[i] = words(n)
	}
	if last := len(plain) - 1; last > 0 {
		return strings.Join(plain[:last], ", ") + " and " + plain[last]
	}
	return strings.Join(plain, "")
}

// kindWords say what a delivery told.
func kindWords(kind string) string {
	switch kind {
	case "resolved":
		return "the resolve"
	case "updated":
		return "the update"
	case "test":
		return "a test"
	default:
		return "the alert"
	}
}

func toldEntry(d *notify.DeliveryView) entry {
	m := deliveryMark(d.State)
	e := entry{At: d.CreatedAt, Icon: m.Icon, Tone: m.Tone, Group: groupDeliveries, Thing: d.To(), Link: "/deliveries?incident=" + d.IncidentID.String() + "#" + d.ID.String()}
	if d.FinishedAt != nil {
		e.At = *d.FinishedAt
	}
	what := kindWords(string(d.Kind))
	switch d.State {
	case "delivered":
		e.Icon, e.Text = "delivery", "has "+what
	case "dead":
		e.Text = "could not be told " + what
	case "suppressed":
		e.Text = "was not told " + what
	case "sending":
		e.Text = "is being told " + what
	default:
		e.Text = "will be told " + what
	}
	if d.Reason != "" {
		e.Note = words(d.Reason)
	}
	if n := len(d.Attempts); n > 0 && d.State != "delivered" && d.Attempts[n-1].Error != "" {
		e.Note = d.Attempts[n-1].Error
	}
	return e
}
