package analysts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Live is a record with its secrets, ready to be asked. It is not for showing or storing.
type Live struct {
	ID       id.ID
	Tenant   string
	Name     string
	Provider string
	IsActive bool
	Version  int64
	Config   json.RawMessage // whole, secrets and all
	Err      error           // why it cannot be asked: a secret is missing or cannot be opened. It holds no value
}

// String keeps secrets out of whatever is printed.
func (l Live) String() string { return l.Provider + "/" + l.Name }

// GoString does the same for %#v.
func (l Live) GoString() string { return l.String() }

// Open returns a record as it is stored now, ready to be asked.
func (s *Service) Open(ctx context.Context, tenant, ref string) (Live, error) {
	r, err := find(s.db.Read(ctx), tenant, ref)
	if err != nil {
		return Live{}, err
	}
	secrets, err := s.secrets.All(ctx, tenant, secretOwner, r.ID)
	return s.open(r, secrets, err), nil
}

// All returns every provider of all tenants, ready to be asked: what a Directory loads. One whose secrets are of no use is among them and
// says why.
func (s *Service) All(ctx context.Context) ([]Live, error) {
	var rows []Record
	if err := s.db.From(ctx).Order("tenant_id, name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load the providers: %w", storage.Classify(err))
	}
	secrets, err := s.secrets.Owned(ctx, secretOwner)
	if errors.Is(err, storage.ErrUnavailable) {
		return nil, err
	}
	live := make([]Live, len(rows))
	for i, r := range rows {
		own, bad := secrets[r.ID], error(nil)
		if err != nil { // of one of them: find out whose it is
			if own, bad = s.secrets.All(ctx, r.TenantID, secretOwner, r.ID); errors.Is(bad, storage.ErrUnavailable) {
				return nil, bad
			}
		}
		live[i] = s.open(r, own, bad)
		if live[i].Err != nil {
			s.log.WarnContext(ctx, "provider is not usable", "provider_id", r.ID, "name", r.Name, "error", live[i].Err.Error())
		}
	}
	return live, nil
}

func (s *Service) open(r Record, secrets map[string]secret.String, bad error) Live {
	l := Live{ID: r.ID, Tenant: r.TenantID, Name: r.Name, Provider: r.Provider, IsActive: r.IsActive, Version: r.Version}
	spec, known := s.kinds.Spec(r.Provider)
	plain, isObject := settings.Read(r.Config.V)
	switch {
	case bad != nil:
		l.Err = &unusable{fmt.Sprintf("the secrets of provider %q cannot be opened; enter them again", r.Name), bad}
	case !known:
		l.Err = &unusable{text: fmt.Sprintf("provider %q: this release has no provider %q", r.Name, clip(r.Provider))}
	case !isObject:
		l.Err = &unusable{text: fmt.Sprintf("provider %q: its settings are no JSON object; enter them again", r.Name)}
	default:
		full, missing, err := settings.Reveal(spec.Fields, plain, secrets)
		switch {
		case err != nil:
			l.Err = &unusable{fmt.Sprintf("provider %q: its settings cannot be written as JSON", r.Name), err}
		case len(missing) > 0:
			l.Err = &unusable{text: fmt.Sprintf("provider %q: %s is missing in the store; enter it again", r.Name, strings.Join(missing, ", "))}
		default:
			l.Config = full
		}
	}
	return l
}

// Directory holds the providers of all tenants in memory: analyses ask it, and must not wait for a database. Reload is called when the
// configuration's generation changes.
type Directory struct {
	load func(ctx context.Context) ([]Live, error)
	now  atomic.Pointer[map[string][]Live] // by tenant, in order of their names
}

// NewDirectory returns an empty directory over load, which gives every provider; Service.All fits.
func NewDirectory(load func(ctx context.Context) ([]Live, error)) *Directory {
	d := &Directory{load: load}
	d.now.Store(&map[string][]Live{})
	return d
}

// Reload reads the providers again; on an error the old ones stay.
func (d *Directory) Reload(ctx context.Context) error {
	all, err := d.load(ctx)
	if err != nil {
		return err
	}
	set := map[string][]Live{}
	for _, l := range slices.SortedStableFunc(slices.Values(all), func(a, b Live) int { return cmp.Compare(a.Name, b.Name) }) {
		set[l.Tenant] = append(set[l.Tenant], l)
	}
	d.now.Store(&set)
	return nil
}

// Active returns the active provider of a tenant; false: there is none.
func (d *Directory) Active(tenant string) (Live, bool) {
	return first((*d.now.Load())[tenant], func(l Live) bool { return l.IsActive })
}

// Find returns the provider of this name, or else one of this kind: the active one, or the first by name.
func (d *Directory) Find(tenant, name string) (Live, bool) {
	list := (*d.now.Load())[tenant]
	for _, fits := range []func(Live) bool{
		func(l Live) bool { return l.Name == name },
		func(l Live) bool { return l.Provider == name && l.IsActive },
		func(l Live) bool { return l.Provider == name },
	} {
		if l, ok := first(list, fits); ok {
			return l, true
		}
	}
	return Live{}, false
}

func first(list []Live, fits func(Live) bool) (Live, bool) {
	if i := slices.IndexFunc(list, fits); i >= 0 {
		return list[i], true
	}
	return Live{}, false
}
