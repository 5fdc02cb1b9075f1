package web_test

import (
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/intelligence"
)

func TestChecks(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	list := v.get("/checks").text
	if first, second := strings.Index(list, ">cpu<"), strings.Index(list, ">memory<"); first < 0 || second < first {
		t.Error("what is wrong does not stand above what is well")
	}
	for _, want := range []string{"Not run yet", "reboot_debian", `title="warns from 70 %, critical from 90 %"`, "no answer within 10 s", `class="critical" title="Critical, `} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not say %q", want)
		}
	}
	page := v.get("/checks/cpu?host=hub-1.eu-west.internal").text
	for _, want := range []string{"report-builder (pid 4242)", `class="p-level critical"`, `class="p-band"`, "cpu count", "Older", "7&#43;days"} {
		if !strings.Contains(page, want) {
			t.Errorf("the check does not say %q", want)
		}
	}
	_, line, _ := strings.Cut(page, `class="p-line" d="`)
	line, _, _ = strings.Cut(line, `"`)
	if n := strings.Count(line, "M"); n != 2 {
		t.Errorf("a gap makes two lines of one, not %d: %s", n, line)
	}
	if a := v.get("/checks/http?host=hub-1.eu-west.internal"); !strings.Contains(a.text, "no number to draw") || strings.Contains(a.text, "Run now") {
		t.Error("a check without a number is drawn, or an endpoint is asked without its address")
	}
	if a := v.get("/checks/cpu"); !strings.Contains(a.text, `class="p-band"`) || !strings.Contains(a.text, "hub-1.eu-west.internal</span>") {
		t.Error("a check without a host is not that of the host that ran last")
	}
	if a := v.get("/checks/nothing"); a.StatusCode != http.StatusNotFound {
		t.Errorf("a check that is none: %d", a.StatusCode)
	}
}

func TestChecksRun(t *testing.T) {
	t.Parallel()
	h := demo(now())
	s := serve(t, h)
	v := visit(t, s).signIn(ownerToken)
	for _, form := range []url.Values{{}, {"checker": {"memory"}, "back": {"/checks/memory"}}, {"checker": {"cpu"}, "back": {"//elsewhere.example"}}} {
		form.Set("csrf", v.csrf("/checks"))
		a := v.do(http.MethodPost, "/checks/run", form)
		if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || strings.HasPrefix(to, "//") {
			t.Errorf("%v: %d %s", form, a.StatusCode, to)
		}
	}
	if len(h.asked) != 3 || h.asked[0].Names != nil || h.asked[1].Names[0] != "memory" {
		t.Errorf("%+v", h.asked)
	}
	for _, r := range h.asked {
		if !r.Guarded || r.Tenant != "default" || r.Origin != checkers.OriginPage || r.CreateAlerts {
			t.Errorf("%+v", r)
		}
	}
	reader := visit(t, s).signIn(readToken)
	if a := reader.do(http.MethodPost, "/checks/run", url.Values{"csrf": {reader.csrf("/incidents")}}); a.StatusCode != http.StatusForbidden || strings.Contains(reader.get("/checks").text, "Run all now") {
		t.Errorf("who may only look runs checks: %d", a.StatusCode)
	}
}

func TestAnalysis(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	incident, analysis := "/incidents/"+h.incidents[0].ID.String(), "/analyses/"+h.analyses[0].ID.String()
	card := v.get(incident).text
	for _, want := range []string{
		"debug.log fills /var/log", `data-copy="cmd-1-0"`, ">ls -l /var/log/checkout</code>", "<li>Turn the debug log off", `href="` + analysis + `#A1"`, "Local analyzer", "high confidence",
		"openai did not write it: it did not answer in time", "Similar incidents", "logrotate was mended", "1 command left out: it destroys data",
	} {
		if !strings.Contains(card, want) {
			t.Errorf("the incident does not say %q", want)
		}
	}
	page := v.get(analysis).text
	for _, want := range []string{`id="A1"`, `href="#C1"`, "/var/log 98 % used", "https://ci.example.com/41", "Alert earlier", "2.6 s"} {
		if !strings.Contains(page, want) {
			t.Errorf("the analysis does not say %q", want)
		}
	}
	if a := v.do(http.MethodPost, incident+"/analyze", url.Values{"csrf": {v.csrf(incident)}}); a.StatusCode != http.StatusSeeOther || len(h.analysed) != 1 || h.analysed[0].IncidentID != h.incidents[0].ID || !h.analysed[0].Gather {
		t.Errorf("analysed again: %d %+v", a.StatusCode, h.analysed)
	}
	h.analyses[0].Grounded = false
	if !strings.Contains(v.get(incident).text, "low confidence: it cites nothing") {
		t.Error("what cites nothing is not called low")
	}
	h.analyses = h.analyses[:1]
	h.analyses[0].Rung, h.analyses[0].Status, h.analyses[0].Recommendations = "", intelligence.StatusRunning, nil
	if text := v.get(incident).text; !strings.Contains(text, "It is being analysed now") || strings.Contains(text, "Nobody has analysed it") {
		t.Error("an analysis under way is not said to be")
	}
	if text := v.get("/analyses/" + h.analyses[0].ID.String()).text; !strings.Contains(text, "Under way") || strings.Contains(text, "Nothing to recommend") {
		t.Error("an analysis under way is shown as one that found nothing")
	}
	h.analyses[0].CreatedAt = h.ago(time.Hour)
	if text := v.get(incident).text; strings.Contains(text, "It is being analysed now") || !strings.Contains(text, "Nobody has analysed it") {
		t.Error("what a crash left behind is shown as under way")
	}
}

// TestChartLabels keeps the words of two thresholds apart, and inside of the picture.
func TestChartLabels(t *testing.T) {
	t.Parallel()
	label := regexp.MustCompile(`<text class="p-name (\w+)" x="\d+" dx="6" y="([\d.]+)" dy="(-?\d+)">`)
	for name, levels := range map[string][2]float64{"far apart": {70, 90}, "close": {88, 90}, "the other way round": {90, 88}, "at the top": {70, 100}, "the same": {80, 80}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := demo(now())
			for i := range h.checks {
				h.checks[i].Warning, h.checks[i].Critical = &levels[0], &levels[1]
			}
			page := visit(t, serve(t, h)).signIn(ownerToken).get("/checks/cpu").text
			wide, _, _ := strings.Cut(page, "only-s")
			found := label.FindAllStringSubmatch(wide, -1)
			if len(found) != 2 {
				t.Fatalf("%d labels", len(found))
			}
			var at [2]float64
			for i, m := range found {
				y, err := strconv.ParseFloat(m[2], 64)
				if err != nil {
					t.Fatal(err)
				}
				move, err := strconv.ParseFloat(m[3], 64)
				if err != nil {
					t.Fatal(err)
				}
				if at[i] = y + move; at[i] < 11 {
					t.Errorf("the label of %s is cut off at %g", m[1], at[i])
				}
			}
			if math.Abs(at[0]-at[1]) < 11 {
				t.Errorf("the labels lie on each other: %v", at)
			}
		})
	}
}
