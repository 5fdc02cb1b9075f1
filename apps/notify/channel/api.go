package channel

import (
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// ClassBadAnswer is the Result.Class of a success by its status that is none of the receiver's API: something else may have taken the
// message.
const ClassBadAnswer = "bad_answer"

// Doubt makes a retry of a success, since the answer is not what the receiver's API says when it has taken a message. why says so; it is
// not said of an answer that broke off.
func (r *Result) Doubt(resp *httpclient.Response, why string) {
	r.Verdict, r.Class, r.Error = Retry, ClassBadAnswer, why
	if resp.BodyErr != nil {
		r.Class, r.Error = fault.Class(resp.BodyErr), "the answer broke off"
	}
}
