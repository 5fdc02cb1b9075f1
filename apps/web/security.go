package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
)

// policy lets a page load nothing but what this server has, run no inline script, apply no inline style, and be framed by
// nobody.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

func (w *Web) headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
	c.Next()
}

// The form field and the cookies.
const (
	csrfField     = "csrf"
	SessionCookie = "hub_session"
	visitCookie   = "hub_visit" // what the sign-in form's token is bound to before there is a session
	themeCookie   = "hub_theme"
)

// maxForm bounds a posted form in bytes, maxPaste one that holds what was pasted or drawn.
const (
	maxForm  = 64 << 10
	maxPaste = 4 << 20
)

// formLimit is for the route of a form.
func formLimit(route string) int64 {
	switch route {
	case previewPath, previewFrame:
		return maxPaste
	default:
		return maxForm
	}
}

// csrf lets a change through only if the browser says that the request comes from our own pages AND the form carries the
// token bound to the cookie. The first alone would trust old browsers, the second alone would miss a leaked token.
func (w *Web) csrf(c *gin.Context) {
	switch c.Request.Method {
	case http.MethodGet, http.MethodHead:
		c.Next()
		return
	}
	limit := formLimit(c.FullPath())
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	if err := w.origin.Check(c.Request); err != nil {
		w.refuse(c, "This change was asked for by another site. Open the hub in this window and do it there.")
		return
	}
	if long := (*http.MaxBytesError)(nil); errors.As(c.Request.ParseForm(), &long) {
		c.Abort()
		w.failure(c, http.StatusRequestEntityTooLarge, "Too long", fmt.Sprintf("This form takes %d KiB. Nothing was changed; go back and shorten the text.", limit>>10))
		return
	}
	got := []byte(c.PostForm(csrfField))
	for _, name := range []string{SessionCookie, visitCookie} {
		if secret := cookie(c, name); secret != "" && subtle.ConstantTimeCompare(got, []byte(csrfToken(secret))) == 1 {
			c.Next()
			return
		}
	}
	w.refuse(c, "This page is out of date, because you signed in or out since it was loaded. Load it again and repeat the change.")
}

func (w *Web) refuse(c *gin.Context, words string) {
	c.Abort()
	w.failure(c, http.StatusForbidden, "Not done", words)
}

// csrfToken is bound to the cookie's secret and does not reveal it.
func csrfToken(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("incidenthub csrf v1"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func randomText() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails, says its documentation
	return base64.RawURLEncoding.EncodeToString(b)
}

func cookie(c *gin.Context, name string) string {
	v, err := c.Request.Cookie(name)
	if err != nil {
		return ""
	}
	return v.Value
}

func (w *Web) setCookie(c *gin.Context, name, value string, maxAge int) {
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure is set where browsers reach the hub by TLS
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: w.SecureCookies, SameSite: http.SameSiteLaxMode,
	})
}
