//go:build peers

package secrets

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/exhibit-aims/exhibit/internal/peertest"
)

// A server that others wrote gives what was put there, and after a rotation the
// new value.
func TestPeerSecretsManager(t *testing.T) {
	url := peertest.Moto(t)
	client := secretsmanager.NewFromConfig(aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDENV", "s3cret", "")},
		func(o *secretsmanager.Options) { o.BaseEndpoint = aws.String(url) })
	made, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("prod/exhibit"), SecretString: aws.String(`{"token":"first"}`)})
	if err != nil {
		t.Fatal(err)
	}
	e := env{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "s3cret"}
	section := "{aws: {endpoint: '" + url + "', region: eu-west-1}}"
	c, byName := parsed(t, "{aws: {secret: prod/exhibit, field: token}}", section)
	_, byARN := parsed(t, "{aws: {secret: '"+aws.ToString(made.ARN)+"', field: token}}", section)
	_, absent := parsed(t, "{aws: {secret: nowhere}}", section)
	r := resolver(c, e, nil)
	if got, err := r.Resolve(t.Context(), byName); err != nil || got != "first" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String("prod/exhibit"), SecretString: aws.String(`{"token":"second"}`)}); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Resolve(t.Context(), byARN); err != nil || got != "second" {
		t.Errorf("%q, %v", got, err)
	}
	got, err := r.Resolve(t.Context(), absent)
	wantErr(t, got, err, "no such secret")
}
