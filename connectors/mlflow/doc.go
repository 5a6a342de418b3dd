// Package mlflow reads an MLflow model registry and the runs behind it:
// registered models, every version with stage, aliases and tags, what the
// organisation takes as a version's approval, and the runs that made or tested
// a version with their metrics, data sets and commit.
//
// It imports plugins/, never internal/. It promises that an empty answer is
// believed only from a server that otherwise answers as MLflow does, that rows
// which the server leaves out are a gap as far as anything gives them away,
// and that a time which MLflow does not keep is never made up from one that it
// does.
package mlflow
