package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

type notifyCmd struct {
	Preview notifyPreviewCmd `cmd:"" help:"Show what channels would send about an incident, a payload or a sample. Nothing is sent."`
}

type notifyPreviewCmd struct {
	remote
	channelSettings
	Channel    string  `arg:"" optional:"" help:"Name or id of one channel. Default: all of them."`
	Driver     string  `placeholder:"DRIVER" help:"Instead of a channel: a kind of channel, with settings that are not stored."`
	Incident   string  `xor:"about" placeholder:"ID" help:"Tell of this incident. Default: a sample."`
	Payload    string  `xor:"about" placeholder:"FILE" help:"Tell of what this webhook body would make, - for standard input. It is stored nowhere."`
	Of         string  `placeholder:"TOOL" help:"The tool that the payload is of, such as grafana. Default: by its shape."`
	Event      *string `enum:"firing,updated,reminder,acknowledged,resolved,test,sent" placeholder:"EVENT" help:"What happens: firing, updated, reminder, acknowledged, resolved, test or sent. Default: what fits."`
	SideBySide bool    `short:"y" help:"Beside each other, as many as fit into the terminal (or into the width in COLUMNS)."`
	Save       string  `placeholder:"DIR" help:"Write each piece of a message into a file here, mail as HTML to open in a browser."`
	Strict     bool    `help:"Exit with 1 when there is a remark about a message: a missing variable, a template that failed."`
}

// Help implements kong.HelpProvider.
func (notifyPreviewCmd) Help() string {
	return `Prints each channel's message as its receiver sees it, names the variables that its templates ask for in vain, and says when a template
failed. The flags for settings try changes of a channel before they are saved; they need a key of the scope edit.

Examples:

    incidenthub notify preview
    incidenthub notify preview --side-by-side --event resolved --incident 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e
    incidenthub notify preview mail --payload alert.json --of grafana --save out
    incidenthub notify preview mail --set-file html_template=new.j2 --strict
    incidenthub notify preview --driver slack --secret-env webhook_url=SLACK_URL --payload - <alert.json`
}

// wirePreview is what the commands show of the API's preview.
type wirePreview struct {
	Channel  string         `json:"channel"`
	Driver   string         `json:"driver"`
	IsActive bool           `json:"is_active"`
	Shown    []previewPiece `json:"shown"`
	Parts    int            `json:"parts"`
	Bytes    int            `json:"bytes"`
	Remark   string         `json:"remark"`
	Missing  []string       `json:"missing"`
	Error    string         `json:"error"`
}

type previewPiece struct {
	Name  string `json:"name"`
	Media string `json:"media_type"`
	Text  string `json:"text"`
}

// Run implements the command.
func (c notifyPreviewCmd) Run(ctx context.Context, p *Program) error {
	ask, err := c.ask(p)
	if err != nil {
		return usage{err}
	}
	api, err := p.client(c.remote)
	if err != nil {
		return err
	}
	if c.given() || c.Driver != "" {
		if err := c.unsaved(ctx, p, api, ask); err != nil {
			return err
		}
	}
	var got list[wirePreview]
	raw, err := api.call(ctx, http.MethodPost, "/api/v1/notifications/preview", nil, ask, &got)
	if err != nil {
		return err
	}
	if c.Save != "" {
		if err := p.savePreviews(c.Save, got.Items); err != nil {
			return err
		}
	}
	switch {
	case c.JSON:
		err = p.printJSON(raw)
	case len(got.Items) == 0:
		p.say("There is no channel; make one with: incidenthub channel create")
	default:
		p.sayPreviews(got.Items, c.SideBySide)
	}
	if err == nil && c.Strict && remarks(got.Items) > 0 {
		return failure{}
	}
	return err
}

// ask is the request without settings.
func (c notifyPreviewCmd) ask(p *Program) (map[string]any, error) {
	ask := map[string]any{}
	for name, text := range map[string]string{"channel": c.Channel, "incident_id": c.Incident, "event": orNothing(c.Event), "payload_driver": c.Of} {
		if text != "" {
			ask[name] = text
		}
	}
	switch {
	case c.Channel != "" && c.Driver != "":
		return nil, errors.New("give a channel or --driver, not both")
	case c.Channel == "" && c.Driver == "" && c.given():
		return nil, errors.New("say whose settings these are: name a channel, or a kind of channel with --driver")
	case c.Of != "" && c.Payload == "":
		return nil, errors.New("--of says which tool a payload is of: give --payload, too")
	case c.Payload == "":
		return ask, nil
	}
	raw, err := p.input(c.Payload)
	if err != nil {
		return nil, err
	}
	if !json.Valid(raw) {
		return nil, fmt.Errorf("%s is no JSON; see how the hub reads it: incidenthub parse", c.Payload)
	}
	ask["payload"] = json.RawMessage(raw)
	return ask, nil
}

// unsaved adds settings that are not stored: the flags over those of the channel. The hub is asked for what is stored, in which secrets are
// masked, and puts the secrets back.
func (c notifyPreviewCmd) unsaved(ctx context.Context, p *Program, api *client, ask map[string]any) error {
	stored := struct {
		Driver string          `json:"driver"`
		Config json.RawMessage `json:"config"`
	}{c.Driver, json.RawMessage(`{}`)}
	if c.Channel != "" {
		if _, err := api.call(ctx, http.MethodGet, "/api/v1/channels/"+url.PathEscape(c.Channel), nil, nil, &stored); err != nil {
			return err
		}
	} else {
		ask["driver"] = c.Driver
	}
	var kind wireDriver
	if _, err := api.call(ctx, http.MethodGet, "/api/v1/channel-drivers/"+url.PathEscape(stored.Driver), nil, nil, &kind); err != nil {
		return err
	}
	config, err := c.over(p, kind.spec(), stored.Config)
	if err != nil {
		return usage{err}
	}
	ask["config"] = config
	return nil
}

// spec is what the settings of a kind of channels are, as the hub says.
func (d wireDriver) spec() channel.Spec {
	s := channel.Spec{Name: d.Name, Description: d.Description}
	for _, f := range d.Fields {
		one := settings.Field{Key: f.Key, Type: settings.Type(f.Type), Doc: f.Description, Default: f.Default, Enum: f.Enum, Secret: f.Secret}
		if f.Required {
			s.Required = append(s.Required, one)
		} else {
			s.Optional = append(s.Optional, one)
		}
	}
	return s
}

// remarks counts the messages with remarks.
func remarks(list []wirePreview) (n int) {
	for _, one := range list {
		if len(one.remarks()) > 0 {
			n++
		}
	}
	return n
}

// remarks are what is not as it should be, a line each.
func (v wirePreview) remarks() (lines []string) {
	if v.Error != "" {
		lines = append(lines, "Nothing can be shown: "+v.Error)
	}
	if v.Remark != "" {
		lines = append(lines, v.Remark)
	}
	if len(v.Missing) > 0 {
		lines = append(lines, "Missing variables: "+strings.Join(v.Missing, ", "))
	}
	return lines
}
