package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// secretOwner names this app's rows in the secrets table. Fields are a setting's key, or key.name inside a map.
const secretOwner = "channels"

// stored is what a channel has before a change: settings with masks, and the secrets behind them.
type stored struct {
	settings map[string]any
	secrets  map[string]secret.String
}

// settled is what a change leads to.
type settled struct {
	config  json.RawMessage          // with masks, to store and to show
	secrets map[string]secret.String // all of them
	was     map[string]secret.String
}

func (s *ChannelService) stored(ctx context.Context, c Channel) (stored, error) {
	secrets, err := s.secrets.All(ctx, c.TenantID, secretOwner, c.ID)
	if err != nil {
		return stored{}, err
	}
	settings, _ := readSettings(c.Config.V) // what was stored was an object
	return stored{settings: settings, secrets: secrets}, nil
}

func (s *ChannelService) putSecrets(ctx context.Context, c Channel, set settled) error {
	for field := range set.was {
		if _, ok := set.secrets[field]; !ok {
			if err := s.secrets.Delete(ctx, c.TenantID, secretOwner, c.ID, field); err != nil {
				return err
			}
		}
	}
	for field, value := range set.secrets {
		if value.Equal(set.was[field]) {
			continue
		}
		if err := s.secrets.Put(ctx, c.TenantID, secretOwner, c.ID, field, value); err != nil {
			return err
		}
	}
	return nil
}

// settle brings given settings together with the stored secrets and checks the result.
func (s *ChannelService) settle(driver string, config json.RawMessage, was stored) (settled, []Problem) {
	d, err := s.drivers.Driver(driver)
	if err != nil {
		return settled{}, []Problem{{"driver", err.Error()}}
	}
	if n, ok := d.(channel.Normalizer); ok && len(config) > 0 {
		if config, err = n.Normalize(config); err != nil {
			return settled{}, configProblems(err)
		}
	}
	given, ok := readSettings(config)
	if !ok {
		return settled{}, []Problem{{"config", "must be a JSON object"}}
	}
	w := weaver{spec: d.Spec(), was: was, given: given, secrets: map[string]secret.String{}}
	w.weave()
	full, _, err := reveal(w.spec, given, w.secrets)
	if err != nil {
		return settled{}, []Problem{{"config", "cannot be written as JSON"}}
	}
	problems := w.problems
	if _, err := d.New(full); err != nil {
		problems = append(problems, configProblems(err)...)
	}
	problems = append(problems, s.checkAddresses(w.spec, given, was.settings, problems)...)
	problems = append(problems, w.moved()...)
	masked, err := channel.Encode(given)
	if err != nil {
		return settled{}, []Problem{{"config", "cannot be written as JSON"}}
	}
	return settled{config: masked, secrets: w.secrets, was: was.secrets}, problems
}

// checkAddresses asks the address guard about every URL that is new and that the driver itself has nothing against. One that was there
// before is looked at when something is sent: a channel whose address is no longer allowed can still be described and switched off.
func (s *ChannelService) checkAddresses(spec channel.Spec, given, was map[string]any, found []Problem) []Problem {
	var p []Problem
	for _, f := range spec.Fields() {
		raw, _ := given[f.Key].(string)
		field := "config." + f.Key
		if before, _ := was[f.Key].(string); f.Type != channel.FieldURL || raw == "" || raw == before || slices.ContainsFunc(found, func(have Problem) bool { return have.Field == field }) {
			continue
		}
		if err := s.urls.CheckURL(strings.TrimSpace(raw)); err != nil {
			p = append(p, Problem{field, err.Error()})
		}
	}
	return p
}

func configProblems(err error) []Problem {
	var p []Problem
	for _, k := range channel.KeyErrors(err) {
		field := "config"
		if k.Key != "" {
			field += "." + k.Key
		}
		p = append(p, Problem{field, k.Message})
	}
	if len(p) == 0 {
		p = []Problem{{"config", "is not usable with this driver"}} // the text is not ours to judge: it may hold a value
	}
	return p
}

func readSettings(config json.RawMessage) (map[string]any, bool) {
	if config = bytes.TrimSpace(config); len(config) == 0 || bytes.Equal(config, []byte("null")) {
		return map[string]any{}, true
	}
	var m map[string]any
	if json.Unmarshal(config, &m) != nil {
		return nil, false
	}
	return m, true
}
