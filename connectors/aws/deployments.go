package aws

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// endpointConfig is what an endpoint configuration says of its variants.
type endpointConfig struct {
	variants []types.ProductionVariant
	shadows  []types.ProductionVariant
	err      error // why it could not be read; reported already
}

// packagedModel is a container of a model: the package it came from, or that
// it came from files.
type packagedModel struct{ arn, model, version string }

// deployments reads all endpoints.
func (r *regionRun) deployments(ctx context.Context) error {
	return r.eachEndpoint(ctx, records.KindDeployment, func(e types.EndpointSummary) error { return r.endpoint(ctx, e) })
}

// eachEndpoint lists the endpoints of the region.
func (r *regionRun) eachEndpoint(ctx context.Context, kind string, each func(types.EndpointSummary) error) error {
	return listing(ctx, listEndpoints, func() { r.saw(kind) }, func(token *string) ([]types.EndpointSummary, *string, error) {
		out, err := r.api.ListEndpoints(ctx, &sagemaker.ListEndpointsInput{
			MaxResults: aws.Int32(pageSize), NextToken: token, SortBy: types.EndpointSortKeyCreationTime, SortOrder: types.OrderKeyAscending,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.Endpoints, out.NextToken, nil
	}, each)
}

// endpoint follows one endpoint down to the packages that it serves, unless the
// list shows that it is as it was. Endpoints that host components are followed
// each time: a component may be replaced without a change of its endpoint.
func (r *regionRun) endpoint(ctx context.Context, e types.EndpointSummary) error {
	const op = "sagemaker:DescribeEndpoint"
	name, what := aws.ToString(e.EndpointName), "endpoint "+aws.ToString(e.EndpointName)
	t, err := r.tagState(ctx, aws.ToString(e.EndpointArn))
	if err != nil {
		return err
	}
	key := r.registryName() + "|" + printable(name, 200)
	it := r.thingOf(records.KindDeployment, key, e, t.state, r.cfg.EnvironmentTag)
	if r.same(it) {
		return r.attest(it)
	}
	if r.skip[op] {
		return r.forget(it)
	}
	out, err := r.api.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &name})
	if err == nil && aws.ToString(out.EndpointArn) == "" {
		err = errNoAnswer
	}
	if err != nil {
		if err := r.forget(it); err != nil {
			return err
		}
		return r.failed(ctx, []string{records.KindDeployment}, what, &callError{op, err})
	}
	tags, err := r.of(ctx, aws.ToString(out.EndpointArn), t)
	if err != nil {
		return err
	}
	d := records.Deployment{
		Platform: "sagemaker", EndpointID: printable(name, 200), Environment: tagNamed(tags, r.cfg.EnvironmentTag), Region: r.region,
		Variants: []records.Variant{}, CreatedAt: stamp(out.CreationTime), UpdatedAt: stamp(out.LastModifiedTime),
		Status: string(out.EndpointStatus), ConfigRef: text(out.EndpointConfigName, 200),
		ARNOrURI: text(out.EndpointArn, 300), DataCapture: "disabled", Tags: tags,
	}
	if c := out.DataCaptureConfig; c != nil && aws.ToBool(c.EnableCapture) && c.CaptureStatus != types.CaptureStatusStopped {
		d.DataCapture = "enabled"
	}
	var hosts bool
	if d.Variants, hosts, err = r.variants(ctx, out); err != nil {
		return err
	}
	if err := r.record(ctx, connector.Record{
		Kind: records.KindDeployment, Subject: connector.Subject{Type: "deployment", ID: r.endpointID(d.EndpointID)}, Group: it.group,
		Key: key, EventTime: utc(out.LastModifiedTime), URL: r.consoleURL("endpoints/" + d.EndpointID),
	}, d); err != nil {
		return err
	}
	resolved := !slices.ContainsFunc(d.Variants, func(v records.Variant) bool { return !v.Resolved })
	return r.keepIf(resolved && !hosts && !r.skip[listTags], it)
}

// endpointID is the id of an endpoint as a subject.
func (r *regionRun) endpointID(name string) string { return name + "@" + r.region }

