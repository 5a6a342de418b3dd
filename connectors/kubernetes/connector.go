package kubernetes

import (
	_ "embed"
	"sync"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Version is the connector's own version.
const Version = "0.1.0"

// Rights that reading needs.
const (
	permWorkloads = "list workloads"
	permCustom    = "list custom resources"
	permFiles     = "read-files"
)

// secretToken is the name of the secret that holds the token.
const secretToken = "token"

//go:embed config.schema.json
var configSchema []byte

// Connector reads one cluster.
type Connector struct {
	signatures func() (*aisign.Set, error)
	clock      transport.Clock // nil means the system's
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{signatures: sync.OnceValues(aisign.Load)} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	kinds := []string{records.KindSighting}
	return connector.Descriptor{
		Name:         "kubernetes",
		Version:      Version,
		Summary:      "Kubernetes: workloads that run or use AI, by image, kind, names of variables and hosts",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{{Name: secretToken,
			Summary: "token of a service account that may only list; not needed with token_file or files"}},
		Kinds: []connector.KindSpec{{Kind: records.KindSighting, Major: 1, Summary: "a workload that runs or uses AI"}},
		Permissions: []connector.Permission{
			{ID: permWorkloads, Kinds: kinds,
				Why:   "lists Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs, CronJobs and Pods",
				Grant: "a ClusterRole with get and list on deployments, statefulsets, daemonsets and replicasets (apps), jobs and cronjobs (batch) and pods, bound to the service account; the built-in role view has more than is needed"},
			{ID: permCustom, Kinds: kinds,
				Why:   "lists objects of operators that serve models, such as InferenceService, RayCluster and NIMService, where they are installed",
				Grant: "the same ClusterRole with list on these kinds; the page of the connector shows it"},
			{ID: permFiles, Kinds: kinds,
				Why:   "reads lists that were saved with kubectl, where files are set",
				Grant: "let the agent's user read the files"},
		},
	}
}
