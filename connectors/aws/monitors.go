package aws

import (
	"context"
	"encoding/json"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	listSchedules         = "sagemaker:ListMonitoringSchedules"
	describeSchedule      = "sagemaker:DescribeMonitoringSchedule"
	listExecutions        = "sagemaker:ListMonitoringExecutions"
	describeProcessingJob = "sagemaker:DescribeProcessingJob"
)

// schedule is a monitor and when it is to run.
type schedule struct {
	types.MonitoringScheduleSummary
	expression, baseline string
	ran                  bool
}

// scheduleMemo is what is kept of a schedule that is as it was.
type scheduleMemo struct {
	Expression string `json:"e"`
	Baseline   string `json:"b"`
}

// monitors reads the schedules of monitors, and their executions since the
// last run. A schedule that never ran is told as such.
func (r *regionRun) monitors(ctx context.Context) error {
	schedules := map[string]*schedule{}
	err := r.eachSchedule(ctx, records.KindModelMonitor, func(s types.MonitoringScheduleSummary) error {
		schedules[aws.ToString(s.MonitoringScheduleName)] = &schedule{MonitoringScheduleSummary: s}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(schedules) {
		if err := r.schedule(ctx, schedules[name]); err != nil {
			return err
		}
	}
	if len(schedules) == 0 {
		return nil
	}
	return r.executions(ctx, schedules)
}

// eachSchedule lists the schedules of the region.
func (r *regionRun) eachSchedule(ctx context.Context, kind string, each func(types.MonitoringScheduleSummary) error) error {
	return listing(ctx, listSchedules, func() { r.saw(kind) }, func(token *string) ([]types.MonitoringScheduleSummary, *string, error) {
		out, err := r.api.ListMonitoringSchedules(ctx, &sagemaker.ListMonitoringSchedulesInput{
			MaxResults: aws.Int32(pageSize), NextToken: token, SortBy: types.MonitoringScheduleSortKeyCreationTime, SortOrder: types.SortOrderAscending,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.MonitoringScheduleSummaries, out.NextToken, nil
	}, each)
}

// schedule asks when a monitor runs and against what, unless that is known.
func (r *regionRun) schedule(ctx context.Context, s *schedule) error {
	name := text(s.MonitoringScheduleName, 200)
	it := r.thingOf("monitoring schedule", r.registryName()+"|"+name, s.MonitoringScheduleSummary)
	var memo scheduleMemo
	if r.same(it) && json.Unmarshal(r.req.Validators[it.group].Memo, &memo) == nil {
		s.ran, s.expression, s.baseline = true, memo.Expression, memo.Baseline
		return nil
	}
	if r.skip[describeSchedule] {
		return nil
	}
	out, err := r.api.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: s.MonitoringScheduleName})
	if err == nil && (aws.ToString(out.MonitoringScheduleArn) == "" || out.MonitoringScheduleConfig == nil) {
		err = errNoAnswer
	}
	if err != nil {
		s.ran = true // nobody knows, so nothing is said
		return r.failed(ctx, []string{records.KindModelMonitor}, "monitoring schedule "+name, &callError{describeSchedule, err})
	}
	c := out.MonitoringScheduleConfig
	if c.ScheduleConfig != nil {
		s.expression = text(c.ScheduleConfig.ScheduleExpression, 200)
	}
	if d := c.MonitoringJobDefinition; d != nil && d.BaselineConfig != nil && d.BaselineConfig.ConstraintsResource != nil {
		s.baseline = text(d.BaselineConfig.ConstraintsResource.S3Uri, 1000)
	} else {
		s.baseline = text(s.MonitoringJobDefinitionName, 200)
	}
	if s.ran = out.LastMonitoringExecutionSummary != nil; !s.ran {
		return r.neverRan(ctx, s)
	}
	memo = scheduleMemo{s.expression, s.baseline}
	raw, err := json.Marshal(memo)
	if err != nil {
		return err
	}
	if err := r.emit.Validator(it.group, connector.Validator{ETag: it.state, Memo: raw}); err != nil {
		return &emitError{err}
	}
	return nil
}

// monitor is what all records of a schedule share.
func (r *regionRun) monitor(s *schedule) records.ModelMonitor {
	m := records.ModelMonitor{
		Deployment: text(s.MonitoringScheduleArn, 300), Schedule: text(s.MonitoringScheduleArn, 300), MonitorType: monitorType(s.MonitoringType),
		ScheduleExpression: s.expression, ScheduleStatus: string(s.MonitoringScheduleStatus), BaselineRef: s.baseline,
	}
	if e := text(s.EndpointName, 200); e != "" {
		m.Deployment = r.arn("endpoint/" + e)
	}
	return m
}

func monitorType(t types.MonitoringType) string {
	switch t {
	case types.MonitoringTypeModelQuality:
		return "model"
	case types.MonitoringTypeModelBias:
		return "bias"
	case types.MonitoringTypeModelExplainability:
		return "explainability"
	}
	return "data"
}

// subjectOf is the endpoint that a schedule watches; of one that watches data
// of batches, the schedule itself.
func (r *regionRun) subjectOf(s *schedule) connector.Subject {
	name := text(s.EndpointName, 200)
	if name == "" {
		name = "monitor/" + text(s.MonitoringScheduleName, 200)
	}
	return connector.Subject{Type: "deployment", ID: r.endpointID(name)}
}

func (r *regionRun) neverRan(ctx context.Context, s *schedule) error {
	m := r.monitor(s)
	return r.record(ctx, connector.Record{
		Kind: records.KindModelMonitor, Subject: r.subjectOf(s), Key: m.Schedule + "|never ran", URL: r.consoleURL("monitoring-schedules"),
	}, m)
}

// executions reads what ran since the last run. What has not ended is asked
// for again.
func (r *regionRun) executions(ctx context.Context, schedules map[string]*schedule) error {
	pos := r.position("monitors", records.KindModelMonitor)
	err := listing(ctx, listExecutions, func() {}, func(token *string) ([]types.MonitoringExecutionSummary, *string, error) {
		out, err := r.api.ListMonitoringExecutions(ctx, &sagemaker.ListMonitoringExecutionsInput{
			MaxResults: aws.Int32(pageSize), NextToken: token, CreationTimeAfter: pos.after,
			SortBy: types.MonitoringExecutionSortKeyCreationTime, SortOrder: types.SortOrderAscending,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.MonitoringExecutionSummaries, out.NextToken, nil
	}, func(e types.MonitoringExecutionSummary) error {
		ended := isEnded(e.MonitoringExecutionStatus)
		if ended {
			if err := r.execution(ctx, schedules, e); err != nil {
				return err
			}
		}
		pos.passed(e.CreationTime, ended)
		return nil
	})
	if err != nil {
		return err
	}
	return r.store(pos)
}

func isEnded(s types.ExecutionStatus) bool {
	switch s {
	case types.ExecutionStatusPending, types.ExecutionStatusInProgress, types.ExecutionStatusStopping:
		return false
	}
	return true
}

// execution emits one run of a monitor.
func (r *regionRun) execution(ctx context.Context, schedules map[string]*schedule, e types.MonitoringExecutionSummary) error {
	s := schedules[aws.ToString(e.MonitoringScheduleName)]
	if s == nil { // of a schedule that was deleted since
		s = &schedule{MonitoringScheduleSummary: types.MonitoringScheduleSummary{
			MonitoringScheduleName: e.MonitoringScheduleName, EndpointName: e.EndpointName, MonitoringType: e.MonitoringType,
			MonitoringScheduleArn: aws.String(r.arn("monitoring-schedule/" + aws.ToString(e.MonitoringScheduleName))),
		}}
	}
	at := e.ScheduledTime
	if at == nil {
		at = e.CreationTime
	}
	m := r.monitor(s)
	m.ScheduleStatus = "" // that of today is not that of the run
	m.LastRunStatus, m.LastRunAt = string(e.MonitoringExecutionStatus), stamp(at)
	var err error
	if m.Violations, err = r.violations(ctx, e); err != nil {
		return err
	}
	return r.record(ctx, connector.Record{
		Kind: records.KindModelMonitor, Subject: r.subjectOf(s), Key: m.Schedule + "|" + m.LastRunAt, EventTime: utc(at), URL: r.consoleURL("monitoring-schedules"),
	}, m)
}

// violations are how many constraints an execution found broken: none if it
// completed without, and what its job says if it completed with some.
func (r *regionRun) violations(ctx context.Context, e types.MonitoringExecutionSummary) (*int64, error) {
	if e.MonitoringExecutionStatus == types.ExecutionStatusCompleted {
		return ptr(int64(0)), nil
	}
	job := lastOf(aws.ToString(e.ProcessingJobArn))
	if e.MonitoringExecutionStatus != types.ExecutionStatusCompletedWithViolations || job == "" || r.skip[describeProcessingJob] {
		return nil, nil
	}
	out, err := r.api.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &job})
	if err == nil && aws.ToString(out.ProcessingJobArn) == "" {
		err = errNoAnswer
	}
	if err != nil {
		return nil, r.failed(ctx, []string{records.KindModelMonitor}, "processing job "+job, &callError{describeProcessingJob, err})
	}
	return violationsIn(aws.ToString(out.ExitMessage)), nil
}

// violationsIn reads "Job completed successfully with 8 violations."
func violationsIn(message string) *int64 {
	m := regexp.MustCompile(`with ([0-9]{1,9}) violations?`).FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
