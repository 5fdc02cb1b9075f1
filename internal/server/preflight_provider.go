package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// provider looks at who is asked for analyses. Nobody is called.
func (i *inspection) provider(ctx context.Context, _ error) {
	const group, name = "pipeline", "active_provider"
	if !i.ready(ctx) {
		return
	}
	var active []struct{ Name, Provider, Config string }
	err := i.db.Read(ctx).Raw("SELECT name, provider, CAST(config AS TEXT) AS config FROM providers WHERE tenant_id = ? AND is_active", tenant).Scan(&active).Error
	switch {
	case err != nil:
		i.add(group, name, preflight.Error, "The providers cannot be read: "+fault.Public(err), "")
		return
	case len(active) == 0:
		i.add(group, name, preflight.Info, "No provider is active: the local analyzer answers", "")
		return
	}
	client, err := llm.NewHTTP(i.cfg.Egress.All(), clock.System())
	if err == nil {
		defer client.Close()
	}
	kinds, err2 := kindsOfProviders(i.cfg, client, nil, clock.System())
	if err != nil || err2 != nil {
		i.add(group, name, preflight.Error, "No provider can be asked with these settings", "look at HUB_EGRESS_ALLOW")
		return
	}
	one := active[0]
	model, warnings := analysts.Look(kinds, client, one.Provider, json.RawMessage(one.Config))
	if len(warnings) > 0 {
		i.add(group, name, preflight.Warn, fmt.Sprintf("Provider %q may not answer: %s", one.Name, strings.Join(warnings, "; ")),
			"see to it, and then: Providers, test; until then the local analyzer answers")
		return
	}
	i.add(group, name, preflight.OK, fmt.Sprintf("Provider %q is asked: %s, %s", one.Name, one.Provider, model), "")
}
