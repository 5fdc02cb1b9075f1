package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Drivers finds channel drivers; *registry.Registry fits.
type Drivers interface {
	// Driver's error for an unknown name lists the known ones.
	Driver(name string) (channel.Driver, error)
}

// URLChecker looks at an address before it is saved, without calling it; *httpclient.Client fits.
type URLChecker interface {
	CheckURL(raw string) error
}

// ChannelConfig holds what a ChannelService needs; all but Changed is required.
type ChannelConfig struct {
	DB      *storage.DB
	Secrets *secretstore.Store
	Drivers Drivers
	URLs    URLChecker
	Log     *slog.Logger
	// Changed is called after each committed change in this process.
	Changed func()
}

// ChannelService manages the channels. It is safe for concurrent use. Callers check permissions: edit for every write.
type ChannelService struct {
	db      *storage.DB
	secrets *secretstore.Store
	drivers Drivers
	urls    URLChecker
	log     *slog.Logger
	changed func()
}

// NewChannelService returns a ChannelService. It reads nothing.
func NewChannelService(c ChannelConfig) (*ChannelService, error) {
	if c.DB == nil || c.Secrets == nil || c.Drivers == nil || c.URLs == nil || c.Log == nil {
		return nil, errors.New("notify: DB, Secrets, Drivers, URLs and Log are required")
	}
	if c.Changed == nil {
		c.Changed = func() {}
	}
	return &ChannelService{
		db: c.DB, secrets: c.Secrets, drivers: c.Drivers, urls: c.URLs, log: c.Log.With("app", "notify"), changed: c.Changed,
	}, nil
}

// List returns the tenant's channels by name.
func (s *ChannelService) List(ctx context.Context, tenant string) ([]Channel, error) {
	list := []Channel{}
	if err := s.db.Read(ctx).Where("tenant_id = ?", tenant).Order("name").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("list channels: %w", storage.Classify(err))
	}
	names := make(map[id.ID]string, len(list))
	for _, c := range list {
		names[c.ID] = c.Name
	}
	for i := range list {
		list[i].FallbackName = names[list[i].FallbackID]
	}
	return list, s.stand(s.db.Read(ctx), tenant, list)
}

// Get returns one channel by id or name.
func (s *ChannelService) Get(ctx context.Context, tenant, ref string) (Channel, error) {
	c, err := find(s.db.Read(ctx), tenant, ref)
	if err != nil {
		return c, err
	}
	one := []Channel{c}
	if err = s.stand(s.db.Read(ctx), tenant, one); err != nil {
		return c, err
	}
	if c = one[0]; c.FallbackID.IsZero() {
		return c, nil
	}
	to, err := find(s.db.Read(ctx), tenant, c.FallbackID.String())
	if errors.Is(err, storage.ErrNotFound) {
		return c, nil
	}
	c.FallbackName = to.Name
	return c, err
}

func find(db *gorm.DB, tenant, ref string) (Channel, error) {
	q := db.Where("tenant_id = ?", tenant)
	if key, err := id.Parse(ref); err == nil {
		q = q.Where("id = ?", key)
	} else {
		q = q.Where("name = ?", ref)
	}
	var c Channel
	if err := q.Take(&c).Error; err != nil {
		return Channel{}, storage.Missing(err, fmt.Sprintf("channel %q", line(ref, maxName)))
	}
	return c, nil
}

