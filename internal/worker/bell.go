// Package worker is the doorbell between processes: asynq over Redis. A ring is a task that names a queue and nothing
// else; whoever works that queue looks into the jobs table, which alone knows what is due. So Redis may be empty, slow or
// gone at any moment: rings are lost, pollers find the work a little later, and nobody who rings ever waits or fails.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Config is what a Bell needs.
type Config struct {
	URL    secret.String // redis:// or rediss://
	Queues []string      // those that this process works; none: it only rings
	Log    *slog.Logger
	Clock  clock.Clock // nil: the machine's
	Ears   Ears        // of news from other processes; nil: it only tells them
}

// Bell is a queue.Bell for several processes. What is rung here is heard here at once, whatever Redis does.
type Bell struct {
	*queue.Local // Wait

	log     *slog.Logger
	clock   clock.Clock
	queues  []string
	lines   *lines
	client  *redis.Client
	counts  counts
	health  health
	ringer  *ringer
	pace    *pace
	server  *asynq.Server // nil: this process only rings
	viewer  viewer
	news    *news
	ears    Ears
	hearing atomic.Bool // news arrive
	stop    chan struct{}
	work    sync.WaitGroup
	started bool
	once    sync.Once
}

var _ queue.Bell = (*Bell)(nil)

// NewBell returns a Bell that connects to nothing yet. Until Start it rings in this process only.
func NewBell(c Config) (*Bell, error) {
	if c.Log == nil {
		return nil, errors.New("worker: Log is required")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	o, err := redis.ParseURL(c.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("worker: read the Redis URL: %s", fault.Public(err))
	}
	b := &Bell{
		Local: queue.NewLocal(), log: c.Log.With("app", "worker"), clock: c.Clock, queues: unique(c.Queues), ears: c.Ears, stop: make(chan struct{}),
	}
	b.lines = newLines(o)
	b.client = redis.NewClient(o)
	b.health = health{log: b.log, clock: c.Clock}
	b.pace = newPace(b.client, b.queues, b.stop)
	b.ringer = newRinger(b)
	b.news = newNews(b, o.DB)
	if len(b.queues) > 0 {
		b.client.AddHook(b.pace)
		b.server = b.newServer()
	}
	return b, nil
}

// Start begins to ring other processes and to hear them. It waits for nothing: Redis may come later.
func (b *Bell) Start() error {
	b.started = true
	b.work.Go(b.ringer.loop)
	b.news.switchOn(true)
	b.work.Go(b.news.tell)
	if b.ears != nil {
		b.work.Go(b.news.hear)
	}
	if b.server == nil {
		return nil
	}
	if err := b.server.Start(asynq.HandlerFunc(b.heard)); err != nil {
		return fmt.Errorf("worker: start to listen: %w", err)
	}
	return nil
}

// Ring implements queue.Bell. It never waits; rings that come close together are one.
func (b *Bell) Ring(name string) {
	b.Local.Ring(name)
	b.ringer.want(name)
}

// heard is the handler of every task. The queue of a ring is all it says, and it is never tried again.
func (b *Bell) heard(ctx context.Context, _ *asynq.Task) error {
	if name, ok := asynq.GetQueueName(ctx); ok {
		b.counts.heard.Add(1)
		b.Local.Ring(name)
	}
	return nil
}

// goodbye is how long Stop waits for a Redis that answers; one that is away gets no time.
const goodbye = 2 * time.Second

// Stop ends ringing and hearing. It takes at most about 2 s, less when ctx ends or Redis is away. Rings made later are
// heard in this process only.
func (b *Bell) Stop(ctx context.Context) {
	b.once.Do(func() {
		close(b.stop)
		over := make(chan struct{})
		go func() {
			defer close(over)
			if b.started && b.server != nil {
				b.server.Shutdown()
			}
			b.work.Wait()
			b.viewer.work.Wait()
		}()
		limit := time.NewTimer(goodbye)
		defer limit.Stop()
		if !b.health.isAway() {
			select {
			case <-over:
			case <-limit.C:
			case <-ctx.Done():
			}
		}
		b.lines.cut() // whoever still waits for an answer gets an error now
		<-over
		_ = b.client.Close()
	})
}

// newServer makes the listening side. Nothing is ever scheduled, kept or tried again, so asynq's own housekeeping is
// slowed down to what it must be.
func (b *Bell) newServer() *asynq.Server {
	weights := make(map[string]int, len(b.queues))
	for _, name := range b.queues {
		weights[name] = weight(name)
	}
	return asynq.NewServerFromRedisClient(b.client, asynq.Config{
		Concurrency:              hearers,
		Queues:                   weights,
		TaskCheckInterval:        pollBusy,
		DelayedTaskCheckInterval: time.Minute,
		JanitorInterval:          time.Minute,
		ShutdownTimeout:          time.Second,
		Logger:                   asynqLog{b.log},
		LogLevel:                 asynq.WarnLevel,
	})
}

// hearers is how many rings are taken in at one time: each is one answer of Redis long.
const hearers = 4

// Queues are the names of the hub's queues, what tells people first. Others may be rung as well.
func Queues() []string {
	return []string{"ingest", "notify", "timers", "context", "intelligence", "maintenance"}
}

// weight is a queue's share when several have rings waiting: what tells people first, what costs most last.
func weight(name string) int {
	switch name {
	case "notify", "ingest":
		return 6
	case "timers":
		return 4
	case "context":
		return 3
	case "intelligence":
		return 2
	default:
		return 1
	}
}

// asynqLog keeps what asynq says for those who look for it: that Redis is away is logged once, by health.
type asynqLog struct{ log *slog.Logger }

func (l asynqLog) say(args []any) { l.log.Debug("asynq", "text", fmt.Sprint(args...)) }

// Debug implements asynq.Logger.
func (l asynqLog) Debug(args ...any) { l.say(args) }

// Info implements asynq.Logger.
func (l asynqLog) Info(args ...any) { l.say(args) }

// Warn implements asynq.Logger.
func (l asynqLog) Warn(args ...any) { l.say(args) }

// Error implements asynq.Logger.
func (l asynqLog) Error(args ...any) { l.say(args) }

// Fatal implements asynq.Logger. It does not end the process.
func (l asynqLog) Fatal(args ...any) { l.say(args) }

// LogRedis sends what the Redis client would print to standard error to log. It is for the whole process: call it once,
// before anything connects.
func LogRedis(log *slog.Logger) { redisLogged.Do(func() { redis.SetLogger(redisLog{log}) }) }

// redisLogged: the client has one logger for all of a process, which is the first hub's.
var redisLogged sync.Once

type redisLog struct{ log *slog.Logger }

// Printf implements go-redis' logging interface.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, "redis", "text", fmt.Sprintf(format, args...))
}
