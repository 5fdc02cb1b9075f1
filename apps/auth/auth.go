// Package auth says who a caller is and what they may do: the admin key, API keys, ingest keys of sources, and browser
// sessions. It speaks no HTTP; doors read the credential, call Authenticate and check Require against one table of routes.
package auth

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Errors of the package. A missing key is storage.ErrNotFound; storage.ErrUnavailable means that nobody can be told apart
// now, which is no refusal: answer 503, since senders give up after a 401.
var (
	// ErrUnauthorized: no credential, or one that opens nothing.
	ErrUnauthorized = errors.New("a valid credential is required")
	// ErrForbidden: the caller is known and may not do this.
	ErrForbidden = errors.New("this credential may not do that")
	// ErrExists: the name is taken by a working key.
	ErrExists = errors.New("a key with this name exists; revoke it first or choose another name")
)

// Principal is an authenticated caller.
type Principal struct {
	Tenant string
	Name   string // of the key or source, as written into timelines
	// KeyID is set for API keys, SourceID for ingest keys of sources; neither for the admin key.
	KeyID    id.ID
	SourceID id.ID
	Scopes   Scopes
	// AllowedEndpoints are path prefixes that the key is good for; empty means all.
	AllowedEndpoints []string

	ref string // finds this principal again for a session
}

// Allows reports whether the key is good for a path of the API. Prefixes end at a segment: /api covers /api/v1, not /apix.
func (p Principal) Allows(urlPath string) bool {
	if len(p.AllowedEndpoints) == 0 {
		return true
	}
	urlPath = path.Clean("/" + urlPath)
	for _, prefix := range p.AllowedEndpoints {
		prefix = path.Clean("/" + prefix)
		if prefix == "/" || urlPath == prefix || strings.HasPrefix(urlPath, prefix+"/") {
			return true
		}
	}
	return false
}

// Require returns ErrForbidden unless the principal has the scope.
func (p Principal) Require(s Scope) error {
	if p.Scopes.Has(s) {
		return nil
	}
	return forbidden(s)
}

// System is the hub itself and its command line, whose user can read the database anyway.
func System(tenant string) Principal {
	return Principal{Tenant: tenant, Name: "incidenthub", Scopes: Scopes{ScopeAdmin}}
}

type (
	principalKey struct{}
	peerKey      struct{}
)

// With returns a context that carries the caller.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns the caller that ctx carries.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Require returns ErrUnauthorized when ctx carries no caller, and ErrForbidden when that caller lacks the scope.
func Require(ctx context.Context, s Scope) error {
	p, ok := From(ctx)
	if !ok {
		return ErrUnauthorized
	}
	return p.Require(s)
}

// WithPeer returns a context that carries the caller's network address, without port, by which guessing is slowed down.
func WithPeer(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, peerKey{}, address)
}

func peerOf(ctx context.Context) string {
	address, _ := ctx.Value(peerKey{}).(string)
	return address
}
