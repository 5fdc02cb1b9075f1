package cli

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// wireDelivery is what the commands show of the API's delivery.
type wireDelivery struct {
	Channel    string     `json:"channel"`
	Kind       string     `json:"kind"`
	State      string     `json:"state"`
	Reason     string     `json:"reason"`
	Tries      int64      `json:"attempt_count"`
	CreatedAt  *time.Time `json:"created_at"`
	NextAt     *time.Time `json:"next_at"`
	FinishedAt *time.Time `json:"finished_at"`
	Attempts   []struct {
		Error    string `json:"error"`
		Response string `json:"response"`
		Status   int    `json:"status"`
	} `json:"attempts"`
}

var toldHead = []string{"CHANNEL", "WHAT", "STATE", "TRIES", "WHEN", "WHY"}

// toldRows are deliveries as rows: when they ended or go on, and of those that did not arrive why.
func toldRows(list []wireDelivery) [][]string {
	rows := make([][]string, len(list))
	for i, d := range list {
		when := at(d.CreatedAt)
		switch {
		case d.FinishedAt != nil:
			when = at(d.FinishedAt)
		case d.NextAt != nil && d.Tries > 0:
			when = "next " + at(d.NextAt)
		}
		why := strings.ReplaceAll(d.Reason, "_", " ")
		if n := len(d.Attempts); n > 0 && d.State != "delivered" {
			why = firstOf(d.Attempts[n-1].Error, why)
		}
		rows[i] = []string{cmp.Or(d.Channel, "(deleted)"), d.Kind, d.State, strconv.FormatInt(d.Tries, 10), when, why}
	}
	return rows
}
