package graph

import (
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
)

// NotifyConfig configures a notify node. Without `on` it tells what fires: new, changed and returning trouble.
type NotifyConfig struct {
	Channels               []string       `json:"channels,omitempty" jsonschema:"description=Channel names. * means every active channel\\, also those made later."`
	Drivers                []string       `json:"drivers,omitempty" jsonschema:"description=Every active channel of these drivers."`
	Driver                 string         `json:"driver,omitempty" jsonschema:"description=The same for one driver."`
	Template               string         `json:"template,omitempty" jsonschema:"description=Not used in this release: the channel's own template counts."`
	IncludeRecommendations *bool          `json:"include_recommendations,omitempty" jsonschema:"description=Put the analysis into the message.,default=true"`
	MinSeverity            event.Severity `json:"min_severity,omitempty" jsonschema:"description=Tell only incidents at least this bad.,enum=info,enum=warning,enum=critical"`
	On                     IDs            `json:"on,omitempty" jsonschema:"description=What to tell: firing\\, updated\\, resolved. Default firing and updated."`
}

// AllChannels in NotifyConfig.Channels means every active channel.
const AllChannels = "*"

// What a notify node can tell.
const (
	OnFiring   = "firing"
	OnUpdated  = "updated"
	OnResolved = "resolved"
)

// Tells reports whether the node tells that kind of change.
func (c *NotifyConfig) Tells(what string) bool {
	if len(c.On) == 0 {
		return what != OnResolved
	}
	return slices.Contains(c.On, what)
}

// AllDrivers returns drivers and driver as one list.
func (c *NotifyConfig) AllDrivers() []string {
	if c.Driver == "" || slices.Contains(c.Drivers, c.Driver) {
		return c.Drivers
	}
	return append(slices.Clone(c.Drivers), c.Driver)
}

func notifySpec(known Known) NodeSpec {
	return NodeSpec{
		Type: "notify", Doc: "Tells people: one delivery per channel, exactly once per event.",
		Config: NotifyConfig{}, DefaultRequired: true, Stage: "notified", Notifies: true,
		Check: func(cfg any, _ func(string) bool) []Problem { return checkNotify(cfg.(*NotifyConfig), known) },
	}
}

func checkNotify(c *NotifyConfig, known Known) []Problem {
	var out []Problem
	if len(c.Channels) == 0 && len(c.AllDrivers()) == 0 {
		out = append(out, problemAt("", "nobody would be told: neither channels nor drivers are given", `write "channels": ["*"] for every active channel`))
	}
	for i, name := range c.Channels {
		switch {
		case name == "":
			out = append(out, problemAt(joinIndex("/channels", i), "the channel name is empty", ""))
		case name == AllChannels && len(c.Channels) > 1:
			out = append(out, warningAt(joinIndex("/channels", i), `"*" already means every active channel`, "remove the other names"))
		case name != AllChannels && known.Channels != nil && !slices.Contains(known.Channels, name):
			out = append(out, warningAt(joinIndex("/channels", i), "there is no channel "+quoteAll([]string{name})+" yet", didYouMean(name, known.Channels)))
		}
	}
	out = append(out, unknownNames("/drivers", "channel driver", c.Drivers, known.ChannelDrivers, SeverityError, "")...)
	if c.Driver != "" && known.ChannelDrivers != nil && !slices.Contains(known.ChannelDrivers, c.Driver) {
		out = append(out, problemAt("/driver", "unknown channel driver "+quoteAll([]string{c.Driver}), didYouMean(c.Driver, known.ChannelDrivers)))
	}
	if c.MinSeverity != "" && c.MinSeverity.Rank() == 0 {
		words := []string{string(event.SeverityInfo), string(event.SeverityWarning), string(event.SeverityCritical)}
		out = append(out, problemAt("/min_severity", "unknown severity "+quoteAll([]string{string(c.MinSeverity)}), didYouMean(string(c.MinSeverity), words)))
	}
	out = append(out, unknownNames("/on", "event", c.On, []string{OnFiring, OnUpdated, OnResolved}, SeverityError, "")...)
	if c.On != nil && len(c.On) == 0 {
		out = append(out, problemAt("/on", "an empty list tells nothing", "leave it out to tell firing incidents"))
	}
	return out
}
