package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Active returns every active channel of all tenants, ready to send: what the cache Channels loads. A channel whose settings are of
// no use any more is among them; its Send fails for good and says why, so that its messages end in the log and not in the void.
func (s *ChannelService) Active(ctx context.Context) ([]*Live, error) {
	var rows []Channel
	if err := s.db.From(ctx).Where("is_active = ?", true).Order("tenant_id, name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load the active channels: %w", storage.Classify(err))
	}
	secrets, err := s.secrets.Owned(ctx, secretOwner)
	if err != nil {
		return nil, err
	}
	live := make([]*Live, len(rows))
	for i, c := range rows {
		l := &Live{ID: c.ID, Tenant: c.TenantID, Name: c.Name, Driver: c.Driver, MinSeverity: c.MinSeverity}
		l.Renotify, l.Fallback, l.FallbackAfter = seconds(c.RenotifyS), c.FallbackID, seconds(c.FallbackAfterS)
		l.Throttle = c.throttle()
		l.Off = s.off(c.Driver, c.Config.V)
		l.Spec, l.Channel, err = s.open(c, secrets[c.ID])
		if err != nil {
			s.log.WarnContext(ctx, "channel is not usable", "channel_id", c.ID, "name", c.Name, "error", err.Error())
			l.Channel = broken{err.Error()}
		}
		live[i] = l
	}
	return live, nil
}

// open makes the channel of a row. Its errors hold no value of a setting.
func (s *ChannelService) open(c Channel, secrets map[string]secret.String) (channel.Spec, channel.Channel, error) {
	d, err := s.drivers.Driver(c.Driver)
	if err != nil {
		return channel.Spec{Name: c.Driver}, nil, err
	}
	spec := d.Spec()
	plain, ok := settings.Read(c.Config.V)
	if !ok {
		return spec, nil, channel.Bad("", "must be a JSON object")
	}
	full, missing, err := settings.Reveal(spec.Fields(), plain, secrets)
	if err != nil {
		return spec, nil, channel.Bad("", "cannot be written as JSON")
	}
	if len(missing) > 0 {
		return spec, nil, channel.Bad(strings.Join(missing, ", "), "the secret is missing in the store; enter it again")
	}
	opened, err := d.New(full)
	if err != nil {
		return spec, nil, &Invalid{Problems: configProblems(settings.Complaints(err))}
	}
	return spec, opened, nil
}

// off says why a channel with these settings sends nothing, "" when it sends.
func (s *ChannelService) off(driver string, config json.RawMessage) string {
	d, err := s.drivers.Driver(driver)
	if err != nil {
		return ""
	}
	if sw, ok := d.(channel.Switch); ok {
		return sw.Off(config)
	}
	return ""
}

// classBadConfig is the error class of channels that cannot be used.
const classBadConfig = "bad_config"

// broken stands for a channel whose settings are of no use.
type broken struct{ why string }

// Render implements channel.Channel.
func (broken) Render(n channel.Notice) (channel.Rendered, error) {
	return channel.Document(map[string]string{"title": n.Title, "message": n.Text, "severity": n.Severity})
}

// Send implements channel.Channel.
func (b broken) Send(context.Context, channel.Outgoing) channel.Result {
	return channel.Result{Verdict: channel.Permanent, Class: classBadConfig, Error: "the channel's settings are not usable: " + b.why}
}
