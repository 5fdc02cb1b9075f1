package intelligence

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// States of a stored analysis.
const (
	StatusRunning   = "running"
	StatusSucceeded = "succeeded"
	StatusFailed    = "failed" // who was asked did not answer; what there is comes from a lower rung
)

// why says in our words what a class of errors means; what a provider said is never stored.
var why = map[string]string{
	providers.ErrAuth:       "the provider refused the key",
	providers.ErrQuota:      "the provider's quota is used up",
	providers.ErrRateLimit:  "the provider asks for fewer calls",
	providers.ErrOverloaded: "too much is under way",
	providers.ErrServer:     "the provider failed",
	providers.ErrNetwork:    "the provider could not be reached",
	providers.ErrBadRequest: "the provider refused the request",
	providers.ErrNotFound:   "the provider does not know the model",
	providers.ErrTooLarge:   "the request was too large for the provider",
	providers.ErrRefusal:    "the provider declined to answer",
	providers.ErrMalformed:  "the answer could not be read",
	providers.ErrTimeout:    "there was no answer in time",
	providers.ErrInternal:   "the analyzer broke",
	providers.ErrConfig:     "the provider's settings cannot be used",
	providers.ErrBudget:     "the limit for calls, tokens or money is reached",
}

// Why explains a class of errors in a few words, "" for none.
func Why(class string) string {
	if w := why[class]; w != "" || class == "" {
		return w
	}
	return "it failed"
}

// why explains what went wrong, with what to do about it.
func (a *Analysis) why() string {
	if a.Hint == "" {
		return Why(a.ErrorClass)
	}
	return Why(a.ErrorClass) + ": " + a.Hint
}

// write is a row to be stored.
type write struct {
	request   *Request
	id        id.ID
	createdAt time.Time
	who       Configured // is asked
	out       *Analysis  // nil: it runs
	orphan    bool       // its process has died; nothing but its id is known
	after     func(committed bool)
}

func (w *write) running() *write {
	one := *w
	return &one
}

func (w *write) done(out *Analysis) *write {
	one := *w
	one.out = out
	return &one
}

// storeWait is how long an analysis waits for its row, so that whoever gets it finds it.
const storeWait = time.Second

// store writes a row. An audit that cannot be written is logged, and harms nobody.
func (s *Service) store(ctx context.Context, w *write, wait bool) {
	stored := make(chan struct{})
	s.writes.Submit(w, func(err error) {
		defer close(stored)
		w.settled(err == nil)
		if err != nil {
			s.log.WarnContext(ctx, "store an analysis", "analysis_id", w.id, "incident_id", w.request.IncidentID, "error", err)
			return
		}
		if s.changed == nil {
			return
		}
		s.changed(w.request.Tenant, "analysis", w.id)
		if w.out != nil && !w.request.IncidentID.IsZero() {
			s.changed(w.request.Tenant, "incident", w.request.IncidentID)
		}
	})
	if !wait {
		return
	}
	t := time.NewTimer(storeWait)
	defer t.Stop()
	select {
	case <-stored:
	case <-t.C:
	case <-ctx.Done():
	}
}

// A row is made when its analysis is shown as running, or with its end; results are written with the end.
var (
	insertAnalysis = storage.Insert("analyses", []storage.Column{
		storage.Col("id", storage.UUID), storage.Col("tenant_id", storage.Text), storage.Col("trace_id", storage.Text), storage.Col("run_id", storage.UUID),
		storage.Col("incident_id", storage.UUID), storage.Col("provider", storage.Text), storage.Col("record", storage.Text), storage.Col("provider_config", storage.Document),
		storage.Col("status", storage.Text), storage.Col("checker_output_ref", storage.Text), storage.Col("created_at", storage.Time),
		storage.Col("started_at", storage.Time), storage.Col("owner", storage.Text),
	}, "ON CONFLICT (id) DO NOTHING")

	endAnalysis = storage.Update("analyses", []storage.Column{
		storage.Col("id", storage.UUID), storage.Col("status", storage.Text), storage.Col("model_name", storage.Text), storage.Col("prompt_version", storage.Text),
		storage.Col("rung", storage.Text), storage.Col("error_class", storage.Text), storage.Col("error_message", storage.Text),
		storage.Col("fallback_used", storage.Bool), storage.Col("grounded", storage.Bool), storage.Col("truncated", storage.Bool),
		storage.Col("cached", storage.Bool), storage.Col("input_summary", storage.Document), storage.Col("evidence", storage.Document),
		storage.Col("recommendations", storage.Document), storage.Col("recommendations_count", storage.Int), storage.Col("summary", storage.Text),
		storage.Col("probable_cause", storage.Text), storage.Col("confidence", storage.TextNull), storage.Col("prompt_tokens", storage.TextNull),
		storage.Col("completion_tokens", storage.TextNull), storage.Col("total_tokens", storage.TextNull), storage.Col("completed_at", storage.Time),
		storage.Col("duration_ms", storage.Int), storage.Col("cost_micros", storage.TextNull), storage.Col("answer_hash", storage.Text),
		storage.Col("prompt", storage.Text), storage.Col("raw_answer", storage.Text),
	}, `status = v.status, model_name = v.model_name, prompt_version = v.prompt_version, rung = v.rung, error_class = v.error_class,
		error_message = v.error_message, fallback_used = v.fallback_used, grounded = v.grounded, truncated = v.truncated, cached = v.cached,
		input_summary = v.input_summary, evidence = v.evidence, recommendations = v.recommendations,
		recommendations_count = v.recommendations_count, summary = v.summary, probable_cause = v.probable_cause,
		confidence = CAST(v.confidence AS double precision), prompt_tokens = CAST(v.prompt_tokens AS bigint),
		completion_tokens = CAST(v.completion_tokens AS bigint), total_tokens = CAST(v.total_tokens AS bigint),
		completed_at = v.completed_at, duration_ms = v.duration_ms, cost_micros = CAST(v.cost_micros AS bigint), answer_hash = v.answer_hash,
		prompt = v.prompt, raw_answer = v.raw_answer`, "t.id = v.id", "")
)

