package scorecard

import "sort"

// Total is what a contestant is worth, over all cases that it was asked about. Shares are counts of counts: Top1 of Asked.
type Total struct {
	Contestant

	Cases       int            `json:"cases"`
	Missing     int            `json:"missing"`  // without a recorded answer; they count nowhere else
	Answered    int            `json:"answered"` // of the others
	Top1        Share          `json:"top1"`
	Top3        Share          `json:"top3"`
	Type        Share          `json:"type"`
	Cause       Share          `json:"cause"`
	Evidence    Share          `json:"evidence"`     // of ids that had to be cited
	FalseAlarms Share          `json:"false_alarms"` // of cases in which nothing was wrong
	Unsupported Share          `json:"unsupported"`  // of claims
	Invented    int            `json:"unknown_ids"`
	Removed     int            `json:"removed_commands"`
	Truncated   int            `json:"truncated"`
	Ungrounded  int            `json:"ungrounded"` // of answered
	Rungs       map[string]int `json:"rungs"`
	Errors      map[string]int `json:"error_classes"`

	PromptTokens     int64    `json:"prompt_tokens"`
	CompletionTokens int64    `json:"completion_tokens"`
	Uncounted        int      `json:"tokens_unknown"` // answers whose tokens are not known
	Cost             *float64 `json:"cost"`           // nil: of no answer
	Seconds          float64  `json:"seconds"`        // all together
	MedianSeconds    float64  `json:"median_seconds"`
	SlowestSeconds   float64  `json:"slowest_seconds"`

	Scores []Score `json:"incidents"`
}

// Share is a part of a whole.
type Share struct {
	N  int `json:"n"`
	Of int `json:"of"`
}

func (s *Share) add(b *bool) {
	if b == nil {
		return
	}
	s.Of++
	if *b {
		s.N++
	}
}

// Sum adds scores up.
func Sum(of Contestant, scores []Score) Total {
	t := Total{Contestant: of, Cases: len(scores), Scores: scores, Rungs: map[string]int{}, Errors: map[string]int{}}
	var took []float64
	for i := range scores {
		s := &scores[i]
		if s.Missing {
			t.Missing++
			continue
		}
		t.Rungs[s.Rung]++
		if s.ErrorClass != "" {
			t.Errors[s.ErrorClass]++
		}
		t.Top1.add(s.Top1)
		t.Top3.add(s.Top3)
		t.Type.add(s.Type)
		t.Cause.add(s.Cause)
		t.FalseAlarms.add(s.FalseAlarm)
		t.Evidence.N, t.Evidence.Of = t.Evidence.N+s.Cited, t.Evidence.Of+s.ToCite
		t.Unsupported.N, t.Unsupported.Of = t.Unsupported.N+s.Unsupported, t.Unsupported.Of+s.Claims
		t.Invented += s.Invented
		t.Removed += s.Removed
		t.spent(s)
		took = append(took, s.Seconds)
		t.Seconds += s.Seconds
	}
	if sort.Float64s(took); len(took) > 0 {
		t.MedianSeconds, t.SlowestSeconds = took[(len(took)-1)/2], took[len(took)-1]
	}
	return t
}

// spent adds what an answer cost.
func (t *Total) spent(s *Score) {
	if s.Cost != nil {
		if t.Cost == nil {
			t.Cost = new(float64)
		}
		*t.Cost += *s.Cost
	}
	if s.PromptTokens != nil {
		t.PromptTokens += *s.PromptTokens
	}
	if s.CompletionTokens != nil {
		t.CompletionTokens += *s.CompletionTokens
	}
	if !s.Answered {
		return
	}
	t.Answered++
	if s.PromptTokens == nil || s.CompletionTokens == nil {
		t.Uncounted++
	}
	if s.Truncated {
		t.Truncated++
	}
	if !s.Grounded {
		t.Ungrounded++
	}
}
