package cli

import (
	"context"
	"fmt"
	"strings"
	"time"
)

type whyCmd struct {
	remote
	ID  string `arg:"" help:"Id of an alert, incident, delivery, inbox message, receipt or run."`
	All bool   `help:"Print every decision about repeats that nobody had to be told of, not one line for each."`
}

// Help implements kong.HelpProvider.
func (whyCmd) Help() string {
	return `Prints the answer in a sentence, then every decision on the way, the oldest first: how it came in, which pipelines wanted it, what it
changed, who was told, at which try, and who was not and why. Ids are in every list: that of a line of the ledger is its receipt's. Times are UTC.

Example:

    incidenthub why 019a…`
}

// wireWhy is what the command shows of the API's explanation.
type wireWhy struct {
	Subject struct {
		Kind  string `json:"kind"`
		ID    string `json:"id"`
		Title string `json:"title"`
	} `json:"subject"`
	Verdict string     `json:"verdict"`
	Steps   []wireStep `json:"steps"`
	Left    []string   `json:"left_out"`
}

// wireStep is one decision.
type wireStep struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	Name   string    `json:"name"`
	Result string    `json:"result"`
	Why    string    `json:"why"`
	Values struct {
		Alerts int64 `json:"alerts"`
	} `json:"values"`
	Links struct {
		Receipt string `json:"receipt"`
	} `json:"links"`

	more  string   // about others like it
	names []string // of other channels of which it says the same
}

// whyWidth is how wide a terminal at least is, in characters.
const whyWidth = 80

// Run implements the command.
func (c whyCmd) Run(ctx context.Context, p *Program) error {
	var w wireWhy
	return get(ctx, p, c.remote, "/api/v1/why/"+segment(c.ID), nil, &w, func() error {
		p.showWhy(&w, c.All)
		return nil
	})
}

func (p *Program) showWhy(w *wireWhy, all bool) {
	p.wrapped("", w.Subject.Title, "")
	p.say("%s %s", clean(w.Subject.Kind), clean(w.Subject.ID))
	p.say("")
	p.wrapped("", w.Verdict, "")
	steps := w.Steps
	if !all && w.Subject.Kind != "receipt" {
		steps = shortened(w.Steps)
	}
	if !all {
		steps = together(steps)
	}
	day := ""
	for _, s := range steps {
		if d := s.At.UTC().Format(time.DateOnly); d != day {
			day = d
			p.say("\n%s (UTC)", day)
		}
		p.wrapped(s.At.UTC().Format("15:04:05.000")+"  "+fmt.Sprintf("%-9s", clean(s.What)), s.text(), strings.Repeat(" ", 24))
	}
	if n := len(w.Steps) - len(steps); n > 0 {
		p.say("")
		p.wrapped("", fmt.Sprintf("Repeats are cut short: --all shows %d decisions more.", n), "")
	}
	for _, l := range w.Left {
		p.say("")
		p.wrapped("", l, "")
	}
}

// text is a step on one line: who, what, why.
func (s wireStep) text() string {
	if len(s.names) > 0 {
		s.Name = enumerated(append([]string{s.Name}, s.names...))
	}
	out := s.Result
	if s.What != "ledger" { // its words are those of filters and counts
		out = strings.ReplaceAll(out, "_", " ")
	}
	if s.Name != "" {
		out = s.Name + ": " + out
	}
	if s.Why != "" {
		out += " - " + s.Why
	}
	if s.Values.Alerts > 1 && s.What != "receipt" {
		out += fmt.Sprintf(" (%d alerts)", s.Values.Alerts)
	}
	return out + s.more
}

// mostNames is how many channels are named that went the same way.
const mostNames = 8

// enumerated are names, as many as a line bears.
func enumerated(names []string) string {
	if n := len(names) - mostNames; n > 1 {
		return strings.Join(names[:mostNames], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ")
}

// together puts channels of which the same is to be said, at about one time, on one line.
func together(steps []wireStep) []wireStep {
	type said struct{ result, why string }
	first := map[said]int{}
	var out []wireStep
	for _, s := range steps {
		key := said{s.Result, s.Why}
		if n, ok := first[key]; s.What == "channel" && s.Why != "" && ok && s.At.Sub(out[n].At) <= time.Second {
			out[n].names = append(out[n].names, s.Name)
			continue
		}
		if s.What == "channel" {
			first[key] = len(out)
		}
		out = append(out, s)
	}
	return out
}

// shortened leaves of receipts that ended as nothing but repeats one line in the ledger, and of lines that say the same in a row the
// first, with their number.
func shortened(steps []wireStep) []wireStep {
	const repeat = "suppressed(duplicate)"
	repeats := map[string]bool{"": false} // by receipt
	for _, s := range steps {
		if s.What == "ledger" {
			was, known := repeats[s.Links.Receipt]
			repeats[s.Links.Receipt] = s.Result == repeat && (was || !known)
		}
	}
	var out []wireStep
	alike := 0
	for _, s := range steps {
		if !repeats[s.Links.Receipt] {
			out, alike = append(out, s), 0
			continue
		}
		if s.What != "ledger" {
			continue
		}
		if last := len(out) - 1; alike > 0 && out[last].Name == s.Name {
			alike++
			out[last].more = fmt.Sprintf(" (%d such, the last at %s)", alike, s.At.UTC().Format("2006-01-02 15:04:05Z"))
			continue
		}
		out, alike = append(out, s), 1
	}
	return out
}

// wrapped writes text behind head, with further lines indented, as wide as a terminal. Words that are wider than that are not cut: an
// address can be copied.
func (p *Program) wrapped(head, text, indent string) {
	line, used := head, len([]rune(head))
	if head != "" {
		line, used = line+" ", used+1
	}
	empty := true
	for word := range strings.FieldsSeq(cut(clean(text), 4000)) {
		n := len([]rune(word))
		if !empty && used+1+n > whyWidth {
			p.say("%s", strings.TrimRight(line, " "))
			line, used, empty = indent, len([]rune(indent)), true
		}
		if !empty {
			line, used = line+" ", used+1
		}
		line, used, empty = line+word, used+n, false
	}
	p.say("%s", strings.TrimRight(line, " "))
}