func (s *Service) apply(tx *storage.Tx, list []*write) error {
	rows, ends, orphans := insertAnalysis.Rows(), endAnalysis.Rows(), endOrphan.Rows()
	var noted []Noted
	for _, w := range list {
		w.settled(false) // of an earlier try
		if w.orphan {
			orphans.Add(w.id, StatusFailed, providers.ErrInternal, ended, tx.Now())
			continue
		}
		r := w.request
		status, started, owner := StatusRunning, w.createdAt, s.owner
		if w.out != nil {
			if status = StatusSucceeded; w.out.ErrorClass != "" {
				status = StatusFailed
			}
			started, owner = w.out.StartedAt, ""
		}
		rows.Add(w.id, r.Tenant, r.TraceID, r.RunID, r.IncidentID, w.who.Kind, w.record(), s.settings(w.who, r), status, r.CheckRef, w.createdAt, started, owner)
		if w.out == nil {
			continue
		}
		w.end(status, tx.Now(), ends)
		if !r.IncidentID.IsZero() && !r.FactsOnly {
			noted = append(noted, Noted{
				Tenant: r.Tenant, TraceID: r.TraceID, IncidentID: r.IncidentID, RunID: r.RunID, Details: w.details(), Analysis: w.out,
			})
		}
	}
	tx.Exec(insertAnalysis, rows)
	tx.Exec(endAnalysis, ends)
	tx.Exec(endOrphan, orphans)
	if s.note == nil || len(noted) == 0 {
		return nil
	}
	after, err := s.note(tx, noted)
	for _, w := range list {
		w.after = after
	}
	return err
}

// settled says what became of the transaction that stored a row.
func (w *write) settled(committed bool) {
	if after := w.after; after != nil {
		w.after = nil
		after(committed)
	}
}

func (w *write) end(status string, now time.Time, rows *storage.Rows) {
	a := w.out
	rows.Add(w.id, status, a.Model, a.PromptVersion, a.Rung, a.ErrorClass, a.why(), a.FallbackUsed, a.Grounded, a.Truncated, a.Cached,
		encode(a.Input), encode(List(&a.Evidence)), encode(a.Recommendations), len(a.Recommendations), a.Summary, a.ProbableCause, decimal(a.Confidence),
		whole(a.Usage.Prompt), whole(a.Usage.Completion), whole(a.Usage.Total), now, int(a.Took.Milliseconds()),
		whole(a.Cost), a.AnswerHash, a.Prompt, a.RawAnswer)
}

// record is the name of the stored provider that was asked.
func (w *write) record() string {
	if w.who.ID.IsZero() {
		return ""
	}
	return w.who.Name
}

// details are what the incident's history says of it.
func (w *write) details() map[string]any {
	d := map[string]any{
		"analysis_id": w.id.String(), "provider": w.who.Kind, "rung": w.out.Rung, "grounded": w.out.Grounded, "fallback_used": w.out.FallbackUsed,
		"summary": shorten(w.out.Summary, maxDescription),
	}
	if w.out.ErrorClass != "" {
		d["error_class"] = w.out.ErrorClass
	}
	if !w.request.RunID.IsZero() {
		d["run_id"] = w.request.RunID.String()
	}
	return d
}

// settings are what was chosen for an analysis, without secrets.
func (s *Service) settings(who Configured, r *Request) json.RawMessage {
	m := map[string]any{}
	if raw, err := settingsOf(who.Config, r); err == nil && len(raw) > 0 && who.Kind != Local {
		_ = json.Unmarshal(raw, &m) // of settingsOf
	}
	var o map[string]any
	if json.Unmarshal(encode(r.Options), &o) == nil {
		maps.Copy(m, o)
	}
	for k, v := range map[string]string{"system_prompt_hint": r.Hint, "extra_context": r.Context, "kind": r.Kind} {
		if v != "" {
			m[k] = v
		}
	}
	return s.redact.Value(m, maxDetails)
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil { // numbers that JSON has not: nothing here holds any
		return json.RawMessage("{}")
	}
	return raw
}

func decimal(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'f', -1, 64)
}

func whole(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}
