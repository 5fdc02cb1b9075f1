package notify

import (
	"context"
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// secretOwner names this app's rows in the secrets table.
const secretOwner = "channels"

func (s *ChannelService) stored(ctx context.Context, c Channel) (settings.Stored, error) {
	secrets, err := s.secrets.All(ctx, c.TenantID, secretOwner, c.ID)
	if err != nil {
		return settings.Stored{}, err
	}
	was, _ := settings.Read(c.Config.V) // what was stored was an object
	return settings.Stored{Settings: was, Secrets: secrets}, nil
}

func (s *ChannelService) putSecrets(ctx context.Context, c Channel, set settings.Settled) error {
	return set.Keep(func(field string, value secret.String) error {
		return s.secrets.Put(ctx, c.TenantID, secretOwner, c.ID, field, value)
	})
}

// settle brings given settings together with the stored secrets and checks the result.
func (s *ChannelService) settle(driver string, config json.RawMessage, was settings.Stored) (settings.Settled, []Problem) {
	d, err := s.drivers.Driver(driver)
	if err != nil {
		return settings.Settled{}, []Problem{{"driver", err.Error()}}
	}
	if n, ok := d.(channel.Normalizer); ok && len(config) > 0 {
		if config, err = n.Normalize(config); err != nil {
			return settings.Settled{}, configProblems(settings.Complaints(err))
		}
	}
	set, found := settings.Plugin{
		Fields: d.Spec().Fields(), CheckURL: s.urls.CheckURL,
		New: func(full json.RawMessage) error { _, err := d.New(full); return err },
	}.Settle(config, was)
	return set, configProblems(found)
}

func configProblems(found []*settings.KeyError) []Problem {
	p := make([]Problem, 0, len(found))
	for _, k := range found {
		p = append(p, Problem{k.At(), k.Message})
	}
	return p
}
