package checkers

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// ErrUnknown is wrapped by the error for a check that does not exist.
var ErrUnknown = errors.New("unknown check")

// Set finds checks by name. It never changes and is safe for concurrent use.
type Set struct {
	list   []Checker
	specs  []Spec
	byName map[string]Checker
}

// NewSet makes a Set. A name that is given twice is an error.
func NewSet(list ...Checker) (*Set, error) {
	s := &Set{list: list, byName: make(map[string]Checker, len(list))}
	for _, c := range list {
		spec := c.Spec()
		if spec.Name == "" || spec.Name == All || s.byName[spec.Name] != nil {
			return nil, fmt.Errorf("check %q: no name, or given twice", spec.Name)
		}
		schema, err := schemaOf(spec)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", spec.Name, err)
		}
		spec.Schema = schema
		s.specs = append(s.specs, spec)
		s.byName[spec.Name] = c
	}
	return s, nil
}

// Checker returns the check of that name. The error for an unknown one wraps ErrUnknown and lists the names.
func (s *Set) Checker(name string) (Checker, error) {
	if c := s.byName[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%w %.80q; available are %s", ErrUnknown, name, strings.Join(s.Names(), ", "))
}

// Names lists the checks in the order they were given.
func (s *Set) Names() []string {
	names := make([]string, len(s.specs))
	for i := range s.specs {
		names[i] = s.specs[i].Name
	}
	return names
}

// Specs describes all checks, in the same order, with their schemas.
func (s *Set) Specs() []Spec { return append([]Spec(nil), s.specs...) }

// Validate says what is wrong with settings of a check, before it runs.
func (s *Set) Validate(name string, config json.RawMessage) error {
	c, err := s.Checker(name)
	if err != nil {
		return err
	}
	_, own, err := split(config)
	if err != nil {
		return err
	}
	defaults := c.Spec().Config
	if defaults == nil {
		defaults = struct{}{}
	}
	v := reflect.New(reflect.TypeOf(defaults))
	v.Elem().Set(reflect.ValueOf(defaults))
	return Decode(own, v.Interface())
}
