package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/auth"
)

// open marks routes that need no credential. It is no scope that a credential could have.
const open auth.Scope = ""

// requestLimit bounds the time of one request but those that stream.
const requestLimit = 30 * time.Second

// guard lets a request through to a route if its caller may use it: the scope comes from the table in routes.go, and a
// route that is not in the table is closed to everybody.
func (a *API) guard(method, path string) gin.HandlerFunc {
	scope, listed := scopes[method+" "+path]
	return func(c *gin.Context) {
		if !listed {
			newProblem(http.StatusForbidden, "Nobody may use this address: it is not in the hub's table of permissions.").write(c)
			return
		}
		if !streams[path] {
			ctx, cancel := context.WithTimeout(c.Request.Context(), max(requestLimit, patient[path]))
			defer cancel()
			c.Request = c.Request.WithContext(ctx)
		}
		if scope == open {
			c.Next()
			return
		}
		p, err := a.caller(c)
		if err == nil {
			err = p.Require(scope)
		}
		if err == nil && !p.Allows(c.Request.URL.Path) {
			err = newProblem(http.StatusForbidden, "This key is limited to other addresses; see its allowed_endpoints.")
		}
		if err != nil {
			a.refuse(c, err)
			return
		}
		c.Request = c.Request.WithContext(auth.With(c.Request.Context(), p))
		c.Next()
	}
}

func (a *API) refuse(c *gin.Context, err error) {
	p := a.fail(c.Request.Context(), err)
	if p.Status == http.StatusUnauthorized {
		p.Detail = "Give an API key in the header Authorization: Bearer <key> or X-API-Key: <key>."
		if _, given := credential(c.Request); given {
			p.Detail = "This key is not known here, or it was revoked or has expired; make one with: incidenthub key create."
		}
	}
	p.write(c)
}

// caller reads the credential: a key in a header, else the browser's session.
func (a *API) caller(c *gin.Context) (auth.Principal, error) {
	ctx := auth.WithPeer(c.Request.Context(), c.ClientIP())
	key, given := credential(c.Request)
	if given {
		return a.Auth.Authenticate(ctx, key)
	}
	cookie, err := c.Request.Cookie(a.SessionCookie)
	if err != nil || a.SessionCookie == "" {
		return auth.Principal{}, auth.ErrUnauthorized
	}
	// A cookie comes along with requests that other sites made the browser send; keys do not.
	if err := a.origin.Check(c.Request); err != nil {
		return auth.Principal{}, newProblem(http.StatusForbidden, "Another site asked for this change with your session; it was not done.")
	}
	session, err := a.Auth.LoadSession(ctx, cookie.Value)
	return session.Principal, err
}

// credential returns the key of a request and whether there was one, even an empty one.
func credential(r *http.Request) (key string, given bool) {
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		scheme, rest, _ := strings.Cut(values[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", true
		}
		return strings.TrimSpace(rest), true
	}
	if values := r.Header.Values("X-API-Key"); len(values) > 0 {
		return values[0], true
	}
	return "", false
}

// who is the caller that guard let through.
func who(ctx context.Context) (auth.Principal, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return auth.Principal{}, errors.New("api: a route without guard asks for its caller")
	}
	return p, nil
}
