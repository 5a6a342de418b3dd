package aiscan

// asset tells whether a file is a prompt or another part of an AI system that
// the tree holds as a file.
func (w *worker) asset(c *content, path string, b []byte) {
	kind := assetKind(path, b)
	if kind == "" {
		return
	}
	c.Asset = &Asset{SHA256: digest(b), Kind: kind}
}
