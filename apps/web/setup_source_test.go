package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/sources"
)

func (w *workshop) source(name string) sources.Source {
	w.t.Helper()
	s, err := w.sources.Get(w.t.Context(), "default", name)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestSourceForm(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	src, _, err := w.sources.Create(t.Context(), "default", sources.Input{Name: "prod", Driver: "grafana", IsActive: true})
	if err != nil {
		t.Fatal(err)
	}
	path := "/sources/" + src.ID.String()
	saved := w.post(path, "version", w.version(path), "name", "prod-eu", "driver", "alertmanager", "description", "both clusters", "source_name", "eu",
		"group_by", "labels", "labels", "alertname\r\n\r\n cluster ", "signature", "grafana", "timestamp_header", "X-Time", "signature_secret", "canary-one")
	if saved.StatusCode != http.StatusSeeOther || !strings.Contains(w.get(saved.Header.Get("Location")).text, "Saved") {
		t.Fatalf("save: %d %s", saved.StatusCode, saved.text)
	}
	got := w.source("prod-eu")
	want := sources.Input{
		Name: "prod-eu", Driver: "alertmanager", Description: "both clusters", SourceName: "eu", IsActive: true,
		GroupBy: sources.GroupBy{Labels: []string{"alertname", "cluster"}}, Signature: sources.Signature{Scheme: sources.SchemeGrafana, TimestampHeader: "X-Time"},
	}
	if diff := cmp.Diff(want, sources.InputOf(got)); diff != "" {
		t.Error(diff)
	}
	page := w.get(path).text
	for _, says := range []string{"alertname\ncluster", `<option value="alertmanager" selected`, `<option value="labels" selected`, `value="X-Time"`, "Configured; empty keeps it", "/alerts/webhook/alertmanager/"} {
		if !strings.Contains(page, says) {
			t.Errorf("the form does not hold %q", says)
		}
	}
	if strings.Contains(page, "canary") {
		t.Error("the form holds a secret")
	}

	// A new secret leaves the stored one valid beside it, until that is removed; no scheme, no secrets.
	w.post(path, "version", w.version(path), "name", "prod-eu", "signature", "generic", "signature_secret", "canary-two")
	if diff := cmp.Diff(map[string]string{"signature_secret": "canary-two", "signature_previous": "canary-one"}, w.sealed("sources", src.ID)); diff != "" {
		t.Error(diff)
	}
	w.post(path, "version", w.version(path), "name", "prod-eu", "signature", "generic", "signature_previous.remove", "1", "group_by", "vendor")
	if diff := cmp.Diff(map[string]string{"signature_secret": "canary-two"}, w.sealed("sources", src.ID)); diff != "" || !w.source("prod-eu").GroupBy.V.Vendor {
		t.Error(diff)
	}
	w.post(path, "version", w.version(path), "name", "prod-eu")
	if left := w.sealed("sources", src.ID); len(left) != 0 {
		t.Errorf("left: %v", left)
	}

	if a := w.post(path+"/switch", "version", w.version(path), "active", "false"); a.StatusCode != http.StatusSeeOther || w.source("prod-eu").IsActive {
		t.Errorf("deactivate: %d", a.StatusCode)
	}
	hash := w.source("prod-eu").KeyHash
	key := w.post(path + "/key")
	if now := w.source("prod-eu"); key.StatusCode != http.StatusOK || now.KeyHash == hash || !strings.Contains(key.text, `id="key">`+now.KeyPrefix) || strings.Contains(w.get(path).text, `id="key"`) {
		t.Errorf("new key: %d", key.StatusCode)
	}
	if a := w.post(path + "/delete"); a.StatusCode != http.StatusSeeOther || !strings.Contains(w.get(a.Header.Get("Location")).text, "The source is deleted") || w.get(path).StatusCode != http.StatusNotFound {
		t.Errorf("delete: %d", a.StatusCode)
	}
}

func TestSourceFormRefused(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	src, _, _, err := w.sources.EnsureDefault(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.sources.Create(t.Context(), "default", sources.Input{Name: "taken", IsActive: true}); err != nil {
		t.Fatal(err)
	}
	path := "/sources/" + src.ID.String()
	version := w.version(path)
	for name, tt := range map[string]struct {
		pairs       []string
		field, says string
	}{
		"no name":             {[]string{"name", "a b"}, "name", "Use 1 to 64 letters"},
		"taken":               {[]string{"name", "taken"}, "name", "choose another name"},
		"unknown driver":      {[]string{"name", "x", "driver", "nagios"}, "driver", "is not known"},
		"a driver's name":     {[]string{"name", "x", "source_name", "grafana"}, "source_name", "is the name of a driver"},
		"no labels":           {[]string{"name", "x", "group_by", "labels", "labels", " \n "}, "labels", "Name at least one label"},
		"a label twice":       {[]string{"name", "x", "group_by", "labels", "labels", "a\na"}, "labels", "is given twice"},
		"scheme, no secret":   {[]string{"name", "x", "signature", "generic"}, "signature_secret", "needs the secret"},
		"short secret":        {[]string{"name", "x", "signature", "generic", "signature_secret", "short"}, "signature_secret", "Use 8 to 1024"},
		"time of another":     {[]string{"name", "x", "signature", "generic", "signature_secret", "long-enough", "timestamp_header", "X-T"}, "timestamp_header", "can be set for scheme"},
		"secret, no scheme":   {[]string{"name", "x", "signature_secret", "long-enough"}, "signature", "no scheme"},
		"a scheme of its own": {[]string{"name", "x", "signature", "rot13", "signature_secret", "long-enough"}, "signature", "is not known"},
	} {
		a := w.post(path, append([]string{"version", version, "description", "typed"}, tt.pairs...)...)
		_, rest, _ := strings.Cut(a.text, `id="`+tt.field+`-wrong"`)
		words, _, found := strings.Cut(rest, "</div>")
		if a.StatusCode != http.StatusUnprocessableEntity || !found || !strings.Contains(words, tt.says) {
			t.Errorf("%s: %d, beside %s: %q", name, a.StatusCode, tt.field, words)
		}
		if !strings.Contains(a.text, `value="typed"`) || strings.Contains(a.text, "long-enough") {
			t.Errorf("%s: what was typed is gone, or a secret is there", name)
		}
	}
	if a := w.post(path + "/delete"); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, "cannot be deleted") {
		t.Errorf("delete the default source: %d", a.StatusCode)
	}
	in := sources.InputOf(src)
	in.Description = "changed meanwhile"
	if _, err := w.sources.Update(t.Context(), "default", src.ID.String(), 0, in); err != nil {
		t.Fatal(err)
	}
	late := w.post(path, "version", version, "name", src.Name, "description", "mine")
	if late.StatusCode != http.StatusConflict || !strings.Contains(late.text, "somebody changed this source") || !strings.Contains(late.text, "Stored now: <bdi>changed meanwhile") {
		t.Errorf("late: %d", late.StatusCode)
	}
	if a := w.post(path+"/switch", "version", version, "active", "false"); a.StatusCode != http.StatusConflict || !w.source(src.Name).IsActive {
		t.Errorf("deactivate an old version: %d", a.StatusCode)
	}
}
