package analysts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// Kinds are the kinds of providers; *registry.Registry fits.
type Kinds interface {
	Names() []string
	Spec(name string) (providers.Spec, bool)
	// Make returns a provider with its settings, or KeyErrors about them.
	Make(name string, config json.RawMessage) (providers.Provider, error)
}

// URLChecker looks at an address without calling it; *httpclient.Client fits.
type URLChecker interface {
	CheckURL(raw string) error
}

// Config holds what a Service needs; all but Changed is required.
type Config struct {
	DB      *storage.DB
	Secrets *secretstore.Store
	Kinds   Kinds
	URLs    URLChecker
	Log     *slog.Logger
	// Changed is called after each committed change in this process.
	Changed func()
}

// Service manages the providers of incident analyses. It is safe for concurrent use. Callers check permissions: edit for every write.
type Service struct {
	db      *storage.DB
	secrets *secretstore.Store
	kinds   Kinds
	urls    URLChecker
	log     *slog.Logger
	changed func()
}

// New returns a Service. It reads nothing.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Secrets == nil || c.Kinds == nil || c.URLs == nil || c.Log == nil {
		return nil, errors.New("analysts: DB, Secrets, Kinds, URLs and Log are required")
	}
	if c.Changed == nil {
		c.Changed = func() {}
	}
	return &Service{
		db: c.DB, secrets: c.Secrets, kinds: c.Kinds, urls: c.URLs, log: c.Log.With("app", "analysts"), changed: c.Changed,
	}, nil
}

// Kinds returns the kinds that a record can be of, by name, with the fields of their settings.
func (s *Service) Kinds() []providers.Spec {
	var out []providers.Spec
	for _, name := range s.kinds.Names() {
		if spec, ok := s.kinds.Spec(name); ok && len(spec.Fields) > 0 {
			out = append(out, spec)
		}
	}
	return out
}

// List returns the tenant's providers by name.
func (s *Service) List(ctx context.Context, tenant string) ([]Record, error) {
	list := []Record{}
	if err := s.db.Read(ctx).Where("tenant_id = ?", tenant).Order("name").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("list providers: %w", storage.Classify(err))
	}
	for i := range list {
		s.describe(&list[i])
	}
	return list, nil
}

// Get returns one provider by id or name.
func (s *Service) Get(ctx context.Context, tenant, ref string) (Record, error) {
	r, err := find(s.db.Read(ctx), tenant, ref)
	if err == nil {
		s.describe(&r)
	}
	return r, err
}

func find(db *gorm.DB, tenant, ref string) (Record, error) {
	q := db.Where("tenant_id = ?", tenant)
	if key, err := id.Parse(ref); err == nil {
		q = q.Where("id = ?", key)
	} else {
		q = q.Where("name = ?", ref)
	}
	var r Record
	if err := q.Take(&r).Error; err != nil {
		return Record{}, storage.Missing(err, fmt.Sprintf("provider %q", clip(ref)))
	}
	return r, nil
}

// Create adds a provider. An active one takes the place of the one that was.
func (s *Service) Create(ctx context.Context, tenant string, in RecordInput) (Record, error) {
	in = in.clean()
	p := in.check(s.kinds.Names())
	set, more := s.settle(in.Provider, in.Config, settings.Stored{})
	if err := invalid(append(p, more...)); err != nil {
		return Record{}, err
	}
	now := s.db.Now()
	r := Record{ID: id.New(), TenantID: tenant, Provider: in.Provider, Version: 1, CreatedAt: now, UpdatedAt: now}
	r.set(in, set)
	err := s.change(ctx, func(ctx context.Context) error {
		if err := s.makeWay(ctx, r); err != nil {
			return err
		}
		if err := s.db.From(ctx).Select("*").Create(&r).Error; err != nil {
			return err
		}
		return s.putSecrets(ctx, r, set)
	})
	if err != nil {
		return Record{}, fmt.Errorf("create provider %q: %w", r.Name, err)
	}
	s.log.InfoContext(ctx, "provider created", "provider_id", r.ID, "name", r.Name, "kind", r.Provider, "active", r.IsActive)
	s.describe(&r)
	return r, nil
}

