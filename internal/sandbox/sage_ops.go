package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *sageServer) listGroups(p sageParams) (any, *sageError) {
	out := []obj{}
	for i := range slices.Backward(s.w.sage.Groups) {
		g := &s.w.sage.Groups[i]
		if containsFold(g.Name, p.text("NameContains")) {
			out = append(out, s.groupRef(g))
		}
	}
	return page(p, "ModelPackageGroupSummaryList", out)
}

func (s *sageServer) groupRef(g *sageGroup) obj {
	return obj{
		"ModelPackageGroupName": g.Name, "ModelPackageGroupArn": s.w.sage.arn("model-package-group", g.Name),
		"ModelPackageGroupDescription": g.Description, "ModelPackageGroupStatus": "Completed",
		"CreationTime": seconds(g.Created.at(s.w.now)),
	}
}

func (s *sageServer) describeGroup(p sageParams) (any, *sageError) {
	g := s.w.sage.group(p.text("ModelPackageGroupName"))
	if g == nil {
		return nil, noSuch("model package group", p.text("ModelPackageGroupName"))
	}
	o := s.groupRef(g)
	o["CreatedBy"] = s.by(g.By)
	return o, nil
}

// by is who did something, as an assumed role with the person as session.
func (s *sageServer) by(id string) obj {
	if _, known := s.w.people[id]; !known {
		return obj{}
	}
	return obj{"IamIdentity": obj{
		"Arn":         "arn:aws:sts::" + s.w.sage.Account + ":assumed-role/ml-engineer/" + id,
		"PrincipalId": "AROASIMULATED:" + id, "SourceIdentity": id,
	}}
}

func (s *sageServer) packageRef(p *sagePackage) obj {
	return obj{
		"ModelPackageArn": s.w.sage.packageARN(p.ref()), "ModelPackageGroupName": p.group.Name, "ModelPackageVersion": p.Version,
		"ModelPackageStatus": p.Status, "ModelApprovalStatus": p.Approval, "CreationTime": seconds(p.Created.at(s.w.now)),
		"ModelPackageRegistrationType": "Registered",
	}
}

func (s *sageServer) listPackages(p sageParams) (any, *sageError) {
	name := p.text("ModelPackageGroupName")
	if name != "" && s.w.sage.group(name) == nil {
		return nil, noSuch("model package group", name)
	}
	out := []obj{}
	for _, pk := range slices.Backward(s.w.sage.packages) {
		if name == "" && p.text("ModelPackageType") != "Versioned" && p.text("ModelPackageType") != "Both" {
			continue // without a group, unversioned packages are meant; there are none
		}
		if (name == "" || s.w.sage.group(name) == pk.group) &&
			(p.text("ModelApprovalStatus") == "" || p.text("ModelApprovalStatus") == pk.Approval) {
			out = append(out, s.packageRef(pk))
		}
	}
	return page(p, "ModelPackageSummaryList", out)
}

func (s *sageServer) describePackage(p sageParams) (any, *sageError) {
	pk := s.w.sage.packageBy(p.text("ModelPackageName"))
	if pk == nil {
		return nil, noSuch("model package", p.text("ModelPackageName"))
	}
	digest := strings.Repeat(fakeSHA("model", pk.ref())[:32], 2)
	o := s.packageRef(pk)
	o["ModelPackageName"] = pk.group.Name + "-" + digest[:8]
	o["ModelPackageDescription"] = pk.group.Description
	o["ModelPackageStatusDetails"] = obj{"ValidationStatuses": []obj{}}
	o["CreatedBy"] = s.by(pk.By)
	o["InferenceSpecification"] = obj{
		"Containers": []obj{{
			"Image":        s.w.sage.Account + ".dkr.ecr." + s.w.sage.Region + ".amazonaws.com/" + pk.group.Name + ":" + digest[:12],
			"ImageDigest":  "sha256:" + digest,
			"ModelDataUrl": "s3://meridian-models/" + pk.ref() + "/model.tar.gz", "Framework": "XGBOOST", "FrameworkVersion": "3.0",
		}},
		"SupportedContentTypes": []string{"application/json"}, "SupportedResponseMIMETypes": []string{"application/json"},
	}
	o["ModelMetrics"] = obj{"ModelQuality": obj{"Statistics": obj{
		"ContentType": "application/json", "S3Uri": "s3://meridian-models/" + pk.ref() + "/evaluation.json",
	}}}
	if pk.Changed.set {
		o["LastModifiedTime"], o["LastModifiedBy"] = seconds(pk.lastTouched(s.w.now)), s.by(pk.ApprovedBy)
	}
	if pk.Reason != "" {
		o["ApprovalDescription"] = pk.Reason
	}
	if repo, n, found := strings.Cut(pk.Commit, "#"); found {
		o["MetadataProperties"] = obj{"CommitId": s.mergeCommit(repo, n), "Repository": "meridian-harbour/" + repo, "GeneratedBy": s.w.sage.arn("pipeline", pk.group.Name)}
	}
	if len(pk.Metadata) > 0 {
		o["CustomerMetadataProperties"] = pk.Metadata
	}
	return o, nil
}

// mergeCommit is the merge of the pull request that a package was built from.
func (s *sageServer) mergeCommit(name, number string) string {
	for _, r := range s.w.hub.repos {
		for _, p := range r.pulls {
			if r.Name == name && strings.TrimSpace(number) == strconv.Itoa(p.N) && p.merge != nil {
				return p.merge.sha
			}
		}
	}
	return ""
}

