package aws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const smARN = "arn:aws:sagemaker:eu-west-1:123456789012:"

// trailEventOf is an event of CloudTrail as LookupEvents gives it.
func trailEventOf(t *testing.T, id, name string, at time.Time, params, response obj, more obj) obj {
	t.Helper()
	body := obj{"eventVersion": "1.11", "eventID": id, "eventName": name, "eventSource": "sagemaker.amazonaws.com", "requestParameters": params, "responseElements": response,
		"userIdentity": obj{"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/ml/bo", "accessKeyId": "ASIASECRETKEY",
			"sessionContext": obj{"sessionIssuer": obj{"arn": "arn:aws:iam::123456789012:role/ml"}}}}
	out := obj{"EventId": id, "EventName": name, "EventSource": "sagemaker.amazonaws.com", "EventTime": at.Unix(), "ReadOnly": "false", "Username": "bo", "AccessKeyId": "ASIASECRETKEY"}
	for k, v := range more {
		if k == "ReadOnly" || k == "EventSource" || k == "EventTime" {
			out[k] = v
		} else {
			body[k] = v
		}
	}
	out["CloudTrailEvent"] = string(mustJSON(t, body))
	return out
}

// history answers LookupEvents as AWS does: by one attribute, within the times
// that are asked for, the newest first, size events a page.
func (f *fakeAWS) history(size int, events ...obj) {
	f.ops["LookupEvents"] = func(in obj) (int, any) {
		attr := in["LookupAttributes"].([]any)[0].(obj)
		var fit []obj
		for _, e := range events {
			at, _ := e["EventTime"].(int64)
			if e[attr["AttributeKey"].(string)] == attr["AttributeValue"] && float64(at) >= in["StartTime"].(float64)-1 && float64(at) <= in["EndTime"].(float64) {
				fit = append(fit, e)
			}
		}
		from := 0
		if token, ok := in["NextToken"].(string); ok {
			if _, err := fmt.Sscanf(token, "%d", &from); err != nil {
				return 400, obj{"__type": "InvalidNextTokenException"}
			}
		}
		to := min(from+size, len(fit))
		out := obj{"Events": append([]obj{}, fit[min(from, to):to]...)}
		if to < len(fit) {
			out["NextToken"] = fmt.Sprint(to)
		}
		return 200, out
	}
}

