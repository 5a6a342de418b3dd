package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// approval is one approval of a service-management request.
type approval struct {
	ID            json.Number `json:"id"`
	Name          string      `json:"name"`
	FinalDecision string      `json:"finalDecision"`
	Approvers     []struct {
		Approver *account `json:"approver"`
		Decision string   `json:"approverDecision"`
	} `json:"approvers"`
	Created   *deskTime `json:"createdDate"`
	Completed *deskTime `json:"completedDate"`
}

// deskTime is a time as service management writes it.
type deskTime struct {
	Millis json.Number `json:"epochMillis"`
	ISO    string      `json:"iso8601"`
}

func (d *deskTime) time() (time.Time, error) {
	if n, err := strconv.ParseInt(d.Millis.String(), 10, 64); err == nil && n > 0 && n < 1e14 {
		return time.UnixMilli(n).UTC(), nil
	}
	return parseTime(d.ISO)
}

// approvalPayload is the payload of jira.approval.
type approvalPayload struct {
	IssueID       string     `json:"issue_id"`
	IssueKey      string     `json:"issue_key"`
	ApprovalID    string     `json:"approval_id"`
	Name          string     `json:"name,omitempty"`
	Requester     string     `json:"requester,omitempty"`
	RequestedAt   string     `json:"requested_at,omitempty"`
	Approvers     []string   `json:"approvers"` // those who decided; all of them while nobody has
	Decisions     []decision `json:"decisions"`
	Decision      string     `json:"decision"` // approved, declined, pending
	DecidedAt     string     `json:"decided_at,omitempty"`
	FinalDecision string     `json:"final_decision,omitempty"` // as Jira says it
}

// decision is what one approver said. Jira does not say when each did.
type decision struct {
	Approver    string `json:"approver"`
	Decision    string `json:"decision"`     // approved, declined, pending
	IsRequester bool   `json:"is_requester"` // the same account made the request, or was said to have
}

// approvals lists the approvals of a request.
func (c *client) approvals(ctx context.Context, key string) ([]*approval, error) {
	op := "servicedeskapi/request/" + url.PathEscape(key) + "/approval"
	var all []*approval
	for range maxPages {
		var p struct {
			Start  *int        `json:"start"`
			Last   *bool       `json:"isLastPage"`
			Values []*approval `json:"values"`
		}
		if err := c.get(ctx, op, url.Values{"start": {strconv.Itoa(len(all))}, "limit": {"50"}}, &p); err != nil {
			return nil, err
		}
		if p.Start == nil || p.Last == nil || p.Values == nil {
			return nil, &formatError{op: op, err: errors.New("it is no page of approvals")}
		}
		if *p.Start != len(all) {
			return nil, &formatError{op: op, err: errLoop}
		}
		all = append(all, p.Values...)
		if *p.Last {
			return all, nil
		}
		if len(p.Values) == 0 {
			break
		}
	}
	return nil, &formatError{op: op, err: errLoop}
}

// decisionOf puts one word for each of Jira's.
func decisionOf(s string) (string, bool) {
	switch strings.ToLower(s) {
	case "approved", "approve":
		return "approved", true
	case "declined", "decline":
		return "declined", true
	case "pending", "":
		return "pending", true
	}
	return "", false
}

// record turns an approval into a record.
func (a *approval) record(is *issue, webURL string) (connector.Record, error) {
	if a == nil {
		return connector.Record{}, errors.New("an approval is null")
	}
	id := a.ID.String()
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return connector.Record{}, errors.New("approval: its id is no number")
	}
	requester := accountOf(is.fields["reporter"])
	p := approvalPayload{IssueID: is.id, IssueKey: is.key, ApprovalID: id, Name: records.Line(a.Name, 200), Requester: requester.String(),
		Approvers: []string{}, Decisions: []decision{}, FinalDecision: records.Line(a.FinalDecision, 80)}
	var ok bool
	if p.Decision, ok = decisionOf(a.FinalDecision); !ok {
		return connector.Record{}, fmt.Errorf("approval %s: the decision %q is not known", id, records.Line(a.FinalDecision, 40))
	}
	for _, x := range a.Approvers {
		d := decision{Approver: x.Approver.String(), IsRequester: x.Approver.same(requester) || is.wasReportedBy(x.Approver)}
		if d.Decision, ok = decisionOf(x.Decision); !ok {
			return connector.Record{}, fmt.Errorf("approval %s: an approver's decision %q is not known", id, records.Line(x.Decision, 40))
		}
		p.Decisions = append(p.Decisions, d)
		if p.Decision == "pending" || d.Decision == p.Decision {
			p.Approvers = append(p.Approvers, d.Approver)
		}
	}
	at, err := a.times(&p)
	if err != nil {
		return connector.Record{}, fmt.Errorf("approval %s: %w", id, err)
	}
	b, err := json.Marshal(p)
	return connector.Record{
		Kind: KindApproval, Major: 1, Subject: connector.Subject{Type: "record", ID: is.key},
		Key: id, EventTime: at, URL: webURL, Payload: b,
	}, err
}

// wasReportedBy reports whether the issue's reporter was, before a change, this
// account: whoever approves a request of his own can give it another reporter.
func (is *issue) wasReportedBy(a *account) bool {
	if a == nil {
		return false
	}
	for _, c := range is.history {
		for _, item := range c.Items {
			if from := deref(item.From); item.is("reporter") && from != "" && slices.Contains([]string{a.AccountID, a.Key, a.Name}, from) {
				return true
			}
		}
	}
	return false
}

// times fills in when it was asked and decided, and returns the latter.
func (a *approval) times(p *approvalPayload) (time.Time, error) {
	if a.Created != nil {
		at, err := a.Created.time()
		if err != nil {
			return time.Time{}, errors.New("the time of the request is none")
		}
		p.RequestedAt = at.Format(time.RFC3339Nano)
	}
	if p.Decision == "pending" {
		return time.Time{}, nil
	}
	if a.Completed == nil {
		return time.Time{}, errors.New("decided, but it does not say when")
	}
	at, err := a.Completed.time()
	if err != nil {
		return time.Time{}, errors.New("the time of the decision is none")
	}
	p.DecidedAt = at.Format(time.RFC3339Nano)
	return at, nil
}

// issueApprovals emits the approvals of an issue. Jira answers 404 both for an
// issue that is no request and for a request that the account may not see; the
// field with the request's type tells them apart, where there is one.
func (r *projectRun) issueApprovals(ctx context.Context, is *issue) error {
	isRequest := r.requestField != "" && is.fields[r.requestField] != nil
	if r.deskDenied || r.requestField != "" && !isRequest {
		return nil
	}
	r.asked++
	list, err := r.api.approvals(ctx, is.key)
	if s := statusOf(err); s == http.StatusNotFound && !isRequest {
		return nil
	} else if r.answered++; s == http.StatusUnauthorized || s == http.StatusForbidden { // for one as for all
		r.deskDenied, r.blind = true, true
		return r.gap([]string{KindApproval}, "project "+r.project.Key+", approvals", unfatal(err))
	}
	if err != nil && stops(err) {
		return err
	}
	if err != nil {
		return r.issueGap([]string{KindApproval}, is, err)
	}
	for _, a := range list {
		rec, err := a.record(is, is.url(r.cfg))
		if err := r.recordOrGap(rec, err, KindApproval, is); err != nil {
			return err
		}
		if err == nil && rec.EventTime.IsZero() {
			r.again(is) // a decision may not count as an update of the issue
		}
	}
	return nil
}
