package records

// Typed returns, by kind, a zero value of the Go type that its payload is built
// from: the kinds that only a reading of a system can show. Those that people
// keep have a Shape.
func Typed() map[string]any {
	return map[string]any{
		KindModel: Model{}, KindModelVersion: ModelVersion{}, KindModelApproval: ModelApproval{}, KindDeployment: Deployment{},
		KindLineage: Lineage{}, KindModelCard: ModelCard{}, KindDocumentRevision: DocumentRevision{},
		KindTermsRevision: TermsRevision{}, KindModelLifecycle: ModelLifecycle{}, KindModelObservation: ModelObservation{},
		KindVendorIncident: VendorIncident{}, KindAPIKey: APIKey{}, KindVendorUsage: VendorUsage{}, KindVendorAuditLog: VendorAuditEvent{},
		KindDataControls: DataControls{}, KindVendorUser: VendorUser{}, KindVendorProject: VendorProject{},
		KindAIResource: AIResource{}, KindGuardrail: Guardrail{}, KindInvocationLogging: InvocationLogging{}, KindLogRetention: LogRetention{},
		KindSighting: Seen{}, KindActivity: Seen{}, KindCodeScan: CodeScan{}, KindCodeUsage: CodeUsage{}, KindModelReference: ModelReference{},
		KindPromptAsset: PromptAsset{}, KindCodeSecret: CodeSecret{},
		KindModelMonitor: ModelMonitor{}, KindDeploymentPolicy: DeploymentPolicy{}, KindCloudAuditEvent: CloudAuditEvent{},
	}
}
