// Package registry knows the drivers: by name, and by the shape of a body.
package registry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/alertmanager"
	"github.com/incidenthub/incidenthub/drivers/datadog"
	"github.com/incidenthub/incidenthub/drivers/generic"
	"github.com/incidenthub/incidenthub/drivers/grafana"
	"github.com/incidenthub/incidenthub/drivers/newrelic"
	"github.com/incidenthub/incidenthub/drivers/opsgenie"
	"github.com/incidenthub/incidenthub/drivers/pagerduty"
	"github.com/incidenthub/incidenthub/drivers/zabbix"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// What Get and Detect do not find.
var (
	ErrUnknown      = errors.New("unknown driver")
	ErrUnrecognised = errors.New("no driver recognises this body")
)

// Builtin returns the product's drivers in detection order: the most specific shapes first, generic last. Grafana's unified
// body is Alertmanager's with more in it, and a New Relic issue has the title and state that Grafana's legacy body has.
func Builtin() []drivers.Driver {
	return []drivers.Driver{
		pagerduty.New(), opsgenie.New(), newrelic.New(), zabbix.New(), datadog.New(), grafana.New(), alertmanager.New(), generic.New(),
	}
}

// Registry holds drivers in detection order. It is immutable and safe for concurrent use.
type Registry struct {
	order  []drivers.Driver
	byName map[string]drivers.Driver
}

// New returns a registry that detects in the order given. A name given twice is an error.
func New(list ...drivers.Driver) (*Registry, error) {
	r := &Registry{order: list, byName: make(map[string]drivers.Driver, len(list))}
	for _, d := range list {
		name := d.Name()
		if name == "" || name != strings.ToLower(name) {
			return nil, fmt.Errorf("driver registry: %q is no lower-case name", name)
		}
		if _, taken := r.byName[name]; taken {
			return nil, fmt.Errorf("driver registry: %q is given twice", name)
		}
		r.byName[name] = d
	}
	return r, nil
}

// Names returns the names in detection order.
func (r *Registry) Names() []string {
	names := make([]string, 0, len(r.order))
	for _, d := range r.order {
		names = append(names, d.Name())
	}
	return names
}

// Get returns the driver of that name, or an error that wraps ErrUnknown and lists the names there are.
func (r *Registry) Get(name string) (drivers.Driver, error) {
	if d, ok := r.byName[name]; ok {
		return d, nil
	}
	return nil, fmt.Errorf("%w %q; known are %s", ErrUnknown, name, strings.Join(r.Names(), ", "))
}

// Detect returns the first driver that recognises the body, or an *UnrecognisedError.
func (r *Registry) Detect(d doc.Object) (drivers.Driver, error) {
	for _, drv := range r.order {
		if drv.Detect(d) {
			return drv, nil
		}
	}
	e := &UnrecognisedError{}
	for _, drv := range r.order {
		m := Miss{Driver: drv.Name()}
		if describer, ok := drv.(drivers.Describer); ok {
			m.Missing = describer.Missing(d)
		}
		e.Tried = append(e.Tried, m)
	}
	return nil, e
}

// Find returns the driver called name, or with an empty name the one that detects the body.
func (r *Registry) Find(name string, d doc.Object) (drivers.Driver, error) {
	if name != "" {
		return r.Get(name)
	}
	return r.Detect(d)
}

// Miss tells what a driver did not find in a body; Missing may be empty.
type Miss struct{ Driver, Missing string }

// UnrecognisedError lists the drivers that were tried on a body, in order. It wraps ErrUnrecognised.
type UnrecognisedError struct{ Tried []Miss }

// Error names each driver with what it missed.
func (e *UnrecognisedError) Error() string {
	tried := make([]string, 0, len(e.Tried))
	for _, m := range e.Tried {
		if m.Missing != "" {
			m.Driver += " (" + m.Missing + ")"
		}
		tried = append(tried, m.Driver)
	}
	return ErrUnrecognised.Error() + "; tried " + strings.Join(tried, ", ")
}

// Unwrap returns ErrUnrecognised.
func (e *UnrecognisedError) Unwrap() error { return ErrUnrecognised }
