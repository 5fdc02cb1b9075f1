// Package generic parses alerts of senders that have no driver of their own: plain name-and-status bodies, lists of them, and
// the shapes of many monitoring services as far as their members can be told by name.
package generic

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// maxSource is the length in bytes up to which a payload's own source is taken.
const maxSource = 100

// Driver parses any object that names an alert in a way it knows.
type Driver struct{}

var (
	_ drivers.Driver    = Driver{}
	_ drivers.Describer = Driver{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Name is "generic".
func (Driver) Name() string { return "generic" }

// Detect takes a list of alerts, a name or title, or an envelope of Amazon SNS. Parse takes more, for whoever names the
// driver in the address.
func (d Driver) Detect(o doc.Object) bool { return d.Missing(o) == "" }

// Missing says what Detect did not find.
func (Driver) Missing(o doc.Object) string {
	if o.IsList("alerts") || o.First("name", "alert_name", "title", "alertname", "alertName") != "" || isSNS(o) {
		return ""
	}
	return "no list alerts, and no name, alert_name or title"
}

// Parse makes one observation of each item of alerts, or one of the body itself.
func (d Driver) Parse(o doc.Object) (event.Parsed, error) {
	p := event.Parsed{
		Source:      source(o),
		Version:     o.Str("version"),
		GroupKey:    o.First("group_key", "groupKey"),
		Receiver:    o.First("receiver"),
		ExternalURL: shape.Link(o.First("external_url", "externalURL")),
	}
	if items, ok := o.List("alerts"); ok && len(items) > 0 {
		parseList(&p, o, items)
		return p, nil
	}
	if isSNS(o) {
		return parseSNS(o)
	}
	f, ok := subject(o)
	if !ok {
		return event.Parsed{}, drivers.Malformed(d.Name(), "no list of alerts, and no name, alert_name, title, summary or message")
	}
	obs := observation(f)
	obs.Source, obs.VendorGroupKey = p.Source, p.GroupKey
	shape.Add(&p, obs)
	return p, nil
}

// source returns the payload's own source unless it is reserved or no name at all.
func source(o doc.Object) string {
	s := o.First("source")
	if !o.IsStr("source") || len(s) > maxSource || drivers.ReservedSource(s) || strings.ContainsAny(s, "\r\n\t") {
		return ""
	}
	return s
}

// parseList takes the items one by one. An item that says no state has that of the body.
func parseList(p *event.Parsed, o doc.Object, items []doc.Value) {
	for i, item := range items {
		in, ok := item.Obj()
		if !ok {
			shape.Reject(p, i, shape.NoObject(item))
			continue
		}
		f := shape.NewFields(nil, in)
		if f.Str(names[:]...) == "" && !in.HasAny("labels", "annotations", "fingerprint") {
			shape.Reject(p, i, "has no name, title, message, labels, annotations or fingerprint")
			continue
		}
		obs := observation(f)
		if _, known := stated(f); !known {
			if s, known := shape.State(o.First("status", "state")); known {
				obs.Status = s
			}
		}
		obs.Index, obs.Source, obs.VendorGroupKey = i, p.Source, p.GroupKey
		if s := source(in); s != "" {
			obs.Source = s
		}
		shape.Add(p, obs)
	}
}
