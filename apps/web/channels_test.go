package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// TestChannelFormTypes stores lists and templates, and who is told instead.
func TestChannelFormTypes(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	if a := w.post("/channels", "driver", "generic", "name", "phone", "config.endpoint", "https://phone.example/h"); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	phone := w.channel("phone").ID.String()
	made := w.post("/channels", "driver", "generic", "name", "ops", "config.endpoint", "https://a.example/h", "config.to", " a@example.org\r\nb@example.org, c@example.org\r\n",
		"config.template", "{{ title }}\r\n{% if x %}y{% endif %}", "renotify", "90m", "fallback.channel", phone, "fallback.after", "10m", "throttle.messages", "5", "throttle.per", "15m")
	if made.StatusCode != http.StatusSeeOther {
		t.Fatalf("make: %d %s", made.StatusCode, made.text)
	}
	c := w.channel("ops")
	path := "/channels/" + c.ID.String()
	var got map[string]any
	if err := json.Unmarshal(c.Config.V, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"endpoint": "https://a.example/h", "to": []any{"a@example.org", "b@example.org", "c@example.org"},
		"template": map[string]any{"type": "inline", "template": "{{ title }}\n{% if x %}y{% endif %}"},
	}
	delete(got, "headers")
	if diff := cmp.Diff(want, got); diff != "" || c.RenotifyS != 5400 || c.FallbackID.String() != phone || c.FallbackAfterS != 600 || c.ThrottleMessages != 5 || c.ThrottlePerS != 900 {
		t.Errorf("%+v\n%s", c, diff)
	}
	page := w.get(path).text
	for _, says := range []string{">a@example.org\nb@example.org\nc@example.org</textarea>", "{{ title }}\n{% if x %}y{% endif %}</textarea>", `value="1h30m"`, `<option value="` + phone + `" selected>phone`, `value="10m"`, `name="throttle.messages" value="5"`, `name="throttle.per" value="15m"`} {
		if !strings.Contains(page, says) {
			t.Errorf("the form does not hold %q", says)
		}
	}
	if strings.Contains(page, "config.text_template") {
		t.Error("a second name has an input of its own")
	}
	for name, tt := range map[string]struct {
		pairs       []string
		field, says string
	}{
		"no time":          {[]string{"renotify", "soon"}, "renotify", "Must be 0 for never"},
		"too short a time": {[]string{"fallback.channel", phone, "fallback.after", "1s"}, "fallback.after", "from 1m to 7d"},
		"a time alone":     {[]string{"fallback.after", "10m"}, "fallback.channel", "Name the channel"},
		"a number alone":   {[]string{"throttle.messages", "5"}, "throttle.per", "Must be whole seconds from 1s to 1d"},
		"a span alone":     {[]string{"throttle.per", "5m"}, "throttle.messages", "Must be a whole number from 1 to 1000"},
		"no number":        {[]string{"throttle.messages", "many", "throttle.per", "5m"}, "throttle.messages", "Must be a whole number from 1 to 1000"},
		"itself":           {[]string{"fallback.channel", c.ID.String()}, "fallback.channel", "cannot fall back on itself"},
	} {
		a := w.post(path, append([]string{"version", w.version(path), "name", "ops", "config.endpoint", "https://a.example/h"}, tt.pairs...)...)
		_, rest, _ := strings.Cut(a.text, `id="`+tt.field+`-wrong"`)
		words, _, found := strings.Cut(rest, "</div>")
		if a.StatusCode != http.StatusUnprocessableEntity || !found || !strings.Contains(words, tt.says) || strings.Contains(a.text, "-1ns") {
			t.Errorf("%s: %d, beside %s: %q", name, a.StatusCode, tt.field, words)
		}
	}
	if list := w.get("/channels").text; !strings.Contains(list, "Everything, at most 5 messages in 15m") {
		t.Error("the list does not say how many messages a channel takes")
	}
	if a := w.post("/channels/" + phone + "/delete"); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, "give them another fallback first: ops.") {
		t.Errorf("delete what ops falls back on: %d %s", a.StatusCode, a.text)
	}
	if a := w.post(path, "version", w.version(path), "name", "ops", "config.endpoint", "https://a.example/h", "config.template", "file:short"); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("save: %d %s", a.StatusCode, a.text)
	}
	c = w.channel("ops")
	if !strings.Contains(string(c.Config.V), `"template":"file:short"`) || c.RenotifyS != 0 || !c.FallbackID.IsZero() || c.ThrottleMessages != 0 {
		t.Errorf("%s %+v", c.Config.V, c)
	}
	if !strings.Contains(w.get(path).text, ">file:short</textarea>") {
		t.Error("the name of a template is not shown as it is typed")
	}
}

// TestChannelTestMessage shows what came of a test, and what to do.
func TestChannelTestMessage(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	w.post("/channels", "driver", "generic", "name", "ops", "config.endpoint", "https://a.example/h")
	path := "/channels/" + w.channel("ops").ID.String()
	for name, tt := range map[string]struct {
		result notify.SendResult
		says   []string
	}{
		"it works": {notify.SendResult{Success: true, Result: channel.Result{Verdict: channel.Done, Status: 202, Response: "<b>ok</b>"}}, []string{"It works", "status 202", "&lt;b&gt;ok"}},
		"not as meant": {
			notify.SendResult{Success: true, Remark: "text_template failed (line 1)", Result: channel.Result{Verdict: channel.Done, Status: 202}},
			[]string{"It arrived, but not as you meant it", "Text_template failed (line 1).", "status 202"},
		},
		"refused": {
			notify.SendResult{Error: "receiver answered 401 Unauthorized", Result: channel.Result{Verdict: channel.Permanent, Status: 401, Class: "http_401", Response: "no"}},
			[]string{"It does not work", "Receiver answered 401 Unauthorized.", "does not accept the credential", "status 401", "http_401"},
		},
	} {
		w.hub.mu.Lock()
		w.hub.handSays = tt.result
		w.hub.mu.Unlock()
		a := w.post(path + "/test")
		for _, says := range tt.says {
			if a.StatusCode != http.StatusOK || !strings.Contains(a.text, says) {
				t.Errorf("%s: %d, without %q", name, a.StatusCode, says)
			}
		}
	}
}
