package azure

import (
	"context"
	"net/http"
	"strings"
	"testing"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	cs "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cognitiveservices/armcognitiveservices"
	csfake "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cognitiveservices/armcognitiveservices/fake"
	ml "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
	mlfake "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4/fake"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// route sends requests to Azure's fakes by their path.
type route struct {
	cognitive, learning interface {
		Do(*http.Request) (*http.Response, error)
	}
}

func (r route) Do(req *http.Request) (*http.Response, error) {
	if strings.Contains(req.URL.Path, "CognitiveServices") {
		return r.cognitive.Do(req)
	}
	return r.learning.Do(req)
}

func to[T any](v T) *T { return &v }

// Azure's own fakes stand in for the resource manager: pages, and a limit in
// the middle of a listing.
func TestAgainstAzuresFakes(t *testing.T) {
	var cognitive csfake.ServerFactory
	cognitive.AccountsServer.NewListPager = func(*cs.AccountsClientListOptions) (p azfake.PagerResponder[cs.AccountsClientListResponse]) {
		p.AddPage(http.StatusOK, cs.AccountsClientListResponse{AccountListResult: cs.AccountListResult{Value: []*cs.Account{
			{ID: to(cog), Name: to("acme-ai"), Kind: to("OpenAI"), Location: to("swedencentral")},
		}}}, nil)
		return p
	}
	deployment := func(name string) *cs.Deployment {
		return &cs.Deployment{ID: to(cog + "/deployments/" + name), Name: to(name), Properties: &cs.DeploymentProperties{
			Model: &cs.DeploymentModel{Name: to("gpt-4o"), Version: to("2024-08-06")}, VersionUpgradeOption: to(cs.DeploymentModelVersionUpgradeOptionNoAutoUpgrade),
		}}
	}
	cognitive.DeploymentsServer.NewListPager = func(string, string, *cs.DeploymentsClientListOptions) (p azfake.PagerResponder[cs.DeploymentsClientListResponse]) {
		p.AddPage(http.StatusOK, cs.DeploymentsClientListResponse{DeploymentListResult: cs.DeploymentListResult{Value: []*cs.Deployment{deployment("a")}}}, nil)
		p.AddPage(http.StatusOK, cs.DeploymentsClientListResponse{DeploymentListResult: cs.DeploymentListResult{Value: []*cs.Deployment{deployment("b")}}}, nil)
		p.AddResponseError(http.StatusTooManyRequests, "429")
		return p
	}
	cognitive.RaiPoliciesServer.NewListPager = func(string, string, *cs.RaiPoliciesClientListOptions) (p azfake.PagerResponder[cs.RaiPoliciesClientListResponse]) {
		p.AddPage(http.StatusOK, cs.RaiPoliciesClientListResponse{}, nil)
		return p
	}
	cognitive.ModelsServer.NewListPager = func(string, *cs.ModelsClientListOptions) (p azfake.PagerResponder[cs.ModelsClientListResponse]) {
		p.AddPage(http.StatusOK, cs.ModelsClientListResponse{ModelListResult: cs.ModelListResult{Value: []*cs.Model{{Model: &cs.AccountModel{
			Name: to("gpt-4o"), Version: to("2024-08-06"), LifecycleStatus: to(cs.ModelLifecycleStatus("Deprecated")), Deprecation: &cs.ModelDeprecationInfo{Inference: to("2026-01-31T00:00:00Z")},
		}}}}}, nil)
		return p
	}
	rec, cov := collectFrom(t, route{csfake.NewServerFactoryTransport(&cognitive), mlfake.NewServerFactoryTransport(learning())})
	if n := len(rec.Records(records.KindDeploymentPolicy)); n != 2 {
		t.Errorf("%d deployments, want those of the two pages before the limit", n)
	}
	if c := cov[records.KindDeploymentPolicy]; c.Status == connector.Complete {
		t.Error("called complete although the third page was refused")
	}
	limited := false
	for _, g := range rec.Gaps() {
		limited = limited || g.Reason == connector.RateLimited
	}
	if !limited {
		t.Errorf("gaps %+v", rec.Gaps())
	}
	connectortest.Peer(t, "Azure's fakes of armcognitiveservices 1.7.0 and armmachinelearning 4.0.0", rec.Kinds())
}

func learning() *mlfake.ServerFactory {
	var s mlfake.ServerFactory
	s.WorkspacesServer.NewListBySubscriptionPager = func(*ml.WorkspacesClientListBySubscriptionOptions) (p azfake.PagerResponder[ml.WorkspacesClientListBySubscriptionResponse]) {
		p.AddPage(http.StatusOK, ml.WorkspacesClientListBySubscriptionResponse{WorkspaceListResult: ml.WorkspaceListResult{Value: []*ml.Workspace{{ID: to(mlw), Name: to("ws"), Location: to("swedencentral")}}}}, nil)
		return p
	}
	s.ModelContainersServer.NewListPager = func(string, string, *ml.ModelContainersClientListOptions) (p azfake.PagerResponder[ml.ModelContainersClientListResponse]) {
		p.AddPage(http.StatusOK, ml.ModelContainersClientListResponse{ModelContainerResourceArmPaginatedResult: ml.ModelContainerResourceArmPaginatedResult{Value: []*ml.ModelContainer{{Name: to("triage"), ID: to(mlw + "/models/triage"), Properties: &ml.ModelContainerProperties{}}}}}, nil)
		return p
	}
	s.ModelVersionsServer.NewListPager = func(string, string, string, *ml.ModelVersionsClientListOptions) (p azfake.PagerResponder[ml.ModelVersionsClientListResponse]) {
		p.AddPage(http.StatusOK, ml.ModelVersionsClientListResponse{ModelVersionResourceArmPaginatedResult: ml.ModelVersionResourceArmPaginatedResult{Value: []*ml.ModelVersion{{Name: to("2"), ID: to(mlw + "/models/triage/versions/2"), Properties: &ml.ModelVersionProperties{Stage: to("Production")}}}}}, nil)
		return p
	}
	s.OnlineEndpointsServer.NewListPager = func(string, string, *ml.OnlineEndpointsClientListOptions) (p azfake.PagerResponder[ml.OnlineEndpointsClientListResponse]) {
		p.AddResponseError(http.StatusForbidden, "AuthorizationFailed")
		return p
	}
	s.SchedulesServer.NewListPager = func(string, string, *ml.SchedulesClientListOptions) (p azfake.PagerResponder[ml.SchedulesClientListResponse]) {
		p.AddResponseError(http.StatusInternalServerError, "InternalError")
		return p
	}
	s.RegistriesServer.NewListBySubscriptionPager = func(*ml.RegistriesClientListBySubscriptionOptions) (p azfake.PagerResponder[ml.RegistriesClientListBySubscriptionResponse]) {
		p.AddResponseError(http.StatusNotImplemented, "NotImplemented")
		return p
	}
	return &s
}

func collectFrom(t *testing.T, sender interface {
	Do(*http.Request) (*http.Response, error)
}) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	f := newFake(t) // for the token, and what Azure's fakes do not have
	c := &Connector{transport: sender}
	cfg := f.config()
	rec := connectortest.NewRecorder()
	cov, err := c.Collect(context.WithoutCancel(t.Context()), connector.Request{Config: cfg}, rec)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}
