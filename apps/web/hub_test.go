package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/web"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestRealHub goes the newcomer's way on a whole hub: every sample becomes an incident and a message, and every page that is
// linked from there opens.
func TestRealHub(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	v := &visitor{t, h.URL, visitClient(t, nil)}
	v.signIn(servertest.AdminKey)
	if to := v.get("/").Header.Get("Location"); to != "/welcome" {
		t.Fatalf("an empty hub leads to %q", to)
	}
	token := v.csrf("/welcome")
	for _, driver := range web.Drivers() {
		if a := v.do(http.MethodPost, "/samples/"+driver, url.Values{"csrf": {token}}); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("sample of %s: %d %s", driver, a.StatusCode, a.text)
		}
	}
	testkit.Eventually(t, 10*time.Second, func() bool {
		return strings.Count(v.get("/inbox").text, `class="msg `) == len(web.Drivers()) && strings.Contains(v.get("/welcome").text, `<section class="step now"><span class="nr">3`)
	}, "eight messages in the inbox and two steps done")
	if got := strings.Count(v.get("/incidents").text, "<tr id="); got != len(web.Drivers()) {
		t.Errorf("%d incidents", got)
	}
	seen := crawl(t, v, "/incidents")
	for _, kind := range []string{"/incidents/", "/runs/", "/receipts/", "/inbox/", "/deliveries?incident=", "/pipelines/", "/sources/connect?driver=", "/sources/01", "/channels/01", "/channels/new", "/deliveries?channel="} {
		found := false
		for path := range seen {
			found = found || strings.HasPrefix(path, kind)
		}
		if !found {
			t.Errorf("no page under %s is linked", kind)
		}
	}
}

// TestRealChannelForm makes a channel of each kind that the product has.
func TestRealChannelForm(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	v := &visitor{t, h.URL, visitClient(t, nil)}
	v.signIn(servertest.AdminKey)
	for kind, field := range map[string]string{"generic": "config.headers", "console": "config.format"} {
		page := v.get("/channels/new?driver=" + kind)
		if page.StatusCode != http.StatusOK || !strings.Contains(page.text, `id="`+field+`"`) {
			t.Errorf("%s: %d, without %s", kind, page.StatusCode, field)
		}
		made := v.do(http.MethodPost, "/channels", url.Values{
			"csrf": {v.csrf("/channels/new")}, "driver": {kind}, "name": {kind + "-1"}, "config.endpoint": {"https://example.com/h"}, "config.format": {"json"},
			"config.secret": {"canary"}, "config.sign_timestamp": {"true"},
		})
		if made.StatusCode != http.StatusSeeOther || !strings.Contains(v.get(made.Header.Get("Location")).text, "The channel is made") {
			t.Errorf("%s: %d %s", kind, made.StatusCode, made.text)
		}
	}
}

func TestPageThatIsNotThere(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	v := &visitor{t, h.URL, visitClient(t, nil)}
	for _, signed := range []bool{false, true} {
		if signed {
			v.signIn(servertest.AdminKey)
		}
		a := v.get("/no/such/page", "Accept", "text/html,application/xhtml+xml")
		if a.StatusCode != http.StatusNotFound || !strings.Contains(a.text, "There is nothing here") || strings.Contains(a.text, `class="rail"`) != signed ||
			!strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("signed in %t: %d %v\n%s", signed, a.StatusCode, a.Header, a.text)
		}
	}
	if a := v.get("/no/such/page", "Accept", "application/json"); a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a program gets %v", a.Header)
	}
}
