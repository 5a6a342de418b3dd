package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/configfile"
)

type cosignOptions struct {
	witness string
	key     string
}

func newCosignCommand(g *globals) *cobra.Command {
	var o cosignOptions
	c := &cobra.Command{
		Use:   "cosign",
		Short: "Have witnesses cosign the newest checkpoint (C2SP tlog-witness)",
		Long: `Gives the signed checkpoint to a witness with a proof that it continues what the
witness saw last. The witness remembers one checkpoint of each ledger and cosigns only what continues
it: a ledger that was rewritten, or shown in two versions to two people, finds no witness. Its
cosignature carries a time. The witness learns the number of entries and a hash, nothing else.

The witness's operator has to know the ledger first: hand over what exhibit ledger key prints, and
obtain the witness's verifier key (name+id+key) in return.

The answer counts only if it is a cosignature of exactly this checkpoint by exactly that key. Exit
code 12 says that the witness saw more, or other, entries than this ledger has. Signatures of the kind
cosignature/v1 (Ed25519) are understood. The configuration names witnesses as ledger.witnesses.`,
		Example: `  exhibit ledger cosign --witness https://witness.example.net --witness-key witness.pub
  exhibit ledger cosign             # all witnesses of the configuration`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runCosign(c.Context(), g, o) },
	}
	c.Flags().StringVar(&o.witness, "witness", "", "`URL` of a witness (default those of the configuration)")
	c.Flags().StringVar(&o.key, "witness-key", "", "its verifier `key`, name+id+key, or a file that holds it")
	return c
}

func runCosign(ctx context.Context, g *globals, o cosignOptions) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	witnesses, err := witnessesOf(cfg, o)
	if err != nil {
		return err
	}
	a, err := g.openAttestor(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	var failed []error
	for _, w := range witnesses {
		c, err := a.client.Cosign(ctx, w, a.log, a.seenBy(w))
		if err == nil {
			err = a.record(ctx, attest.Attestation{Kind: attest.KindCosignature, Cosignature: c}, attest.Trust{Witnesses: map[string]bool{c.Key: true}})
		}
		failed = append(failed, err)
	}
	return a.finish(failed...)
}

// seenBy is the size that a witness cosigned last, as far as the ledger says.
func (a *attestor) seenBy(w attest.Witness) int64 {
	var size int64
	for _, at := range a.before {
		if at.Cosignature != nil && at.Cosignature.Key == w.Key.String() {
			size = max(size, at.Checkpoint.Size)
		}
	}
	return size
}

func witnessesOf(cfg *configfile.Config, o cosignOptions) ([]attest.Witness, error) {
	list := cfg.Ledger.Witnesses
	switch {
	case (o.witness == "") != (o.key == ""):
		return nil, usageError{errors.New("--witness and --witness-key belong together"), "the operator of a witness publishes both"}
	case o.witness != "":
		list = []configfile.Witness{{URL: o.witness, Key: keyOrFile(o.key)}}
	case len(list) == 0:
		return nil, usageError{errors.New("no witness is named"), "give --witness and --witness-key, or ledger.witnesses in the configuration"}
	}
	var out []attest.Witness
	for _, w := range list {
		key, err := attest.ParseWitnessKey(w.Key)
		if err != nil {
			return nil, usageError{err, "the operator of the witness publishes it: name+id+key, on one line"}
		}
		out = append(out, attest.Witness{URL: w.URL, Key: key})
	}
	return out, nil
}

// keyOrFile reads the file of that name, if there is one. A verifier key is
// public, and no file's name.
func keyOrFile(s string) string {
	if b, err := os.ReadFile(s); err == nil {
		return strings.TrimSpace(string(b))
	}
	return s
}
