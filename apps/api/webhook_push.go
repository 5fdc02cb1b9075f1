package api

import (
	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
)

// NewPush is a webhook's body on its way in by a source entry, as its driver read it: what the door, reprocessing, samples and rehearsals
// have in common. driver is the one that was asked for, "" for none.
func NewPush(entry sources.Entry, driver string, body []byte, parsed alerts.Parsed) *orchestration.Push {
	p := &orchestration.Push{
		Tenant: entry.Tenant, On: "webhook", Origin: orchestration.OriginWebhook, Driver: parsed.Driver, Body: body, Parsed: parsed.Parsed,
		Unusable: parsed.Unusable,
		Entry: orchestration.Entry{
			ID: entry.ID, Name: entry.Name, SourceName: entry.SourceName, GroupBy: entry.GroupBy.Labels, VendorGroup: entry.GroupBy.Vendor,
		},
	}
	if p.Driver == "" {
		p.Driver = driver
	}
	return p
}
