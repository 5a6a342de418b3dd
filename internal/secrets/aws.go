package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

// manager reads from AWS Secrets Manager.
type manager struct {
	cfg    configfile.AWSSecrets
	getenv func(string) string
	client *http.Client

	mu      sync.Mutex
	clients map[string]*secretsmanager.Client // by region
	creds   aws.CredentialsProvider
}

func newManager(o Options) *manager {
	return &manager{cfg: o.Config.AWS, getenv: o.Getenv, client: o.Client, clients: map[string]*secretsmanager.Client{}}
}

// read returns a secret, or a field of it.
func (m *manager) read(ctx context.Context, ref configfile.AWSRef) (string, error) {
	client, err := m.in(m.region(ref))
	if err != nil {
		return "", err
	}
	in := &secretsmanager.GetSecretValueInput{SecretId: aws.String(ref.Secret)}
	if ref.Stage != "" {
		in.VersionStage = aws.String(ref.Stage)
	}
	out, err := client.GetSecretValue(ctx, in)
	if err != nil {
		return "", told(err)
	}
	text := aws.ToString(out.SecretString)
	if out.SecretString == nil {
		text = string(out.SecretBinary)
	}
	if ref.Field == "" {
		return text, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return "", errors.New("it is no JSON object, so that it has no fields")
	}
	raw, ok := fields[ref.Field]
	if !ok {
		return "", fmt.Errorf("it has no field %q", ref.Field)
	}
	return scalar(raw)
}

// region of a secret: what is said nearest to it counts.
func (m *manager) region(ref configfile.AWSRef) string {
	ofARN := ""
	if parts := strings.Split(ref.Secret, ":"); len(parts) > 5 && parts[0] == "arn" {
		ofARN = parts[3]
	}
	return firstOf(ref.Region, ofARN, m.cfg.Region, m.getenv("AWS_REGION"), m.getenv("AWS_DEFAULT_REGION"))
}

func (m *manager) in(region string) (*secretsmanager.Client, error) {
	if region == "" {
		return nil, errors.New("nothing says in which region it is: set region, or AWS_REGION")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.clients[region]; ok {
		return c, nil
	}
	if m.creds == nil {
		creds, err := ofEnvironment(m.getenv, region, m.client)
		if err != nil {
			return nil, err
		}
		m.creds = creds
	}
	c := secretsmanager.NewFromConfig(aws.Config{Region: region, Credentials: m.creds, HTTPClient: m.client}, func(o *secretsmanager.Options) {
		if e := firstOf(m.cfg.Endpoint, m.getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"), m.getenv("AWS_ENDPOINT_URL")); e != "" {
			o.BaseEndpoint = aws.String(e)
		}
	})
	m.clients[region] = c
	return c, nil
}

// told makes the error of the API short: what it says, without the request.
func told(err error) error {
	var missing *types.ResourceNotFoundException
	var api smithy.APIError
	switch {
	case errors.As(err, &missing):
		return errors.New("AWS Secrets Manager has no such secret, or none in this region")
	case errors.As(err, &api):
		return fmt.Errorf("AWS Secrets Manager answers %s: %s", api.ErrorCode(), oneLine(api.ErrorMessage()))
	}
	return fmt.Errorf("AWS Secrets Manager: %w", err)
}
