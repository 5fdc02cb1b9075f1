package auth

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// OwnerName is the name of the key that the first start makes.
const OwnerName = "owner"

const (
	keyPrefix    = "ihk" // begins every API key, so that people and secret scanners know what they have found
	shownPrefix  = 10    // characters of a key that are stored readable
	maxEndpoints = 20
)

// Key is an API key without the key: of that, only the hash is kept.
type Key struct {
	ID               id.ID                  `gorm:"column:id;primaryKey;type:uuid"`
	TenantID         string                 `gorm:"column:tenant_id"`
	Name             string                 `gorm:"column:name"`
	KeyPrefix        string                 `gorm:"column:key_prefix"` // its first characters, to tell keys apart
	KeyHash          string                 `gorm:"column:key_hash"`   // secret.HashToken
	Scopes           storage.JSON[Scopes]   `gorm:"column:scopes"`
	AllowedEndpoints storage.JSON[[]string] `gorm:"column:allowed_endpoints"`
	IsActive         bool                   `gorm:"column:is_active"`
	CreatedAt        time.Time              `gorm:"column:created_at"`
	ExpiresAt        *time.Time             `gorm:"column:expires_at"`
	LastUsedAt       *time.Time             `gorm:"column:last_used_at"` // up to a minute late
}

// TableName implements gorm's Tabler.
func (Key) TableName() string { return "api_keys" }

func (k Key) principal() Principal {
	return Principal{
		Tenant: k.TenantID, Name: k.Name, KeyID: k.ID, Scopes: k.Scopes.V, AllowedEndpoints: k.AllowedEndpoints.V,
		// The hash is in it, so that a session ends when its key is replaced.
		ref: "key:" + k.ID.String() + ":" + k.KeyHash[:min(16, len(k.KeyHash))],
	}
}

// KeyInput describes a key to make.
type KeyInput struct {
	Name             string
	Scopes           Scopes
	AllowedEndpoints []string   // path prefixes such as /api/v1/incidents; empty means all
	ExpiresAt        *time.Time // nil: never
}

// Problem is one complaint about a KeyInput and says what to do.
type Problem struct {
	Field   string
	Message string
}

// Invalid holds all problems of a KeyInput at once.
type Invalid struct{ Problems []Problem } //nolint:errname // reads as "the input is Invalid" where it is looked for

