package intelligence

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	all := map[string]any{
		"top_n_processes": 5.0, "large_file_threshold_mb": uint64(7), "old_file_days": int64(9), "model": "m", "max_tokens": 100, "temperature": 0.0, "path": "/var",
		"system_prompt_hint": "hint", "extra_context": "more", "timeout_s": 1.5, "scan_paths": []any{"/a"}, "api_key": "k", "base_url": "u", "host": "h", "effort": "low",
	}
	s, err := ReadSettings(all, true)
	if err != nil || s.Options.TopProcesses != 5 || s.Options.LargeFileMB != 7 || s.Options.OldFileDays != 9 || s.Options.Model != "m" || s.Options.MaxTokens != 100 ||
		*s.Options.Temperature != 0 || s.Options.Path != "/var" || s.Hint != "hint" || s.Context != "more" || s.Timeout != 1500*time.Millisecond ||
		!cmp.Equal(s.Options.ScanPaths, []string{"/a"}) || string(s.Config) != `{"api_key":"k","base_url":"u","effort":"low","host":"h"}` || s.Dropped != nil {
		t.Errorf("own settings %+v %v", s, err)
	}
	s, err = ReadSettings(all, false)
	if err != nil || !cmp.Equal(s.Dropped, []string{"api_key", "base_url", "host", "scan_paths"}) || string(s.Config) != `{"effort":"low"}` || s.Options.ScanPaths != nil {
		t.Errorf("settings of a caller %+v %v", s, err)
	}
	r := &Request{Timeout: time.Minute}
	if notes := s.Apply(r, Local); len(notes) != 5 || r.Config != nil || r.Timeout != 1500*time.Millisecond || r.Hint != "hint" || r.Options.TopProcesses != 5 {
		t.Errorf("applied to the local analyzer: %q %+v", notes, r)
	}
	if notes := s.Apply(r, "openai"); len(notes) != 4 || string(r.Config) != `{"effort":"low"}` {
		t.Errorf("applied to a provider: %q %+v", notes, r)
	}
	for key, values := range map[string][]any{
		"top_n_processes": {0, -1, 1.5, "3", 1000, nil}, "timeout_s": {0, "x", 1e9}, "temperature": {-1, 3, "warm"}, "model": {7}, "scan_paths": {"/a", []any{1}, nil},
	} {
		for _, v := range values {
			if _, err := ReadSettings(map[string]any{key: v}, true); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %v is taken: %v", key, v, err)
			}
		}
	}
}

func FuzzReadInput(f *testing.F) {
	f.Add([]byte(`{"title":"x","alerts":[{"name":"a","labels":{"k":1}}],"checks":[{"checker_name":"c","status":7}],"metadata":[]}`))
	f.Add([]byte(`{"incident":{"alerts":{},"history":[{"title":null,"resolved_at":"x"}],"changes":[[]]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, ev, err := ReadInput(body)
		if err == nil && (in == nil || len(ev.Alerts) > maxListed) {
			t.Errorf("%+v", ev)
		}
	})
}
