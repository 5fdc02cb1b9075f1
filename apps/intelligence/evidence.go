package intelligence

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// What of an incident and its evidence goes in, in bytes where it is text.
const (
	maxTitle       = 200
	maxDescription = 1500
	maxAlerts      = 10
	maxLabels      = 20
	maxLabel       = 200
	maxAlertText   = 800
	maxChecks      = 10
	maxCheckText   = 500
	maxMetrics     = 1500
	maxHistory     = 5
	maxPast        = 300
	maxChanges     = 10
	maxChange      = 200
	maxRunbooks    = 5
	maxMetadata    = 4000
	maxHint        = 2000
)

// preparing makes foreign text harmless and short, and counts what it does.
type preparing struct {
	redact *redact.Redactor
	sum    InputSummary
}

// prepare normalises, redacts and caps what goes in, and gives the evidence its ids: alerts and checks in the order they come, failed
// checks first.
func prepare(r *redact.Redactor, in *providers.Incident, ev providers.Evidence) (*providers.Incident, providers.Evidence, InputSummary) {
	p := &preparing{redact: r}
	out := providers.Evidence{
		Alerts: p.alerts(ev.Alerts), Checks: p.checks(ev.Checks), History: p.history(ev.History), Changes: p.changes(ev.Changes),
	}
	for _, link := range ev.Runbook[:min(len(ev.Runbook), maxRunbooks)] {
		out.Runbook = append(out.Runbook, p.text(link, maxAlertText))
	}
	p.sum.Runbooks = len(out.Runbook)
	p.sum.Cut = p.sum.Cut || len(ev.Runbook) > maxRunbooks
	var incident *providers.Incident
	if in != nil {
		one := *in
		one.Title, one.Description = p.text(one.Title, maxTitle), p.text(one.Description, maxDescription)
		one.Severity, one.Status = p.text(one.Severity, maxLabel), p.text(one.Status, maxLabel)
		one.Labels = p.labels(one.Labels)
		one.Metadata = p.object(one.Metadata, maxMetadata)
		incident, p.sum.HasIncident = &one, true
	}
	return incident, out, p.sum
}

func (p *preparing) text(s string, limit int) string {
	if s == "" {
		return ""
	}
	s = p.redact.Text(plain(s))
	short := shorten(s, limit)
	p.sum.Cut = p.sum.Cut || short != s
	return short
}

func (p *preparing) labels(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	var full map[string]string
	if raw := p.redact.Value(m, 0); json.Unmarshal(raw, &full) != nil { // by name as well
		return nil
	}
	out := make(map[string]string, min(len(m), maxLabels))
	for _, k := range slices.Sorted(maps.Keys(full)) {
		if len(out) == maxLabels {
			p.sum.Cut = true
			break
		}
		out[p.text(k, maxLabel)] = p.text(full[k], maxLabel)
	}
	return out
}

func (p *preparing) object(m map[string]any, limit int) map[string]any {
	if len(m) == 0 {
		return nil
	}
	var out map[string]any
	raw := p.redact.Value(m, limit)
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	_, was := m["truncated"]
	_, is := out["truncated"]
	p.sum.Cut = p.sum.Cut || is && !was
	return out
}

func (p *preparing) alerts(list []providers.Alert) []providers.Alert {
	for i := range list {
		p.sum.AlertsAll += max(1, list[i].Count) // one stands for all of its name
	}
	p.sum.Cut = p.sum.Cut || len(list) > maxAlerts
	out := make([]providers.Alert, 0, min(len(list), maxAlerts))
	for i, a := range list[:min(len(list), maxAlerts)] {
		a.ID = "A" + strconv.Itoa(i+1)
		a.Name, a.Description = p.text(a.Name, maxTitle), p.text(a.Description, maxAlertText)
		a.Severity, a.Status = p.text(a.Severity, maxLabel), p.text(a.Status, maxLabel)
		a.Labels = p.labels(a.Labels)
		out = append(out, a)
	}
	p.sum.Alerts = len(out)
	return out
}

func (p *preparing) checks(list []providers.Check) []providers.Check {
	p.sum.ChecksAll = len(list)
	p.sum.Cut = p.sum.Cut || len(list) > maxChecks
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b providers.Check) int { return cmp.Compare(healthy(a), healthy(b)) })
	out := make([]providers.Check, 0, min(len(list), maxChecks))
	for i, c := range list {
		p.sum.ChecksBad += 1 - healthy(c)
		if i >= maxChecks {
			continue
		}
		c.ID = "C" + strconv.Itoa(i+1)
		c.Name, c.Status, c.Message = p.text(c.Name, maxLabel), p.text(c.Status, maxLabel), p.text(c.Message, maxCheckText)
		c.Host, c.Metrics = p.text(c.Host, maxLabel), p.object(c.Metrics, maxMetrics)
		out = append(out, c)
	}
	p.sum.Checks = len(out)
	return out
}

func healthy(c providers.Check) int {
	if c.Status == "ok" {
		return 1
	}
	return 0
}

func (p *preparing) history(list []providers.Past) []providers.Past {
	p.sum.Cut = p.sum.Cut || len(list) > maxHistory
	out := make([]providers.Past, 0, min(len(list), maxHistory))
	for i, h := range list[:min(len(list), maxHistory)] {
		h.ID = "H" + strconv.Itoa(i+1)
		h.Title, h.Summary = p.text(h.Title, maxTitle), p.text(h.Summary, maxPast)
		out = append(out, h)
	}
	p.sum.History = len(out)
	return out
}

func (p *preparing) changes(list []providers.Change) []providers.Change {
	p.sum.Cut = p.sum.Cut || len(list) > maxChanges
	out := make([]providers.Change, 0, min(len(list), maxChanges))
	for i, c := range list[:min(len(list), maxChanges)] {
		c.ID = "R" + strconv.Itoa(i+1)
		c.Title, c.Kind, c.Service = p.text(c.Title, maxChange), p.text(c.Kind, maxLabel), p.text(c.Service, maxLabel)
		c.Labels, c.URL, c.Author = p.labels(c.Labels), p.text(c.URL, maxAlertText), p.text(c.Author, maxLabel)
		out = append(out, c)
	}
	p.sum.Changes = len(out)
	return out
}

// known are the ids that claims may cite.
func known(ev *providers.Evidence) map[string]bool {
	out := map[string]bool{}
	for _, a := range ev.Alerts {
		out[a.ID] = true
	}
	for _, c := range ev.Checks {
		out[c.ID] = true
	}
	for _, h := range ev.History {
		out[h.ID] = true
	}
	for _, c := range ev.Changes {
		out[c.ID] = true
	}
	return out
}

// plain takes out what steers screens or hides text: controls but line breaks, marks of direction, what has no width or no meaning.
func plain(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, '\x1b') >= 0 {
		s = escapes.ReplaceAllString(s, "")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r == '\r', r == '\u2028', r == '\u2029':
			return '\n'
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Cs, r):
			return -1
		}
		return r
	}, s)
}

// shorten keeps the head and the tail of a text that is longer than limit bytes.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	note := "[cut " + strconv.Itoa(len(s)-limit) + " bytes]"
	room := max(limit-len(note), 0)
	tail := room / 4
	if limit <= maxLabel {
		tail = 0
	}
	return head(s, room-tail) + note + end(s, tail)
}

func head(s string, n int) string {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:min(n, len(s))]
}

func end(s string, n int) string {
	at := len(s) - n
	for at < len(s) && !utf8.RuneStart(s[at]) {
		at++
	}
	return s[at:]
}
