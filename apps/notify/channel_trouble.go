package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Trouble is what is known of a channel that tells nobody: what it was to tell has failed since it took something last.
type Trouble struct {
	ChannelID id.ID     `gorm:"column:channel_id;primaryKey;type:uuid" json:"-"`
	TenantID  string    `gorm:"column:tenant_id" json:"-"`
	Since     time.Time `gorm:"column:since" json:"since"`
	LastAt    time.Time `gorm:"column:last_at" json:"last_at"`
	Tries     int64     `gorm:"column:tries" json:"tries"` // that failed
	Dead      int64     `gorm:"column:dead" json:"dead"`   // deliveries that were given up
	Error     string    `gorm:"column:error" json:"error"` // of the last try
	// Until is when it is tried again; before it is left alone.
	Until *time.Time `gorm:"column:until" json:"until"`
}

// TableName implements gorm's Tabler.
func (Trouble) TableName() string { return "channel_troubles" }

// LeftAlone reports whether nothing is sent to the channel at a time.
func (t *Trouble) LeftAlone(now time.Time) bool {
	return t != nil && t.Until != nil && t.Until.After(now)
}

// Words say in a sentence what is wrong.
func (t *Trouble) Words(now time.Time) string {
	out := fmt.Sprintf("%s failed since %s", counted(t.Tries, "try", "tries"), stamp(t.Since))
	if t.Tries == 0 {
		out = "nothing went through since " + stamp(t.Since)
	}
	if t.Dead > 0 {
		out += ", " + counted(t.Dead, "message", "messages") + " given up"
	}
	if t.Error != "" {
		out += "; the last said: " + t.Error
	}
	if t.LeftAlone(now) {
		out += "; it is left alone until " + stamp(*t.Until)
	}
	return out
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

// The states of a channel, as lists show them.
const (
	ChannelInactive = "inactive" // it is told nothing
	ChannelOff      = "off"      // its settings say that nothing is sent
	ChannelFailing  = "failing"  // what was to be told has failed since it took something last
	ChannelActive   = "active"
)

// Standing is how a channel stands at the moment; the service fills it in.
type Standing struct {
	State   string   // ChannelInactive, ChannelOff, ChannelFailing or ChannelActive
	Why     string   // in a sentence, where it tells nobody
	Off     string   // why its settings have nothing sent, "" when it sends
	Trouble *Trouble // set while what it was to tell fails
	// FallbackFor names the active channels that fall back on it.
	FallbackFor []string
}

// Warnings are what an operator should know after a change: who counts on a channel that tells nobody.
func (s Standing) Warnings() []string {
	if len(s.FallbackFor) == 0 || s.State != ChannelInactive && s.State != ChannelOff {
		return []string{}
	}
	who := "channel " + strconv.Quote(s.FallbackFor[0]) + " falls back on it, and has"
	if len(s.FallbackFor) > 1 {
		who = "channels " + quotedList(s.FallbackFor) + " fall back on it, and have"
	}
	return []string{who + " nobody to fall back on while it is told nothing"}
}

func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " and " + quoted[last]
}

// stand fills in how channels stand, all of a tenant or some.
func (s *ChannelService) stand(db *gorm.DB, tenant string, list []Channel) error {
	var rows []*Trouble
	if err := db.Where("tenant_id = ?", tenant).Find(&rows).Error; err != nil {
		return fmt.Errorf("look which channels fail: %w", storage.Classify(err))
	}
	troubles := make(map[id.ID]*Trouble, len(rows))
	for _, r := range rows {
		troubles[r.ChannelID] = r
	}
	var falls []Channel
	err := db.Select("name", "fallback_id").Where("tenant_id = ? AND fallback_id IS NOT NULL AND is_active = ?", tenant, true).Order("name").Find(&falls).Error
	if err != nil {
		return fmt.Errorf("look who falls back on whom: %w", storage.Classify(err))
	}
	now := s.db.Now()
	for i := range list {
		c := &list[i]
		c.Standing = Standing{State: ChannelActive, Off: s.off(c.Driver, c.Config.V), Trouble: troubles[c.ID]}
		for _, f := range falls {
			if f.FallbackID == c.ID {
				c.FallbackFor = append(c.FallbackFor, f.Name)
			}
		}
		switch {
		case !c.IsActive:
			c.State = ChannelInactive
		case c.Off != "":
			c.State, c.Why = ChannelOff, "nothing is sent: "+c.Off
		case c.Trouble != nil:
			c.State, c.Why = ChannelFailing, c.Trouble.Words(now)
		}
	}
	return nil
}

// standing is a channel that was just written, with how it stands.
func (s *ChannelService) standing(ctx context.Context, c Channel) (Channel, error) {
	one := []Channel{c}
	if err := s.stand(s.db.From(ctx), c.TenantID, one); err != nil {
		s.log.WarnContext(ctx, "channel stored, and not seen how it stands", "channel_id", c.ID, "error", err)
	}
	return one[0], nil
}

// Failing lists the active channels of a tenant that tell nobody, by name. While none fails it is one look at an empty table.
func (s *ChannelService) Failing(ctx context.Context, tenant string) ([]Channel, error) {
	db := s.db.Read(ctx)
	var out []Channel
	err := db.Where("tenant_id = ? AND is_active = ? AND id IN (SELECT channel_id FROM channel_troubles WHERE tenant_id = ?)", tenant, true, tenant).
		Order("name").Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("list failing channels: %w", storage.Classify(err))
	}
	if len(out) == 0 {
		return nil, nil
	}
	if err := s.stand(s.db.Read(ctx), tenant, out); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(c Channel) bool { return c.State != ChannelFailing }), nil
}

// sameSettings reports whether settings as they were given are those that are stored: no secret was entered anew either.
func sameSettings(given, stored json.RawMessage) bool {
	var a, b any
	return json.Unmarshal(given, &a) == nil && json.Unmarshal(stored, &b) == nil && reflect.DeepEqual(a, b)
}

// forgetTrouble begins anew: what failed before says nothing of new settings.
func (s *ChannelService) forgetTrouble(ctx context.Context, c Channel) error {
	if err := s.db.From(ctx).Where("channel_id = ?", c.ID).Delete(&Trouble{}).Error; err != nil {
		return fmt.Errorf("forget how it failed: %w", err)
	}
	return nil
}

// formerChannel keeps the name of a channel that is deleted, for the log of what it told.
type formerChannel struct {
	ChannelID id.ID     `gorm:"column:channel_id;primaryKey;type:uuid"`
	TenantID  string    `gorm:"column:tenant_id"`
	Name      string    `gorm:"column:name"`
	Driver    string    `gorm:"column:driver"`
	DeletedAt time.Time `gorm:"column:deleted_at"`
}

// TableName implements gorm's Tabler.
func (formerChannel) TableName() string { return "former_channels" }

func (s *ChannelService) keepName(ctx context.Context, c Channel) error {
	row := formerChannel{c.ID, c.TenantID, c.Name, c.Driver, s.db.Now()}
	if err := s.db.From(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("keep its name: %w", err)
	}
	return nil
}
