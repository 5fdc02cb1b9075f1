package settings

import (
	"encoding/json"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Plugin is what settings are for.
type Plugin struct {
	Fields []Field
	// New checks settings that are whole, secrets and all. What it complains about are KeyErrors: other texts are not shown, for they may
	// hold a value.
	New func(full json.RawMessage) error
	// CheckURL looks at an address before it is stored, without calling it.
	CheckURL func(raw string) error
}

// Settled is what a change of settings leads to.
type Settled struct {
	Masked  json.RawMessage          // to store and to show
	Full    json.RawMessage          // with the secrets, for the plugin only
	Secrets map[string]secret.String // all of them, by field
	was     map[string]secret.String
}

// Settle brings given settings together with what is stored and checks the result; the problems are all there are. A secret is kept if its
// key is left out or holds the mask {"configured": true}, and removed by null or "".
func (p Plugin) Settle(config json.RawMessage, was Stored) (Settled, []*KeyError) {
	given, ok := Read(config)
	if !ok {
		return Settled{}, []*KeyError{{"", "must be a JSON object"}}
	}
	w := weaver{fields: p.Fields, was: was, given: given, secrets: map[string]secret.String{}}
	w.weave()
	full, _, err := Reveal(p.Fields, given, w.secrets)
	if err != nil {
		return Settled{}, []*KeyError{{"", "cannot be written as JSON"}}
	}
	problems := append(w.problems, Complaints(p.New(full))...)
	problems = append(problems, p.addresses(given, was.Settings, problems)...)
	problems = append(problems, w.moved()...)
	masked, err := Encode(given)
	if err != nil {
		return Settled{}, []*KeyError{{"", "cannot be written as JSON"}}
	}
	return Settled{Masked: masked, Full: full, Secrets: w.secrets, was: was.Secrets}, problems
}

// addresses asks the address guard about every URL that is new and that the plugin itself has nothing against. One that was there before
// is looked at when it is called: what has an address that is no longer allowed can still be described and switched off.
func (p Plugin) addresses(given, was map[string]any, found []*KeyError) []*KeyError {
	known := map[string]bool{}
	for _, k := range found {
		known[k.Key] = true
	}
	var out []*KeyError
	for _, f := range p.Fields {
		raw, _ := given[f.Key].(string)
		if before, _ := was[f.Key].(string); f.Type != URL || raw == "" || raw == before || known[f.Key] {
			continue
		}
		if err := p.CheckURL(strings.TrimSpace(raw)); err != nil {
			out = append(out, &KeyError{f.Key, err.Error()})
		}
	}
	return out
}

// Complaints are the KeyErrors of an error, and one that tells nothing if it has none.
func Complaints(err error) []*KeyError {
	found := KeyErrors(err)
	if err != nil && len(found) == 0 {
		return []*KeyError{{"", "is not usable with this kind"}} // the text is not ours to judge: it may hold a value
	}
	return found
}

// At is where a complaint belongs in an input whose settings are under "config".
func (e *KeyError) At() string {
	if e.Key == "" {
		return "config"
	}
	return "config." + e.Key
}

// Keep has put store every secret that is another than before; those that are gone are put with no value.
func (s Settled) Keep(put func(field string, value secret.String) error) error {
	for field := range s.was {
		if _, ok := s.Secrets[field]; !ok {
			if err := put(field, secret.String{}); err != nil {
				return err
			}
		}
	}
	for field, value := range s.Secrets {
		if value.Equal(s.was[field]) {
			continue
		}
		if err := put(field, value); err != nil {
			return err
		}
	}
	return nil
}
