package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

type channelTestCmd struct {
	remote
	Channel string `arg:"" help:"Name or id."`
}

// Help implements kong.HelpProvider.
func (channelTestCmd) Help() string {
	return `The running hub sends a test message, once, as it would send an alert, also by an inactive channel. The exit code is 0 when it arrived, else
1. The delivery log has it, too.

Examples:

    incidenthub channel test ops
    incidenthub channel test ops --json | jq -r .advice`
}

// wireTest is what the hub says of a test.
type wireTest struct {
	OK        bool    `json:"ok"`
	Verdict   string  `json:"verdict"`
	Status    int     `json:"status"`
	LatencyMS float64 `json:"latency_ms"`
	Response  string  `json:"response"`
	Error     string  `json:"error"`
	Advice    string  `json:"advice"`
	Remark    string  `json:"remark"`
	Channel   string  `json:"channel"`
	Driver    string  `json:"driver"`
	MessageID string  `json:"message_id"`
	Class     string  `json:"error_class"`
}

// Run implements the command.
func (c channelTestCmd) Run(ctx context.Context, p *Program) error {
	api, err := p.client(c.remote)
	if err != nil {
		return err
	}
	var got wireTest
	raw, err := api.call(ctx, http.MethodPost, "/api/v1/channels/"+url.PathEscape(c.Channel)+"/test", nil, nil, &got)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := p.printJSON(raw); err != nil {
			return err
		}
	} else {
		p.sayChannelTest(got)
	}
	if !got.OK {
		return failure{}
	}
	return nil
}

// partlyRefused is the class of a mail that not all of its recipients get.
const partlyRefused = "partly_refused"

// sayChannelTest says what came of a test; what went wrong goes to standard error.
func (p *Program) sayChannelTest(got wireTest) {
	if got.OK {
		who := clean(cmp.Or(got.Channel, got.Driver))
		switch {
		case got.Class == partlyRefused:
			p.say("%s took the message after %s, but not for everybody.", who, took(&got.LatencyMS))
		case got.Remark == "":
			p.say("It works: %s took the message after %s.", who, took(&got.LatencyMS))
		default:
			p.say("%s took the message after %s, but it is not as you meant it: %s.", who, took(&got.LatencyMS), clean(strings.TrimRight(got.Remark, ".")))
		}
		if got.Response != "" {
			p.say("Its answer: %s", clean(cut(got.Response, 300)))
		}
		return
	}
	if got.Class == channel.ClassDisabled {
		p.warn("%s. %s", clean(capital(got.Error)), clean(got.Advice))
		return
	}
	p.warn("It does not work: %s (after %s). %s", clean(cmp.Or(got.Error, got.Verdict)), took(&got.LatencyMS), clean(got.Advice))
	if got.Response != "" {
		p.warn("Its answer: %s", clean(cut(got.Response, 300)))
	}
}

// capital begins a sentence.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

type testNotifyCmd struct {
	remote
	Target         string  `arg:"" optional:"" name:"channel-or-driver" help:"Name of an active channel, or of a driver whose settings are in --json-config. Default: the first active channel."`
	Title          string  `placeholder:"TEXT" help:"Default: Test notification."`
	Message        string  `placeholder:"TEXT" help:"Default: a sentence that says where it comes from."`
	Severity       *string `enum:"critical,warning,info,success" placeholder:"LEVEL" help:"critical, warning, info (the default) or success."`
	NonInteractive bool    `help:"Ask nothing, also at a terminal."`
	JSONConfig     string  `name:"json-config" placeholder:"JSON" help:"The message as JSON (driver, channel, title, message, severity, tags, context, config), or a driver's settings alone; @FILE, or - for standard input, keep secrets out of the list of processes."`
}

// Help implements kong.HelpProvider.
func (testNotifyCmd) Help() string {
	return `Sends one message through a running hub: by a stored channel, or by a driver with settings that are not stored. At a terminal it asks what
it was not told. The exit code is 0 when it arrived, else 1. The delivery log has it, too.

Examples:

    incidenthub test-notify
    incidenthub test-notify ops --non-interactive
    incidenthub test-notify slack --non-interactive --json-config @slack.json
    echo '{"driver":"generic","title":"Hello","message":"It works","config":{"endpoint":"https://x.example/in"}}' |
        incidenthub test-notify --non-interactive --json-config -`
}

// wireMessage is a message that the hub is asked to send.
type wireMessage struct {
	Title    string          `json:"title,omitempty"`
	Message  string          `json:"message,omitempty"`
	Severity string          `json:"severity,omitempty"`
	Driver   string          `json:"driver,omitempty"`
	Channel  string          `json:"channel,omitempty"`
	Tags     json.RawMessage `json:"tags,omitempty"`
	Context  json.RawMessage `json:"context,omitempty"`
	Config   json.RawMessage `json:"config,omitempty"`
}

