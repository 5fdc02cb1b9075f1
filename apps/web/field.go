package web

import (
	"slices"
	"strings"
)

// Field is one input of a form as it is drawn: what it is called, what it holds, and what is wrong with it.
type Field struct {
	ID    string // of the input, and its name in the posted form
	Label string
	Hint  string
	// Kind is text, url, number, area, choice, bool, secret, or pairs.
	Kind        string
	Value       string
	Placeholder string
	Max         int // characters, 0: no limit of its own
	Lines       int // of an area, 0: 3
	Mono        bool
	Required    bool
	Usual       bool // empty stands for its default, and it does not say that it may be left empty
	Fixed       bool // shown, and not to be changed
	Options     []Option
	Suggest     []string // values to choose from, beside any other
	// Configured: a secret is stored. It is never shown; an empty input keeps it, and Clear lets it be taken away.
	Configured bool
	Clear      bool
	Remove     bool // it was asked to be taken away, by a form that could not be saved
	Pairs      []Pair
	Wrong      []string
	Focus      bool // the first that is wrong
	// Stored is what another person saved meanwhile, where it differs from what was typed.
	Stored string
}

// Option is one value of a choice.
type Option struct{ Value, Name string }

// Pair is one row of a field with names and values, such as headers.
type Pair struct {
	Name, Value string
	Configured  bool // the value is a stored secret
	Again       bool // a typed secret that was not saved; it is not sent back
	Remove      bool // as in Field
}

// Described are the ids of the texts that belong to the input, for aria-describedby.
func (f Field) Described() string {
	var ids []string
	for _, part := range []struct {
		name string
		set  bool
	}{{"wrong", len(f.Wrong) > 0}, {"stored", f.Stored != ""}, {"hint", f.Hint != "" || f.Kind == kindSecret}} {
		if part.set {
			ids = append(ids, f.ID+"-"+part.name)
		}
	}
	return strings.Join(ids, " ")
}

// Blank is the empty row below pairs; app.js adds another when it is used.
func (f Field) Blank() [1]struct{} { return [1]struct{}{} }

// The kinds of fields.
const (
	kindText   = "text"
	kindURL    = "url"
	kindNumber = "number"
	kindArea   = "area"
	kindChoice = "choice"
	kindBool   = "bool"
	kindSecret = "secret"
	kindPairs  = "pairs"
)

// mend puts a complaint beside the field that it is about and reports whether there is one.
func mend(fields []Field, id, words string) bool {
	i := slices.IndexFunc(fields, func(f Field) bool { return f.ID == id })
	if i < 0 {
		return false
	}
	fields[i].Wrong = append(fields[i].Wrong, sentence(words))
	return true
}

// differ notes where what was typed differs from what is stored by now.
func differ(typed, stored []Field) {
	for i := range typed {
		for _, s := range stored {
			switch {
			case s.ID != typed[i].ID || s.Kind == kindSecret || s.Kind == kindPairs || s.Value == typed[i].Value:
			case s.Value == "":
				typed[i].Stored = "empty"
			default:
				typed[i].Stored = s.shown()
			}
		}
	}
}

// shown is the value in words.
func (f Field) shown() string {
	for _, o := range f.Options {
		if o.Value == f.Value {
			return o.Name
		}
	}
	return f.Value
}

// wrongFields are the fields that complain, for a list above the form; the first of them gets the focus.
func wrongFields(groups ...[]Field) []Field {
	var out []Field
	for _, fields := range groups {
		for i := range fields {
			if len(fields[i].Wrong) > 0 {
				fields[i].Focus = len(out) == 0
				out = append(out, fields[i])
			}
		}
	}
	return out
}
