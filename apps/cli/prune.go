package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

type pruneCmd struct {
	remote
	DryRun    bool   `help:"Remove nothing; count what would go, roughly."`
	OlderThan string `placeholder:"30d" help:"Remove what is over and older than this, in days (d) or weeks (w), instead of HUB_KEEP_DAYS."`
}

// Help implements kong.HelpProvider.
func (pruneCmd) Help() string {
	return `The hub prunes by itself every hour; this does it now, and waits. What is not over stays however old it is, what failed stays as
long as HUB_KEEP_DEAD_DAYS says, and the totals of the ledger stay for ever. It needs a key with the scope admin.

Example:

    incidenthub prune --dry-run --older-than 30d
    incidenthub prune --older-than 30d`
}

// wirePruned is the API's answer.
type wirePruned struct {
	BeganAt     *time.Time       `json:"began_at"`
	EndedAt     *time.Time       `json:"ended_at"`
	Problem     string           `json:"problem"`
	Removed     map[string]int64 `json:"removed"`
	WouldRemove map[string]int64 `json:"would_remove"`
}

// prunePoll is how often the hub is asked whether it has done.
const prunePoll = 500 * time.Millisecond

// Run implements the command.
func (c pruneCmd) Run(ctx context.Context, p *Program) error {
	body := map[string]any{"dry_run": c.DryRun}
	if c.OlderThan != "" {
		days, err := parseDays(c.OlderThan)
		if err != nil {
			return fmt.Errorf("--older-than: %w", err)
		}
		body["older_than_days"] = days
	}
	hub, err := p.client(c.remote)
	if err != nil {
		return err
	}
	var now wirePruned
	raw, err := hub.call(ctx, http.MethodPost, "/api/v1/retention/prune", nil, body, &now)
	for err == nil && !c.DryRun && now.EndedAt == nil {
		if err := clock.Sleep(ctx, prunePoll); err != nil {
			return fmt.Errorf("the hub goes on pruning: %w", err)
		}
		now = wirePruned{}
		raw, err = hub.call(ctx, http.MethodGet, "/api/v1/retention", nil, nil, &now)
	}
	switch {
	case err != nil:
		return err
	case c.JSON:
		err = p.printJSON(raw)
	case c.DryRun:
		err = p.pruned("WOULD GO", now.WouldRemove)
	default:
		err = p.pruned("REMOVED", now.Removed)
	}
	if err == nil && now.Problem != "" && !c.DryRun {
		err = errors.New("pruning has not come to its end: " + now.Problem)
	}
	return err
}

func (p *Program) pruned(what string, counts map[string]int64) error {
	if len(counts) == 0 {
		p.say("Nothing is over and that old.")
		return nil
	}
	rows := make([][]string, 0, len(counts))
	for _, table := range slices.Sorted(maps.Keys(counts)) {
		rows = append(rows, []string{table, strconv.FormatInt(counts[table], 10)})
	}
	return p.table([]string{"TABLE", what}, rows)
}

// parseDays reads 30d, 4w or 30.
func parseDays(text string) (int, error) {
	number, times := strings.TrimSuffix(text, "d"), 1
	if weeks, ok := strings.CutSuffix(text, "w"); ok {
		number, times = weeks, 7
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 36500/times {
		return 0, fmt.Errorf("%q is no number of days such as 30d, or of weeks such as 4w", text)
	}
	return n * times, nil
}
