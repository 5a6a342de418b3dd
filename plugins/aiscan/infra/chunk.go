package infra

// Chunk is a piece of source code inside a file of another format: a cell of a
// notebook, a block in a document that is run.
type Chunk struct {
	Language string // py r js sql sh scala java julia …; as fact.Group has it
	Text     string
	Line     int // of the file, from 1, at which Text begins
}

// Code returns the pieces of source code of a file, in order: nil when its
// format holds none. Outputs and prose are no code. An error stands beside the
// chunks that were read before it.
func Code(path string, data []byte) ([]Chunk, error) {
	n := nameOf(path)
	for _, read := range chunkFormats {
		if r := read(n, data); r != nil {
			return r(data)
		}
	}
	return nil, nil
}

var chunkFormats = [...]func(name, []byte) func([]byte) ([]Chunk, error){}
