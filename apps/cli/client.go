package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// defaultServer is where a hub without settings listens.
const defaultServer = "http://127.0.0.1:8080"

// remote are the flags of commands that ask a running hub.
type remote struct {
	Server string `placeholder:"URL" help:"Address of the hub (HUB_SERVER, default http://127.0.0.1:8080)."`
	Token  string `placeholder:"KEY" help:"API key; better set HUB_TOKEN, since other users of this machine see flags. HUB_ADMIN_KEY is tried last."`
	JSON   bool   `help:"Print the hub's answer as JSON."`
}

// client talks to one hub.
type client struct {
	http  *httpclient.Client
	base  *url.URL
	token string
}

func (p *Program) client(r remote) (*client, error) {
	address := firstOf(r.Server, p.Getenv("HUB_SERVER"), defaultServer)
	base, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.User != nil {
		return nil, errors.New("--server must be an address like http://127.0.0.1:8080, without user and password")
	}
	c := &client{base: base, token: firstOf(r.Token, p.Getenv("HUB_TOKEN"), p.Getenv("HUB_ADMIN_KEY"))}
	if c.token == "" {
		return nil, errors.New("no API key: set HUB_TOKEN, or make a key with: incidenthub key create NAME --scope respond")
	}
	c.http, err = httpclient.New(httpclient.Config{
		Allow: []string{"0.0.0.0/0", "::/0"}, // the person at the keyboard says where the hub is
		// A run with all inputs and outputs is the longest answer.
		MaxResponse: maxInput, Timeout: time.Minute, UserAgent: "incidenthub-cli",
	})
	return c, err
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}

// call makes one request and reads its answer into out, which may be nil. It returns the answer's text for --json.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body, out any) (json.RawMessage, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", fault.StripURL(err))
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("no hub answers at %s: %s; start one with: incidenthub serve, or name another with --server", c.base.Host, fault.Public(err))
	}
	if res.Status < 200 || res.Status > 299 {
		return nil, c.refused(res)
	}
	if res.Truncated || res.BodyErr != nil {
		return nil, errors.New("the hub's answer ended early; try again")
	}
	if out != nil {
		if err := json.Unmarshal(res.Body, out); err != nil {
			return nil, fmt.Errorf("what answers at %s is not this hub's API: %w", c.base.Host, err)
		}
	}
	return res.Body, nil
}

// refused turns the hub's problem document into an error, one line for each thing that is wrong.
func (c *client) refused(res httpclient.Response) error {
	var problem struct {
		Detail string `json:"detail"`
		Errors []struct {
			Pointer    string `json:"pointer"`
			Location   string `json:"location"`
			Message    string `json:"message"`
			Suggestion string `json:"suggestion"`
		} `json:"errors"`
	}
	if json.Unmarshal(res.Body, &problem) != nil || problem.Detail == "" {
		if text := contractError(res.Body); text != "" {
			return errors.New(text)
		}
		return fmt.Errorf("what answers at %s says %d %s", c.base.Host, res.Status, http.StatusText(res.Status))
	}
	out := &refusal{detail: problem.Detail}
	if len(problem.Errors) > 0 { // they stand below it
		out.detail = strings.TrimSuffix(out.detail, "; correct what is listed in errors.")
	}
	for _, e := range problem.Errors {
		if e.Suggestion != "" {
			e.Message += " (" + e.Suggestion + ")"
		}
		out.wrong = append(out.wrong, complaint{firstOf(e.Pointer, e.Location), e.Message})
	}
	if res.Status == http.StatusUnauthorized {
		out.wrong = append(out.wrong, complaint{"", "The key comes from --token, HUB_TOKEN or HUB_ADMIN_KEY."})
	}
	return out
}

// refusal is what the hub finds wrong with a request.
type refusal struct {
	detail string
	wrong  []complaint
}

type complaint struct{ where, words string }

// Error implements error, one line for each thing that is wrong.
func (r *refusal) Error() string {
	lines := []string{r.detail}
	for _, c := range r.wrong {
		if c.where != "" {
			c.words = c.where + ": " + c.words
		}
		lines = append(lines, c.words)
	}
	return strings.Join(lines, "\n")
}

// contractError is what the routes under /orchestration and /notify say, "" for what they did not write.
func contractError(body []byte) string {
	var answer struct {
		Error   string   `json:"error"`
		Errors  []string `json:"errors"`
		Status  string   `json:"status"`
		Message string   `json:"message"`
		Drivers []string `json:"available_drivers"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	if answer.Status == "error" && answer.Message != "" {
		if len(answer.Drivers) > 0 {
			answer.Message += "\nThere are: " + strings.Join(answer.Drivers, ", ") + ", and the names of active channels."
		}
		return answer.Message
	}
	if answer.Error == "" {
		return ""
	}
	if len(answer.Errors) > 1 {
		return strings.Join(append([]string{"the hub refuses this"}, answer.Errors...), "\n")
	}
	return answer.Error
}

// page are the flags of lists.
type page struct {
	Limit  int    `default:"50" help:"Rows, at most 200."`
	Cursor string `placeholder:"CURSOR" help:"Go on after an earlier list."`
}

func (g page) query() url.Values {
	q := url.Values{"limit": {strconv.Itoa(g.Limit)}}
	if g.Cursor != "" {
		q.Set("cursor", g.Cursor)
	}
	return q
}

// list is the shape of every list.
type list[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"`
}

// get asks for one thing and shows it: as the hub wrote it with --json, else by show, which finds it in out.
func get(ctx context.Context, p *Program, r remote, path string, query url.Values, out any, show func() error) error {
	c, err := p.client(r)
	if err != nil {
		return err
	}
	raw, err := c.call(ctx, http.MethodGet, path, query, nil, out)
	if err != nil {
		return err
	}
	if r.JSON {
		return p.printJSON(raw)
	}
	return show()
}

// more tells how to see the rest of a list.
func (p *Program) more(cursor string) {
	if cursor != "" {
		p.say("\nThere are more: --cursor %s", clean(cursor))
	}
}
