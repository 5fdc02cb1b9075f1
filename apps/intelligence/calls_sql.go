package intelligence

import "github.com/incidenthub/incidenthub/internal/platform/storage"

// Statements about calls of providers. Each goes for one row, and all who need several take them in one order: the incident's, answers,
// then usage, so that nobody waits in a circle.
var (
	placed = []storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("provider", storage.Text)}

	insertPlace = storage.Insert("analysis_calls", []storage.Column{
		storage.Col("tenant_id", storage.Text), storage.Col("incident_id", storage.UUID), storage.Col("provider", storage.Text), storage.Col("updated_at", storage.Time),
	}, "ON CONFLICT (incident_id, provider) DO NOTHING")

	lockPlace = storage.Lookup(placed, `SELECT t.calls, t.state_key, t.claim, t.claimed_to, t.answer_key, t.answered_at, {now} AS now
		FROM analysis_calls t WHERE t.incident_id = v.incident_id AND t.provider = v.provider LIMIT 1 {lock}`)

	claimPlace = storage.Update("analysis_calls", []storage.Column{
		storage.Col("incident_id", storage.UUID), storage.Col("provider", storage.Text), storage.Col("state_key", storage.Text), storage.Col("claim", storage.UUID),
		storage.Col("claimed_to", storage.After), storage.Col("updated_at", storage.Time),
	}, `calls = t.calls + 1, state_key = v.state_key, claim = v.claim, claimed_to = v.claimed_to, answer_key = '', answered_at = NULL, updated_at = v.updated_at`,
		"t.incident_id = v.incident_id AND t.provider = v.provider", "")

	leavePlace = storage.Update("analysis_calls", []storage.Column{
		storage.Col("incident_id", storage.UUID), storage.Col("provider", storage.Text), storage.Col("claim", storage.UUID), storage.Col("answer_key", storage.Text),
	}, `claimed_to = NULL, answer_key = v.answer_key, answered_at = {now}, updated_at = {now}`,
		"t.incident_id = v.incident_id AND t.provider = v.provider AND t.claim = v.claim", "")

	findAnswer = storage.Lookup([]storage.Column{storage.Col("key", storage.Text), storage.Col("now", storage.Time)},
		`SELECT t.answer, t.model, t.cut FROM analysis_answers t WHERE t.key = v.key AND t.expires_at > v.now LIMIT 1`)

	keepAnswer = storage.Insert("analysis_answers", []storage.Column{
		storage.Col("key", storage.Text), storage.Col("tenant_id", storage.Text), storage.Col("provider", storage.Text), storage.Col("model", storage.Text),
		storage.Col("answer", storage.Text), storage.Col("cut", storage.Bool), storage.Col("made_at", storage.Time), storage.Col("expires_at", storage.Time),
	}, `ON CONFLICT (key) DO UPDATE SET model = excluded.model, answer = excluded.answer, cut = excluded.cut, made_at = excluded.made_at,
		expires_at = excluded.expires_at`)

	hourly = []storage.Column{storage.Col("tenant_id", storage.Text), storage.Col("provider", storage.Text), storage.Col("hour", storage.Time)}

	insertHour = storage.Insert("provider_usage", hourly, "ON CONFLICT (tenant_id, provider, hour) DO NOTHING")

	lockDay = storage.Lookup(hourly, `SELECT t.noticed FROM provider_usage t
		WHERE t.tenant_id = v.tenant_id AND t.provider = v.provider AND t.hour = v.hour LIMIT 1 {lock}`)

	sumDay = storage.Lookup([]storage.Column{
		storage.Col("tenant_id", storage.Text), storage.Col("provider", storage.Text), storage.Col("today", storage.Time), storage.Col("tomorrow", storage.Time),
		storage.Col("hour", storage.Time),
	}, `SELECT CAST(coalesce(sum(CASE WHEN t.hour = v.hour THEN t.calls ELSE 0 END), 0) AS bigint) AS calls,
			CAST(coalesce(sum(t.prompt_tokens + t.completion_tokens + t.reserved_tokens), 0) AS bigint) AS tokens,
			CAST(coalesce(sum(t.cost_micros + t.reserved_micros), 0) AS bigint) AS micros
		FROM provider_usage t WHERE t.tenant_id = v.tenant_id AND t.provider = v.provider AND t.hour >= v.today AND t.hour < v.tomorrow`)

	noticeDay = storage.Update("provider_usage", hourly, "noticed = true",
		"t.tenant_id = v.tenant_id AND t.provider = v.provider AND t.hour = v.hour", "")

	countHour = storage.Update("provider_usage", []storage.Column{
		storage.Col("tenant_id", storage.Text), storage.Col("provider", storage.Text), storage.Col("hour", storage.Time), storage.Col("calls", storage.Int),
		storage.Col("failed", storage.Int), storage.Col("cached", storage.Int), storage.Col("refused", storage.Int), storage.Col("prompt_tokens", storage.Int),
		storage.Col("completion_tokens", storage.Int), storage.Col("reserved_tokens", storage.Int), storage.Col("cost_micros", storage.Int),
		storage.Col("reserved_micros", storage.Int), storage.Col("duration_ms", storage.Int),
	}, `calls = t.calls + v.calls, failed = t.failed + v.failed, cached = t.cached + v.cached, refused = t.refused + v.refused,
		prompt_tokens = t.prompt_tokens + v.prompt_tokens, completion_tokens = t.completion_tokens + v.completion_tokens,
		reserved_tokens = t.reserved_tokens + v.reserved_tokens, cost_micros = t.cost_micros + v.cost_micros,
		reserved_micros = t.reserved_micros + v.reserved_micros, duration_ms = t.duration_ms + v.duration_ms,
		slowest_ms = CASE WHEN t.slowest_ms < v.duration_ms THEN v.duration_ms ELSE t.slowest_ms END`,
		"t.tenant_id = v.tenant_id AND t.provider = v.provider AND t.hour = v.hour", "")

	pruneAnswers = storage.Delete("analysis_answers", []storage.Column{storage.Col("until", storage.Time)}, "t.expires_at <= v.until", "")
	prunePlaces  = storage.Delete("analysis_calls", []storage.Column{storage.Col("until", storage.Time)}, "t.updated_at < v.until", "")
	pruneHours   = storage.Delete("provider_usage", hourly, "t.tenant_id = v.tenant_id AND t.provider = v.provider AND t.hour < v.hour", "")
)

// seenPlace is how those who wait for somebody else's call look at it.
const seenPlace = `SELECT claim, claimed_to FROM analysis_calls WHERE incident_id = ? AND provider = ?`

// hourRow is what is added to the counts of an hour.
type hourRow struct {
	calls, failed, cached, refused int64
	prompt, completion, reserved   int64
	cost, reservedCost, ms         int64
}
