package agent

const nodeVar = "EXHIBIT_TEST_NODE"

func nodeMain() int { return 0 }
