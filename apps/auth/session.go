package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// How long a browser stays signed in.
const (
	SessionIdle = 24 * time.Hour      // without a request
	SessionMax  = 14 * 24 * time.Hour // in all
)

// Session is one browser that is signed in.
type Session struct {
	Secret    string // what the cookie holds; only its hash is stored
	Principal Principal
	Expires   time.Time
}

type sessionRow struct {
	Token    string    `gorm:"column:token;primaryKey"` // secret.HashToken of the cookie's value
	TenantID string    `gorm:"column:tenant_id"`
	Data     []byte    `gorm:"column:data"` // sessionData as JSON
	Expiry   time.Time `gorm:"column:expiry"`
}

// TableName implements gorm's Tabler.
func (sessionRow) TableName() string { return "sessions" }

type sessionData struct {
	Ref    string    `json:"ref"` // of the principal, never its credential
	Proof  string    `json:"proof,omitempty"`
	Opened time.Time `json:"opened"`
}

// OpenSession signs a browser in with an access token. It returns ErrUnauthorized for a token that opens nothing and
// ErrForbidden for one that may not read, such as an ingest key.
func (s *Service) OpenSession(ctx context.Context, token string) (Session, error) {
	p, err := s.Authenticate(ctx, token)
	if err != nil {
		return Session{}, err
	}
	if err := p.Require(ScopeRead); err != nil {
		return Session{}, err
	}
	raw, hash := secret.NewToken("ihs")
	now := s.db.Now()
	d := sessionData{Ref: p.ref, Opened: now}
	if d.Ref == adminRef {
		d.Proof = s.proof(raw)
	}
	data, err := json.Marshal(d)
	if err != nil {
		return Session{}, fmt.Errorf("open a session: %w", err)
	}
	row := sessionRow{Token: hash, TenantID: p.Tenant, Data: data, Expiry: now.Add(SessionIdle)}
	if err := s.db.From(ctx).Create(&row).Error; err != nil {
		return Session{}, fmt.Errorf("open a session: %w", storage.Classify(err))
	}
	s.log.InfoContext(ctx, "session opened", "name", p.Name)
	return Session{Secret: raw, Principal: p, Expires: row.Expiry}, nil
}

// LoadSession returns a session that still holds, with what its key may do now, and prolongs it. It returns
// ErrUnauthorized when the session is over, or its key revoked, expired or replaced.
func (s *Service) LoadSession(ctx context.Context, raw string) (Session, error) {
	if raw == "" || len(raw) > maxCredential {
		return Session{}, ErrUnauthorized
	}
	var row sessionRow
	err := s.db.Read(ctx).Where("token = ?", secret.HashToken(raw)).Take(&row).Error
	if err = storage.Missing(err, "session"); errors.Is(err, storage.ErrNotFound) {
		return Session{}, ErrUnauthorized
	}
	if err != nil {
		return Session{}, err
	}
	now := s.db.Now()
	var data sessionData
	if json.Unmarshal(row.Data, &data) != nil || !now.Before(row.Expiry) {
		return Session{}, ErrUnauthorized
	}
	p, err := s.resume(ctx, data.Ref, data.Proof, raw)
	if err != nil {
		return Session{}, err
	}
	if p.Tenant != row.TenantID || !p.Scopes.Has(ScopeRead) {
		return Session{}, ErrUnauthorized
	}
	if err := s.prolong(ctx, &row, data.Opened, now); err != nil {
		return Session{}, err
	}
	return Session{Secret: raw, Principal: p, Expires: row.Expiry}, nil
}

// prolong moves the end of a session once half of its idle time is over, so that most requests write nothing.
func (s *Service) prolong(ctx context.Context, row *sessionRow, opened, now time.Time) error {
	end := now.Add(SessionIdle)
	if last := opened.Add(SessionMax); end.After(last) {
		end = last
	}
	if row.Expiry.Sub(now) > SessionIdle/2 || !end.After(row.Expiry) {
		return nil
	}
	row.Expiry = end
	err := s.db.From(ctx).Model(&sessionRow{}).Where("token = ?", row.Token).UpdateColumn("expiry", end).Error
	if err != nil {
		return fmt.Errorf("prolong a session: %w", storage.Classify(err))
	}
	return nil
}

// EndSession signs a browser out; a session that is over already is no error.
func (s *Service) EndSession(ctx context.Context, raw string) error {
	if err := s.db.From(ctx).Where("token = ?", secret.HashToken(raw)).Delete(&sessionRow{}).Error; err != nil {
		return fmt.Errorf("end a session: %w", storage.Classify(err))
	}
	return nil
}
