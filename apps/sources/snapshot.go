package sources

import (
	"context"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Entry is an active source as intake keeps it in memory. It does not change and is safe for concurrent use.
type Entry struct {
	ID         id.ID
	Tenant     string
	Name       string
	Driver     string // "": by the shape of the body
	SourceName string // "": the driver's name
	GroupBy    GroupBy
	Default    bool
	KeyHash    string // secret.HashToken of its key
	Version    int64

	signature Signature
	secrets   []secret.String            // of signature, one or two
	env       map[Scheme][]secret.String // default entries without a scheme: WEBHOOK_SECRET_<DRIVER>
}

// Snapshot returns the active entries of all tenants as they are committed, in no promised order, and waits for no writer. It
// fails as a whole when a stored secret does not open: an entry without its secret would take unsigned alerts.
func (s *Service) Snapshot(ctx context.Context) ([]Entry, error) {
	var rows []Source
	if err := s.db.Read(ctx).Where("is_active = ?", true).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load sources: %w", storage.Classify(err))
	}
	owned, err := s.secrets.Owned(ctx, secretOwner)
	if err != nil {
		return nil, err
	}
	env := envSchemes(s.env)
	entries := make([]Entry, 0, len(rows))
	for _, r := range rows {
		e := Entry{
			ID: r.ID, Tenant: r.TenantID, Name: r.Name, Driver: r.Driver, SourceName: r.SourceName,
			GroupBy: r.GroupBy.V, Default: r.IsDefault, KeyHash: r.KeyHash, Version: r.Version,
			signature: r.Signature, secrets: secretsOf(owned[r.ID]).list(),
		}
		if r.IsDefault && r.Signature.Scheme == SchemeNone {
			e.env = env
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// envSchemes keeps the secrets of drivers that can sign; each signs by the scheme of its own name.
func envSchemes(env func(driver string) secret.String) map[Scheme][]secret.String {
	out := map[Scheme][]secret.String{}
	for _, scheme := range Schemes() {
		if v := env(string(scheme)); !v.IsZero() {
			out[scheme] = []secret.String{v}
		}
	}
	return out
}
