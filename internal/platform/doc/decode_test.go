package doc

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body string
		lim  Limits
		want error
		says string
	}{
		"empty":               {"", Limits{}, ErrNotJSON, "it is empty"},
		"white space":         {" \r\n\t", Limits{}, ErrNotJSON, "it is empty"},
		"mark only":           {"\uFEFF", Limits{}, ErrNotJSON, "it is empty"},
		"cut off in a string": {`{"a":"b`, Limits{}, ErrNotJSON, "ends in the middle"},
		"cut off in an escape": {
			`{"a":"b\u12`, Limits{}, ErrNotJSON, "ends in the middle",
		},
		"cut off after a comma": {`{"a":1,`, Limits{}, ErrNotJSON, "ends in the middle"},
		"cut off after a colon": {`{"a":`, Limits{}, ErrNotJSON, "ends in the middle"},
		"trailing comma":        {`{"a":1,}`, Limits{}, ErrNotJSON, `unexpected '}' at byte 7`},
		"trailing list comma":   {`{"a":[1,]}`, Limits{}, ErrNotJSON, `unexpected ']' at byte 8`},
		"second document":       {`{"a":1}{"a":2}`, Limits{}, ErrNotJSON, "one document per request"},
		"python":                {`{'a': None}`, Limits{}, ErrNotJSON, `unexpected '\'' at byte 1`},
		"not a number":          {`{"a":NaN}`, Limits{}, ErrNotJSON, `unexpected 'N' at byte 5`},
		"leading zero":          {`{"a":01}`, Limits{}, ErrNotJSON, `unexpected '1' at byte 6`},
		"bare minus":            {`{"a":-}`, Limits{}, ErrNotJSON, "unexpected '}'"},
		"bare point":            {`{"a":1.}`, Limits{}, ErrNotJSON, "unexpected '}'"},
		"bare exponent":         {`{"a":1e+}`, Limits{}, ErrNotJSON, "unexpected '}'"},
		"bad escape":            {`{"a":"\x41"}`, Limits{}, ErrNotJSON, "unexpected 'x'"},
		"bad hex":               {`{"a":"\u00g0"}`, Limits{}, ErrNotJSON, "unexpected 'g'"},
		"raw NUL":               {"{\"a\":\"\x00\"}", Limits{}, ErrNotJSON, `unexpected '\x00' at byte 6`},
		"raw newline":           {"{\"a\":\"\\t\n\"}", Limits{}, ErrNotJSON, `unexpected '\n'`},
		"UTF-16":                {"\xff\xfe{\x00}\x00", Limits{}, ErrNotJSON, "UTF-16"},
		"UTF-16, no mark":       {"{\x00}\x00", Limits{}, ErrNotJSON, `unexpected '\x00'`},
		"form":                  {"payload=%7B%7D", Limits{}, ErrNotJSON, "unexpected 'p' at byte 0"},
		"list":                  {`[{"a":1}]`, Limits{}, ErrNotObject, "it is a list"},
		"string":                {`"a"`, Limits{}, ErrNotObject, "it is a string"},
		"null":                  {`null`, Limits{}, ErrNotObject, "it is null"},
		"wrong word":            {`{"a":nul}`, Limits{}, ErrNotJSON, "unexpected '}'"},
		"65 levels":             {nested(65), Limits{}, ErrTooDeep, "more than 64 levels"},
		"100,000 levels":        {nested(100_000), Limits{}, ErrTooDeep, "more than 64 levels"},
		"many alerts":           {`{"alerts":[{},{},{}]}`, Limits{Items: 2}, ErrTooMany, "more than 2 items"},
		"many values":           {`{"a":[1,2,3]}`, Limits{Nodes: 4}, ErrTooMany, "more than 4 values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Decode([]byte(tt.body), tt.lim)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Decode = %v, want %v saying %q", err, tt.want, tt.says)
			}
		})
	}
}

// nested returns an object with n levels in all.
func nested(n int) string {
	return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}"
}

func TestDecodeKeeps(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, key, want string }{
		"plain":                 {`{"a":"b"}`, "a", "b"},
		"mark":                  {"\uFEFF" + `{"a":"b"}`, "a", "b"},
		"white space":           {" {\r\n \"a\" :\t\"b\" } \n", "a", "b"},
		"escapes":               {`{"a":"\"\\\/\b\f\n\r\t\u00e9\u20AC"}`, "a", "\"\\/\b\f\n\r\té€"},
		"pair":                  {`{"a":"x\ud83d\udea8y"}`, "a", "x🚨y"},
		"lone high":             {`{"a":"x\ud83dy"}`, "a", "x\uFFFDy"},
		"lone low":              {`{"a":"\udc00"}`, "a", "\uFFFD"},
		"high then other":       {`{"a":"\ud83d\u0041"}`, "a", "\uFFFDA"},
		"two highs then low":    {`{"a":"\ud83d\ud83d\udea8"}`, "a", "\uFFFD🚨"},
		"high then plain":       {`{"a":"\ud83d\n"}`, "a", "\uFFFD\n"},
		"NUL goes":              {`{"a":"x\u0000y\u0000"}`, "a", "xy"},
		"NUL in the key goes":   {`{"a\u0000":"b"}`, "a", "b"},
		"invalid UTF-8":         {"{\"a\":\"x\xffy\\n\"}", "a", "x\uFFFDy\n"},
		"text after an escape":  {`{"b":"\u0041","a":"b"}`, "a", "b"},
		"integer":               {`{"a":5615590933959184469}`, "a", "5615590933959184469"},
		"21 digits":             {`{"a":123123123129312381923}`, "a", "123123123129312381923"},
		"huge":                  {`{"a":-1.50e+999999}`, "a", "-1.50e+999999"},
		"zero":                  {`{"a":0}`, "a", "0"},
		"bool":                  {`{"a":false}`, "a", "false"},
		"null":                  {`{"a":null}`, "a", ""},
		"object":                {`{"a":{"b":1}}`, "a", ""},
		"last of two":           {`{"a":1,"a":2}`, "a", "2"},
		"absent":                {`{"b":1}`, "a", ""},
		"behind a nested value": {`{"b":{"a":[1,{"a":2}]},"a":3}`, "a", "3"},
		"64 levels":             {nested(64)[:5] + nested(64)[5:], "b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(tt.body)
			o, err := Decode(body, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := o.Str(tt.key); got != tt.want {
				t.Errorf("Str = %q, want %q", got, tt.want)
			}
			if string(body) != tt.body {
				t.Error("Decode changed the body")
			}
		})
	}
}

