package intelligence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Usage is what was asked of one provider, and what that cost, since a time.
type Usage struct {
	Provider         string        `json:"provider"` // the name of its record, or its kind where nothing is stored
	Calls            int64         `json:"calls"`
	Failed           int64         `json:"failed"`  // of the calls
	Cached           int64         `json:"cached"`  // answers that served again, without a call
	Refused          int64         `json:"refused"` // not made: a budget was spent, or the breaker was open
	PromptTokens     int64         `json:"prompt_tokens"`
	CompletionTokens int64         `json:"completion_tokens"`
	CostMicros       int64         `json:"cost_micros"` // millionths of the money that its prices are in
	MeanMS           int64         `json:"mean_ms"`     // of the calls, tries and waits included
	SlowestMS        int64         `json:"slowest_ms"`
	Hours            []UsageOfHour `json:"hours"` // that something was asked in, the oldest first
}

// UsageOfHour is the part of one hour.
type UsageOfHour struct {
	Hour       time.Time `json:"hour"`
	Calls      int64     `json:"calls"`
	Failed     int64     `json:"failed"`
	Cached     int64     `json:"cached"`
	Refused    int64     `json:"refused"`
	Tokens     int64     `json:"tokens"`
	CostMicros int64     `json:"cost_micros"`
	MeanMS     int64     `json:"mean_ms"`
}

// usageRow is a row of provider_usage.
type usageRow struct {
	Provider                          string
	Hour                              time.Time
	Calls, Failed, Cached, Refused    int64
	PromptTokens, CompletionTokens    int64
	CostMicros, DurationMS, SlowestMS int64
}

// Usage is what was asked of each provider since a time, by name. The hour that the time lies in counts whole.
func (r *Reader) Usage(ctx context.Context, tenant string, since time.Time) ([]Usage, error) {
	var rows []usageRow
	err := r.db.Read(ctx).Raw(`SELECT provider, hour, calls, failed, cached, refused, prompt_tokens, completion_tokens, cost_micros, duration_ms, slowest_ms
		FROM provider_usage WHERE tenant_id = ? AND hour >= ? ORDER BY provider, hour`, tenant, since.UTC().Truncate(time.Hour)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the usage of providers: %w", storage.Classify(err))
	}
	out := []Usage{}
	total := map[string]int64{}
	for _, row := range rows {
		if row.Calls+row.Cached+row.Refused == 0 {
			continue // it only holds the place of a day
		}
		i := slices.IndexFunc(out, func(u Usage) bool { return u.Provider == row.Provider })
		if i < 0 {
			i = len(out)
			out = append(out, Usage{Provider: row.Provider})
		}
		u := &out[i]
		u.Calls, u.Failed, u.Cached, u.Refused = u.Calls+row.Calls, u.Failed+row.Failed, u.Cached+row.Cached, u.Refused+row.Refused
		u.PromptTokens, u.CompletionTokens, u.CostMicros = u.PromptTokens+row.PromptTokens, u.CompletionTokens+row.CompletionTokens, u.CostMicros+row.CostMicros
		u.SlowestMS = max(u.SlowestMS, row.SlowestMS)
		total[row.Provider] += row.DurationMS
		u.MeanMS = total[row.Provider] / max(u.Calls, 1)
		u.Hours = append(u.Hours, UsageOfHour{
			Hour: row.Hour.UTC(), Calls: row.Calls, Failed: row.Failed, Cached: row.Cached, Refused: row.Refused,
			Tokens: row.PromptTokens + row.CompletionTokens, CostMicros: row.CostMicros, MeanMS: row.DurationMS / max(row.Calls, 1),
		})
	}
	slices.SortStableFunc(out, func(a, b Usage) int { return strings.Compare(a.Provider, b.Provider) })
	return out, nil
}
