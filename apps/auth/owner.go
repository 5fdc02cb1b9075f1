package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// EnsureOwner makes the owner's admin token at the first start and returns it, once; only its hash is kept. Later starts,
// and hubs with an admin key, get "" and false.
func (s *Service) EnsureOwner(ctx context.Context) (raw string, created bool, err error) {
	if !s.admin.IsZero() {
		return "", false, nil
	}
	var n int64
	err = s.db.From(ctx).Model(&Key{}).Where("tenant_id = ? AND name = ?", s.tenant, OwnerName).Count(&n).Error
	if err != nil {
		return "", false, fmt.Errorf("look for the owner's key: %w", storage.Classify(err))
	}
	if n > 0 { // also a revoked one: whoever revoked it meant it; reset-admin brings it back
		return "", false, nil
	}
	_, raw, err = s.makeKey(ctx, s.tenant, KeyInput{Name: OwnerName, Scopes: Scopes{ScopeAdmin}})
	if errors.Is(err, ErrExists) { // another process was faster
		return "", false, nil
	}
	return raw, err == nil, err
}

// ResetAdmin replaces the owner's token, or makes it, and returns the new one; sessions of the old one end. Only the command
// line calls it: whoever can run it can write the database anyway.
func (s *Service) ResetAdmin(ctx context.Context) (raw string, err error) {
	raw, hash := secret.NewToken(keyPrefix)
	found := false
	err = s.change(ctx, func(ctx context.Context) error {
		res := s.db.From(ctx).Model(&Key{}).Where("tenant_id = ? AND name = ?", s.tenant, OwnerName).UpdateColumns(map[string]any{
			"key_prefix": raw[:shownPrefix], "key_hash": hash, "is_active": true, "expires_at": nil,
			"scopes": storage.Doc(Scopes{ScopeAdmin}), "allowed_endpoints": storage.Doc([]string{}),
		})
		found = res.RowsAffected > 0
		return res.Error
	})
	if err != nil {
		return "", fmt.Errorf("reset the owner's key: %w", err)
	}
	if !found {
		_, raw, err = s.makeKey(ctx, s.tenant, KeyInput{Name: OwnerName, Scopes: Scopes{ScopeAdmin}})
	}
	return raw, err
}
