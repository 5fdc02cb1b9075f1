package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestReorderingIsVisible sends overrides in every text of an alert through a whole hub and opens every page that is linked.
func TestReorderingIsVisible(t *testing.T) {
	t.Parallel()
	const evil, shown, arabic = "\u202egnp.lru\u2066\u200b", `\u202egnp.lru\u2066\u200b`, "قرص ممتلئ"
	h := servertest.Start(t, nil)
	body, err := json.Marshal(map[string]any{
		"name": evil + "name " + arabic, "status": "firing", "severity": "critical", "description": evil + "text\nsecond " + arabic,
		"source": "src " + evil, "labels": map[string]string{"instance": evil + "label", evil + "key": "v"}, "annotations": map[string]string{"summary": evil},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.SendTo("generic/", string(body))
	h.Want(http.StatusUnprocessableEntity, http.MethodPost, "/alerts/webhook/generic/", servertest.Map{"nothing": evil})
	v := &visitor{t, h.URL, visitClient(t, nil)}
	v.signIn(servertest.AdminKey)
	testkit.Eventually(t, 10*time.Second, func() bool { return strings.Contains(v.get("/inbox").text, `class="msg `) }, "a message")
	shows, whole := map[string]bool{}, map[string]bool{}
	for path, text := range crawl(t, v, "/incidents") {
		if at := strings.IndexFunc(text, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' }); at >= 0 {
			t.Errorf("%s holds %q", path, text[at:at+20])
		}
		for _, id := range []string{`id="incident"`, `id="receipt"`} {
			if !strings.Contains(text, id) || strings.Contains(path, "show=") || strings.Contains(text, `&#34;nothing&#34;`) {
				continue
			}
			whole[id] = true
			for _, part := range []string{"name", "label", "key", "text"} {
				if !strings.Contains(text, shown+part) {
					t.Errorf("%s does not show the %s", path, part)
				}
			}
		}
		for _, kind := range []string{"/incidents/", "/receipts/", "/inbox/", "/deliveries", "/runs/", "/incidents", "/inbox", "/welcome"} {
			if path == kind || strings.HasSuffix(kind, "/") && strings.HasPrefix(path, kind) {
				shows[kind] = shows[kind] || strings.Contains(text, shown)
				if kind != "/runs/" && kind != "/receipts/" && !strings.Contains(text, arabic) {
					t.Errorf("%s lost the Arabic", path)
				}
			}
		}
	}
	for kind, ok := range shows {
		if !ok {
			t.Errorf("no page under %s shows what was sent", kind)
		}
	}
	if len(shows) != 8 || len(whole) != 2 {
		t.Errorf("only these pages were there: %v %v", shows, whole)
	}
}

// crawl opens all that is linked from a page, itself included, and returns what each says.
func crawl(t *testing.T, v *visitor, from string) map[string]string {
	t.Helper()
	said, queue := map[string]string{from: ""}, []string{from}
	for ; len(queue) > 0 && len(said) < 400; queue = queue[1:] {
		a := v.get(queue[0])
		if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d %s", queue[0], a.StatusCode, a.text)
		}
		said[queue[0]] = a.text
		for _, part := range strings.Split(a.text, `href="/`)[1:] {
			to := strings.ReplaceAll("/"+part[:strings.IndexByte(part, '"')], "&amp;", "&")
			to, _, _ = strings.Cut(to, "#")
			if _, seen := said[to]; !seen && !strings.HasPrefix(to, "/static/") && !strings.HasSuffix(to, "/raw") {
				said[to] = ""
				queue = append(queue, to)
			}
		}
	}
	return said
}
