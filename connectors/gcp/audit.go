package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// How far back the Admin Activity log reaches, and how much of the last run's
// time is read again: entries can arrive late.
const (
	auditRetention = 400 * 24 * time.Hour
	auditOverlap   = time.Hour
)

// auditLog reads administrative acts on Vertex AI in a project.
func (r *run) auditLog(ctx context.Context, project string) error {
	if len(r.book.Wants(records.KindCloudAuditEvent)) == 0 {
		return nil
	}
	from := r.now.Add(-auditRetention)
	if r.req.Since.After(from) {
		from = r.req.Since
	}
	reach := from
	name := "audit:" + project
	var last auditPosition
	if r.book.Position(name, &last) {
		// A run that comes so late that the log has forgotten what lies between
		// begins anew.
		if begin := last.Until.Add(-auditOverlap); begin.After(from) {
			from, reach = begin, last.From
		}
	}
	part := coverage.Part{Kinds: []string{records.KindCloudAuditEvent}, Scope: "project " + project + ", audit log", Permission: permLogs}
	return r.book.Part(ctx, part, func() error {
		r.book.Query("Admin Activity of aiplatform.googleapis.com in project "+project+"; calls of models are Data Access and are not in it", records.KindCloudAuditEvent)
		r.book.Since(reach, records.KindCloudAuditEvent)
		newest, err := r.entries(ctx, project, from)
		if err != nil {
			return err
		}
		if newest.Before(last.Until) {
			newest = last.Until
		}
		return r.book.Cursor(name, auditPosition{From: reach, Until: newest})
	})
}

// auditPosition is what was read of a project's log.
type auditPosition struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

func (r *run) entries(ctx context.Context, project string, from time.Time) (newest time.Time, err error) {
	api, err := r.s.at("logging.googleapis.com")
	if err != nil {
		return newest, err
	}
	newest = from
	const path = "v2/entries:list"
	filter := fmt.Sprintf(`logName="projects/%s/logs/cloudaudit.googleapis.com%%2Factivity" AND protoPayload.serviceName="aiplatform.googleapis.com" AND timestamp>=%q`,
		project, from.Format(time.RFC3339Nano))
	err = rest.Pages(ctx, path, func(token string) (string, rest.Answer, error) {
		body := map[string]any{"resourceNames": []string{"projects/" + project}, "filter": filter, "orderBy": "timestamp asc", "pageSize": 1000}
		if token != "" {
			body["pageToken"] = token
		}
		var answer map[string]json.RawMessage
		a, err := api.Get(ctx, rest.Call{Method: http.MethodPost, Path: path, Body: body}, &answer)
		if err != nil {
			return "", a, err
		}
		next, err := page(path, "entries", answer, func(e logEntry) error {
			at, err := r.event(project, e)
			if at.After(newest) {
				newest = at
			}
			return err
		})
		return next, a, err
	})
	return newest, err
}

type logEntry struct {
	ID       string `json:"insertId"`
	Time     string `json:"timestamp"`
	Resource struct {
		Labels map[string]string `json:"labels"`
	} `json:"resource"`
	Payload struct {
		Method   string `json:"methodName"`
		Service  string `json:"serviceName"`
		Resource string `json:"resourceName"`
		Who      struct {
			Principal string `json:"principalEmail"`
		} `json:"authenticationInfo"`
		Status struct {
			Code int `json:"code"`
		} `json:"status"`
	} `json:"protoPayload"`
}

// event emits an act. The request itself is left out: it may hold anything.
func (r *run) event(project string, e logEntry) (time.Time, error) {
	at, err := records.Moment(e.Time)
	if err != nil || at.IsZero() || e.ID == "" || at.After(r.now.Add(time.Minute)) {
		return time.Time{}, r.book.Gap(connector.Gap{
			Kinds: []string{records.KindCloudAuditEvent}, Scope: "project " + project + ", audit log, entry " + e.ID, Reason: connector.Malformed, Detail: "it has no id, or no time that is one",
		})
	}
	params := map[string]json.RawMessage{"status_code": json.RawMessage(fmt.Sprint(e.Payload.Status.Code))}
	return at, r.book.Record(connector.Record{
		Kind: records.KindCloudAuditEvent, Subject: connector.Subject{Type: "deployment", ID: "gcp/" + project}, Key: project + "/" + records.Stamp(at) + "/" + e.ID, EventTime: at,
	}, records.CloudAuditEvent{
		Provider: "gcp", EventID: records.Line(e.ID, 200), EventName: records.Line(e.Payload.Method, 200), EventSource: records.Line(e.Payload.Service, 100),
		Principal: records.Line(e.Payload.Who.Principal, 300), Resource: records.Line(e.Payload.Resource, 500), Account: project,
		Region: records.Line(e.Resource.Labels["location"], 60), EventTime: records.Stamp(at), RequestParams: params,
	})
}
