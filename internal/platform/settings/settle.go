package settings

import (
	"encoding/json"
	"maps"
	"slices"
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
	problems := append(w.problems, p.complaints(full, given, was, w.secrets)...)
	problems = append(problems, p.addresses(revealed(p.Fields, given, w.secrets), revealed(p.Fields, was.Settings, was.Secrets), problems)...)
	problems = append(problems, w.moved()...)
	masked, err := Encode(given)
	if err != nil {
		return Settled{}, []*KeyError{{"", "cannot be written as JSON"}}
	}
	return Settled{Masked: masked, Full: full, Secrets: w.secrets, was: was.Secrets}, problems
}

// AllowIt is part of every complaint about an address that is only refused for want of an entry in the environment of this process.
const AllowIt = "start the hub with HUB_EGRESS_ALLOW="

// complaints are what the plugin has against settings, but for its own address guard's about addresses that were there before: as below
// they may stay, whatever the environment of this process lists.
func (p Plugin) complaints(full json.RawMessage, given map[string]any, was Stored, secrets map[string]secret.String) []*KeyError {
	now, before := revealed(p.Fields, given, secrets), revealed(p.Fields, was.Settings, was.Secrets)
	stays := map[string]bool{}
	for _, f := range p.Fields {
		if a := addressOf(p.Fields, f, now); a != "" && a == addressOf(p.Fields, f, before) {
			stays[f.Key] = true
		}
	}
	return slices.DeleteFunc(Complaints(p.New(full)), func(k *KeyError) bool { return stays[k.Key] && strings.Contains(k.Message, AllowIt) })
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
		address, before := addressOf(p.Fields, f, given), addressOf(p.Fields, f, was)
		if address == "" || address == before || known[f.Key] || known[f.Port] {
			continue
		}
		if err := p.CheckURL(address); err != nil {
			out = append(out, &KeyError{f.Key, err.Error()})
		}
	}
	return out
}

// revealed are settings with the addresses among their secrets in place: webhooks whose whole address is a credential.
func revealed(fields []Field, settings map[string]any, secrets map[string]secret.String) map[string]any {
	out, cloned := settings, false
	for _, f := range fields {
		if v, ok := secrets[f.Key]; ok && f.Secret && f.Type == URL {
			if !cloned {
				out, cloned = make(map[string]any, len(settings)+1), true
				maps.Copy(out, settings)
			}
			out[f.Key] = v.Reveal()
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