func (s *sageServer) listModels(p sageParams) (any, *sageError) {
	out := []obj{}
	for _, m := range slices.Backward(s.w.sage.Models) {
		if containsFold(m.Name, p.text("NameContains")) {
			out = append(out, obj{
				"ModelName": m.Name, "ModelArn": s.w.sage.arn("model", m.Name), "CreationTime": seconds(m.Created.at(s.w.now)),
			})
		}
	}
	return page(p, "Models", out)
}

func (s *sageServer) describeModel(p sageParams) (any, *sageError) {
	i, found := s.w.sage.modelOf[p.text("ModelName")]
	if !found {
		return nil, noSuch("model", p.text("ModelName"))
	}
	m := s.w.sage.Models[i]
	container := obj{"Mode": "SingleModel"}
	if m.Package != "" {
		container["ModelPackageName"] = s.w.sage.packageARN(m.Package)
	} else {
		container["Image"] = s.w.sage.Account + ".dkr.ecr." + s.w.sage.Region + ".amazonaws.com/pytorch-inference:2.8"
		container["ModelDataUrl"] = m.Data
	}
	return obj{
		"ModelName": m.Name, "ModelArn": s.w.sage.arn("model", m.Name), "CreationTime": seconds(m.Created.at(s.w.now)),
		"PrimaryContainer": container, "EnableNetworkIsolation": false,
		"ExecutionRoleArn": "arn:aws:iam::" + s.w.sage.Account + ":role/sagemaker-execution",
	}, nil
}

func (s *sageServer) endpointRef(e sageEndpoint) obj {
	return obj{
		"EndpointName": e.Name, "EndpointArn": s.w.sage.arn("endpoint", e.Name), "EndpointStatus": e.Status,
		"CreationTime": seconds(e.Created.at(s.w.now)), "LastModifiedTime": seconds(e.Updated.or(e.Created).at(s.w.now)),
	}
}

func (s *sageServer) listEndpoints(p sageParams) (any, *sageError) {
	out := []obj{}
	for _, e := range slices.Backward(s.w.sage.Endpoints) {
		if containsFold(e.Name, p.text("NameContains")) && (p.text("StatusEquals") == "" || p.text("StatusEquals") == e.Status) {
			out = append(out, s.endpointRef(e))
		}
	}
	return page(p, "Endpoints", out)
}

func (s *sageServer) describeEndpoint(p sageParams) (any, *sageError) {
	for _, e := range s.w.sage.Endpoints {
		if e.Name != p.text("EndpointName") {
			continue
		}
		c := s.w.sage.Configs[s.w.sage.configOf[e.Config]]
		o := s.endpointRef(e)
		o["EndpointConfigName"] = e.Config
		variants := []obj{}
		for _, v := range c.Variants {
			variants = append(variants, obj{
				"VariantName": v.Name, "CurrentWeight": v.Weight, "DesiredWeight": v.Weight,
				"CurrentInstanceCount": v.Count, "DesiredInstanceCount": v.Count,
			})
		}
		o["ProductionVariants"] = variants
		if c.Capture {
			o["DataCaptureConfig"] = obj{
				"EnableCapture": true, "CaptureStatus": "Started", "CurrentSamplingPercentage": 100,
				"DestinationS3Uri": "s3://meridian-capture/" + e.Name, "KmsKeyId": "alias/meridian-capture",
			}
		}
		return o, nil
	}
	return nil, noSuch("endpoint", p.text("EndpointName"))
}

func (s *sageServer) listConfigs(p sageParams) (any, *sageError) {
	out := []obj{}
	for _, c := range slices.Backward(s.w.sage.Configs) {
		out = append(out, obj{
			"EndpointConfigName": c.Name, "EndpointConfigArn": s.w.sage.arn("endpoint-config", c.Name),
			"CreationTime": seconds(c.Created.at(s.w.now)),
		})
	}
	return page(p, "EndpointConfigs", out)
}

func (s *sageServer) describeConfig(p sageParams) (any, *sageError) {
	i, found := s.w.sage.configOf[p.text("EndpointConfigName")]
	if !found {
		return nil, noSuch("endpoint configuration", p.text("EndpointConfigName"))
	}
	c := s.w.sage.Configs[i]
	variants := []obj{}
	for _, v := range c.Variants {
		variants = append(variants, obj{
			"VariantName": v.Name, "ModelName": v.Model, "InitialVariantWeight": v.Weight, "InitialInstanceCount": v.Count,
			"InstanceType": "ml.m5.large",
		})
	}
	o := obj{
		"EndpointConfigName": c.Name, "EndpointConfigArn": s.w.sage.arn("endpoint-config", c.Name),
		"CreationTime": seconds(c.Created.at(s.w.now)), "ProductionVariants": variants,
	}
	if c.Capture {
		o["DataCaptureConfig"] = obj{
			"EnableCapture": true, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://meridian-capture/" + c.Name,
			"CaptureOptions": []obj{{"CaptureMode": "Input"}, {"CaptureMode": "Output"}},
		}
	}
	return o, nil
}

func (s *sageServer) listTags(p sageParams) (any, *sageError) {
	arn := p.text("ResourceArn")
	if arn == "" {
		return nil, &sageError{http.StatusBadRequest, "ValidationException", "1 validation error detected: ResourceArn must not be null"}
	}
	tags := map[string]string{}
	for _, g := range s.w.sage.Groups {
		if s.w.sage.arn("model-package-group", g.Name) == arn {
			tags = g.Tags
		}
	}
	for _, e := range s.w.sage.Endpoints {
		if s.w.sage.arn("endpoint", e.Name) == arn {
			tags = e.Tags
		}
	}
	out := []obj{}
	for _, k := range sortedKeys(tags) {
		out = append(out, obj{"Key": k, "Value": tags[k]})
	}
	return obj{"Tags": out}, nil
}
