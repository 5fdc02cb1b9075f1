package notify

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Config is what sending needs from others.
type Config struct {
	DB       *storage.DB
	Log      *slog.Logger
	Clock    clock.Clock
	Bell     queue.Bell
	Claims   *storage.Queue[*queue.Claim]
	Channels *Channels
	Notices  *Notices
	// Admin opens channels and checks settings for what is sent by hand.
	Admin *ChannelService
	// Incidents is what reminders, fallbacks and whoever sends again need of incidents.
	Incidents Incidents
	// Hush knows what is silenced; nil: nothing is.
	Hush  Hush
	Lease time.Duration
	// Slots is how many sends are under way at once, half of them to one channel; 0: 96.
	Slots int
	// PageURL gives the address of an incident's page, "" when the hub has no public address.
	PageURL func(incident id.ID) string
	// Changed is told what pages may want to show anew: delivery, message. It must not block.
	Changed func(tenant, kind string, i id.ID)
}

// Service plans, sends and books deliveries.
type Service struct {
	Planner *Planner
	Sender  *Sender
	Timers  *Timers
	Hand    *Hand
}

// outcomeLinger is how long outcomes wait for company: nobody waits for them, and a larger batch is cheaper.
const outcomeLinger = 5 * time.Millisecond

// New wires the service. Runs must be set by Attach before Start.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Log == nil || c.Bell == nil || c.Claims == nil || c.Channels == nil || c.Notices == nil || c.Incidents == nil {
		return nil, errors.New("notify: DB, Log, Bell, Claims, Channels, Notices and Incidents are required")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.PageURL == nil {
		c.PageURL = func(id.ID) string { return "" }
	}
	if c.Hush == nil {
		c.Hush = noHush{}
	}
	if c.Changed == nil {
		c.Changed = func(string, string, id.ID) {}
	}
	s := &Sender{
		db: c.DB, clock: c.Clock, log: c.Log.With("app", "notify"), bell: c.Bell, lease: c.Lease, channels: c.Channels,
		breaker: httpclient.NewBreaker(0, 0), random: rand.Float64, per: map[id.ID]int{}, freed: map[id.ID]clock.Stopwatch{},
		slots: slots, channelSlots: slots / 2,
	}
	if c.Slots > 0 {
		s.slots, s.channelSlots = c.Slots, (c.Slots+1)/2
	}
	s.health = newHealth(c.DB, c.Clock, s.log, s.breaker)
	s.life, s.cut = context.WithCancel(context.Background())
	p := &Planner{channels: c.Channels, notices: c.Notices, sender: s, lease: c.Lease, hush: c.Hush, pageURL: c.PageURL, changed: c.Changed}
	s.poller = &queue.Poller{
		Queue: QueueNotify, DB: c.DB, Claims: c.Claims, Bell: c.Bell, Log: s.log, Lease: c.Lease, Room: s.room, Choose: s.choose, Do: s.do,
	}
	t := &Timers{db: c.DB, log: s.log, planner: p, incidents: c.Incidents, lease: c.Lease}
	t.poller = &queue.Poller{
		Queue: QueueTimers, DB: c.DB, Claims: c.Claims, Bell: c.Bell, Log: s.log, Lease: c.Lease, Room: t.room, Do: t.do,
	}
	return &Service{Planner: p, Sender: s, Timers: t, Hand: newHand(c, s.log, s.health)}, nil
}

// Attach makes the queues of sending; runs hears what became of deliveries. On SQLite outcomes go before everything made later.
func (s *Service) Attach(runs Runs) {
	db := s.Sender.db
	s.Sender.outcomes = storage.NewQueue(db, storage.QueueOptions{Name: "outcome", Max: 500, Workers: 1, Linger: outcomeLinger},
		func(tx *storage.Tx, items []*outcome) error { return s.Planner.applyOutcomes(tx, runs, items) })
	s.Sender.takes = storage.NewQueue(db, storage.QueueOptions{Name: "take", Max: 100, Workers: 1}, s.Sender.applyTakes)
	s.Timers.attach(runs)
}

// Start begins to claim deliveries that are due.
func (s *Service) Start() { s.Sender.Start() }

// Stop ends claiming and waits for what is on the wire, at most until ctx ends.
func (s *Service) Stop(ctx context.Context) error {
	s.Timers.stop() //nolint:contextcheck // queues drain whatever ctx says
	return s.Sender.Stop(ctx)
}
