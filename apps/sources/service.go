package sources

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// DefaultName is the name of the entry that EnsureDefault makes.
const DefaultName = "default"

// keyPrefix begins every ingest key, so that people and secret scanners know what they have found.
const keyPrefix = "ihi"

// shownPrefix is how much of a key is stored readable, in characters: its kind and about 36 bits of its 256.
const shownPrefix = 10

// ownPrefix is the same of a key that the operator chose, which may be shorter.
const ownPrefix = 4

// Config holds what a Service needs.
type Config struct {
	DB      *storage.DB
	Secrets *secretstore.Store
	Log     *slog.Logger
	// Drivers are the names that an entry may fix; nil takes any.
	Drivers []string
	// Env gives the secret of WEBHOOK_SECRET_<DRIVER>, unset for none; it holds for default entries without a scheme of their
	// own. config.Webhook.Secret fits. Nil: there are none.
	Env func(driver string) secret.String
	// Changed is called after each change by this service; may be nil. Inside a caller's transaction that is before the commit.
	Changed func()
}

// Service manages the entries. It is safe for concurrent use. Callers check permissions: edit for every write.
type Service struct {
	db      *storage.DB
	secrets *secretstore.Store
	log     *slog.Logger
	drivers []string
	env     func(driver string) secret.String
	changed func()
}

// New returns a Service. It reads nothing.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Secrets == nil || c.Log == nil {
		return nil, errors.New("sources: DB, Secrets and Log are required")
	}
	if c.Changed == nil {
		c.Changed = func() {}
	}
	if c.Env == nil {
		c.Env = func(string) secret.String { return secret.String{} }
	}
	return &Service{
		db: c.DB, secrets: c.Secrets, log: c.Log.With("app", "sources"),
		drivers: c.Drivers, env: c.Env, changed: c.Changed,
	}, nil
}

// List returns the tenant's entries by name.
func (s *Service) List(ctx context.Context, tenant string) ([]Source, error) {
	var list []Source
	if err := s.db.From(ctx).Where("tenant_id = ?", tenant).Order("name").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("list sources: %w", storage.Classify(err))
	}
	owned, err := s.secrets.AllOf(ctx, tenant, secretOwner)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].mark(secretsOf(owned[list[i].ID]))
	}
	return list, nil
}

// Get returns one entry by id or name.
func (s *Service) Get(ctx context.Context, tenant, ref string) (Source, error) {
	src, have, err := s.load(ctx, tenant, ref)
	src.mark(have)
	return src, err
}

func (s *Source) mark(v secrets) {
	s.SignatureConfigured, s.PreviousConfigured = !v.current.IsZero(), !v.previous.IsZero()
}

func (s *Service) load(ctx context.Context, tenant, ref string) (Source, secrets, error) {
	q := s.db.From(ctx).Where("tenant_id = ?", tenant)
	if key, err := id.Parse(ref); err == nil {
		q = q.Where("id = ?", key)
	} else {
		q = q.Where("name = ?", ref)
	}
	var src Source
	if err := q.Take(&src).Error; err != nil {
		return Source{}, secrets{}, storage.Missing(err, fmt.Sprintf("source %q", clip(ref)))
	}
	have, err := s.loadSecrets(ctx, tenant, src.ID)
	return src, have, err
}

// Create adds an entry and returns it with its generated key, which is not stored and cannot be read again; "" when the input
// brought a key.
func (s *Service) Create(ctx context.Context, tenant string, in Input) (Source, string, error) {
	return s.create(ctx, tenant, in, false)
}

