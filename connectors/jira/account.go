package jira

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// account is who the source says somebody is.
type account struct {
	AccountID   string `json:"accountId"`
	AccountType string `json:"accountType"` // Cloud: atlassian, app, customer
	Key         string `json:"key"`         // Data Center
	Name        string `json:"name"`        // Data Center
	DisplayName string `json:"displayName"`
	Email       string `json:"emailAddress"`
	TimeZone    string `json:"timeZone"`
}

// String is the identity that records carry: the mail address if it may be
// seen, else the account's id or name.
func (a *account) String() string {
	if a == nil {
		return ""
	}
	for _, s := range []string{a.Email, a.AccountID, a.Name, a.Key, a.DisplayName} {
		if s != "" {
			return records.Line(s, 200)
		}
	}
	return ""
}

// actor says what acted: a person, an app (automation too), a customer, nobody
// that Jira knows. Empty where Jira does not say, as Data Center.
func (a *account) actor() string {
	switch {
	case a == nil || a.String() == "":
		return "anonymous"
	case a.AccountType == "atlassian":
		return "person"
	case a.AccountType == "app", a.AccountType == "customer":
		return a.AccountType
	case a.AccountType == "" && a.AccountID == "":
		return ""
	}
	return "unknown" // Cloud: an account that was deleted, or of a new type
}

// same reports whether two are the same account. The name that a record
// carries does not tell: one part of Jira shows a mail address where another
// shows an id.
func (a *account) same(b *account) bool {
	if a == nil || b == nil {
		return false
	}
	for _, pair := range [][2]string{{a.AccountID, b.AccountID}, {a.Key, b.Key}, {a.Name, b.Name}} {
		if pair[0] != "" && pair[1] != "" {
			return pair[0] == pair[1]
		}
	}
	return false
}

// accountOf reads the user in a field; nil if there is none.
func accountOf(v any) *account {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	text := func(name string) string { s, _ := m[name].(string); return s }
	return &account{AccountID: text("accountId"), AccountType: text("accountType"), Key: text("key"), Name: text("name"),
		DisplayName: text("displayName"), Email: text("emailAddress")}
}

// location is the time zone in which the account's searches are read; false
// if it is not known here.
func (a *account) location() (*time.Location, bool) {
	if a.TimeZone == "" {
		return time.UTC, false
	}
	loc, err := time.LoadLocation(a.TimeZone)
	if err != nil {
		return time.UTC, false
	}
	return loc, true
}

func (c *client) myself(ctx context.Context) (*account, error) {
	var a account
	if err := c.get(ctx, "api/"+c.version+"/myself", nil, &a); err != nil {
		return nil, err
	}
	if a.String() == "" {
		return nil, errLoginFailed
	}
	return &a, nil
}