// Update replaces what in holds, if the record still has that version (0: whatever version it has now).
func (s *Service) Update(ctx context.Context, tenant, ref string, version int64, in RecordInput) (Record, error) {
	in = in.clean()
	r, err := s.load(ctx, tenant, ref, version)
	if err != nil {
		return Record{}, err
	}
	was, err := s.stored(ctx, r)
	if err != nil {
		return Record{}, fmt.Errorf("update provider %q: %w", r.Name, err)
	}
	if in.Provider == "" {
		in.Provider = r.Provider
	}
	if in.Config == nil {
		in.Config = r.Config.V
	}
	p := in.check(s.kinds.Names())
	if in.Provider != r.Provider {
		p = append(p, Problem{"provider", "cannot be changed; make another record"})
	}
	set, more := s.settle(r.Provider, in.Config, was)
	if err := invalid(append(p, more...)); err != nil {
		return Record{}, err
	}
	r.set(in, set)
	err = s.change(ctx, func(ctx context.Context) error {
		if err := s.makeWay(ctx, r); err != nil {
			return err
		}
		if err := s.save(ctx, &r); err != nil {
			return err
		}
		return s.putSecrets(ctx, r, set)
	})
	if err != nil {
		return Record{}, fmt.Errorf("update provider %q: %w", clip(ref), err)
	}
	s.log.InfoContext(ctx, "provider updated", "provider_id", r.ID, "name", r.Name, "version", r.Version, "active", r.IsActive)
	s.describe(&r)
	return r, nil
}

// Activate has a provider asked from now on, and the one that was active not any more. Its settings are checked as by Update.
func (s *Service) Activate(ctx context.Context, tenant, ref string, version int64) (Record, error) {
	r, err := s.load(ctx, tenant, ref, version)
	if err != nil {
		return Record{}, err
	}
	in := InputOf(r)
	in.IsActive = true
	return s.Update(ctx, tenant, r.ID.String(), r.Version, in)
}

// Deactivate leaves analyses to the local analyzer. It looks at no setting: what is of no use can always be switched off.
func (s *Service) Deactivate(ctx context.Context, tenant, ref string, version int64) (Record, error) {
	r, err := s.load(ctx, tenant, ref, version)
	if err != nil {
		return Record{}, err
	}
	r.IsActive = false
	if err := s.change(ctx, func(ctx context.Context) error { return s.save(ctx, &r) }); err != nil {
		return Record{}, fmt.Errorf("deactivate provider %q: %w", r.Name, err)
	}
	s.log.InfoContext(ctx, "provider deactivated", "provider_id", r.ID, "name", r.Name, "version", r.Version)
	s.describe(&r)
	return r, nil
}

// Delete removes a provider with its secrets. What it wrote stays.
func (s *Service) Delete(ctx context.Context, tenant, ref string) error {
	var r Record
	err := s.change(ctx, func(ctx context.Context) error {
		var err error
		if r, err = find(s.db.From(ctx), tenant, ref); err != nil {
			return err
		}
		if err := s.db.From(ctx).Where("tenant_id = ? AND id = ?", tenant, r.ID).Delete(&Record{}).Error; err != nil {
			return err
		}
		return s.secrets.DeleteAll(ctx, tenant, secretOwner, r.ID)
	})
	if err != nil {
		return fmt.Errorf("delete provider %q: %w", clip(ref), err)
	}
	s.log.InfoContext(ctx, "provider deleted", "provider_id", r.ID, "name", r.Name)
	return nil
}

// Validate checks settings as Create would, without storing anything, and returns what an operator should know of them. What is wrong
// comes as *Invalid.
func (s *Service) Validate(provider string, config json.RawMessage) (warnings []string, err error) {
	set, p := s.settle(strings.TrimSpace(provider), config, settings.Stored{})
	if err := invalid(p); err != nil {
		return nil, err
	}
	_, warnings = s.terms(strings.TrimSpace(provider), set.Full)
	return warnings, nil
}

func clip(ref string) string {
	if r := []rune(ref); len(r) > maxName {
		return string(r[:maxName]) + "…"
	}
	return ref
}
