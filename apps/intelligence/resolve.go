package intelligence

import (
	"slices"
)

// Names are the kinds of providers there are.
func (a *Analyzer) Names() []string { return a.providers.Names() }

// Resolve finds whom a request asks: the active provider, a stored one by its name, or a kind, of which a stored one is preferred. An
// error wraps ErrUnknownProvider and names the kinds there are.
func (a *Analyzer) Resolve(tenant, name string) (Configured, error) {
	own := Configured{Name: Local, Kind: Local}
	switch name {
	case Local:
		return own, nil
	case "", Active:
		if a.directory != nil {
			if c, ok := a.directory.Active(tenant); ok {
				return c, nil
			}
		}
		return own, nil
	}
	if a.directory != nil {
		if c, ok := a.directory.Find(tenant, name); ok {
			return c, nil
		}
	}
	if slices.Contains(a.providers.Names(), name) {
		return Configured{Name: name, Kind: name}, nil
	}
	return Configured{}, unknown(name, a.providers.Names())
}

// Remote reports whether a request for this provider goes over the network.
func (a *Analyzer) Remote(tenant, name string) bool {
	c, err := a.Resolve(tenant, name)
	return err == nil && c.Kind != Local
}

// who is asked by a request.
func (a *Analyzer) who(r *Request) (Configured, error) {
	if r.configured != nil {
		return *r.configured, nil
	}
	return a.Resolve(r.Tenant, r.Provider)
}
