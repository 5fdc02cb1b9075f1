package intelligence

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// keptFor is how long an answer serves again.
const keptFor = time.Hour

// kept is an answer that serves again: what the guards left of it, and what its ids stood for then.
type kept struct {
	Result *providers.Result `json:"result"`
	Hash   string            `json:"hash"`
	Pieces map[string]string `json:"pieces"` // id: what it was
	model  string
	cut    bool
}

// kept returns a stored answer, nil when there is none.
func (s *Service) kept(tx *storage.Tx, key string) (*kept, error) {
	var k *kept
	rows := findAnswer.Rows()
	rows.Add(key, s.clock.Now())
	tx.Query(findAnswer, rows, func(r storage.Row) error {
		one := &kept{}
		var raw string
		if err := r.Scan(&raw, &one.model, &one.cut); err != nil {
			return err //nolint:wrapcheck // of the queue
		}
		if json.Unmarshal([]byte(raw), one) == nil && one.Result != nil { // else it is of another release: as if it were not there
			k = one
		}
		return nil
	})
	return k, tx.Flush()
}

// keeps is an answer as it is stored. It has gone through the guards: what they take out is nowhere.
func (s *Service) keeps(q *question, got *attempt) []byte {
	result := s.guarding(q.in, providers.RungProvider).result(got.answer.Result)
	return encode(kept{Result: &result, Hash: got.hash, Pieces: pieces(&q.in.Evidence)})
}

// again makes a stored answer one to this question: its ids are those of now, and it is read and judged as if it had just come.
func (s *Service) again(q *question, k *kept, as heard) attempt {
	now := map[string]string{}
	for id, what := range pieces(&q.in.Evidence) {
		now[what] = id
	}
	one := *k.Result
	one.Recommendations = nil
	for _, r := range k.Result.Recommendations {
		cited := r.Evidence
		r.Evidence = []string{}
		for _, id := range cited {
			if is := now[k.Pieces[id]]; is != "" && k.Pieces[id] != "" {
				r.Evidence = append(r.Evidence, is)
			}
		}
		one.Recommendations = append(one.Recommendations, r)
	}
	none := func() *int64 { return new(int64) }
	answer := &providers.Answer{
		Text: string(encode(one)), Model: k.model, Cut: k.cut, Usage: providers.Usage{Prompt: none(), Completion: none(), Total: none()},
	}
	as.cached, as.hash, as.cost = true, k.Hash, none()
	err := understand(q.in, answer, q.built.Canary)
	answer.Result, answer.Cut = &one, k.cut // with what the guards had noted, which is in no answer
	return attempt{answer: answer, err: err, heard: as}
}

// pieces say what ids stand for, so that they can be found again among others.
func pieces(ev *providers.Evidence) map[string]string {
	out := map[string]string{}
	for _, a := range ev.Alerts {
		out[a.ID] = "alert " + a.Name
	}
	for _, c := range ev.Checks {
		out[c.ID] = "check " + c.Name + " on " + c.Host
	}
	for _, h := range ev.History {
		out[h.ID] = "incident " + h.IncidentID + " " + h.Title
	}
	for _, c := range ev.Changes {
		out[c.ID] = "change " + c.Title + " at " + c.At.UTC().Format(time.RFC3339)
	}
	return out
}
