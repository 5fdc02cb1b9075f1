package orchestration

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
)

// ErrChannelNamed says that a channel is not deleted because active pipelines name it, as one that others fall back on is not.
var ErrChannelNamed = errors.New("active pipelines name it; change them first, or switch the channel off instead")

// maxUses bounds what is said of the pipelines that name a channel.
const maxUses = 20

// ChannelUse is a channel that the newest version of a pipeline names.
type ChannelUse struct {
	Channel, Pipeline string
	IsActive          bool // the pipeline
	// Alone: a step names neither another channel nor a driver, so that without this one it tells nobody, and fails.
	Alone bool
}

// ChannelUses lists the channels that definitions name, each once a definition: those of active ones first, by the names of pipelines and channels.
// A step that tells every channel depends on none.
func ChannelUses(list []Definition) []ChannelUse {
	var out []ChannelUse
	for _, d := range list {
		for name, alone := range channelsOf(d.Config.V) {
			out = append(out, ChannelUse{Channel: name, Pipeline: d.Name, IsActive: d.IsActive, Alone: alone})
		}
	}
	slices.SortFunc(out, func(a, b ChannelUse) int {
		if a.IsActive != b.IsActive {
			if a.IsActive {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Pipeline, b.Pipeline), cmp.Compare(a.Channel, b.Channel))
	})
	return out
}

// channelsOf are the channels that a definition's text names, and whether a step names that one alone.
func channelsOf(config json.RawMessage) map[string]bool {
	var shape struct {
		Nodes []struct {
			Type   string          `json:"type"`
			Config json.RawMessage `json:"config"`
		} `json:"nodes"`
	}
	if json.Unmarshal(config, &shape) != nil {
		return nil // a stored config has passed the lint; anything else tells nobody
	}
	out := map[string]bool{}
	for _, n := range shape.Nodes {
		var c graph.NotifyConfig
		if n.Type != "notify" || json.Unmarshal(n.Config, &struct {
			Channels *[]string `json:"channels"`
			Drivers  *[]string `json:"drivers"`
			Driver   *string   `json:"driver"`
		}{&c.Channels, &c.Drivers, &c.Driver}) != nil || slices.Contains(c.Channels, graph.AllChannels) {
			continue
		}
		slices.Sort(c.Channels)
		names := slices.Compact(c.Channels)
		for _, name := range names {
			out[name] = out[name] || len(names) == 1 && len(c.AllDrivers()) == 0
		}
	}
	return out
}

// Missing says in a sentence that the pipeline names a channel that there is not.
func (u ChannelUse) Missing() string { return u.words("which does not exist") }

// Quiet says in a sentence that the pipeline names a channel that is told nothing.
func (u ChannelUse) Quiet() string { return u.words("which is told nothing") }

func (u ChannelUse) words(what string) string {
	switch {
	case !u.IsActive:
		return fmt.Sprintf("pipeline %q, which is not active, names %q, %s", u.Pipeline, u.Channel, what)
	case u.Alone:
		return fmt.Sprintf("pipeline %q names %q, %s: its messages go nowhere", u.Pipeline, u.Channel, what)
	default:
		return fmt.Sprintf("pipeline %q names %q, %s, and others: only the others are told", u.Pipeline, u.Channel, what)
	}
}

// leftBehind says in a sentence that the name is gone that the pipeline has for a channel.
func (u ChannelUse) leftBehind() string {
	switch {
	case !u.IsActive:
		return fmt.Sprintf("pipeline %q, which is not active, names %q: change it before it is activated", u.Pipeline, u.Channel)
	case u.Alone:
		return fmt.Sprintf("pipeline %q names %q: change it, or its messages go nowhere", u.Pipeline, u.Channel)
	default:
		return fmt.Sprintf("pipeline %q names %q and others: change it, or only the others are told", u.Pipeline, u.Channel)
	}
}

// ChannelChange is what pipelines notice of a change of a channel.
type ChannelChange struct {
	Was  string // its name before; "": it is new
	Now  string // its name; "": it is deleted
	Told bool   // whether it is told what it is meant for
}

// Matters reports whether pipelines that name the channel may be the worse for the change.
func (c ChannelChange) Matters() bool { return c.Was != "" && c.Was != c.Now || !c.Told }

// Warnings say, a sentence each, what the change means for those of the definitions that name the channel.
func (c ChannelChange) Warnings(list []Definition) []string {
	var out []string
	for _, u := range ChannelUses(list) {
		switch {
		case u.Channel == c.Was && c.Was != c.Now:
			out = append(out, u.leftBehind())
		case u.Channel == c.Now && !c.Told:
			out = append(out, u.Quiet())
		}
	}
	if more := len(out) - maxUses; more > 0 {
		out = append(out[:maxUses], fmt.Sprintf("%d more pipelines name it", more))
	}
	return out
}

// ChannelFree is ErrChannelNamed, with their names, when active ones among the definitions name a channel.
func ChannelFree(list []Definition, channel string) error {
	var names []string
	for _, u := range ChannelUses(list) {
		if u.IsActive && u.Channel == channel {
			names = append(names, u.Pipeline)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrChannelNamed, strings.Join(names[:min(len(names), maxUses)], ", "))
}

// VainUse is a channel that a pipeline names in vain.
type VainUse struct {
	ChannelUse
	Exists bool   // it is there, and told nothing
	Words  string // in a sentence
}

// VainUses lists what definitions name in vain. told has the channels that there are, and whether each is told what it is meant for.
func VainUses(list []Definition, told map[string]bool) []VainUse {
	var out []VainUse
	for _, u := range ChannelUses(list) {
		switch is, exists := told[u.Channel]; {
		case !exists:
			out = append(out, VainUse{u, false, u.Missing()})
		case !is:
			out = append(out, VainUse{u, true, u.Quiet()})
		}
	}
	return out
}
