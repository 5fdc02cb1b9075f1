package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestDelivery: a message as it was sent, shown inert, and sent again.
func TestDelivery(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	find := func(state string) string {
		for _, d := range h.told {
			if d.State == state {
				return "/deliveries/" + d.ID.String()
			}
		}
		t.Fatalf("no delivery is %s", state)
		return ""
	}
	dead, held, waiting := find("dead"), find("suppressed"), find("pending")
	for path, want := range map[string][]string{
		dead: {"the receiver answered 410 Gone", "[CRITICAL] &lt;script&gt;alert(1)", dead + "/parts/1", "Try again", "night", "tell-all"},
		held: {"Less bad than what this channel wants to hear", "Nothing was written"},
	} {
		a := v.get(path)
		for _, s := range want {
			if !strings.Contains(a.text, s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
		if strings.Contains(a.text, "document.title") {
			t.Errorf("%s has the mail's HTML in it", path)
		}
	}
	for _, path := range []string{waiting, held} { // the hub would refuse
		if a := v.get(path); strings.Contains(a.text, "Try again") || strings.Contains(a.text, "Send again") {
			t.Errorf("%s can be sent again", path)
		}
	}
	mail := v.get(dead + "/parts/1")
	if p := mail.Header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "sandbox; default-src 'none'") || !strings.Contains(mail.text, "Checkout is down") {
		t.Errorf("the mail alone: %q %s", p, mail.text)
	}
	for _, none := range []string{dead + "/parts/0", dead + "/parts/9", dead + "/parts/x", "/deliveries/x"} {
		if a := v.get(none); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", none, a.StatusCode)
		}
	}
	form := url.Values{"csrf": {v.csrf(dead)}, "channel": {"other"}}
	a := v.do(http.MethodPost, dead+"/resend", form)
	if a.StatusCode != http.StatusSeeOther || len(h.resent) != 1 || !strings.HasPrefix(h.resent[0], "other by ") {
		t.Fatalf("resend: %d %q", a.StatusCode, h.resent)
	}
	if done := v.get(a.Header.Get("Location")); !strings.Contains(done.text, "On its way again") {
		t.Error("the page does not say that it is on its way")
	}
	if a := v.do(http.MethodPost, dead+"/resend", form); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, "it is on its way") {
		t.Errorf("refused: %d", a.StatusCode)
	}
}
