package cli

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type deliveryCmd struct {
	List   deliveryListCmd   `cmd:"" help:"List what was told, is about to be, or was held back, newest first."`
	Show   deliveryShowCmd   `cmd:"" help:"Show one delivery with its attempts."`
	Resend deliveryResendCmd `cmd:"" help:"Tell it again."`
}

type deliveryListCmd struct {
	remote
	page
	State    []string `placeholder:"STATE" help:"pending, sending, delivered, suppressed, dead; may be given again."`
	Channel  string   `placeholder:"CHANNEL" help:"Name or id of a channel."`
	Incident string   `placeholder:"ID" help:"Of one incident."`
}

// Help implements kong.HelpProvider.
func (deliveryListCmd) Help() string {
	return `Examples:

    incidenthub delivery list --state dead
    incidenthub delivery list --channel ops --json | jq -r '.items[].id'`
}

// Run implements the command.
func (c deliveryListCmd) Run(ctx context.Context, p *Program) error {
	q := c.query()
	q.Set("attempts", "true")
	for name, v := range map[string]string{"state": strings.Join(c.State, ","), "channel": c.Channel, "incident": c.Incident} {
		if v != "" {
			q.Set(name, v)
		}
	}
	var got list[wireDelivery]
	return get(ctx, p, c.remote, "/api/v1/deliveries", q, &got, func() error {
		rows := toldRows(got.Items)
		for i, d := range got.Items {
			rows[i] = append(rows[i], cmp.Or(d.Title, d.Incident))
		}
		if err := p.table(append(slices.Clip(toldHead), "ABOUT"), rows); err != nil {
			return err
		}
		p.more(got.NextCursor)
		return nil
	})
}

type deliveryShowCmd struct {
	remote
	ID string `arg:"" help:"Id of the delivery."`
}

// Help implements kong.HelpProvider.
func (deliveryShowCmd) Help() string {
	return `Examples:

    incidenthub delivery show 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e
    incidenthub delivery show 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e --json | jq .body`
}

// Run implements the command.
func (c deliveryShowCmd) Run(ctx context.Context, p *Program) error {
	var d wireDelivery
	return get(ctx, p, c.remote, "/api/v1/deliveries/"+url.PathEscape(c.ID), nil, &d, func() error {
		p.say("%s\n%s to %s: %s", clean(firstOf(d.Title, d.Incident, "Nothing was written")), clean(d.Kind), clean(d.channel()), clean(d.mark()))
		for _, line := range d.about() {
			p.say("%s", line)
		}
		none := "None."
		if d.Waits != "" {
			p.say("Waits: %s.", clean(d.Waits))
			none = "None yet."
		}
		var rows [][]string
		for _, a := range d.Attempts {
			rows = append(rows, []string{strconv.Itoa(a.N), at(a.At), a.Verdict, strconv.Itoa(a.Status), took(&a.LatencyMS), firstOf(a.Error, a.Response)})
		}
		if err := p.section("ATTEMPTS", none, []string{"N", "AT", "VERDICT", "STATUS", "TOOK", "ANSWER"}, rows); err != nil {
			return err
		}
		for _, a := range d.Attempts {
			if a.Response != "" && (a.Error != "" || len(a.Response) > 100) { // else the table has it
				p.say("\nANSWER TO %d", a.N)
				p.text(a.Response)
			}
		}
		return nil
	})
}

type deliveryResendCmd struct {
	remote
	ID      string `arg:"" help:"Id of the delivery; incidenthub delivery list has it."`
	Channel string `placeholder:"CHANNEL" help:"Tell this channel instead."`
}

// Help implements kong.HelpProvider.
func (deliveryResendCmd) Help() string {
	return `A dead delivery is tried again as it is. What was delivered is told anew, and says so. With --channel another channel is told instead.

Examples:

    incidenthub delivery resend 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e
    incidenthub delivery resend 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e --channel phone`
}

// Run implements the command.
func (c deliveryResendCmd) Run(ctx context.Context, p *Program) error {
	api, err := p.client(c.remote)
	if err != nil {
		return err
	}
	body := map[string]string{}
	if c.Channel != "" {
		body["channel"] = c.Channel
	}
	var got struct {
		ID string `json:"id"`
	}
	raw, err := api.call(ctx, http.MethodPost, "/api/v1/deliveries/"+url.PathEscape(c.ID)+"/resend", nil, body, &got)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return p.printJSON(raw)
	default:
		p.say("It is on its way as delivery %s. See what becomes of it: incidenthub delivery show %s", clean(got.ID), clean(got.ID))
		return nil
	}
}
