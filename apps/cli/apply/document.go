// Package apply is configuration as code: it reads a YAML file of sources, channels, providers, silences and pipelines, brings the hub to what the
// file says, by name and as often as one likes, and writes such a file from what the hub has. The command line and HUB_APPLY
// use it.
package apply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
)

// Kind is a sort of thing that a file may hold.
type Kind string

// The kinds. A file has a list for each under its plural.
const (
	KindSource   Kind = "source"
	KindChannel  Kind = "channel"
	KindProvider Kind = "provider"
	KindSilence  Kind = "silence"
	KindPipeline Kind = "pipeline"
)

// Kinds lists the kinds in the order in which they are applied: what others refer to comes first.
func Kinds() []Kind { return []Kind{KindChannel, KindProvider, KindSource, KindSilence, KindPipeline} }

func (k Kind) plural() string { return string(k) + "s" }

// Problem is one thing that is wrong with a file.
type Problem struct {
	Line    int    `json:"line,omitempty"` // from 1; 0: of the file as a whole
	Kind    Kind   `json:"kind,omitempty"`
	Name    string `json:"name,omitempty"`
	Field   string `json:"field,omitempty"` // dotted: config.nodes.0.next
	Message string `json:"message"`
}

// String renders the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Kind != "" {
		fmt.Fprintf(&b, "%s %q: ", p.Kind, clip(p.Name))
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is everything that is wrong with a file, in its order. It never holds the value of a secret.
type Problems struct{ List []Problem } //nolint:errname // it is a list that is also an error

// Error implements error, one problem a line.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) add(one Problem) { p.List = append(p.List, one) }

func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int { return a.Line - b.Line })
	return p
}

// Document is a file that was read.
type Document struct {
	entries map[Kind][]entry
	given   map[Kind]bool // the file has this list, if only an empty one
}

type entry struct {
	name string
	line int
	node ast.Node

	source   sources.Input
	channel  notify.ChannelInput
	provider analysts.RecordInput
	pipeline orchestration.DefinitionInput
	silence  silences.Input
}

// Read parses a file. getenv gives the values of ${NAME} references. The error is *Problems with every problem of the file
// that can be found without the hub.
func Read(raw []byte, getenv func(string) string) (*Document, error) {
	p := &Problems{}
	root := parseTree(raw, p)
	doc := &Document{entries: map[Kind][]entry{}, given: map[Kind]bool{}}
	if err := p.err(); err != nil || root == nil {
		return doc, err
	}
	if _, null := root.(*ast.NullNode); null {
		return doc, nil
	}
	if !isMapping(root) {
		p.add(Problem{Line: lineOf(root), Message: "begin with one of channels, providers, sources, silences and pipelines, and a list under it"})
		return nil, p.err()
	}
	for _, top := range pairs(root) {
		i := slices.IndexFunc(Kinds(), func(k Kind) bool { return k.plural() == top.name })
		if i < 0 {
			p.add(Problem{Line: top.line, Message: fmt.Sprintf("unknown key %q; known are channels, providers, sources, silences and pipelines", clip(top.name))})
			continue
		}
		doc.list(Kinds()[i], top, getenv, p)
	}
	return doc, p.err()
}

func (d *Document) list(kind Kind, top pair, getenv func(string) string, p *Problems) {
	d.given[kind] = true
	if _, null := top.value.(*ast.NullNode); null {
		return
	}
	list, ok := top.value.(*ast.SequenceNode)
	if !ok {
		p.add(Problem{Line: top.line, Message: top.name + " must be a list; begin each entry with a dash"})
		return
	}
	lines := map[string]int{}
	for _, n := range list.Values {
		e := entry{node: n, line: lineOf(n)}
		if !isMapping(n) {
			p.add(Problem{Line: e.line, Message: fmt.Sprintf("a %s must have at least a name: write - name: …", kind)})
			continue
		}
		r := newReader(kind, n, e.line, getenv, p)
		e.name = r.name
		switch kind {
		case KindSource:
			e.source = r.source()
		case KindChannel:
			e.channel = r.channel()
		case KindProvider:
			e.provider = r.provider()
		case KindSilence:
			e.silence = r.silence()
		case KindPipeline:
			e.pipeline = r.pipeline()
		}
		r.end()
		if first, twice := lines[e.name]; twice && e.name != "" {
			p.add(Problem{Line: e.line, Kind: kind, Name: e.name, Message: fmt.Sprintf("this name is also on line %d; names are unique", first)})
			continue
		}
		lines[e.name] = e.line
		d.entries[kind] = append(d.entries[kind], e)
	}
	d.oneActive(kind, p)
}

// oneActive complains about providers that would take each other's place.
func (d *Document) oneActive(kind Kind, p *Problems) {
	var first *entry
	for _, e := range d.entries[kind] {
		switch {
		case !e.provider.IsActive:
		case first == nil:
			first = &e
		default:
			p.add(Problem{
				Line: find(e.node, e.line, "/is_active"), Kind: kind, Name: e.name, Field: "is_active",
				Message: fmt.Sprintf("only one provider can be active, and %q on line %d is", clip(first.name), first.line),
			})
		}
	}
}

// Lint returns the problems of the document's pipelines, warnings too, without a hub.
func (d *Document) Lint(known orchestration.Known) (problems []Problem, ok bool) {
	ok = true
	for _, e := range d.entries[KindPipeline] {
		for _, p := range orchestration.Lint(e.pipeline.Config, known) {
			ok = ok && !orchestration.HasErrors([]orchestration.Problem{p})
			problems = append(problems, e.problem(KindPipeline, "/config"+p.Pointer, lintWords(p)))
		}
	}
	return problems, ok
}

func lintWords(p orchestration.Problem) string {
	words := p.Message
	if p.Suggestion != "" {
		words += " (" + p.Suggestion + ")"
	}
	if !orchestration.HasErrors([]orchestration.Problem{p}) {
		words = "warning: " + words
	}
	return words
}

// problem places a complaint about what a JSON pointer names inside the entry.
func (e entry) problem(kind Kind, pointer, message string) Problem {
	return Problem{
		Line: find(e.node, e.line, pointer), Kind: kind, Name: e.name,
		Field: strings.ReplaceAll(strings.Trim(pointer, "/"), "/", "."), Message: message,
	}
}
