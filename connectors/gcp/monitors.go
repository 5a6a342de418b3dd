package gcp

import (
	"context"
	"fmt"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// monitoringJobs reads the monitors of endpoints with their newest run.
func (p *place) monitoringJobs(ctx context.Context) error {
	return list(ctx, p.api, p.parent()+"/modelDeploymentMonitoringJobs", "modelDeploymentMonitoringJobs", func(j struct {
		Name     string `json:"name"`
		Endpoint string `json:"endpoint"`
		State    string `json:"state"`
		Schedule string `json:"scheduleState"`
		Created  string `json:"createTime"`
		Config   struct {
			Interval string `json:"monitorInterval"`
		} `json:"modelDeploymentMonitoringScheduleConfig"`
		Latest struct {
			Run    string `json:"runTime"`
			Status struct {
				Code    int    `json:"code"`
				Message string `json:"message"`
			} `json:"status"`
		} `json:"latestMonitoringPipelineMetadata"`
	}) error {
		ran, err := records.Moment(j.Latest.Run)
		created, err2 := records.Moment(j.Created)
		if j.Name == "" || err != nil || err2 != nil {
			return p.unfit([]string{records.KindModelMonitor}, "monitoring job "+j.Name, fmt.Errorf("it has no name, or no time that is one"))
		}
		m := records.ModelMonitor{
			Deployment: records.Line(last(j.Endpoint)+"@"+p.location, 300), MonitorType: "data", Schedule: records.Line(j.Name, 500),
			ScheduleExpression: records.Line(j.Config.Interval, 60), ScheduleStatus: records.Line(j.State+" "+j.Schedule, 100), LastRunAt: records.Stamp(ran),
		}
		key, at := j.Name, created
		if !ran.IsZero() {
			key, at = j.Name+"/"+records.Stamp(ran), ran
			m.LastRunStatus = "ok"
			if j.Latest.Status.Code != 0 {
				m.LastRunStatus = records.Line(fmt.Sprintf("failed: %s", j.Latest.Status.Message), 300)
			}
		}
		return p.book.Record(connector.Record{
			Kind: records.KindModelMonitor, Subject: connector.Subject{Type: "deployment", ID: m.Deployment}, Key: key, EventTime: at, URL: p.console("model-monitoring"),
		}, m)
	})
}

// modelMonitors reads the runs of the newer monitors, which belong to models.
// They are in Google's preview interface; a place without it has none.
func (p *place) modelMonitors(ctx context.Context) error {
	parent := "v1beta1/projects/" + p.project + "/locations/" + p.location
	err := list(ctx, p.api, parent+"/modelMonitors", "modelMonitors", func(m struct {
		Name   string `json:"name"`
		Target struct {
			Vertex struct {
				Model   string `json:"model"`
				Version string `json:"modelVersionId"`
			} `json:"vertexModel"`
		} `json:"modelMonitoringTarget"`
	}) error {
		if m.Name == "" {
			return p.unfit([]string{records.KindModelMonitor}, "model monitor", fmt.Errorf("it has no name"))
		}
		deployment := model{Name: m.Target.Vertex.Model}.id() + "/" + m.Target.Vertex.Version
		part := coverage.Part{Kinds: []string{records.KindModelMonitor}, Scope: p.scope("runs of model monitor " + m.Name), Permission: permMonitorRuns}
		return p.book.Missed(ctx, part, p.monitorRuns(ctx, parent+"/modelMonitors/"+last(m.Name), m.Name, records.Line(deployment, 300)))
	})
	if s := rest.StatusOf(err); s == 404 || s == 501 {
		return &absent{"the preview interface for model monitors is not offered here: " + err.Error()}
	}
	return err
}

// absent is an interface that a place does not have.
type absent struct{ why string }

func (e *absent) Error() string { return e.why }

// Reason is Unsupported.
func (*absent) Reason() connector.Reason { return connector.Unsupported }

func (p *place) monitorRuns(ctx context.Context, path, name, deployment string) error {
	runs := 0
	err := list(ctx, p.api, path+"/modelMonitoringJobs", "modelMonitoringJobs", func(j struct {
		Name    string `json:"name"`
		State   string `json:"state"`
		Created string `json:"createTime"`
		Updated string `json:"updateTime"`
		Planned string `json:"schedule"`
	}) error {
		at, err := records.Moment(j.Updated)
		if at.IsZero() && err == nil {
			at, err = records.Moment(j.Created)
		}
		if j.Name == "" || err != nil || at.IsZero() {
			return p.unfit([]string{records.KindModelMonitor}, "model monitor "+name, fmt.Errorf("a run has no name, or no time that is one"))
		}
		runs++
		return p.monitorRun(j.Name, records.ModelMonitor{
			Deployment: deployment, MonitorType: "model", Schedule: records.Line(name, 500), ScheduleExpression: records.Line(j.Planned, 200),
			LastRunStatus: records.Line(j.State, 60), LastRunAt: records.Stamp(at),
		})
	})
	if err != nil || runs > 0 {
		return err
	}
	return p.monitorRun(name, records.ModelMonitor{Deployment: deployment, MonitorType: "model", Schedule: records.Line(name, 500)})
}

func (p *place) monitorRun(key string, m records.ModelMonitor) error {
	at, err := records.Moment(m.LastRunAt)
	if err != nil {
		return err
	}
	return p.book.Record(connector.Record{
		Kind: records.KindModelMonitor, Subject: connector.Subject{Type: "deployment", ID: m.Deployment}, Key: key, EventTime: at, URL: p.console("model-monitoring"),
	}, m)
}
