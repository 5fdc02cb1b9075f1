package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// maxCredential is the longest credential that is looked at, in bytes.
const maxCredential = 512

// SourceKey is the ingest key of an active source.
type SourceKey struct {
	Tenant   string
	SourceID id.ID
	Name     string
	KeyHash  string // secret.HashToken of the key
}

// SourceKeys lists the ingest keys of all active sources. internal/server fits apps/sources to it.
type SourceKeys interface {
	SourceKeys(ctx context.Context) ([]SourceKey, error)
}

// SourceKeysFunc is a function that implements SourceKeys.
type SourceKeysFunc func(ctx context.Context) ([]SourceKey, error)

// SourceKeys implements SourceKeys.
func (f SourceKeysFunc) SourceKeys(ctx context.Context) ([]SourceKey, error) { return f(ctx) }

// Config holds what a Service needs.
type Config struct {
	DB  *storage.DB
	Log *slog.Logger
	// AdminKey is HUB_ADMIN_KEY; unset: there is an owner token instead (EnsureOwner).
	AdminKey secret.String
	// AdminTenant is the tenant of the admin key and the owner token; "" means "default".
	AdminTenant string
	// Sources adds the ingest keys of sources; nil: there are none.
	Sources SourceKeys
	// Recheck is how long a key that another process revoked may still work here; 0 means 1 s. Changes of this process hold at
	// once, and an unknown key always makes it look.
	Recheck time.Duration
}

// Service authenticates callers and manages API keys. It is safe for concurrent use.
type Service struct {
	db      *storage.DB
	log     *slog.Logger
	admin   secret.String
	tenant  string
	sources SourceKeys
	recheck time.Duration

	slow   slowDown
	usage  usage
	mu     sync.Mutex // one reload at a time
	cached atomic.Pointer[directory]
	epoch  atomic.Int64 // counts Invalidate, so that a reload that began before one is not kept
}

// New returns a Service. It reads nothing and starts nothing.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Log == nil {
		return nil, errors.New("auth: DB and Log are required")
	}
	if c.AdminTenant == "" {
		c.AdminTenant = "default"
	}
	if c.Recheck == 0 {
		c.Recheck = time.Second
	}
	if c.Sources == nil {
		c.Sources = SourceKeysFunc(func(context.Context) ([]SourceKey, error) { return nil, nil })
	}
	return &Service{
		db: c.DB, log: c.Log.With("app", "auth"), admin: c.AdminKey, tenant: c.AdminTenant, sources: c.Sources, recheck: c.Recheck,
	}, nil
}

// Authenticate tells whose credential raw is. It returns ErrUnauthorized for none and for one that opens nothing (later and
// later while the same peer or key prefix goes on failing), and storage.ErrUnavailable when the keys cannot be read. A good
// credential is never slowed down, whoever else fails.
func (s *Service) Authenticate(ctx context.Context, raw string) (Principal, error) {
	if raw == "" || len(raw) > maxCredential {
		return Principal{}, ErrUnauthorized
	}
	if !s.admin.IsZero() && secret.Equal(raw, s.admin.Reveal()) {
		return s.adminPrincipal(), nil
	}
	p, err := s.find(ctx, func(d *directory) (entry, bool) {
		e, ok := d.byHash[secret.HashToken(raw)]
		return e, ok
	})
	if errors.Is(err, ErrUnauthorized) {
		s.slow.failed(ctx, peerOf(ctx), raw)
	}
	return p, err
}

// Invalidate makes the next call look for changed keys: for those who change sources in this process.
func (s *Service) Invalidate() {
	s.epoch.Add(1)
	s.cached.Store(nil)
}

func (s *Service) adminPrincipal() Principal {
	return Principal{Tenant: s.tenant, Name: "admin key", Scopes: Scopes{ScopeAdmin}, ref: adminRef}
}

// adminRef stands for the admin key, which is no row.
const adminRef = "admin key"

