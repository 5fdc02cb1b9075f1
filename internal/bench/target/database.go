//go:build unix

package target

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql finds its drivers no other way
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/testkit/servers"
)

// The engines.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
	Scaled   = "scaled" // a server and workers on Postgres and Redis
)

// Cluster is a durable Postgres that serves the databases of one bench, and maybe a Redis beside it.
type Cluster struct {
	server  *servers.Postgres
	redis   *servers.Redis // nil: none
	admin   *sql.DB
	Version string
	// RedisVersion is "" without one.
	RedisVersion string
	made         int
}

// StartCluster starts Postgres with fsync on and the memory that DATAPATH's figures were measured with; more are further
// settings.
func StartCluster(ctx context.Context, more ...string) (*Cluster, error) {
	server, err := servers.StartPostgres(servers.PostgresOptions{
		Durable: true, Settings: append([]string{"shared_buffers=1GB", "max_wal_size=8GB"}, more...),
	})
	if err != nil {
		return nil, err
	}
	c := &Cluster{server: server}
	if c.admin, err = sql.Open("pgx", server.URL()); err == nil {
		err = c.admin.QueryRowContext(ctx, "SHOW server_version").Scan(&c.Version)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start postgres: %w", err), c.Close())
	}
	return c, nil
}

// redisSettings are those of docker-compose.yml.
var redisSettings = []string{"appendonly yes", "appendfsync everysec", "maxmemory 256mb", "maxmemory-policy noeviction"}

// AddRedis starts a Redis for the hubs made from now on; a second call does nothing.
func (c *Cluster) AddRedis(ctx context.Context) (err error) {
	if c.redis != nil {
		return nil
	}
	if c.redis, err = servers.StartRedis(redisSettings...); err != nil {
		return err
	}
	o, err := redis.ParseURL(c.redis.URL())
	if err != nil {
		return fmt.Errorf("look at redis: %w", err)
	}
	client := redis.NewClient(o)
	info, err := client.InfoMap(ctx, "server").Result()
	if err = errors.Join(err, client.Close()); err != nil {
		return fmt.Errorf("look at redis: %w", err)
	}
	c.RedisVersion = info["Server"]["redis_version"]
	return nil
}

// cpu is what the servers have used since they started.
func (c *Cluster) cpu() (postgres, redis time.Duration, err error) {
	if postgres, err = processCPU(c.server.Pid(), true); err != nil || c.redis == nil {
		return postgres, 0, err
	}
	redis, err = processCPU(c.redis.Pid(), false)
	return postgres, redis, err
}

// Statistics is the setting by which Statements work.
const Statistics = "shared_preload_libraries=pg_stat_statements"

// Statements lists what took Postgres most time since the last call: total and mean milliseconds, calls, rows, buffers hit, text.
func (c *Cluster) Statements(ctx context.Context) (string, error) {
	if _, err := c.admin.ExecContext(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"); err != nil {
		return "", fmt.Errorf("read the statements: %w", err)
	}
	rows, err := c.admin.QueryContext(ctx, `SELECT format('%s ms in %s calls of %s ms, %s rows, %s buffers: %s', round(total_exec_time::numeric, 1), calls,
		round(mean_exec_time::numeric, 3), rows, shared_blks_hit, regexp_replace(query, '\s+', ' ', 'g'))
		FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 40`)
	if err != nil {
		return "", fmt.Errorf("read the statements: %w", err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", fmt.Errorf("read the statements: %w", err)
		}
		out.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("read the statements: %w", err)
	}
	_, err = c.admin.ExecContext(ctx, "SELECT pg_stat_statements_reset()")
	return out.String(), err
}

