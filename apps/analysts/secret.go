package analysts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
)

// secretOwner names this app's rows in the secrets table.
const secretOwner = "providers"

func (s *Service) stored(ctx context.Context, r Record) (settings.Stored, error) {
	secrets, err := s.secrets.All(ctx, r.TenantID, secretOwner, r.ID)
	if err != nil {
		return settings.Stored{}, err
	}
	was, _ := settings.Read(r.Config.V) // what was stored was an object
	return settings.Stored{Settings: was, Secrets: secrets}, nil
}

func (s *Service) putSecrets(ctx context.Context, r Record, set settings.Settled) error {
	return set.Keep(func(field string, value secret.String) error {
		return s.secrets.Put(ctx, r.TenantID, secretOwner, r.ID, field, value)
	})
}

// settle brings given settings together with the stored secrets and checks the result.
func (s *Service) settle(kind string, config json.RawMessage, was settings.Stored) (settings.Settled, []Problem) {
	spec, ok := s.kinds.Spec(kind)
	if !ok || len(spec.Fields) == 0 {
		return settings.Settled{}, []Problem{{"provider", s.unknown(kind, ok)}}
	}
	set, found := settings.Plugin{
		Fields: spec.Fields, CheckURL: s.checkURL,
		New: func(full json.RawMessage) error { _, err := s.kinds.Make(kind, full); return err },
	}.Settle(config, was)
	var p []Problem
	for _, k := range found {
		p = append(p, Problem{k.At(), k.Message})
	}
	return set, p
}

func (s *Service) unknown(kind string, known bool) string {
	var names []string
	for _, spec := range s.Kinds() {
		names = append(names, spec.Name)
	}
	list := strings.Join(names, ", ")
	if known {
		return fmt.Sprintf("%s needs no settings: it answers when no provider is active; available are %s", kind, list)
	}
	return fmt.Sprintf("unknown provider %q; available are %s", clip(kind), list)
}

// checkURL takes no parameters: the vendor's own path goes behind the address, and a key in it would be shown wherever the address is.
func (s *Service) checkURL(raw string) error {
	if u, err := url.Parse(raw); err == nil && (u.RawQuery != "" || u.ForceQuery || u.Fragment != "") {
		return errors.New("leave out everything from ? or # on; the key has a setting of its own")
	}
	return s.urls.CheckURL(raw)
}

// describe finds out what a record does not say itself.
func (s *Service) describe(r *Record) { r.Model, r.Warnings = s.terms(r.Provider, r.Config.V) }

// terms tells which model settings ask, and what is to be seen to. Masks may stand for secrets: no model depends on them.
func (s *Service) terms(kind string, config json.RawMessage) (model string, warnings []string) {
	spec, ok := s.kinds.Spec(kind)
	plain, isObject := settings.Read(config)
	if !ok || !isObject {
		return "", []string{fmt.Sprintf("this release has no provider %q", clip(kind))}
	}
	return s.judge(spec, plain)
}

func (s *Service) judge(spec providers.Spec, plain map[string]any) (model string, warnings []string) {
	full, err := withoutMasks(spec.Fields, plain)
	if err != nil {
		return "", []string{"the settings cannot be read; enter them again"}
	}
	p, err := s.kinds.Make(spec.Name, full)
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
	for _, raw := range addresses(spec.Fields, plain) {
		if err := s.urls.CheckURL(raw); err != nil {
			warnings = append(warnings, err.Error())
		}
	}
	return model, warnings
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

// addresses are what a provider with these settings calls.
func addresses(fields []settings.Field, plain map[string]any) []string {
	var given, usual []string
	for _, f := range fields {
		if f.Type != settings.URL {
			continue
		}
		if raw, _ := plain[f.Key].(string); raw != "" {
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