// variants joins what the endpoint says of its traffic with what its
// configuration says of its models. hosts: a variant names no model and hosts
// components instead.
func (r *regionRun) variants(ctx context.Context, e *sagemaker.DescribeEndpointOutput) (out []records.Variant, hosts bool, err error) {
	cfg, err := r.config(ctx, aws.ToString(e.EndpointConfigName))
	if err != nil {
		return nil, false, err
	}
	now := map[string]types.ProductionVariantSummary{}
	for _, v := range e.ProductionVariants {
		now[aws.ToString(v.VariantName)] = v
	}
	for _, v := range e.ShadowProductionVariants {
		now["shadow:"+aws.ToString(v.VariantName)] = v
	}
	out = []records.Variant{}
	if cfg.err != nil { // all that is known: there are variants, and nobody can tell what is behind them
		for _, v := range e.ProductionVariants {
			out = append(out, weigh(records.Variant{Name: printable(aws.ToString(v.VariantName), 200)}, v))
		}
		return out, hosts, nil
	}
	for _, v := range cfg.variants {
		hosts = hosts || aws.ToString(v.ModelName) == ""
		vs, err := r.variant(ctx, aws.ToString(e.EndpointName), v, now[aws.ToString(v.VariantName)], false)
		if err != nil {
			return nil, false, err
		}
		out = append(out, vs...)
	}
	for _, v := range cfg.shadows {
		vs, err := r.variant(ctx, aws.ToString(e.EndpointName), v, now["shadow:"+aws.ToString(v.VariantName)], true)
		if err != nil {
			return nil, false, err
		}
		out = append(out, vs...)
	}
	return out, hosts, nil
}

// variant gives one entry for each packaged or bare artefact in the variant.
func (r *regionRun) variant(ctx context.Context, endpoint string, v types.ProductionVariant, now types.ProductionVariantSummary, shadow bool) ([]records.Variant, error) {
	base := records.Variant{
		Name: printable(aws.ToString(v.VariantName), 200), ModelRef: printable(aws.ToString(v.ModelName), 200), Shadow: shadow,
		Weight: float64(aws.ToFloat32(v.InitialVariantWeight)), InstanceCount: int64(aws.ToInt32(v.InitialInstanceCount)),
	}
	base = weigh(base, now)
	if base.ModelRef == "" {
		return r.components(ctx, endpoint, base)
	}
	return r.resolve(ctx, base)
}

// resolve follows a variant's model to its packages.
func (r *regionRun) resolve(ctx context.Context, base records.Variant) ([]records.Variant, error) {
	packages, ok, err := r.contents(ctx, base.ModelRef)
	if err != nil || !ok {
		return []records.Variant{base}, err
	}
	var out []records.Variant
	for i, p := range packages {
		v := base
		v.ModelPackageARN, v.Model, v.Version, v.Resolved = p.arn, p.model, p.version, true
		if len(packages) > 1 {
			v.Name += "#" + strconv.Itoa(i+1)
		}
		out = append(out, v)
	}
	return out, nil
}

// weigh puts in what the endpoint itself says.
func weigh(v records.Variant, now types.ProductionVariantSummary) records.Variant {
	if now.CurrentWeight != nil {
		v.Weight = float64(*now.CurrentWeight)
	} else if now.DesiredWeight != nil {
		v.Weight = float64(*now.DesiredWeight)
	}
	if now.CurrentInstanceCount != nil {
		v.InstanceCount = int64(*now.CurrentInstanceCount)
	}
	return v
}

// config reads an endpoint configuration, each once. That it could not be read
// is in its err; the error returned ends the run.
func (r *regionRun) config(ctx context.Context, name string) (*endpointConfig, error) {
	const op = "sagemaker:DescribeEndpointConfig"
	if c, ok := r.configs[name]; ok {
		return c, nil
	}
	c := &endpointConfig{}
	r.configs[name] = c
	out, err := (*sagemaker.DescribeEndpointConfigOutput)(nil), errSkipped
	if !r.skip[op] {
		out, err = r.api.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &name})
		if err == nil && out.ProductionVariants == nil {
			err = errNoAnswer
		}
		if err != nil {
			if err := r.failed(ctx, []string{records.KindDeployment}, "endpoint configuration "+name, &callError{op, err}); err != nil {
				return nil, err
			}
		}
	}
	if c.err = err; err == nil {
		c.variants, c.shadows = out.ProductionVariants, out.ShadowProductionVariants
	}
	return c, nil
}

