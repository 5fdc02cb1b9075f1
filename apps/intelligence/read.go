package intelligence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// AnalysisRun is a stored analysis.
type AnalysisRun struct {
	ID                   id.ID           `json:"id" gorm:"column:id"`
	TraceID              string          `json:"trace_id" gorm:"column:trace_id"`
	RunID                *id.ID          `json:"pipeline_run_id" gorm:"column:run_id"`
	IncidentID           *id.ID          `json:"incident_id" gorm:"column:incident_id"`
	Provider             string          `json:"provider" gorm:"column:provider"`
	Record               string          `json:"record" gorm:"column:record"`                                   // the stored provider's name, "" when none was asked
	ProviderConfig       json.RawMessage `json:"provider_config" gorm:"column:provider_config;serializer:json"` // redacted
	ModelName            string          `json:"model_name" gorm:"column:model_name"`
	PromptVersion        string          `json:"prompt_version" gorm:"column:prompt_version"`
	Status               string          `json:"status" gorm:"column:status"` // running, succeeded, failed
	Rung                 string          `json:"rung" gorm:"column:rung"`     // provider, local, facts; "" while it runs
	ErrorClass           string          `json:"error_class" gorm:"column:error_class"`
	ErrorMessage         string          `json:"error_message" gorm:"column:error_message"`
	FallbackUsed         bool            `json:"fallback_used" gorm:"column:fallback_used"`
	Grounded             bool            `json:"grounded" gorm:"column:grounded"`
	Truncated            bool            `json:"truncated" gorm:"column:truncated"`
	Cached               bool            `json:"cached" gorm:"column:cached"`
	InputSummary         json.RawMessage `json:"input_summary" gorm:"column:input_summary;serializer:json"`
	CheckerOutputRef     string          `json:"checker_output_ref" gorm:"column:checker_output_ref"`
	RecommendationsCount int             `json:"recommendations_count" gorm:"column:recommendations_count"`
	Summary              string          `json:"summary" gorm:"column:summary"`
	ProbableCause        string          `json:"probable_cause" gorm:"column:probable_cause"`
	Confidence           *float64        `json:"confidence" gorm:"column:confidence"`
	PromptTokens         *int64          `json:"prompt_tokens" gorm:"column:prompt_tokens"`
	CompletionTokens     *int64          `json:"completion_tokens" gorm:"column:completion_tokens"`
	TotalTokens          *int64          `json:"total_tokens" gorm:"column:total_tokens"`
	CostMicros           *int64          `json:"cost_micros" gorm:"column:cost_micros"` // millionths of money; null: unknown, or no prices are set
	AnswerHash           string          `json:"answer_hash" gorm:"column:answer_hash"` // sha256 of the provider's text
	CreatedAt            time.Time       `json:"created_at" gorm:"column:created_at"`
	StartedAt            *time.Time      `json:"started_at" gorm:"column:started_at"`
	CompletedAt          *time.Time      `json:"completed_at" gorm:"column:completed_at"`
	DurationMS           *int64          `json:"duration_ms" gorm:"column:duration_ms"`
}

// AnalysisDetail is one stored analysis with what it says and what went in.
type AnalysisDetail struct {
	AnalysisRun     `gorm:"embedded"`
	Recommendations []providers.Recommendation `json:"recommendations" gorm:"column:recommendations;serializer:json"`
	Evidence        []Piece                    `json:"evidence" gorm:"column:evidence;serializer:json"`
	Prompt          string                     `json:"prompt" gorm:"column:prompt"`         // redacted; "" unless the provider's store_prompts is on
	RawAnswer       string                     `json:"raw_answer" gorm:"column:raw_answer"` // as prompt
}

// Piece is one piece of evidence.
type Piece struct {
	ID     string         `json:"id"`   // "" for runbooks, which nothing cites
	Kind   string         `json:"kind"` // alert, check, history, change, runbook
	Title  string         `json:"title"`
	Text   string         `json:"text"`
	Status string         `json:"status"` // of a check or an alert
	Ref    string         `json:"ref"`    // id of the earlier incident, or an address
	At     *time.Time     `json:"at"`
	More   map[string]any `json:"more"` // labels, or metrics
}