func TestItemsCountsOnlyObjectsNearTheTop(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"strings":    `{"a":["x","y","z"]}`,
		"far below":  `{"a":{"b":[{},{},{}]}}`,
		"two lists":  `{"a":[{},{}],"b":[{},{}]}`,
		"just under": `{"a":[{},{},1]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Decode([]byte(body), Limits{Items: 2}); err != nil {
				t.Error(err)
			}
		})
	}
}

// plain turns a value into what encoding/json makes of it with UseNumber.
func plain(v Value) any {
	switch v.Kind() {
	case KindBool:
		return v.Str() == "true"
	case KindNumber:
		return json.Number(v.Str())
	case KindString:
		return v.Str()
	case KindList:
		items, _ := v.List()
		out := make([]any, 0, len(items))
		for _, i := range items {
			out = append(out, plain(i))
		}
		return out
	case KindObject:
		o, _ := v.Obj()
		out := make(map[string]any, o.Len())
		for k, m := range o.All() {
			out[k] = plain(m)
		}
		return out
	case KindMissing, KindNull:
	}
	return nil
}

// FuzzDecode holds the decoder against encoding/json: both take the same bodies and read the same out of them.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,-2.5e3,true,null,"x\ud83d\udea8\u0041"],"b":{"c":{}}}`, `{"a":"\ud83d"}`, "{\"a\":\"\xff\"}", `{"a":1,"a":2}`,
		"\uFEFF{\"a\":1}", `[1]`, `{"a":"\u00000"}`, `{"a\u0000":1}`, `{"a":1}{}`, `{"a":01}`, nested(64),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := Decode(body, Limits{})
		if errors.Is(err, ErrTooDeep) || errors.Is(err, ErrTooMany) {
			return
		}
		std := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\uFEFF"))))
		std.UseNumber()
		var want any
		stdErr := std.Decode(&want)
		if stdErr == nil && std.More() {
			stdErr = errors.New("more")
		}
		if !utf8.Valid(body) && err != nil {
			return // a mark of UTF-16, or bytes between tokens
		}
		if want, isObject := want.(map[string]any); isObject && stdErr == nil && err == nil {
			if o.Len() < len(want) {
				t.Fatalf("%d members, want %d", o.Len(), len(want))
			}
			compact := Value(o).Text()
			if !json.Valid([]byte(compact)) || strings.ContainsRune(compact, 0) {
				t.Fatalf("Text made %q", compact)
			}
			if utf8.Valid(body) && !bytes.Contains(body, []byte(`\u0000`)) {
				// Not cmp.Diff: its time doubles with each level of lists.
				if got := plain(Value(o)); !reflect.DeepEqual(got, any(want)) {
					t.Fatalf("read %v, want %v", got, want)
				}
			}
			return
		}
		if err == nil {
			t.Fatalf("took what encoding/json refuses: %v", stdErr)
		}
		if _, isObject := want.(map[string]any); isObject && stdErr == nil && json.Valid(bytes.TrimPrefix(body, []byte("\uFEFF"))) {
			t.Fatalf("refused what encoding/json takes: %v", err)
		}
	})
}

// alertmanagerBody is about 2 KB: two alerts as Alertmanager sends them.
var alertmanagerBody = []byte(`{"receiver":"hub","status":"firing","alerts":[` + strings.Repeat(`,{"status":"firing","labels":{"alertname":"InstanceDown","instance":"localhost:8081","job":"node","group":"production","severity":"critical","cluster":"eu1","namespace":"default"},"annotations":{"description":"localhost:8081 of job node has been down for more than 1 minute.\nSee the runbook.","summary":"Instance localhost:8081 down","runbook_url":"https://runbooks.example.com/InstanceDown"},"startsAt":"2023-06-12T08:24:38.326Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.com:9090/graph?g0.expr=up+%3D%3D+0\u0026g0.tab=1","fingerprint":"f404ecabc8dd5cd7"}`, 2)[1:] +
	`],"groupLabels":{"alertname":"InstanceDown"},"commonLabels":{"alertname":"InstanceDown","job":"node","severity":"critical","cluster":"eu1","namespace":"default"},"commonAnnotations":{"runbook_url":"https://runbooks.example.com/InstanceDown"},"externalURL":"http://alertmanager.example.com:9093","version":"4","groupKey":"{}:{alertname=\"InstanceDown\"}","truncatedAlerts":0}`)

func BenchmarkDecode(b *testing.B) {
	b.SetBytes(int64(len(alertmanagerBody)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(alertmanagerBody, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEncodingJSON(b *testing.B) {
	b.SetBytes(int64(len(alertmanagerBody)))
	b.ReportAllocs()
	for b.Loop() {
		var m map[string]any
		if err := json.Unmarshal(alertmanagerBody, &m); err != nil {
			b.Fatal(err)
		}
	}
}
