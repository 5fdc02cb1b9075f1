package claude

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/providers"
)

// FuzzRead: any body ends as a text that says something, or as an error of the two classes that a body can have.
func FuzzRead(f *testing.F) {
	raw, err := os.ReadFile("testdata/http.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Response struct {
				Body json.RawMessage `json:"body"`
			} `json:"response"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		f.Fatal(err)
	}
	for _, c := range file.Cases {
		f.Add([]byte(c.Response.Body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := read(body)
		switch e, ok := errors.AsType[*providers.Error](err); {
		case err == nil && (answer == nil || strings.TrimSpace(answer.Text) == ""):
			t.Errorf("an answer without a text: %+v", answer)
		case err != nil && (!ok || e.Class != providers.ErrMalformed && e.Class != providers.ErrRefusal):
			t.Errorf("an error of no class: %v", err)
		case err != nil && answer != nil && answer.Text != "":
			t.Errorf("a text beside an error: %+v", answer)
		}
		if answer == nil {
			return
		}
		for _, n := range []*int64{answer.Usage.Prompt, answer.Usage.Completion, answer.Usage.Total} {
			if n != nil && *n < 0 {
				t.Errorf("fewer tokens than none: %d", *n)
			}
		}
	})
}
