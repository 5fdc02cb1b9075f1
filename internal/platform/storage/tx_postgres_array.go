package storage

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// encoder writes the parameters of a batch: an array for each column of each statement, in Postgres' binary format (array_recv).
type encoder struct {
	buf    []byte
	ends   []int
	params [][]byte
}

// maxKept is how large a buffer is kept for the next batch.
const maxKept = 8 << 20

var encoders = sync.Pool{New: func() any { return &encoder{} }}

// elements are the types of the arrays' elements.
var elements = map[Type]uint32{
	UUID: pgtype.UUIDOID, Key: pgtype.UUIDOID, Text: pgtype.TextOID, TextNull: pgtype.TextOID, Int: pgtype.Int8OID, After: pgtype.Int8OID,
	Bool: pgtype.BoolOID, Time: pgtype.TimestamptzOID, Document: pgtype.TextOID, Bytes: pgtype.ByteaOID,
}

// encode fills params with the parameters of all ops, one after the other. They hold until the next call.
func (e *encoder) encode(ops []op) error {
	if cap(e.buf) > maxKept {
		e.buf = nil
	}
	e.buf, e.ends, e.params = e.buf[:0], e.ends[:0], e.params[:0]
	for _, o := range ops {
		for c, col := range o.stmt.cols {
			if err := e.array(o.rows, c, col.Type); err != nil {
				return fmt.Errorf("column %s: %w", col.Name, err)
			}
			e.ends = append(e.ends, len(e.buf))
		}
	}
	from := 0
	for _, end := range e.ends {
		e.params = append(e.params, e.buf[from:end:end])
		from = end
	}
	return nil
}

// array appends one column: dimensions, whether there are NULLs, type, length and lower bound, then the elements.
func (e *encoder) array(rows *Rows, column int, kind Type) error {
	n := rows.Len()
	start := len(e.buf)
	dimensions := 1
	if n == 0 {
		dimensions = 0
	}
	e.int32(dimensions)
	e.int32(0)
	e.buf = binary.BigEndian.AppendUint32(e.buf, elements[kind])
	if n == 0 {
		return nil
	}
	e.int32(n)
	e.int32(1)
	nulls := false
	for i := range n {
		null, err := e.element(rows.values[i*rows.width+column], kind)
		if err != nil {
			return err
		}
		nulls = nulls || null
	}
	if nulls {
		e.buf[start+7] = 1
	}
	return nil
}

func (e *encoder) int32(n int) { e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(n)) }

// element appends one value with its length.
func (e *encoder) element(value any, kind Type) (null bool, err error) {
	switch kind {
	case UUID, Key:
		v, ok := value.(id.ID)
		if !ok && value != nil {
			return false, unstorable(value)
		}
		if kind == UUID && v.IsZero() {
			return e.null()
		}
		e.int32(len(v))
		e.buf = append(e.buf, v[:]...)
	case Int:
		n, ok := value.(int64)
		if small, is := value.(int); is {
			n, ok = int64(small), true
		}
		if !ok {
			return false, unstorable(value)
		}
		e.int64(n)
	case After:
		v, ok := value.(time.Duration)
		if !ok && value != nil {
			return false, unstorable(value)
		}
		e.int64(v.Microseconds())
	case Time:
		v, ok := value.(time.Time)
		if !ok && value != nil {
			return false, unstorable(value)
		}
		if v.IsZero() {
			return e.null()
		}
		return false, e.time(v)
	case Bool:
		v, ok := value.(bool)
		if !ok && value != nil {
			return false, unstorable(value)
		}
		e.int32(1)
		b := byte(0)
		if v {
			b = 1
		}
		e.buf = append(e.buf, b)
	case Bytes:
		v, ok := value.([]byte)
		if !ok && value != nil {
			return false, unstorable(value)
		}
		if v == nil {
			return e.null()
		}
		e.bytes(v)
	default:
		return e.text(value, kind)
	}
	return false, nil
}

func (e *encoder) null() (bool, error) {
	e.int32(-1)
	return true, nil
}

func (e *encoder) int64(n int64) {
	e.int32(8)
	e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(n))
}

// time appends microseconds since 2000. Postgres knows years up to 294276; what lies outside of an int64 cannot be one of them.
func (e *encoder) time(t time.Time) error {
	if s := t.Unix(); s > math.MaxInt64/1_000_000-1 || s < math.MinInt64/1_000_000+1 {
		return fmt.Errorf("no way to store the time %s", t)
	}
	micros := t.UnixMicro()
	if micros < math.MinInt64+epoch {
		return fmt.Errorf("no way to store the time %s", t)
	}
	e.int64(micros - epoch)
	return nil
}

func (e *encoder) bytes(v []byte) {
	e.int32(len(v))
	e.buf = append(e.buf, v...)
}

func (e *encoder) string(v string) {
	e.int32(len(v))
	e.buf = append(e.buf, v...)
}

func (e *encoder) text(value any, kind Type) (null bool, err error) {
	switch v := value.(type) {
	case nil:
		return e.null()
	case string:
		if v == "" && kind != Text {
			return e.null()
		}
		e.string(v)
	case []byte:
		return e.text(json.RawMessage(v), kind)
	case json.RawMessage:
		if len(v) == 0 && kind != Text {
			return e.null()
		}
		e.bytes(v)
	default:
		rv := reflect.ValueOf(value)
		if rv.Kind() != reflect.String {
			return false, unstorable(value)
		}
		return e.text(rv.String(), kind)
	}
	return false, nil
}

func unstorable(value any) error { return fmt.Errorf("no way to store a %T", value) }
