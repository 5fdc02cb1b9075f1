package web_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// telling is a pipeline with one step that tells channels.
func telling(name string, active bool, channels string) orchestration.Definition {
	return orchestration.Definition{
		ID: id.New(), Name: name, IsActive: active, Version: 1,
		Config: storage.Doc(json.RawMessage(`{"version":"1.0","nodes":[{"id":"in","type":"ingest"},{"id":"tell","type":"notify","config":{"channels":` + channels + `}}]}`)),
	}
}

// TestChannelThatPipelinesName: the pages say which pipelines a change leaves behind, and which name channels in vain.
func TestChannelThatPipelinesName(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	w.post("/channels", "driver", "generic", "name", "ops", "config.endpoint", "https://a.example/h")
	full := telling("full", true, `["ops"]`)
	w.hub.pipelines = []orchestration.Definition{full, telling("night", false, `["ops","<b>"]`), telling("all", true, `["*"]`)}
	c := w.channel("ops")
	path := "/channels/" + c.ID.String()
	says := func(what string, a answer, status int, want ...string) {
		t.Helper()
		if a.StatusCode != status {
			t.Errorf("%s: %d", what, a.StatusCode)
		}
		for _, text := range want {
			if !strings.Contains(a.text, text) {
				t.Errorf("%s: no %q", what, text)
			}
		}
	}
	const behind = "Pipeline &#34;full&#34; names &#34;ops&#34;"
	if a := w.get(path); strings.Contains(a.text, behind) || !strings.Contains(a.text, "Active pipelines name it. Change them first") {
		t.Errorf("as it is: %s", a.text)
	}
	says("deleted", w.post(path+"/delete"), http.StatusConflict, "Active pipelines name it; change them first, or switch the channel off instead: full.")

	saved := w.post(path, "version", "1", "driver", "generic", "name", "de sk&", "config.endpoint", "https://a.example/h")
	to := saved.Header.Get("Location")
	if saved.StatusCode != http.StatusSeeOther || to != path+"?done=saved&was=ops" {
		t.Fatalf("saved: %d, to %s", saved.StatusCode, to)
	}
	says("renamed", w.get(to), 200, behind+": change it, or its messages go nowhere.", "Pipeline &#34;night&#34;, which is not active, names &#34;ops&#34;: change it before it is activated.", "Delete it for good?")
	says("the pipeline", w.get("/pipelines/"+full.ID.String()), 200, behind+", which does not exist: its messages go nowhere.")
	says("the list", w.get("/pipelines"), 200, behind+", which does not exist: its messages go nowhere.", "names &#34;&lt;b&gt;&#34;, which does not exist.")
	if back := w.post(path, "version", "2", "driver", "generic", "name", "ops", "config.endpoint", "https://a.example/h").Header.Get("Location"); back != path+"?done=saved&was=de+sk%26" {
		t.Errorf("named back: %s", back)
	}
	if a := w.get(to); strings.Contains(a.text, behind) { // the address of before
		t.Error("what is mended is still told")
	}
	if a := w.post(path + "/switch"); a.StatusCode != http.StatusConflict { // without a version
		t.Errorf("switched: %d", a.StatusCode)
	}
	w.post(path+"/switch", "version", "3", "active", "false")
	says("off", w.get(path), 200, behind+", which is told nothing: its messages go nowhere.", "Pipeline &#34;night&#34;, which is not active, names &#34;ops&#34;, which is told nothing.")

	w.hub.pipelines = slices.DeleteFunc(w.hub.pipelines, func(d orchestration.Definition) bool { return d.Name == "full" })
	says("deleted in the end", w.post(path+"/delete"), http.StatusSeeOther)
}
