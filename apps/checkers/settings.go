package checkers

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// settings merges what a request says about one check: for all checks, under All, and of its own, which wins.
func (s *Service) settings(req Request, spec Spec) (json.RawMessage, error) {
	merged := map[string]json.RawMessage{}
	if req.Timeout > 0 {
		merged["timeout"] = number(req.Timeout.Seconds())
	}
	if req.Warning != nil && spec.Warning != nil {
		merged["warning_threshold"] = number(*req.Warning)
	}
	if req.Critical != nil && spec.Critical != nil {
		merged["critical_threshold"] = number(*req.Critical)
	}
	forAll, err := object(req.Configs[All])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", All, err)
	}
	known := s.known(spec)
	for key, value := range forAll {
		if slices.Contains(known, key) {
			merged[key] = value
		}
	}
	own, err := object(req.Configs[spec.Name])
	if err != nil {
		return nil, err
	}
	maps.Copy(merged, own)
	return json.Marshal(merged)
}

// known are the settings of a check.
func (s *Service) known(spec Spec) []string {
	names := append([]string(nil), commonNames...)
	return append(names, fieldNames(spec.Config)...)
}

// useless reports settings for all checks that none of them has.
func (s *Service) useless(req Request, plan []planned) (errs []error) {
	forAll, err := object(req.Configs[All])
	if err != nil {
		return []error{fmt.Errorf("settings: %s: %w", All, err)}
	}
	var known []string
	for _, p := range plan {
		known = append(known, s.known(p.spec)...)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, key := range sortedKeys(forAll) {
		if !slices.Contains(known, key) {
			errs = append(errs, fmt.Errorf("settings: %s: %w", All, unknownSetting(key, known)))
		}
	}
	return errs
}

func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if len(raw) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, errors.New("settings must be a JSON object")
	}
	return m, nil
}

func number(v float64) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil { // not a number, or without end: no check takes it
		return json.RawMessage(`"NaN"`)
	}
	return raw
}

// off reports whether settings switch a check off.
func off(config json.RawMessage) bool {
	c, _, err := split(config)
	return err == nil && c.Enabled != nil && !*c.Enabled
}

// Validate says what is wrong with a request, before anything runs: each unknown check, and each setting that its check does not take.
// The keys are where: "checkers", or the name of the check.
func (s *Service) Validate(req Request) map[string]error {
	bad := map[string]error{}
	for _, name := range req.Names {
		if _, err := s.Set.Checker(name); err != nil {
			bad["checkers"] = errors.Join(bad["checkers"], err)
		}
	}
	for _, name := range sortedKeys(req.Configs) {
		if name == All {
			continue
		}
		if err := s.Set.Validate(name, req.Configs[name]); err != nil {
			bad[name] = err
		}
	}
	plan, _ := s.plan(req)
	for _, err := range s.useless(req, plan) {
		bad[All] = errors.Join(bad[All], err)
	}
	for _, p := range plan { // settings for all may be of the wrong kind for one
		if err := s.Set.Validate(p.spec.Name, p.config); err != nil && bad[p.spec.Name] == nil {
			bad[All] = errors.Join(bad[All], fmt.Errorf("%s: %w", p.spec.Name, err))
		}
	}
	return bad
}
