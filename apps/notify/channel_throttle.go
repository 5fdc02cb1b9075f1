package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Limits of a Throttle.
const (
	MaxThrottleMessages = 1000
	MinThrottlePer      = time.Second
	MaxThrottlePer      = 24 * time.Hour
)

func (c Channel) throttle() Throttle {
	return Throttle{int(c.ThrottleMessages), seconds(c.ThrottlePerS)}
}

// badThrottle says what speaks against the throttle that a channel would have.
func (s *ChannelService) badThrottle(c Channel, in ChannelInput) (p []Problem) {
	l := in.Throttle
	if l == (Throttle{}) {
		return nil
	}
	if s.local(c.Driver) {
		return []Problem{{"throttle.messages", "messages of this channel stay in the hub and disturb nobody; it needs no throttle"}}
	}
	if l.Messages < 1 || l.Messages > MaxThrottleMessages {
		p = append(p, Problem{"throttle.messages", fmt.Sprintf("must be a whole number from 1 to %d; leave out the time as well for any number", MaxThrottleMessages)})
	}
	if l.Per < MinThrottlePer || l.Per > MaxThrottlePer || l.Per%time.Second != 0 {
		p = append(p, Problem{"throttle.per", fmt.Sprintf("must be whole seconds from %s to %s, such as 1m or 1h; leave out the number as well for no throttle",
			period.Text(MinThrottlePer), period.Text(MaxThrottlePer))})
	}
	return p
}

// throttleSlot is a message that a channel may have in the time of its throttle.
type throttleSlot struct {
	ChannelID id.ID     `gorm:"column:channel_id;primaryKey;type:uuid"`
	TenantID  string    `gorm:"column:tenant_id"`
	Slot      int64     `gorm:"column:slot;primaryKey;autoIncrement:false"`
	UsedAt    time.Time `gorm:"column:used_at"`
}

// TableName implements gorm's Tabler.
func (throttleSlot) TableName() string { return "throttle_slots" }

// allowMessages brings the messages that a channel may have in step with its throttle, in the transaction that changes it. What it had so far
// counts against the new throttle, too.
func (s *ChannelService) allowMessages(ctx context.Context, was, c Channel) error {
	if c.ThrottleMessages < was.ThrottleMessages {
		if err := s.db.From(ctx).Where("channel_id = ? AND slot >= ?", c.ID, c.ThrottleMessages).Delete(&throttleSlot{}).Error; err != nil {
			return fmt.Errorf("lower its throttle: %w", err)
		}
	}
	var fresh []throttleSlot
	for i := was.ThrottleMessages; i < c.ThrottleMessages; i++ {
		fresh = append(fresh, throttleSlot{c.ID, c.TenantID, i, time.Unix(0, 0).UTC()})
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := s.db.From(ctx).CreateInBatches(fresh, 200).Error; err != nil {
		return fmt.Errorf("raise its throttle: %w", err)
	}
	return nil
}

// throttleChanged lets a channel have its messages by its new throttle, and has what it was not told looked at. The messages go before the job,
// as everybody takes them.
func (s *ChannelService) throttleChanged(ctx context.Context, was, c Channel) error {
	if err := s.allowMessages(ctx, was, c); err != nil {
		return err
	}
	if !c.IsActive || was.IsActive && was.throttle() == c.throttle() {
		return nil
	}
	return s.lookAgain(ctx, JobThrottle, c)
}

// lookAgain makes a job of the timers look at a channel soon, whoever holds it.
func (s *ChannelService) lookAgain(ctx context.Context, kind string, c Channel) error {
	due, at := "?", any(s.db.Now().Add(windowDelay))
	if s.db.Engine() == storage.Postgres { // whose clock is everybody's
		due, at = "now() + ? * interval '1 second'", windowDelay.Seconds()
	}
	err := s.db.From(ctx).Exec(`INSERT INTO jobs (kind, ref, node, tenant_id, queue, due_at, created_at) VALUES (?, ?, '', ?, ?, `+due+`, ?)
		ON CONFLICT (kind, ref, node) DO UPDATE SET due_at = excluded.due_at, lease_token = NULL`,
		kind, c.ID, c.TenantID, QueueTimers, at, s.db.Now()).Error
	if err != nil {
		return fmt.Errorf("have its %s looked at: %w", kind, err)
	}
	return nil
}

// forgetThrottle takes away what a throttle knows of a channel that is deleted.
func (s *ChannelService) forgetThrottle(ctx context.Context, c Channel) error {
	for _, table := range []string{"throttle_slots", "throttle_holds"} {
		if err := s.db.From(ctx).Exec("DELETE FROM "+table+" WHERE channel_id = ?", c.ID).Error; err != nil {
			return fmt.Errorf("forget its throttle: %w", err)
		}
	}
	return nil
}
