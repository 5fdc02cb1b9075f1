// Package drivers is the contract of the webhook parsers: each vendor's folder turns that vendor's bodies into observations.
package drivers

import (
	"errors"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Driver turns one vendor's webhook body into observations. It holds no state and is safe for concurrent use.
type Driver interface {
	Name() string                             // stored with each alert: lower case, never changed
	Detect(d doc.Object) bool                 // by shape, on the body decoded once; cheap, no side effects
	Parse(d doc.Object) (event.Parsed, error) // observations in body order, possibly none; else wraps ErrMalformed
}

// Describer is a Driver that can say why Detect refused a body.
type Describer interface {
	// Missing says in a few words what a body lacks to be detected, "" if nothing.
	Missing(d doc.Object) string
}

// ErrMalformed marks a body that is not of the driver's shape. The text after it says what was missing.
var ErrMalformed = errors.New("body does not have the driver's shape")

// Malformed returns an error that wraps ErrMalformed for the driver called name; why says what was missing.
func Malformed(name, why string) error {
	return fmt.Errorf("%s: %w: %s", name, ErrMalformed, why)
}

// ReservedSource reports whether a payload must not call itself by this source: it is a driver's or the hub's own.
func ReservedSource(name string) bool {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "pagerduty", "opsgenie", "cluster", "newrelic", "zabbix", "datadog", "grafana", "alertmanager", "generic",
		"check", "checks", "monitor", "monitors", "workload", "workloads", "hub", "incidenthub":
		return true
	default:
		return false
	}
}
