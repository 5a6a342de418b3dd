package dashboard

import (
	"context"
	"errors"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) applicabilityRoutes() []route {
	return []route{
		{pattern: "GET /applicability", needs: access.Read, page: applicability},
		{pattern: "POST /applicability/approve", needs: access.Approve, page: applicability, act: approveStatement},
	}
}

// statementData is a version of the statement of applicability.
type statementData struct {
	There         bool
	Statement     people.Statement
	Versions      []people.Statement // the newest first
	InForce       string             // version
	Contradiction string
	Changes       []change // against the version in force
	Titles        map[string]string
	Waits         bool // for a second person
	Mine          bool
}

// change is a control on which a version says otherwise than the one in force.
type change struct{ ID, From, To string }

func applicability(c *call) (*page, error) {
	all, err := c.d.Service.Statements(c.ctx())
	if err != nil {
		return nil, err
	}
	now := c.d.Clock()
	d := statementData{Contradiction: c.view.Contradiction(), Titles: map[string]string{}, Versions: slices.Clone(all)}
	slices.Reverse(d.Versions)
	for _, ctl := range c.d.Service.Catalog.Controls {
		d.Titles[ctl.ID] = ctl.Title
	}
	inForce, ok := people.InForce(all, now)
	if ok {
		d.InForce = inForce.Version
	}
	version := c.Query("version")
	if f := c.Field("version"); f != "" {
		version = f
	}
	d.Statement, err = c.d.Service.FindStatement(c.ctx(), version, now)
	var none service.NotFound
	switch {
	case errors.As(err, &none) && version == "":
		if len(all) > 0 { // proposed, and nothing approved
			d.Statement, err = d.Versions[0], nil
		} else {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	d.There = len(d.Statement.Controls) > 0
	d.Waits = d.There && d.Statement.ApprovedBy == "" && d.Statement.Source == people.Source
	d.Mine = people.Same(d.Statement.ProposedBy, c.Who.Person)
	if d.There && d.Statement.Version != d.InForce {
		for _, x := range people.Diff(inForce, d.Statement) {
			d.Changes = append(d.Changes, change{x.ID, decisionWords(x.From), decisionWords(x.To)})
		}
	}
	return &page{title: "Statement of applicability", template: "applicability", nav: "/applicability", data: d}, nil
}

func decisionWords(d *people.Decision) string {
	switch {
	case d == nil:
		return "–"
	case d.Applicable == nil:
		return "undecided: " + d.Justification
	case *d.Applicable:
		return "applies: " + d.Justification
	}
	return "excluded: " + d.Justification
}

// Needs and Sinces report whether any decision names its need, or since when it is
// carried out: a column that holds nothing is left out.
func (d statementData) Needs() bool {
	return slices.ContainsFunc(d.Statement.Controls, func(x people.Decision) bool { return x.SourceOfNeed != "" })
}

func (d statementData) Sinces() bool {
	return slices.ContainsFunc(d.Statement.Controls, func(x people.Decision) bool { return x.ImplementedSince != "" })
}

// Applies is what was decided on a control, for people.
func (statementData) Applies(d people.Decision) string {
	switch {
	case d.Applicable == nil:
		return "undecided"
	case *d.Applicable:
		return "applies"
	}
	return "excluded"
}

// approveStatement puts a version in force that somebody else proposed. The form
// names the digest of the text that the page showed.
func approveStatement(c *call) (done, error) {
	version := c.Field("version")
	err := c.atDesk(func(ctx context.Context, desk *service.Desk) error {
		_, err := desk.ApproveStatement(ctx, version, c.Field("digest"))
		return err
	})
	return done{withQuery("/applicability", "version", version), "approved"}, err
}
