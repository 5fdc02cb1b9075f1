package channeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Teams is a fake of a Teams workflow's webhook: it refuses what the workflow and Teams refuse and keeps the cards that it posted.
//
//	ms := channeltest.NewTeams("a-signature")
//	r := channeltest.Receive(t, ms.Step)
//	config := `{"webhook_url":"` + r.URL + ms.Path() + `"}`
type Teams struct {
	sig string

	mu    sync.Mutex
	cards []TeamsCard
}

// TeamsCard is a posted card.
type TeamsCard struct {
	Content map[string]any
	Style   string   // of its first container: attention, warning, accent, good
	Text    string   // as it is read, a line each
	Links   []string // of its buttons
}

// NewTeams makes a workflow whose webhook has this signature.
func NewTeams(signature string) *Teams { return &Teams{sig: signature} }

const teamsPath = "/powerautomate/automations/direct/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke"

// Path is the webhook's path and query.
func (m *Teams) Path() string {
	return teamsPath + "?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=" + url.QueryEscape(m.sig)
}

// Cards returns the cards, in the order they were posted.
func (m *Teams) Cards() []TeamsCard {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.cards)
}

// Accepted is the answer of the webhook to a message that it took: a flow runs.
func (m *Teams) Accepted() Step {
	return Answer(http.StatusAccepted, "", "X-Ms-Workflow-Run-Id", "run-1")
}

// Step is the webhook.
func (m *Teams) Step(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
	content, status, err := m.refuse(Request{Method: r.Method, URL: *r.URL, Header: r.Header, Body: readAll(r)})
	if err != nil {
		answer, _ := json.Marshal(map[string]any{"error": map[string]any{"code": http.StatusText(status), "message": err.Error()}})
		Answer(status, string(answer), "Content-Type", "application/json")(w, r, gone)
		return
	}
	p := TeamsCard{Content: content}
	p.read(content)
	m.mu.Lock()
	m.cards = append(m.cards, p)
	m.mu.Unlock()
	m.Accepted()(w, r, gone)
}

// Refuses is HTTP.Refuses.
func (m *Teams) Refuses(r Request) error {
	_, _, err := m.refuse(r)
	return err
}

// refuse follows learn.microsoft.com (incoming webhooks with Workflows, limits of Teams) and the schema of Adaptive Cards 1.4.
func (m *Teams) refuse(r Request) (content map[string]any, status int, err error) {
	switch {
	case r.URL.Path != teamsPath:
		return nil, http.StatusNotFound, errors.New("WorkflowNotFound")
	case r.URL.Query().Get("sig") != m.sig:
		return nil, http.StatusUnauthorized, errors.New("DirectApiAuthorizationRequired: the signature is not valid")
	case r.Method != http.MethodPost, !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return nil, http.StatusBadRequest, errors.New("the trigger takes JSON by POST")
	case 2*chars(string(r.Body)) > 28<<10:
		return nil, http.StatusRequestEntityTooLarge, errors.New("RequestEntityTooLarge")
	}
	var msg struct {
		Type        string `json:"type"`
		Attachments []struct {
			ContentType string         `json:"contentType"`
			Content     map[string]any `json:"content"`
		} `json:"attachments"`
	}
	if err := json.Unmarshal(r.Body, &msg); err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("TriggerInputSchemaMismatch: %w", err)
	}
	if msg.Type != "message" || len(msg.Attachments) != 1 || msg.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" {
		return nil, http.StatusBadRequest, errors.New("TriggerInputSchemaMismatch: a message with an adaptive card is wanted")
	}
	content = msg.Attachments[0].Content
	return content, http.StatusBadRequest, checkCard(content)
}

// teamsElements are the elements that the fake knows, with what they must have.
var teamsElements = map[string][]string{
	"AdaptiveCard": {"version"}, "Container": {"items"}, "RichTextBlock": {"inlines"}, "TextRun": {"text"}, "TextBlock": {"text"}, "FactSet": {"facts"},
	"Action.OpenUrl": {"title", "url"},
}

func checkCard(card map[string]any) error {
	if card["type"] != "AdaptiveCard" {
		return fmt.Errorf("the card is a %v", card["type"])
	}
	if v := str(card, "version"); v != "1.2" && v != "1.3" && v != "1.4" && v != "1.5" {
		return fmt.Errorf("version %q", v)
	}
	if actions := list(card, "actions"); len(actions) > 6 {
		return fmt.Errorf("%d actions are more than six", len(actions))
	}
	return checkElement(card)
}

func checkElement(e map[string]any) error {
	kind := str(e, "type")
	must, known := teamsElements[kind]
	if !known {
		return fmt.Errorf("unknown element %q", kind)
	}
	for _, key := range must {
		switch v := e[key].(type) {
		case string:
			if v == "" {
				return fmt.Errorf("%s: %s is empty", kind, key)
			}
		case []any:
			if len(v) == 0 {
				return fmt.Errorf("%s: %s is empty", kind, key)
			}
		default:
			return fmt.Errorf("%s: %s is missing", kind, key)
		}
	}
	if s, ok := e["style"]; ok && kind == "Container" && !slices.Contains([]any{"default", "emphasis", "good", "attention", "warning", "accent"}, s) {
		return fmt.Errorf("style %v", s)
	}
	if kind == "Action.OpenUrl" {
		if u, err := url.Parse(fmt.Sprint(e["url"])); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("the address of a button: %v", e["url"])
		}
	}
	for _, key := range []string{"body", "items", "inlines", "actions"} {
		inner, ok := e[key].([]any)
		if _, there := e[key]; there && !ok {
			return fmt.Errorf("%s: %s is no list", kind, key)
		}
		for _, i := range inner {
			o, ok := i.(map[string]any)
			if !ok {
				return fmt.Errorf("%s: an element of %s is no object", kind, key)
			}
			if err := checkElement(o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *TeamsCard) read(e map[string]any) {
	switch e["type"] {
	case "TextRun", "TextBlock":
		p.Text += fmt.Sprint(e["text"])
	case "Action.OpenUrl":
		p.Links = append(p.Links, fmt.Sprint(e["url"]))
	case "Container":
		if p.Style == "" {
			p.Style = str(e, "style")
		}
	}
	for _, key := range []string{"body", "items", "inlines", "actions"} {
		for _, i := range list(e, key) {
			p.read(asMap(i))
		}
	}
	if e["type"] == "RichTextBlock" || e["type"] == "TextBlock" {
		p.Text += "\n"
	}
}

// TeamsText reads the text of a message's card as Teams shows it.
func TeamsText(body []byte) string {
	var msg struct {
		Attachments []struct {
			Content map[string]any `json:"content"`
		} `json:"attachments"`
	}
	if json.Unmarshal(body, &msg) != nil {
		return ""
	}
	var p TeamsCard
	for _, a := range msg.Attachments {
		p.read(a.Content)
	}
	return p.Text
}