// Create adds a channel.
func (s *ChannelService) Create(ctx context.Context, tenant string, in ChannelInput) (Channel, error) {
	in = in.clean()
	now := s.db.Now()
	c := Channel{ID: id.New(), TenantID: tenant, Driver: in.Driver, Version: 1, CreatedAt: now, UpdatedAt: now}
	p := in.check()
	set, more := s.settle(in.Driver, in.Config, settings.Stored{})
	to, bad, err := s.fallback(ctx, c, in)
	if err != nil {
		return Channel{}, fmt.Errorf("create channel %q: %w", in.Name, err)
	}
	if err := invalid(slices.Concat(p, more, bad, s.badThrottle(c, in))); err != nil {
		return Channel{}, err
	}
	c.set(in, set)
	c.FallbackID, c.FallbackName = to.ID, to.Name
	err = s.change(ctx, func(ctx context.Context) error {
		if err := s.db.From(ctx).Select("*").Create(&c).Error; err != nil {
			return err
		}
		if err := s.allowMessages(ctx, Channel{}, c); err != nil {
			return err
		}
		return s.putSecrets(ctx, c, set)
	})
	if err != nil {
		return Channel{}, fmt.Errorf("create channel %q: %w", c.Name, err)
	}
	s.log.InfoContext(ctx, "channel created", "channel_id", c.ID, "name", c.Name, "driver", c.Driver)
	return s.standing(ctx, c)
}

// Update replaces what in holds, if the channel still has that version (0: whatever version it has now).
func (s *ChannelService) Update(ctx context.Context, tenant, ref string, version int64, in ChannelInput) (Channel, error) {
	in = in.clean()
	c, err := find(s.db.From(ctx), tenant, ref)
	if err != nil {
		return Channel{}, err
	}
	if version != 0 && version != c.Version {
		return Channel{}, fmt.Errorf("update channel %q: %w", c.Name, ErrConflict)
	}
	was, err := s.stored(ctx, c)
	if err != nil {
		return Channel{}, fmt.Errorf("update channel %q: %w", c.Name, err)
	}
	if in.Driver == "" {
		in.Driver = c.Driver
	}
	if in.Config == nil {
		in.Config = c.Config.V
	}
	p := in.check()
	if in.Driver != c.Driver {
		p = append(p, Problem{"driver", "cannot be changed; make another channel"})
	}
	if c.BuiltIn() && in.Name != c.Name {
		p = append(p, Problem{"name", "the built-in inbox keeps its name"})
	}
	set, more := s.settle(c.Driver, in.Config, was)
	to, bad, err := s.fallback(ctx, c, in)
	if err != nil {
		return Channel{}, fmt.Errorf("update channel %q: %w", c.Name, err)
	}
	if err := invalid(slices.Concat(p, more, bad, s.badThrottle(c, in))); err != nil {
		return Channel{}, err
	}
	before, anew := c, !sameSettings(in.Config, c.Config.V) || !c.IsActive
	c.set(in, set)
	c.FallbackID, c.FallbackName = to.ID, to.Name
	err = s.change(ctx, func(ctx context.Context) error {
		if err := s.save(ctx, &c); err != nil {
			return err
		}
		if err := s.windowChanged(ctx, before, c); err != nil {
			return err
		}
		if err := s.fallbackChanged(ctx, before, c); err != nil {
			return err
		}
		if err := s.throttleChanged(ctx, before, c); err != nil {
			return err
		}
		if anew {
			if err := s.forgetTrouble(ctx, c); err != nil {
				return err
			}
		}
		return s.putSecrets(ctx, c, set)
	})
	if err != nil {
		return Channel{}, fmt.Errorf("update channel %q: %w", before.Name, err)
	}
	s.log.InfoContext(ctx, "channel updated", "channel_id", c.ID, "name", c.Name, "version", c.Version)
	return s.standing(ctx, c)
}

func (c *Channel) set(in ChannelInput, set settings.Settled) {
	c.Name, c.IsActive, c.Description, c.MinSeverity = in.Name, in.IsActive, in.Description, in.MinSeverity
	c.RenotifyS, c.FallbackAfterS = int64(in.Renotify/time.Second), int64(in.FallbackAfter/time.Second)
	c.ThrottleMessages, c.ThrottlePerS = int64(in.Throttle.Messages), int64(in.Throttle.Per/time.Second)
	c.Config = storage.Doc(set.Masked)
}

