package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/smithy-go"
)

// Actions that open accounts.
const (
	assumeRole   = "sts:AssumeRole"
	listAccounts = "organizations:ListAccounts"
)

// accountRun reads one account.
type accountRun struct {
	*collection
	session *session
	id      identity
}

// door is an account and how it is opened. A role that is empty is the
// identity's own account, read as it is.
type door struct{ account, role, externalID string }

// closedAccount is an account that AWS itself serves to nobody.
type closedAccount struct{ account, state string }

func (e *closedAccount) Error() string {
	return "the account is " + e.state + ", so AWS serves nothing of it"
}

// errOtherAccount: a role or identity is not in the account that it is
// configured for.
var errOtherAccount = errors.New("the identity is in another account")

// doors returns the accounts to read. An account that is closed is a gap.
func (c *collection) doors(ctx context.Context, s *session, own identity) ([]door, error) {
	if c.cfg.Organization != nil {
		return c.organization(ctx, s, own)
	}
	var doors []door
	for _, a := range c.cfg.Accounts {
		doors = append(doors, door{account: a.ID, role: a.RoleARN, externalID: cmp.Or(a.ExternalID, c.cfg.externalID)})
	}
	if len(doors) == 0 {
		doors = []door{{account: own.account}}
	}
	return doors, nil
}

// organization lists the accounts of the organisation.
func (c *collection) organization(ctx context.Context, s *session, own identity) ([]door, error) {
	members, err := s.members(ctx)
	if err != nil {
		return nil, err
	}
	org := c.cfg.Organization
	var doors []door
	for _, m := range members {
		d := door{account: m.id, externalID: cmp.Or(org.ExternalID, c.cfg.externalID)}
		switch {
		case slices.Contains(org.Exclude, m.id):
			c.seen.left = append(c.seen.left, m.id)
			continue
		case m.state != string(types.AccountStateActive):
			if err := c.gap(ctx, c.allKinds(), "account "+m.id, &closedAccount{m.id, m.state}); err != nil {
				return nil, err
			}
			continue
		case m.id != own.account:
			d.role = "arn:" + own.partition() + ":iam::" + m.id + ":role/" + org.RoleName
		}
		doors = append(doors, d)
	}
	return doors, nil
}

// member is an account of the organisation.
type member struct{ id, state string }

func (s *session) members(ctx context.Context) ([]member, error) {
	api, err := s.organizations(ctx)
	if err != nil {
		return nil, err
	}
	var members []member
	err = listing(ctx, listAccounts, func() {}, func(token *string) ([]types.Account, *string, error) {
		out, err := api.ListAccounts(ctx, &organizations.ListAccountsInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Accounts, out.NextToken, nil
	}, func(a types.Account) error {
		m := member{id: text(a.Id, 20), state: printable(string(a.State), 40)}
		if m.state == "" {
			m.state = printable(string(a.Status), 40) // what AWS called it before
		}
		if m.id == "" || m.state == "" {
			return &callError{listAccounts, errNoAnswer}
		}
		members = append(members, m)
		return nil
	})
	return members, err
}

// open enters an account. An error says why it cannot be entered.
func (s *session) open(ctx context.Context, d door, own identity) (*session, identity, error) {
	id, in := own, s
	if d.role != "" {
		var err error
		if in, err = s.assume(ctx, d.role, d.externalID); err != nil {
			return nil, identity{}, err
		}
		if id, err = in.identity(ctx); err != nil {
			return nil, identity{}, roleError(err)
		}
	}
	if id.account != d.account {
		return nil, identity{}, fmt.Errorf("%w: %s, not %s", errOtherAccount, id.account, d.account)
	}
	return in, id, nil
}

// roleError names the call that failed: keys of a role are fetched with the
// first request that needs them.
func roleError(err error) error {
	var call *callError
	if errors.As(err, &call) && isAssume(call.err) {
		return &callError{assumeRole, call.err}
	}
	return err
}

// isAssume reports whether the call that failed inside is AssumeRole.
func isAssume(err error) bool {
	var op *smithy.OperationError
	for ; errors.As(err, &op); err = op.Err {
		if op.Operation() == "AssumeRole" {
			return true
		}
	}
	return false
}

// account reads one account, region by region.
func (c *collection) account(ctx context.Context, s *session, d door, own identity) error {
	in, id, err := s.open(ctx, d, own)
	if err != nil {
		return c.gap(ctx, c.allKinds(), "account "+d.account, err)
	}
	a := &accountRun{collection: c, session: in, id: id}
	regions, err := a.regions(ctx)
	if err != nil {
		return err
	}
	for _, region := range regions {
		if err := a.readRegion(ctx, region); err != nil {
			return err
		}
	}
	return nil
}

// failed turns an error into a gap of the account.
func (a *accountRun) failed(ctx context.Context, kinds []string, what string, err error) error {
	return a.gap(ctx, kinds, "account "+a.id.account+", "+what, err)
}
