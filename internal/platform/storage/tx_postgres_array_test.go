package storage

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// TestArrays encodes columns as the hot path does and reads them back as Postgres' text would.
func TestArrays(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 10, 0, 0, 123000, time.UTC)
	one := id.ID{15: 1}
	null, text := pgtype.Text{}, func(s string) pgtype.Text { return pgtype.Text{String: s, Valid: true} }
	for name, tt := range map[string]struct {
		kind   Type
		oid    uint32
		values []any
		got    any
		want   any
	}{
		"uuid":  {UUID, pgtype.UUIDArrayOID, []any{one, id.ID{}}, &[]pgtype.UUID{}, &[]pgtype.UUID{{Bytes: one, Valid: true}, {}}},
		"key":   {Key, pgtype.UUIDArrayOID, []any{one, id.ID{}}, &[]pgtype.UUID{}, &[]pgtype.UUID{{Bytes: one, Valid: true}, {Valid: true}}},
		"text":  {Text, pgtype.TextArrayOID, []any{"a", "", Engine("b"), []byte(nil), nil}, &[]pgtype.Text{}, &[]pgtype.Text{text("a"), text(""), text("b"), text(""), null}},
		"null":  {TextNull, pgtype.TextArrayOID, []any{"a", "", nil}, &[]pgtype.Text{}, &[]pgtype.Text{text("a"), null, null}},
		"json":  {Document, pgtype.TextArrayOID, []any{json.RawMessage("{}"), json.RawMessage(nil), []byte("1"), "2", ""}, &[]pgtype.Text{}, &[]pgtype.Text{text("{}"), null, text("1"), text("2"), null}},
		"int":   {Int, pgtype.Int8ArrayOID, []any{7, int64(8)}, &[]int64{}, &[]int64{7, 8}},
		"after": {After, pgtype.Int8ArrayOID, []any{time.Second, time.Duration(0)}, &[]int64{}, &[]int64{1e6, 0}},
		"bool":  {Bool, pgtype.BoolArrayOID, []any{true, false}, &[]bool{}, &[]bool{true, false}},
		"time":  {Time, pgtype.TimestamptzArrayOID, []any{at, time.Time{}}, &[]pgtype.Timestamptz{}, &[]pgtype.Timestamptz{{Time: at, Valid: true}, {}}},
		"bytes": {Bytes, pgtype.ByteaArrayOID, []any{[]byte{1}, []byte{}, []byte(nil)}, &[][]byte{}, &[][]byte{{1}, {}, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Insert("x", []Column{Col("before", Int), Col("c", tt.kind)}, "")
			rows := s.Rows()
			for _, v := range tt.values {
				rows.Add(0, v)
			}
			e := &encoder{}
			if err := e.encode([]op{{stmt: s, rows: rows}}); err != nil {
				t.Fatal(err)
			}
			if err := pgtype.NewMap().Scan(tt.oid, pgtype.BinaryFormatCode, e.params[1], tt.got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tt.got, cmp.Comparer(time.Time.Equal)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestArraysRefuseOtherTypes(t *testing.T) {
	t.Parallel()
	for kind := UUID; kind <= Bytes; kind++ {
		s := Insert("x", []Column{Col("c", kind)}, "")
		rows := s.Rows()
		rows.Add(1.5)
		if err := (&encoder{}).encode([]op{{stmt: s, rows: rows}}); err == nil || !strings.Contains(err.Error(), "column c: no way to store a float64") {
			t.Errorf("type %d takes a float64: %v", kind, err)
		}
	}
}