func (s *Service) create(ctx context.Context, tenant string, in Input, isDefault bool) (Source, string, error) {
	in = in.clean()
	if err := in.check(s.drivers, secrets{}); err != nil {
		return Source{}, "", err
	}
	raw, hash := secret.NewToken(keyPrefix)
	now := s.db.Now()
	src := Source{
		ID: id.New(), TenantID: tenant, KeyPrefix: raw[:shownPrefix], KeyHash: hash,
		IsDefault: isDefault, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if in.Key != nil {
		raw = ""
	}
	src.set(in)
	have := secrets{}.with(in)
	src.mark(have)
	err := s.change(ctx, func(ctx context.Context) error {
		if err := s.db.From(ctx).Select("*").Create(&src).Error; err != nil {
			return err
		}
		return s.storeSecrets(ctx, tenant, src.ID, have)
	})
	if err != nil {
		return Source{}, "", fmt.Errorf("create source %q: %w", in.Name, err)
	}
	s.log.InfoContext(ctx, "source created", "source_id", src.ID, "name", src.Name)
	return src, raw, nil
}

func (s *Source) set(in Input) {
	s.Name, s.Driver, s.SourceName, s.Description = in.Name, in.Driver, in.SourceName, in.Description
	s.GroupBy, s.Signature, s.IsActive = storage.Doc(in.GroupBy), in.Signature, in.IsActive
	if in.Key != nil {
		s.KeyPrefix, s.KeyHash = in.Key.Reveal()[:ownPrefix], secret.HashToken(in.Key.Reveal())
	}
}

// Changes names what Update would change, in a fixed order; none means that the entry is as in says.
func (s *Service) Changes(ctx context.Context, tenant, ref string, in Input) ([]string, error) {
	in = in.clean()
	src, have, err := s.load(ctx, tenant, ref)
	if err != nil {
		return nil, err
	}
	if err := in.check(s.drivers, have); err != nil {
		return nil, err
	}
	return src.changes(in, have), nil
}

func (s *Source) changes(in Input, have secrets) []string {
	var fields []string
	next, was := have.with(in), InputOf(*s)
	for _, f := range []struct {
		name string
		same bool
	}{
		{"name", was.Name == in.Name},
		{"driver", was.Driver == in.Driver},
		{"source_name", was.SourceName == in.SourceName},
		{"description", was.Description == in.Description},
		{"group_by", was.GroupBy.Vendor == in.GroupBy.Vendor && slices.Equal(was.GroupBy.Labels, in.GroupBy.Labels)},
		{"signature", was.Signature == in.Signature},
		{fieldCurrent, have.current.Equal(next.current)},
		{fieldPrevious, have.previous.Equal(next.previous)},
		{"is_active", was.IsActive == in.IsActive},
		{"key", in.Key == nil || secret.Equal(secret.HashToken(in.Key.Reveal()), s.KeyHash)},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// Update replaces what in holds, if the entry still has that version (0: whatever version it has).
// An input that changes nothing writes nothing.
func (s *Service) Update(ctx context.Context, tenant, ref string, version int64, in Input) (Source, error) {
	in = in.clean()
	var src Source
	err := s.change(ctx, func(ctx context.Context) error {
		var have secrets
		var err error
		if src, have, err = s.load(ctx, tenant, ref); err != nil {
			return err
		}
		if version != 0 && version != src.Version {
			return ErrConflict
		}
		if err := in.check(s.drivers, have); err != nil {
			return err
		}
		if len(src.changes(in, have)) == 0 {
			src.mark(have)
			return errUnchanged
		}
		src.set(in)
		have = have.with(in)
		src.mark(have)
		if err := s.save(ctx, &src); err != nil {
			return err
		}
		return s.storeSecrets(ctx, tenant, src.ID, have)
	})
	if errors.Is(err, errUnchanged) {
		return src, nil
	}
	if err != nil {
		return Source{}, fmt.Errorf("update source %q: %w", clip(ref), err)
	}
	s.log.InfoContext(ctx, "source updated", "source_id", src.ID, "name", src.Name, "version", src.Version)
	return src, nil
}

// errUnchanged ends a transaction that has nothing to write.
var errUnchanged = errors.New("nothing changed")

// save writes every column of src if nobody was faster.
func (s *Service) save(ctx context.Context, src *Source) error {
	was := src.Version
	src.Version++
	src.UpdatedAt = s.db.Now()
	res := s.db.From(ctx).Model(&Source{}).Where("tenant_id = ? AND id = ? AND version = ?", src.TenantID, src.ID, was).
		Select("*").Omit("id", "tenant_id", "created_at").Updates(src)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return ErrConflict
	}
	return nil
}

// Delete removes an entry; from then on its key opens nothing. What it received stays.
func (s *Service) Delete(ctx context.Context, tenant, ref string) error {
	var src Source
	err := s.change(ctx, func(ctx context.Context) error {
		var err error
		if src, _, err = s.load(ctx, tenant, ref); err != nil {
			return err
		}
		if src.IsDefault {
			return ErrDefault
		}
		if err := s.db.From(ctx).Where("tenant_id = ? AND id = ?", tenant, src.ID).Delete(&Source{}).Error; err != nil {
			return err
		}
		return s.secrets.DeleteAll(ctx, tenant, secretOwner, src.ID)
	})
	if err != nil {
		return fmt.Errorf("delete source %q: %w", clip(ref), err)
	}
	s.log.InfoContext(ctx, "source deleted", "source_id", src.ID, "name", src.Name)
	return nil
}

// RotateKey replaces the key at once and returns the new one.
func (s *Service) RotateKey(ctx context.Context, tenant, ref string) (Source, string, error) {
	raw, hash := secret.NewToken(keyPrefix)
	var src Source
	err := s.change(ctx, func(ctx context.Context) error {
		var have secrets
		var err error
		if src, have, err = s.load(ctx, tenant, ref); err != nil {
			return err
		}
		src.mark(have)
		src.KeyPrefix, src.KeyHash = raw[:shownPrefix], hash
		return s.save(ctx, &src)
	})
	if err != nil {
		return Source{}, "", fmt.Errorf("rotate the key of source %q: %w", clip(ref), err)
	}
	s.log.InfoContext(ctx, "source key rotated", "source_id", src.ID, "name", src.Name, "key_prefix", src.KeyPrefix)
	return src, raw, nil
}

// EnsureDefault returns the tenant's default entry and makes it, with its key, if there is none. Several processes may
// start at once: one of them makes it.
func (s *Service) EnsureDefault(ctx context.Context, tenant string) (src Source, raw string, created bool, err error) {
	for range 2 { // the second look is for what another process made meanwhile
		err = s.db.From(ctx).Where("tenant_id = ? AND is_default = ?", tenant, true).Take(&src).Error
		if err = storage.Missing(err, "default source"); !errors.Is(err, storage.ErrNotFound) {
			return src, "", false, err
		}
		in := Input{Name: DefaultName, Description: "Takes webhooks that name no other source.", IsActive: true}
		src, raw, err = s.create(ctx, tenant, in, true)
		if !errors.Is(err, ErrExists) {
			return src, raw, err == nil, err
		}
	}
	src, err = s.adopt(ctx, tenant)
	return src, "", false, err
}

// adopt makes the entry that already has the default's name the default; it keeps its key.
func (s *Service) adopt(ctx context.Context, tenant string) (src Source, err error) {
	err = s.change(ctx, func(ctx context.Context) error {
		var have secrets
		if src, have, err = s.load(ctx, tenant, DefaultName); err != nil {
			return err
		}
		src.mark(have)
		src.IsDefault = true
		return s.save(ctx, &src)
	})
	if err != nil {
		return Source{}, fmt.Errorf("make source %q the default: %w", DefaultName, err)
	}
	return src, nil
}

// change runs fn and marks the configuration as changed in one transaction.
func (s *Service) change(ctx context.Context, fn func(ctx context.Context) error) error {
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		return s.db.BumpGeneration(ctx)
	})
	if storage.Duplicate(err) {
		return ErrExists
	}
	if err == nil {
		s.changed()
	}
	return err
}