// resume finds the principal of a session again, as it is now.
func (s *Service) resume(ctx context.Context, ref, proof, session string) (Principal, error) {
	if ref == adminRef {
		if s.admin.IsZero() || !secret.Equal(proof, s.proof(session)) {
			return Principal{}, ErrUnauthorized
		}
		return s.adminPrincipal(), nil
	}
	return s.find(ctx, func(d *directory) (entry, bool) {
		e, ok := d.byRef[ref]
		return e, ok
	})
}

func (s *Service) find(ctx context.Context, look func(*directory) (entry, bool)) (Principal, error) {
	d, fresh, err := s.directory(ctx, s.recheck)
	if err != nil {
		return Principal{}, err
	}
	e, ok := look(d)
	if !ok && !fresh {
		if d, _, err = s.directory(ctx, 0); err != nil {
			return Principal{}, err
		}
		e, ok = look(d)
	}
	now := s.db.Now()
	if !ok || (!e.expires.IsZero() && !now.Before(e.expires)) {
		return Principal{}, ErrUnauthorized
	}
	if !e.principal.KeyID.IsZero() {
		s.usage.note(e.principal.KeyID, now)
	}
	return e.principal, nil
}

// proof ties a session of the admin key to that key, so that it ends when the key changes. The session's secret is in it and
// not in the database: nobody can try keys on what is stored, however weak the one that was chosen.
func (s *Service) proof(session string) string {
	return hex.EncodeToString(secret.MAC(s.admin, []byte("incidenthub session v1 "), []byte(session)))
}

// directory is every working key of every tenant at one generation of the configuration.
type directory struct {
	generation int64
	byHash     map[string]entry
	byRef      map[string]entry
	checked    clock.Stopwatch // since the generation was last compared
}

type entry struct {
	principal Principal
	expires   time.Time // zero: never
}

// directory returns the keys, compared with the database at most maxAge ago; fresh: during this call.
func (s *Service) directory(ctx context.Context, maxAge time.Duration) (d *directory, fresh bool, err error) {
	if d = s.cached.Load(); d != nil && d.checked.Elapsed() < maxAge {
		return d, false, nil
	}
	asked := clock.Start()
	s.mu.Lock()
	defer s.mu.Unlock()
	d = s.cached.Load()
	if d != nil && d.checked.Elapsed() < asked.Elapsed() { // another call looked while this one waited
		return d, true, nil
	}
	epoch, checked := s.epoch.Load(), clock.Start()
	generation, err := s.db.Generation(ctx)
	if err != nil {
		return nil, false, err
	}
	if d != nil && d.generation == generation {
		again := *d
		again.checked = checked
		s.keep(&again, epoch)
		return &again, true, nil
	}
	next, err := s.read(ctx)
	if err != nil {
		return nil, false, err
	}
	next.generation, next.checked = generation, checked
	s.keep(next, epoch)
	return next, true, nil
}

// keep caches what was read since epoch, unless an Invalidate came meanwhile.
func (s *Service) keep(d *directory, epoch int64) {
	s.cached.Store(d)
	if s.epoch.Load() != epoch {
		s.cached.CompareAndSwap(d, nil)
	}
}

func (s *Service) read(ctx context.Context) (*directory, error) {
	d := &directory{byHash: map[string]entry{}, byRef: map[string]entry{}}
	keys, err := s.workingKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		e := entry{principal: k.principal()}
		if k.ExpiresAt != nil {
			e.expires = *k.ExpiresAt
		}
		d.byHash[k.KeyHash] = e
		d.byRef[e.principal.ref] = e
	}
	sourceKeys, err := s.sources.SourceKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range sourceKeys {
		if k.KeyHash != "" {
			d.byHash[k.KeyHash] = entry{principal: Principal{
				Tenant: k.Tenant, Name: k.Name, SourceID: k.SourceID, Scopes: Scopes{ScopeIngest},
			}}
		}
	}
	return d, nil
}
