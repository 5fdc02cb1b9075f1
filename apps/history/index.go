package history

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Bounds of an index: 50,000 vectors are 15 MB and take about 10 ms to compare.
const (
	maxVectors   = 50_000
	loadStep     = 5_000
	followMost   = 20_000
	refreshEvery = 5 * time.Second
	overlap      = 2 * time.Minute // clocks of processes differ, and transactions take time
)

// index holds the newest vectors of one tenant in memory.
type index struct {
	tenant string
	load   sync.Mutex // held while it follows the table

	mu       sync.RWMutex // guards what follows
	ids      []id.ID
	vectors  []int8 // Dims each
	norms    []float32
	slots    map[id.ID]int
	followed time.Time // made_at up to which rows were read
	looked   time.Time // when
}

// hit is an incident that is like another.
type hit struct {
	id         id.ID
	similarity float64
}

type vectorRow struct {
	IncidentID id.ID     `gorm:"column:incident_id"`
	Vector     []byte    `gorm:"column:vector"`
	MadeAt     time.Time `gorm:"column:made_at"`
}

// refresh reads what was made since the last time.
func (x *index) refresh(ctx context.Context, db *storage.DB) error {
	x.load.Lock()
	defer x.load.Unlock()
	now := db.Now()
	x.mu.RLock()
	followed, looked := x.followed, x.looked
	x.mu.RUnlock()
	if !looked.IsZero() && now.Sub(looked) < refreshEvery {
		return nil
	}
	if followed.IsZero() {
		return x.all(ctx, db, now)
	}
	var rows []vectorRow
	err := db.Read(ctx).Raw(`SELECT incident_id, vector, made_at FROM incident_vectors WHERE tenant_id = ? AND made_at >= ? ORDER BY made_at LIMIT ?`,
		x.tenant, followed.Add(-overlap), followMost).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("follow the vectors of incidents: %w", storage.Classify(err))
	}
	if len(rows) == followMost {
		return x.all(ctx, db, now)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.looked = now
	x.put(rows)
	return nil
}

// all reads the newest vectors afresh.
func (x *index) all(ctx context.Context, db *storage.DB, now time.Time) error {
	fresh := &index{slots: map[id.ID]int{}}
	var before id.ID
	for n := 0; n < maxVectors; n += loadStep {
		q := db.Read(ctx).Table("incident_vectors").Select("incident_id, vector, made_at").Where("tenant_id = ?", x.tenant)
		if !before.IsZero() {
			q = q.Where("incident_id < ?", before)
		}
		var rows []vectorRow
		if err := q.Order("incident_id DESC").Limit(loadStep).Find(&rows).Error; err != nil {
			return fmt.Errorf("read the vectors of incidents: %w", storage.Classify(err))
		}
		fresh.put(rows)
		if len(rows) < loadStep {
			break
		}
		before = rows[len(rows)-1].IncidentID
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ids, x.vectors, x.norms, x.slots, x.looked = fresh.ids, fresh.vectors, fresh.norms, fresh.slots, now
	x.followed = fresh.followed
	if x.followed.IsZero() {
		x.followed = now
	}
	return nil
}

// put adds or replaces vectors; of too many the oldest incidents go.
func (x *index) put(rows []vectorRow) {
	for _, r := range rows {
		if r.MadeAt.After(x.followed) {
			x.followed = r.MadeAt
		}
		v, ok := unpack(r.Vector)
		if !ok {
			continue
		}
		at, known := x.slots[r.IncidentID]
		if !known {
			at = len(x.ids)
			x.slots[r.IncidentID] = at
			x.ids = append(x.ids, r.IncidentID)
			x.vectors = append(x.vectors, v[:]...)
			x.norms = append(x.norms, 0)
		}
		copy(x.vectors[at*Dims:], v[:])
		x.norms[at] = float32(v.norm())
	}
	if len(x.ids) > maxVectors+maxVectors/20 {
		x.shrink()
	}
}

// shrink keeps the newest incidents.
func (x *index) shrink() {
	order := make([]int, len(x.ids))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return slices.Compare(x.ids[b][:], x.ids[a][:]) })
	order = order[:maxVectors]
	ids, vectors, norms := make([]id.ID, 0, maxVectors), make([]int8, 0, maxVectors*Dims), make([]float32, 0, maxVectors)
	x.slots = make(map[id.ID]int, maxVectors)
	for at, i := range order {
		x.slots[x.ids[i]] = at
		ids, norms = append(ids, x.ids[i]), append(norms, x.norms[i])
		vectors = append(vectors, x.vectors[i*Dims:(i+1)*Dims]...)
	}
	x.ids, x.vectors, x.norms = ids, vectors, norms
}

// search finds the incidents that are most alike, most alike first, at least floor.
func (x *index) search(v *Vector, most int, floor float64, except id.ID) []hit {
	norm := v.norm()
	if norm == 0 || most <= 0 {
		return nil
	}
	var query [Dims]int32
	for i, q := range v {
		query[i] = int32(q)
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	best := make([]hit, 0, most+1)
	least := floor
	for i := range x.ids {
		s := float64(dot(&query, x.vectors[i*Dims:i*Dims+Dims])) / norm / float64(x.norms[i])
		if !(s >= least) || x.ids[i] == except { // not a number where a vector is empty
			continue
		}
		at, _ := slices.BinarySearchFunc(best, s, func(h hit, s float64) int { return cmp.Compare(s, h.similarity) })
		best = slices.Insert(best, at, hit{x.ids[i], math.Min(s, 1)})
		if len(best) > most {
			best = best[:most]
			least = best[most-1].similarity
		}
	}
	return best
}

// dot is unrolled: it is where the time goes.
func dot(q *[Dims]int32, v []int8) int32 {
	var a, b, c, d int32
	v = v[:Dims]
	for i := 0; i < Dims; i += 8 {
		a += q[i]*int32(v[i]) + q[i+4]*int32(v[i+4])
		b += q[i+1]*int32(v[i+1]) + q[i+5]*int32(v[i+5])
		c += q[i+2]*int32(v[i+2]) + q[i+6]*int32(v[i+6])
		d += q[i+3]*int32(v[i+3]) + q[i+7]*int32(v[i+7])
	}
	return a + b + c + d
}

// version is the first byte of a stored vector; another way of making them gets another one, and all are made again.
const version = 1

func pack(v *Vector) []byte {
	out := make([]byte, 1+Dims)
	out[0] = version
	for i, x := range v {
		out[i+1] = byte(x)
	}
	return out
}

func unpack(raw []byte) (v Vector, ok bool) {
	if len(raw) != 1+Dims || raw[0] != version {
		return v, false
	}
	for i := range v {
		v[i] = int8(raw[i+1])
	}
	return v, true
}
