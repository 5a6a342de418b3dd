package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
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
	Completed *struct {
		Millis json.Number `json:"epochMillis"`
		ISO    string      `json:"iso8601"`
	} `json:"completedDate"`
}

// approvalPayload is the payload of jira.approval.
type approvalPayload struct {
	IssueID       string   `json:"issue_id"`
	IssueKey      string   `json:"issue_key"`
	ApprovalID    string   `json:"approval_id"`
	Approvers     []string `json:"approvers"` // those who decided; all of them while nobody has
	Decision      string   `json:"decision"`  // approved, declined, pending
	DecidedAt     string   `json:"decided_at,omitempty"`
	FinalDecision string   `json:"final_decision,omitempty"` // as Jira says it
}

// approvals lists the approvals of a request; none if the issue is no request.
func (c *client) approvals(ctx context.Context, key string) ([]*approval, error) {
	op := "servicedeskapi/request/" + url.PathEscape(key) + "/approval"
	var all []*approval
	for range maxPages {
		var p struct {
			Start  int         `json:"start"`
			Last   bool        `json:"isLastPage"`
			Values []*approval `json:"values"`
		}
		err := c.get(ctx, op, url.Values{"start": {strconv.Itoa(len(all))}, "limit": {"50"}}, &p)
		var api *apiError
		if errors.As(err, &api) && api.status == http.StatusNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if p.Start != len(all) {
			return nil, &formatError{op: op, err: errLoop}
		}
		all = append(all, p.Values...)
		if p.Last {
			return all, nil
		}
		if len(p.Values) == 0 {
			break
		}
	}
	return nil, &formatError{op: op, err: errLoop}
}

// record turns an approval into a record.
func (a *approval) record(is *issue, webURL string) (connector.Record, error) {
	id := a.ID.String()
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return connector.Record{}, errors.New("approval: its id is no number")
	}
	p := approvalPayload{IssueID: is.id, IssueKey: is.key, ApprovalID: id, Approvers: []string{}, FinalDecision: printable(a.FinalDecision, 80)}
	switch strings.ToLower(a.FinalDecision) {
	case "approved", "approve":
		p.Decision = "approved"
	case "declined", "decline":
		p.Decision = "declined"
	case "pending", "":
		p.Decision = "pending"
	default:
		return connector.Record{}, fmt.Errorf("approval %s: the decision %q is not known", id, printable(a.FinalDecision, 40))
	}
	for _, x := range a.Approvers {
		if p.Decision == "pending" || strings.EqualFold(x.Decision, a.FinalDecision) {
			p.Approvers = append(p.Approvers, x.Approver.String())
		}
	}
	var at time.Time
	if a.Completed != nil {
		n, err := strconv.ParseInt(a.Completed.Millis.String(), 10, 64)
		if err != nil || n <= 0 || n > 1e14 {
			return connector.Record{}, fmt.Errorf("approval %s: the time of the decision is none", id)
		}
		at = time.UnixMilli(n).UTC()
		p.DecidedAt = at.Format(time.RFC3339Nano)
	} else if p.Decision != "pending" {
		return connector.Record{}, fmt.Errorf("approval %s: decided, but it does not say when", id)
	}
	b, err := json.Marshal(p)
	return connector.Record{
		Kind: KindApproval, Major: 1, Subject: connector.Subject{Type: "record", ID: is.key},
		Key: id, EventTime: at, URL: webURL, Payload: b,
	}, err
}
