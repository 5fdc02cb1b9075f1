package analysts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// secretOwner names this app's rows in the secrets table.
const secretOwner = "providers"

func (s *Service) stored(ctx context.Context, r Record) (settings.Stored, error) {
	secrets, err := s.secrets.All(ctx, r.TenantID, secretOwner, r.ID)
	if err != nil {
		return settings.Stored{}, err
	}
	was, _ := settings.Read(r.Config.V) // what was stored was an object
	return settings.Stored{Settings: was, Secrets: secrets}, nil
}

func (s *Service) putSecrets(ctx context.Context, r Record, set settings.Settled) error {
	return set.Keep(func(field string, value secret.String) error {
		return s.secrets.Put(ctx, r.TenantID, secretOwner, r.ID, field, value)
	})
}

// settle brings given settings together with the stored secrets and checks the result.
func (s *Service) settle(kind string, config json.RawMessage, was settings.Stored) (settings.Settled, []Problem) {
	spec, ok := s.kinds.Spec(kind)
	if !ok || len(spec.Fields) == 0 {
		return settings.Settled{}, []Problem{{"provider", s.unknown(kind, ok)}}
	}
	set, found := settings.Plugin{
		Fields: spec.Fields, CheckURL: func(raw string) error { return checkURL(s.urls, raw) },
		New: func(full json.RawMessage) error { _, err := s.kinds.Make(kind, full); return err },
	}.Settle(config, was)
	return set, problems(found)
}

func (s *Service) unknown(kind string, known bool) string {
	var names []string
	for _, spec := range s.Kinds() {
		names = append(names, spec.Name)
	}
	list := strings.Join(names, ", ")
	if known {
		return fmt.Sprintf("%s needs no settings: it answers when no provider is active; available are %s", kind, list)
	}
	return fmt.Sprintf("unknown provider %q; available are %s", clip(kind), list)
}

// checkURL takes no parameters: the vendor's own path goes behind the address, and a key in it would be shown wherever the address is.
// An address may be written without its scheme, as some servers' own settings have it.
func checkURL(urls URLChecker, raw string) error {
	if u, err := url.Parse(raw); err == nil && (u.RawQuery != "" || u.ForceQuery || u.Fragment != "") {
		return errors.New("leave out everything from ? or # on; the key has a setting of its own")
	}
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	return urls.CheckURL(raw)
}
