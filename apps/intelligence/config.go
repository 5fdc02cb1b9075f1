package intelligence

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

// Settings are what a pipeline, a caller or a file chooses for one analysis.
type Settings struct {
	Options       providers.Options
	Hint, Context string
	Timeout       time.Duration   // 0: not said
	Config        json.RawMessage // the rest, which is the provider's; nil: nothing is left
	Rest          []string        // its keys
	Dropped       []string        // keys that may not be chosen here
}

// guarded are settings of stored providers: secrets, addresses, where a hub's disk is looked at, what may be spent, and what is stored.
// Callers may not choose them.
var guarded = []string{
	"api_key", "base_url", "host", "headers", "scan_paths", "price_input", "price_output", "calls_per_hour", "tokens_per_day", "calls_per_incident",
	"money_per_day", "redact_emails", "store_prompts",
}

// barred reports whether callers may not choose a setting, however it is written.
func barred(key string) bool {
	return slices.ContainsFunc(guarded, func(g string) bool { return strings.EqualFold(g, key) })
}

// ReadSettings splits settings. Own: they are the operator's, from a file or a stored provider, so that nothing is dropped.
func ReadSettings(m map[string]any, own bool) (Settings, error) {
	var s Settings
	rest := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		v := m[key]
		if !own && barred(key) {
			s.Dropped = append(s.Dropped, key)
			continue
		}
		known, err := s.set(key, v)
		if err != nil {
			return s, fmt.Errorf("%q: %w", key, err)
		}
		if !known {
			rest[key] = v
			s.Rest = append(s.Rest, key)
		}
	}
	if len(rest) == 0 {
		return s, nil
	}
	raw, err := json.Marshal(rest)
	if err != nil {
		return s, fmt.Errorf("encode the settings: %w", err)
	}
	s.Config = raw
	return s, nil
}

// Apply puts settings into a request and says which of them have no effect, in words for whoever wrote them. Provider is the one that
// Resolve found.
func (s *Settings) Apply(r *Request, provider string) []string {
	r.Options, r.Hint, r.Context, r.Config = s.Options, s.Hint, s.Context, s.Config
	if s.Timeout > 0 {
		r.Timeout = s.Timeout
	}
	var out []string
	for _, key := range s.Dropped {
		out = append(out, fmt.Sprintf("%q may not be chosen here and was left out: it belongs to the stored provider", key))
	}
	if provider == Local {
		r.Config = nil
		for _, key := range s.Rest {
			out = append(out, fmt.Sprintf("the local analyzer has no setting %q: it was left out", key))
		}
	}
	return out
}

func (s *Settings) set(key string, v any) (known bool, err error) {
	whole := func(to *int, most int) error {
		n, ok := number(v)
		if !ok || n != math.Trunc(n) || n < 1 || n > float64(most) {
			return fmt.Errorf("it must be a whole number from 1 to %d", most)
		}
		*to = int(n)
		return nil
	}
	text := func(to *string) error {
		t, ok := v.(string)
		if !ok {
			return errors.New("it must be a text")
		}
		*to = t
		return nil
	}
	switch key {
	case "top_n_processes":
		return true, whole(&s.Options.TopProcesses, 100)
	case "large_file_threshold_mb":
		return true, whole(&s.Options.LargeFileMB, 1<<20)
	case "old_file_days":
		return true, whole(&s.Options.OldFileDays, 36500)
	case "max_tokens":
		return true, whole(&s.Options.MaxTokens, 1<<20)
	case "model":
		return true, text(&s.Options.Model)
	case "path":
		return true, text(&s.Options.Path)
	case "system_prompt_hint":
		return true, text(&s.Hint)
	case "extra_context":
		return true, text(&s.Context)
	case "temperature":
		n, ok := number(v)
		if !ok || n < 0 || n > 2 {
			return true, errors.New("it must be a number from 0 to 2")
		}
		s.Options.Temperature = &n
	case "timeout_s":
		n, ok := number(v)
		if !ok || n <= 0 || n > 600 {
			return true, errors.New("it must be a number of seconds, at most 600")
		}
		s.Timeout = time.Duration(n * float64(time.Second))
	case "scan_paths":
		list, ok := v.([]any)
		for _, item := range list {
			p, text := item.(string)
			ok = ok && text
			s.Options.ScanPaths = append(s.Options.ScanPaths, p)
		}
		if !ok {
			return true, errors.New("it must be a list of paths")
		}
	default:
		return false, nil
	}
	return true, nil
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	default:
		return 0, false
	}
}
