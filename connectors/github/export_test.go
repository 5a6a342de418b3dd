package github

import (
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// ParseConfig takes settings and secrets as a run does.
func ParseConfig(c connector.Config) error {
	_, err := parseConfig(c, time.Now())
	return err
}

// Defaults returns the code's defaults under the names of the settings.
func Defaults() map[string]any {
	return map[string]any{"base_url": defaultBaseURL, "lookback_days": float64(defaultLookbackDays), "concurrency": float64(defaultConcurrency),
		"requests_per_second": float64(defaultBudget), "max_wait_seconds": float64(defaultMaxWait),
		"sbom_per_run": float64(defaultFurther().SBOMPerRun), "sbom_reports": defaultFurther().SBOMReports, "audit_include": defaultFurther().AuditInclude,
		"scan_code": defaultFurther().ScanCode, "scan_max_mb": float64(defaultFurther().ScanMaxMB)}
}