// List is evidence as it is stored and shown.
func List(ev *providers.Evidence) []Piece {
	out := []Piece{}
	for _, a := range ev.Alerts {
		out = append(out, Piece{
			ID: a.ID, Kind: "alert", Title: a.Name, Text: a.Description, Status: a.Status, At: instant(a.StartedAt),
			More: more("severity", a.Severity, "labels", a.Labels, "count", a.Count),
		})
	}
	for _, c := range ev.Checks {
		out = append(out, Piece{ID: c.ID, Kind: "check", Title: c.Name, Text: c.Message, Status: c.Status, Ref: c.Host, More: more("metrics", c.Metrics)})
	}
	for _, h := range ev.History {
		out = append(out, Piece{ID: h.ID, Kind: "history", Title: h.Title, Text: h.Summary, Ref: h.IncidentID, At: instant(h.ResolvedAt), More: more("similarity", h.Similarity)})
	}
	for _, c := range ev.Changes {
		out = append(out, Piece{
			ID: c.ID, Kind: "change", Title: c.Title, Text: c.Service, Ref: c.URL, At: instant(c.At), More: more("kind", c.Kind, "labels", c.Labels, "author", c.Author),
		})
	}
	for _, link := range ev.Runbook {
		out = append(out, Piece{Kind: "runbook", Title: "Runbook", Ref: link})
	}
	return out
}

func more(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			if v == "" {
				continue
			}
		case map[string]string:
			if len(v) == 0 {
				continue
			}
		case map[string]any:
			if len(v) == 0 {
				continue
			}
		}
		out[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return out
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Filter narrows a list of analyses; zero fields do not.
type Filter struct {
	IncidentID, RunID id.ID
	Provider, Rung    string
	Status            string
}

// Reader reads stored analyses.
type Reader struct{ db *storage.DB }

// NewReader returns a Reader.
func NewReader(db *storage.DB) (*Reader, error) {
	if db == nil {
		return nil, errors.New("intelligence: a database is required")
	}
	return &Reader{db}, nil
}

const runColumns = `id, trace_id, run_id, incident_id, provider, record, provider_config, model_name, prompt_version, status, rung, error_class, error_message,
	fallback_used, grounded, truncated, cached, input_summary, checker_output_ref, recommendations_count, summary, probable_cause, confidence, prompt_tokens,
	completion_tokens, total_tokens, cost_micros, answer_hash, created_at, started_at, completed_at, duration_ms`

// Runs lists stored analyses, newest first.
func (r *Reader) Runs(ctx context.Context, tenant string, f Filter, p storage.Paging) (storage.Page[AnalysisRun], error) {
	q := r.db.Read(ctx).Table("analyses").Select(runColumns).Where("tenant_id = ?", tenant)
	if !f.IncidentID.IsZero() {
		q = q.Where("incident_id = ?", f.IncidentID)
	}
	if !f.RunID.IsZero() {
		q = q.Where("run_id = ?", f.RunID)
	}
	for column, value := range map[string]string{"provider": f.Provider, "rung": f.Rung, "status": f.Status} {
		if value != "" {
			q = q.Where(column+" = ?", value)
		}
	}
	var rows []AnalysisRun
	if err := p.Apply(q).Find(&rows).Error; err != nil {
		return storage.Page[AnalysisRun]{}, fmt.Errorf("list analyses: %w", storage.Classify(err))
	}
	return storage.PageOf(rows, p, func(a *AnalysisRun) id.ID { return a.ID }), nil
}

// Run returns one stored analysis.
func (r *Reader) Run(ctx context.Context, tenant string, analysis id.ID) (AnalysisDetail, error) {
	var d AnalysisDetail
	err := r.db.Read(ctx).Table("analyses").Select(runColumns+", recommendations, evidence, prompt, raw_answer").Where("id = ? AND tenant_id = ?", analysis, tenant).Take(&d).Error
	if err != nil {
		return AnalysisDetail{}, storage.Missing(err, "analysis "+analysis.String())
	}
	if d.Recommendations == nil {
		d.Recommendations = []providers.Recommendation{}
	}
	if d.Evidence == nil {
		d.Evidence = []Piece{}
	}
	return d, nil
}
