package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	h := demo(now())
	s := serve(t, h)
	for name, tt := range map[string]struct {
		token, next string
		status      int
		to, says    string
	}{
		"owner":         {ownerToken, "", 303, "/", ""},
		"blanks around": {"  " + ownerToken + "\n", "/runs?state=failed", 303, "/runs?state=failed", ""},
		"wrong":         {"nope", "", 401, "", "not known"},
		"empty":         {" ", "", 422, "", "Paste the access token"},
		"ingest key":    {ingestKey, "", 403, "", "may send alerts"},
		"other site":    {ownerToken, "https://evil.example/", 303, "/", ""},
		"no scheme":     {ownerToken, "//evil.example/", 303, "/", ""},
		"backslash":     {ownerToken, `/\evil.example`, 303, "/", ""},
		"script":        {ownerToken, "javascript:alert(1)", 303, "/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := visit(t, s)
			a := v.do(http.MethodPost, "/login", url.Values{"csrf": {v.csrf("/login")}, "token": {tt.token}, "next": {tt.next}})
			if a.StatusCode != tt.status || a.Header.Get("Location") != tt.to || !strings.Contains(a.text, tt.says) {
				t.Errorf("got %d to %q: %s", a.StatusCode, a.Header.Get("Location"), a.text)
			}
			for _, c := range a.Cookies() {
				if c.Name == "hub_session" && c.Value != "" && (!c.HttpOnly || c.SameSite != http.SameSiteLaxMode) {
					t.Errorf("session cookie %+v", c)
				}
			}
		})
	}
}

func TestNothingWithoutSession(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h))
	incident := h.incidents[0].ID.String()
	for _, path := range []string{"/incidents", "/incidents/" + incident, "/inbox", "/receipts", "/runs", "/welcome", "/sources", "/incidents?q=a"} {
		a := v.get(path)
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/login?next="+url.QueryEscape(path) {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if a := v.get("/events", "Accept", "text/event-stream"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("stream: %d", a.StatusCode)
	}
	if a := v.get("/incidents/"+incident+"/row", "HX-Request", "true"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("fragment: %d", a.StatusCode)
	}
	v.signIn(ownerToken)
	if a := v.get("/incidents"); a.StatusCode != http.StatusOK || !strings.Contains(a.text, "HighErrorRate") {
		t.Errorf("signed in: %d", a.StatusCode)
	}
	v.do(http.MethodPost, "/logout", url.Values{"csrf": {v.csrf("/incidents")}})
	if a := v.get("/incidents"); a.StatusCode != http.StatusSeeOther {
		t.Errorf("signed out: %d", a.StatusCode)
	}
}

func TestForgedRequests(t *testing.T) {
	t.Parallel()
	h := demo(now())
	s := serve(t, h)
	v := visit(t, s).signIn(ownerToken)
	token, other := v.csrf("/incidents"), visit(t, s).signIn(ownerToken).csrf("/incidents")
	path := "/incidents/" + h.incidents[0].ID.String() + "/acknowledge"
	for name, tt := range map[string]struct {
		form    url.Values
		headers []string
	}{
		"no token":           {url.Values{}, nil},
		"empty token":        {url.Values{"csrf": {""}}, nil},
		"another's token":    {url.Values{"csrf": {other}}, nil},
		"from another site":  {url.Values{"csrf": {token}}, []string{"Sec-Fetch-Site", "cross-site"}},
		"another origin":     {url.Values{"csrf": {token}}, []string{"Origin", "https://evil.example"}},
		"by a subdomain":     {url.Values{"csrf": {token}}, []string{"Sec-Fetch-Site", "same-site"}},
		"token in the query": {nil, nil},
	} {
		to := path
		if tt.form == nil {
			to += "?csrf=" + url.QueryEscape(token)
		}
		if a := v.do(http.MethodPost, to, tt.form, tt.headers...); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	if got := h.incidents[0].Status; got != "open" {
		t.Fatalf("a forged request made it %s", got)
	}
	if a := v.do(http.MethodPost, path, url.Values{"csrf": {token}}, "Sec-Fetch-Site", "same-origin"); a.StatusCode != http.StatusSeeOther || h.incidents[0].Status != "acknowledged" {
		t.Errorf("own request: %d, %s", a.StatusCode, h.incidents[0].Status)
	}
	if a := v.do(http.MethodPost, path, url.Values{"csrf": {token}, "text": {strings.Repeat("x", 70_000)}}); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a form beyond the limit: %d", a.StatusCode)
	}
}

func TestReadersOnlyLook(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(readToken)
	incident := "/incidents/" + h.incidents[0].ID.String()
	token := v.csrf(incident)
	for _, path := range []string{incident + "/acknowledge", incident + "/note", "/samples/grafana", "/channels", "/channels/x", "/sources/connect", "/sources/x/key", "/inbox/read", "/receipts/" + h.receipts[0].ID.String() + "/reprocess"} {
		if a := v.do(http.MethodPost, path, url.Values{"csrf": {token}}); a.StatusCode != http.StatusForbidden || !strings.Contains(a.text, "may only look") {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	for _, path := range []string{incident, "/incidents", "/welcome", "/channels", "/sources/connect", "/receipts/" + h.receipts[2].ID.String()} {
		for _, button := range []string{`data-key="a"`, `/acknowledge"`, `action="/samples`, `action="/channels`, `action="/sources`, `/reprocess"`} {
			if strings.Contains(v.get(path).text, button) {
				t.Errorf("%s offers %s", path, button)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	v := visit(t, serve(t, demo(now()))).signIn(ownerToken)
	page := v.get("/incidents")
	csp := page.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") || page.Header.Get("X-Content-Type-Options") != "nosniff" || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("page headers: %v", page.Header)
	}
	for _, bad := range []string{"<style", " style=", " onclick", "<script>", "http://cdn", "https://cdn"} {
		if strings.Contains(page.text, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	path := strings.SplitAfter(page.text[strings.Index(page.text, "/static/app."):], ".js")[0]
	js := v.get(path)
	if js.StatusCode != 200 || js.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(js.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("asset %s: %d %v", path, js.StatusCode, js.Header)
	}
	if a := v.get(path, "If-None-Match", js.Header.Get("Etag")); a.StatusCode != http.StatusNotModified {
		t.Errorf("asset again: %d", a.StatusCode)
	}
	if a := v.get("/static/app.js"); a.StatusCode != http.StatusNotFound {
		t.Errorf("asset without its checksum: %d", a.StatusCode)
	}
	if a := v.get("/static/../web.go"); a.StatusCode == http.StatusOK {
		t.Errorf("beside the assets: %d", a.StatusCode)
	}
	raw := v.get("/receipts/" + "00000000-0000-7000-8000-000000000000" + "/raw")
	if raw.StatusCode != http.StatusNotFound {
		t.Errorf("no such receipt: %d", raw.StatusCode)
	}
}
