// Package alertmanager parses the webhooks of Prometheus Alertmanager, and of what speaks its format (vmalert, Mimir, Thanos).
package alertmanager

import (
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Driver parses bodies of Alertmanager's webhook_config, versions 3 and 4.
type Driver struct{}

var (
	_ drivers.Driver    = Driver{}
	_ drivers.Describer = Driver{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Name is "alertmanager".
func (Driver) Name() string { return "alertmanager" }

// Detect takes a list of alerts with a group status and a member that only groups have.
func (d Driver) Detect(o doc.Object) bool { return d.Missing(o) == "" }

// Missing says what Detect did not find.
func (Driver) Missing(o doc.Object) string {
	switch {
	case !o.IsList("alerts"):
		return "no list alerts"
	case !o.IsStr("status"):
		return "no text status beside alerts"
	case !o.HasAny("groupKey", "receiver", "groupLabels", "commonLabels"):
		return "none of groupKey, receiver, groupLabels, commonLabels"
	default:
		return ""
	}
}

// Parse makes one observation of each item of alerts. It asks for no more than that list.
func (d Driver) Parse(o doc.Object) (event.Parsed, error) {
	items, ok := o.List("alerts")
	if !ok {
		return event.Parsed{}, drivers.Malformed(d.Name(), "alerts is not a list but "+o.Get("alerts").Kind().String())
	}
	if len(items) == 0 {
		return event.Parsed{}, drivers.Malformed(d.Name(), "alerts is empty")
	}
	return shape.AlertList(o, items, ""), nil
}
