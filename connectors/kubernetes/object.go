package kubernetes

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// object is one object of a cluster.
type object struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   metadata        `json:"metadata"`
	Spec       json.RawMessage `json:"spec"`
	Status     struct {
		Phase string `json:"phase"`
	} `json:"status"`
}

type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Created     string            `json:"creationTimestamp"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Owners      []struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Name       string `json:"name"`
		Controller bool   `json:"controller"`
	} `json:"ownerReferences"`
}

// errObject is an object of another form.
var errObject = errors.New("it is no object with a kind and a name")

func parseObject(raw json.RawMessage, kind string) (*object, error) {
	o := &object{}
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, errObject
	}
	if o.Kind == "" {
		o.Kind = kind // objects in a list of one kind do not repeat it
	}
	if o.Kind == "" || o.Metadata.Name == "" {
		return nil, errObject
	}
	return o, nil
}

// read are the kinds that are listed themselves; what they own is not a
// workload of its own.
func read(kind string) bool {
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob":
		return true
	}
	return false
}

// counted reports whether an object is a workload of its own, still there.
func (o *object) counted() bool {
	if o.Kind == "Pod" && (o.Status.Phase == "Succeeded" || o.Status.Phase == "Failed") {
		return false
	}
	for _, owner := range o.Metadata.Owners {
		if read(owner.Kind) && (o.Kind == "Pod" || o.Kind == "ReplicaSet" || o.Kind == "Job") {
			return false
		}
	}
	return true
}

// place names the workload: what a pod belongs to if that is no kind that is
// listed, so that the pods of one cluster of Ray are one workload.
func (o *object) place() (id, name string) {
	kind, called := o.Kind, o.Metadata.Name
	if kind == "Pod" {
		for _, owner := range o.Metadata.Owners {
			if owner.Controller && owner.Kind != "Node" && owner.Name != "" {
				kind, called = owner.Kind, owner.Name
			}
		}
	}
	id = fit(called)
	if o.Metadata.Namespace != "" {
		id = fit(o.Metadata.Namespace) + "/" + fit(kind) + "/" + id
	} else {
		id = fit(kind) + "/" + id
	}
	return id, fit(called)
}

func fit(s string) string {
	return strings.NewReplacer("|", "-", "\uFFFD", "?").Replace(records.Line(s, 253))
}

func (o *object) group() string {
	group, _, some := strings.Cut(o.APIVersion, "/")
	if !some {
		return ""
	}
	return group
}

func (o *object) created() string {
	at, err := time.Parse(time.RFC3339, o.Metadata.Created)
	if err != nil {
		return ""
	}
	return records.Stamp(at)
}

// owner is the first of labels, in their order, that an object or the template
// of its pods has as a label or an annotation.
func (o *object) owner(labels []string) (hint, from string) {
	for _, name := range labels {
		for what, values := range map[string]map[string]string{"label": o.Metadata.Labels, "annotation": o.Metadata.Annotations} {
			if what == "annotation" && o.Metadata.Labels[name] != "" {
				continue
			}
			if v := records.Line(values[name], 200); v != "" {
				return v, what + " " + name
			}
		}
	}
	return "", ""
}