// Error implements error.
func (e *Invalid) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.Field + ": " + p.Message
	}
	return "invalid key: " + strings.Join(parts, "; ")
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$`)

func (in KeyInput) check(now time.Time) error {
	var p []Problem
	add := func(field, format string, args ...any) {
		p = append(p, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if !nameForm.MatchString(in.Name) {
		add("name", "use 1 to 64 letters, digits, spaces and . _ @ -, beginning with a letter or digit")
	}
	if len(in.Scopes) == 0 {
		add("scopes", "give at least one of %v", AllScopes())
	}
	for _, s := range in.Scopes {
		if !slices.Contains(AllScopes(), s) {
			add("scopes", "%.40q is not known; use some of %v", string(s), AllScopes())
		}
	}
	if len(in.AllowedEndpoints) > maxEndpoints {
		add("allowed_endpoints", "give at most %d path prefixes", maxEndpoints)
	}
	for _, e := range in.AllowedEndpoints {
		if !strings.HasPrefix(e, "/") || strings.ContainsAny(e, "?#*\x00") || strings.Contains(e, "..") || len(e) > 200 {
			add("allowed_endpoints", "%.60q must be a plain path that begins with /, such as /api/v1/incidents", e)
		}
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(now) {
		add("expires_at", "choose a time to come")
	}
	if len(p) > 0 {
		return &Invalid{Problems: p}
	}
	return nil
}

// CreateKey makes a key and returns it with the key itself, which cannot be read again. A revoked or expired key of the same
// name makes room. The caller in ctx needs ScopeAdmin.
func (s *Service) CreateKey(ctx context.Context, tenant string, in KeyInput) (Key, string, error) {
	if err := Require(ctx, ScopeAdmin); err != nil {
		return Key{}, "", err
	}
	return s.makeKey(ctx, tenant, in)
}

func (s *Service) makeKey(ctx context.Context, tenant string, in KeyInput) (Key, string, error) {
	now := s.db.Now()
	in.Name = strings.TrimSpace(in.Name)
	if err := in.check(now); err != nil {
		return Key{}, "", err
	}
	raw, hash := secret.NewToken(keyPrefix)
	k := Key{
		ID: id.New(), TenantID: tenant, Name: in.Name, KeyPrefix: raw[:shownPrefix], KeyHash: hash,
		Scopes: storage.Doc(in.Scopes), AllowedEndpoints: storage.Doc(slices.Clip(in.AllowedEndpoints)),
		IsActive: true, CreatedAt: now, ExpiresAt: in.ExpiresAt,
	}
	if k.AllowedEndpoints.V == nil {
		k.AllowedEndpoints.V = []string{}
	}
	err := s.change(ctx, func(ctx context.Context) error {
		gone := s.db.From(ctx).Where("tenant_id = ? AND name = ? AND (is_active = ? OR expires_at <= ?)", tenant, in.Name, false, now).Delete(&Key{})
		if gone.Error != nil {
			return gone.Error
		}
		return s.db.From(ctx).Select("*").Create(&k).Error
	})
	if storage.Duplicate(err) {
		err = ErrExists
	}
	if err != nil {
		return Key{}, "", fmt.Errorf("create key %q: %w", in.Name, err)
	}
	s.log.InfoContext(ctx, "key created", "key_id", k.ID, "name", k.Name, "key_prefix", k.KeyPrefix)
	return k, raw, nil
}

// ListKeys returns the tenant's keys, newest first. The caller in ctx needs ScopeAdmin.
func (s *Service) ListKeys(ctx context.Context, tenant string) ([]Key, error) {
	if err := Require(ctx, ScopeAdmin); err != nil {
		return nil, err
	}
	var keys []Key
	if err := s.db.From(ctx).Where("tenant_id = ?", tenant).Order("id DESC").Find(&keys).Error; err != nil {
		return nil, fmt.Errorf("list keys: %w", storage.Classify(err))
	}
	return keys, nil
}

// RevokeKey makes a key, by id or name, open nothing from now on; revoking it again is no error. The caller in ctx needs
// ScopeAdmin.
func (s *Service) RevokeKey(ctx context.Context, tenant, ref string) (Key, error) {
	if err := Require(ctx, ScopeAdmin); err != nil {
		return Key{}, err
	}
	var k Key
	err := s.change(ctx, func(ctx context.Context) error {
		q := s.db.From(ctx).Where("tenant_id = ?", tenant)
		if keyID, err := id.Parse(ref); err == nil {
			q = q.Where("id = ?", keyID)
		} else {
			q = q.Where("name = ?", ref)
		}
		if err := q.Take(&k).Error; err != nil {
			return storage.Missing(err, fmt.Sprintf("key %.80q", ref))
		}
		k.IsActive = false
		return s.db.From(ctx).Model(&Key{}).Where("tenant_id = ? AND id = ?", tenant, k.ID).UpdateColumn("is_active", false).Error
	})
	if err != nil {
		return Key{}, fmt.Errorf("revoke key: %w", err)
	}
	s.log.InfoContext(ctx, "key revoked", "key_id", k.ID, "name", k.Name)
	return k, nil
}

func (s *Service) workingKeys(ctx context.Context) ([]Key, error) {
	var keys []Key
	if err := s.db.Read(ctx).Where("is_active = ?", true).Find(&keys).Error; err != nil {
		return nil, fmt.Errorf("load keys: %w", storage.Classify(err))
	}
	return keys, nil
}

// change runs fn and marks the configuration as changed in one transaction.
func (s *Service) change(ctx context.Context, fn func(ctx context.Context) error) error {
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		return s.db.BumpGeneration(ctx)
	})
	s.Invalidate()
	return err
}
