package prompt

import (
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/providers"
)

// DefaultBudget is the most tokens of a prompt when nobody says otherwise.
const DefaultBudget = 6000

// perToken is how many bytes are counted as a token. There is no tokenizer here; English has more, JSON and numbers about so many.
const perToken = 3

// tokens is how many tokens so many bytes are, at most about.
func tokens(bytes int) int { return (bytes + perToken - 1) / perToken }

// fixed is how many bytes of a prompt are always there.
const fixed = len(System) + len(after) + 2*(len(markerForm)+1)

// Budget is the budget of prompts for a model: what its operator wants, and what its window has room for beside an answer. A window that
// has hardly any is not believed: the model may think less than it may.
func Budget(t providers.Terms) int {
	n := t.MaxInput
	if n <= 0 {
		n = DefaultBudget
	}
	if t.Window > 0 {
		n = min(n, max(t.Window-t.MaxOutput, t.Window/4))
	}
	return n
}

// Half is the budget of one more try with half of what is known, for a model that said it was too much.
func (b *Built) Half() int { return tokens(fixed) + (b.Tokens-tokens(fixed))/2 }

// stages are how far texts are shortened before parts are left out, and alerts before texts are shortened further. The last floor is room
// for the note that something was cut.
var stages = []struct{ floor, alerts int }{{160, 3}, {80, 1}, {32, 1}, {32, 0}}

// fitting brings a document into a number of bytes.
type fitting struct {
	doc  *document
	said *trusted
	cut  bool
}

// fit shortens and leaves out: small texts stay, the large ones share what is left. The incident and the checks that failed are never left
// out. Room is in bytes of the user message.
func (f *fitting) fit(room int) error {
	least := 0
	for _, stage := range stages {
		least = stage.floor
		for {
			short, err := f.shorten(room, least)
			if err != nil || short {
				return err
			}
			if !f.drop(stage.alerts) {
				break
			}
			f.cut = true
		}
	}
	f.strip()
	short, err := f.shorten(room, least)
	if err != nil || short {
		return err
	}
	size, err := f.size()
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %d tokens are missing at least", ErrBudget, tokens(max(size-room, 1)))
}

// shorten brings the texts into what room there is, if each can have as much as floor.
func (f *fitting) shorten(room, floor int) (bool, error) {
	size, err := f.size()
	if err != nil || size <= room {
		return err == nil, err
	}
	texts := append(f.doc.texts(), &f.said.hint, &f.said.context)
	sizes := make([]int, len(texts))
	for i, t := range texts {
		sizes[i] = quoted(*t)
		size -= sizes[i]
	}
	share := level(sizes, room-size)
	if share < floor {
		return false, nil
	}
	f.cut = true
	for i, t := range texts {
		if sizes[i] > share {
			*t = within(*t, share)
		}
	}
	return true, nil
}

// drop leaves out the least of what there is: earlier incidents, then changes, runbooks, checks that found nothing, alerts, each from the
// end and the alerts as long as there are more than so many.
func (f *fitting) drop(alerts int) bool {
	d := f.doc
	switch n := len(d.Checks); {
	case pop(&d.History), pop(&d.Changes), pop(&d.Runbooks):
	case n > 0 && !d.Checks[n-1].failed: // they come last
		pop(&d.Checks)
	default:
		return len(d.Alerts) > alerts && pop(&d.Alerts)
	}
	return true
}

func pop[T any](list *[]T) bool {
	n := len(*list)
	if n == 0 {
		return false
	}
	*list = (*list)[:n-1]
	return true
}

// strip leaves out what only explains.
func (f *fitting) strip() {
	if in := f.doc.Incident; in != nil {
		in.Labels, in.Metadata = nil, ""
	}
	for i := range f.doc.Checks {
		f.doc.Checks[i].Metrics, f.doc.Checks[i].Host = "", ""
	}
	f.said.context = ""
	f.cut = true
}

// size is how many bytes all is together, texts as long as they are in quotes.
func (f *fitting) size() (int, error) {
	raw, err := encode(f.doc)
	if err != nil {
		return 0, err
	}
	n := len(raw)
	for _, s := range []string{f.said.hint, f.said.context} {
		n += quoted(s) - len(s)
	}
	return n + len(f.said.String()), nil
}

// level is the most that each may have so that all together have no more than room.
func level(sizes []int, room int) int {
	sizes = slices.Sorted(slices.Values(sizes))
	for i, size := range sizes {
		share := max(room, 0) / (len(sizes) - i)
		if size > share {
			return share
		}
		room -= size
	}
	return 1 << 40
}

// quoted is how many bytes a text takes in JSON, beside its quotes.
func quoted(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\', c == '\n', c == '\t':
			n++
		case c < ' ':
			n += 5
		}
	}
	return n
}

// within cuts a text to what takes at most limit bytes in JSON.
func within(s string, limit int) string {
	for n := limit; ; {
		out := Cut(s, n)
		over := quoted(out) - limit
		if over <= 0 || n <= 0 {
			return out
		}
		n -= max(1, over/2) // each byte takes at most twice its size
	}
}
