package chat

import (
	"cmp"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// MaxLink is the longest address that becomes a link, in bytes: longer ones are written as text.
const MaxLink = 1500

// Wakes reports whether somebody should look now.
func Wakes(n channel.Notice) bool {
	return n.Kind == channel.KindFiring || n.Kind == channel.KindReminder ||
		n.Kind == channel.KindUpdated && n.Event == string(event.EventSeverityRaised)
}

// Limits of a Card, in characters.
type Limits struct {
	Title int // a longer one begins the text
	Fact  int // a longer one ends the text
	Text  int // of one message
}

// Card is a notice as services show it whose messages have a title and facts beside the text. All of it is inert, but for ID.
type Card struct {
	Heading string // the title, whole
	Title   string // the same, "" when it begins the text
	URL     string // where the title leads, "" for nowhere
	Facts   []Fact
	ID      string   // of the incident, as it is; "" when there is none that fits beside the text
	Pieces  []string // of the text, one a message; at least one, which may be ""
	Left    int      // characters of the text that are too many, which the last piece says
}

// Fact is one fact beside the text.
type Fact struct{ Name, Value string }

// Card lays a notice out. body is in the service's markup.
func (d *Dialect) Card(n channel.Notice, body string, l Limits) Card {
	c := Card{Heading: cmp.Or(d.Line(n.Title), "Notification")}
	c.Title = c.Heading
	body = strings.TrimSpace(body)
	if channel.Units(c.Heading) > l.Title {
		c.Title, body = "", d.Bold+c.Heading+d.Bold+"\n\n"+body
	}
	c.URL, _ = channel.WebLink(n.URL, MaxLink)
	end := []string{d.Links(n, " · ")}
	for _, f := range d.facts(n) {
		if channel.Units(f.Value) > l.Fact {
			end = append(end, f.Name+": "+f.Value)
			continue
		}
		c.Facts = append(c.Facts, f)
	}
	if channel.Units(n.IncidentID) <= l.Fact {
		c.ID = n.IncidentID
	}
	if c.Pieces, c.Left = d.Bounds(l.Text, n.URL).Parts(body, strings.Join(end, "\n")); len(c.Pieces) == 0 {
		c.Pieces = []string{""}
	}
	return c
}

// Bounds is how a text is cut into pieces; page is the address where all of it is, "" for none.
func (d *Dialect) Bounds(limit int, page string) channel.Bounds {
	b := channel.Bounds{Limit: limit, Whole: d.Whole}
	if _, ok := channel.WebLink(page, MaxLink); ok {
		b.Where = d.Link(page, "the incident")
	}
	return b
}

// Links are the links of a notice in one line, each with a word for it.
func (d *Dialect) Links(n channel.Notice, between string) string {
	refs := make([]string, len(n.Links))
	for i, l := range n.Links {
		refs[i] = d.Link(l.URL, channel.LinkLabel(cmp.Or(l.Name, "link")))
	}
	return strings.Join(refs, between)
}

func (d *Dialect) facts(n channel.Notice) []Fact {
	var out []Fact
	add := func(name, value string) {
		if value = d.Line(value); value != "" {
			out = append(out, Fact{name, value})
		}
	}
	severity := n.Severity
	if i := n.Incident; i != nil && n.Kind == channel.KindResolved {
		severity = i.Severity // as it was; that it is over says the status
	}
	add("Severity", severity)
	add("Status", n.Status)
	add("Source", n.Source)
	if i := n.Incident; i != nil {
		add("Environment", i.Environment)
	}
	add("Since", Stamp(n.StartedAt))
	add("Until", Stamp(n.EndedAt))
	return out
}

// Stamp is a time as messages show it; "" for none.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
