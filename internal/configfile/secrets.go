package configfile

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Secrets says how the places are reached where secrets are kept, other than
// this machine.
type Secrets struct {
	Vault VaultServer
	AWS   AWSSecrets
}

// VaultServer is a server of HashiCorp Vault or OpenBao, and how the agent logs
// in. What is empty is as the standard variables say: VAULT_ADDR,
// VAULT_NAMESPACE, VAULT_CACERT, VAULT_TOKEN.
type VaultServer struct {
	Address    string
	Namespace  string
	CAFile     string
	Version    int // of the engine kv: 1 or 2; 0: the server is asked
	Token      *Secret
	AppRole    *AppRole
	Kubernetes *KubernetesLogin
}

// AppRole is a login by role and secret id.
type AppRole struct {
	Mount    string
	RoleID   string
	SecretID Secret
}

// KubernetesLogin is a login by the service account of the pod.
type KubernetesLogin struct {
	Mount string
	Role  string
	JWT   string // file
}

// AWSSecrets is AWS Secrets Manager. Credentials are those of the environment,
// of the pod, of the container or of the instance.
type AWSSecrets struct {
	Region   string
	Endpoint string // such as that of a VPC; empty: the region's
}

type secretsYAML struct {
	Vault vaultYAML      `yaml:"vault"`
	AWS   awsSecretsYAML `yaml:"aws"`
}

type vaultYAML struct {
	Address    string             `yaml:"address"`
	Namespace  string             `yaml:"namespace"`
	CAFile     string             `yaml:"ca_file"`
	Version    int                `yaml:"kv_version"`
	Token      *Secret            `yaml:"token"`
	AppRole    *appRoleYAML       `yaml:"approle"`
	Kubernetes *kubernetesLogYAML `yaml:"kubernetes"`
}

type appRoleYAML struct {
	Mount    string `yaml:"mount"`
	RoleID   string `yaml:"role_id,required"`
	SecretID Secret `yaml:"secret_id,required"`
}

type kubernetesLogYAML struct {
	Mount string `yaml:"mount"`
	Role  string `yaml:"role,required"`
	JWT   string `yaml:"jwt_file"`
}

type awsSecretsYAML struct {
	Region   string `yaml:"region"`
	Endpoint string `yaml:"endpoint"`
}

// serviceAccountToken is where Kubernetes puts a pod's token.
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

func (r reader) secrets(y secretsYAML) Secrets {
	at := yamlfile.At("secrets", "vault")
	v := y.Vault
	out := Secrets{AWS: AWSSecrets(y.AWS), Vault: VaultServer{
		Address: strings.TrimRight(v.Address, "/"), Namespace: strings.Trim(v.Namespace, "/"), CAFile: resolve(r.dir, v.CAFile),
		Version: v.Version, Token: v.Token,
	}}
	r.webAddress(at.Then("address"), v.Address)
	r.webAddress(yamlfile.At("secrets", "aws", "endpoint"), y.AWS.Endpoint)
	if place := at.Then("kv_version"); r.f.Has(place) && !r.f.Faulty(place) && v.Version != 1 && v.Version != 2 {
		r.f.Problemf(place, "there are versions 1 and 2 of the engine kv").Hint("leave it out: the server says which it is")
	}
	logins := 0
	if v.Token != nil {
		logins++
		r.local(at.Then("token"), *v.Token)
	}
	if a := v.AppRole; a != nil {
		logins++
		out.Vault.AppRole = &AppRole{Mount: mountOf(a.Mount, "approle"), RoleID: a.RoleID, SecretID: a.SecretID}
		r.local(at.Then("approle", "secret_id"), a.SecretID)
	}
	if k := v.Kubernetes; k != nil {
		logins++
		out.Vault.Kubernetes = &KubernetesLogin{Mount: mountOf(k.Mount, "kubernetes"), Role: k.Role, JWT: resolve(r.dir, k.JWT)}
		if k.JWT == "" {
			out.Vault.Kubernetes.JWT = serviceAccountToken
		}
	}
	if logins > 1 {
		r.f.Problemf(at, "there is one way to log in").Hint("one of token, approle and kubernetes; without one it is VAULT_TOKEN")
	}
	return out
}

func mountOf(mount, standard string) string {
	if mount = strings.Trim(mount, "/"); mount != "" {
		return mount
	}
	return standard
}

// local refuses a secret that opens the place of secrets and is itself kept in one.
func (r reader) local(at yamlfile.Path, s Secret) {
	if ref := s.Ref(); ref.AWS != (AWSRef{}) || ref.Vault != (VaultRef{}) {
		r.f.Problemf(at, "what opens Vault is kept on this machine").Hint("write {env: NAME}, {file: path} or {keyring: …}")
	}
}

// webAddress accepts no address, or one of http or https without a password.
func (r reader) webAddress(at yamlfile.Path, text string) {
	if text == "" || r.f.Faulty(at) {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		r.f.Redact(at)
		r.f.Problemf(at, "not an address").Hint("https://host or http://host, with a port where it needs one")
	case u.User != nil:
		r.f.Redact(at)
		r.f.Problemf(at, "an address here holds no name and no password")
	}
}

var (
	vaultPath  = regexp.MustCompile(`^[^/\s?#]+(/[^/\s?#]+)+$`)
	awsRegion  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	awsSecret  = regexp.MustCompile(`^[A-Za-z0-9/_+=.@:!-]+$`)
	simpleName = regexp.MustCompile(`^[^\x00-\x1f]{1,255}$`)
)

func keyringRef(n yamlfile.Node) KeyringRef {
	var y struct {
		Service string `yaml:"service,required"`
		Account string `yaml:"account,required"`
	}
	if n.Decode(&y); y.Service != "" && !simpleName.MatchString(y.Service) || y.Account != "" && !simpleName.MatchString(y.Account) {
		n.Problemf("not the names of an item").Hint("{keyring: {service: exhibit, account: github}}")
	}
	return KeyringRef(y)
}

func awsRef(n yamlfile.Node) AWSRef {
	var y struct {
		Secret string `yaml:"secret,required"`
		Field  string `yaml:"field"`
		Region string `yaml:"region"`
		Stage  string `yaml:"stage"`
	}
	n.Decode(&y)
	if y.Secret != "" && !awsSecret.MatchString(y.Secret) || y.Region != "" && !awsRegion.MatchString(y.Region) {
		n.Problemf("not the name or the ARN of a secret, or not a region").Hint("{aws: {secret: prod/exhibit, field: token, region: eu-central-1}}")
	}
	return AWSRef(y)
}

func vaultRef(n yamlfile.Node) VaultRef {
	var y struct {
		Path  string `yaml:"path,required"`
		Field string `yaml:"field,required"`
	}
	n.Decode(&y)
	y.Path = strings.Trim(y.Path, "/")
	if y.Path != "" && (!vaultPath.MatchString(y.Path) || strings.Contains("/"+y.Path+"/", "/../") || strings.Contains("/"+y.Path+"/", "/./")) {
		n.Problemf("not the path of a secret").Hint("mount and path, as in vault kv get: {vault: {path: secret/exhibit/github, field: token}}")
	}
	return VaultRef(y)
}
