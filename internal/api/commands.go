package api

// CommandsKey is where an operation's description names the commands that do the
// same.
const CommandsKey = "x-exhibit-commands"

// commandsOf names the commands that do what an operation does. What only a
// program asks for (the search, events …) has none.
func commandsOf(id string) []string {
	return map[string][]string{
		"assessment": {"assess"}, "controls": {"status", "assess"}, "results": {"status", "assess"}, "control": {"status"},
		"changes": {"status"}, "period": {"assess", "status"},
		"expectations": {"catalog explain"}, "explain-expectation": {"catalog explain"}, "explain-control": {"catalog explain"}, "explain-kind": {"catalog explain"},
		"catalog-coverage": {"catalog coverage"}, "crosswalk": {"crosswalk"}, "templates": {"template"}, "template": {"template"},
		"findings": {"findings"}, "finding": {"findings show"}, "findings-report": {"findings report"}, "acknowledge-finding": {"findings acknowledge"},
		"assign-finding": {"findings assign"}, "grade-finding": {"findings grade"}, "today": {"today"},
		"systems": {"register show"}, "register": {"register show"}, "register-profile": {"register profile"}, "register-check": {"register check"}, "attest-system": {"register attest"},
		"trace": {"trace"}, "questions": {"ask"}, "ask": {"ask"}, "plan": {"plan"}, "readiness": {"readiness"}, "bodies": {"bodies"},
		"populations": {"populations"}, "population": {"populations"}, "population-items": {"populations"}, "draw-sample": {"sample"}, "retest": {"retest"},
		"gaps": {"gaps"}, "push-records": {"import"}, "sources": {"agent status"}, "run-source": {"collect", "agent run"}, "pause-source": {"agent pause"}, "resume-source": {"agent resume"},
		"waivers": {"waive list"}, "waiver": {"waive show"}, "request-waiver": {"waive request"}, "approve-waiver": {"waive approve"}, "reject-waiver": {"waive reject"}, "revoke-waiver": {"waive revoke"},
		"statement": {"applicability show"}, "statement-diff": {"applicability diff"}, "statement-template": {"applicability template"},
		"propose-statement": {"applicability propose"}, "approve-statement": {"applicability approve"},
		"reviews": {"review list"}, "review": {"review show"}, "review-file": {"review show"}, "submit-review": {"review submit"}, "accept-review": {"review accept"},
		"reject-review": {"review reject"}, "auditors-notes": {"review notes"},
		"shadow": {"shadow list"}, "shadow-case": {"shadow show"}, "shadow-draft": {"shadow draft"}, "shadow-coverage": {"shadow coverage"},
		"decide-shadow": {"shadow decide"}, "approve-shadow": {"shadow approve"},
		"order-export": {"export workbook", "export bundle", "export csv", "export html", "export soa", "export oscal", "export mlbom"}, "handed-out": {"export list"},
		"checkpoint": {"ledger checkpoint", "ledger key"}, "proof": {"ledger prove"}, "consistency": {"ledger consistency"}, "attestations": {"ledger attestations"},
		"notifications": {"notify status"}, "tickets": {"tickets list"}, "roles": {"access roles"}, "describe": {"api openapi"},
	}[id]
}
