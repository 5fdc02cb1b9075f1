package auth

import (
	"fmt"
	"slices"
)

// Scope is one kind of permission.
type Scope string

// The scopes. Each grants what its line says and nothing else.
const (
	ScopeIngest  Scope = "ingest"  // post alerts
	ScopeRead    Scope = "read"    // see everything but secrets
	ScopeRespond Scope = "respond" // read; acknowledge, resolve, close, reopen, note
	ScopeEdit    Scope = "edit"    // respond; change sources, channels, pipelines; test and re-send
	ScopeAdmin   Scope = "admin"   // everything: all of the above, and keys
)

// AllScopes lists the scopes, least first.
func AllScopes() []Scope { return []Scope{ScopeIngest, ScopeRead, ScopeRespond, ScopeEdit, ScopeAdmin} }

// grants is the table of what each scope implies.
var grants = map[Scope][]Scope{
	ScopeIngest:  {ScopeIngest},
	ScopeRead:    {ScopeRead},
	ScopeRespond: {ScopeRespond, ScopeRead},
	ScopeEdit:    {ScopeEdit, ScopeRespond, ScopeRead},
	ScopeAdmin:   {ScopeAdmin, ScopeEdit, ScopeRespond, ScopeRead, ScopeIngest},
}

// Scopes is what a credential was given. What it may do is the union of what these imply.
type Scopes []Scope

// Has reports whether the scopes grant s.
func (list Scopes) Has(s Scope) bool {
	return slices.ContainsFunc(list, func(given Scope) bool { return slices.Contains(grants[given], s) })
}

func forbidden(s Scope) error {
	return fmt.Errorf("%w: it needs the scope %q", ErrForbidden, s)
}
