package rehearsal

import "fmt"

// Summarize writes the result in plain sentences.
func (r *Report) Summarize() {
	r.Summary = []string{}
	say := func(format string, args ...any) { r.Summary = append(r.Summary, fmt.Sprintf(format, args...)) }
	if r.Receipts == 0 {
		say("Nothing came in between %s and %s, so there is nothing to compare.", r.Since, r.Until)
		return
	}
	what := "With these groupings"
	if r.Definition != "" {
		what = fmt.Sprintf("With this definition of %q", r.Definition)
	}
	var before, after int64
	for _, m := range r.Messages {
		before, after = before+m.Before, after+m.After
	}
	alerts := count(int64(r.Observations), "alert", "alerts") + " in " + count(int64(r.Receipts), "receipt", "receipts")
	switch {
	case r.same():
		say("%s nothing would have been otherwise: %s, %s.", what, alerts, count(before, "message", "messages"))
		return
	case before == after:
		say("%s, %s would have made as many messages as they did: %d.", what, alerts, after)
	default:
		say("%s, %s would have made %s instead of %d.", what, alerts, count(after, "message", "messages"), before)
	}
	if r.Fewer.Total > 0 {
		say("%s that went out would not have.", count(r.Fewer.Total, "message", "messages"))
	}
	if r.More.Total > 0 {
		say("%s that did not go out would have.", count(r.More.Total, "message", "messages"))
	}
	if r.Nowhere.Total > 0 {
		say("%s that somebody was told of would go nowhere.", count(r.Nowhere.Total, "alert", "alerts"))
	}
	if r.Somewhere.Total > 0 {
		say("%s that went nowhere would reach somebody.", count(r.Somewhere.Total, "alert", "alerts"))
	}
	if r.Merged.Total > 0 {
		say("Incidents would merge: %s would be made of several.", count(r.Merged.Total, "incident", "incidents"))
	}
	if r.Split.Total > 0 {
		say("Incidents would split: %s would be several.", count(r.Split.Total, "incident", "incidents"))
	}
	if r.Unreadable.Total > 0 {
		say("%s could be read then and cannot be now.", count(r.Unreadable.Total, "receipt", "receipts"))
	}
	if r.Readable.Total > 0 {
		say("%s could not be read then and can be now.", count(r.Readable.Total, "receipt", "receipts"))
	}
}

// same reports whether nothing is otherwise.
func (r *Report) same() bool {
	return r.Fewer.Total+r.More.Total+r.Nowhere.Total+r.Somewhere.Total+r.Merged.Total+r.Split.Total+r.Unreadable.Total+r.Readable.Total == 0
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
