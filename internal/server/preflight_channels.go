package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/generic"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// switches are the drivers whose settings can say that nothing is sent.
var switches = map[string]channel.Switch{generic.Name: generic.Driver{}}

// channelRow is an active channel, and how it does.
type channelRow struct {
	Name, Driver string
	Config       storage.JSON[json.RawMessage]
	Failing      bool
	Error        string
}

// channels says whether messages reach people.
func (i *inspection) channels(ctx context.Context, _ error) {
	const group, name = "pipeline", "active_channel"
	if !i.ready(ctx) {
		return
	}
	var rows []channelRow
	err := i.db.Read(ctx).Raw(`SELECT c.name, c.driver, c.config, t.channel_id IS NOT NULL AS failing, COALESCE(t.error, '') AS error
		FROM channels c LEFT JOIN channel_troubles t ON t.channel_id = c.id WHERE c.tenant_id = ? AND c.is_active ORDER BY c.name`, tenant).Scan(&rows).Error
	if err != nil {
		i.add(group, name, preflight.Error, "The channels cannot be read: "+fault.Public(err), "")
		return
	}
	if len(rows) == 0 {
		i.add(group, name, preflight.Warn, "No channel is active: nobody is told", "make one: Channels, or incidenthub apply")
		return
	}
	reach := 0
	for _, c := range rows {
		why := off(c.Driver, c.Config.V)
		switch {
		case c.Driver == notify.InboxName || c.Driver == "console":
		case why != "":
			i.add(group, "channel_off", preflight.Warn, fmt.Sprintf("Channel %q is active and sends nothing: %s", c.Name, why), "change its settings, or deactivate it")
		case c.Failing:
			text := fmt.Sprintf("Channel %q is failing: nothing that it was to be told went through lately", c.Name)
			if c.Error != "" {
				text += "; the last said: " + strings.TrimSuffix(c.Error, ".")
			}
			i.add(group, "channel_failing", preflight.Error, text, "incidenthub channel test "+c.Name)
		default:
			reach++
		}
	}
	switch reach {
	case 0:
		i.add(group, name, preflight.Warn, "No channel reaches people now: messages only go to the hub itself", "make a channel that reaches people: Slack, e-mail, PagerDuty, a webhook")
	case 1:
		i.add(group, name, preflight.OK, "1 channel reaches people", "")
	default:
		i.add(group, name, preflight.OK, fmt.Sprintf("%d channels reach people", reach), "")
	}
}

// off says why the settings of a channel have nothing sent, "" when it sends.
func off(driver string, config json.RawMessage) string {
	if s := switches[driver]; s != nil {
		return s.Off(config)
	}
	return ""
}

// namedChannels looks whether the channels that active pipelines name are there, and told something.
func (i *inspection) namedChannels(ctx context.Context, _ error) {
	const group, name = "pipeline", "named_channel"
	if !i.ready(ctx) {
		return
	}
	var rows []struct {
		Name, Driver string
		Config       storage.JSON[json.RawMessage]
		IsActive     bool
	}
	var list []orchestration.Definition
	err := i.db.Read(ctx).Raw("SELECT name, driver, config, is_active FROM channels WHERE tenant_id = ?", tenant).Scan(&rows).Error
	if err == nil {
		err = i.db.Read(ctx).Select("name", "config", "is_active").Where("tenant_id = ? AND is_active = ? AND deleted_at IS NULL", tenant, true).Find(&list).Error
	}
	if err != nil {
		i.add(group, name, preflight.Error, "The channels of the pipelines cannot be read: "+fault.Public(err), "")
		return
	}
	told := map[string]bool{notify.InboxName: true} // it may be still to come: the first start makes it
	for _, c := range rows {
		told[c.Name] = c.IsActive && off(c.Driver, c.Config.V) == ""
	}
	vain := orchestration.VainUses(list, told)
	for _, u := range vain {
		level, hint := preflight.Warn, "make a channel of this name, or change the pipeline"
		if u.Exists {
			hint = "activate the channel, or change the pipeline"
		} else if u.Alone {
			level = preflight.Error
		}
		i.add(group, name, level, capital(u.Words), hint)
	}
	if len(vain) == 0 && len(orchestration.ChannelUses(list)) > 0 {
		i.add(group, name, preflight.OK, "The channels that active pipelines name are there", "")
	}
}

// capital makes the first letter of a sentence one; it is plain.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
