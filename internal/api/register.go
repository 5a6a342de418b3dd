package api

import (
	"context"
	"net/http"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

func (a *API) registerOperations() {
	get := func(path, id, summary string) operation {
		return operation{method: http.MethodGet, path: path, id: id, tag: "register", needs: access.Read, summary: summary}
	}
	register(a, get("/v1/register", "register", "The register that is in force"), a.theRegister)
	register(a, get("/v1/register/profile", "register-profile", "The profile of the management system, as the register declares it"), a.profile)
	check := get("/v1/register/check", "register-check", "What the register names and no complete collection has seen")
	check.costly = true
	register(a, check, a.checkRegister)
	register(a, operation{method: http.MethodPost, path: "/v1/register/systems/{id}/attest", id: "attest-system", tag: "register", needs: access.Request,
		summary: "Confirm that a system's entry in the register is right", about: asPerson + " Its owner or deputy does it."}, a.attestSystem)
}

// RegisterBody is who and what the register knows. Systems are as exhibit
// register show -o json prints them.
type RegisterBody struct {
	Organisation string                   `json:"organisation"`
	People       []RegisterPerson         `json:"people" nullable:"false"`
	Systems      []service.DeclaredSystem `json:"systems" nullable:"false"`
	Vendors      []RegisterVendor         `json:"vendors" nullable:"false"`
}

// RegisterPerson is a person of the register.
type RegisterPerson struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Active bool   `json:"active"`
}

// RegisterVendor is a vendor of the register.
type RegisterVendor struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (a *API) theRegister(_ context.Context, _ *struct{}) (*Answer[RegisterBody], error) {
	reg, err := a.Service.Register()
	if err != nil {
		return nil, err
	}
	out := RegisterBody{Organisation: reg.Organization.Name, People: []RegisterPerson{}, Systems: service.DeclaredSystems(reg), Vendors: []RegisterVendor{}}
	for _, p := range reg.People {
		out.People = append(out.People, RegisterPerson{p.ID, p.Name, p.IsActive()})
	}
	for _, v := range reg.Vendors {
		out.Vendors = append(out.Vendors, RegisterVendor{v.ID, v.Name})
	}
	return answered(out, nil)
}

func (a *API) profile(_ context.Context, _ *struct{}) (*Answer[*service.Profile], error) {
	reg, err := a.Service.Register()
	if err != nil {
		return nil, err
	}
	return answered(service.ProfileOf(reg, a.Clock()))
}

func (a *API) checkRegister(ctx context.Context, _ *struct{}) (*Answer[List[*yamlfile.Problem]], error) {
	reg, err := a.Service.Register()
	if err != nil {
		return nil, err
	}
	problems, err := a.Service.CheckBindings(ctx, reg)
	return answered(List[*yamlfile.Problem]{Items: orEmpty([]*yamlfile.Problem(problems))}, err)
}

func (a *API) attestSystem(ctx context.Context, in *struct {
	ID   string `path:"id" minLength:"1" maxLength:"8192"`
	Body struct {
		Note string `json:"note,omitempty" maxLength:"4000"`
	}
}) (out *Answer[people.Attestation], err error) {
	err = a.atDesk(ctx, func(d *service.Desk) error {
		out, err = answered(d.Attest(ctx, in.ID, in.Body.Note))
		return err
	})
	return out, err
}
