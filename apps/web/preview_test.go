package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var drawnField = regexp.MustCompile(`<input type="hidden" name="(csrf|z|seal)" value="([^"]+)">`)

var frameAddress = regexp.MustCompile(`<iframe class="mail" src="([^"]+)" sandbox `)

// TestPreviewPage shows mails in frames that run nothing, and only those that the hub made for this session.
func TestPreviewPage(t *testing.T) {
	t.Parallel()
	h := demo(now())
	s := serve(t, h)
	v := visit(t, s).signIn(ownerToken)
	frame := func(page string) string {
		t.Helper()
		found := frameAddress.FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("no frame in\n%s", page)
		}
		return strings.ReplaceAll(found[1], "&amp;", "&")
	}
	page := v.get("/channels/preview?event=resolved&incident=" + h.incidents[0].ID.String())
	if page.StatusCode != http.StatusOK || !strings.Contains(page.text, "[RESOLVED]") || !strings.Contains(page.text, `value="resolved" selected`) {
		t.Errorf("about an incident: %d", page.StatusCode)
	}
	pasted := v.do(http.MethodPost, "/channels/preview", url.Values{"csrf": {v.csrf("/incidents")}, "payload": {` {"a":1}`}, "of": {"grafana"}})
	if pasted.StatusCode != http.StatusOK || !strings.Contains(pasted.text, `:1}</textarea>`) || !strings.Contains(pasted.text, `value="grafana" selected`) {
		t.Errorf("pasted: %d", pasted.StatusCode)
	}
	sealed := frame(pasted.text)
	for name, address := range map[string]string{"stored": frame(page.text), "sealed": sealed} {
		mail := v.get(address)
		if mail.StatusCode != http.StatusOK || !strings.Contains(mail.text, `<div id="mail"`) || mail.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
			t.Errorf("%s: %d %v", name, mail.StatusCode, mail.Header)
		}
		policy := mail.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "sandbox", "frame-ancestors 'self'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q", name, policy)
			}
		}
		if strings.Contains(policy, "script") || strings.Contains(policy, "allow") {
			t.Errorf("%s: policy %q lets too much happen", name, policy)
		}
	}
	// What is too long for an address is posted into its frame.
	long := v.do(http.MethodPost, "/channels/preview", url.Values{"csrf": {v.csrf("/incidents")}, "payload": {`{"long":"` + strings.Repeat("x", 600<<10) + `"}`}})
	form := url.Values{}
	for _, field := range drawnField.FindAllStringSubmatch(long.text, -1) {
		form.Set(field[1], field[2])
	}
	if !strings.Contains(long.text, `<iframe class="mail" name="mail-1" sandbox `) || !strings.Contains(long.text, `action="/channels/preview/html" target="mail-1"`) || frameAddress.MatchString(long.text) {
		t.Errorf("long: %d %q", long.StatusCode, form)
	}
	mail := v.do(http.MethodPost, "/channels/preview/html", form)
	if mail.StatusCode != http.StatusOK || len(mail.text) < 200<<10 || !strings.HasSuffix(mail.text, "</html>") || !strings.HasPrefix(mail.Header.Get("Content-Security-Policy"), "sandbox; default-src 'none'") {
		t.Errorf("long, drawn: %d, %d bytes %v", mail.StatusCode, len(mail.text), mail.Header)
	}
	form.Set("z", "AA"+form.Get("z"))
	if mail := v.do(http.MethodPost, "/channels/preview/html", form); mail.StatusCode != http.StatusNotFound || strings.Contains(mail.text, "<") {
		t.Errorf("long, changed: %d", mail.StatusCode)
	}
	for path, size := range map[string]int{"/channels/preview": 5 << 20, "/inbox/read": 70 << 10} {
		a := v.do(http.MethodPost, path, url.Values{"csrf": {v.csrf("/incidents")}, "payload": {strings.Repeat("x", size)}})
		if a.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(a.text, "Nothing was changed") {
			t.Errorf("%d bytes to %s: %d", size, path, a.StatusCode)
		}
	}
	other := visit(t, s).signIn(ownerToken)
	for name, a := range map[string]answer{
		"of another session": other.get(sealed), "changed": v.get(strings.Replace(sealed, "?z=", "?z=AA", 1)), "without a seal": v.get(strings.Split(sealed, "&seal")[0]),
		"not HTML": v.get("/channels/preview/html?piece=0&channel=" + h.channels[1].ID.String()), "of all": v.get("/channels/preview/html?piece=0"),
	} {
		if a.StatusCode != http.StatusNotFound || strings.Contains(a.text, "<") {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	for body, want := range map[string]string{"": "Paste the body", "?": "Payload: no driver knows this shape"} {
		a := v.do(http.MethodPost, "/channels/preview", url.Values{"csrf": {v.csrf("/incidents")}, "payload": {body}})
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, want) {
			t.Errorf("%q: %d, want %q", body, a.StatusCode, want)
		}
	}
	typed := v.do(http.MethodPost, "/channels/"+h.channels[1].ID.String()+"/preview", url.Values{"csrf": {v.csrf("/incidents")}, "config.endpoint": {"https://x.example"}})
	if typed.StatusCode != http.StatusOK || !strings.Contains(typed.text, "ops, before it is saved") {
		t.Errorf("before it is saved: %d", typed.StatusCode)
	}
}