// errSkipped: not asked, because an earlier question of the same kind was
// refused.
var errSkipped = errors.New("not asked")

// contents reads what is in a model, each once; false if that could not be read,
// which has been reported.
func (r *regionRun) contents(ctx context.Context, name string) ([]packagedModel, bool, error) {
	const op = "sagemaker:DescribeModel"
	if p, ok := r.models[name]; ok {
		return p, true, nil
	}
	if _, failed := r.broken[name]; failed || r.skip[op] {
		return nil, false, nil
	}
	out, err := r.api.DescribeModel(ctx, &sagemaker.DescribeModelInput{ModelName: &name})
	if err == nil && out.PrimaryContainer == nil && len(out.Containers) == 0 {
		err = errNoAnswer
	}
	if err != nil {
		r.broken[name] = err
		return nil, false, r.failed(ctx, []string{records.KindDeployment}, "model "+name, &callError{op, err})
	}
	containers := out.Containers
	if out.PrimaryContainer != nil {
		containers = append([]types.ContainerDefinition{*out.PrimaryContainer}, containers...)
	}
	r.models[name] = packagesOf(containers)
	return r.models[name], true, nil
}

// packagesOf gives the artefacts of containers. A container that holds code
// alone is left out, unless there is no other.
func packagesOf(containers []types.ContainerDefinition) []packagedModel {
	var out []packagedModel
	for _, c := range containers {
		if arn := printable(aws.ToString(c.ModelPackageName), 300); arn != "" {
			model, version := splitPackage(arn)
			out = append(out, packagedModel{arn, model, version})
		} else if aws.ToString(c.ModelDataUrl) != "" || c.ModelDataSource != nil {
			out = append(out, packagedModel{})
		}
	}
	if len(out) == 0 {
		out = []packagedModel{{}}
	}
	return out
}

// splitPackage takes group and version out of arn:…:model-package/group/3; of
// a package without a group, its name.
func splitPackage(arn string) (model, version string) {
	_, rest, ok := strings.Cut(arn, ":model-package/")
	if !ok {
		rest = arn
	}
	model, version, ok = strings.Cut(rest, "/")
	if !ok {
		version = unversioned
	}
	return model, version
}

// components reads the models of an endpoint whose variants name none: they
// are placed on it as inference components.
func (r *regionRun) components(ctx context.Context, endpoint string, base records.Variant) ([]records.Variant, error) {
	const list, describe = "sagemaker:ListInferenceComponents", "sagemaker:DescribeInferenceComponent"
	kinds := []string{records.KindDeployment}
	if r.skip[list] || r.skip[describe] {
		return []records.Variant{base}, nil
	}
	out := []records.Variant{}
	err := eachPage(ctx, list, func(token *string) (*string, error) {
		page, err := r.api.ListInferenceComponents(ctx, &sagemaker.ListInferenceComponentsInput{
			EndpointNameEquals: &endpoint, VariantNameEquals: &base.Name, MaxResults: aws.Int32(pageSize), NextToken: token,
		})
		if err != nil {
			return nil, &callError{list, err}
		}
		if page.InferenceComponents == nil {
			return nil, &callError{list, errNoAnswer}
		}
		for _, c := range page.InferenceComponents {
			d, err := r.api.DescribeInferenceComponent(ctx, &sagemaker.DescribeInferenceComponentInput{InferenceComponentName: c.InferenceComponentName})
			if err == nil && d.Specification == nil {
				err = errNoAnswer
			}
			if err != nil {
				return nil, &callError{describe, err}
			}
			v := base
			v.Name, v.ModelRef = base.Name+"/"+printable(aws.ToString(c.InferenceComponentName), 200), printable(aws.ToString(d.Specification.ModelName), 200)
			if d.RuntimeConfig != nil {
				v.InstanceCount = int64(aws.ToInt32(d.RuntimeConfig.CurrentCopyCount))
			}
			if v.ModelRef == "" { // a container of its own, without a model
				v.Resolved = true
				out = append(out, v)
				continue
			}
			vs, err := r.resolve(ctx, v)
			if err != nil {
				return nil, err
			}
			out = append(out, vs...)
		}
		return page.NextToken, nil
	})
	if err != nil {
		return []records.Variant{base}, r.failed(ctx, kinds, "inference components of "+endpoint, err)
	}
	return out, nil
}