// Run implements the command.
func (c testNotifyCmd) Run(ctx context.Context, p *Program) error {
	m, err := c.message(p)
	if err != nil {
		return usage{err}
	}
	api, err := p.client(c.remote)
	if err != nil {
		return err
	}
	if q := p.questions(); q != nil && !c.NonInteractive && !c.JSON && c.JSONConfig == "" {
		if err := m.ask(ctx, q, api); err != nil {
			return err
		}
	}
	m.Title = firstOf(m.Title, "Test notification")
	m.Message = firstOf(m.Message, "This message was sent by hand with incidenthub test-notify. Nothing is wrong.")
	path := "/notify/send"
	if m.Driver != "" {
		path += "/" + url.PathEscape(m.Driver)
	}
	var got struct {
		Status    string `json:"status"`
		Driver    string `json:"driver"`
		Channel   string `json:"channel"`
		MessageID string `json:"message_id"`
		Metadata  struct {
			Disabled bool   `json:"disabled"`
			Detail   string `json:"detail"`
		} `json:"metadata"`
	}
	raw, err := api.call(ctx, http.MethodPost, path, nil, m, &got)
	switch {
	case err != nil:
		return err
	case c.JSON:
		if err := p.printJSON(raw); err != nil {
			return err
		}
	case got.Metadata.Disabled:
		p.warn("%s.", clean(capital(got.Metadata.Detail)))
	default:
		p.say("Sent by %s (%s), message %s.", clean(got.Channel), clean(got.Driver), clean(cmp.Or(got.MessageID, "without an id")))
	}
	if got.Metadata.Disabled {
		return failure{}
	}
	return nil
}

// message is what the flags say. Settings of a driver alone are told from a message by their names.
func (c testNotifyCmd) message(p *Program) (wireMessage, error) {
	m := wireMessage{Title: c.Title, Message: c.Message, Severity: orNothing(c.Severity), Driver: c.Target}
	text := []byte(c.JSONConfig)
	var err error
	switch file, isFile := strings.CutPrefix(c.JSONConfig, "@"); {
	case c.JSONConfig == "":
		return m, nil
	case c.JSONConfig == "-":
		text, err = p.input("-")
	case isFile:
		text, err = p.input(file)
	}
	if err != nil {
		return m, err
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(text, &keys) != nil || keys == nil {
		return m, errors.New("--json-config must be a JSON object")
	}
	known := []string{"title", "message", "driver", "config", "severity", "tags", "context"}
	if !slices.ContainsFunc(known, func(k string) bool { _, ok := keys[k]; return ok }) {
		m.Config = text
		if m.Driver == "" {
			return m, errors.New("say which driver these settings are of: incidenthub test-notify DRIVER --json-config …")
		}
		return m, nil
	}
	var given wireMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return m, fmt.Errorf("--json-config: %w", err)
	}
	given.Title, given.Message, given.Driver = firstOf(c.Title, given.Title), firstOf(c.Message, given.Message), firstOf(c.Target, given.Driver)
	given.Severity = firstOf(orNothing(c.Severity), given.Severity)
	return given, nil
}

// ask asks for what was not said.
func (m *wireMessage) ask(ctx context.Context, q *questions, api *client) (err error) {
	if m.Driver == "" {
		var got list[struct {
			Name     string `json:"name"`
			Driver   string `json:"driver"`
			IsActive bool   `json:"is_active"`
		}]
		if _, err := api.call(ctx, http.MethodGet, "/api/v1/channels", nil, nil, &got); err != nil {
			return err
		}
		var names []string
		for _, c := range got.Items {
			if c.IsActive {
				names = append(names, c.Name)
				_, _ = fmt.Fprintf(q.out, "  %d  %s (%s)\n", len(names), clean(c.Name), clean(c.Driver))
			}
		}
		if len(names) == 0 {
			return errors.New("there is no active channel; make one with: incidenthub channel create")
		}
		n, err := q.choose(ctx, names)
		if err != nil {
			return err
		}
		m.Driver = names[n]
	}
	if m.Title == "" {
		if m.Title, err = q.ask(ctx, "Title", "Test notification"); err != nil {
			return err
		}
	}
	if m.Message == "" {
		if m.Message, err = q.ask(ctx, "Message", "This message was sent by hand. Nothing is wrong."); err != nil {
			return err
		}
	}
	sure, err := q.yes(ctx, fmt.Sprintf("Send it by %s?", m.Driver))
	if err == nil && !sure {
		err = errors.New("nothing was sent")
	}
	return err
}
