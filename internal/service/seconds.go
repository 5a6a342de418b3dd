package service

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/people"
)

// whoElse adds to a refusal who of the register could decide, from an account of
// their own, or that nobody can and what would be in order; anew says what is done
// anew, and may is the rule that refused.
func (d *Desk) whoElse(err error, anew string, may func(people.Person) error) error {
	var refused *people.Refusal
	if !errors.As(err, &refused) || refused.Unfit {
		return err
	}
	reg, failed := d.s.Register()
	if failed != nil {
		return errors.Join(err, failed)
	}
	var could []string
	for _, p := range reg.People {
		if may(PersonOf(reg, p, "", d.Now)) == nil {
			could = append(could, p.ID)
		}
	}
	out := *refused
	switch {
	case slices.Contains(could, d.Who.ID): // something else is missing: another account, a reason
		return err
	case len(could) == 0:
		out.Remedy += "; nobody of the register can as it is"
		if !strings.Contains(refused.Remedy, "anew") {
			out.Remedy += ": add such a person to it, or " + anew
		}
	case len(could) > 4:
		out.Remedy += fmt.Sprintf("; %s and %d more could", strings.Join(could[:4], ", "), len(could)-4)
	default:
		out.Remedy += "; of the register that could be: " + strings.Join(could, ", ")
	}
	return &out
}

// onWaiver adds who could be the second person to a refusal to decide on a waiver
// that waits for one.
func (d *Desk) onWaiver(err error, w people.Waiver) error {
	if w.Source != people.Source || w.State(d.Now) != people.WaiverRequested {
		return err
	}
	return d.whoElse(err, "ask for it anew", func(p people.Person) error {
		_, _, err := d.Policy.Reject(p, w, "a reason", d.Now)
		return err
	})
}

// onCase does so for a decision on a use of AI.
func (d *Desk) onCase(err error, made people.CaseDecision) error {
	if made.Source != people.Source || !made.NeedsSecond() || made.ApprovedBy != "" {
		return err
	}
	return d.whoElse(err, "decide anew", func(p people.Person) error {
		_, _, err := d.Policy.ApproveCase(p, made, d.Now)
		return err
	})
}

// onStatement does so for a version of the statement of applicability.
func (d *Desk) onStatement(err error, st people.Statement) error {
	if st.Source != people.Source || st.ApprovedBy != "" {
		return err
	}
	return d.whoElse(err, "propose it anew, under another version", func(p people.Person) error {
		_, err := d.Policy.Confirm(p, st, "", d.Now)
		return err
	})
}

// Seconds says what the rule of the second person would say to somebody, before
// they try: nothing is put on record.
type Seconds struct{ desk *Desk }

// Seconds is what the rule says to a person now.
func (s *Service) Seconds(who people.Person) (Seconds, error) {
	policy, err := s.policy()
	return Seconds{&Desk{s: s, Who: who, Policy: policy, Now: s.clock().UTC()}}, err
}

// OfWaiver is why the person may not decide on a waiver that was asked for; nil if
// they may.
func (x Seconds) OfWaiver(w people.Waiver) error {
	d := x.desk
	_, _, err := d.Policy.Reject(d.Who, w, "a reason", d.Now)
	return d.onWaiver(err, w)
}

// OfCase is why the person may not approve a decision on a use of AI.
func (x Seconds) OfCase(made people.CaseDecision) error {
	d := x.desk
	_, _, err := d.Policy.ApproveCase(d.Who, made, d.Now)
	return d.onCase(err, made)
}

// OfHandedIn is why the person may not review something that was handed in, as far
// as its newest revision says: who had a part in an earlier one, or in a record that
// says the same, is looked for where it is decided on.
func (x Seconds) OfHandedIn(h HandedIn) error {
	u := people.Upload{ID: h.ID, Uploader: h.By}
	if h.Upload != nil {
		u = *h.Upload
		u.Hands = nil
	}
	if h.ImportedBy != "" {
		id, account := people.SplitIdentity(h.ImportedBy)
		u.Hands = []people.Hand{{Person: id, Account: account, Part: people.Imported}}
	}
	_, err := x.desk.Policy.Review(x.desk.Who, u, people.Accepted, "", x.desk.Now)
	return err
}
