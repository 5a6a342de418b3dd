package mlflow

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// collection is one run.
type collection struct {
	cfg  *config
	req  connector.Request
	api  *api
	book *coverage.Book
	now  time.Time

	models map[string]*model // by name, as far as they were listed
	whole  bool              // the models were listed to their end
	queue  []queued          // versions with the run that made them
	tested map[string]bool   // keys of the evaluations that were emitted
}

// model is what of a registered model is needed with its versions.
type model struct {
	tags    map[string]string
	aliases map[string][]string // by version, sorted
	latest  map[string]bool     // versions that the model itself names
}

func registryKinds() []string {
	return []string{records.KindModel, records.KindModelVersion, records.KindModelApproval}
}

func runKinds() []string { return []string{records.KindLineage, kindEvaluation} }

func allKinds() []string { return append(registryKinds(), runKinds()...) }

// Collect lists every model and version, because neither an alias nor a tag
// leaves a mark in the times that MLflow keeps, and reads the runs that it has
// not read yet.
func (conn *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	book := coverage.New(conn.Describe(), req, emit)
	api, err := newAPI(cfg, conn.clock, book.Counter())
	if err != nil {
		return nil, err
	}
	c := &collection{cfg: cfg, req: req, api: api, book: book, now: time.Now().UTC(), models: map[string]*model{}, tested: map[string]bool{}}
	if err := c.run(ctx); err != nil {
		return nil, coverageError(ctx, err)
	}
	return book.Result(), nil
}

// coverageError is the error that Collect returns: the emitter's as it is.
func coverageError(ctx context.Context, err error) error {
	if fatal := coverage.Fatal(ctx, err); fatal != nil {
		return fatal
	}
	return err
}

func (c *collection) run(ctx context.Context) error {
	c.ask()
	if err := c.unread(); err != nil {
		return err
	}
	if err := c.listModels(ctx); err != nil {
		return err
	}
	if len(c.book.Wants(records.KindModelVersion, records.KindModelApproval, records.KindLineage, kindEvaluation)) > 0 {
		whole, err := c.listVersions(ctx)
		if err != nil {
			return err
		}
		if err := c.runsOfVersions(ctx, whole); err != nil {
			return err
		}
	}
	return c.evaluations(ctx)
}

// ask writes down what is asked of the server.
func (c *collection) ask() {
	where := "MLflow at " + c.cfg.root.String() + ": "
	c.book.Query(where+"registered-models/search", records.KindModel)
	c.book.Query(where+"registered-models/search for the aliases, model-versions/search for every stage", records.KindModelVersion)
	c.book.Query(where+"runs/get of the run of each version", runKinds()...)
	if len(c.cfg.Evaluation.Experiments) > 0 {
		c.book.Query("runs/search in "+strings.Join(c.cfg.Evaluation.Experiments, ", "), kindEvaluation)
	}
	sign := "nothing was named that means approval, so none was looked for"
	if a := c.cfg.Approval; a != nil {
		sign = a.sign() + " of each version; the state as read, so that changes between two runs may be missed"
	}
	c.book.Query(where+sign, records.KindModelApproval)
	c.book.Enumerated(records.KindModel, records.KindModelVersion)
}

// unread says what this API does not show.
func (c *collection) unread() error {
	if !c.cfg.databricks() {
		return nil
	}
	return c.book.Gap(connector.Gap{Kinds: allKinds(), Scope: "models in Unity Catalog", Reason: connector.Unsupported,
		Detail: "this is the workspace's own model registry; models in Unity Catalog answer elsewhere and were not read"})
}

// key joins the parts of a natural key.
func key(parts ...string) string {
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(p, "|", "%7C")
	}
	return strings.Join(parts, "|")
}

// gapOf makes a gap with a detail of its own.
func (c *collection) gapOf(kinds []string, scope string, reason connector.Reason, format string, args ...any) error {
	return c.book.Gap(connector.Gap{Kinds: kinds, Scope: scope, Reason: reason, Detail: fmt.Sprintf(format, args...)})
}
