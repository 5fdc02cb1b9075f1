// Package secretstore keeps the secret fields of any row, sealed, in the table secrets, which it owns. A value is bound to
// its place (owner, row, field): copied to another row it does not open.
//
// Methods join the transaction that ctx carries, so that a row and its secrets change together.
package secretstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Config holds what a Store needs; every field is required.
type Config struct {
	DB      *storage.DB
	Keyring *secret.Keyring
}

// Store reads and writes sealed fields. It is safe for concurrent use.
type Store struct {
	db   *storage.DB
	ring *secret.Keyring
}

// New returns a Store. It reads nothing; call Verify at start.
func New(c Config) (*Store, error) {
	if c.DB == nil || c.Keyring == nil {
		return nil, errors.New("secretstore: DB and Keyring are required")
	}
	return &Store{db: c.DB, ring: c.Keyring}, nil
}

// row is one sealed field. owner is the owning table's name, such as "channels".
type row struct {
	TenantID  string    `gorm:"column:tenant_id"`
	Owner     string    `gorm:"column:owner;primaryKey"`
	OwnerID   id.ID     `gorm:"column:owner_id;primaryKey;type:uuid"`
	Field     string    `gorm:"column:field;primaryKey"`
	Value     string    `gorm:"column:value"`
	UpdatedAt time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (row) TableName() string { return "secrets" }

func (r row) place() string { return r.Owner + "/" + r.OwnerID.String() + "/" + r.Field }

func (s *Store) open(r row) (secret.String, error) {
	plain, err := s.ring.Open(r.Value, r.place())
	if err != nil {
		return secret.String{}, err
	}
	return secret.NewString(string(plain)), nil
}

// Put seals v as a field of a row, in place of what was there. An unset v deletes the field.
func (s *Store) Put(ctx context.Context, tenant, owner string, ownerID id.ID, field string, v secret.String) error {
	if tenant == "" || owner == "" || ownerID.IsZero() || field == "" {
		return errors.New("store a secret: tenant, owner, row and field are required")
	}
	if v.IsZero() {
		return s.Delete(ctx, tenant, owner, ownerID, field)
	}
	r := row{TenantID: tenant, Owner: owner, OwnerID: ownerID, Field: field, UpdatedAt: s.db.Now()}
	var err error
	if r.Value, err = s.ring.Seal([]byte(v.Reveal()), r.place()); err != nil {
		return fmt.Errorf("store secret %s: %w", r.place(), err)
	}
	res := s.db.From(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "owner"}, {Name: "owner_id"}, {Name: "field"}},
		DoUpdates: clause.AssignmentColumns([]string{"value", "updated_at"}),
		Where:     clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "secrets.tenant_id = ?", Vars: []any{tenant}}}},
	}).Create(&r)
	if res.Error != nil {
		return fmt.Errorf("store secret %s: %w", r.place(), storage.Classify(res.Error))
	}
	if res.RowsAffected == 0 { // the row's id belongs to another tenant
		return fmt.Errorf("store secret %s: %w", r.place(), storage.ErrNotFound)
	}
	return nil
}

// Get returns one field; a missing one is storage.ErrNotFound.
func (s *Store) Get(ctx context.Context, tenant, owner string, ownerID id.ID, field string) (secret.String, error) {
	var r row
	err := s.db.From(ctx).Where("tenant_id = ? AND owner = ? AND owner_id = ? AND field = ?", tenant, owner, ownerID, field).Take(&r).Error
	if err != nil {
		return secret.String{}, storage.Missing(err, fmt.Sprintf("secret %s of %s %s", field, owner, ownerID))
	}
	return s.open(r)
}

// All returns every field of one row; none is an empty map.
func (s *Store) All(ctx context.Context, tenant, owner string, ownerID id.ID) (map[string]secret.String, error) {
	found, err := s.load(s.db.From(ctx).Where("tenant_id = ? AND owner = ? AND owner_id = ?", tenant, owner, ownerID))
	if err != nil {
		return nil, fmt.Errorf("load the secrets of %s %s: %w", owner, ownerID, err)
	}
	if fields := found[ownerID]; fields != nil {
		return fields, nil
	}
	return map[string]secret.String{}, nil
}

// AllOf returns the fields of a tenant's rows of one owner, by row and field.
func (s *Store) AllOf(ctx context.Context, tenant, owner string) (map[id.ID]map[string]secret.String, error) {
	found, err := s.load(s.db.From(ctx).Where("tenant_id = ? AND owner = ?", tenant, owner))
	if err != nil {
		return nil, fmt.Errorf("load the secrets of %s: %w", owner, err)
	}
	return found, nil
}

// Owned returns the fields of every row of an owner in every tenant, by row and field: what a process caches. It sees what is
// committed and never waits for a writer; alone of all methods it joins no transaction.
func (s *Store) Owned(ctx context.Context, owner string) (map[id.ID]map[string]secret.String, error) {
	found, err := s.load(s.db.Read(ctx).Where("owner = ?", owner))
	if err != nil {
		return nil, fmt.Errorf("load the secrets of %s: %w", owner, err)
	}
	return found, nil
}

// Every returns every stored value of every tenant, for what must show none of them. Like Owned it joins no transaction.
func (s *Store) Every(ctx context.Context) ([]secret.String, error) {
	found, err := s.load(s.db.Read(ctx))
	if err != nil {
		return nil, fmt.Errorf("load the secrets: %w", err)
	}
	var out []secret.String
	for _, fields := range found {
		for _, v := range fields {
			out = append(out, v)
		}
	}
	return out, nil
}

func (s *Store) load(q *gorm.DB) (map[id.ID]map[string]secret.String, error) {
	var rows []row
	if err := q.Find(&rows).Error; err != nil {
		return nil, storage.Classify(err)
	}
	out := map[id.ID]map[string]secret.String{}
	for _, r := range rows {
		v, err := s.open(r)
		if err != nil {
			return nil, err
		}
		if out[r.OwnerID] == nil {
			out[r.OwnerID] = map[string]secret.String{}
		}
		out[r.OwnerID][r.Field] = v
	}
	return out, nil
}

// Delete removes one field; that it is not there is no error.
func (s *Store) Delete(ctx context.Context, tenant, owner string, ownerID id.ID, field string) error {
	err := s.db.From(ctx).Where("tenant_id = ? AND owner = ? AND owner_id = ? AND field = ?", tenant, owner, ownerID, field).Delete(&row{}).Error
	if err != nil {
		return fmt.Errorf("delete secret %s of %s %s: %w", field, owner, ownerID, storage.Classify(err))
	}
	return nil
}

// DeleteAll removes every field of a row that goes.
func (s *Store) DeleteAll(ctx context.Context, tenant, owner string, ownerID id.ID) error {
	err := s.db.From(ctx).Where("tenant_id = ? AND owner = ? AND owner_id = ?", tenant, owner, ownerID).Delete(&row{}).Error
	if err != nil {
		return fmt.Errorf("delete the secrets of %s %s: %w", owner, ownerID, storage.Classify(err))
	}
	return nil
}
