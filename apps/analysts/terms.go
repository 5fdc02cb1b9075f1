package analysts

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
)

// describe finds out what a record does not say itself.
func (s *Service) describe(r *Record) { r.Model, r.Warnings = s.terms(r.Provider, r.Config.V) }

func (s *Service) terms(kind string, config json.RawMessage) (model string, warnings []string) {
	return Look(s.kinds, s.urls, kind, config)
}

// Look tells which model settings ask, and what an operator should see to. Masks may stand for secrets: no model depends on them.
func Look(kinds Kinds, urls URLChecker, kind string, config json.RawMessage) (model string, warnings []string) {
	spec, ok := kinds.Spec(kind)
	plain, isObject := settings.Read(config)
	if !ok || !isObject {
		return "", []string{fmt.Sprintf("this release has no provider %q", clip(kind))}
	}
	full, err := withoutMasks(spec.Fields, plain)
	if err != nil {
		return "", []string{"the settings cannot be read; enter them again"}
	}
	p, err := kinds.Make(kind, full)
	if err != nil {
		for _, k := range settings.Complaints(err) {
			warnings = append(warnings, k.At()+": "+k.Message)
		}
		return "", warnings
	}
	if asked, ok := p.(providers.Asked); ok {
		terms := asked.Terms()
		model = terms.Model
		if terms.Warning != "" {
			warnings = append(warnings, terms.Warning)
		}
	}
	if r, ok := p.(ready); ok && r.Ready() != nil {
		warnings = append(warnings, "there is no key: enter one"+inEnv(spec.KeyEnv))
	}
	for _, raw := range addresses(spec.Fields, plain) {
		if err := checkURL(urls, raw); err != nil {
			warnings = append(warnings, err.Error())
		}
	}
	return model, warnings
}

// ready is implemented by providers that know without a call that they would be refused.
type ready interface{ Ready() error }

func inEnv(name string) string {
	if name == "" {
		return ""
	}
	return ", or set " + name + " where the hub runs"
}

// withoutMasks puts a word in the place of each mask: enough to make a provider that is not asked.
func withoutMasks(fields []settings.Field, plain map[string]any) (json.RawMessage, error) {
	word := secret.NewString("configured")
	words := map[string]secret.String{}
	for _, f := range fields {
		words[f.Key] = word
		inner, _ := plain[f.Key].(map[string]any)
		for name := range inner {
			words[f.Key+"."+name] = word
		}
	}
	full, _, err := settings.Reveal(fields, plain, words)
	return full, err
}

// addresses are what a provider with these settings calls: those given, or else the usual one.
func addresses(fields []settings.Field, plain map[string]any) []string {
	var given, usual []string
	for _, f := range fields {
		if f.Type != settings.URL {
			continue
		}
		if raw, _ := plain[f.Key].(string); strings.TrimSpace(raw) != "" {
			given = append(given, strings.TrimSpace(raw))
		} else if f.Destination && f.Default != "" {
			usual = append(usual, f.Default)
		}
	}
	if len(given) > 0 {
		return given
	}
	return usual
}