// fillSageMaker adds what fill leaves out: cards, monitors, lineage, resources
// and trails.
func (f *fakeAWS) fillSageMaker() {
	f.fill()
	f.ops["ListModelCards"] = one(obj{"ModelCardSummaries": []obj{{"ModelCardName": "triage-card", "ModelCardArn": smARN + "model-card/triage-card", "ModelCardStatus": "Approved",
		"CreationTime": 1767312000, "LastModifiedTime": 1767398400}}})
	f.ops["ListModelCardVersions"] = one(obj{"ModelCardVersionSummaryList": []obj{
		{"ModelCardName": "triage-card", "ModelCardArn": smARN + "model-card/triage-card", "ModelCardStatus": "Draft", "ModelCardVersion": 1, "CreationTime": 1767312000},
		{"ModelCardName": "triage-card", "ModelCardArn": smARN + "model-card/triage-card", "ModelCardStatus": "Approved", "ModelCardVersion": 2, "CreationTime": 1767312000}}})
	f.ops["DescribeModelCard"] = func(in obj) (int, any) {
		out := obj{"ModelCardArn": smARN + "model-card/triage-card", "ModelCardName": "triage-card", "ModelCardVersion": in["ModelCardVersion"], "CreationTime": 1767312000,
			"LastModifiedTime": 1767312001, "CreatedBy": obj{"UserProfileName": "mina"}, "ModelCardStatus": "Draft", "Content": `{"model_overview":{"model_name":"triage"}}`}
		if in["ModelCardVersion"] != 1.0 { // without a number, the latest
			out["ModelCardVersion"] = 2
			out["ModelCardStatus"], out["LastModifiedTime"], out["LastModifiedBy"] = "Approved", 1767398400, obj{"UserProfileName": "bo"}
			out["Content"] = `{"model_package_details":{"model_package_arn":"` + smARN + `model-package/triage/2"},"intended_uses":{"risk_rating":"High","purpose":"sort\u001b[1m letters"},"long":"` + strings.Repeat("x", 9000) + `","huge":["` + strings.Repeat(strings.Repeat("y", 300)+`","`, 40) + `"]}`
		}
		return 200, out
	}
	f.fillMonitors()
	f.ops["ListArtifacts"] = one(obj{"ArtifactSummaries": []obj{{"ArtifactArn": smARN + "artifact/abc", "ArtifactType": "ModelPackage"}}})
	f.ops["QueryLineage"] = one(obj{"Vertices": []obj{
		{"Arn": smARN + "experiment-trial-component/train-7-aws-training-job", "Type": "SageMakerTrainingJob", "LineageType": "TrialComponent"},
		{"Arn": smARN + "experiment-trial-component/prepare-aws-processing-job", "Type": "SageMakerProcessingJob", "LineageType": "TrialComponent"}}})
	f.ops["DescribeTrainingJob"] = one(obj{"TrainingJobName": "train-7", "TrainingJobArn": smARN + "training-job/train-7", "TrainingJobStatus": "Completed", "CreationTime": 1767225600,
		"TrainingStartTime": 1767225700, "TrainingEndTime": 1767229200, "HyperParameters": obj{"eta": "0.1"},
		"AlgorithmSpecification": obj{"TrainingInputMode": "File", "TrainingImage": "1.dkr.ecr.eu-west-1.amazonaws.com/xgb@sha256:9f"},
		"InputDataConfig": []obj{{"ChannelName": "train", "DataSource": obj{"S3DataSource": obj{"S3DataType": "S3Prefix", "S3Uri": "s3://data/train"}}},
			{"ChannelName": "check", "DataSource": obj{"S3DataSource": obj{"S3DataType": "S3Prefix", "S3Uri": "s3://data/check"}}}}})
	f.ops["ListDomains"] = one(obj{"Domains": []obj{{"DomainArn": smARN + "domain/d-1", "DomainId": "d-1", "DomainName": "lab", "Status": "InService", "CreationTime": 1767225600, "LastModifiedTime": 1767225600}}})
	f.ops["ListNotebookInstances"] = one(obj{"NotebookInstances": []obj{{"NotebookInstanceArn": smARN + "notebook-instance/old", "NotebookInstanceName": "old", "NotebookInstanceStatus": "InService",
		"InstanceType": "ml.t3.medium", "CreationTime": 1767225600, "LastModifiedTime": 1767225600}}})
	f.ops["ListModels"] = one(obj{"Models": []obj{{"ModelArn": smARN + "model/m2", "ModelName": "m2", "CreationTime": 1767225600}}})
	f.ops["ListFeatureGroups"] = one(obj{"FeatureGroupSummaries": []obj{{"FeatureGroupArn": smARN + "feature-group/people", "FeatureGroupName": "people", "FeatureGroupStatus": "Created",
		"OfflineStoreStatus": obj{"Status": "Active"}, "CreationTime": 1767225600}}})
	f.ops["ListPipelines"] = one(obj{"PipelineSummaries": []obj{{"PipelineArn": smARN + "pipeline/nightly", "PipelineName": "nightly", "RoleArn": "arn:aws:iam::123456789012:role/p",
		"CreationTime": 1767225600, "LastModifiedTime": 1767225600}}})
	f.ops["GetResources"] = one(obj{"ResourceTagMappingList": []obj{{"ResourceARN": smARN + "endpoint/live", "Tags": []obj{{"Key": "Environment", "Value": "production"}}}}})
	const trail = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/"
	f.ops["DescribeTrails"] = one(obj{"trailList": []obj{{"Name": "main", "TrailARN": trail + "main", "S3BucketName": "logs", "S3KeyPrefix": "ct", "IsMultiRegionTrail": true, "LogFileValidationEnabled": true},
		{"Name": "old", "TrailARN": trail + "old", "S3BucketName": "logs"}}})
	f.ops["GetTrailStatus"] = func(in obj) (int, any) { return 200, obj{"IsLogging": in["Name"] == trail+"main"} }
	f.ops["GetEventSelectors"] = one(obj{"TrailARN": trail + "main", "AdvancedEventSelectors": []obj{{"FieldSelectors": []obj{{"Field": "resources.type", "Equals": []string{"AWS::SageMaker::Endpoint", "AWS::S3::Object"}}}}}})
}