// sizes lists the tables of a Postgres database, the largest first.
func (d *database) sizes(ctx context.Context) (text string, err error) {
	if err := d.open(); err != nil {
		return "", err
	}
	err = d.db.QueryRowContext(ctx, `SELECT coalesce(string_agg(format('%s: %s KiB, of it indexes %s', relname, pg_total_relation_size(oid) / 1024,
		pg_indexes_size(oid) / 1024), E'\n' ORDER BY pg_total_relation_size(oid) DESC), '') FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_total_relation_size(oid) > 1 << 20`).Scan(&text)
	if err != nil {
		return "", fmt.Errorf("read the sizes of the tables: %w", err)
	}
	return text + "\n", nil
}

// Close ends the servers and removes their data.
func (c *Cluster) Close() error {
	if c.admin != nil {
		_ = c.admin.Close() // the server goes anyway
	}
	err := c.server.Close()
	if c.redis != nil {
		err = errors.Join(err, c.redis.Close())
	}
	return err
}

// database is one hub's database, seen from outside: the bench looks at it with a connection of its own.
type database struct {
	url     string
	redis   string   // URL, "" for none
	cluster *Cluster // nil: SQLite
	name    string
	folder  string
	db      *sql.DB
}

// newDatabase makes an empty database; folder is the hub's data folder.
func newDatabase(ctx context.Context, cluster *Cluster, folder string) (*database, error) {
	d := &database{cluster: cluster, folder: folder}
	if cluster == nil {
		d.url = "sqlite:" + filepath.Join(folder, "hub.db")
		return d, nil
	}
	cluster.made++
	d.name = fmt.Sprintf("bench_%d", cluster.made)
	if _, err := cluster.admin.ExecContext(ctx, "CREATE DATABASE "+d.name); err != nil {
		return nil, fmt.Errorf("create a database: %w", err)
	}
	u, err := url.Parse(cluster.server.URL())
	if err != nil {
		return nil, err
	}
	u.Path = "/" + d.name
	d.url = u.String()
	if cluster.redis != nil {
		if u, err = url.Parse(cluster.redis.URL()); err != nil {
			return nil, err
		}
		u.Path = fmt.Sprintf("/%d", cluster.made%servers.RedisDatabases)
		d.redis = u.String()
	}
	return d, nil
}

// open connects; the hub must have made its tables.
func (d *database) open() (err error) {
	if d.db != nil {
		return nil
	}
	if d.cluster == nil {
		d.db, err = driver.Open("file:" + filepath.Join(d.folder, "hub.db") + "?mode=ro&_pragma=busy_timeout(5000)")
	} else {
		d.db, err = sql.Open("pgx", d.url)
	}
	if err != nil {
		return fmt.Errorf("look into the database: %w", err)
	}
	d.db.SetMaxOpenConns(1)
	return nil
}

// jobs is how much work is not done: the hub deletes a job with its end.
func (d *database) jobs(ctx context.Context, where string) (n int64, err error) {
	if err := d.open(); err != nil {
		return 0, err
	}
	if err := d.db.QueryRowContext(ctx, "SELECT count(*) FROM jobs"+where).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the jobs: %w", err)
	}
	return n, nil
}

// bytes is the size on disk: of SQLite's files, or of the tables and indexes of a Postgres database.
func (d *database) bytes(ctx context.Context) (n int64, err error) {
	if d.cluster != nil {
		err = d.cluster.admin.QueryRowContext(ctx, "SELECT pg_database_size('"+d.name+"')").Scan(&n)
		return n, err
	}
	err = filepath.WalkDir(d.folder, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(e.Name(), "hub.db") {
			return err
		}
		info, err := e.Info()
		n += info.Size()
		return err
	})
	return n, err
}

// close hangs up; drop removes the data.
func (d *database) close() error {
	if d.db == nil {
		return nil
	}
	err := d.db.Close()
	d.db = nil
	return err
}

func (d *database) drop(ctx context.Context) error {
	err := d.close()
	if d.cluster != nil {
		_, derr := d.cluster.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+d.name+" WITH (FORCE)")
		err = errors.Join(err, derr)
	}
	return errors.Join(err, os.RemoveAll(d.folder))
}
