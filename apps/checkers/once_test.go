package checkers_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func at(v float64) *float64 { return new(v) }

// made is a check that a test makes up.
type made struct {
	spec checkers.Spec
	do   func(ctx context.Context, in checkers.Input) (checkers.Finding, error)
}

func (m made) Spec() checkers.Spec { return m.spec }

func (m made) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	return m.do(ctx, in)
}

type madeConfig struct {
	Value checkers.Number  `json:"value"`
	Wait  checkers.Seconds `json:"wait"`
	Count checkers.Count   `json:"count"`
	Names checkers.Texts   `json:"names"`
	Flag  bool             `json:"flag"`
}

// Validate implements checkers.Validator.
func (c *madeConfig) Validate() error {
	if c.Count < 0 {
		return errors.New("count: want 0 or more")
	}
	return nil
}

// level is a check that judges the value of its settings.
func level(name string) made {
	defaults := madeConfig{Value: 50, Names: checkers.Texts{"a"}}
	return made{
		spec: checkers.Spec{Name: name, Doc: "A level.", Warning: at(70), Critical: at(90), Metric: "value", Config: defaults},
		do: func(_ context.Context, in checkers.Input) (checkers.Finding, error) {
			cfg, err := checkers.Settings(in, defaults)
			v := float64(cfg.Value)
			return checkers.Finding{Status: in.Judge(v), Message: "level", Metrics: map[string]any{"value": v}}, err
		},
	}
}

var here = &checkertest.Host{Samples: []*host.Sample{{Hostname: "web-01", OS: runtime.GOOS}}}

func TestOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config, status, err, message string
		skipped                      bool
	}{
		"fine":                {config: ``, status: "ok", message: "level"},
		"null is the default": {config: `{"value":null}`, status: "ok", message: "level"},
		"warning":             {config: `{"value":70}`, status: "warning", message: "level"},
		"critical":            {config: `{"value":"90"}`, status: "critical", message: "level"},
		"own thresholds":      {config: `{"value":50,"warning_threshold":"10","critical_threshold":50}`, status: "critical", message: "level"},
		"off":                 {config: `{"value":99,"enabled":false}`, status: "ok", message: "skipped: the check is switched off", skipped: true},
		"unknown setting":     {config: `{"valeu":1}`, status: "unknown", err: `unknown setting "valeu"; there are value, wait, count, names, flag, enabled, timeout, warning_threshold, critical_threshold`},
		"not a number":        {config: `{"value":"NaN"}`, status: "unknown", err: "value: want a number"},
		"not a whole number":  {config: `{"count":1.5}`, status: "unknown", err: "count: want a whole number"},
		"not a time":          {config: `{"wait":"soon"}`, status: "unknown", err: `wait: want seconds, or a text such as "500ms" or "2m"`},
		"not a list":          {config: `{"names":{}}`, status: "unknown", err: "names: want a list of texts"},
		"not true or false":   {config: `{"flag":"yes"}`, status: "unknown", err: "flag: want true or false, not a string"},
		"out of bounds":       {config: `{"count":-1}`, status: "unknown", err: "count: want 0 or more"},
		"several":             {config: `{"flag":1,"wait":[]}`, status: "unknown", err: "flag: want true or false, not a number wait: want seconds, or a text such as \"500ms\" or \"2m\""},
		"no object":           {config: `[]`, status: "unknown", err: "settings must be a JSON object"},
		"no JSON":             {config: `{`, status: "unknown", err: "settings must be a JSON object"},
		"no time":             {config: `{"timeout":0}`, status: "unknown", err: "timeout: want more than 0 and at most 600 seconds"},
		"no threshold":        {config: `{"warning_threshold":"high"}`, status: "unknown", err: "warning_threshold: want a number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, level("level"), here, tt.config)
			if tt.err != "" {
				tt.message = "Check failed: " + tt.err
			}
			if string(r.Status) != tt.status || r.Error != tt.err || r.Message != tt.message || r.Skipped != tt.skipped || r.Metrics == nil {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestOnceBroken(t *testing.T) {
	t.Parallel()
	spec := checkers.Spec{Name: "x", Timeout: 2 * time.Second}
	elsewhere := spec
	elsewhere.Platform = []string{"plan9", "aix"}
	for name, tt := range map[string]struct {
		spec    checkers.Spec
		do      func(ctx context.Context, in checkers.Input) (checkers.Finding, error)
		status  checkers.Status
		message string
		took    time.Duration
	}{
		"error": {spec, func(context.Context, checkers.Input) (checkers.Finding, error) {
			return checkers.Finding{}, errors.New("no\x00such\nthing")
		}, checkers.Unknown, "Check failed: no such thing", 0},
		"panic": {spec, func(context.Context, checkers.Input) (checkers.Finding, error) { panic("oh") }, checkers.Unknown, "Check failed: the check broke: oh", 0},
		"too long": {spec, func(ctx context.Context, _ checkers.Input) (checkers.Finding, error) {
			<-ctx.Done()
			return checkers.Finding{}, ctx.Err()
		}, checkers.Unknown, "Check failed: no answer within 2s", 2250 * time.Millisecond},
		"heeds nothing": {spec, func(context.Context, checkers.Input) (checkers.Finding, error) {
			time.Sleep(time.Hour)
			return checkers.Finding{Status: checkers.OK}, nil
		}, checkers.Unknown, "Check failed: no answer within 2s", 2250 * time.Millisecond},
		"says what it has when its time is up": {spec, func(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
			time.Sleep(in.Timeout)
			return checkers.Finding{Status: checkers.Warning, Message: "half of it"}, nil
		}, checkers.Warning, "half of it", 2 * time.Second},
		"elsewhere": {elsewhere, nil, checkers.OK, "skipped: only for plan9 and aix, this is " + runtime.GOOS, 0},
		"no such word": {spec, func(context.Context, checkers.Input) (checkers.Finding, error) {
			return checkers.Finding{Status: "bad", Message: "m"}, nil
		}, checkers.Unknown, "m", 0},
		"very long": {spec, func(context.Context, checkers.Input) (checkers.Finding, error) {
			return checkers.Finding{Status: checkers.OK, Message: strings.Repeat("é", 5000)}, nil
		}, checkers.OK, strings.Repeat("é", 998) + "…", 0},
		"no thresholds": {spec, func(_ context.Context, in checkers.Input) (checkers.Finding, error) {
			return checkers.Finding{Status: checkers.Worse(in.Judge(1e9), in.JudgeInverted(-1e9)), Message: "m"}, nil
		}, checkers.OK, "m", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := checkertest.Run(t, made{tt.spec, tt.do}, here, "")
				if r.Status != tt.status || r.Message != tt.message || time.Since(began) != tt.took {
					t.Errorf("after %s got %s %q", time.Since(began), r.Status, r.Message)
				}
				time.Sleep(2 * time.Hour) // what heeds nothing ends too
			})
		})
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in       checkers.Input
		inverted bool
		value    float64
		want     checkers.Status
	}{
		"below":                   {checkers.Input{Warning: 70, Critical: 90}, false, 69.99, checkers.OK},
		"at the warning":          {checkers.Input{Warning: 70, Critical: 90}, false, 70, checkers.Warning},
		"at the critical":         {checkers.Input{Warning: 70, Critical: 90}, false, 90, checkers.Critical},
		"only a warning":          {checkers.Input{Warning: 70, Critical: math.NaN()}, false, 1e9, checkers.Warning},
		"inverted, at warning":    {checkers.Input{Warning: 70, Critical: 50}, true, 70, checkers.OK},
		"inverted, below warning": {checkers.Input{Warning: 70, Critical: 50}, true, 69, checkers.Warning},
		"inverted, at critical":   {checkers.Input{Warning: 70, Critical: 50}, true, 50, checkers.Warning},
		"inverted, below both":    {checkers.Input{Warning: 70, Critical: 50}, true, 49, checkers.Critical},
	} {
		got := tt.in.Judge(tt.value)
		if tt.inverted {
			got = tt.in.JudgeInverted(tt.value)
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	defaults := madeConfig{Value: 1, Wait: 2, Names: checkers.Texts{"a", "b"}}
	got := defaults
	if err := checkers.Decode(json.RawMessage(`{"wait":"1.5s","count":"3","names":" x, y ,,x","flag":true}`), &got); err != nil {
		t.Fatal(err)
	}
	want := madeConfig{Value: 1, Wait: 1.5, Count: 3, Names: checkers.Texts{"x", "y"}, Flag: true}
	if diff := cmp.Diff(want, got); diff != "" || got.Wait.Duration() != 1500*time.Millisecond {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = defaults
	if err := checkers.Decode(json.RawMessage(`{"names":["x"]}`), &got); err != nil || defaults.Names[0] != "a" {
		t.Errorf("the defaults have become %v (%v)", defaults.Names, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"value":"1e309"}`, `{"wait":1e300}`, `{"count":1e30}`, `{"names":[null]}`, `{"timeout":"-1s"}`, `null`, `[`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c := madeConfig{}
		if checkers.Decode(json.RawMessage(raw), &c) == nil && (math.IsNaN(float64(c.Value)) || math.IsInf(float64(c.Value), 0) || c.Wait.Duration() < 0 && c.Wait > 0) {
			t.Errorf("%q became %+v", raw, c)
		}
		checkertest.Run(t, level("level"), here, raw)
	})
}

func TestSet(t *testing.T) {
	t.Parallel()
	if _, err := checkers.NewSet(level("a"), level("a")); err == nil {
		t.Error("a name given twice was taken")
	}
	if _, err := checkers.NewSet(level(checkers.All)); err == nil {
		t.Error("a check is called as the settings for all")
	}
	s, err := checkers.NewSet(level("b"), level("a"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Checker("c")
	if want := `unknown check "c"; available are b, a`; !errors.Is(err, checkers.ErrUnknown) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var schema struct {
		Properties map[string]struct {
			Type    string `json:"type"`
			Default any    `json:"default"`
		} `json:"properties"`
		Additional bool `json:"additionalProperties"`
	}
	if err := json.Unmarshal(s.Specs()[0].Schema, &schema); err != nil {
		t.Fatal(err)
	}
	p := schema.Properties
	if p["value"].Default != 50.0 || p["wait"].Type != "number" || p["count"].Type != "integer" || p["names"].Type != "array" || p["timeout"].Default != 10.0 ||
		p["critical_threshold"].Default != 90.0 || p["enabled"].Type != "boolean" || schema.Additional {
		t.Errorf("schema %s", s.Specs()[0].Schema)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	if got := checkers.Fingerprint("cpu", "web-01"); got != "3f541af215f3d7c7" { // of the contract
		t.Error(got)
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	r := checkers.Result{CheckerName: "disk", Status: checkers.Unknown, Message: "m", Error: "e", Metrics: map[string]any{
		"f": 1.50, "n": 3, "t": "text\x00", "b": true, "list": []string{"x"}, "none": nil, "map": map[string]any{"a": 1}, "hostname": 7,
	}}
	o := checkers.Observe(r, "h", map[string]string{"checker": "other", "env": "prod"})
	if diff := cmp.Diff(map[string]string{
		"hostname": "h", "checker": "disk", "env": "prod", "metric_f": "1.5", "metric_n": "3", "metric_t": "text ", "metric_b": "true", "metric_hostname": "7",
	}, o.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if o.Annotations["list"] != `["x"]` || o.Annotations["map"] != `{"a":1}` || o.Annotations["f"] != "1.5" || o.Annotations["none"] != "" ||
		o.Name != "DISK Check Alert" || o.Severity != "warning" || o.Status != "firing" || o.Description != "m\ne" {
		t.Errorf("%+v", o)
	}
	r.Message = r.Error // as checks do that know what they could not find out
	if o := checkers.Observe(r, "h", nil); o.Description != "e" {
		t.Errorf("said twice: %q", o.Description)
	}
	for status, want := range map[checkers.Status]string{checkers.OK: "resolved info", checkers.Warning: "firing warning", checkers.Critical: "firing critical"} {
		r.Status = status
		if o := checkers.Observe(r, "h", nil); string(o.Status)+" "+string(o.Severity) != want {
			t.Errorf("%s: %s %s", status, o.Status, o.Severity)
		}
	}
}
