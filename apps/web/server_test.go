package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/web"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// now is when the demo night happens. It is the machine's time, because the browser counts on from there.
func now() time.Time { return clock.System().Now() }

// serve starts a server with the pages on top of h.
func serve(t *testing.T, h *hub) *httptest.Server {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	c := h.config()
	c.Log = slog.New(slog.DiscardHandler)
	w, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	engine := gin.New()
	w.Register(engine)
	s := httptest.NewServer(engine)
	t.Cleanup(func() {
		h.events.Close() // else the streams keep the server
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// visitor is a browser without script.
type visitor struct {
	t    *testing.T
	base string
	http *http.Client
}

func visit(t *testing.T, s *httptest.Server) *visitor {
	t.Helper()
	return &visitor{t, s.URL, visitClient(t, s.Client().Transport)}
}

// visitClient keeps cookies and shows redirects. Without a transport it has one of its own.
func visitClient(t *testing.T, transport http.RoundTripper) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if transport == nil {
		own := &http.Transport{}
		t.Cleanup(own.CloseIdleConnections)
		transport = own
	}
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is a response read to its end.
type answer struct {
	*http.Response
	text string
}

func (v *visitor) do(method, path string, form url.Values, headers ...string) answer {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (v *visitor) get(path string, headers ...string) answer {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil, headers...)
}

var csrfInput = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// csrf is the token that the page at path carries.
func (v *visitor) csrf(path string) string {
	v.t.Helper()
	found := csrfInput.FindStringSubmatch(v.get(path).text)
	if found == nil {
		v.t.Fatalf("no form on %s", path)
	}
	return found[1]
}

func (v *visitor) signIn(token string) *visitor {
	v.t.Helper()
	a := v.do(http.MethodPost, "/login", url.Values{"csrf": {v.csrf("/login")}, "token": {token}})
	if a.StatusCode != http.StatusSeeOther {
		v.t.Fatalf("sign in: %d %s", a.StatusCode, a.text)
	}
	return v
}
