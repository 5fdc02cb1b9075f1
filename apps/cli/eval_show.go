package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/intelligence/scorecard"
)

// showTotals prints who was measured: each by incidents, and all beside each other.
func (p *Program) showTotals(list []scorecard.Total) error {
	for i := range list {
		if err := p.showTotal(&list[i]); err != nil {
			return err
		}
	}
	if len(list) < 2 {
		return nil
	}
	rows := make([][]string, 0, len(list))
	for i := range list {
		t := &list[i]
		rows = append(rows, []string{
			t.String(), share(t.Top1), share(t.Top3), share(t.Type), share(t.Cause), share(t.Evidence), share(t.FalseAlarms), share(t.Unsupported),
			allTokens(t), money(t.Cost), seconds(t.MedianSeconds), strconv.Itoa(t.Answered) + "/" + strconv.Itoa(t.Cases-t.Missing),
		})
	}
	return p.section("All", "", []string{
		"WHO", "TOP-1", "TOP-3", "TYPE", "CAUSE", "EVIDENCE", "FALSE ALARMS", "UNSUPPORTED", "TOKENS", "MONEY", "MEDIAN SECONDS", "ANSWERED",
	}, rows)
}

func (p *Program) showTotal(t *scorecard.Total) error {
	rows := make([][]string, 0, len(t.Scores))
	for i := range t.Scores {
		s := &t.Scores[i]
		if s.Missing {
			rows = append(rows, []string{s.ID, "", "", "", "", "", "", "", "", "", "", "not recorded"})
			continue
		}
		wrote := s.Rung
		if s.ErrorClass != "" {
			wrote = "nobody: " + s.ErrorClass
		}
		rows = append(rows, []string{
			s.ID, hit(s.Top1, s.FalseAlarm), hit(s.Top3, s.FalseAlarm), yes(s.Type), yes(s.Cause), share(scorecard.Share{N: s.Cited, Of: s.ToCite}),
			share(scorecard.Share{N: s.Unsupported, Of: s.Claims}), strconv.Itoa(s.Removed), tokens(s.PromptTokens, s.CompletionTokens), money(s.Cost), seconds(s.Seconds), wrote,
		})
	}
	if err := p.section(clean(t.String()), "", []string{
		"INCIDENT", "TOP-1", "TOP-3", "TYPE", "CAUSE", "EVIDENCE", "UNSUPPORTED", "REMOVED", "TOKENS", "MONEY", "SECONDS", "WRITTEN BY",
	}, rows); err != nil {
		return err
	}
	p.say("")
	p.say("Hits: top-1 %s, top-3 %s, type %s, cause %s, evidence %s; false alarms %s.",
		of(t.Top1), of(t.Top3), of(t.Type), of(t.Cause), of(t.Evidence), of(t.FalseAlarms))
	p.say("Unsupported: %s claims, %d unknown ids, %d answers not grounded, %d cut, %d commands removed.",
		of(t.Unsupported), t.Invented, t.Ungrounded, t.Truncated, t.Removed)
	cost := "money not known"
	if t.Cost != nil {
		cost = money(t.Cost) + " in money"
	}
	unknown := ""
	if t.Uncounted > 0 {
		unknown = fmt.Sprintf(" (%d answers did not say)", t.Uncounted)
	}
	p.say("Cost: %d + %d tokens%s, %s, %s s (median %s, slowest %s).",
		t.PromptTokens, t.CompletionTokens, unknown, cost, seconds(t.Seconds), seconds(t.MedianSeconds), seconds(t.SlowestSeconds))
	p.say("Answered %d of %d%s; rungs: %s; errors: %s.", t.Answered, t.Cases-t.Missing, missing(t.Missing), counts(t.Rungs), counts(t.Errors))
	return nil
}

// allTokens marks a sum that lacks those of some answers.
func allTokens(t *scorecard.Total) string {
	n := t.PromptTokens + t.CompletionTokens
	switch {
	case t.Uncounted > 0 && n == 0:
		return "?"
	case t.Uncounted > 0:
		return strconv.FormatInt(n, 10) + "+?"
	default:
		return strconv.FormatInt(n, 10)
	}
}

func missing(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d more not recorded)", n)
}

// yes is a measure that may not have been taken.
func yes(b *bool) string {
	switch {
	case b == nil:
		return "-"
	case *b:
		return "yes"
	default:
		return "no"
	}
}

// hit is one of an incident, or the verdict of one in which nothing was wrong.
func hit(b, falseAlarm *bool) string {
	if falseAlarm == nil {
		return yes(b)
	}
	if *falseAlarm {
		return "alarm"
	}
	return "calm"
}

func share(s scorecard.Share) string {
	if s.Of == 0 {
		return "-"
	}
	return strconv.Itoa(s.N) + "/" + strconv.Itoa(s.Of)
}

func of(s scorecard.Share) string {
	if s.Of == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d", s.N, s.Of)
}

func tokens(in, out *int64) string {
	one := func(n *int64) string {
		if n == nil {
			return "?"
		}
		return strconv.FormatInt(*n, 10)
	}
	return one(in) + "+" + one(out)
}

// money has no currency: prices are the operator's.
func money(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', 4, 64)
}

func seconds(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

func counts(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", clean(k), m[k]))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
