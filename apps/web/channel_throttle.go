package web

import (
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

// messagesField and perField are how many messages a channel takes in how long.
func messagesField(l notify.Throttle) Field {
	f := Field{
		ID: "throttle.messages", Label: "At most so many messages", Kind: kindNumber, Placeholder: "any number", Max: 10, Usual: true,
		Hint: "What is over it is told as soon as there is room, if it still fires then. Ends are always told.",
	}
	if l.Messages != 0 {
		f.Value = strconv.Itoa(l.Messages)
	}
	return f
}

func perField(l notify.Throttle) Field {
	return Field{
		ID: "throttle.per", Label: "Within", Kind: kindText, Value: period.Text(l.Per), Placeholder: "no limit", Max: 20, Usual: true,
		Suggest: []string{"1m", "10m", "1h"}, Hint: "1m, 10m or 1h.",
	}
}

// typedThrottle is what was typed; what is no number or no time is refused by the service.
func typedThrottle(c *gin.Context) notify.Throttle {
	l := notify.Throttle{Per: period.Read(c.PostForm("throttle.per"))}
	if text := strings.TrimSpace(c.PostForm("throttle.messages")); text != "" {
		var err error
		if l.Messages, err = strconv.Atoi(text); err != nil {
			l.Messages = -1
		}
	}
	return l
}
