package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// budgetSpent is the alert by which the hub says that a provider's budget is spent: routes, channels and the inbox treat it as any other.
const budgetSpent = "ProviderBudgetSpent"

// tellBudget raises an alert that stays until the day is over.
func (c *core) tellBudget(ctx context.Context, n intelligence.Notice) error {
	text := fmt.Sprintf("Provider %s has reached its limit of %s (%s). Until %s UTC it is asked no more, and the local analyzer answers in its place; each analysis says so.",
		n.Provider, n.Limit, n.Setting, n.Until.Format("2006-01-02 15:04"))
	return c.raise(ctx, budgetSpent, map[string]string{"provider": n.Provider}, event.StatusFiring, event.SeverityWarning, text)
}

// budgetsAgain ends such alerts of earlier days: budgets begin anew with the day, and who spends them again is told again.
func (c *core) budgetsAgain(ctx context.Context) error {
	found, err := c.alerts.Alerts(ctx, tenant, alerts.AlertFilter{Status: string(event.StatusFiring), Source: selfSource}, storage.Paging{})
	if err != nil {
		return err
	}
	today := c.clock.Now().Truncate(24 * time.Hour)
	var errs []error
	for _, a := range found.Items {
		if a.Name != budgetSpent || !a.StartedAt.Before(today) {
			continue
		}
		errs = append(errs, c.raise(ctx, budgetSpent, map[string]string{"provider": a.Labels["provider"]}, event.StatusResolved, event.SeverityWarning,
			"A new day has begun: provider "+a.Labels["provider"]+" is asked again."))
	}
	return errors.Join(errs...)
}