// save writes every column of c if nobody was faster.
func (s *ChannelService) save(ctx context.Context, c *Channel) error {
	was := c.Version
	c.Version++
	c.UpdatedAt = s.db.Now()
	res := s.db.From(ctx).Model(&Channel{}).Where("tenant_id = ? AND id = ? AND version = ?", c.TenantID, c.ID, was).
		Select("*").Omit("id", "tenant_id", "driver", "created_at").Updates(c)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return ErrConflict
	}
	return nil
}

// Delete removes a channel with its secrets. What it told, and the log of that, stays. One that others fall back on is ErrInUse.
func (s *ChannelService) Delete(ctx context.Context, tenant, ref string) error {
	var c Channel
	err := s.change(ctx, func(ctx context.Context) error {
		var err error
		if c, err = find(s.db.From(ctx), tenant, ref); err != nil {
			return err
		}
		if c.BuiltIn() {
			return ErrBuiltIn
		}
		if err := s.unused(ctx, c); err != nil {
			return err
		}
		if err := s.db.From(ctx).Where("tenant_id = ? AND id = ?", tenant, c.ID).Delete(&Channel{}).Error; err != nil {
			return err
		}
		for _, leave := range []func(context.Context, Channel) error{s.forgetThrottle, s.forgetTrouble, s.keepName} {
			if err := leave(ctx, c); err != nil {
				return err
			}
		}
		return s.secrets.DeleteAll(ctx, tenant, secretOwner, c.ID)
	})
	if errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if err != nil {
		return fmt.Errorf("delete channel %q: %w", c.Name, err)
	}
	s.log.InfoContext(ctx, "channel deleted", "channel_id", c.ID, "name", c.Name)
	return nil
}

// EnsureInbox makes the built-in channel of a tenant unless it is there. Any number of processes may call it at once.
func (s *ChannelService) EnsureInbox(ctx context.Context, tenant string) error {
	var n int64
	have := s.db.From(ctx).Model(&Channel{}).Where("tenant_id = ? AND name = ?", tenant, InboxName).Count(&n)
	if have.Error == nil && n > 0 {
		return nil
	}
	if have.Error != nil {
		return fmt.Errorf("look for the inbox: %w", storage.Classify(have.Error))
	}
	now := s.db.Now()
	c := Channel{
		ID: id.New(), TenantID: tenant, Name: InboxName, Driver: InboxName, Config: storage.Doc(json.RawMessage(`{}`)), IsActive: true,
		Description: "Messages inside the hub.", Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	err := s.change(ctx, func(ctx context.Context) error {
		return s.db.From(ctx).Clauses(clause.OnConflict{DoNothing: true}).Select("*").Create(&c).Error
	})
	if err != nil {
		return fmt.Errorf("create the inbox: %w", err)
	}
	return nil
}

// Validate checks settings as Create would, without storing anything. What is wrong comes as *Invalid.
func (s *ChannelService) Validate(driver string, config json.RawMessage) error {
	_, p := s.settle(driver, config, settings.Stored{})
	return invalid(p)
}

// ValidateStored checks the settings of a channel as Update would with this config (nil: the one that is stored), without storing
// anything. What is wrong comes as *Invalid.
func (s *ChannelService) ValidateStored(ctx context.Context, tenant, ref string, config json.RawMessage) error {
	c, err := find(s.db.Read(ctx), tenant, ref)
	if err != nil {
		return err
	}
	was, err := s.stored(ctx, c)
	if err != nil {
		return fmt.Errorf("check channel %q: %w", c.Name, err)
	}
	if config == nil {
		config = c.Config.V
	}
	_, p := s.settle(c.Driver, config, was)
	return invalid(p)
}

// change runs fn in a transaction that tells every process to read the channels again.
func (s *ChannelService) change(ctx context.Context, fn func(ctx context.Context) error) error {
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		return s.db.BumpGeneration(ctx)
	})
	if storage.Duplicate(err) {
		return ErrExists
	}
	if err == nil {
		s.changed()
	}
	return err
}