func (f *fakeAWS) fillMonitors() {
	f.ops["ListMonitoringSchedules"] = one(obj{"MonitoringScheduleSummaries": []obj{
		{"MonitoringScheduleName": "drift", "MonitoringScheduleArn": smARN + "monitoring-schedule/drift", "MonitoringScheduleStatus": "Scheduled", "EndpointName": "live", "MonitoringType": "DataQuality", "CreationTime": 1767398400, "LastModifiedTime": 1767398400},
		{"MonitoringScheduleName": "fairness", "MonitoringScheduleArn": smARN + "monitoring-schedule/fairness", "MonitoringScheduleStatus": "Stopped", "EndpointName": "live", "MonitoringType": "ModelBias", "CreationTime": 1767398400, "LastModifiedTime": 1767398400}}})
	f.ops["DescribeMonitoringSchedule"] = func(in obj) (int, any) {
		name := in["MonitoringScheduleName"].(string)
		out := obj{"MonitoringScheduleName": name, "MonitoringScheduleArn": smARN + "monitoring-schedule/" + name, "MonitoringScheduleStatus": "Scheduled", "CreationTime": 1767398400, "LastModifiedTime": 1767398400,
			"MonitoringScheduleConfig": obj{"ScheduleConfig": obj{"ScheduleExpression": "cron(0 * ? * * *)"}, "MonitoringJobDefinition": obj{"BaselineConfig": obj{"ConstraintsResource": obj{"S3Uri": "s3://base/constraints.json"}}}}}
		if name == "drift" {
			out["LastMonitoringExecutionSummary"] = obj{"MonitoringScheduleName": "drift", "ScheduledTime": 1767405600, "CreationTime": 1767405600, "LastModifiedTime": 1767405700, "MonitoringExecutionStatus": "Completed"}
		}
		return 200, out
	}
	f.ops["ListMonitoringExecutions"] = func(in obj) (int, any) {
		list := []obj{}
		for i, status := range []string{"Completed", "CompletedWithViolations", "Failed", "InProgress"} {
			at := 1767402000 + float64(i)*3600
			if after, ok := in["CreationTimeAfter"].(float64); !ok || at > after {
				list = append(list, obj{"MonitoringScheduleName": "drift", "EndpointName": "live", "MonitoringType": "DataQuality", "MonitoringExecutionStatus": status,
					"ScheduledTime": at, "CreationTime": at + 10, "LastModifiedTime": at + 600, "ProcessingJobArn": smARN + "processing-job/check-" + fmt.Sprint(i)})
			}
		}
		return 200, obj{"MonitoringExecutionSummaries": list}
	}
	f.ops["DescribeProcessingJob"] = func(in obj) (int, any) {
		return 200, obj{"ProcessingJobName": in["ProcessingJobName"], "ProcessingJobArn": smARN + "processing-job/x", "ProcessingJobStatus": "Completed", "CreationTime": 1767402000,
			"AppSpecification": obj{"ImageUri": "x"}, "ProcessingResources": obj{"ClusterConfig": obj{"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
			"ExitMessage": "CompletedWithViolations: Job completed successfully with 8 violations."}
	}
}

// again runs with what an earlier run left behind.
func again(t *testing.T, cfg connector.Config, before *recorder) (*recorder, connector.Coverage) {
	t.Helper()
	rec := newRecorder()
	for k, v := range before.cursors {
		rec.cursors[k] = v
	}
	for k, v := range before.validators {
		rec.validators[k] = v
	}
	cursors, validators := map[string]string{}, map[string]connector.Validator{}
	for k, v := range before.cursors {
		cursors[k] = v
	}
	for k, v := range before.validators {
		validators[k] = v
	}
	cov, err := New().Collect(t.Context(), connector.Request{Config: cfg, Cursors: cursors, Validators: validators}, rec)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

// count says how often each operation was called since the last count.
func (f *fakeAWS) count() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := map[string]int{}
	for _, c := range f.calls {
		n[c]++
	}
	f.calls = nil
	return n
}
