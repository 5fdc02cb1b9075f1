package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Limits of reminders and fallbacks.
const (
	MinRenotify      = time.Minute
	MaxRenotify      = 7 * 24 * time.Hour
	MinFallbackAfter = time.Minute
	MaxFallbackAfter = 7 * 24 * time.Hour
)

// seconds is what a column of seconds holds, as a duration.
func seconds(s int64) time.Duration { return time.Duration(s) * time.Second }

// outside says what is wrong with a time that is 0 or whole seconds from least to most, "" when nothing is.
func outside(d, least, most time.Duration) string {
	if d == 0 || d >= least && d <= most && d%time.Second == 0 {
		return ""
	}
	return fmt.Sprintf("must be 0 for never, or whole seconds from %s to %s, such as 30m or 4h", period.Text(least), period.Text(most))
}

// fallback finds the channel that c falls back on by in, and says what speaks against it. It must be another one that leaves the hub,
// is active when it is chosen, and does not fall back on c itself by way of others.
func (s *ChannelService) fallback(ctx context.Context, c Channel, in ChannelInput) (Channel, []Problem, error) {
	ref := strings.TrimSpace(in.Fallback)
	if ref == "" {
		if in.FallbackAfter != 0 {
			return Channel{}, []Problem{{"fallback.channel", "name the channel that is told after that time"}}, nil
		}
		return Channel{}, nil, nil
	}
	var p []Problem
	if why := outside(in.FallbackAfter, MinFallbackAfter, MaxFallbackAfter); why != "" {
		p = append(p, Problem{"fallback.after", strings.Replace(why, "for never", "for only when it cannot be delivered", 1)})
	}
	to, err := find(s.db.From(ctx), c.TenantID, ref)
	if errors.Is(err, storage.ErrNotFound) {
		return Channel{}, append(p, Problem{"fallback.channel", "there is no such channel; give the name or the id of one"}), nil
	}
	if err != nil {
		return Channel{}, nil, err
	}
	why, err := s.against(ctx, c, to, in)
	if err != nil {
		return Channel{}, nil, err
	}
	if why != "" {
		p = append(p, Problem{"fallback.channel", why})
	}
	return to, p, nil
}

// against says what speaks against to as the fallback of c.
func (s *ChannelService) against(ctx context.Context, c, to Channel, in ChannelInput) (string, error) {
	switch {
	case to.ID == c.ID:
		return "a channel cannot fall back on itself", nil
	case s.local(c.Driver):
		return "messages of this channel stay in the hub and always arrive; it needs no fallback", nil
	case s.local(to.Driver):
		return "messages to that channel stay in the hub and wake nobody; choose one that leaves it", nil
	case to.ID != c.FallbackID && s.off(to.Driver, to.Config.V) != "":
		return "that channel sends nothing: " + s.off(to.Driver, to.Config.V), nil
	case in.IsActive && !to.IsActive && to.ID != c.FallbackID: // one that was switched off since does not hinder other changes
		return "that channel is not active; activate it first", nil
	}
	seen := map[id.ID]bool{to.ID: true}
	for next := to; !next.FallbackID.IsZero() && !seen[next.FallbackID]; {
		if next.FallbackID == c.ID {
			return "that channel falls back on this one; messages would go in circles", nil
		}
		seen[next.FallbackID] = true
		var err error
		if next, err = find(s.db.From(ctx), c.TenantID, next.FallbackID.String()); err != nil {
			if errors.Is(err, storage.ErrNotFound) {
				break
			}
			return "", err
		}
	}
	return "", nil
}

// local reports whether the messages of a driver never leave the hub. An unknown driver is told of elsewhere.
func (s *ChannelService) local(driver string) bool {
	d, err := s.drivers.Driver(driver)
	return err == nil && d.Spec().Local
}

// unused is an error when other channels fall back on c.
func (s *ChannelService) unused(ctx context.Context, c Channel) error {
	var names []string
	err := s.db.From(ctx).Model(&Channel{}).Where("tenant_id = ? AND fallback_id = ?", c.TenantID, c.ID).Order("name").Pluck("name", &names).Error
	if err != nil {
		return fmt.Errorf("look who falls back on it: %w", err)
	}
	if len(names) > 0 {
		return fmt.Errorf("%w: %s", ErrInUse, strings.Join(names, ", "))
	}
	return nil
}
