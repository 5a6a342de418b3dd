package github

// Defaults returns the code's defaults under the names of the settings.
func Defaults() map[string]any {
	return map[string]any{"base_url": defaultBaseURL, "lookback_days": float64(defaultLookbackDays), "concurrency": float64(defaultConcurrency),
		"requests_per_second": float64(defaultBudget), "max_wait_seconds": float64(defaultMaxWait),
		"sbom_per_run": float64(defaultFurther().SBOMPerRun), "sbom_reports": defaultFurther().SBOMReports, "audit_include": defaultFurther().AuditInclude}
}
