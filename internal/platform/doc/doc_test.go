package doc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decode(t *testing.T, body string) Object {
	t.Helper()
	o, err := Decode([]byte(body), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestZeroValuesAreEmpty(t *testing.T) {
	t.Parallel()
	var o Object
	for range o.All() {
		t.Error("the zero object has a member")
	}
	if o.Len() != 0 || o.Has("a") || o.Str("a") != "" || Value(o).Text() != "" || o.Get("a").Kind() != KindMissing {
		t.Error("the zero object is not empty")
	}
	if _, ok := o.Obj("a"); ok {
		t.Error("the zero object holds an object")
	}
	if l, ok := o.List("a"); ok || l != nil {
		t.Error("the zero object holds a list")
	}
	if !o.Time("a").IsZero() {
		t.Error("the zero object holds a time")
	}
}

func TestAccessorsCheckTypes(t *testing.T) {
	t.Parallel()
	o := decode(t, `{"s":" x ","n":1,"z":0,"nil":null,"o":{"a":"b"},"l":[1,{"c":2},[]],"blank":" ","b":true}`)
	if got := o.Count("s", "n", "z", "nil", "o", "absent"); got != 4 {
		t.Errorf("Count = %d, want 4", got)
	}
	if o.HasAny("nil", "absent") || !o.HasAny("nil", "z") {
		t.Error("HasAny takes null for a value or 0 for none")
	}
	if got := o.First("nil", "blank", "o", "l", "s"); got != "x" {
		t.Errorf("First = %q, want x", got)
	}
	if !o.IsStr("s") || o.IsStr("n") || !o.IsObject("o") || o.IsObject("l") || !o.IsList("l") || o.IsList("s") {
		t.Error("a type test is wrong")
	}
	inner, ok := o.Obj("o")
	if !ok || inner.Str("a") != "b" || inner.Len() != 1 {
		t.Errorf("Obj = %v, %v", inner, ok)
	}
	if _, ok := o.Obj("s"); ok {
		t.Error("a string is taken for an object")
	}
	var kinds []string
	items, _ := o.List("l")
	for _, v := range items {
		kinds = append(kinds, v.Kind().String())
	}
	if diff := cmp.Diff([]string{"a number", "an object", "a list"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want string }{
		"string":  {`"a\u0022"`, `a"`},
		"number":  {`1.50`, "1.50"},
		"null":    {`null`, ""},
		"objects": {`{ "a" : [ 1 , null, {"b":"\"\\\n\u001b<é"} ], "c":{} , "d":[]}`, `{"a":[1,null,{"b":"\"\\\n\u001b<é"}],"c":{},"d":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := decode(t, `{"v":`+tt.in+`}`).Get("v").Text(); got != tt.want {
				t.Errorf("Text = %s, want %s", got, tt.want)
			}
		})
	}
}
