package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
)

type ledgerCmd struct{ remote }

// Help implements kong.HelpProvider.
func (ledgerCmd) Help() string {
	return `Every alert on every route is in exactly one state; the hub checks the sums each minute. The exit code is 1 when they do not match.

Example:

    incidenthub ledger --json`
}

// wireLedger is the API's answer.
type wireLedger struct {
	Counts   map[string]int64 `json:"counts"`
	ByReason map[string]int64 `json:"by_reason"`
	Balanced bool             `json:"balanced"`
	Problem  string           `json:"problem"`
}

// Run implements the command.
func (c ledgerCmd) Run(ctx context.Context, p *Program) error {
	var books wireLedger
	err := get(ctx, p, c.remote, "/api/v1/ledger", nil, &books, func() error {
		var rows [][]string
		for _, state := range []string{"pending", "delivered", "suppressed", "dead", "no_route", "rejected"} {
			rows = append(rows, []string{state, "", strconv.FormatInt(books.Counts[state], 10)})
		}
		for _, reason := range slices.Sorted(maps.Keys(books.ByReason)) {
			rows = append(rows, []string{"", reason, strconv.FormatInt(books.ByReason[reason], 10)})
		}
		return p.table([]string{"STATE", "REASON", "ALERTS"}, rows)
	})
	if err == nil && !books.Balanced {
		return errors.New("the books do not match: " + books.Problem)
	}
	return err
}
