package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type loginPage struct {
	Frame
	Next  string
	Wrong string
}

// signedIn lets only browsers with a session on; others are sent to the door and come back where they wanted to go.
func (w *Web) signedIn(c *gin.Context) {
	secret := cookie(c, SessionCookie)
	if secret != "" {
		s, err := w.Sessions.LoadSession(c.Request.Context(), secret)
		if err == nil {
			s.Secret = secret
			c.Set(sessionKey, s)
			c.Request = c.Request.WithContext(auth.With(c.Request.Context(), s.Principal))
			c.Next()
			return
		}
		if !errors.Is(err, auth.ErrUnauthorized) {
			c.Abort()
			w.fail(c, err)
			return
		}
		w.setCookie(c, SessionCookie, "", -1)
	}
	c.Abort()
	if c.GetHeader("HX-Request") != "" || strings.Contains(c.GetHeader("Accept"), "text/event-stream") {
		c.String(http.StatusUnauthorized, "not signed in")
		return
	}
	to := "/login"
	if c.Request.Method == http.MethodGet && c.Request.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(c.Request.URL.RequestURI())
	}
	c.Redirect(http.StatusSeeOther, to)
}

// Missing answers a browser that asks for a page that is not there, with the frame if it is signed in.
func (w *Web) Missing(c *gin.Context) {
	w.headers(c)
	if secret := cookie(c, SessionCookie); secret != "" {
		if s, err := w.Sessions.LoadSession(c.Request.Context(), secret); err == nil {
			s.Secret = secret
			c.Set(sessionKey, s)
		}
	}
	w.fail(c, storage.ErrNotFound)
}

func (w *Web) loginShow(c *gin.Context) {
	w.showLogin(c, http.StatusOK, "")
}

func (w *Web) showLogin(c *gin.Context, status int, wrong string) {
	visit := cookie(c, visitCookie)
	if len(visit) != len(randomText()) {
		visit = randomText()
		w.setCookie(c, visitCookie, visit, 0)
	}
	next := c.Query("next")
	if next == "" {
		next = c.PostForm("next")
	}
	w.page(c, status, "login", loginPage{
		Frame: Frame{Title: "Sign in", Theme: theme(c), CSRF: csrfToken(visit), Here: c.Request.URL.RequestURI()},
		Next:  local(next), Wrong: wrong,
	})
}

func (w *Web) loginPost(c *gin.Context) {
	token := strings.TrimSpace(c.PostForm("token"))
	if token == "" {
		w.showLogin(c, http.StatusUnprocessableEntity, "Paste the access token.")
		return
	}
	s, err := w.Sessions.OpenSession(auth.WithPeer(c.Request.Context(), c.ClientIP()), token)
	switch {
	case errors.Is(err, auth.ErrUnauthorized):
		w.showLogin(c, http.StatusUnauthorized, "This token is not known. Check that all of it was copied.")
		return
	case errors.Is(err, auth.ErrForbidden):
		w.showLogin(c, http.StatusForbidden, "This key may send alerts, but not use these pages. Take an access token.")
		return
	case err != nil:
		w.fail(c, err)
		return
	}
	// The server ends sessions; the cookie only has to live as long as one can.
	w.setCookie(c, SessionCookie, s.Secret, int(auth.SessionMax.Seconds()))
	w.setCookie(c, visitCookie, "", -1)
	c.Redirect(http.StatusSeeOther, local(c.PostForm("next")))
}

func (w *Web) logout(c *gin.Context) {
	if err := w.Sessions.EndSession(c.Request.Context(), session(c).Secret); err != nil {
		w.fail(c, err)
		return
	}
	w.setCookie(c, SessionCookie, "", -1)
	c.Redirect(http.StatusSeeOther, "/login")
}

// may lets only people with the scope through to a change.
func (w *Web) may(scope auth.Scope) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := session(c).Principal.Require(scope); err != nil {
			c.Abort()
			w.fail(c, err)
			return
		}
		c.Next()
	}
}

// themeSet is the theme switch without script; app.js sets the same cookie.
func (w *Web) themeSet(c *gin.Context) {
	value, maxAge := "", -1
	switch c.PostForm("theme") {
	case "dark":
		value, maxAge = "dark", 365*24*3600
	case "light":
		value, maxAge = "light", 365*24*3600
	}
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // the script reads it, and it holds one word
		Name: themeCookie, Value: value, Path: "/", MaxAge: maxAge, SameSite: http.SameSiteLaxMode, Secure: w.SecureCookies,
	})
	c.Redirect(http.StatusSeeOther, local(c.PostForm("back")))
}
